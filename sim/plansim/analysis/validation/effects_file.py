"""The questions that are put to a model: ``effects.yaml`` beside it.

A question is a pair of scenarios. ``model/effects.schema.json`` is the form for editors; ``python
-m plansim.analysis.validation.effects_file > model/effects.schema.json`` renews it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from plansim.analysis.checks_file import Check, VariableNames
from plansim.errors import Fault, InputError, nearest
from plansim.files.forms import (
    Entries,
    Form,
    Items,
    Resolved,
    Words,
    doubled,
    form_of,
    or_text,
    schema_of,
)
from plansim.files.yaml_document import read_document
from plansim.model.records import Model
from plansim.scenario.records import OVERRIDE
from plansim.scenario.scenario_file import Scenario, read_scenario, split_overlays
from plansim.targets.target import Target, binding_targets

__all__ = ["EFFECTS", "Effects", "Margins", "Question", "load_effects", "schema_text"]

EFFECTS = "effects.yaml"


@dataclass(frozen=True)
class _EffectsContext:
    model: Model
    scenarios: Mapping[str, Scenario]
    binding: tuple[str, ...]
    """Ids of the binding targets."""


class _SideForm(Form):
    scenario: str
    set: dict[str, float]


def _side(form: str | _SideForm, context: _EffectsContext) -> Scenario:
    """Return the scenario of one side of a question, ``SCENARIO+OVERLAY``, with what it sets."""
    text, settings = (form, {}) if isinstance(form, str) else (form.scenario, form.set)
    name, overlays = split_overlays(text)
    known = context.scenarios.get(name)
    if known is None or known.path is None:
        close = nearest(name, context.scenarios)
        raise InputError("no scenario is called '{name}'", nearest=close, name=name)
    overrides = [f"{key}={value!r}" for key, value in settings.items()]
    try:
        return read_scenario(known.path, context.model, overrides, overlays=overlays)
    except InputError as error:
        raise InputError(
            replace(fault, file=None, at=("set",)) if fault.file == OVERRIDE else fault
            for fault in error.faults
        ) from None


def _binding(name: str, entry: object, context: _EffectsContext) -> object:
    if name not in context.binding:
        close = nearest(name, context.binding)
        raise InputError("no binding target has the id '{id}'", nearest=close, id=name)
    return entry


class Question(Check):
    """Two scenarios, the second of which differs from the first in what is asked about."""

    first: Annotated[Scenario, Resolved(or_text(_SideForm), _side)] = Field(alias="from")
    last: Annotated[Scenario, Resolved(or_text(_SideForm), _side)] = Field(alias="to")


class Margins(Form):
    """What a question has to move."""

    question: str
    least: int
    """So many margins."""
    part: float = Field(gt=0)
    """A margin moves if its indicator does by this part of its level."""
    deviations: float = Field(gt=0)
    """Or by so many of its standard deviations over the members."""
    ledgers: Annotated[Mapping[str, Words], Entries(dict[str, Words], _binding)] = Field(default={})
    """Why other targets do not move."""


class Effects(Form):
    """Questions, and what they have to change."""

    questions: Items[Question] = Field(min_length=1)
    least: Annotated[Mapping[str, float], Entries(dict[str, float], _binding)]
    """The part of its level by which a binding target's indicator moves under some question."""
    margins: Margins
    beside: VariableNames = ()
    """Variables that are shown beside the targets, in the year of the first of these."""

    def _misfits(self, _: _EffectsContext) -> Iterator[Fault]:
        ids = [question.id for question in self.questions]
        yield from doubled((("questions", i, "id"), name) for i, name in enumerate(ids))
        if (name := self.margins.question) not in ids:
            at, close = ("margins", "question"), nearest(name, ids)
            yield Fault("no question has the id '{id}'", at=at, nearest=close, id=name)


def load_effects(
    model: Model, scenarios: Mapping[str, Scenario], targets: Sequence[Target]
) -> Effects | None:
    """Read the questions that are put to a model; None if no file asks any.

    Raises:
        InputError: with every fault of the file, each with its line.
    """
    path = model.path.with_name(EFFECTS)
    if not path.is_file():
        return None
    names = tuple(target.id for target in binding_targets(targets))
    return form_of(Effects, read_document(path), _EffectsContext(model, scenarios, names))


def schema_text() -> str:
    """Return the JSON Schema of the file, as ``model/effects.schema.json`` holds it."""
    return schema_of(Effects, "Effects")


if __name__ == "__main__":
    print(schema_text(), end="")
