"""Q13: reality checks, in the baseline and in draws of the uncertain constants.

Reference: D. W. Peterson and R. L. Eberlein (1994), Reality check: a bridge between systems
thinking and system dynamics, System Dynamics Review 10(2-3).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from plansim.analysis.validation.checks import Change, RealityCheck, Sign
from plansim.analysis.validation.context import ValidationContext
from plansim.analysis.validation.probe import Probe, probe_of
from plansim.analysis.validation.result import Case, Message, Result, case, result
from plansim.analysis.validation.settings import assigned, cells, drawn, limits, uncertain
from plansim.targets.catalogue import split_reference
from plansim.targets.indicator import Floats

__all__ = ["DRAWS", "FEWEST", "reality_checks", "signs_of"]

DRAWS = 500
"""Number of draws of all uncertain constants."""
SEED = 20_060_101
MOST = 0.95
"""Share of the draws in which a check has to hold."""
FEWEST = 25
"""Minimum number of checks."""
STAYS = 1e-9
"""Relative change below which a value counts as unchanged."""
_AT_ONCE = 256


def reality_checks(context: ValidationContext) -> Result:
    """Q13: compare runs before and after each change, in the baseline and in draws.

    A draw gives every constant that has a plausible range a value from it, all equally likely; an
    array moves as a whole.
    """
    model, tests = context.model, context.reality_checks
    probe = probe_of(model, outputs={split_reference(t.variable)[0] for t in tests}, effort=1)
    places = np.random.default_rng(SEED).random((DRAWS, len(uncertain(model))))
    rows = [{}, *(drawn(model, place.tolist()) for place in places)]
    table = np.array([probe.row({**context.baseline.values, **row}) for row in rows])
    before: dict[str, dict[str, Floats]] = {}
    cases: list[Case] = []
    for test in tests:
        given = _given(probe, test, table)
        key = json.dumps(dict(test.given))
        if key not in before:
            alike = [other for other in tests if other.given == test.given]
            before[key] = _looked_at(context, probe, given, alike)
        changed = _changed(probe, test.change, given)
        after = _looked_at(context, probe, changed, [test])[test.id]
        cases += _cases(test, before[key][test.id], after)
    if len(tests) < FEWEST:
        few = {"count": len(tests), "limit": FEWEST}
        cases.append(case("tests", False, Message.TOO_FEW, **few))
    shares = [each for each in cases if each.message is Message.SIGN_SHARE]
    return result(
        "Q13",
        cases,
        {"most": MOST, "draws": DRAWS, "fewest": FEWEST},
        tests=len(tests),
        baseline=sum(each.holds for each in cases if each.message is Message.SIGN),
        drawn=sum(each.holds for each in shares),
        draws=DRAWS,
        least=min((each["share"] for each in shares), default=0.0),
    )


def signs_of(before: Floats, after: Floats) -> npt.NDArray[np.str_]:
    """Return the direction of change of each run: ``(run,)`` of `Sign`.

    >>> signs_of(np.array([1.0, 1.0, 1.0, 1.0]), np.array([2.0, 0.5, 1.0, np.nan])).tolist()
    ['rises', 'falls', 'stays', 'breaks']
    """
    with np.errstate(invalid="ignore"):
        known = np.isfinite(before) & np.isfinite(after)
        still = np.abs(after - before) <= STAYS * np.maximum(np.abs(before), np.abs(after))
        return np.select(
            [~known, still, after > before],
            [Sign.BREAKS.value, Sign.STAYS.value, Sign.RISES.value],
            Sign.FALLS.value,
        )


def _cases(test: RealityCheck, before: Floats, after: Floats) -> Iterator[Case]:
    """Return what a check gives in the baseline, the first run, and in the draws."""
    name, wanted = test.name, test.sign.value
    first, *ways = signs_of(before, after).tolist()
    yield case(
        name,
        first == wanted,
        Message.SIGN,
        wanted=wanted,
        way=first,
        what=test.variable,
        year=test.year,
        before=float(before[0]),
        after=float(after[0]),
    )
    if ways:
        share = ways.count(wanted) / len(ways)
        tally = ", ".join(f"{way} {ways.count(way)}" for way in sorted(set(ways)))
        yield case(
            name,
            share >= MOST,
            Message.SIGN_SHARE,
            wanted=wanted,
            share=share,
            draws=len(ways),
            tally=tally,
        )


def _given(probe: Probe, test: RealityCheck, table: Floats) -> Floats:
    """Return the inputs of runs with what a check sets in both of its runs."""
    table = table.copy()
    for name, value in assigned(probe.model, test.given).items():
        if name in probe.columns:
            table[:, probe.columns[name]] = value
    return table


def _changed(probe: Probe, changes: Mapping[str, Change], table: Floats) -> Floats:
    """Return the inputs of runs after a change, clipped to what is admissible."""
    table = table.copy()
    for reference, change in changes.items():
        variable = probe.model.variables[split_reference(reference)[0]]
        for name in cells(probe.model, reference):
            if name in probe.columns:
                column = table[:, probe.columns[name]]
                old = column if change.to is None else np.full(len(column), float(change.to))
                new = old * change.times + change.plus
                table[:, probe.columns[name]] = np.clip(new, *limits(variable))
    return table


def _looked_at(
    context: ValidationContext, probe: Probe, table: Floats, tests: Sequence[RealityCheck]
) -> dict[str, Floats]:
    """Run inputs and return the values that checks look at, ``(run,)`` by their ids."""
    parts: dict[str, list[Floats]] = {test.id: [] for test in tests}
    for first in range(0, len(table), _AT_ONCE):
        runs = probe.run_table(table[first : first + _AT_ONCE], context.baseline.time)
        for test in tests:
            values = np.where(runs.bad, np.nan, runs.yearly(test.variable)(test.year))
            parts[test.id].append(values)
    return {name: np.concatenate(values) for name, values in parts.items()}
