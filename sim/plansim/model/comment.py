"""The convention that a variable's comment may keep beside what Vensim itself knows.

::

    中文名。中文句子。A sentence that says what it is. [M01] [E090: 0.06–0.12]
    [A: 0.4–0.6 中文理由。reason] [year-end]

The Chinese name ends at the first ``。``; what follows up to the last one is the meaning in
Chinese, of one sentence or more, and the rest is the meaning in English. Tags are at the end:
``year-end`` says when the variable is read, every other tag names a source. A range right after a
source's colon (an en dash or ``..`` between two numbers) is the plausible one, in the variable's
unit; words after it are the reason, in Chinese up to the last ``。`` and in English from there on.
Either language may be missing. The comment of a subscript range may name its elements in Chinese:
``[zh: 农业, 工业]``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from types import MappingProxyType

from plansim.errors import FaultLog, InputError, Message
from plansim.files.reading import read_csv

__all__ = ["Comment", "Evidence", "Source", "load_evidence", "read_comment", "read_source"]


_STOP = "。"
_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_PLAUSIBLE = re.compile(rf"\s*({_NUMBER})\s*(?:–|\.\.)\s*({_NUMBER})(?!\w|\.[0-9]|\s*[%‰])")
_HAN = r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]"
_BETWEEN_HAN = re.compile(rf"(?<={_HAN})\s+(?={_HAN})")


@dataclass(frozen=True)
class Comment:
    """The parts of a comment; without the convention it is all meaning, in English."""

    name_zh: str
    meaning_en: str
    meaning_zh: str
    sources: tuple[str, ...]
    plausible: tuple[float, float] | None
    year_end: bool
    elements_zh: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """A tag that names a source, taken apart."""

    id: str
    """``E090``, or ``A`` for an assumption and ``D`` for what is derived."""
    span: str
    """The range as written; empty if there is none."""
    plausible: tuple[float, float] | None
    """The range, in the variable's unit."""
    reason_en: str
    reason_zh: str
    """Without the ``。`` that ends it."""

    @property
    def said_en(self) -> str:
        """The range and the reason, in Chinese if there is no English one."""
        return _after(self.span, self.reason_en or self.reason_zh)

    @property
    def said_zh(self) -> str:
        """The range and the reason, in English if there is no Chinese one."""
        return _after(self.span, self.reason_zh or self.reason_en)


def read_comment(text: str) -> Comment:
    """Take a comment apart.

    >>> read_comment("出生率。Births per resident. [E001: 0.01–0.014] [A: a guess]").plausible
    (0.01, 0.014)
    >>> read_comment("出生率。每人每年出生数。Births per resident. [A]").meaning_zh
    '每人每年出生数。'
    """
    end = len(text.rstrip())
    tags: list[str] = []
    while text.endswith("]", 0, end) and (start := text.rfind("[", 0, end)) >= 0:
        tags.append(_flowing(text[start + 1 : end - 1]))
        end = start
        while end > 0 and text[end - 1].isspace():
            end -= 1
    tags.reverse()
    name_zh, stop, meaning = _flowing(text[:end]).partition(_STOP)
    if not stop:
        name_zh, meaning = "", name_zh
    meaning_zh, meaning_en = _in_two(meaning)
    sources = tuple(tag for tag in tags if tag != "year-end" and not tag.startswith("zh:"))
    ranges = (read_source(tag).plausible for tag in sources)
    chinese = next((tag.removeprefix("zh:") for tag in tags if tag.startswith("zh:")), "")
    return Comment(
        name_zh=name_zh.strip(),
        meaning_en=meaning_en,
        meaning_zh=meaning_zh,
        sources=sources,
        plausible=next((found for found in ranges if found), None),
        year_end="year-end" in tags,
        elements_zh=tuple(part.strip() for part in re.split("[,，、]", chinese) if part.strip()),
    )


def read_source(tag: str) -> Source:
    """Take a tag that names a source apart.

    >>> source = read_source("A: 0.4–0.6 猜测。a guess")
    >>> source.id, source.plausible, source.said_en, source.said_zh
    ('A', (0.4, 0.6), '0.4–0.6 a guess', '0.4–0.6 猜测')
    """
    key, _, said = (part.strip() for part in tag.partition(":"))
    found = _PLAUSIBLE.match(said)
    span = found[0] if found else ""
    reason_zh, reason_en = _in_two(said[len(span) :])
    plausible = (float(found[1]), float(found[2])) if found else None
    return Source(key, span, plausible, reason_en, reason_zh.removesuffix(_STOP))


def _after(span: str, reason: str) -> str:
    """Put a reason after a range; a comma or a stop may begin it."""
    return (
        span + reason
        if not span or reason.startswith((",", ".", ";"))
        else f"{span} {reason}".strip()
    )


def _in_two(text: str) -> tuple[str, str]:
    """Part the Chinese, which ends with the last full stop of its own, from the English."""
    chinese, stop, english = text.rpartition(_STOP)
    return (chinese + stop).strip(), english.strip()


def _flowing(text: str) -> str:
    """Undo the wrapping of lines: between Chinese characters a line break is no space."""
    if "\n" in text:
        text = _BETWEEN_HAN.sub(lambda gap: "" if "\n" in gap[0] else " ", text)
    return " ".join(text.split())


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
