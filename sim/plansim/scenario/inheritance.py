"""Inheritance: from the file of a scenario and those of its parents to the values of one run."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from plansim.cache import file_sha256
from plansim.errors import Fault, Message, ScenarioError
from plansim.files.shipped import is_shipped
from plansim.model.records import Integration, Model, TimeSpec, VariableKind, folded
from plansim.scenario.levers import SERIES, added_part, input_of, is_series_part, misdated
from plansim.scenario.records import (
    OVER,
    BilingualText,
    Change,
    Merged,
    Scenario,
    as_written,
    digest_of,
    unsound_clock,
)
from plansim.scenario.scenario_form import Layer, ScenarioReading, head_of
from plansim.scenario.values import Assignment, implausible, overrides_assigned

__all__ = ["merged", "overlay_alone", "written_with"]


def merged(
    path: Path, model: Model, overrides: Sequence[str], overlays: Sequence[Path] = ()
) -> Merged:
    """Read a scenario's file, merge it with its parents, and check it against the model.

    ``overlays`` are laid over it, and ``overrides`` over these.

    Raises:
        ScenarioError: with every fault of the file, its ancestors, the overlays and the overrides.
    """
    reading = ScenarioReading(model)
    faults = reading.faults
    lineage = reading.lineage(path)
    over = reading.overlays(overlays)
    stack = [*(one for layer in lineage for one in (*layer.overlays, layer)), *over]
    faults += _doubly_laid(model, [layer for layer in stack if layer.is_overlay])
    # What is compared with the parent: the values over the scenario, or else those of its file.
    own_layers = over or ([*lineage[-1].overlays, lineage[-1]] if lineage else [])
    below = _laid(model, stack[: len(stack) - len(own_layers)])
    own = _laid(model, own_layers)
    own = _assigned(model, own, overrides_assigned(model, overrides, faults))
    dated = (lineage[-1].file.assignments if lineage else {}) | own
    methods = [model.time.integration]
    for layer in lineage:
        methods.append(layer.file.integration or methods[-1])
    ours = {layer.document.file for layer in stack if is_shipped(layer.path)}
    plain = as_written(model)
    settled = _settled(model, plain, below, own, dated, methods[-1], faults, ours)

    tables = {
        number.file: file_sha256(Path(number.file))
        for layer in stack
        for number in layer.file.assignments.values()
        if number.file != layer.document.file
    }
    ids = [layer.path.stem for layer in lineage]
    if over:
        ids.append(OVER.join([ids[-1], *(layer.path.stem for layer in over)]))
    scenario = replace(
        _described(settled, [lineage[-1], *over], stack),
        id=ids[-1],
        parent=ids[-2] if len(ids) > 1 else None,
        lineage=tuple(ids),
        overrides=tuple(overrides),
        method_before=methods[-1] if over else methods[-2],
        sha256=digest_of(*(layer.document.sha256 for layer in stack), *tables.values(), *overrides),
    )
    return Merged(scenario, tuple({**reading.files, **tables}.items()))


def written_with(model: Model, overrides: Sequence[str]) -> Scenario:
    """Return the model as it is written, with texts ``NAME=VALUE`` over it.

    Raises:
        ScenarioError: with every fault of the overrides.
    """
    faults: list[Fault] = []
    plain = replace(as_written(model), overrides=tuple(overrides), sha256=digest_of(*overrides))
    own = _assigned(model, {}, overrides_assigned(model, overrides, faults))
    return _settled(model, plain, {}, own, own, plain.time.integration, faults)


def overlay_alone(path: Path, model: Model) -> Scenario:
    """Return an overlay as a scenario that sets only what the overlay does.

    Raises:
        ScenarioError: with every fault of the file.
    """
    reading = ScenarioReading(model)
    layers = reading.overlays([path])
    if reading.faults:
        raise ScenarioError(reading.faults)
    assignments = layers[0].file.assignments
    return replace(
        _described(as_written(model), layers, layers),
        id=path.stem,
        lineage=(path.stem,),
        values={key: number.number for key, number in assignments.items()},
        changes=tuple(_changes(model, {}, assignments)),
    )


def _described(plain: Scenario, shown: Sequence[Layer], stack: Sequence[Layer]) -> Scenario:
    """Return a scenario with the texts of files: those of ``shown``, and what the stack assumes."""
    heads = [head_of(layer.path, layer.file) for layer in shown]
    assumed = {key: layer for layer in stack for key in layer.file.assumes}
    return replace(
        plain,
        title_en=" + ".join(head.title_en for head in heads),
        title_zh="＋".join(head.title_zh for head in heads),
        kind=heads[0].kind,
        description_en=" ".join(filter(None, (head.description_en for head in heads))),
        description_zh="".join(head.description_zh for head in heads),
        assumed={
            key: BilingualText(layer.file.assumes[key].en, layer.file.assumes[key].zh)
            for key, layer in assumed.items()
        },
        assumed_lines={
            key: (layer.document.file, layer.document.line(("assumes", key)))
            for key, layer in assumed.items()
        },
        sources=tuple(
            BilingualText(source.en, source.zh) for layer in shown for source in layer.file.sources
        ),
        path=heads[0].path,
    )


def _settled(
    model: Model,
    plain: Scenario,
    below: Mapping[str, Assignment],
    own: Mapping[str, Assignment],
    dated: Mapping[str, Assignment],
    method: Integration,
    faults: list[Fault],
    ours: Collection[str] = (),
) -> Scenario:
    """Return a scenario with the values of ``own`` over those of ``below``, checked for the model.

    ``dated`` are those whose years must lie in the run; values of the files ``ours`` are not warned
    of.

    Raises:
        ScenarioError: with the faults so far and those of the clock and the years.
    """
    together = _assigned(model, below, own)
    time = model.time if faults else _clock(model, together, method, faults)
    if not faults:
        faults += _misdated(model, together, dated, time)
    if faults:
        raise ScenarioError(faults)
    return replace(
        plain,
        values={key: number.number for key, number in together.items()},
        time=time,
        changes=tuple(_changes(model, below, own)),
        warnings=tuple(
            implausible(number for number in together.values() if number.file not in ours)
        ),
        cautions=tuple(_moved_start(model, together)),
    )


def _laid(model: Model, layers: Sequence[Layer]) -> dict[str, Assignment]:
    """Return the assignments of layers, each over those before it."""
    laid: dict[str, Assignment] = {}
    for layer in layers:
        laid = _assigned(model, laid, layer.file.assignments)
    return laid


def _assigned(
    model: Model, below: Mapping[str, Assignment], own: Mapping[str, Assignment]
) -> dict[str, Assignment]:
    """Return assignments by key; those of ``own`` take precedence.

    A series ends where a lever or a constant in whose place it stands is set itself.
    """
    inputs = {_input(model, number) for number in own.values()} - {None}
    ended = inputs - {_series(number) for number in own.values()}
    return {key: one for key, one in below.items() if _series(one) not in ended} | {**own}


def _input(model: Model, number: Assignment) -> tuple[str, str]:
    """Return the lever or constant that an assignment acts on, with its elements."""
    return input_of(model, number.variable.name), number.element


def _series(number: Assignment) -> tuple[str, str] | None:
    """Return the lever or constant, with its elements, of whose series an assignment is a part."""
    stem, part = added_part(number.variable.name)
    return (stem, number.element) if is_series_part(part) else None


def _doubly_laid(model: Model, overlays: Sequence[Layer]) -> Iterator[Fault]:
    """Yield a fault for each pair of overlays that set the same constant, and for one laid twice.

    In which order they are laid does not matter then.
    """
    for index, layer in enumerate(overlays):
        for other in overlays[:index]:
            if layer.path.resolve() == other.path.resolve():
                yield Fault("the overlay '{name}' is laid twice", layer.path, name=layer.path.stem)
                break
            theirs = other.file.assignments
            inputs = {_input(model, number): number for number in theirs.values()}
            series = {_series(number): number for number in theirs.values()}
            for key, number in layer.file.assignments.items():
                first = theirs.get(key) or series.get(_input(model, number))
                if own := _series(number):
                    first = first or inputs.get(own)
                if first is not None:
                    yield Fault(
                        "the overlays '{first}' and '{second}' both set '{name}'",
                        number.file,
                        number.line,
                        found=f"{first.file}:{first.line}",
                        first=other.path.stem,
                        second=layer.path.stem,
                        name=key,
                    )
                    break


def _misdated(
    model: Model, merged: Mapping[str, Assignment], own: Mapping[str, Assignment], time: TimeSpec
) -> Iterator[Fault]:
    """Yield a fault for each year of a lever that is before its change or outside of the run.

    Only those of ``own`` are looked at: a child may end before the series of its parent.
    """
    values = {key: number.number for key, number in merged.items()}
    outside: set[tuple[str, str]] = set()
    for key, number in own.items():
        stem, part = added_part(number.variable.name)
        if part in SERIES and not time.initial <= number.number <= time.final:
            if (stem, number.element) in outside:
                continue
            outside.add((stem, number.element))
            yield Fault(
                "the series of '{name}' leaves the run",
                number.file,
                number.line,
                expected=Message(
                    "{low:g} to {high:g}{unit}", low=time.initial, high=time.final, unit=""
                ),
                found=f"{number.number:g}",
                name=stem,
            )
        elif message := misdated(model, values, key):
            found = f"{number.number:g}"
            yield Fault(message, number.file, number.line, found=found)


def _moved_start(model: Model, merged: Mapping[str, Assignment]) -> Iterator[Fault]:
    """Yield a warning if the start is moved while initial values of stocks are not."""
    name = model.find("INITIAL TIME").name
    start = next((assignment for assignment in merged.values() if assignment.key == name), None)
    if start is None or start.number == model.time.initial:
        return
    beside = (
        assignment
        for assignment in merged.values()
        if (assignment.file, assignment.variable.kind) == (start.file, VariableKind.CONSTANT)
    )
    if not any(beside):
        yield Fault(
            "'{name}' is moved alone: stocks begin with what the model gives for {year:g}",
            start.file,
            start.line,
            expected=Message("initial values for {year:g} as well", year=start.number),
            name=start.key,
            year=model.time.initial,
        )


def _changes(
    model: Model, below: Mapping[str, Assignment], own: Mapping[str, Assignment]
) -> Iterator[Change]:
    """Yield the changes from the parent, or from the model if no ancestor sets a value."""
    for key, value in own.items():
        variable = value.variable
        if key in below:
            old = below[key].number
        elif variable.name not in model.variables:
            old = math.nan  # the model itself has no such constant
        elif variable.kind is VariableKind.CONTROL:
            old = model.time.controls[folded(variable.name).upper()]
        elif isinstance(variable.value, Mapping):
            old = variable.value[value.element]
        else:
            old = math.nan if variable.value is None else variable.value
        if old != value.number:
            yield Change(key, old, value.number, variable.unit)


def _clock(
    model: Model, merged: Mapping[str, Assignment], method: Integration, faults: list[Fault]
) -> TimeSpec:
    """Return the clock of the run; it must be valid if the scenario sets any part of it."""
    set_here = {
        folded(value.variable.name).upper(): value
        for value in merged.values()
        if value.variable.kind is VariableKind.CONTROL
    }
    values = model.time.controls | {name: setting.number for name, setting in set_here.items()}
    if "SAVEPER" not in set_here and model.find("SAVEPER").value is None:
        # By Vensim's default SAVEPER = TIME STEP, so it follows the step.
        values["SAVEPER"] *= values["TIME STEP"] / model.time.step
    initial, final, step, saveper = values.values()
    time = TimeSpec(initial, final, step, saveper, method)
    for origin in list(set_here.values())[-1:]:
        if unsound := unsound_clock(time, model.find("TIME STEP").unit):
            faults.append(Fault(unsound[0], origin.file, origin.line, found=unsound[1]))
    return time
