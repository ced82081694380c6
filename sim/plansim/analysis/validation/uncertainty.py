"""Q18 to Q20, Q26 to Q28: what plausible models say.

Drivers of the binding targets, shares of models that meet them, the ranking of scenarios, what the
questions put to a model change, forecasts of figures that are held out, and the ensemble itself.
Drivers are answered by the study of the design which ``checks.yaml`` names.

Reference: J. D. Sterman (2000), Business Dynamics, chapter 21: sensitivity analysis.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from plansim.analysis.calibration.conditioning import CONDITIONING, read_conditioning
from plansim.analysis.calibration.diagnostics import forecast_held_out
from plansim.analysis.calibration.prior import draw_prior
from plansim.analysis.checks_form import Margins, Question
from plansim.analysis.decisions.robustness import robustness
from plansim.analysis.ensemble import (
    evaluate_members,
    load_ensemble,
    read_ensemble_head,
    share_of,
    verdict_shares,
)
from plansim.analysis.experiments.design_file import read_design
from plansim.analysis.sensitivity.sobol import MAIN_DRIVERS, Drivers, sobol
from plansim.analysis.validation.context import ValidationContext
from plansim.analysis.validation.result import Case, Number, Result, case, result
from plansim.scenario.factors import FloatArray
from plansim.scenario.members import FILE_NAME, EnsembleKind, Members
from plansim.scenario.scenario_file import ScenarioKind
from plansim.targets.indicator import Measure
from plansim.targets.target import Status, Target, indicator_of, variable_of

if TYPE_CHECKING:
    from plansim.analysis.evaluator import Evaluation

__all__ = [
    "drivers",
    "ensemble",
    "held_out",
    "probabilities",
    "question_effects",
    "ranking",
    "share_error",
]

SAMPLES = 1024
"""Rows of each of the two matrices of the study of uncertainty."""
FEWEST_FACTORS = 20
"""Minimum number of factors with indices of their own."""
ACCURATE = 0.015
"""A standard error of a share that is small enough."""
FRAGILE = 0.05
"""An order that is reversed in more than this share of the members is fragile."""
INSIDE = 0.8
"""Minimum share of held-out figures inside of the 90 % band of their forecasts."""
UNSOUND = 0.005
"""Maximum share of members that may break down under a scenario."""
BAND = (0.5, 0.05, 0.95)
"""The quantiles over members that are shown: the median and the ends of the band."""


def drivers(context: ValidationContext) -> Result:
    """Q18: screen all factors, and require finite Sobol indices of the main drivers."""
    limits = {"fewest": FEWEST_FACTORS, "main": MAIN_DRIVERS}
    name, path = context.checks.scenarios.uncertainty, context.baseline.path
    if name is None or path is None:
        return result("Q18", [], limits, lacking=["uncertainty"])
    design = read_design(path.parent / name, context.model, samples=SAMPLES)
    study = sobol(context.model, design, context.targets)
    cases, chosen = [_driver_case(driver) for driver in study.drivers], len(study.chosen)
    if chosen < FEWEST_FACTORS:
        cases.append(case("factors", False, "too_few", count=chosen, limit=FEWEST_FACTORS))
    return result(
        "Q18",
        cases,
        limits,
        factors=len(study.design.factors),
        chosen=chosen,
        targets=len(study.drivers),
        runs=study.runs,
        broken=study.broken,
    )


def _driver_case(driven: Drivers) -> Case:
    """Return the main drivers of a target; it holds where all their indices are known."""
    indices = [number for driver in driven.main for number in (driver.total, driver.total_low)]
    known = len(driven.main) == MAIN_DRIVERS and all(map(math.isfinite, indices))
    told = "; ".join(
        f"{driver.factor} {driver.total:.2f} ({driver.total_low:.2f}–{driver.total_high:.2f})"
        for driver in driven.main
    )
    rest, unit = 0.0 if driven.rest is None else driven.rest.total, driven.target.unit
    return case(driven.target, known or driven.spread == 0, "drivers", drivers=told, rest=rest,
                spread=driven.spread, unit=unit)  # fmt: skip


def probabilities(context: ValidationContext) -> Result:
    """Q19: require small standard errors of the share of plausible models that meet each target."""
    members, limits = context.members, {"points": ACCURATE * 100}
    if members is None:
        return result("Q19", [], limits, lacking=[FILE_NAME])
    judged = evaluate_members(context.model, context.baseline, context.binding, members)
    cases = []
    for target in context.binding:
        codes = judged[target.id].status
        share = share_of(codes, members.head.kind.value, 0)
        if share.share is not None:
            error = share_error(codes)
            numbers = {"met": share.share, "error": error}
            cases.append(case(target, error <= ACCURATE, "probability", **numbers))
    return result(
        "Q19",
        cases,
        limits,
        members=len(members),
        scenario=context.baseline.id,
        worst=max((case["error"] for case in cases), default=1.0),
    )


def share_error(codes: npt.NDArray[np.int8]) -> float:
    """Return the standard error of a share of members, of which one that is undecided is a half.

    ``codes`` are those of their status.

    >>> share_error(np.array([Status.UNDECIDED.code] * 9, np.int8))
    0.0
    """
    counted = codes[np.isin(codes, [one.code for one in Status if one.judged])]
    scores = np.where(counted == Status.UNDECIDED.code, 0.5, counted == Status.MET.code)
    return float(scores.std() / math.sqrt(len(scores)))


def ranking(context: ValidationContext) -> Result:
    """Q20: rank the stories over plausible models, and test whether neighbours keep their order."""
    members, limits = context.members, {"most": FRAGILE}
    if members is None:
        return result("Q20", [], limits, lacking=[FILE_NAME])
    stories = [one for one in context.scenarios.values() if one.kind is ScenarioKind.STORY]
    binding = [target.id for target in context.binding]
    compared = robustness(
        context.model, stories, named=binding, members=members, targets=context.targets
    )
    order = sorted(compared.policies, key=lambda policy: -policy.mean_met)
    cases = []
    for ahead, behind in itertools.pairwise(order):
        # In how many members a scenario meets fewer targets than the next one, and more.
        turned, more = ahead.beaten_by[behind.policy], behind.beaten_by[ahead.policy]
        stability = "stable" if turned <= FRAGILE and turned < more else "fragile"
        cases.append(case(ahead.policy, math.isfinite(turned + more), "rank", other=behind.policy,
                          turned=turned, more=more, stability=stability))  # fmt: skip
    return result(
        "Q20",
        cases,
        limits,
        sound=context.baseline.id,
        order=" > ".join(policy.policy for policy in order),
        pairs=len(cases),
        fragile=sum(case.values["stability"] == "fragile" for case in cases),
    )


def held_out(context: ValidationContext) -> Result:
    """Q27: condition on early figures, and require that later ones are forecast.

    At least `INSIDE` of them in the 90 % band, with a better log score than the prior's.
    """
    limits: dict[str, float] = {"least": INSIDE}
    if not context.model.path.with_name(CONDITIONING).is_file():
        return result("Q27", [], limits, lacking=[CONDITIONING])
    spec = read_conditioning(context.model)
    if spec.hold_out is None:
        return result("Q27", [], limits, lacking=["hold out from"])
    year = spec.hold_out
    last, forecasts = forecast_held_out(context.model, spec, year)
    inside, count = sum(one.inside for one in forecasts), len(forecasts)
    gains = np.array([one.score - one.prior_score for one in forecasts])
    gain, error = float(gains.mean()), float(gains.std() / math.sqrt(max(count - 1, 1)))
    cases = [
        case("Q27", inside / count >= INSIDE, "forecast_band",
             inside=inside, forecasts=count, least=INSIDE),
        case("Q27", gain > 0, "forecast_score", gain=gain),
    ]  # fmt: skip
    for one in forecasts:
        figure = one.observation
        cases.append(case(figure, True, "forecast", value=figure.value, unit=figure.unit,
                          low=one.band[0], high=one.band[-1], position=one.position,
                          gain=one.score - one.prior_score))  # fmt: skip
    return result(
        "Q27",
        cases,
        limits | {"year": year},
        year=year,
        fitted=sum(one.year < year for one in spec.observations),
        accepted=last.accepted / last.draws,
        inside=inside,
        forecasts=count,
        gain=gain,
        error=error,
    )


def ensemble(context: ValidationContext) -> Result:
    """Q28: require members of these equations and ranges, nearly all of them sound."""
    head, limits = read_ensemble_head(context.model), {"most": UNSOUND}
    if head is None:
        return result("Q28", [], limits, lacking=[FILE_NAME])
    if head.misfit(context.model):
        return result("Q28", [case(FILE_NAME, False, "other_model")], limits)
    members = load_ensemble(context.model)
    scenarios = list(context.scenarios.values())
    shares = verdict_shares(context.model, scenarios, members, context.targets)
    unsound = {str(name): int(count) for name, count in
               shares.groupby("scenario")["unsound"].max().items()}  # fmt: skip
    limit = math.floor(UNSOUND * len(members))
    broken = [case(name, False, "too_many", count=count, limit=limit)
              for name, count in unsound.items() if count > limit]  # fmt: skip
    return result(
        "Q28",
        [*broken, *_beside_prior(context, members)],
        limits,
        sound=FILE_NAME,
        members=len(members),
        kind=head.kind.value,
        unsound=max(unsound.values(), default=0),
        scenarios=len(unsound),
    )


def _beside_prior(context: ValidationContext, members: Members) -> Iterator[Case]:
    """Yield the shares of conditioned members beside those of the prior, for binding targets."""
    if members.head.kind is EnsembleKind.PRIOR:
        return
    shares, before = (
        dict(zip(frame["target"], frame["share"], strict=True))
        for some in (members, draw_prior(context.model, len(members)))
        for frame in [verdict_shares(context.model, context.baseline, some, context.binding)]
    )
    for target in context.binding:
        if math.isfinite(share := shares[target.id]):
            yield case(target, True, "share", share=share, prior=before[target.id])


# --- Q26 ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Effect:
    """What a question changes of a variable, and of the margin of the target that it answers."""

    question: Question
    parts: FloatArray
    """The change as a part of the level, ``(member,)``."""
    margin: float = 0.0
    """The median change of the margin, in the target's unit."""
    deviations: float = 0.0
    """The same in standard deviations of the margin over the members of the first run."""

    @property
    def part(self) -> float:
        """The median change as a part of the level."""
        return float(np.median(self.parts))

    @property
    def told(self) -> dict[str, Number]:
        """What a case says of the change."""
        ends = map(float, np.quantile(self.parts, BAND))
        bands = dict(zip(("median", "low", "high"), ends, strict=True))
        return {"of": self.question.id, **_named(self.question), **bands}


def _named(question: Question) -> dict[str, str]:
    return {"question_en": question.en, "question_zh": question.zh}


def question_effects(context: ValidationContext) -> Result:
    """Q26: compare the two runs of each question, member by member."""
    model, spec, head = context.model, context.effects, read_ensemble_head(context.model)
    if spec is None:
        return result("Q26", [], lacking=["effects"])
    asked = spec.margins
    limits = {"least": asked.least, "part": asked.part, "deviations": asked.deviations}
    if head is None:
        return result("Q26", [], limits, lacking=[FILE_NAME])
    if head.misfit(model):
        return result("Q26", [case(FILE_NAME, False, "other_model")], limits)
    binding = {target.id: target for target in context.binding}
    effects = _effects(context, spec.questions, spec.beside)
    first = next(question for question in spec.questions if question.id == asked.question)
    growth = {key: effects[key][spec.questions.index(first)] for key in binding}
    moved = [
        key
        for key, one in growth.items()
        if abs(one.part) >= asked.part or abs(one.deviations) >= asked.deviations
    ]
    demanded, shown = [], []
    for key, least in spec.least.items():
        most = max(effects[key], key=lambda one: abs(one.part))
        holds = abs(most.part) >= least
        demanded.append(case(binding[key], holds, "effect_least", **most.told, least=least))
    for key, changes in effects.items():
        # Of a target what moves is named: of a fall, that which falls.
        of = next(iter(binding[key].variables.values())) if key in binding else key
        variable = variable_of(model, of)
        subject = (key, variable.name, variable.name_zh)
        for one in changes:
            if key in binding:
                margin = {"margin": one.margin, "deviations": one.deviations}
                shown.append(case(subject, True, "effect", **one.told, **margin))
            else:
                shown.append(case(subject, True, "effect_beside", **one.told))
    return result(
        "Q26",
        [*demanded, *_margins(binding, asked, moved, first), *shown],
        limits,
        held=sum(case.holds for case in demanded),
        demanded=len(demanded),
        members=len(next(iter(growth.values())).parts),
        moved=len(moved),
        targets=len(binding),
        **_named(first),
    )


def _margins(
    binding: Mapping[str, Target], asked: Margins, moved: Sequence[str], question: Question
) -> Iterator[Case]:
    """Yield how many margins the question moves, and of each other target why it does not."""
    explained = binding.keys() <= {*moved, *asked.ledgers}
    yield case("Q26", len(moved) >= asked.least or explained, "effect_count", count=len(moved),
               limit=asked.least, part=asked.part, deviations=asked.deviations,
               targets=len(binding), **_named(question))  # fmt: skip
    for key, reason in asked.ledgers.items():
        message = "effect_moves" if key in moved else "effect_ledger"
        words = {"reason_en": reason.en, "reason_zh": reason.zh}
        yield case(binding[key], key not in moved, message, **words)


def _effects(
    context: ValidationContext, questions: Sequence[Question], beside: Sequence[str]
) -> dict[str, list[_Effect]]:
    """Run both sides of every question, each scenario once.

    Returns:
        By the variable that is shown beside targets, then by the id of a binding target, the
        effects in the order of the questions.
    """
    model, binding, members = context.model, context.binding, load_ensemble(context.model)
    dated = [(target, target.year) for target in binding if target.year is not None]
    year = dated[0][1]
    levels = {name: indicator_of(model, name, Measure.LEVEL, year, year) for name in beside}
    for target, year in dated:
        variable = next(iter(target.variables.values()))
        levels[target.id] = indicator_of(model, variable, Measure.LEVEL, target.since, year)
    wanted = (*binding, *{one.id: one for one in levels.values()}.values())
    sides = [side for question in questions for side in (question.first, question.last)]
    runs = {
        key: evaluate_members(model, side, wanted, members)
        for key, side in {(side.id, side.overrides): side for side in sides}.items()
    }
    effects: dict[str, list[_Effect]] = {key: [] for key in levels}
    judged = {target.id for target in binding}
    for question in questions:
        first, last = (runs[one.id, one.overrides] for one in (question.first, question.last))
        for key, level in levels.items():
            own = key if key in judged else None
            effects[key].append(_effect(question, first, last, level.id, own))
    return effects


def _effect(
    question: Question, first: Evaluation, last: Evaluation, level: str, target: str | None
) -> _Effect:
    """Compare the members that are sound in both runs, by the ids of what is judged."""
    with np.errstate(all="ignore"):
        parts = last[level].value / first[level].value - 1
    sound = np.isfinite(parts) & ~first.failed & ~last.failed
    if not sound.any():
        return _Effect(question, np.zeros(1))
    if target is None:
        return _Effect(question, parts[sound])
    before, after = (run[target].least_margin[sound] for run in (first, last))
    margin, spread = float(np.median(after - before)), float(before.std())
    return _Effect(question, parts[sound], margin, margin / spread if spread else 0.0)
