"""Line breaking in Chinese and English.

rich breaks lines only at spaces, which Chinese does not have. It may be broken between any two
characters, but not before a closing mark nor after an opening one.
"""

from __future__ import annotations

import re
from itertools import pairwise

from rich.cells import cell_len, chop_cells

__all__ = ["breaks", "shortened", "unbroken", "wrap"]

_OPENING, _CLOSING = "（《「『【“‘(\\[", "，。、；：！？）》」』】”’％%)\\]"
_WIDE = (
    "\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60"
)
"""Characters that take two columns."""
_PIECE = re.compile(rf"\s*[{_OPENING}]*(?:[{_WIDE}]|[^\s{_WIDE}]+)[{_CLOSING}]*\s*")
"""An unbreakable piece: a word or a wide character, with its adjacent marks."""


def breaks(text: str, width: int) -> list[int]:
    """Return the offsets at which ``text`` is broken into lines of at most ``width`` columns.

    A space at the end of a line is not counted; a piece that is longer than a line is cut.
    """
    breaks: list[int] = []
    used = 0
    for piece in _PIECE.finditer(text):
        word = piece[0]
        if used and used + cell_len(word.rstrip()) > width:
            breaks.append(piece.start())
            used = 0
        if cell_len(word.rstrip()) > width:
            *full, word = chop_cells(word.rstrip(), width)
            at = piece.start()
            for part in full:
                at += len(part)
                breaks.append(at)
            word += " " * (piece.end() - at - len(word))
        used += cell_len(word)
    return breaks


def unbroken(text: str) -> int:
    """Return the width of the widest piece that is broken only if a line has no room for it.

    >>> unbroken("natural growth rate"), unbroken("城镇居民（人均）")
    (7, 4)
    """
    return max((cell_len(piece[0].rstrip()) for piece in _PIECE.finditer(text)), default=0)


def shortened(text: str, width: int) -> str:
    """Cut what is longer than ``width`` columns, and say so by three dots.

    >>> shortened("natural growth rate", 16), shortened("城镇居民可支配收入", 10)
    ('natural growth…', '城镇居民…')
    """
    if cell_len(text) <= width:
        return text
    return text[: breaks(text, width - 1)[0]].rstrip() + "…"


def wrap(text: str, width: int) -> list[str]:
    """Break ``text`` into lines of at most ``width`` columns of a terminal.

    >>> wrap("natural growth rate", 14)
    ['natural growth', 'rate']
    >>> wrap("城镇居民（人均）可支配收入", 10)
    ['城镇居民', '（人均）可', '支配收入']
    >>> wrap("与“规划”相比", 4), wrap("用工需求[服务业]", 9)
    (['与', '“规', '划”', '相比'], ['用工需求', '[服务业]'])
    """
    ends = [0, *breaks(text, width), len(text)]
    return [text[start:stop].strip() for start, stop in pairwise(ends)]
