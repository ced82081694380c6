"""The data of a page beside its programs: charts, levers, scenarios and targets.

It is plain data that becomes one JSON object. A text in both languages is ``[en, zh]``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from statistics import mode

from plansim.analysis.attribution.assumptions import change_of
from plansim.analysis.attribution.shapley import MOST_EXACT, ORDERS
from plansim.analysis.feedback.loops import Loop
from plansim.compiler.ir import Program
from plansim.files.shipped import shipped
from plansim.model.records import Model
from plansim.model.units import NO_UNIT, shown_in
from plansim.output.page.data import (
    BOTH,
    Data,
    Dots,
    both,
    lever_note,
    model_facts,
    observed_dots,
    unit_words,
    words,
)
from plansim.output.page.programs import plain_reference
from plansim.output.series import mark_label, mark_of
from plansim.output.variables import ModelFacts
from plansim.output.words.text import read_text, target_figure, typeset
from plansim.output.words.verdicts import difference_words
from plansim.scenario.factors import Apply
from plansim.scenario.levers import SERIES
from plansim.scenario.scenario_file import Scenario
from plansim.targets.indicator import Measure, moment
from plansim.targets.target import (
    Direction,
    Status,
    Target,
    is_percentage,
    judged_targets,
    reported_factor,
    split_reference,
)
from plansim.targets.views import Chart, ChartSeries, Lever, Views, names_of, unit_of

__all__ = ["payload", "phrases"]

GROUPS = (
    "answer", "attribute", "basis", "certainty", "direction", "integration", "list_sep", "margin",
    "measure", "page", "status",
)  # fmt: skip
"""The groups of the catalogue of phrases that a page uses."""


def payload(
    model: Model,
    scenarios: Sequence[Scenario],
    overlays: Sequence[Scenario],
    views: Views,
    catalogue: Sequence[Target],
    program: Program,
    loops: Sequence[Loop] = (),
) -> dict[str, Data]:
    """Collect the data of a page. ``catalogue`` holds the rows of the plan."""
    targets = list(judged_targets(catalogue))
    charts = [*views.charts, *_extra(model, views, targets)]
    chart_index = {chart.id: number for number, chart in enumerate(charts)}
    outputs = {name: number for number, name in enumerate(program.outputs)}
    judged = {target.id: number for number, target in enumerate(targets)}
    dots, facts = observed_dots(model, catalogue), model_facts(model, catalogue)
    places = {name: number for number, name in enumerate(program.inputs)}
    inputs = _settable([*scenarios, *overlays], views, places)
    return {
        "phrases": phrases(),
        "scenarios": [_scenario(model, scenario, places) for scenario in scenarios],
        "overlays": [_scenario(model, overlay, places) for overlay in overlays],
        "themes": [
            {
                "name": both(theme.name_en, theme.name_zh),
                "charts": [chart_index[chart.id] for chart in theme.charts],
            }
            for theme in views.themes
        ],
        "charts": [_chart(model, chart, targets, judged, outputs, dots) for chart in charts],
        "groups": [
            {
                "id": group.id,
                "name": both(group.name_en, group.name_zh),
                "levers": [
                    _lever(model, lever, places, facts)
                    for lever in group.levers
                    if not places.keys().isdisjoint(lever.constants)
                ],
            }
            for group in views.groups
        ],
        "targets": [_target(model, target, charts, loops) for target in targets],
        "year": mode(target.year for target in targets) if targets else None,
        "statuses": [status.value for status in Status],
        "moments": [
            moment(model.variables[split_reference(name)[0]].timing, 0) for name in program.outputs
        ],
        "variables": _variables(model, views, program, inputs),
        "changes": _changes(model, program, inputs),
        "shares": {"exact": MOST_EXACT, "orders": ORDERS},
    }


def phrases() -> dict[str, Data]:
    """Return the phrases that a page uses, by ``group.key``."""
    texts = [read_text(lang) for lang in BOTH]
    payload: dict[str, Data] = {
        key: [typeset(text.phrases[key]) for text in texts]
        for key in texts[0].phrases
        if key.partition(".")[0] in GROUPS
    }
    assert all(texts[0].word("page", key) for key in payload)
    return payload


# --- scenarios ------------------------------------------------------------------------------------


def _scenario(model: Model, scenario: Scenario, places: Mapping[str, int]) -> Data:
    return {
        "id": scenario.id,
        "kind": scenario.kind.value,
        "name": both(scenario.title_en, scenario.title_zh),
        "about": words(scenario.description_en, scenario.description_zh),
        "values": [
            [places[name], value] for name, value in scenario.values.items() if name in places
        ],
        "clock": dict(asdict(scenario.time)),
        "assumed": {key: words(text.en, text.zh) for key, text in scenario.assumed.items()},
        **_written(model, scenario),
    }


def _written(model: Model, scenario: Scenario) -> dict[str, Data]:
    """Return a scenario as a file names it: by its id if it is shipped, else by its values."""
    folder = shipped("scenarios")
    if scenario.path is not None and scenario.path.resolve().parent == folder.resolve():
        return {"shipped": True, "parent": scenario.id, "own": {}}
    known = {path.stem for path in folder.glob("*.yaml")}
    at_home = model.path.resolve().parent == shipped("model").resolve()
    ancestors = [ancestor for ancestor in scenario.lineage if at_home and ancestor in known]
    parent = ancestors[-1] if ancestors else None
    return {"shipped": False, "parent": parent, "own": dict(scenario.values)}


# --- charts ---------------------------------------------------------------------------------------


def _extra(model: Model, views: Views, targets: Iterable[Target]) -> Iterator[Chart]:
    """Yield a chart of each series that judges a target and that no theme shows."""
    seen = {split_reference(line.reference) for chart in views.charts for line in chart.lines}
    for target in targets:
        for reference in target.variables.values():
            name, elements = key = split_reference(reference)
            if key in seen:
                continue
            seen.add(key)
            variable = model.variables[name]
            unit = unit_of(targets, [reference]) or variable.unit
            names = names_of(model, variable, elements)
            line = ChartSeries(
                plain_reference(reference), *names, reported_factor(variable.unit, unit)
            )
            yield Chart(line.reference, *names, (line,), unit, key=False)


def _chart(
    model: Model,
    chart: Chart,
    targets: Sequence[Target],
    judged: Mapping[str, int],
    outputs: Mapping[str, int],
    dots: Dots,
) -> Data:
    lines: list[Data] = [
        {
            "output": outputs[line.reference],
            "name": both(line.name_en, line.name_zh),
            "factor": line.factor,
            "past": [
                [year, value * line.factor, is_observed]
                for year, (value, is_observed) in dots.get(
                    split_reference(line.reference), {}
                ).items()
            ],
        }
        for line in chart.lines
    ]
    return {
        "id": chart.id,
        "name": both(chart.name_en, chart.name_zh),
        "unit": unit_words(chart.unit),
        "key": chart.key,
        "cost": chart.cost,
        "lines": lines,
        "marks": [
            _mark(model, line, number, target, judged)
            for number, line in enumerate(chart.lines)
            for target in targets
            for reference in target.variables.values()
            if split_reference(reference) == split_reference(line.reference)
        ],
    }


def _mark(
    model: Model, line: ChartSeries, number: int, target: Target, judged: Mapping[str, int]
) -> Data:
    """Return a mark in the unit of the chart; of a growth or a fall, as a multiple of the base."""
    scaled = target.measure in (Measure.GROWTH, Measure.REDUCTION)
    unit = model.variables[split_reference(line.reference)[0]].unit
    mark = mark_of(target, unit, 1.0, 1.0 if scaled else line.factor)
    assert mark is not None
    return {
        "target": judged[target.id],
        "line": number,
        "low": mark.low,
        "high": mark.high,
        "scaled": scaled,
        "since": target.since,
        "first": mark.first,
        "year": mark.year,
        "until": mark.until,
        "label": [typeset(mark_label(target, read_text(lang))) for lang in BOTH],
    }


# --- levers ---------------------------------------------------------------------------------------


def _lever(
    model: Model, lever: Lever, places: Mapping[str, int], facts: Sequence[ModelFacts]
) -> Data:
    inside = [constant for constant in lever.constants if constant in places]
    variables = [model.variables[split_reference(reference)[0]] for reference in inside]
    is_set = lever.apply is Apply.SET and bool(variables)
    return {
        "id": lever.id,
        "name": both(lever.name_en, lever.name_zh),
        **lever_note(model, lever, facts),
        "inputs": [places[reference] for reference in inside],
        "plausible": [
            list(variable.plausible) if variable.plausible else None for variable in variables
        ],
        "limits": list(variables[0].admissible if is_set else (lever.low, lever.high)),
        "apply": lever.apply.value,
        "low": lever.low,
        "high": lever.high,
        "unit": _added_unit(lever) if lever.apply is Apply.ADD else _bare_unit(lever.shown_unit),
        "factor": lever.shown_factor,
        "calendar": model.centred and lever.unit == "Year" and lever.low > EARLIEST,
    }


def _added_unit(lever: Lever) -> Data:
    """Return the unit of what a lever adds: of a percentage points."""
    words = [difference_words("", lever.shown_unit, read_text(lang)) for lang in BOTH]
    return [typeset(one.strip()) for one in words]


def _bare_unit(unit: str) -> Data:
    return ["", ""] if unit == NO_UNIT else unit_words(unit)


EARLIEST = 1800
"""A value in years above this is a date: a month where TIME = y is the middle of year y."""


def _settable(scenarios: Iterable[Scenario], views: Views, places: Mapping[str, int]) -> list[int]:
    """Return the inputs that levers or scenarios set; members of the ensemble alone set others."""
    names = {name for scenario in scenarios for name in scenario.values}
    names |= {constant for lever in views.levers for constant in lever.constants}
    return [place for name, place in places.items() if name in names]


def _variables(model: Model, views: Views, program: Program, inputs: Sequence[int]) -> Data:
    """Return the constants behind some of the inputs, arrays as one, with their indices."""
    shown = {
        split_reference(constant)[0]: (lever.shown_unit, lever.shown_factor)
        for lever in views.levers
        for constant in lever.constants
        if lever.unit == model.variables[split_reference(constant)[0]].unit
    }
    called = {
        lever.id: (lever.name_en, lever.name_zh)
        for lever in views.levers
        if lever.constants == (lever.id,) and lever.apply is Apply.SET
    }
    by_variable: dict[str, list[int]] = {}
    for number in inputs:
        by_variable.setdefault(split_reference(program.inputs[number])[0], []).append(number)
    rows: list[Data] = []
    for name, own in by_variable.items():
        if name.endswith(SERIES):  # the values by year tell as much
            continue
        variable = model.variables[name]
        unit, factor = shown.get(name) or shown_in(variable.unit)
        is_date = isinstance(variable.value, float) and variable.value > EARLIEST
        is_date = is_date and variable.unit == "Year" and model.centred
        rows.append(
            {
                "name": both(*called.get(name, (variable.name, variable.name_zh))),
                "unit": _bare_unit(unit),
                "factor": factor,
                "inputs": list(own),
                "elements": [_elements(model, program.inputs[input_]) for input_ in own],
                "calendar": is_date,
            }
        )
    return rows


def _changes(model: Model, program: Program, inputs: Sequence[int]) -> Data:
    """Return the names of the changes of assumptions, each with the indices of its inputs."""
    changes: dict[tuple[str, str], list[int]] = {}
    order = {name: index for index, name in enumerate(model.variables)}
    references = [(index, program.inputs[index]) for index in inputs]
    for index, reference in sorted(references, key=lambda one: order[split_reference(one[1])[0]]):
        changes.setdefault(change_of(model, reference), []).append(index)
    return [
        {"id": names[0], "name": both(*names), "inputs": [*own]} for names, own in changes.items()
    ]


def _elements(model: Model, reference: str) -> Data:
    elements = split_reference(reference)[1]
    return [", ".join(elements), "，".join(model.elements_zh.get(one, one) for one in elements)]


# --- targets --------------------------------------------------------------------------------------


def _target(model: Model, target: Target, charts: Sequence[Chart], loops: Sequence[Loop]) -> Data:
    references = [split_reference(variable) for variable in target.variables.values()]
    variable = model.variables[references[0][0]]
    causes = [
        model.variables[name]
        for name in variable.causes
        if name in model.variables and model.variables[name].kind.moves
    ]
    near = {variable.name, *(cause.name for cause in causes)}
    around = [
        loop
        for loop in loops
        if near & {split_reference(link.cause)[0] for path in loop.paths for link in path}
    ]
    assert target.value is not None
    place = next(
        (number, at)
        for number, chart in enumerate(charts)
        for at, line in enumerate(chart.lines)
        if references[0] == split_reference(line.reference)
    )
    return {
        "id": target.id,
        "name": both(target.name_en, target.name_zh),
        "attribute": target.attribute.value,
        "unit": unit_words(target.unit),
        "sign": str(target.direction) if target.direction else "",
        "value": target.value,
        "slack": target.tolerance if target.direction is Direction.ABOUT else 0,
        "points": target.unit.partition("/")[0] if is_percentage(target.unit) else "",
        "falls": target.measure is Measure.REDUCTION,
        "asked": target_figure(target.value),
        "year": target.year,
        "horizon": target.horizon,
        "bases": [str(basis) for basis in target.variables if basis],
        "place": words(target.place_en, target.place_zh),
        "wording": target.wording,
        "note": words(target.note_en, target.note_zh),
        "chart": place[0],
        "line": place[1],
        "variable": both(variable.name, variable.name_zh),
        "meaning": [variable.meaning_en, variable.meaning_zh or variable.meaning_en],
        "causes": [both(cause.name, cause.name_zh) for cause in causes],
        "loops": [
            [
                [f"{loop.id} {name}" for name in (loop.name_en, loop.name_zh)],
                words(loop.meaning.en, loop.meaning.zh),
            ]
            for loop in around
        ],
    }
