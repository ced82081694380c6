"""Columns of a terminal: how many a text takes, and where it may be broken.

A Chinese character takes two. Apart from `table`, so that help need not load what tables do.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

__all__ = ["columns", "wrap"]


def columns(text: str) -> int:
    """Count the terminal columns of ``text``; ambiguous characters take one, as is the default.

    >>> columns("GDP"), columns("亿元/年")
    (3, 7)
    """
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.combining(char) or unicodedata.category(char) == "Cf"
        else 2
        if unicodedata.east_asian_width(char) in "WF"
        else 1
        for char in text
    )


def wrap(text: str, width: int) -> list[str]:
    """Break ``text`` into lines of at most ``width`` terminal columns.

    Breaks at blanks and beside Chinese characters, never before a closing mark or after an
    opening one; a longer word is cut.

    >>> wrap("natural growth rate", 14)
    ['natural growth', 'rate']
    >>> wrap("城镇居民（人均）可支配收入", 10)
    ['城镇居民', '（人均）可', '支配收入']
    """
    lines: list[str] = []
    line = ""
    for word in _words(text):
        if columns(line + word.rstrip()) <= width:
            line += word
            continue
        if line.strip():
            lines.append(line.rstrip())
        line = word.lstrip()
        while columns(line.rstrip()) > width:
            cut = _fit(line, width)
            lines.append(line[:cut])
            line = line[cut:]
    if line.strip() or not lines:
        lines.append(line.rstrip())
    return lines


def _words(text: str) -> Iterable[str]:
    """Cut ``text`` where a line may break; blanks stay at the end of the word before."""
    word = ""
    for char in text:
        if word and _may_break(word[-1], char):
            yield word
            word = ""
        word += char
    if word:
        yield word


def _may_break(before: str, after: str) -> bool:
    if after.isspace():
        return False
    if before.isspace():
        return True
    if after in "，。、；：！？）》」』】％%)]" or before in "（《「『【":
        return False
    return columns(before) == 2 or columns(after) == 2


def _fit(text: str, width: int) -> int:
    """How many leading characters of ``text`` fit into ``width`` columns; at least one."""
    used = 0
    for index, char in enumerate(text):
        used += columns(char)
        if used > width:
            return max(index, 1)
    return len(text)
