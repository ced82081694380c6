"""A row of the table of evidence as a sentence, in the reader's language."""

from __future__ import annotations

from plansim.model.evidence import Evidence
from plansim.model.units import NO_UNIT
from plansim.output.text import Lang, Text

__all__ = ["evidence_sentence"]


def evidence_sentence(row: Evidence, text: Text) -> str:
    """Return a row's quantity, place, year, figure, source and confidence as a sentence.

    Cells without Chinese are given in English.

    >>> from plansim.output.text import read_text
    >>> row = Evidence("E1", "growth", "Town", "2003", "9", "%", "Yearbook", "high", "context",
    ...                quantity_zh="增长率", place_zh="某市", confidence_zh="高")
    >>> evidence_sentence(row, read_text(Lang.EN))
    'growth, Town 2003: 9 %. Yearbook (confidence: high)'
    >>> evidence_sentence(row, read_text(Lang.ZH))
    '某市2003年，增长率：9%。Yearbook（可信度：高）'
    """
    pick = text.pick
    year = row.year
    if text.lang is Lang.ZH:
        year = row.year_zh or (text("cited.year", year=year) if year.isdigit() else year)
    place, quantity = pick(row.place, row.place_zh), pick(row.quantity, row.quantity_zh)
    where, what = _set(place, year), quantity
    if where and what:
        what = text("cited.what", quantity=quantity, where=where)
    sentence = what or where
    if figure := _figure(row, text):
        sentence += text("list_sep.colon") + figure
    if source := pick(row.source, row.source_zh):
        sentence += text("list_sep.stop") + source
    if level := pick(row.confidence, row.confidence_zh):
        sentence += text("cited.confidence", level=level)
    return sentence


def _figure(row: Evidence, text: Text) -> str:
    value, unit = text.pick(row.value, row.value_zh), "" if row.unit == NO_UNIT else row.unit
    if text.lang is Lang.EN:
        return " ".join(part for part in (value, unit) if part)
    return _set(value, row.unit_zh or text.unit(unit))


def _set(first: str, second: str) -> str:
    """Join two parts as in Chinese: with a space only between two Western words."""
    gap = " " if first[-1:].isascii() and second[:1].isascii() and second[:1].isalnum() else ""
    return first + gap + second
