"""Texts as a terminal, a spreadsheet, or a JSON file may have them."""

from __future__ import annotations

import re

__all__ = ["for_json", "for_spreadsheet", "for_terminal", "without_controls"]


_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSEEN = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_BIDI}\u2028\u2029\ufeff\ud800-\udfff]")
"""Control characters but for tabs and line breaks, marks of direction, halves of characters."""
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
REPLACEMENT = "\ufffd"


def for_terminal(text: str) -> str:
    """Return a text without what a terminal would obey; the width stays.

    >>> for_terminal(chr(27) + "[31mred" + chr(0x202E))
    '�[31mred�'
    """
    return _UNSEEN.sub(REPLACEMENT, text)


def without_controls(text: str) -> str:
    """Return a text without the characters that no XML, and hence no document, may have."""
    return _NOT_XML.sub(REPLACEMENT, text)


def for_json(text: str) -> str:
    r"""Return JSON whose unseen characters are written as escapes, which mean the same.

    >>> for_json('"a' + chr(0x202E) + '"')
    '"a\\u202e"'
    """
    return _UNSEEN.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def for_spreadsheet(cell: object) -> object:
    """Return a cell of a CSV file; a text that a spreadsheet would compute gets an apostrophe.

    >>> for_spreadsheet("=1+1"), for_spreadsheet("Aged >=65"), for_spreadsheet(-1.5)
    ("'=1+1", 'Aged >=65', -1.5)
    """
    if not isinstance(cell, str):
        return cell
    text = _UNSEEN.sub(REPLACEMENT, cell)
    return f"'{text}" if text[:1] in tuple("=+-@\t") else text
