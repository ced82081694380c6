"""What can go wrong, as one tree.

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
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

__all__ = [
    "CatalogueError",
    "DesignError",
    "Fault",
    "FaultLog",
    "InputError",
    "ModelError",
    "OutputError",
    "PlansimError",
    "ScenarioError",
    "SimulationError",
    "UnitError",
    "UnknownNameError",
    "nearest",
]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with an input, and where.

    >>> print(Fault("unknown key", file="a.yaml", line=3, found="titel", nearest="title"))
    a.yaml:3: unknown key; found titel; did you mean 'title'?
    >>> print(Fault("the file is empty"))
    the file is empty
    """

    message: str
    file: str | Path | None = None
    line: int | None = None
    expected: str | None = None
    found: str | None = None
    nearest: str | None = None

    def __str__(self) -> str:
        return self.written()

    def written(self, say: Callable[[str], str] = str) -> str:
        """Write it in one line; ``say`` gives each part in another language.

        >>> print(Fault("no title", expected="a text").written(str.upper))
        NO TITLE; EXPECTED A TEXT
        """
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        parts = [f"{place}: {say(self.message)}" if place else say(self.message)]
        if self.expected is not None:
            parts.append(say("expected {}").replace("{}", say(self.expected)))
        if self.found is not None:
            parts.append(say("found {}").replace("{}", say(self.found)))
        if self.nearest is not None:
            parts.append(say("did you mean '{}'?").replace("{}", self.nearest))
        return say("; ").join(parts)


class PlansimError(Exception):
    """Everything that plansim raises on purpose."""


class InputError(PlansimError):
    """The user's input is at fault; its text has one fault a line.

    >>> print(InputError([Fault("no title"), Fault("no parent")]))
    no title
    no parent
    """

    def __init__(self, faults: Iterable[Fault] | Fault) -> None:
        self.faults: tuple[Fault, ...] = (faults,) if isinstance(faults, Fault) else tuple(faults)
        super().__init__(self.faults)

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


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


class OutputError(PlansimError):
    """A result cannot be written where the user wants it; made of a text or of a `Fault`."""


class SimulationError(PlansimError):
    """A run breaks down: the engine fails, or a value is not a number; of a text or a `Fault`."""


class FaultLog:
    """Collects what is wrong with one file.

    A hopeless file costs little: only the first faults are kept, the others are counted, and the
    nearest name is looked for a few times only.
    """

    def __init__(self, file: str | Path) -> None:
        self.file = file
        self._faults: list[Fault] = []
        self._dropped = 0
        self._guesses = 0

    def add(
        self,
        message: str,
        line: int | None = None,
        expected: str | None = None,
        found: str | None = None,
        nearest: str | None = None,
    ) -> None:
        """Note a fault."""
        if not self.is_full:
            self._faults.append(Fault(message, self.file, line, expected, found, nearest))
        else:
            self._dropped += 1

    def nearest(self, name: str, candidates: Iterable[str]) -> str | None:
        """Do as `nearest`, but give None once a page of names has been looked for."""
        self._guesses += 1
        return nearest(name, candidates) if self._guesses <= 20 else None

    @property
    def is_full(self) -> bool:
        """Whether there are so many faults that the file is hopeless."""
        return len(self._faults) >= 1000

    def take(self, other: FaultLog) -> None:
        """Note all faults of another log, too."""
        self._faults += other._faults
        self._dropped += other._dropped

    def __len__(self) -> int:
        return len(self._faults) + self._dropped

    def by_line(self, limit: int = 100) -> tuple[Fault, ...]:
        """Give the faults by line; those past the limit as one line that counts them."""
        ordered = sorted(self._faults, key=lambda fault: (fault.line is None, fault.line))
        rest = len(self) - limit
        if rest > 0:
            ordered[limit:] = [Fault(f"{rest} more faults", self.file)]
        return tuple(ordered)


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Give the candidate that looks most like ``name``, or None if none comes near.

    Letter case is not regarded; of equal candidates the first wins. No more than 5000 are read.

    >>> nearest("gdp per registred head", ["energy intensity", "GDP per registered head"])
    'GDP per registered head'
    >>> nearest("xyzzy", ["GDP"]) is None
    True
    """
    by_folded: dict[str, str] = {}
    for candidate in islice(candidates, 5000):
        by_folded.setdefault(candidate.casefold(), candidate)
    close = difflib.get_close_matches(name.casefold()[:200], by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None
