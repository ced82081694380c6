"""The files of the city at hand: of the working folder, else of the city that comes with plansim.

The model, the plan's targets and the scenarios that come with plansim are in the package, under
``_data``, in a wheel; at the root of the repository in a checkout (an editable install, or ``sim``
on the import path). A city around the working folder, as `plansim model new` writes one, takes
their place. Nothing else needs to know which.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from plansim.errors import InputError, Message, UnknownNameError, nearest

__all__ = [
    "is_file",
    "is_folder",
    "is_shipped",
    "named_file",
    "packaged",
    "shipped",
    "shipped_model",
    "vendored",
]


def shipped(*parts: str) -> Path:
    """Return the path of a file or folder of the city at hand.

    ``parts`` are joined under the working folder, or the nearest one around it, that is a city's:
    that holds a folder ``model`` with one ``.mdl`` file, and a folder ``scenarios``. Without one
    as `packaged`.

    >>> shipped("model").is_dir()
    True
    """
    here = Path.cwd()
    city = next((folder for folder in (here, *here.parents) if _is_city(folder)), None)
    return packaged(*parts) if city is None else city.joinpath(*parts)


def _is_city(folder: Path) -> bool:
    return (folder / "scenarios").is_dir() and len(list((folder / "model").glob("*.mdl"))) == 1


def packaged(*parts: str) -> Path:
    """Return the path of a file or folder that comes with plansim, whatever city is at hand.

    ``parts`` are joined under the folder that holds ``model`` and ``scenarios``. Raises
    InputError if there is no such file or folder.

    >>> packaged("model", "targets.yaml").is_file()
    True
    """
    package = Path(__file__).parents[1]
    inside = package / "_data"
    path = (inside if inside.is_dir() else package.parents[1]).joinpath(*parts)
    if not path.exists():
        raise InputError("a file that comes with plansim is missing", file=path)
    return path


def is_shipped(path: Path) -> bool:
    """Return whether a file is one of the scenarios and designs that come with plansim.

    Its author has weighed what it sets; commands do not warn of a value in it that lies outside a
    plausible range.

    >>> is_shipped(shipped("scenarios", "baseline.yaml")), is_shipped(Path("baseline.yaml"))
    (True, False)
    """
    return path.resolve().is_relative_to(shipped("scenarios").resolve())


def is_file(path: Path) -> bool:
    """Return whether there is such a file; a name that no file can have is that of none.

    >>> is_file(shipped_model()), is_file(Path("a" * 999))
    (True, False)
    """
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Return whether there is such a folder; a name that no folder can have is that of none.

    >>> is_folder(shipped("model")), is_folder(Path("a" * 999))
    (True, False)
    """
    try:
        return path.is_dir()
    except OSError:
        return False


def named_file(name: str | Path, folder: str, unknown: Message) -> Path:
    """Return the path of a shipped YAML file of a folder of ``scenarios``, or the path ``name``.

    Raises:
        UnknownNameError: ``unknown``: no file bears the name.
    """
    path = Path(name)
    if path.suffix in {".yaml", ".yml"}:
        return path
    known = {path.stem: path for path in sorted(shipped("scenarios", folder).glob("*.yaml"))}
    if str(name) not in known:
        expected = Message("one of {names}, or a path", names=tuple(known))
        if not known:
            expected = Message("the path of a file")
        raise UnknownNameError(unknown, expected=expected, nearest=nearest(str(name), known))
    return known[str(name)]


def shipped_model() -> Path:
    """Return the path of the shipped model: the only ``.mdl`` file in the folder ``model``.

    Raises InputError if there is none, or more than one.

    >>> shipped_model().suffix
    '.mdl'
    """
    folder = shipped("model")
    models = sorted(folder.glob("*.mdl"))
    if len(models) != 1:
        names = tuple(path.name for path in models)
        found = Message("{names}", names=names) if names else Message("none")
        raise InputError(
            "there is not one shipped model", folder, expected=Message("one .mdl file"), found=found
        )
    return models[0]


@cache
def vendored(package: str, path: str, sha256: str) -> Path:
    """Return the path of a file that is used out of another package, which is not imported.

    The package is pinned for the sake of this one file; its hash says that it is the file that
    plansim was written for.

    Raises:
        InputError: the file is missing, or is another one.
    """
    spec = find_spec(package)
    folder = Path(spec.origin).parent if spec and spec.origin else Path(package)
    file = folder / path
    if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
        raise InputError(
            "the package '{package}' does not have the file that plansim was written for, "
            "of SHA-256 {sha256}",
            file=file,
            package=package,
            sha256=sha256,
        )
    return file
