"""A scenario: what one run sets on the model, read from a file, merged with its parents, checked.

A scenario file names only what differs from its parent; the root of a family has none and
differs from the model itself. Names of variables and elements may be English or Chinese; values
may carry a unit, which is converted to the model's or refused. ``scenarios/schema.json``
describes the form of a file to editors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from plansim.errors import Fault, ScenarioError, UnknownNameError, nearest
from plansim.model.assignment import (
    Assignment,
    assignments,
    file_entries,
    implausible,
    override_entries,
)
from plansim.model.document import Document
from plansim.model.records import Model, TimeSpec, VariableKind, folded
from plansim.model.scenario_file import ScenarioFile, Text, Wording, read_scenario_file
from plansim.resources import shipped

__all__ = [
    "Change",
    "Scenario",
    "ScenarioHead",
    "Text",
    "as_written",
    "list_scenarios",
    "read_scenario",
    "unsound_clock",
]

MAX_STEPS = 100_000
"""More steps than this in one run are taken for a mistake."""


@dataclass(frozen=True)
class Change:
    """One constant that a scenario sets differently from its parent."""

    name: str
    """``name`` or ``name[element]``."""
    old: float
    """In the parent, or in the model where no ancestor sets it."""
    new: float
    unit: str


@dataclass(frozen=True)
class ScenarioHead:
    """What a scenario is called, without the values that it sets."""

    id: str
    title_en: str
    title_zh: str
    description_en: str
    description_zh: str
    parent: str | None
    path: Path


@dataclass(frozen=True)
class Scenario:
    """What one run sets on the model, with all parents and overrides merged in."""

    id: str
    title_en: str
    title_zh: str
    description_en: str
    description_zh: str
    parent: str | None
    lineage: tuple[str, ...]
    """The ids from the root to this scenario."""
    values: Mapping[str, float]
    """By ``name`` or ``name[e1,e2]``: the model's own names, in the model's units."""
    time: TimeSpec
    """The clock of the run: the model's, with what `values` changes."""
    assumed: Mapping[str, Text]
    """By target id, why meeting that target proves nothing here."""
    assumed_lines: Mapping[str, tuple[str, int | None]]
    """By target id, the file and line that say so, for messages about an unknown id."""
    changes: tuple[Change, ...]
    overrides: tuple[str, ...]
    """The settings that came with the call (``--set``), as given."""
    sources: tuple[str, ...]
    warnings: tuple[Fault, ...]
    """Values outside their plausible range."""
    path: Path | None
    """None for the model as written."""
    sha256: str
    """Of the bytes of all files of the lineage and of the overrides."""


def read_scenario(
    name_or_path: str | Path, model: Model, overrides: Sequence[str] = ()
) -> Scenario:
    """Read a scenario, merge it with its parents, and check it against the model.

    ``name_or_path`` is the id or a title of a shipped scenario, or the path of a file.
    ``overrides`` are texts ``NAME=VALUE`` that are laid over it.

    Raises:
        UnknownNameError: no scenario bears the name.
        ScenarioError: with every fault of the file, its ancestors and the overrides.
    """
    path = _locate(str(name_or_path))
    lineage, faults = _read_lineage(path)
    below: dict[str, Assignment] = {}
    own: dict[str, Assignment] = {}
    for layer in lineage:
        below |= own
        own = assignments(model, file_entries(model, layer.document, layer.file, faults), faults)
    own |= assignments(model, override_entries(overrides, faults), faults)
    merged = below | own
    time = _clock(model, merged, faults)
    if faults:
        raise ScenarioError(faults)

    leaf = lineage[-1]
    assumed = {key: layer for layer in lineage for key in layer.file.assumes}
    head = _head(leaf)
    return Scenario(
        id=head.id,
        title_en=head.title_en,
        title_zh=head.title_zh,
        description_en=head.description_en,
        description_zh=head.description_zh,
        parent=lineage[-2].path.stem if len(lineage) > 1 else None,
        lineage=tuple(layer.path.stem for layer in lineage),
        values={key: value.number for key, value in merged.items()},
        time=time,
        assumed={key: _text(layer.file.assumes[key]) for key, layer in assumed.items()},
        assumed_lines={
            key: (layer.document.file, layer.document.line(("assumes", key)))
            for key, layer in assumed.items()
        },
        changes=tuple(_changes(model, below, own)),
        overrides=tuple(overrides),
        sources=tuple(leaf.file.sources),
        warnings=tuple(filter(None, map(implausible, merged.values()))),
        path=leaf.path,
        sha256=_digest(*(layer.document.sha256 for layer in lineage), *overrides),
    )


def as_written(model: Model) -> Scenario:
    """Give the scenario that sets nothing: the model as its file has it."""
    return Scenario(
        id="as-written",
        title_en="The model as written",
        title_zh="模型原值",
        description_en="Every constant has the value that the model file gives it.",
        description_zh="所有常数均取模型文件中的数值。",
        parent=None,
        lineage=("as-written",),
        values={},
        time=model.time,
        assumed={},
        assumed_lines={},
        changes=(),
        overrides=(),
        sources=(),
        warnings=(),
        path=None,
        sha256=_digest(),
    )


def list_scenarios(folder: Path | None = None) -> tuple[ScenarioHead, ...]:
    """Give the heads of all scenarios in a folder, by default the shipped one, sorted by id.

    Raises:
        ScenarioError: with the faults of every file that is not a scenario.
    """
    heads: list[ScenarioHead] = []
    faults: list[Fault] = []
    for path in _scenario_files(shipped("scenarios") if folder is None else folder):
        layer = _read_layer(path, faults)
        if layer is not None:
            heads.append(_head(layer))
    if faults:
        raise ScenarioError(faults)
    return tuple(heads)


@dataclass(frozen=True)
class _Layer:
    """One scenario file, well formed."""

    path: Path
    document: Document
    file: ScenarioFile


def _head(layer: _Layer) -> ScenarioHead:
    title, description = _text(layer.file.title), _text(layer.file.description)
    parent = layer.file.parent
    return ScenarioHead(
        id=layer.path.stem,
        title_en=title.en,
        title_zh=title.zh,
        description_en=description.en,
        description_zh=description.zh,
        parent=Path(parent).stem if parent is not None and _is_path(parent) else parent,
        path=layer.path,
    )


def _text(wording: Wording) -> Text:
    return Text(en=wording, zh=wording) if isinstance(wording, str) else wording


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _scenario_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.yaml") if path.is_file())


def _is_path(name: str) -> bool:
    return name.endswith((".yaml", ".yml")) or "/" in name or "\\" in name


def _locate(name: str) -> Path:
    """Find the file of a scenario that a user names."""
    if _is_path(name):
        return Path(name)
    files = _scenario_files(shipped("scenarios"))
    wanted = folded(name)
    for path in files:
        if folded(path.stem) == wanted:
            return path
    heads = list_scenarios()
    for head in heads:
        if wanted in {folded(head.title_en), folded(head.title_zh)}:
            return head.path
    names = [
        *(head.id for head in heads),
        *(title for h in heads for title in (h.title_en, h.title_zh)),
    ]
    raise UnknownNameError(
        Fault(
            f"no scenario is called '{name}'",
            expected="one of " + ", ".join(head.id for head in heads) + ", or a path",
            nearest=nearest(name, names),
        )
    )


def _read_lineage(path: Path) -> tuple[list[_Layer], list[Fault]]:
    """Read a scenario and its ancestors, as far as they can be read; the root comes first."""
    faults: list[Fault] = []
    lineage: list[_Layer] = []
    seen = [path.resolve()]
    here: Path | None = path
    while here is not None and (layer := _read_layer(here, faults)) is not None:
        lineage.insert(0, layer)
        here = _parent_path(layer, faults)
        if here is not None and here.resolve() in seen:
            circle = " → ".join(each.stem for each in (*seen, here))
            line = layer.document.line(("parent",))
            faults.append(
                Fault("the parents run in a circle", layer.document.file, line, found=circle)
            )
            break
        if here is not None:
            seen.append(here.resolve())
    return lineage, faults


def _read_layer(path: Path, faults: list[Fault]) -> _Layer | None:
    document, file = read_scenario_file(path)
    faults.extend(document.faults)
    return None if file is None else _Layer(path, document, file)


def _parent_path(layer: _Layer, faults: list[Fault]) -> Path | None:
    parent = layer.file.parent
    if parent is None:
        return None
    here = layer.path.parent
    if _is_path(parent):
        candidates = [here / parent]
    else:
        candidates = [here / f"{parent}.yaml", shipped("scenarios") / f"{parent}.yaml"]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    known = sorted({path.stem for each in candidates for path in _scenario_files(each.parent)})
    line = layer.document.line(("parent",))
    faults.append(
        Fault(
            f"there is no parent '{parent}'",
            layer.document.file,
            line,
            expected="the id of a scenario, or a relative path",
            nearest=nearest(parent, known),
        )
    )
    return None


def _changes(
    model: Model, below: Mapping[str, Assignment], own: Mapping[str, Assignment]
) -> Iterator[Change]:
    """Give what differs from the parent, or from the model where no ancestor says anything."""
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
    """Give the clock of the run; if the scenario sets any part of it, it has to be sound."""
    set_here = {
        folded(value.variable.name): value
        for value in merged.values()
        if value.variable.kind is VariableKind.CONTROL
    }
    values = _clock_values(model.time) | {name: each.number for name, each in set_here.items()}
    if "saveper" not in set_here and model.find("SAVEPER").value is None:
        # Vensim writes SAVEPER = TIME STEP unless told otherwise: it follows the step.
        values["saveper"] *= values["time step"] / model.time.step
    time = TimeSpec(*values.values())
    for origin in list(set_here.values())[-1:]:
        if unsound := unsound_clock(time):
            faults.append(Fault(unsound[0], origin.file, origin.line, found=unsound[1]))
    return time


def unsound_clock(time: TimeSpec) -> tuple[str, str] | None:
    """Say what is wrong with a clock, and the numbers that are."""
    if time.step <= 0 or time.saveper <= 0:
        numbers = f"{time.step:g} and {time.saveper:g}"
        return "TIME STEP and SAVEPER must be above zero", numbers
    if time.final <= time.initial:
        return "FINAL TIME must come after INITIAL TIME", f"{time.final:g} and {time.initial:g}"
    steps = (time.final - time.initial) / time.step
    if steps > MAX_STEPS:
        return f"a run may take at most {MAX_STEPS} steps", f"{steps:.0f}"
    if any(abs(ratio - round(ratio)) > 1e-6 for ratio in (steps, time.saveper / time.step)):
        numbers = f"{time.final - time.initial:g}, {time.saveper:g} and {time.step:g}"
        return "the whole run and SAVEPER must be multiples of TIME STEP", numbers
    return None
