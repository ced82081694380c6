"""Reading of files that others name, which may be pipes, devices or of any size; tables in CSV."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import itertools
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from plansim.errors import Fault, InputError, Message, foreign
from plansim.files.escaping import without_controls

__all__ = ["MOST_BYTES", "CsvTable", "read_csv", "read_regular", "reason_of"]


MOST_BYTES = 200_000_000
"""Maximum size of a table or workbook in bytes."""


def read_regular(path: Path, most: int = MOST_BYTES) -> bytes:
    """Return the bytes of a regular file; a pipe or a device is neither waited for nor read.

    Raises:
        OSError: the path is no regular file, has more than ``most`` bytes, or cannot be read.
        ValueError: no file can have the path.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as stream:
        mode = os.fstat(stream.fileno()).st_mode
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        raw = stream.read(most + 1)
    if len(raw) > most:
        raise OSError(errno.EFBIG, f"more than {most // 10**6} MB", str(path))
    return raw


def reason_of(error: Exception) -> Message:
    """Return why a file cannot be read, in the system's words."""
    return foreign(getattr(error, "strerror", None) or error)


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


def read_csv(path: Path, required: Sequence[str] = (), separator: str = ",") -> CsvTable:
    """Read a CSV file. Blank lines are passed over, cells that a row lacks are empty.

    Comments may stand before the header. ``separator`` stands between cells.

    Raises:
        InputError: the file cannot be read, is too large or no CSV in UTF-8, lacks a column, or a
            row has too many cells.
    """
    try:
        raw = read_regular(path)
        text = io.StringIO(without_controls(raw.decode("utf-8-sig")), newline="")
        comments = tuple(itertools.takewhile(lambda line: line.startswith("#"), text))
        skipped = len(comments)
        text.seek(sum(map(len, comments)))
        reader = csv.reader(text, strict=True, delimiter=separator)
        columns = tuple(name.strip() for name in next(reader, []))
        lines = [
            (reader.line_num + skipped, [cell.strip() for cell in row]) for row in reader if row
        ]
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError("the table is not a CSV file", path, found=str(error)) from None
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        raise InputError("the table cannot be read", path, found=reason_of(error)) from None
    if missing := [name for name in required if name not in columns]:
        expected = Message("{columns}", columns=tuple(required))
        found = Message("no {names}", names=tuple(missing))
        raise InputError("the table lacks a column", path, 1, expected, found)
    if long := [(line, row[0]) for line, row in lines if len(row) > len(columns)]:
        expected = Message("text with a comma in quotation marks")
        raise InputError(
            Fault("the row has more cells than the table has columns", path, line, expected, first)
            for line, first in long[:100]
        )
    rows = tuple((line, row + [""] * (len(columns) - len(row))) for line, row in lines)
    return CsvTable(path, hashlib.sha256(raw).hexdigest(), columns, rows, comments)
