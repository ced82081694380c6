"""A user's own points: a CSV file with one column a factor and one row a point."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from plansim.errors import DesignError, Fault, Message
from plansim.targets.indicator import Floats

__all__ = ["DesignTable", "read_table"]

MOST_TABLE = 200_000_000
"""Maximum size of a table in bytes."""


@dataclass(frozen=True)
class DesignTable:
    """A user's own points."""

    names: tuple[str, ...]
    values: Floats
    sha256: str


def read_table(path: Path) -> DesignTable:
    """Read a CSV file of numbers with a header; blank lines are passed over."""
    with path.open("rb") as stream:
        raw = stream.read(MOST_TABLE + 1)
    if len(raw) > MOST_TABLE:
        raise DesignError(
            Fault("the table is larger than {limit} MB", path, limit=MOST_TABLE // 1000000)
        )
    try:
        reader = csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""), strict=True)
        names = [name.strip() for name in next(reader, [])]
        rows = [(reader.line_num, row) for row in reader if row]
    except (csv.Error, UnicodeDecodeError) as error:
        raise DesignError(Fault("the table is not a CSV file", path, found=str(error))) from None
    faults: list[Fault] = []
    values = np.full((len(rows), len(names)), np.nan)
    for index, (line, row) in enumerate(rows):
        if len(row) != len(names):
            cells = str(len(row))
            faults.append(
                Fault(
                    "a row of another length",
                    path,
                    line,
                    Message("{count} numbers", count=len(names)),
                    cells,
                )
            )
            continue
        for column, cell in enumerate(row):
            with contextlib.suppress(ValueError):
                values[index, column] = float(cell)
            if not math.isfinite(values[index, column]):
                message = Message("'{name}' is not a finite number", name=names[column])
                faults.append(Fault(message, path, line, found=cell or Message("nothing")))
    if not rows:
        faults.append(Fault("the table has no rows", path))
    if faults:
        raise DesignError(faults[:100])
    return DesignTable(tuple(names), values, hashlib.sha256(raw).hexdigest())
