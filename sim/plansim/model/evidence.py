"""The table of evidence beside a model: what the source ids in its comments stand for."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from plansim.errors import Fault, InputError

__all__ = ["Evidence", "load_evidence"]

FILE_NAME = "evidence.csv"


@dataclass(frozen=True)
class Evidence:
    """A figure with its source, as the table has it; all parts are texts and may be empty."""

    id: str
    quantity: str
    place: str
    year: str
    value: str
    unit: str
    source: str
    confidence: str
    use: str

    def __str__(self) -> str:
        where = " ".join(part for part in (self.place, self.year) if part)
        what = ", ".join(part for part in (self.quantity, where) if part)
        figure = " ".join(part for part in (self.value, self.unit) if part)
        said = f"{what}: {figure}" if figure else what
        source = f". {self.source}" if self.source else ""
        confidence = f" (confidence: {self.confidence})" if self.confidence else ""
        return f"{said}{source}{confidence}"


def load_evidence(folder: Path) -> Mapping[str, Evidence]:
    """Read ``evidence.csv`` in the folder of a model, by id; empty if there is no such file.

    Raises:
        InputError: the file is not a table with the columns of `Evidence`.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return MappingProxyType({})
    columns = tuple(Evidence.__dataclass_fields__)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise InputError(
                    Fault(
                        "the table of evidence lacks a column",
                        path,
                        line=1,
                        expected=", ".join(columns),
                        found="no " + ", ".join(missing),
                    )
                )
            rows = [
                Evidence(**{name: (row[name] or "").strip() for name in columns}) for row in reader
            ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(Fault("not a table of evidence", path, found=str(error))) from error
    return MappingProxyType({row.id: row for row in rows})
