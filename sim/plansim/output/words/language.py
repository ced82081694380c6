"""The languages of the output, and which of them is wanted.

Apart from `text`, so that a command line whose help is English need not load what reads catalogues.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

__all__ = ["Lang", "language"]


class Lang(StrEnum):
    """A language of the output."""

    EN = "en"
    ZH = "zh"


def language(wanted: str | None, environ: Mapping[str, str]) -> Lang:
    """Choose the language: what is asked for, else what the locale says, else English.

    The locale is read as POSIX does: LC_ALL, then LC_MESSAGES, then LANG; the first that is
    set decides.

    >>> language(None, {"LANG": "zh_CN.UTF-8"}), language("en", {"LANG": "zh_CN.UTF-8"})
    (<Lang.ZH: 'zh'>, <Lang.EN: 'en'>)
    >>> language(None, {"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"})
    <Lang.EN: 'en'>
    """
    if wanted is not None:
        return Lang(wanted)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environ.get(name):
            return Lang.ZH if value.lower().startswith("zh") else Lang.EN
    return Lang.EN
