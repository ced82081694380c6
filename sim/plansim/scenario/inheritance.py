"""Inheritance: from the file of a scenario and those of its parents to the values of one run."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from plansim.cache import file_sha256
from plansim.errors import Fault, Message, Option, ScenarioError, nearest
from plansim.files.forms import form_of, noting
from plansim.files.shipped import is_file, is_shipped, shipped
from plansim.files.yaml_document import YamlDocument, read_document
from plansim.model.records import Model, TimeSpec, VariableKind, folded, unsound_clock
from plansim.model.units import NO_UNIT
from plansim.scenario.cells import range_text
from plansim.scenario.factors import default_of
from plansim.scenario.levers import SERIES, added_part, input_of, is_series_part, misdated
from plansim.scenario.records import (
    OVER,
    OVERLAYS,
    BilingualText,
    Change,
    Merged,
    Scenario,
    ScenarioKind,
    as_written,
    digest_of,
    is_path,
    scenario_files,
    split_overlays,
)
from plansim.scenario.scenario_form import ScenarioForm, head_of
from plansim.scenario.values import Assignment, SettingOrigin, implausible, overrides_assigned

__all__ = ["merged"]


def merged(
    path: Path | None, model: Model, overrides: Sequence[str] = (), overlays: Sequence[Path] = ()
) -> Merged:
    """Read a scenario's file, merge it with its parents, and check it against the model.

    ``overlays`` are laid over it, and ``overrides`` over these. Without ``path`` they lie over the
    model as it is written.

    Raises:
        ScenarioError: with every fault of the file, its ancestors, the overlays and the overrides.
    """
    files = _Files(model)
    generations = files.lineage(path) if path else []
    if overlays:
        generations.append(files.overlays(overlays))
    stack = [layer for generation in generations for layer in generation]
    faults = [*files.faults, *_doubly_laid(model, stack)]
    *parents, last = [[one.file.assignments for one in layers] for layers in generations] or [[]]
    below = _laid(model, *itertools.chain(*parents))
    last.append(overrides_assigned(model, overrides, faults))
    own = _laid(model, *last)
    together = _laid(model, below, *last)  # each ends the series of those below it
    methods = [model.time.integration]
    for generation in generations:
        named = (layer.file.integration for layer in generation)
        methods.append(next(filter(None, named), methods[-1]))
    time = replace(model.time, integration=methods[-1])
    if not faults:
        time, faults = _clock(model, together, time)
        # The years of an overlay by itself may be those of a lever that a scenario changes.
        faults += _misdated(model, together, own, time) if path or overrides else ()
    if faults:
        raise ScenarioError(faults)
    ours = {layer.document.file for layer in stack if is_shipped(layer.path)}
    tables = {number.file for number in together.values()} - files.read.keys() - {Option.SET}
    digests = {file: file_sha256(Path(file)) for file in sorted(tables)}
    hashes = [layer.document.sha256 for layer in stack]
    described = _described(as_written(model), generations)
    is_changed = overrides and described.title_en
    scenario = replace(
        described,
        title_en=f"{described.title_en} (changed)" if is_changed else described.title_en,
        title_zh=f"{described.title_zh}（已调整）" if is_changed else described.title_zh,
        values={key: number.number for key, number in together.items()},
        time=time,
        method_before=methods[-2] if generations else None,
        changes=tuple(_changes(model, below, own)),
        overrides=tuple(overrides),
        warnings=tuple(implausible(one for one in together.values() if one.file not in ours)),
        sha256=digest_of(*hashes, *digests.values(), *overrides),
    )
    return Merged(scenario, tuple({**files.read, **digests}.items()))


def _described(plain: Scenario, generations: Sequence[Sequence[Layer]]) -> Scenario:
    """Return a scenario with the names and texts of its files, and what they assume.

    Texts are those of the last scenario, and of overlays on all of it.
    """
    if not generations:
        return plain
    over = [layer for layer in generations[-1] if generations[-1][-1].is_overlay]
    shown = [generation[-1] for generation in generations if not generation[-1].is_overlay][-1:]
    shown += over
    ids: list[str] = []
    for generation in generations:
        stems = [layer.path.stem for layer in generation]
        ids.append(OVER.join([*ids[-1:], *stems] if generation[-1].is_overlay else stems[-1:]))
    heads = [head_of(layer.path, layer.file) for layer in shown]
    assumed = {
        key: layer for layers in generations for layer in layers for key in layer.file.assumes
    }
    return replace(
        plain,
        id=ids[-1],
        parent=ids[-2] if len(ids) > 1 else None,
        lineage=tuple(ids),
        kind=heads[0].kind,
        path=heads[0].path,
        title_en=" + ".join(head.title_en for head in heads),
        title_zh="＋".join(head.title_zh for head in heads),
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
    )


# --- the files ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layer:
    """One valid scenario file."""

    path: Path
    document: YamlDocument
    file: ScenarioForm

    @property
    def is_overlay(self) -> bool:
        """Whether the file is laid over scenarios."""
        return self.file.kind is ScenarioKind.OVERLAY


@dataclass(frozen=True)
class _Files:
    """Reads the files of one scenario; all faults are collected."""

    model: Model
    read: dict[str, str] = field(default_factory=dict)
    """The SHA-256 of each file that was looked for; empty where there was none."""
    faults: list[Fault] = field(default_factory=list)

    def lineage(self, path: Path) -> list[list[Layer]]:
        """Return a scenario and its ancestors as far as they are valid; the root comes first.

        Each comes behind the overlays that its file lays over its parent.
        """
        lineage: list[list[Layer]] = []
        seen: list[Path] = []
        file: Path | None = path
        while file is not None:
            seen.append(file)
            document, layer = self._read(file, is_overlay=False)
            # The parent that an invalid file names is read too, for its own faults.
            named = document.data.get("parent") if isinstance(document.data, dict) else None
            parent, laid = split_overlays(named if isinstance(named, str) else "", file.parent)
            if layer:
                names = [("parent", name) for name in laid]
                names += [("with", name) for name in layer.file.with_]
                overlays = self.overlays(self._named(document, *name) for name in names)
                lineage.insert(0, [*overlays, layer])
            file = self._named(document, "parent", parent, is_parent=True) if parent else None
            if file is not None and file.resolve() in (other.resolve() for other in seen):
                circle = " → ".join(other.stem for other in (*seen, file))
                fault = Fault("the parents run in a circle", found=circle)
                self.faults.append(document.placed(fault, ("parent",)))
                break
        return lineage

    def overlays(self, paths: Iterable[Path | None]) -> list[Layer]:
        """Return the valid ones of overlays."""
        layers = [self._read(path, is_overlay=True)[1] for path in paths if path]
        return [layer for layer in layers if layer]

    def _read(self, path: Path, *, is_overlay: bool) -> tuple[YamlDocument, Layer | None]:
        """Return the document of a file, and the layer if it is valid and of the kind wanted."""
        document = read_document(path)
        self.read[str(path)] = document.sha256
        with noting(self.faults):
            origin = SettingOrigin(self.model, document)
            layer = Layer(path, document, form_of(ScenarioForm, document, origin, ScenarioError))
            if layer.is_overlay == is_overlay:
                return document, layer
            message = Message("'{name}' is not an overlay", name=path.stem)
            expected = Message("kind: overlay")
            if layer.is_overlay:
                message = Message("'{name}' is an overlay, and no scenario", name=path.stem)
                expected = Message("SCENARIO+{name}, or with: [{name}]", name=path.stem)
            raise ScenarioError(document.placed(Fault(message, expected=expected), ("kind",)))
        return document, None

    def _named(
        self, document: YamlDocument, key: str, name: str, *, is_parent: bool = False
    ) -> Path | None:
        """Return the path of a file that another names, by id or relative path, or add a fault."""
        folder = Path(document.file).parent
        folders = [folder, folder / OVERLAYS, shipped("scenarios", OVERLAYS)]
        if is_parent:
            folders = [folder, shipped("scenarios")]
        candidates = [one / f"{name}.yaml" for one in folders]
        if is_path(name):
            candidates = [folder / name]
        for candidate in candidates:
            if is_file(candidate):
                return candidate
            self.read[str(candidate)] = ""
        known = {path.stem for other in candidates for path in scenario_files(other.parent)}
        message = Message("there is no overlay '{name}'", name=name)
        if is_parent:
            message = Message("there is no parent '{name}'", name=name)
        fault = Fault(
            message,
            expected=Message("an id, or a relative path"),
            nearest=nearest(name, sorted(known)),
        )
        self.faults.append(document.placed(fault, (key,)))
        return None


# --- the values -----------------------------------------------------------------------------------


def _laid(model: Model, *layers: Mapping[str, Assignment]) -> dict[str, Assignment]:
    """Return assignments by key; those of later layers take precedence.

    A series ends where a lever or a constant in whose place it stands is set itself.
    """
    laid: dict[str, Assignment] = {}
    for layer in layers:
        ended = {_input(model, number) for number in layer.values()}
        ended -= {_input(model, number) for number in layer.values() if _in_series(number)}
        for key, number in list(laid.items()):
            if _in_series(number) and _input(model, number) in ended:
                del laid[key]
        laid |= layer
    return laid


def _input(model: Model, number: Assignment) -> tuple[str, str]:
    """Return the lever or constant that an assignment acts on, with its elements."""
    return input_of(model, number.variable.name), number.element


def _in_series(number: Assignment) -> bool:
    return is_series_part(added_part(number.variable.name)[1])


def _doubly_laid(model: Model, layers: Iterable[Layer]) -> Iterator[Fault]:
    """Yield a fault for each overlay that sets a constant or lever that another one sets, too.

    In which order they are laid does not matter then.
    """
    first: dict[tuple[str, str], tuple[Layer, Assignment]] = {}
    for layer in layers:
        for key, number in layer.file.assignments.items() if layer.is_overlay else ():
            other, same = first.setdefault(_input(model, number), (layer, number))
            if other is not layer:
                yield Fault(
                    "the overlays '{first}' and '{second}' both set '{name}'",
                    number.file,
                    number.line,
                    found=f"{same.file}:{same.line}",
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
            if (stem, number.element) not in outside:
                yield Fault(
                    "the series of '{name}' leaves the run",
                    number.file,
                    number.line,
                    expected=range_text(time.initial, time.final, ""),
                    found=f"{number.number:g}",
                    name=stem,
                )
            outside.add((stem, number.element))
        elif message := misdated(model, values, key):
            yield Fault(message, number.file, number.line, found=f"{number.number:g}")


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
        else:
            old = default_of(model, {}, key)
        if old != value.number:
            yield Change(key, old, value.number, variable.unit)


def _clock(
    model: Model, merged: Mapping[str, Assignment], time: TimeSpec
) -> tuple[TimeSpec, list[Fault]]:
    """Return the clock of the run, and its fault if the scenario sets any part of it."""
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
    time = TimeSpec(initial, final, step, saveper, time.integration)
    unsound = unsound_clock(time, model.find("TIME STEP").unit or NO_UNIT) if set_here else None
    if unsound is None:
        return time, []
    name, expected = unsound
    origin = set_here.get(name, [*set_here.values()][-1])
    message = Message("the clock cannot run with this {name}", name=name)
    return time, [Fault(message, origin.file, origin.line, expected, f"{values[name]:g}")]
