"""The tests by their ids, and how some or all of them are made."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TypeAlias

from plansim.errors import Fault, UnknownNameError, nearest
from plansim.model.records import folded
from plansim.study.validation.corners import corners
from plansim.study.validation.dossier import Dossier
from plansim.study.validation.findings import Finding
from plansim.study.validation.integration import equilibrium, half_the_step
from plansim.study.validation.reality import signs

__all__ = ["TESTS", "chosen", "validate"]

Test: TypeAlias = Callable[[Dossier], Finding]

TESTS: Mapping[str, Test] = MappingProxyType(
    {
        "Q07": half_the_step,
        "Q08": equilibrium,
        "Q12": corners,
        "Q13": signs,
    }
)
"""In the order in which they are reported."""


def chosen(names: Sequence[str]) -> tuple[str, ...]:
    """Find tests by their ids, in the order of the report; all if none is named.

    Raises:
        UnknownNameError: no test has one of the ids.
    """
    by_folded = {folded(each): each for each in TESTS}
    faults = [
        Fault(
            f"no test has the id '{name}'",
            expected=f"one of {', '.join(TESTS)}",
            nearest=nearest(name, TESTS),
        )
        for name in names
        if folded(name) not in by_folded
    ]
    if faults:
        raise UnknownNameError(faults)
    wanted = {by_folded[folded(name)] for name in names}
    return tuple(each for each in TESTS if not wanted or each in wanted)


def validate(dossier: Dossier, tests: Sequence[str] = ()) -> Iterator[Finding]:
    """Make tests, one after the other, and give what each found; all if none is named.

    Raises:
        UnknownNameError: no test has one of the ids.
        InputError: what a test reads is at fault.
    """
    for name in chosen(tests):
        began = time.perf_counter()
        yield replace(TESTS[name](dossier), seconds=time.perf_counter() - began)
