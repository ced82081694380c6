"""The files that come with plansim, tables, and writing a file whole or not at all.

The model, the plan's targets and the scenarios are in the package, under ``_data``, in a wheel;
at the root of the repository in a checkout (an editable install, or ``sim`` on the import path).
Nothing else needs to know which.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from plansim.errors import (
    Fault,
    InputError,
    Message,
    OutputError,
    UnknownNameError,
    foreign,
    nearest,
)

__all__ = [
    "CsvTable",
    "check_destination",
    "is_shipped",
    "named_file",
    "read_csv",
    "shipped",
    "shipped_model",
    "vendored",
    "write_text",
    "writing_whole",
]

MOST_CSV = 200_000_000
"""Maximum size of a table in bytes."""


def shipped(*parts: str) -> Path:
    """Return the path of a file or folder that comes with plansim.

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
        raise UnknownNameError(Fault(unknown, expected=expected, nearest=nearest(str(name), known)))
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
            Fault(
                "there is not one shipped model",
                folder,
                expected=Message("one .mdl file"),
                found=found,
            )
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
            Fault(
                "the package '{package}' does not have the file that plansim was written for, "
                "of SHA-256 {sha256}",
                file=file,
                package=package,
                sha256=sha256,
            )
        )
    return file


@dataclass(frozen=True)
class CsvTable:
    """A CSV file with a header; all cells are texts without blanks around them."""

    path: Path
    sha256: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, list[str]], ...]
    """The line on which each row ends, and its cells, as many as there are columns."""
    comments: tuple[str, ...] = ()
    """The lines before the header that begin with ``#``."""

    def records(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield the line and the cells by column of each row."""
        for line, row in self.rows:
            yield line, dict(zip(self.columns, row, strict=True))


def read_csv(path: Path, required: Sequence[str] = ()) -> CsvTable:
    """Read a CSV file. Blank lines are passed over, cells that a row lacks are empty.

    Comments may stand before the header.

    Raises:
        InputError: the file cannot be read, is too large or no CSV in UTF-8, lacks a column, or a
            row has too many cells.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(MOST_CSV + 1)
        text = io.StringIO(raw.decode("utf-8-sig"), newline="")
        comments = tuple(itertools.takewhile(lambda line: line.startswith("#"), text))
        skipped = len(comments)
        text.seek(sum(map(len, comments)))
        reader = csv.reader(text, strict=True)
        columns = tuple(name.strip() for name in next(reader, []))
        lines = [
            (reader.line_num + skipped, [cell.strip() for cell in row]) for row in reader if row
        ]
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(Fault("the table is not a CSV file", path, found=str(error))) from None
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        why = foreign(getattr(error, "strerror", None) or error)
        raise InputError(Fault("the table cannot be read", path, found=why)) from None
    if len(raw) > MOST_CSV:
        raise InputError(
            Fault("the table is larger than {limit} MB", path, limit=MOST_CSV // 10**6)
        )
    if missing := [name for name in required if name not in columns]:
        expected = Message("{columns}", columns=tuple(required))
        found = Message("no {names}", names=tuple(missing))
        raise InputError(Fault("the table lacks a column", path, 1, expected, found))
    if long := [(line, row[0]) for line, row in lines if len(row) > len(columns)]:
        expected = Message("text with a comma in quotation marks")
        raise InputError(
            Fault("the row has more cells than the table has columns", path, line, expected, first)
            for line, first in long[:100]
        )
    rows = tuple((line, row + [""] * (len(columns) - len(row))) for line, row in lines)
    return CsvTable(path, hashlib.sha256(raw).hexdigest(), columns, rows, comments)


def check_destination(path: Path, *, force: bool = False, formats: Sequence[str] = ()) -> None:
    """See, before any work, that its result can be written to ``path``.

    ``formats`` are the suffixes of which the name must end with one, in lower case; none for any.

    Raises:
        OutputError: unknown suffix, no such folder, folder not writable, or the file exists and
            ``force`` is not given.
    """
    if path.is_dir():
        fault = Fault(
            "cannot write the output",
            file=path,
            expected=Message("a file"),
            found=Message("a folder"),
        )
    elif formats and path.suffix.lower() not in formats:
        fault = Fault(
            "unknown kind of output file",
            file=path,
            expected=Message("a name that ends with {suffixes}", suffixes=tuple(formats)),
            found=path.suffix or Message("no suffix"),
            nearest=nearest(path.suffix, formats) if path.suffix else None,
        )
    elif not path.parent.is_dir():
        fault = Fault(
            "cannot write the output", file=path, expected=Message("an existing folder"),
            found=Message("no folder {folder}", folder=path.parent),
        )  # fmt: skip
    elif not os.access(path.parent, os.W_OK | os.X_OK):
        fault = Fault(
            "cannot write the output", file=path,
            expected=Message("a folder that you may write to"),
            found=Message("no right to write to {folder}", folder=path.parent),
        )  # fmt: skip
    elif path.exists() and not force:
        fault = Fault("the output file exists already; --force replaces it", file=path)
    else:
        return
    raise OutputError(fault)


def write_text(text: str, path: Path, *, force: bool = False) -> None:
    """Write a text to ``path`` as UTF-8, whole or not at all.

    Raises:
        OutputError: as for `check_destination`, or the system refuses to write.
    """
    check_destination(path, force=force)
    with writing_whole(path) as part:
        part.write_text(text, "utf-8")


@contextlib.contextmanager
def writing_whole(path: Path) -> Iterator[Path]:
    """Return a temporary name beside ``path``; what is written there becomes ``path`` at the end.

    If anything is raised meanwhile, nothing is left behind and a file at ``path`` stays as it was.
    HDF5 ends the process, and zipfile shows a traceback, on a full disk: let them write to memory.

    Raises:
        OutputError: the system refuses to write.
    """
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix.lower()}")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        why = foreign(error.strerror or error)
        raise OutputError(Fault("cannot write the output", path, found=why)) from error
    finally:
        part.unlink(missing_ok=True)
