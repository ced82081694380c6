"""The tests of a model by their ids, and how all or some of them are made."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TypeAlias

from plansim.analysis.validation.behaviour import (
    extreme_conditions,
    loop_cuts,
    parameter_extremes,
    reality_checks,
)
from plansim.analysis.validation.conservation import base_year, conservation, equilibrium
from plansim.analysis.validation.context import ValidationContext, load_context
from plansim.analysis.validation.history import family_member, free_history, history, seam
from plansim.analysis.validation.numerics import engines, run_cards, time_step
from plansim.analysis.validation.parameters import documentation, parameters, units
from plansim.analysis.validation.result import Result
from plansim.analysis.validation.structure import assumed_targets, structure, target_independence
from plansim.analysis.validation.uncertainty import (
    drivers,
    ensemble,
    held_out,
    probabilities,
    question_effects,
    ranking,
)
from plansim.errors import Fault, Message, UnknownNameError, nearest
from plansim.model.reader import load_model
from plansim.model.records import Model, folded

__all__ = ["TESTS", "chosen", "validate"]

Make: TypeAlias = Callable[[ValidationContext], Result]

TESTS: Mapping[str, Make] = MappingProxyType(
    {
        "Q01": structure,
        "Q02": units,
        "Q03": parameters,
        "Q04": documentation,
        "Q05": conservation,
        "Q06": base_year,
        "Q07": time_step,
        "Q08": equilibrium,
        "Q09": partial(extreme_conditions, test="Q09"),
        "Q10": partial(extreme_conditions, test="Q10"),
        "Q11": partial(extreme_conditions, test="Q11"),
        "Q12": parameter_extremes,
        "Q13": reality_checks,
        "Q14": loop_cuts,
        "Q15": history,
        "Q16": free_history,
        "Q17": seam,
        "Q18": drivers,
        "Q19": probabilities,
        "Q20": ranking,
        "Q21": family_member,
        "Q22": target_independence,
        "Q23": assumed_targets,
        "Q24": engines,
        "Q25": run_cards,
        "Q26": question_effects,
        "Q27": held_out,
        "Q28": ensemble,
    }
)
"""In the order in which they are reported. What a new test is called, asks and finds stands under
its id in the catalogue of texts: ``q_title``, ``q_criterion`` and ``q_figure``."""


def chosen(names: Sequence[str]) -> tuple[str, ...]:
    """Return tests by their ids, in the order of the report; all if none is named.

    Raises:
        UnknownNameError: no test has one of the ids.
    """
    by_folded = {folded(test): test for test in TESTS}
    expected = Message("one of {names}", names=tuple(TESTS))
    if unknown := [name for name in names if folded(name) not in by_folded]:
        raise UnknownNameError(
            Fault(
                "no test has the id '{id}'",
                expected=expected,
                nearest=nearest(name, TESTS),
                id=name,
            )
            for name in unknown
        )
    wanted = {by_folded[folded(name)] for name in names}
    return tuple(test for test in TESTS if not wanted or test in wanted)


def validate(
    model: Model | ValidationContext | None = None,
    tests: Sequence[str] = (),
    *,
    progress: Callable[[int, int], None] = lambda done, steps: None,
) -> tuple[Result, ...]:
    """Make tests of a model, one after the other; all if none is named.

    Args:
        model: the model, by default the shipped one, or what `load_context` has read beside it.
        tests: ids as ``Q07``.
        progress: is told how many tests are done, of how many.

    Raises:
        UnknownNameError: no test has one of the ids.
        InputError: what a test reads is at fault.

    >>> context = plansim.load_context(plansim.load_model("lake.mdl"), "stories")
    >>> (result,) = plansim.validate(context, ["Q02"])
    >>> result.id, result.status.value
    ('Q02', 'pass')
    """
    names = chosen(tests)
    if not isinstance(model, ValidationContext):
        model = load_context(model or load_model())
    results = []
    for name in names:
        began = time.perf_counter()
        result = TESTS[name](model)
        results.append(replace(result, seconds=time.perf_counter() - began))
        progress(len(results), len(names))
    return tuple(results)
