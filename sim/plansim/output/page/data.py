"""The data of a page: what becomes JSON, and texts in both languages, ``[en, zh]``."""

from __future__ import annotations

from typing import TypeAlias

from plansim.output.words.text import Lang, read_text, typeset

__all__ = ["BOTH", "Data", "both", "unit_words", "words"]

Data: TypeAlias = "dict[str, Data] | list[Data] | str | float | int | bool | None"
"""Data of JSON."""

BOTH = (Lang.EN, Lang.ZH)


def both(en: str, zh: str) -> Data:
    """Return a text in both languages, typeset, with a capital."""
    return [typeset(_capital(label)) for label in (en, zh or en)]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def words(en: str, zh: str) -> Data:
    """Return sentences of a file in both languages, with its broken lines joined."""
    return [read_text(lang).pick(en, zh) for lang in BOTH]


def unit_words(unit: str) -> Data:
    """Return a unit as it is written in both languages."""
    return [typeset(read_text(lang).unit(unit)) for lang in BOTH]
