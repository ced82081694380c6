"""The signs of the links of declared loops, measured (Q01).

A variant of the model raises each cause of a declared link, in the equation of the effect alone,
from a given time on by a constant of its own. The change of the effect at that time, or one step
later if it is a stock, has the sign of the partial derivative.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from plansim.analysis.feedback.loops import Loop, LoopLink
from plansim.analysis.validation.context import ValidationContext
from plansim.analysis.validation.probe import (
    AddedEquation,
    Probe,
    Runs,
    end_of_reference,
    every_step,
    probe_of,
)
from plansim.analysis.validation.result import Case, CaseTemplate, case
from plansim.analysis.validation.settings import Settings, assigned
from plansim.errors import FaultLog
from plansim.model.records import Model
from plansim.model.scan import scan_text
from plansim.model.syntax import Role, name_key
from plansim.targets.catalogue import split_reference
from plansim.targets.indicator import Floats

__all__ = ["NUDGE", "NUDGE_TIMES", "link_cases"]

NUDGE = 1e-4
"""Relative change by which a cause is raised."""
NUDGE_TIMES = (1.0, 3.5, 7.5, 12.0)
"""Years after the start of the run from which a cause is raised."""
_ROUNDING = 1e-11
"""Changes below this share of the effect's largest value are rounding errors."""
_WHEN = "knob time"

Knobs = Mapping[tuple[str, str], str]
"""The constants that raise causes, by the cause and effect of a link."""


def link_cases(context: ValidationContext) -> list[Case]:
    """Test of each loop whether its links have their declared signs and are active at once."""
    if not context.loops:
        return []
    names = [_names(link) for loop in context.loops for path in loop.paths for link in path]
    knobs = {pair: f"knob {number}" for number, pair in enumerate(dict.fromkeys(names))}
    outputs = {name for pair in knobs for name in pair}
    constants = [_WHEN, *knobs.values(), *(f"{knob} least" for knob in knobs.values())]
    equations = [AddedEquation(name, "0", constant=True) for name in constants]
    text = _with_knobs(context.model, knobs)
    probe = probe_of(context.model, equations, sorted(outputs), text=text)
    return [case for loop in context.loops for case in _loop_cases(context, probe, knobs, loop)]


def _names(link: LoopLink) -> tuple[str, str]:
    return split_reference(link.cause)[0], split_reference(link.effect)[0]


def _with_knobs(model: Model, knobs: Knobs) -> str:
    text = model.text
    scan = scan_text(text, FaultLog(model.path))
    offsets = [
        (reference.offset, end_of_reference(text, reference.offset), knob)
        for (cause, effect), knob in knobs.items()
        for equation in scan.equations[name_key(effect)]
        for reference in equation.expression.references
        if name_key(reference.name) == name_key(cause) and reference.role is not Role.INITIAL
    ]
    for start, end, knob in sorted(offsets, reverse=True):
        cause = text[start:end].rstrip()
        raised = f"({cause} + STEP({knob}, {_WHEN})*(ABS({cause}) + {knob} least))"
        text = text[:start] + raised + text[end:]
    return text


@dataclass(frozen=True)
class _Nudge:
    """A run in which one link's cause is raised from some time on."""

    link: LoopLink
    when: float


def _loop_cases(
    context: ValidationContext, probe: Probe, knobs: Knobs, loop: Loop
) -> Iterator[Case]:
    story = context.scenarios.get(loop.alive_in or "", context.baseline)
    settings = {**story.values, **assigned(context.model, loop.alive_with)}
    clock = every_step(story)
    plain = probe.run([settings], clock)
    times = [clock.initial + delay for delay in NUDGE_TIMES if clock.initial + delay < clock.final]
    nudges = [_Nudge(link, when) for path in loop.paths for link in path for when in times]
    raised = probe.run([_raised(plain, knobs, settings, nudge) for nudge in nudges], clock)
    answers = {
        (nudge.link, nudge.when): _signs_of_change(plain, raised, run, nudge)
        for run, nudge in enumerate(nudges)
    }
    name = (loop.id, loop.name_en, loop.name_zh)
    for path in loop.paths:
        for link in path:
            wrong = [when for when in times if not answers[link, when] <= {link.sign}]
            if wrong:
                ends = {"cause": link.cause, "effect": link.effect}
                yield case(name, False, CaseTemplate.WRONG_SIGN, time=wrong[0], **ends)
        idle = {when: [link for link in path if not answers[link, when]] for when in times}
        if all(idle.values()):
            fewest = min(idle.values(), key=len)
            what = ", ".join(f"{link.cause} → {link.effect}" for link in fewest[:3])
            yield case(name, False, CaseTemplate.INACTIVE, what=what)


def _raised(plain: Runs, knobs: Knobs, settings: Settings, nudge: _Nudge) -> Settings:
    knob = knobs[_names(nudge.link)]
    least = 0.01 * float(np.abs(plain.series(_names(nudge.link)[0])).max())
    return {**settings, _WHEN: nudge.when, knob: NUDGE, f"{knob} least": least}


def _signs_of_change(plain: Runs, raised: Runs, run: int, nudge: _Nudge) -> set[int]:
    """Return the signs of the changes of an effect's elements when its cause is raised."""
    before, after = _part(plain, 0, nudge.link.effect), _part(raised, run, nudge.link.effect)
    first = int(np.argmin(np.abs(plain.time - nudge.when)))
    for step in (first, first + 1):
        change = after[step] - before[step]
        moved = np.abs(change) > _ROUNDING * np.abs(before).max()
        if moved.any():
            return set(np.sign(change[moved]).astype(int).tolist())
    return set()


def _part(runs: Runs, run: int, reference: str) -> Floats:
    """Return a variable, ``(time, *elements)``, of those elements that the reference names."""
    name, chosen = split_reference(reference)
    model = runs.probe.model
    values: Floats = runs.series(name)[run]
    subscripts = model.variables[name].subscripts
    for axis, (subscript, wanted) in enumerate(zip(subscripts, chosen, strict=False), start=1):
        elements = model.subscripts[subscript].elements
        kept = model.subscripts[wanted].elements if wanted in model.subscripts else (wanted,)
        values = np.take(values, [elements.index(element) for element in kept], axis=axis)
    return values
