"""Q14: what each feedback loop does, by cutting it in every scenario."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from plansim.analysis.feedback.loops import MOVES, Loop, cut_loops
from plansim.analysis.validation.bench import engine_of
from plansim.analysis.validation.context import Dossier
from plansim.analysis.validation.probe import Equation, Probe, probe_of
from plansim.analysis.validation.result import Case, Finding, Number, Said, found, not_applicable
from plansim.analysis.validation.soundness import EXACT
from plansim.model.records import Model
from plansim.targets.catalogue import Attribute, Target, split_reference

__all__ = ["binding", "cuts"]

_FROZEN = 1e-6
"""Of what a switch freezes: a larger change is none of rounding."""


def binding(dossier: Dossier) -> tuple[Target, ...]:
    """Give the binding targets that something in the model answers for."""
    return tuple(
        each
        for each in dossier.judged
        if each.attribute is Attribute.BINDING and each.value is not None and each.year is not None
    )


def cuts(dossier: Dossier) -> Finding:
    """Cut every loop in every scenario; each moves a binding indicator, or is listed as weak."""
    limits: dict[str, Number] = {"most": MOVES}
    if not dossier.loops:
        return not_applicable("Q14", "loops", limits)
    equations = tuple(_felt(dossier.model, dossier.loops))
    targets = binding(dossier)
    names = {split_reference(each)[0] for t in targets for each in t.variables.values()}
    probe = probe_of(dossier.model, equations, [*sorted(names), *(each.name for each in equations)])
    strongest: dict[str, tuple[float, str, str]] = {}
    cases: list[Case] = []
    for scenario in dossier.scenarios.values():
        for cut in cut_loops(dossier.model, scenario, dossier.loops, targets, engine_of(probe)):
            if cut.fault:
                values: dict[str, Number] = {"scenario": scenario.id, "what": cut.fault}
                cases.append(_case(cut.loop, False, Said.BREAKS, values))
            for effect in cut.effects:
                place = (effect.strongest, effect.target.id, scenario.id)
                if math.isfinite(effect.strongest):
                    strongest[cut.loop.id] = max(strongest.get(cut.loop.id, place), place)
    for loop in dossier.loops:
        shift, target, where = strongest.get(loop.id, (0.0, "", ""))
        said = Said.WEAK if loop.weak_en else Said.STRONG
        values = {"shift": shift, "what": target, "scenario": where}
        cases.append(_case(loop, (shift > MOVES) != bool(loop.weak_en), said, values))
        cases += _frozen(dossier, probe, loop)
    weak = [loop.id for loop in dossier.loops if loop.weak_en]
    figures: dict[str, Number] = {
        "loops": len(dossier.loops),
        "strong": sum(shift > MOVES for shift, _, _ in strongest.values()),
        "weak": ", ".join(weak) or "–",
        "scenarios": len(dossier.scenarios),
    }
    return found("Q14", cases, figures, limits)


def _case(loop: Loop, holds: bool, said: Said, values: dict[str, Number]) -> Case:
    return Case(loop.id, holds, said, values, loop.name_en, loop.name_zh)


def _felt(model: Model, loops: tuple[Loop, ...]) -> Iterator[Equation]:
    """Give what each switch freezes, as equations to be computed."""
    for loop in loops:
        for place, text in enumerate(loop.felt):
            variable = model.variables.get(text)
            name = _name(loop, place)
            if variable is None or not variable.subscripts:
                yield Equation(name, text)
            else:
                right = f"{text}[{','.join(variable.subscripts)}]"
                yield Equation(name, right, variable.subscripts)


def _name(loop: Loop, place: int) -> str:
    return f"felt {loop.id} {place}"


def _frozen(dossier: Dossier, probe: Probe, loop: Loop) -> Iterator[Case]:
    """Find what a cut does not freeze at its value at the start of the whole run."""
    for scenario in dossier.scenarios.values():
        settings = [scenario.values, {**scenario.values, loop.switch: 0.0}]
        runs = probe.run(settings, scenario.time)
        for place, text in enumerate(loop.felt):
            whole, cut = runs.series(_name(loop, place))
            size = max(float(np.abs(whole[0]).max()), EXACT)
            change = float(np.abs(cut - whole[0]).max())
            if not change <= _FROZEN * size + EXACT:
                values: dict[str, Number] = {"what": text, "scenario": scenario.id}
                yield _case(loop, False, Said.NOT_FROZEN, {**values, "part": change / size})
