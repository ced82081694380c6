"""The tests by their ids, and how some or all of them are made."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TypeAlias

from plansim.analysis.validation.base_year import base_year
from plansim.analysis.validation.conservation import conservation
from plansim.analysis.validation.context import Dossier
from plansim.analysis.validation.engines import engines, run_cards
from plansim.analysis.validation.extreme_conditions import extremes
from plansim.analysis.validation.extreme_parameters import corners
from plansim.analysis.validation.family import family
from plansim.analysis.validation.history import past
from plansim.analysis.validation.integration import equilibrium, half_the_step
from plansim.analysis.validation.loop_cuts import cuts
from plansim.analysis.validation.parameters import documentation, parameters, units
from plansim.analysis.validation.reality import signs
from plansim.analysis.validation.result import Finding
from plansim.analysis.validation.structure import structure
from plansim.analysis.validation.target_independence import assumed, no_forcing
from plansim.analysis.validation.uncertainty import DOUBTS, doubts
from plansim.errors import Fault, Message, UnknownNameError, nearest
from plansim.model.records import folded

__all__ = ["TESTS", "chosen", "validate"]

Test: TypeAlias = Callable[[Dossier], Finding]

_SINGLE: Mapping[str, Test] = MappingProxyType(
    {
        "Q01": structure,
        "Q02": units,
        "Q03": parameters,
        "Q04": documentation,
        "Q05": conservation,
        "Q06": base_year,
        "Q07": half_the_step,
        "Q08": equilibrium,
        "Q09": partial(extremes, test="Q09"),
        "Q10": partial(extremes, test="Q10"),
        "Q11": partial(extremes, test="Q11"),
        "Q12": corners,
        "Q13": signs,
        "Q14": cuts,
        "Q15": past,
        "Q21": family,
        "Q22": no_forcing,
        "Q23": assumed,
        "Q24": engines,
        "Q25": run_cards,
    }
)
"""Those that are made one by one."""

TESTS: tuple[str, ...] = tuple(sorted([*_SINGLE, *DOUBTS]))
"""In the order in which they are reported."""


def chosen(names: Sequence[str]) -> tuple[str, ...]:
    """Find tests by their ids, in the order of the report; all if none is named.

    Raises:
        UnknownNameError: no test has one of the ids.
    """
    by_folded = {folded(each): each for each in TESTS}
    faults = [
        Fault(
            "no test has the id '{id}'",
            expected=Message("one of {names}", names=tuple(TESTS)),
            nearest=nearest(name, TESTS),
            id=name,
        )
        for name in names
        if folded(name) not in by_folded
    ]
    if faults:
        raise UnknownNameError(faults)
    wanted = {by_folded[folded(name)] for name in names}
    return tuple(each for each in TESTS if not wanted or each in wanted)


def validate(
    dossier: Dossier, tests: Sequence[str] = (), *, reference: bool = False
) -> Iterator[Finding]:
    """Make tests, one after the other, and give what each found; all if none is named.

    With ``reference``, every scenario is run by PySD, too.

    Raises:
        UnknownNameError: no test has one of the ids.
        InputError: what a test reads is at fault.
    """
    doubted: Mapping[str, Finding] | None = None
    for name in chosen(tests):
        began = time.perf_counter()
        if name in DOUBTS:  # one study for all of them
            doubted = doubts(dossier) if doubted is None else doubted
            made = doubted[name]
        elif name == "Q24":
            made = engines(dossier, reference=reference)
        else:
            made = _SINGLE[name](dossier)
        yield replace(made, seconds=time.perf_counter() - began)
