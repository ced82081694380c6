"""The convention that a variable's comment may keep beside what Vensim itself knows.

::

    中文名。A sentence that says what it is. [M01] [E090: 0.06–0.12] [A: 0.4–0.6 reason] [year-end]

The Chinese name ends at the first ``。``. Tags stand at the end: ``year-end`` says when the
variable is read, every other tag names a source. A range right after a source's colon (an en dash
or ``..`` between two numbers) is the plausible one, in the variable's unit; words after it are the
reason. The comment of a subscript range may name its elements in Chinese: ``[zh: 农业, 工业]``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Comment", "read_comment"]

_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_PLAUSIBLE = re.compile(rf"\s*({_NUMBER})\s*(?:–|\.\.)\s*({_NUMBER})(?!\w|\.[0-9]|\s*[%‰])")
_HAN = r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]"
_BETWEEN_HAN = re.compile(rf"(?<={_HAN})\s+(?={_HAN})")


@dataclass(frozen=True)
class Comment:
    """The parts of a comment; without the convention it is all meaning."""

    name_zh: str
    meaning: str
    sources: tuple[str, ...]
    plausible: tuple[float, float] | None
    year_end: bool
    elements_zh: tuple[str, ...]


def read_comment(text: str) -> Comment:
    """Take a comment apart.

    >>> read_comment("出生率。Births per resident. [E001: 0.01–0.014] [A: a guess]").plausible
    (0.01, 0.014)
    """
    end = len(text.rstrip())
    tags: list[str] = []
    while text.endswith("]", 0, end) and (start := text.rfind("[", 0, end)) >= 0:
        tags.append(_flowing(text[start + 1 : end - 1]))
        end = start
        while end > 0 and text[end - 1].isspace():
            end -= 1
    tags.reverse()
    name_zh, stop, meaning = _flowing(text[:end]).partition("。")
    if not stop:
        name_zh, meaning = "", name_zh
    sources = tuple(tag for tag in tags if tag != "year-end" and not tag.startswith("zh:"))
    ranges = (_PLAUSIBLE.match(source.partition(":")[2]) for source in sources)
    chinese = next((tag.removeprefix("zh:") for tag in tags if tag.startswith("zh:")), "")
    return Comment(
        name_zh=name_zh.strip(),
        meaning=meaning.strip(),
        sources=sources,
        plausible=next(((float(m[1]), float(m[2])) for m in ranges if m), None),
        year_end="year-end" in tags,
        elements_zh=tuple(part.strip() for part in re.split("[,，、]", chinese) if part.strip()),
    )


def _flowing(text: str) -> str:
    """Undo the wrapping of lines: between Chinese characters a line break is no space."""
    joined = _BETWEEN_HAN.sub(lambda gap: "" if "\n" in gap[0] else " ", text)
    return " ".join(joined.split())
