"""Q26: what the questions put to a model change, over the ensemble.

The two runs of a question are compared member by member, so that what is unknown of both alike
cancels out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from plansim.analysis.ensemble import evaluate_members, load_ensemble, read_ensemble_head
from plansim.analysis.validation.context import ValidationContext
from plansim.analysis.validation.effects_file import Effects, Margins, Question
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
    """What a question changes of the indicator of a target, or of what is shown beside them."""

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

    def moves(self, asked: Margins) -> bool:
        """Return whether the margin moves."""
        return abs(self.part) >= asked.part or abs(self.deviations) >= asked.deviations

    @property
    def values(self) -> dict[str, Number]:
        """What the templates of cases say of it."""
        median, low, high = map(float, np.quantile(self.parts, BAND))
        return {
            "of": self.question.id,
            "question_en": self.question.en,
            "question_zh": self.question.zh,
            "median": median,
            "low": low,
            "high": high,
        }


def question_effects(context: ValidationContext) -> Result:
    """Q26: compare the two runs of each question, member by member."""
    spec, head = context.effects, read_ensemble_head(context.model)
    if spec is None:
        return result("Q26", [], lacking=["effects"])
    asked = spec.margins
    limits: dict[str, Number] = {
        "least": asked.least, "part": asked.part, "deviations": asked.deviations,
    }  # fmt: skip
    if head is None:
        return result("Q26", [], limits, lacking=[FILE_NAME])
    if head.misfit(context.model):
        fault = case(FILE_NAME, False, "other_model")
        return result("Q26", [fault], limits, held=0, demanded=len(spec.least), moved=0,
                      targets=0, question_en="", question_zh="", members=0)  # fmt: skip
    beside, effects = _effects(context, spec)
    first = next(question for question in spec.questions if question.id == asked.question)
    growth = {key: changes[spec.questions.index(first)] for key, changes in effects.items()}
    moved = [key for key, effect in growth.items() if effect.moves(asked)]
    demanded = [_demand(context, effects[key], key, least) for key, least in spec.least.items()]
    shown = [
        case((name, name, context.model.variables[name].name_zh), True,
             "effect_beside", **effect.values)
        for name, changes in beside.items() for effect in changes
    ] + [
        case(_level_name(context, key), True, "effect", **effect.values,
             margin=effect.margin, deviations=effect.deviations)
        for key, changes in effects.items() for effect in changes
    ]  # fmt: skip
    told: dict[str, Number] = {
        "question_en": first.en,
        "question_zh": first.zh,
        "targets": len(effects),
    }
    return result(
        "Q26",
        [*demanded, *_margins(context, asked, moved, told), *shown],
        limits,
        held=sum(case.holds for case in demanded),
        demanded=len(demanded),
        moved=len(moved),
        targets=len(effects),
        question_en=first.en,
        question_zh=first.zh,
        members=len(next(iter(growth.values())).parts),
    )


def _binding(context: ValidationContext, key: str) -> Target:
    return next(target for target in context.binding if target.id == key)


def _level_name(context: ValidationContext, key: str) -> tuple[str, str, str]:
    """Return the id of a target with the names of what moves: of a fall, that which falls."""
    target = _binding(context, key)
    variable = variable_of(context.model, next(iter(target.variables.values())))
    return key, variable.name, variable.name_zh


def _demand(context: ValidationContext, effects: Sequence[_Effect], key: str, least: float) -> Case:
    """Return whether some question moves a target's indicator by what is asked."""
    most = max(effects, key=lambda effect: abs(effect.part))
    return case(
        _binding(context, key), abs(most.part) >= least, "effect_least", **most.values, least=least
    )


def _margins(
    context: ValidationContext, asked: Margins, moved: Sequence[str], told: Mapping[str, Number]
) -> Iterator[Case]:
    """Yield how many margins the question moves, and of each other target why it does not."""
    still = [target.id for target in context.binding if target.id not in moved]
    explained = all(key in asked.ledgers for key in still)
    count = {"count": len(moved), "limit": asked.least, "part": asked.part}
    enough = len(moved) >= asked.least or explained
    yield case("Q26", enough, "effect_count", **count, **told,
               deviations=asked.deviations)  # fmt: skip
    for key, reason in asked.ledgers.items():
        template = "effect_moves" if key in moved else "effect_ledger"
        words = {"reason_en": reason.en, "reason_zh": reason.zh}
        yield case(_binding(context, key), key not in moved, template, **words)


_EffectTable = dict[str, list[_Effect]]
"""By the id of a target, or a variable, its effects in the order of the questions."""


def _effects(context: ValidationContext, spec: Effects) -> tuple[_EffectTable, _EffectTable]:
    """Run both sides of every question, each scenario once; what is beside, then the targets."""
    model, binding, members = context.model, context.binding, load_ensemble(context.model)
    year = next(target.year for target in binding if target.year is not None)
    levels = {
        target.id: indicator_of(
            model, next(iter(target.variables.values())), Measure.LEVEL, target.since, target.year
        )
        for target in binding
        if target.year is not None
    }
    beside = {name: indicator_of(model, name, Measure.LEVEL, year, year) for name in spec.beside}
    wanted = (*binding, *{one.id: one for one in (*levels.values(), *beside.values())}.values())
    made: dict[tuple[str, tuple[str, ...]], Evaluation] = {}
    sides: dict[str, tuple[Evaluation, Evaluation]] = {}
    for question in spec.questions:
        for side in (question.first, question.last):
            if (side.id, side.overrides) not in made:
                run = evaluate_members(model, side, wanted, members)
                made[side.id, side.overrides] = run
        first, last = ((side.id, side.overrides) for side in (question.first, question.last))
        sides[question.id] = made[first], made[last]
    shown = {
        name: [_effect(question, *sides[question.id], level) for question in spec.questions]
        for name, level in beside.items()
    }
    targets = {
        target.id: [
            _effect(question, *sides[question.id], levels[target.id], target)
            for question in spec.questions
        ]
        for target in binding
    }
    return shown, targets


def _effect(
    question: Question,
    first: Evaluation,
    last: Evaluation,
    level: Target,
    target: Target | None = None,
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
