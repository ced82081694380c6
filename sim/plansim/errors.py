"""What can go wrong, as one tree.

::

    PlansimError                  everything that plansim raises on purpose
    ├── InputError                the user's input is at fault; carries every fault found
    │   ├── ModelError            a Vensim model file
    │   ├── ScenarioError         a scenario file or a ``--set``
    │   ├── CatalogueError        a target catalogue or an audit file
    │   ├── UnitError             a unit that is unknown or cannot be converted
    │   └── UnknownNameError      a name that nothing bears (variable, scenario, target)
    ├── OutputError               a result that cannot be written
    └── SimulationError           a run that breaks down

The command line turns each of them into one message and exit code 2.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "CatalogueError",
    "Fault",
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
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        parts = [f"{place}: {self.message}" if place else self.message]
        if self.expected is not None:
            parts.append(f"expected {self.expected}")
        if self.found is not None:
            parts.append(f"found {self.found}")
        if self.nearest is not None:
            parts.append(f"did you mean '{self.nearest}'?")
        return "; ".join(parts)


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


class UnitError(InputError):
    """A unit is unknown, or two units do not measure the same thing."""


class UnknownNameError(InputError):
    """A name that no variable, scenario or target bears."""


class OutputError(PlansimError):
    """A result cannot be written where the user wants it."""


class SimulationError(PlansimError):
    """A run breaks down: the engine fails, or a value is not a number."""


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Give the candidate that looks most like ``name``, or None if none comes near.

    Letter case is not regarded; of equal candidates the first wins.

    >>> nearest("gdp per registred head", ["energy intensity", "GDP per registered head"])
    'GDP per registered head'
    >>> nearest("xyzzy", ["GDP"]) is None
    True
    """
    by_folded: dict[str, str] = {}
    for candidate in candidates:
        by_folded.setdefault(candidate.casefold(), candidate)
    close = difflib.get_close_matches(name.casefold()[:200], by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None
