"""What an adaptive policy gains over the same policy without its rules.

::

    gain = adaptation(model, "baseline")
    gain.robustness.pairs, [(one.of, one.difference) for one in gain.effort]

A rule of the model adds to what is done where something published falls behind its goal. The
overlay that `decision.yaml` names under ``responses`` takes the rules out of any scenario; both run
under the same members.

Reference: W. E. Walker, S. A. Rahman, J. Cave, Adaptive policies, policy analysis, and
policy-making, European Journal of Operational Research 128 (2001) 282-289.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from plansim.analysis.decisions.robustness import Robustness, robustness, standard_error
from plansim.analysis.decisions.sample import states_of
from plansim.analysis.ensemble import evaluate_members
from plansim.analysis.evaluator import Progress
from plansim.analysis.optimization.decision_file import FILE_NAME, read_frontier_spec
from plansim.model.records import Model
from plansim.scenario.factors import FloatArray
from plansim.scenario.members import Members
from plansim.scenario.scenario_file import Scenario, scenario_of
from plansim.targets.catalogue import load_targets
from plansim.targets.target import Target, binding_targets, split_reference
from plansim.targets.views import names_of
from plansim.targets.views_file import load_views

__all__ = ["Adaptation", "EffortOfRules", "adaptation"]


@dataclass(frozen=True)
class EffortOfRules:
    """How much more is done by the rules, in the mean over members and years."""

    of: str
    """The series."""
    name_en: str
    name_zh: str
    unit: str
    without: float
    within: float
    """With the rules."""
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
    """Of the policy without its rules, and of the policy with them."""
    effort: tuple[EffortOfRules, ...]


def adaptation(
    model: Model,
    scenario: Scenario | str | Path | None = None,
    targets: Sequence[Target] | None = None,
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
        targets: by default the catalogue beside the model.
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
    wanted = binding_targets(load_targets(model=model) if targets is None else targets)
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
