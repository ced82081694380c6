"""Lineage: the files of one scenario, its parents and overlays, as far as they are valid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from plansim.errors import Fault, Message, ScenarioError, nearest
from plansim.files.forms import form_of, noting
from plansim.files.shipped import is_file, shipped
from plansim.files.yaml_document import YamlDocument, read_document
from plansim.model.records import Model
from plansim.scenario.records import (
    OVERLAYS,
    ScenarioHead,
    ScenarioKind,
    is_path,
    scenario_files,
    split_overlays,
)
from plansim.scenario.scenario_form import ScenarioFile
from plansim.scenario.values import SettingOrigin

__all__ = ["Layer", "ScenarioReading", "head_of", "read_heads"]


def read_heads(folder: Path) -> tuple[ScenarioHead, ...]:
    """Return the heads of all scenarios in a folder, sorted by id.

    Raises:
        ScenarioError: with the faults of every file that is not a scenario.
    """
    heads: list[ScenarioHead] = []
    faults: list[Fault] = []
    for path in scenario_files(folder):
        with noting(faults):
            heads.append(head_of(path, form_of(ScenarioFile, read_document(path))))
    if faults:
        raise ScenarioError(faults)
    return tuple(heads)


@dataclass(frozen=True)
class Layer:
    """One valid scenario file."""

    path: Path
    document: YamlDocument
    file: ScenarioFile
    overlays: tuple[Layer, ...] = ()
    """Those that its file lays over its parent."""

    @property
    def is_overlay(self) -> bool:
        """Whether the file is laid over scenarios."""
        return self.file.kind is ScenarioKind.OVERLAY


@dataclass(frozen=True)
class ScenarioReading:
    """Reads the files of one scenario; all faults are collected."""

    model: Model
    files: dict[str, str] = field(default_factory=dict)
    """The SHA-256 of each file that was looked for; empty where there was none."""
    faults: list[Fault] = field(default_factory=list)

    def lineage(self, path: Path) -> list[Layer]:
        """Return a scenario and its ancestors as far as they are valid; the root comes first."""
        lineage: list[Layer] = []
        seen: list[Path] = []
        file: Path | None = path
        while file is not None:
            seen.append(file)
            document = self._document(file)
            # The parent that an invalid file names is read too, for its own faults.
            named = document.data.get("parent") if isinstance(document.data, dict) else None
            parent, laid = split_overlays(named if isinstance(named, str) else "", file.parent)
            with noting(self.faults):
                form = self._form(document)
                if form.kind is ScenarioKind.OVERLAY:
                    message = Message("'{name}' is an overlay, and no scenario", name=file.stem)
                    shown = str(file) if file is path else file.stem
                    expected = Message("SCENARIO+{name}, or with: [{name}]", name=shown)
                    fault = Fault(message, expected=expected)
                    raise ScenarioError(document.placed(fault, ("kind",)))
                names = [("parent", name) for name in laid] + [("with", n) for n in form.with_]
                overlays = self.overlays(self._overlay(file, document, *name) for name in names)
                lineage.insert(0, Layer(file, document, form, overlays))
            file = self._parent(file, document, parent) if parent else None
            if file is not None and file.resolve() in (other.resolve() for other in seen):
                circle = " → ".join(other.stem for other in (*seen, file))
                fault = Fault("the parents run in a circle", found=circle)
                self.faults.append(document.placed(fault, ("parent",)))
                break
        return lineage

    def overlays(self, paths: Iterable[Path | None]) -> tuple[Layer, ...]:
        """Return the valid ones of overlays."""
        layers = []
        for path in filter(None, paths):
            document = self._document(path)
            with noting(self.faults):
                form = self._form(document)
                if form.kind is not ScenarioKind.OVERLAY:
                    message = Message("'{name}' is not an overlay", name=path.stem)
                    fault = Fault(message, expected=Message("kind: overlay"))
                    raise ScenarioError(document.placed(fault, ("kind",)))
                layers.append(Layer(path, document, form))
        return tuple(layers)

    def _document(self, path: Path) -> YamlDocument:
        document = read_document(path)
        self.files[str(path)] = document.sha256
        return document

    def _form(self, document: YamlDocument) -> ScenarioFile:
        return form_of(ScenarioFile, document, SettingOrigin(self.model, document), ScenarioError)

    def _parent(self, file: Path, document: YamlDocument, name: str) -> Path | None:
        fault = Fault(
            "there is no parent '{name}'",
            at=("parent",),
            expected=Message("the id of a scenario, or a relative path"),
            name=name,
        )
        return self._named(file, document, name, [file.parent, shipped("scenarios")], fault)

    def _overlay(self, file: Path, document: YamlDocument, key: str, name: str) -> Path | None:
        fault = Fault(
            "there is no overlay '{name}'",
            at=(key,),
            expected=Message("the id of an overlay, or a relative path"),
            name=name,
        )
        folders = [file.parent, file.parent / OVERLAYS, shipped("scenarios", OVERLAYS)]
        return self._named(file, document, name, folders, fault)

    def _named(
        self, file: Path, document: YamlDocument, name: str, folders: Sequence[Path], fault: Fault
    ) -> Path | None:
        """Return the path of a file that another names, by id or relative path, or add a fault."""
        candidates = [folder / f"{name}.yaml" for folder in folders]
        if is_path(name):
            candidates = [file.parent / name]
        for candidate in candidates:
            if is_file(candidate):
                return candidate
            self.files[str(candidate)] = ""
        known = sorted({path.stem for other in candidates for path in scenario_files(other.parent)})
        self.faults.append(document.placed(replace(fault, nearest=nearest(name, known))))
        return None


def head_of(path: Path, file: ScenarioFile) -> ScenarioHead:
    """Return what lists show of a scenario, from its valid file."""
    parent = file.parent
    return ScenarioHead(
        id=path.stem,
        kind=file.kind,
        title_en=file.title.en,
        title_zh=file.title.zh,
        description_en=file.description.en,
        description_zh=file.description.zh,
        parent=Path(parent).stem if parent is not None and is_path(parent) else parent,
        path=path,
    )
