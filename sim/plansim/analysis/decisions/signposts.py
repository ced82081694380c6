"""The mid-term review: which published statistics foretell targets, and what rules on them gain.

::

    for sign in signposts(model, "baseline"):
        print(sign.target, sign.statistic, sign.year, sign.area)

Over the members of an ensemble, a statistic observed in an early year foretells a target as far as
members that will meet it can be told by the statistic from those that will not: the area under the
curve of hits against false alarms, 0.5 for no use and 1 for certainty. The threshold is chosen in
one half of the members and its errors are counted in the other.

A rule of the model adds to what is done where something published falls behind its goal. The
overlay that `decision.yaml` names under ``responses`` takes the rules out of any scenario; both run
under the same members.

References: J. A. Hanley, B. J. McNeil, The meaning and use of the area under a receiver operating
characteristic (ROC) curve, Radiology 143 (1982) 29-36; W. J. Youden, Index for rating diagnostic
tests, Cancer 3 (1950) 32-35; M. Haasnoot et al., Dynamic adaptive policy pathways, Global
Environmental Change 23 (2013) 485-498 (signposts); W. E. Walker, S. A. Rahman, J. Cave, Adaptive
policies, policy analysis, and policy-making, European Journal of Operational Research 128 (2001)
282-289.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from plansim.analysis.calibration.observed_past import Published, load_history
from plansim.analysis.decisions.member_states import states_of
from plansim.analysis.decisions.robustness import Robustness, robustness, standard_error
from plansim.analysis.ensemble import NORMAL, evaluate_members
from plansim.analysis.evaluator import Progress
from plansim.analysis.optimization.decision_form import FILE_NAME, read_frontier_spec
from plansim.analysis.optimization.problem import parts_met
from plansim.errors import InputError, Message, Option
from plansim.files.notebook import Table, Tabular
from plansim.model.records import Model
from plansim.scenario.factors import FloatArray
from plansim.scenario.members import Members
from plansim.scenario.scenario_file import Scenario, scenario_of
from plansim.targets.catalogue import binding_targets_of, load_targets
from plansim.targets.target import Target, split_reference
from plansim.targets.views import names_of
from plansim.targets.views_file import load_views

__all__ = [
    "Adaptation",
    "EffortOfRules",
    "Signpost",
    "Signposts",
    "adaptation",
    "area_under_curve",
    "best_signs",
    "signposts",
]

USEFUL = 0.7
"""Area under the curve from which on a statistic is worth looking at."""
FEW = 20
"""Minimum number of members of each kind."""


@dataclass(frozen=True)
class Signpost:
    """How well a statistic of one year foretells a target."""

    target: str
    name_en: str
    name_zh: str
    share: float
    """Share of members that meet the target; undecided ones, which tell nothing, count as half."""
    statistic: str
    """The series of the model that answers for it."""
    statistic_en: str
    statistic_zh: str
    unit: str
    year: int
    area: float
    """Area under the curve."""
    area_error: float
    """Its standard error."""
    is_met_above: bool
    """Whether a larger value foretells that the target is met."""
    threshold: float
    """In the unit of the statistic."""
    false_hope: float
    """Share of the members that miss the target and are on the good side of the threshold."""
    false_alarm: float
    """Share of the members that meet it and are on the bad side."""

    @property
    def is_useful(self) -> bool:
        """Whether the area is beyond `USEFUL`, sampling taken off."""
        return self.area - NORMAL * self.area_error > USEFUL


class Signposts(Tabular, tuple[Signpost, ...]):
    """Statistics that foretell targets: as a table, a row for each.

    ``threshold`` is in ``unit``, that of the statistic.
    """

    def _table(self) -> Table:
        names = [one.name for one in fields(Signpost) if one.name != "statistic_en"]
        columns = [name.removeprefix("is_") for name in names]
        return columns, [[getattr(sign, name) for name in names] for sign in self]


def signposts(
    model: Model,
    scenario: Scenario | str | Path | None = None,
    targets: Sequence[Target | str] | None = None,
    *,
    by: int | None = None,
    members: Members | int | None = None,
    threads: int | None = None,
    progress: Progress = lambda done, steps: None,
) -> Signposts:
    """Return how well published statistics of each early year foretell each target.

    Args:
        model: the model; ``history.yaml`` beside it says which statistics are published.
        scenario: under which members are run.
        targets: records or ids; by default the binding ones of the catalogue beside the model.
        by: the last year of the statistics; by default the middle of the plan.
        members: states of the world, or how many are drawn anew; by default those of the ensemble
            beside the model.
        threads: number of threads, by default one a processor. The result does not depend on it.
        progress: is told how many members are drawn anew, of how many.

    Returns:
        By target, then year, the largest area first; none for a target that nearly all members
        meet, or miss.

    Raises:
        InputError: no statistics are published, the year is not before the targets', or no target
            is judged.
        ModelError: the compiler does not support the model.

    >>> posts = plansim.signposts(plansim.load_model("lake.mdl"), "boats.yaml", members=64)
    >>> posts[0].target, posts[0].statistic, 0.5 <= posts[0].area <= 1
    ('F1', 'catch', True)
    >>> posts.frame()[["target", "statistic", "unit"]].head(1)
      target statistic    unit
    0     F1     catch  t/Year
    """
    catalogue = load_targets(model=model)
    wanted = binding_targets_of(model, targets)
    history = load_history(model, catalogue)
    if history is None or not history.published:
        expected = Message("'published' in history.yaml beside the model")
        raise InputError("no statistics are said to be published", expected=expected)
    chosen = scenario_of(model, scenario)
    first = math.floor(chosen.time.initial)
    due = min((target.year for target in wanted if target.year), default=first + 2)
    last = (first + due + 1) // 2 if by is None else by
    if not first < last < due:
        expected = Message("from {first} to {last}", first=first + 1, last=due - 1)
        raise InputError("no early year", Option.BY, expected=expected, found=str(last))
    states = states_of(model, members, threads=threads, progress=progress)
    years = tuple(range(first + 1, last + 1))
    series = tuple(dict.fromkeys(one.of for one in history.published))
    evaluation = evaluate_members(
        model, chosen, wanted, states, threads, outputs=series, years=years
    )
    met, outputs = parts_met(evaluation, wanted, assumed=math.nan), evaluation.outputs
    result: list[Signpost] = []
    for column, target in enumerate(wanted):
        judged = np.isin(met[:, column], (0.0, 1.0))
        good = met[judged, column] == 1
        if min(good.sum(), (~good).sum()) < FEW:
            continue
        share = float(np.nanmean(met[:, column]))
        for index, year in enumerate(years):
            signs = [
                _signpost(target, share, published, year, values, good)
                for published in history.published
                for values in [outputs[judged, series.index(published.of), index]]
                if np.isfinite(values).all()
                and np.ptp(values) > 1e-9 * np.abs(values).max()  # else what rounding leaves
            ]
            result += sorted(signs, key=lambda sign: -sign.area)
    return Signposts(result)


def _signpost(
    target: Target,
    share: float,
    published: Published,
    year: int,
    values: FloatArray,
    good: npt.NDArray[np.bool_],
) -> Signpost:
    area, error = area_under_curve(values, good)
    is_above = area >= 0.5
    threshold = _threshold(values[::2], good[::2], is_above)
    hopeful, tested = (values[1::2] >= threshold) == is_above, good[1::2]
    return Signpost(
        target.id,
        target.name_en,
        target.name_zh,
        share,
        published.of,
        published.en,
        published.zh,
        published.unit,
        year,
        max(area, 1 - area),
        error,
        is_above,
        threshold / published.scale,
        float(hopeful[~tested].mean()) if (~tested).any() else math.nan,
        float((~hopeful)[tested].mean()) if tested.any() else math.nan,
    )


def area_under_curve(values: FloatArray, good: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Return the area under the curve of hits against false alarms, and its standard error.

    It is the probability that the value of a good member is larger than that of another; equal
    values count as half.

    >>> area_under_curve(np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, False, True, True]))[0]
    1.0
    """
    many, few = int(good.sum()), int((~good).sum())
    area = (rankdata(values)[good].sum() - many * (many + 1) / 2) / (many * few)
    one, two = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (many - 1) * (one - area**2) + (few - 1) * (two - area**2)
    return float(area), math.sqrt(max(variance, 0.0) / (many * few))


def _threshold(values: FloatArray, good: npt.NDArray[np.bool_], is_above: bool) -> float:
    """Return the value at which hits exceed false alarms by most, between two that differ."""
    order = np.argsort(values, kind="stable")
    ordered, kind = values[order], good[order]
    alarms, hits = (np.cumsum(one) / max(one.sum(), 1) for one in (~kind, kind))  # up to a value
    best = alarms - hits if is_above else hits - alarms
    cuts = np.flatnonzero(ordered[1:] > ordered[:-1])
    position = int(cuts[np.argmax(best[cuts])]) if cuts.size else 0
    return float(ordered[position : position + 2].mean())


def best_signs(signs: Sequence[Signpost]) -> Iterator[Signpost]:
    """Yield, of each target and year, the statistic that foretells it best."""
    seen: set[tuple[str, int]] = set()
    for sign in signs:
        if (sign.target, sign.year) not in seen:
            seen.add((sign.target, sign.year))
            yield sign


# --- rules that act on what is observed ---


@dataclass(frozen=True)
class EffortOfRules:
    """How much more is done by the rules, in the mean over members and years."""

    of: str
    """The series."""
    name_en: str
    name_zh: str
    unit: str
    without: float
    """The mean without the rules."""
    within: float
    """The mean with the rules."""
    error: float
    """The standard error of the difference, member by member."""

    @property
    def difference(self) -> float:
        """By how much more is done with the rules."""
        return self.within - self.without


@dataclass(frozen=True)
class Adaptation:
    """An adaptive policy against the same without its rules."""

    robustness: Robustness
    """The policy without its rules, and the policy with them."""
    effort: tuple[EffortOfRules, ...]


def adaptation(
    model: Model,
    scenario: Scenario | str | Path | None = None,
    targets: Sequence[Target | str] | None = None,
    *,
    named: Sequence[str] | None = None,
    members: Members | int | None = None,
    threads: int | None = None,
    progress: Progress = lambda done, steps: None,
) -> Adaptation | None:
    """Return what the rules of an adaptive policy gain in targets met, and take in effort.

    Args:
        model: the model; ``responses`` of ``decision.yaml`` beside it takes the rules out.
        scenario: the policy with its rules.
        targets: records or ids; by default the catalogue beside the model.
        named: ids of the targets that a policy should hold; by default as for `robustness`.
        members: states of the world, or how many are drawn anew; by default those of the ensemble
            beside the model.
        threads: number of threads, by default one a processor. The result does not depend on it.
        progress: is told how many steps are done, of how many: draws, then scenarios run.

    Returns:
        None where no rule is declared, or the scenario has them out already.

    Raises:
        InputError: a file is at fault.
        ModelError: the compiler does not support the model.

    >>> plansim.adaptation(plansim.load_model("lake.mdl"), "boats.yaml") is None
    True
    """
    chosen = scenario_of(model, scenario)
    if not model.path.with_name(FILE_NAME).is_file():
        return None
    responses = read_frontier_spec(model, load_views(model), scenario=chosen).responses
    values = {**chosen.values, **(responses.overlay.values if responses else {})}
    if responses is None or values == chosen.values:
        return None
    rigid = replace(chosen, id=f"{chosen.id}+{responses.overlay.id}", values=values)
    wanted = binding_targets_of(model, targets)
    states = states_of(model, members, threads=threads, progress=progress)
    options: Any = {"members": states, "threads": threads, "progress": progress}
    result = robustness(model, [rigid, chosen], named=named, targets=wanted, **options)
    first = math.floor(chosen.time.initial)
    last = max((target.year for target in wanted if target.year), default=first + 1)
    asked: Any = {"outputs": responses.effort, "years": range(first + 1, last + 1)}
    without, within = (
        evaluate_members(model, one, (), states, threads, **asked).outputs.mean(axis=2)
        for one in (rigid, chosen)
    )  # (member, series)
    return Adaptation(
        result,
        tuple(
            _effort(model, of, without[:, column], within[:, column])
            for column, of in enumerate(responses.effort)
        ),
    )


def _effort(model: Model, of: str, without: FloatArray, within: FloatArray) -> EffortOfRules:
    sound = np.isfinite(without) & np.isfinite(within)
    name, elements = split_reference(of)
    variable = model.variables[name]
    return EffortOfRules(
        of,
        *names_of(model, variable, elements),
        variable.unit,
        float(without[sound].mean()),
        float(within[sound].mean()),
        standard_error((within - without)[sound]),
    )
