"""Q26: what the questions put to a model change, over the ensemble.

The two runs of a question are compared member by member, so that what is unknown of both alike
cancels out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from plansim.analysis.checks_file import Margins, Question
from plansim.analysis.ensemble import evaluate_members, load_ensemble, read_ensemble_head
from plansim.analysis.validation.context import ValidationContext
from plansim.analysis.validation.result import Case, Number, Result, case, result
from plansim.scenario.factors import FloatArray
from plansim.scenario.members import FILE_NAME
from plansim.targets.indicator import Measure
from plansim.targets.target import Target, indicator_of, variable_of

if TYPE_CHECKING:
    from plansim.analysis.evaluator import Evaluation

__all__ = ["question_effects"]

BAND = (0.5, 0.05, 0.95)
"""The quantiles over members that are shown: the median and the ends of the band."""


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

    def case(
        self, subject: Target | tuple[str, str, str], holds: bool, message: str, **more: Number
    ) -> Case:
        """Return a case that says what changes."""
        median, low, high = map(float, np.quantile(self.parts, BAND))
        return case(
            subject,
            holds,
            message,
            of=self.question.id,
            **_named(self.question),
            median=median,
            low=low,
            high=high,
            **more,
        )


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
    moved = [key for key, one in growth.items() if _moves(one, asked)]
    demanded = []
    for key, least in spec.least.items():
        most = max(effects[key], key=lambda one: abs(one.part))
        holds = abs(most.part) >= least
        demanded.append(most.case(binding[key], holds, "effect_least", least=least))
    shown = []
    for key, changes in effects.items():
        if key not in binding:
            name = (key, key, model.variables[key].name_zh)
            shown += [one.case(name, True, "effect_beside") for one in changes]
            continue
        # Of a target what moves is named: of a fall, that which falls.
        variable = variable_of(model, next(iter(binding[key].variables.values())))
        name = (key, variable.name, variable.name_zh)
        shown += [
            one.case(name, True, "effect", margin=one.margin, deviations=one.deviations)
            for one in changes
        ]
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


def _moves(effect: _Effect, asked: Margins) -> bool:
    return abs(effect.part) >= asked.part or abs(effect.deviations) >= asked.deviations


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
    runs = {}
    for side in (side for question in questions for side in (question.first, question.last)):
        if (side.id, side.overrides) not in runs:
            made = evaluate_members(model, side, wanted, members)
            runs[side.id, side.overrides] = made
    by_id = {target.id: target for target in binding}
    return {
        key: [
            _effect(
                question,
                runs[question.first.id, question.first.overrides],
                runs[question.last.id, question.last.overrides],
                level,
                by_id.get(key),
            )
            for question in questions
        ]
        for key, level in levels.items()
    }


def _effect(
    question: Question, first: Evaluation, last: Evaluation, level: Target, target: Target | None
) -> _Effect:
    """Compare the members that are sound in both runs."""
    with np.errstate(all="ignore"):
        parts = last[level.id].value / first[level.id].value - 1
    sound = np.isfinite(parts) & ~first.failed & ~last.failed
    if not sound.any():
        return _Effect(question, np.zeros(1))
    if target is None:
        return _Effect(question, parts[sound])
    before, after = (run[target.id].least_margin[sound] for run in (first, last))
    margin, spread = float(np.median(after - before)), float(before.std())
    return _Effect(question, parts[sound], margin, margin / spread if spread else 0.0)
