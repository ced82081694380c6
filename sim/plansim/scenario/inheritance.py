"""Inheritance: from the file of a scenario and those of its parents to the values of one run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from plansim.errors import Fault, Message, ScenarioError, nearest
from plansim.files import is_shipped, shipped
from plansim.forms import YamlDocument, form_of, noting, read_document
from plansim.model.records import Model, TimeSpec, VariableKind, folded
from plansim.scenario.records import (
    BilingualText,
    Change,
    Merged,
    Scenario,
    ScenarioHead,
    digest_of,
    is_path,
    scenario_files,
    unsound_clock,
)
from plansim.scenario.schema import ScenarioFile
from plansim.scenario.values import Assignment, Origin, implausible, overrides_assigned

__all__ = ["merged", "read_heads"]


def merged(path: Path, model: Model, overrides: Sequence[str]) -> Merged:
    """Read a scenario's file, merge it with its parents, and check it against the model.

    Raises:
        ScenarioError: with every fault of the file, its ancestors and the overrides.
    """
    files: dict[str, str] = {}
    faults: list[Fault] = []
    lineage = _read_lineage(path, model, files, faults)
    below: dict[str, Assignment] = {}
    own: dict[str, Assignment] = {}
    for layer in lineage:
        below |= own
        own = layer.file.assignments
    own |= overrides_assigned(model, overrides, faults)
    together = below | own
    time = model.time if faults else _clock(model, together, faults)
    if faults:
        raise ScenarioError(faults)

    leaf = lineage[-1]
    ours = {layer.document.file for layer in lineage if is_shipped(layer.path)}
    assumed = {key: layer for layer in lineage for key in layer.file.assumes}
    head = _head(leaf.path, leaf.file)
    scenario = Scenario(
        id=head.id,
        title_en=head.title_en,
        title_zh=head.title_zh,
        description_en=head.description_en,
        description_zh=head.description_zh,
        parent=lineage[-2].path.stem if len(lineage) > 1 else None,
        lineage=tuple(layer.path.stem for layer in lineage),
        values={key: value.number for key, value in together.items()},
        time=time,
        assumed={
            key: BilingualText(layer.file.assumes[key].en, layer.file.assumes[key].zh)
            for key, layer in assumed.items()
        },
        assumed_lines={
            key: (layer.document.file, layer.document.line(("assumes", key)))
            for key, layer in assumed.items()
        },
        changes=tuple(_changes(model, below, own)),
        overrides=tuple(overrides),
        sources=tuple(leaf.file.sources),
        warnings=tuple(
            implausible(
                assignment for assignment in together.values() if assignment.file not in ours
            )
        ),
        path=leaf.path,
        sha256=digest_of(*(layer.document.sha256 for layer in lineage), *overrides),
        cautions=tuple(_moved_start(model, together)),
    )
    return Merged(scenario, tuple(files.items()))


def read_heads(folder: Path) -> tuple[ScenarioHead, ...]:
    """Return the heads of all scenarios in a folder, sorted by id.

    Raises:
        ScenarioError: with the faults of every file that is not a scenario.
    """
    heads: list[ScenarioHead] = []
    faults: list[Fault] = []
    for path in scenario_files(folder):
        with noting(faults):
            heads.append(_head(path, form_of(ScenarioFile, read_document(path))))
    if faults:
        raise ScenarioError(faults)
    return tuple(heads)


@dataclass(frozen=True)
class _Layer:
    """One valid scenario file."""

    path: Path
    document: YamlDocument
    file: ScenarioFile


def _head(path: Path, file: ScenarioFile) -> ScenarioHead:
    parent = file.parent
    return ScenarioHead(
        id=path.stem,
        title_en=file.title.en,
        title_zh=file.title.zh,
        description_en=file.description.en,
        description_zh=file.description.zh,
        parent=Path(parent).stem if parent is not None and is_path(parent) else parent,
        path=path,
    )


def _read_lineage(
    path: Path, model: Model, files: dict[str, str], faults: list[Fault]
) -> list[_Layer]:
    """Return a scenario and its ancestors as far as they are valid; the root comes first.

    Files that were looked for are added to ``files``, and faults to ``faults``.
    """
    lineage: list[_Layer] = []
    seen: list[Path] = []
    file: Path | None = path
    while file is not None:
        seen.append(file)
        document = read_document(file)
        files[str(file)] = document.sha256
        with noting(faults):
            form = form_of(ScenarioFile, document, Origin(model, document), ScenarioError)
            lineage.insert(0, _Layer(file, document, form))
        # The parent that an invalid file names is read too, for its own faults.
        named = document.data.get("parent") if isinstance(document.data, dict) else None
        file = _parent_path(file, named, document, faults, files) if named else None
        if file is not None and file.resolve() in (other.resolve() for other in seen):
            circle = " → ".join(other.stem for other in (*seen, file))
            fault = Fault("the parents run in a circle", found=circle)
            faults.append(document.placed(fault, ("parent",)))
            break
    return lineage


def _parent_path(
    child: Path, parent: object, document: YamlDocument, faults: list[Fault], files: dict[str, str]
) -> Path | None:
    if not isinstance(parent, str):
        return None
    if is_path(parent):
        candidates = [child.parent / parent]
    else:
        candidates = [child.parent / f"{parent}.yaml", shipped("scenarios") / f"{parent}.yaml"]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
        files[str(candidate)] = ""
    known = sorted({path.stem for file in candidates for path in scenario_files(file.parent)})
    fault = Fault(
        "there is no parent '{name}'",
        expected=Message("the id of a scenario, or a relative path"),
        nearest=nearest(parent, known),
        name=parent,
    )
    faults.append(document.placed(fault, ("parent",)))
    return None


def _moved_start(model: Model, merged: Mapping[str, Assignment]) -> Iterator[Fault]:
    """Yield a warning if the start is moved while initial values of stocks are not."""
    start = next(
        (assignment for assignment in merged.values() if assignment.key == _start_of(model)), None
    )
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


def _start_of(model: Model) -> str:
    return model.find("INITIAL TIME").name


def _changes(
    model: Model, below: Mapping[str, Assignment], own: Mapping[str, Assignment]
) -> Iterator[Change]:
    """Yield the changes from the parent, or from the model if no ancestor sets a value."""
    for key, value in own.items():
        variable = value.variable
        if key in below:
            old = below[key].number
        elif variable.kind is VariableKind.CONTROL:
            old = _clock_values(model.time)[folded(variable.name)]
        elif isinstance(variable.value, Mapping):
            old = variable.value[value.element]
        else:
            old = float("nan") if variable.value is None else variable.value
        if old != value.number:
            yield Change(key, old, value.number, variable.unit)


def _clock_values(time: TimeSpec) -> dict[str, float]:
    return {
        "initial time": time.initial,
        "final time": time.final,
        "time step": time.step,
        "saveper": time.saveper,
    }


def _clock(model: Model, merged: Mapping[str, Assignment], faults: list[Fault]) -> TimeSpec:
    """Return the clock of the run; it must be valid if the scenario sets any part of it."""
    set_here = {
        folded(value.variable.name): value
        for value in merged.values()
        if value.variable.kind is VariableKind.CONTROL
    }
    values = _clock_values(model.time) | {
        name: setting.number for name, setting in set_here.items()
    }
    if "saveper" not in set_here and model.find("SAVEPER").value is None:
        # By Vensim's default SAVEPER = TIME STEP, so it follows the step.
        values["saveper"] *= values["time step"] / model.time.step
    initial, final, step, saveper = values.values()
    time = TimeSpec(initial, final, step, saveper, model.time.integration)
    for origin in list(set_here.values())[-1:]:
        if unsound := unsound_clock(time):
            faults.append(Fault(unsound[0], origin.file, origin.line, found=unsound[1]))
    return time
