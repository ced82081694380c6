"""The form of a scenario file.

``scenarios/schema.json`` is the same form for editors;
``python -m plansim.scenario.scenario_form > scenarios/schema.json`` writes it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from plansim.errors import Fault, InputError, Message, ScenarioError
from plansim.files.forms import (
    LAX,
    Entries,
    Form,
    Names,
    Wording,
    Words,
    form_of,
    noting,
    schema_of,
)
from plansim.files.yaml_document import Location, read_document
from plansim.model.records import Integration
from plansim.scenario.records import ScenarioHead, ScenarioKind, is_path, scenario_files
from plansim.scenario.values import (
    Assignment,
    LeverEntry,
    Setting,
    SettingOrigin,
    assigned,
    doubly_assigned,
    lever_assigned,
)

__all__ = ["ScenarioForm", "head_of", "read_heads", "schema_text"]


def _at(
    field: str, read: Callable[[str, Any, SettingOrigin], tuple[Assignment, ...]]
) -> Callable[[str, Any, SettingOrigin | None], tuple[Assignment, ...]]:
    """Return the function that reads the entries of a field; without a model they set nothing."""
    return lambda name, setting, origin: (
        () if origin is None else read(name, setting, origin.below(field, name))
    )


_Reason = Annotated[Wording, BeforeValidator(lambda text: "" if text is None else text)]


def _reason(target: str, words: Words, origin: object) -> Words:
    if not (words.en + words.zh).strip():
        expected = Message("why the scenario takes this target as given, in a sentence")
        raise InputError("'{name}' gives no reason", expected=expected, name=target)
    return words


_Assigned = dict[str, tuple[Assignment, ...]]


class ScenarioForm(Form):
    """The form of a scenario file, validated with a `SettingOrigin`; without one for texts only."""

    title: Wording = Field(description="What the scenario is called, in English and Chinese.")
    description: Wording = Field(
        default=Words(en="", zh=""), description="What it is about, in a few sentences."
    )
    kind: Annotated[ScenarioKind, LAX] = Field(
        default=ScenarioKind.STORY,
        description="A story (else), a test of the model, a policy that a search found, or an "
        "overlay: values that are laid over any scenario.",
    )
    parent: str | None = Field(
        default=None,
        description="The scenario from which this one differs: its id, or a relative path.",
    )
    with_: Names = Field(
        default=(),
        alias="with",
        description="Overlays over the parent, below the values of this file: ids, or relative "
        "paths.",
    )
    values: Annotated[_Assigned, Entries(dict[str, Setting], _at("values", assigned))] = Field(
        default={},
        description="Constants of the model, `NAME` or `NAME[element]`: a number in the model's "
        "unit, a text with a unit (`12 %/Year`); for an array also a list or "
        "{element: value}. One number for an array sets every element.",
    )
    levers: Annotated[_Assigned, Entries(dict[str, LeverEntry], _at("levers", lever_assigned))] = (
        Field(
            default={},
            description="Policy levers: a number, {before, after, from} or {size, start, length}.",
        )
    )
    assumes: Annotated[dict[str, Words], Entries(dict[str, _Reason], _reason)] = Field(
        default={},
        description="Ids of the targets that the scenario sets, so that meeting them proves "
        "nothing, each with the reason.",
    )
    integration: Annotated[Integration | None, LAX] = Field(
        default=None,
        description="Method of integration: euler, midpoint or rk4; else that of the parent, or of "
        "the model's file.",
    )
    sources: list[Wording] = Field(
        default=[], description="Where the values come from, in English and Chinese or one text."
    )

    @property
    def assignments(self) -> dict[str, Assignment]:
        """All numbers that the file sets, by key."""
        entries = (*self.values.values(), *self.levers.values())
        return {number.key: number for numbers in entries for number in numbers}

    def _misfits(self, context: object) -> Iterator[Fault]:
        entries: dict[Location, tuple[Assignment, ...]] = {}
        entries |= {("values", name): numbers for name, numbers in self.values.items()}
        entries |= {("levers", name): numbers for name, numbers in self.levers.items()}
        yield from doubly_assigned(entries)
        if self.kind is ScenarioKind.OVERLAY:
            barred = {"parent": self.parent, "with": self.with_, "integration": self.integration}
            for key, given in barred.items():
                if given:
                    yield Fault("an overlay has no '{key}'", at=(key,), key=key)


def schema_text() -> str:
    """Return the JSON Schema of a scenario file, as ``scenarios/schema.json`` holds it."""
    return schema_of(ScenarioForm, "Scenario")


def read_heads(folder: Path) -> tuple[ScenarioHead, ...]:
    """Return the heads of all scenarios in a folder, sorted by id.

    Raises:
        ScenarioError: with the faults of every file that is not a scenario.
    """
    heads: list[ScenarioHead] = []
    faults: list[Fault] = []
    for path in scenario_files(folder):
        with noting(faults):
            heads.append(head_of(path, form_of(ScenarioForm, read_document(path))))
    if faults:
        raise ScenarioError(faults)
    return tuple(heads)


def head_of(path: Path, file: ScenarioForm) -> ScenarioHead:
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


if __name__ == "__main__":
    print(schema_text(), end="")
