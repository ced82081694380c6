"""All errors that plansim raises, as one tree.

::

    PlansimError                  everything that plansim raises on purpose
    ├── InputError                the user's input is at fault; carries every fault found
    │   ├── ModelError            a Vensim model file
    │   ├── ScenarioError         a scenario file or a ``--set``
    │   ├── CatalogueError        a target catalogue or an audit file
    │   ├── DesignError           the design of a sweep
    │   ├── UnitError             a unit that is unknown or cannot be converted
    │   └── UnknownNameError      a name that nothing bears (variable, scenario, target)
    ├── OutputError               a result that cannot be written
    └── SimulationError           a run that breaks down

The command line turns each of them into one message and exit code 2.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from enum import Enum, StrEnum
from itertools import islice
from numbers import Integral
from pathlib import Path
from typing import Any, TypeAlias

__all__ = [
    "CatalogueError",
    "Choice",
    "DesignError",
    "Fault",
    "FaultLog",
    "InputError",
    "Message",
    "ModelError",
    "OutputError",
    "Part",
    "PlansimError",
    "Say",
    "ScenarioError",
    "SimulationError",
    "UnitError",
    "UnknownNameError",
    "check_counts",
    "foreign",
    "nearest",
]

SCREENFUL = 20
"""Maximum number of faults of an input that are shown; the others are counted."""
MOST_FAULTS = 100
"""Maximum number of faults that are collected of one file."""

Say: TypeAlias = Callable[[str], str]
"""Returns a template in the language of the reader."""

Part: TypeAlias = "str | float | Path | Enum | Message | tuple[Part, ...]"
"""A value that fills a template."""


@dataclass(frozen=True, init=False)
class Message:
    """A text for users: a literal template, and its parts by name.

    The template is the key by which a catalogue has the text in another language; it is filled
    only where it is shown. A part is data (a text, a number, a path), another message, a member of
    an enum, which is translated into the reader's language, or several of these, which are listed.

    >>> message = Message("at {name}: {why}", name="x", why=Message("no number"))
    >>> str(message)
    'at x: no number'
    >>> message.written({"no number": "没有数值", "at {name}: {why}": "{name}处{why}"}.__getitem__)
    'x处没有数值'
    >>> str(Message("one of {names}", names=("a", "b")))
    'one of a, b'
    """

    template: str
    parts: tuple[tuple[str, Part], ...]

    def __init__(self, template: str, /, **parts: Part) -> None:
        object.__setattr__(self, "template", template)
        kept = tuple((name, _as_kept(part)) for name, part in parts.items())
        object.__setattr__(self, "parts", kept)

    def __str__(self) -> str:
        return self.written()

    def written(self, say: Say = str) -> str:
        """Return the text; ``say`` returns a template in another language.

        A template without parts is not formatted: a brace in it is a brace.
        """
        template = say(self.template)
        if not self.parts:
            return template
        return template.format(**{name: _written(part, say) for name, part in self.parts})


def _as_kept(part: Part) -> Part:
    """Return a part as it is, but a word of an enum as a message and a path as a text."""
    if isinstance(part, Enum):
        return Message(str(part))
    if isinstance(part, Path):
        return str(part)
    return tuple(map(_as_kept, part)) if isinstance(part, tuple) else part


def foreign(text: object) -> Message:
    """Return what another package or the system says as a message.

    A catalogue may have its Chinese; else it is shown as it is.
    """
    return Message(str(text))


def _written(part: Part, say: Say) -> Part:
    """Return a part of a message in the language of ``say``; numbers stay, for their format."""
    if isinstance(part, Message):
        return part.written(say)
    if isinstance(part, tuple):
        return say(", ").join(str(_written(item, say)) for item in part)
    return part


@dataclass(frozen=True, init=False)
class Fault:
    """One thing that is wrong with an input, and where.

    The first argument is a literal template, whose parts are given as keywords, or a `Message`.
    What was found is data if it is a plain text, and a phrase of ours if it is a `Message`; so is
    what was expected.

    >>> fault = Fault("no key '{key}'", key="titel", file="a.yaml", line=3, nearest="title")
    >>> print(fault)
    a.yaml:3: no key 'titel'; did you mean 'title'?
    >>> print(Fault("the file is empty", expected=Message("a mapping"), found="[]"))
    the file is empty; expected a mapping; found []
    """

    message: Message
    file: str | Path | None = None
    line: int | None = None
    expected: Message | str | None = None
    found: Message | str | None = None
    nearest: str | None = None
    at: tuple[str | int, ...] = ()
    """The way to the entry that is meant, where a part of a file is read: see `forms`."""

    def __init__(
        self,
        message: str | Message,
        file: str | Path | None = None,
        line: int | None = None,
        expected: Message | str | None = None,
        found: Message | str | None = None,
        nearest: str | None = None,
        at: tuple[str | int, ...] = (),
        **parts: Part,
    ) -> None:
        message = Message(message, **parts) if isinstance(message, str) else message
        values = (message, file, line, expected, found, nearest, at)
        for field, value in zip(fields(self), values, strict=True):
            object.__setattr__(self, field.name, value)

    def __str__(self) -> str:
        return self.written()

    def written(self, say: Say = str) -> str:
        """Return it in one line; ``say`` returns a template in another language.

        >>> print(Fault("no title", line=3).written(str.upper))
        3: NO TITLE
        """
        location = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        text = self.message.written(say)
        texts = [f"{location}: {text}" if location else text]
        if self.expected is not None:
            texts.append(Message("expected {expected}", expected=self.expected).written(say))
        if self.found is not None:
            texts.append(Message("found {found}", found=self.found).written(say))
        if self.nearest is not None:
            texts.append(Message("did you mean '{nearest}'?", nearest=self.nearest).written(say))
        return say("; ").join(texts)


class PlansimError(Exception):
    """Everything that plansim raises on purpose; its text has one fault a line.

    It is made of faults, or of the arguments of the only one.

    >>> print(InputError([Fault("no title"), Fault("no parent")]))
    no title
    no parent
    >>> print(InputError("no key '{key}'", line=3, key="titel"))
    3: no key 'titel'
    """

    def __init__(
        self, faults: Iterable[Fault] | Fault | Message | str, /, *of: Any, **own: Any
    ) -> None:
        if isinstance(faults, Message | str):
            faults = Fault(faults, *of, **own)
        self.faults: tuple[Fault, ...] = (faults,) if isinstance(faults, Fault) else tuple(faults)
        super().__init__(self.faults)

    def __str__(self) -> str:
        return self.written()

    def written(self, say: Say = str) -> str:
        """Return its faults, one a line; ``say`` returns a template in another language.

        No more than a screenful; the last line counts those that are left out.
        """
        shown, rest = self.faults, len(self.faults) - SCREENFUL
        if rest > 1:
            more = Fault("{count} more faults", self.faults[-1].file, count=rest)
            shown = (*self.faults[:SCREENFUL], more)
        return "\n".join(fault.written(say) for fault in shown)


class InputError(PlansimError, ValueError):
    """The user's input is at fault; carries every fault found.

    It is a `ValueError` as well: what looks a name up may be called where pydantic validates.
    """


class ModelError(InputError):
    """A Vensim model file cannot be read or is not sound."""


class ScenarioError(InputError):
    """A scenario file, or a value set on the command line, is not valid."""


class CatalogueError(InputError):
    """A target catalogue or an audit file is not valid."""


class DesignError(InputError):
    """The design of a sweep is not valid, or not the one that a result was begun with."""


class UnitError(InputError):
    """A unit is unknown, or two units do not measure the same thing."""


class UnknownNameError(InputError):
    """A name that no variable, scenario or target bears."""


def check_counts(least: int = 1, /, **counts: int | None) -> None:
    """Refuse counts that are below the least; None stands for a default.

    Raises:
        InputError: one is no whole number from the least on.

    >>> check_counts(n=0)
    Traceback (most recent call last):
    plansim.errors.InputError: 'n' has the wrong value; expected a whole number from 1 on; found 0
    """
    for name, count in counts.items():
        if count is not None and not (isinstance(count, Integral) and count >= least):
            expected = Message("a whole number from {least} on", least=least)
            raise InputError(
                "'{name}' has the wrong value", expected=expected, found=str(count), name=name
            )


class Choice(StrEnum):
    """A closed choice that callers write as a text; any other one is refused with those there are.

    >>> plansim.read_text("de")
    Traceback (most recent call last):
    plansim.errors.UnknownNameError: unknown choice 'de'; expected one of en, zh
    """

    @classmethod
    def _missing_(cls, value: object) -> Choice:
        known = tuple(choice.value for choice in cls)
        expected, near = Message("one of {names}", names=known), nearest(str(value), known)
        raise UnknownNameError(
            "unknown choice '{name}'", expected=expected, nearest=near, name=str(value)
        )


class OutputError(PlansimError):
    """A result cannot be written where the user wants it."""


class SimulationError(PlansimError):
    """A run breaks down: the engine fails, or a value is not a number."""


class FaultLog(list[Fault]):
    """Collects what is wrong with one file.

    A hopeless file costs little: only the first faults are kept, and the nearest name is looked for
    a few times only.
    """

    def __init__(self, file: str | Path) -> None:
        super().__init__()
        self.file = file
        self._guesses = 0

    def fault(self, message: str | Message, line: int | None = None, *of: Any, **own: Any) -> None:
        """Note a fault; the arguments are those of `Fault` but for the file."""
        if not self.is_full:
            self.append(Fault(message, self.file, line, *of, **own))

    def nearest(self, name: str, candidates: Iterable[str]) -> str | None:
        """Do as `nearest`, but give None once a page of names has been looked for."""
        self._guesses += 1
        return nearest(name, candidates) if self._guesses <= SCREENFUL else None

    @property
    def is_full(self) -> bool:
        """Whether there are so many faults that the file is hopeless."""
        return len(self) >= MOST_FAULTS

    def by_line(self) -> tuple[Fault, ...]:
        """Return the faults by line."""
        return tuple(sorted(self, key=lambda fault: (fault.line is None, fault.line)))


SHORTEST_PART = 4
"""Fewer bytes than these are no part by which a name is looked for; a Chinese character has 3."""


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that looks most like ``name``, or None if none comes near.

    Letter case is not regarded; of equal candidates the first wins. The shortest candidate that
    holds all of ``name`` goes before what looks like it. No more than 5000 are read.

    >>> nearest("gdp per registred head", ["energy intensity", "GDP per registered head"])
    'GDP per registered head'
    >>> nearest("sewage", ["wage", "sewage plants"])
    'sewage plants'
    >>> nearest("xyzzy", ["GDP"]) is None
    True
    """
    wanted = name.casefold()[:200]
    by_folded: dict[str, str] = {}
    for candidate in islice(candidates, 5000):
        by_folded.setdefault(candidate.casefold(), candidate)
    is_part = len(wanted.encode(errors="replace")) >= SHORTEST_PART
    if is_part and (whole := [one for one in by_folded if wanted in one]):
        return by_folded[min(whole, key=len)]
    close = difflib.get_close_matches(wanted, by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None
