"""Q13: what everyone would expect happens, in the baseline and in nearly every draw."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from plansim.analysis.validation.checks import Change, Sign, SignTest
from plansim.analysis.validation.context import Dossier
from plansim.analysis.validation.probe import Probe, probe_of
from plansim.analysis.validation.result import Case, Finding, Number, Said, found
from plansim.analysis.validation.settings import assigned, cells, drawn, limits, uncertain
from plansim.targets.catalogue import split_reference
from plansim.targets.indicator import Floats

__all__ = ["DRAWS", "FEWEST", "MOST", "signs", "signs_of"]

DRAWS = 500
SEED = 20_060_101
MOST = 0.95
"""Of the draws: in so many a test has to hold."""
FEWEST = 25
"""So many tests there have to be."""
STAYS = 1e-9
"""Of a value: less than this is no change."""
_AT_ONCE = 256


def signs(dossier: Dossier, draws: int = DRAWS) -> Finding:
    """Compare runs before and after each change, in the baseline and in draws.

    A draw gives every constant that has a plausible range a value from it, all places alike; an
    array moves as a whole.
    """
    model, tests = dossier.model, dossier.signs
    probe = probe_of(model, outputs={split_reference(t.variable)[0] for t in tests}, effort=1)
    random = np.random.default_rng(SEED)
    places = random.random((draws, len(uncertain(model))))
    rows = [{}, *(drawn(model, each.tolist()) for each in places)]
    table = np.array([probe.row({**dossier.baseline.values, **each}) for each in rows])
    before: dict[str, dict[str, Floats]] = {}
    cases: list[Case] = []
    for test in tests:
        given = _given(probe, test, table)
        key = json.dumps(test.given)
        if key not in before:
            alike = [each for each in tests if each.given == test.given]
            before[key] = _looked(dossier, probe, given, alike)
        after = _looked(dossier, probe, _changed(probe, test.change, given), [test])
        found_signs = signs_of(before[key][test.id], after[test.id])
        cases += _cases(test, found_signs, before[key][test.id], after[test.id])
    held = [sum(c.holds for c in cases if c.said is said) for said in (Said.SIGN, Said.SIGN_SHARE)]
    shares = [float(case.values["share"]) for case in cases if case.said is Said.SIGN_SHARE]
    figures = {
        "tests": len(tests),
        "baseline": held[0],
        "drawn": held[1],
        "draws": draws,
        "least": min(shares, default=0.0),
    }
    if len(tests) < FEWEST:
        cases.append(Case("tests", False, Said.TOO_FEW, {"count": len(tests), "fewest": FEWEST}))
    return found("Q13", cases, figures, {"most": MOST, "draws": DRAWS, "fewest": FEWEST})


def signs_of(before: Floats, after: Floats) -> npt.NDArray[np.str_]:
    """Say which way values go from run to run: ``(run,)`` of `Sign`.

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


def _cases(
    test: SignTest, ways: npt.NDArray[np.str_], before: Floats, after: Floats
) -> Iterator[Case]:
    wanted = test.sign.value
    first: dict[str, Number] = {
        "wanted": wanted,
        "way": str(ways[0]),
        "what": test.variable,
        "year": test.year,
    }
    ends = {"before": float(before[0]), "after": float(after[0])}
    names = {"name_en": test.en, "name_zh": test.zh}
    yield Case(test.id, bool(ways[0] == wanted), Said.SIGN, {**first, **ends}, **names)
    drawn_ways = ways[1:]
    if drawn_ways.size:
        share = float(np.mean(drawn_ways == wanted))
        kinds, counts = np.unique(drawn_ways, return_counts=True)
        tally = ", ".join(f"{kind} {count}" for kind, count in zip(kinds, counts, strict=True))
        values: dict[str, Number] = {
            "wanted": wanted,
            "share": share,
            "draws": drawn_ways.size,
            "tally": tally,
        }
        yield Case(test.id, share >= MOST, Said.SIGN_SHARE, values, **names)


def _given(probe: Probe, test: SignTest, table: Floats) -> Floats:
    table = table.copy()
    for name, value in assigned(probe.model, test.given).items():
        if name in probe.columns:
            table[:, probe.columns[name]] = value
    return table


def _changed(probe: Probe, changes: Mapping[str, Change], table: Floats) -> Floats:
    """Give the inputs after a change, clipped to what is admissible."""
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


def _looked(
    dossier: Dossier, probe: Probe, table: Floats, tests: Sequence[SignTest]
) -> dict[str, Floats]:
    """Give what tests look at, by their ids: ``(run,)``."""
    found_values: dict[str, list[Floats]] = {test.id: [] for test in tests}
    for first in range(0, len(table), _AT_ONCE):
        runs = probe.run_table(table[first : first + _AT_ONCE], dossier.baseline.time)
        for test in tests:
            values = np.where(runs.bad, np.nan, runs.yearly(test.variable)(test.year))
            found_values[test.id].append(values)
    return {name: np.concatenate(parts) for name, parts in found_values.items()}
