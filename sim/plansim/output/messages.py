"""Errors, warnings and help in Chinese.

They are written in English where they arise, in every layer; threading a language through all of
them would burden each function with what is the terminal's business. As with gettext, the English
is the key: ``messages.yaml`` beside this file maps the templates of the sources to Chinese, and a
message is fitted to its template where it is shown. What has none is shown in English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import chain

from plansim.cache import code_of, digest, kept
from plansim.errors import Say
from plansim.output.language import Lang

__all__ = ["Catalogue", "as_written", "holes", "read_catalogue", "say_in"]

_HOLE = re.compile(r"\{(\d*)(?::(\w+))?\}")
_NUMBER = re.compile(r"[-+]?(\d[\d,]*\.?\d*(e[-+]?\d+)?|inf|nan)")
_DEPTH = 4
"""Messages inside of messages, at most."""


@dataclass(frozen=True)
class Catalogue:
    """The Chinese of messages, by their English templates, and of help, by its paragraphs.

    >>> read_catalogue().say("no scenario is called 'basline'")
    '没有名为“basline”的情景'
    >>> read_catalogue().say("one of a, b")
    'a、b 之一'
    >>> read_catalogue().say("the dog ate it")
    'the dog ate it'
    """

    messages: Mapping[str, str]
    words: Mapping[str, str]
    help: Mapping[str, str]

    def say(self, message: str) -> str:
        """Give a message in Chinese; as it is where nothing fits."""
        return self.messages.get(message) or self._said(message, _DEPTH) or message

    def help_text(self, paragraph: str) -> str:
        """Give a paragraph of help in Chinese; as it is where there is none."""
        return self.help.get(" ".join(paragraph.split()), paragraph)

    def _said(self, message: str, depth: int) -> str | None:
        if (whole := self.words.get(message) or self.messages.get(message)) is not None:
            return whole
        if depth == 0:
            return None
        # A name in quotes rarely has one in it: 'a': 'b' and 'c' differ is about a.
        strict = ((each, False) for each in _by_length(tuple(self.messages)))
        loose = ((each, True) for each in _by_length(tuple(self.messages)))
        for (template, pieces), may_quote in chain(strict, loose):
            parts = _parts(message, pieces)
            if parts is None or not (may_quote or _is_plain(parts, pieces)):
                continue
            filled = self._filled(self.messages[template], parts, depth)
            if filled is not None:
                return filled
        return None

    def _filled(self, chinese: str, parts: list[str], depth: int) -> str | None:
        """Fill the Chinese; None where a part is not what the entry says it must be."""
        out, end, some = "", 0, []
        for place, hole in enumerate(_HOLE.finditer(chinese)):
            part = parts[int(hole[1] or place)]
            match hole[2]:
                case "said":
                    part = self._said(part, depth - 1) or part
                case "word":
                    said = self._said(part, depth - 1)
                    if said is None:
                        return None
                    part = said
                case "some":
                    some.append(said := self._said(part, depth - 1))
                    part = said or part
                case "number":
                    if not _NUMBER.fullmatch(part):
                        return None
                case "list":
                    part = re.sub(r"'([^']*)'", "“\\1”", re.sub(r",\s+", "、", part))
                case "skip":
                    part = ""
            out += chinese[end : hole.start()] + part
            end = hole.end()
        return None if some and not any(some) else out + chinese[end:]


def as_written(message: str) -> str:
    """Say a message in English."""
    return message


def say_in(lang: Lang) -> Say:
    """Choose how messages are said; the catalogue is only read for Chinese."""
    return read_catalogue().say if lang is Lang.ZH else as_written


@cache
def read_catalogue() -> Catalogue:
    """Read the shipped catalogue."""
    raw = files(__package__).joinpath("locale", "messages.yaml").read_bytes()
    key = digest("messages", raw, code_of("", "output"))
    return kept("parsed", key, Catalogue, lambda: _read(raw))


def _read(raw: bytes) -> Catalogue:
    from ruamel.yaml import YAML

    data = YAML(typ="safe").load(raw.decode("utf-8"))
    foreign = chain.from_iterable(group.items() for group in data["foreign"].values())
    groups = (data[name].items() for name in ("parts", "errors", "click", "messages"))
    # A joint is looked up as it is, and never fitted to what another program happens to say.
    return Catalogue(
        dict(chain(foreign, *groups)), {**data["words"], **data["joints"]}, data["help"]
    )


# --- fitting ------------------------------------------------------------------------------------


def holes(template: str) -> list[int]:
    """Give the places that a text is filled from, in order.

    >>> holes("{} of {}"), holes("{1}之{0:said}")
    ([0, 1], [0, 1])
    """
    return sorted(int(hole[1] or place) for place, hole in enumerate(_HOLE.finditer(template)))


@cache
def _by_length(templates: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
    """Give the templates that have holes, those with most letters of their own first."""
    cut = [(template, tuple(template.split("{}"))) for template in templates if "{}" in template]
    return sorted(cut, key=lambda each: -sum(map(len, each[1])))


def _is_plain(parts: list[str], pieces: tuple[str, ...]) -> bool:
    """Tell whether no part that stands in quotes has a quote in it."""
    around = zip(parts, pieces, pieces[1:], strict=False)
    return not any("'" in part and a[-1:] == "'" == b[:1] for part, a, b in around)


def _parts(message: str, pieces: tuple[str, ...]) -> list[str] | None:
    """Give what stands between the pieces of a template, as little as there can; None if no fit.

    >>> _parts("'a' is in 'b'", ("'", "' is in '", "'"))
    ['a', 'b']
    """
    first, *middle, last = pieces
    if not (message.startswith(first) and message.endswith(last)):
        return None
    at, end, parts = len(first), len(message) - len(last), []
    for piece in middle:
        found = message.find(piece, at, end) if piece else at
        if found < 0:
            return None
        parts.append(message[at:found])
        at = found + len(piece)
    return [*parts, message[at:end]] if at <= end else None
