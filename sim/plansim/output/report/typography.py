"""Finer type for documents: a true minus, low digits of formulae, raised powers of units."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from typing import Any

from plansim.output.figures.canvas import typeset
from plansim.output.report.document import Document

__all__ = ["in_print", "printed"]


def printed(text: str) -> str:
    """Write a text as print has it.

    >>> printed("-4.6 (-23 %)"), printed("SO2 of 2006-2010"), printed("12 亿m3/year")
    ('−4.6 (−23 %)', 'SO₂ of 2006-2010', '12 亿m³/year')
    """
    return re.sub(r"(?<![\w)])-(?=\d)", "−", typeset(text))


def in_print(document: Document) -> Document:
    """Give a document with all of its texts as print has them."""
    changed: Document = _within(document)
    return changed


def _within(record: Any) -> Any:
    """Change the texts in a record, and in the records in it."""
    changed = {each.name: _changed(getattr(record, each.name)) for each in fields(record)}
    return type(record)(**changed)


def _changed(value: Any) -> Any:
    if type(value) is str:  # a choice of an enum is none
        return printed(value)
    if isinstance(value, tuple):
        return tuple(map(_changed, value))
    return _within(value) if is_dataclass(value) else value
