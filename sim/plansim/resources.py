"""Where the files that come with plansim lie: the model, the plan's targets, the scenarios.

In a wheel they are in the package, under ``_data``; in a checkout (an editable install, or
``sim`` on the import path) at the root of the repository. Nothing else needs to know which.
"""

from __future__ import annotations

from pathlib import Path

from plansim.errors import Fault, InputError

__all__ = ["is_shipped", "shipped", "shipped_model"]


def shipped(*parts: str) -> Path:
    """Give the path of a file or folder that comes with plansim.

    ``parts`` are joined under the folder that holds ``model`` and ``scenarios``. Raises
    InputError if there is no such file or folder.

    >>> shipped("model").is_dir()
    True
    """
    package = Path(__file__).parent
    inside = package / "_data"
    path = (inside if inside.is_dir() else package.parents[1]).joinpath(*parts)
    if not path.exists():
        raise InputError(Fault("a file that comes with plansim is missing", file=path))
    return path


def is_shipped(path: Path) -> bool:
    """Return whether a file is one of the scenarios and designs that come with plansim.

    Its author has weighed what it sets; commands do not warn of a value in it that lies outside a
    plausible range.

    >>> is_shipped(shipped("scenarios", "baseline.yaml")), is_shipped(Path("baseline.yaml"))
    (True, False)
    """
    return path.resolve().is_relative_to(shipped("scenarios").resolve())


def shipped_model() -> Path:
    """Give the path of the shipped model: the only ``.mdl`` file in the folder ``model``.

    Raises InputError if there is none, or more than one.

    >>> shipped_model().suffix
    '.mdl'
    """
    folder = shipped("model")
    models = sorted(folder.glob("*.mdl"))
    if len(models) != 1:
        found = ", ".join(path.name for path in models) or "none"
        raise InputError(
            Fault("there is not one shipped model", folder, expected="one .mdl file", found=found)
        )
    return models[0]
