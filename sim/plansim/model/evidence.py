"""The table of evidence beside a model: what the source ids in its comments stand for."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from types import MappingProxyType

from plansim.errors import Fault, FaultLog, InputError, Message

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


_COLUMNS = tuple(each.name for each in fields(Evidence))
_REQUIRED = tuple(each.name for each in fields(Evidence) if each.default is MISSING)


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
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            _check_columns(reader.fieldnames or (), log)
            found = {row.id: row for row in _rows(reader, log)}
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(Fault("not a table of evidence", path, found=str(error))) from error
    if log:
        raise InputError(log.by_line())
    return MappingProxyType(found)


def _check_columns(columns: Sequence[str], log: FaultLog) -> None:
    missing = [name for name in _REQUIRED if name not in columns]
    if missing:
        found = Message("no {names}", names=tuple(missing))
        log.fault(
            "the table of evidence lacks a column",
            1,
            Message("{names}", names=tuple(_REQUIRED)),
            found,
        )
        raise InputError(log.by_line())  # its rows would all be at fault
    # Any other column is a table's own; one of these is a slip, and its Chinese would be lost.
    for name in columns:
        if name.endswith(CHINESE) and name not in _COLUMNS:
            known = [each for each in _COLUMNS if each.endswith(CHINESE)]
            log.fault(
                "no column of the evidence is Chinese for that",
                line=1,
                expected=Message("{names}", names=tuple(known)),
                found=name,
                nearest=log.nearest(name, known),
            )


def _rows(reader: csv.DictReader[str], log: FaultLog) -> Iterator[Evidence]:
    """Give the rows; a fault is told with the line on which its row ends."""
    lines: dict[str, int] = {}
    for cells in reader:
        row = Evidence(**{name: (cells.get(name) or "").strip() for name in _COLUMNS})
        if None in cells:  # where DictReader keeps what is over
            log.fault("the row has more cells than the table has columns", reader.line_num,
                    Message("text with a comma in quotation marks"), row.id or None)  # fmt: skip
        elif not row.id:
            log.fault("the row has no id", reader.line_num)
        elif row.id in lines:
            first = Message("a first one on line {line}", line=lines[row.id])
            log.fault("the id {id} stands twice", reader.line_num, found=first, id=row.id)
        lines.setdefault(row.id, reader.line_num)
        yield row
