"""The table of evidence beside a model: what the source ids in its comments stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from types import MappingProxyType

from plansim.errors import FaultLog, InputError, Message
from plansim.files.csv_table import read_csv

__all__ = ["Evidence", "load_evidence"]

FILE_NAME = "evidence.csv"
CHINESE = "_zh"


@dataclass(frozen=True)
class Evidence:
    """A figure with its source, as the table has it; all parts are texts and may be empty.

    A part that ends in ``_zh`` says the same in Chinese. It is empty where both languages write
    alike: a number, a sign of a unit, a citation. A table may lack these columns.
    """

    id: str
    quantity: str
    place: str
    year: str
    value: str
    unit: str
    source: str
    confidence: str
    use: str
    quantity_zh: str = ""
    place_zh: str = ""
    year_zh: str = ""
    value_zh: str = ""
    unit_zh: str = ""
    source_zh: str = ""
    confidence_zh: str = ""


_COLUMNS = tuple(column.name for column in fields(Evidence))
_REQUIRED = tuple(column.name for column in fields(Evidence) if column.default is MISSING)


def load_evidence(folder: Path) -> Mapping[str, Evidence]:
    """Read ``evidence.csv`` in the folder of a model, by id; empty if there is no such file.

    Raises:
        InputError: the file is not a table with the columns of `Evidence`, those in Chinese
            apart, or a row has no id of its own or more cells than there are columns.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return MappingProxyType({})
    log = FaultLog(path)
    table = read_csv(path, _REQUIRED)
    # Any other column is a table's own; one of these is a slip, and its Chinese would be lost.
    known = [name for name in _COLUMNS if name.endswith(CHINESE)]
    for name in table.columns:
        if name.endswith(CHINESE) and name not in known:
            log.fault(
                "no column of the evidence is Chinese for that",
                line=1,
                expected=Message("{names}", names=tuple(known)),
                found=name,
                nearest=log.nearest(name, known),
            )
    rows: dict[str, Evidence] = {}
    lines: dict[str, int] = {}
    for line, cells in table.records():
        row = Evidence(**{name: cells.get(name, "") for name in _COLUMNS})
        if not row.id:
            log.fault("the row has no id", line)
        elif row.id in rows:
            first = Message("a first one on line {line}", line=lines[row.id])
            log.fault("the id {id} is given twice", line, found=first, id=row.id)
        lines.setdefault(row.id, line)
        rows.setdefault(row.id, row)
    if log:
        raise InputError(log.by_line())
    return MappingProxyType(rows)
