"""Small Vensim models as text, for the tests that read them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from plansim.model.reader import load_model
from plansim.model.records import Model

MODELS = Path(__file__).parents[1] / "toys" / "models"

CLOCK = """
INITIAL TIME= 2000 ~ Year ~ The middle of a year. [year-end] |
FINAL TIME= 2010 ~ Year ~ |
TIME STEP= 0.5 ~ Year ~ |
SAVEPER= TIME STEP ~ Year ~ |
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


def small_model(folder: Path, equations: str, **beside: str) -> Model:
    """Write equations with a clock, and beside them YAML files by their names; read the model."""
    for name, text in beside.items():
        (folder / f"{name}.yaml").write_text(text, "utf-8")
    return load_model(writer(folder)(equations))
