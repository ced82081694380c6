"""A user's own points: a CSV file with one column a factor and one row a point."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass, replace
from pathlib import Path

from plansim.errors import DesignError, Fault
from plansim.scenario.factors import Floats, numbers_of

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
    values = numbers_of(names, rows, faults)
    if not rows:
        faults.append(Fault("the table has no rows"))
    if faults:
        raise DesignError(replace(fault, file=path) for fault in faults[:100])
    return DesignTable(tuple(names), values, hashlib.sha256(raw).hexdigest())
