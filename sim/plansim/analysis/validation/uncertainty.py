"""Q18 to Q20, Q27 and Q28: drivers of the binding targets, shares, forecasts, the ensemble.

The first is answered by the study of the design which ``checks.yaml`` names, the others by
plausible models.

Reference: J. D. Sterman (2000), Business Dynamics, chapter 21: sensitivity analysis.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from plansim.analysis.calibration.conditioning_file import CONDITIONING, read_conditioning
from plansim.analysis.calibration.diagnostics import forecast_held_out
from plansim.analysis.calibration.prior import draw_prior
from plansim.analysis.decisions.robustness import robustness
from plansim.analysis.ensemble import (
    evaluate_members,
    load_ensemble,
    read_ensemble_head,
    share_of,
    verdict_shares,
)
from plansim.analysis.sensitivity.sobol import MAIN_DRIVERS, Drivers
from plansim.analysis.validation.context import ValidationContext
from plansim.analysis.validation.result import Case, Result, case, result
from plansim.scenario.members import FILE_NAME, EnsembleKind, Members
from plansim.scenario.scenario_file import ScenarioKind

__all__ = ["drivers", "ensemble", "held_out", "probabilities", "ranking"]

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


def drivers(context: ValidationContext) -> Result:
    """Q18: screen all factors, and require finite Sobol indices of the main drivers."""
    study, limits = context.uncertainty, {"fewest": FEWEST_FACTORS, "main": MAIN_DRIVERS}
    if study is None:
        return result("Q18", [], limits, lacking=["uncertainty"])
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
        share = share_of(judged[target.id].status, members.head.kind.value, 0)
        if share.share is not None:
            error = math.sqrt(share.share * (1 - share.share) / share.members)
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
    made = forecast_held_out(context.model, spec, spec.hold_out)
    inside, count = sum(one.inside for one in made.forecasts), len(made.forecasts)
    cases = [
        case("Q27", made.share >= INSIDE, "forecast_band",
             inside=inside, forecasts=count, least=INSIDE),
        case("Q27", made.gain > 0, "forecast_score", gain=made.gain),
    ]  # fmt: skip
    for one in made.forecasts:
        figure = one.observation
        cases.append(case(figure, True, "forecast", value=figure.value, unit=figure.unit,
                          low=one.band[0], high=one.band[-1], position=one.position,
                          gain=one.score - one.prior_score))  # fmt: skip
    return result(
        "Q27",
        cases,
        limits | {"year": made.year},
        year=made.year,
        fitted=made.fitted,
        accepted=made.accepted,
        inside=inside,
        forecasts=count,
        gain=made.gain,
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
    prior = draw_prior(context.model, len(members))
    shares, before = (
        dict(zip(frame["target"], frame["share"], strict=True))
        for frame in (
            verdict_shares(context.model, context.baseline, one, context.binding)
            for one in (members, prior)
        )
    )
    for target in context.binding:
        if math.isfinite(share := shares[target.id]):
            yield case(target, True, "share", share=share, prior=before[target.id])
