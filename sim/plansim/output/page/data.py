"""What a page tells beside its programs: texts, notes of levers, the past, plausible models.

It becomes JSON; texts in both languages are ``[en, zh]``. Members travel as whole numbers of two
bytes: of each factor the lowest change, the step, and the number of steps of each member.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from plansim.analysis.calibration.observed_past import PointKind, load_history
from plansim.compiler.ir import Program
from plansim.errors import UnitError
from plansim.model.comment import load_evidence
from plansim.model.records import Model
from plansim.output.variables import ModelFacts
from plansim.output.words.text import Lang, read_text, typeset
from plansim.scenario.levers import constant_named, lever_of
from plansim.scenario.members import LIMIT, Members, Moved, When
from plansim.scenario.references import split_name
from plansim.scenario.scenario_file import Scenario
from plansim.targets.catalogue import load_targets
from plansim.targets.indicator import Measure
from plansim.targets.target import Kind, Status, Target, split_reference, unit_factor, variable_of
from plansim.targets.verdict import SURE, Share, Verdict, certainty_of
from plansim.targets.views import Lever

__all__ = [
    "BOTH",
    "Data",
    "Dots",
    "both",
    "certainty_data",
    "lever_note",
    "members_data",
    "members_moves",
    "model_facts",
    "observed_dots",
    "shares_data",
    "unit_words",
    "words",
]

Data: TypeAlias = "dict[str, Data] | list[Data] | str | float | int | bool | None"
"""Data of JSON."""

BOTH = (Lang.EN, Lang.ZH)


def both(en: str, zh: str) -> Data:
    """Return a text in both languages, typeset, with a capital."""
    return [typeset(_capital(label)) for label in (en, zh or en)]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def words(en: str, zh: str) -> Data:
    """Return sentences of a file in both languages, with its broken lines joined."""
    return [read_text(lang).pick(en, zh) for lang in BOTH]


def unit_words(unit: str) -> Data:
    """Return a unit as it is written in both languages."""
    return [typeset(read_text(lang).unit(unit)) for lang in BOTH]


def model_facts(model: Model, targets: Sequence[Target]) -> tuple[ModelFacts, ...]:
    """Return what is known of a model, in each language of a page."""
    evidence = load_evidence(model.path.parent)
    return tuple(ModelFacts(model, tuple(targets), evidence, (), read_text(lang)) for lang in BOTH)


def lever_note(model: Model, lever: Lever, facts: Sequence[ModelFacts]) -> Mapping[str, Data]:
    """Return what a lever does, what the model's comment says of it, and its sources."""
    names = dict.fromkeys(split_reference(constant)[0] for constant in lever.constants)
    variables = [model.variables[name] for name in names]
    whole = model.variables.get(lever_of(model, variables[0].name) or "")
    about = [one for one in (whole, variables[0]) if one]
    help_words = words(lever.help_en, lever.help_zh)
    meaning = words(
        " ".join(one.meaning_en for one in about), "".join(one.meaning_zh for one in about)
    )
    tags = [tag for variable in variables for tag in variable.sources]
    return {
        "help": help_words,
        "meaning": ["", ""] if meaning == help_words else meaning,
        "sources": [
            list(dict.fromkeys(part.text for tag in tags for part in known.cited(tag)))
            for known in facts
        ],
    }


_Key = tuple[str, tuple[str, ...]]
Dot = tuple[float, bool]
Dots = Mapping[_Key, Mapping[int, Dot]]
"""By name and elements of a series its values by year, in the model's unit, each with whether it
was observed, or else led back from a later year."""


def observed_dots(model: Model, targets: Sequence[Target]) -> Dots:
    """Return what is known of the past of series of the model.

    From ``history.yaml`` beside the model: series that are just a variable, of which levels are
    known, but not what was measured otherwise. From the plan: the base figures of levels by which a
    target is judged, which give way to the former.
    """
    dots: dict[_Key, dict[int, Dot]] = {}
    for key, year, dot in (*_base_figures(model, targets), *_history(model)):
        dots.setdefault(key, {})[year] = dot
    return {key: dict(sorted(values.items())) for key, values in dots.items()}


def _history(model: Model) -> Iterator[tuple[_Key, int, Dot]]:
    history = load_history(model, load_targets(model=model))
    for series in history.series if history else ():
        key = split_reference(series.of)
        elements = {one for range_ in model.subscripts.values() for one in range_.elements}
        if key[0] not in model.variables or not elements.issuperset(key[1]):
            continue  # an expression over several
        for point in series.points:
            if point.since is None and point.kind is not PointKind.OTHERWISE:
                is_observed = point.kind is PointKind.OBSERVED
                yield key, point.year, (point.value * series.scale, is_observed)


def _base_figures(model: Model, targets: Sequence[Target]) -> Iterator[tuple[_Key, int, Dot]]:
    """Yield the plan's figures of one year, where a target judges the level of a series."""
    for target in targets:
        period = target.base_period
        is_level = target.kind is Kind.TARGET and target.measure is Measure.LEVEL
        if not is_level or period is None or period.first != period.last:
            continue
        if target.base_value is None or target.base_unit != target.unit:
            continue
        for reference in target.variables.values():
            try:
                factor = unit_factor(variable_of(model, reference).unit, target)
            except UnitError:
                continue
            yield split_reference(reference), period.last, (target.base_value / factor, True)


STEPS = 65535
"""Number of steps between the lowest and the highest change of a factor."""
BAND = (0.1, 0.9)
"""The quantiles of the members between which the band of a chart lies."""


def members_moves(
    members: Members | None, model: Model, scenarios: Iterable[Scenario]
) -> tuple[tuple[Moved, ...], ...]:
    """Return what each factor of an ensemble moves under some of the scenarios."""
    names = dict.fromkeys(name for scenario in scenarios for name in scenario.values)
    return () if members is None else members.moved(model, names)


def members_data(
    members: Members | None, moves: Sequence[Sequence[Moved]], model: Model, program: Program
) -> Data:
    """Return the members as data; None without members, or where the program lacks an input."""
    inputs = {name: index for index, name in enumerate(program.inputs)}
    if members is None or not all(one.constant in inputs for some in moves for one in some):
        return None
    low = members.values.min(axis=0)
    step = (members.values.max(axis=0) - low) / STEPS
    steps = np.rint((members.values - low) / np.where(step > 0, step, 1)).astype("<u2")
    whens = list(When)
    return {
        "kind": [read_text(lang).word("ensemble", members.head.kind) for lang in BOTH],
        "count": len(members),
        "limit": LIMIT,
        "band": list(BAND),
        "factors": [
            {
                "adds": factor.apply.value == "add",
                "low": float(low[column]),
                "step": float(step[column]),
                "moves": [
                    [
                        inputs[one.constant],
                        whens.index(one.when),
                        *constant_named(model, split_name(one.constant)[0]).admissible,
                    ]
                    for one in moves[column]
                ],
            }
            for column, factor in enumerate(members.factors)
        ],
        "steps": base64.b64encode(steps.T.tobytes()).decode(),
    }


def certainty_data() -> Data:
    """Return `certainty_of` as a table: by status, a letter for each share of 100 and for none."""
    shares = [*(Share("", count / 100, None, None, 100, 0) for count in range(101)), None]
    found = {
        status.value: [certainty_of(status, share) for share in shares]
        for status in Status
        if status.judged
    }
    by_status: Data = {status: [one and one.value for one in row] for status, row in found.items()}
    return {"sure": SURE, "by_status": by_status}


def shares_data(verdicts: Iterable[Verdict], targets: Sequence[Target]) -> Data:
    """Return by scenario how many of 100 members meet each target, as `check` shows it."""
    shares: dict[str, dict[str, int | None]] = {}
    for one in verdicts:
        shares.setdefault(one.scenario, {})[one.id] = one.share.of_hundred if one.share else None
    return {
        scenario: [counts.get(target.id) for target in targets]
        for scenario, counts in shares.items()
    }
