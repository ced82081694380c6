"""A small city to start from, written into a folder."""

from __future__ import annotations

import re
from pathlib import Path

from plansim.errors import InputError, Message
from plansim.files.writing import write_folder

__all__ = ["new_city"]

TEMPLATE = Path(__file__).with_name("new_city")
"""The city as it is written, but for its name."""
EN, ZH = "Newtown", "新城"
_NAME = re.compile(r"\w[\w .·-]*")


def new_city(folder: str | Path, name: str | None = None) -> Path:
    """Write a small city into a new or empty folder, and return the path of its model.

    The model has two stocks, one lever and one loop; beside it stand targets, tests, sources and
    charts, in ``scenarios`` a baseline, a story and an equilibrium. All figures are invented.
    Commands that are run in the folder are about this city.

    Args:
        folder: the folder; the one around it must exist.
        name: what the city is called; by default as the folder.

    Raises:
        InputError: the name has signs that files of a city cannot have.
        OutputError: the folder is not empty, or cannot be written.

    >>> model = plansim.load_model(plansim.new_city("riverside"))
    >>> model.name, [target.id for target in plansim.load_targets(model=model)]
    ('riverside', ['M01', 'M02'])
    """
    path = Path(folder)
    called = path.absolute().name if name is None else name.strip()
    if not _NAME.fullmatch(called):
        raise InputError(
            "a city cannot be called '{name}'",
            expected=Message("letters, digits, blanks, dots and hyphens"),
            name=called,
        )
    stem = re.sub(r"\s+", "-", called.lower())
    files = {
        str(file.relative_to(TEMPLATE)).replace(EN.lower(), stem): file.read_text("utf-8")
        .replace(f"{EN} · {ZH}", called)
        .replace(EN, called)
        .replace(ZH, called)
        for file in sorted(TEMPLATE.rglob("*"))
        if file.is_file()
    }
    write_folder(files, path, front=None)
    return path / "model" / f"{stem}.mdl"
