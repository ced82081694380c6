"""Small Vensim models as text, for the tests that read them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

MODELS = Path(__file__).parents[1] / "toys" / "models"

CLOCK = """
INITIAL TIME= 2000 ~ Year ~ |
FINAL TIME= 2010 ~ Year ~ |
TIME STEP= 0.5 ~ Year ~ |
SAVEPER= TIME STEP ~ Year ~ The middle and the end of each year. [year-end] |
"""
"""The four control variables; append it, so that lines are counted from the text before."""

Write = Callable[[str], Path]


def writer(folder: Path) -> Write:
    """Give a function that writes equations and a clock into a model file of a folder."""

    def write(equations: str) -> Path:
        path = folder / "small.mdl"
        path.write_text(equations + CLOCK, encoding="utf-8")
        return path

    return write
