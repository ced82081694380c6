"""How a record looks in a notebook: a title over rows of names and texts, in both languages."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

__all__ = ["card"]


def card(title: str, rows: Iterable[tuple[str, str]]) -> str:
    """Return a record as HTML: its title, and a line for each row whose text is not empty.

    >>> import re
    >>> re.sub("<[^>]*>", "|", card("Lake", [("unit · 单位", "t"), ("source · 来源", "")]))
    '|Lake||||unit · 单位||t|||'
    """
    left = 'style="text-align:left"'
    lines = "".join(
        f"<tr><th {left}>{escape(name)}</th><td {left}>{escape(text)}</td></tr>"
        for name, text in rows
        if text
    )
    return f"<b>{escape(title)}</b><table>{lines}</table>"
