"""The form of a scenario file: which keys it may have, and what each may hold.

This says nothing about the model. ``scenarios/schema.json`` is the same form for editors;
``python -m plansim.scenario.schema > scenarios/schema.json`` writes it anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError
from pydantic_core import ErrorDetails

from plansim.errors import Fault, Message, foreign, nearest
from plansim.forms import Document, read_document
from plansim.forms import Location as Place

__all__ = [
    "Cell",
    "Lever",
    "Pulse",
    "Quantity",
    "Row",
    "ScenarioFile",
    "Setting",
    "Switch",
    "Text",
    "Wording",
    "read_scenario_file",
    "schema_text",
    "shown",
]


class _Form(BaseModel):
    """A mapping in which every key is known."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Text(_Form):
    """The same thing said in English and in Chinese."""

    en: str
    zh: str


class Quantity(_Form):
    """A number with its unit."""

    value: float
    unit: str


def _shape(value: object) -> str:
    """Tell pydantic which form an entry is meant to have, so that only that one is reported."""
    if isinstance(value, str):
        return "<text>"
    if isinstance(value, list):
        return "<list>"
    if isinstance(value, dict):
        return "<quantity>" if {"value", "unit"} & value.keys() else "<mapping>"
    return "<number>"


def _or_text(value: object) -> str:
    return "<text>" if isinstance(value, str) else "<mapping>"


def _or_quantity(value: object) -> str:
    shape = _shape(value)
    return shape if shape in {"<text>", "<number>"} else "<quantity>"


def _or_lever(value: object) -> str:
    if isinstance(value, dict) and {"size", "start", "length"} & value.keys():
        return "<pulse>"
    shape = _shape(value)
    return "<number>" if shape == "<list>" else shape


Wording: TypeAlias = Annotated[
    Annotated[str, Tag("<text>")] | Annotated[Text, Tag("<mapping>")],
    Discriminator(_or_text),
]
Cell: TypeAlias = Annotated[
    Annotated[float, Tag("<number>")]
    | Annotated[str, Tag("<text>")]
    | Annotated[Quantity, Tag("<quantity>")],
    Discriminator(_or_quantity),
]
Row: TypeAlias = Annotated[
    Annotated[float, Tag("<number>")]
    | Annotated[str, Tag("<text>")]
    | Annotated[Quantity, Tag("<quantity>")]
    | Annotated[list[Cell], Tag("<list>")]
    | Annotated[dict[str, Cell], Tag("<mapping>")],
    Discriminator(_shape),
]
Setting: TypeAlias = Annotated[
    Annotated[float, Tag("<number>")]
    | Annotated[str, Tag("<text>")]
    | Annotated[Quantity, Tag("<quantity>")]
    | Annotated[list[Row], Tag("<list>")]
    | Annotated[dict[str, Row], Tag("<mapping>")],
    Discriminator(_shape),
]


class Switch(_Form):
    """A lever that changes once: one value before a year, another from it on."""

    before: Cell | None = None
    after: Cell | None = None
    from_: Cell | None = Field(default=None, alias="from")


class Pulse(_Form):
    """A lever that acts for a while: how much, from when, for how long."""

    size: Cell | None = None
    start: Cell | None = None
    length: Cell | None = None


Lever: TypeAlias = Annotated[
    Annotated[float, Tag("<number>")]
    | Annotated[str, Tag("<text>")]
    | Annotated[Quantity, Tag("<quantity>")]
    | Annotated[Switch, Tag("<mapping>")]
    | Annotated[Pulse, Tag("<pulse>")],
    Discriminator(_or_lever),
]


class ScenarioFile(_Form):
    """What a scenario file may say."""

    title: Wording = Field(description="What the scenario is called, in English and Chinese.")
    description: Wording = Field(
        default=Text(en="", zh=""), description="What it is about, in a few sentences."
    )
    parent: str | None = Field(
        default=None,
        description="The scenario from which this one differs: its id, or a relative path.",
    )
    values: dict[str, Setting] = Field(
        default={},
        description="Constants of the model, `NAME` or `NAME[element]`: a number in the model's "
        "unit, a text with a unit (`12 %/Year`), {value, unit}; for an array also a list or "
        "{element: value}. One number for an array sets every element.",
    )
    levers: dict[str, Lever] = Field(
        default={},
        description="Policy levers: a number, {before, after, from} or {size, start, length}.",
    )
    assumes: dict[str, Wording] = Field(
        default={},
        description="Ids of the targets that the scenario sets, so that meeting them proves "
        "nothing, each with the reason.",
    )
    sources: list[str] = Field(default=[], description="Where the values come from.")


def schema_text() -> str:
    """Give the JSON Schema of a scenario file, as ``scenarios/schema.json`` holds it."""
    schema = ScenarioFile.model_json_schema()
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    text = json.dumps(head | schema | {"title": "Scenario"}, indent=2, ensure_ascii=False)
    # What tells the forms apart is a function, which a schema cannot say: {value, unit} is a
    # mapping of elements too, and "one of" would refuse it.
    return text.replace('"oneOf":', '"anyOf":') + "\n"


def read_scenario_file(path: Path) -> tuple[Document, ScenarioFile | None]:
    """Read a scenario file; the document carries every fault of its form.

    The second part is None if there is no telling what the file means.
    """
    document = read_document(path)
    if document.data is None and document.faults:
        return document, None
    try:
        file = ScenarioFile.model_validate(document.data)
        faults = (*document.faults, *_unreasoned(document, file))
        return replace(document, faults=faults), file
    except ValidationError as error:
        details = error.errors(include_url=False)
    form = [_form_fault(document, detail) for detail in details]
    marked = replace(document, faults=(*document.faults, *form))
    # What is sound is read all the same, so that the faults of its names and values are found too:
    # without the misspelt keys alone, or where that is no scenario either, without their entries.
    for whole in (False, True):
        try:
            return marked, ScenarioFile.model_validate(
                _sound_part(document.data, details, whole=whole)
            )
        except ValidationError:
            continue
    return marked, None


def _no_reason(document: Document, place: Place) -> Fault:
    """Say that a target is assumed without a word why."""
    return Fault(
        "'{id}' gives no reason",
        document.file,
        document.line(place),
        expected=Message("why the scenario takes this target as given, in a sentence"),
        id=".".join(map(str, place)),
    )


def _unreasoned(document: Document, file: ScenarioFile) -> tuple[Fault, ...]:
    return tuple(
        _no_reason(document, ("assumes", key))
        for key, reason in file.assumes.items()
        if not (reason if isinstance(reason, str) else reason.en + reason.zh).strip()
    )


def _sound_part(data: object, details: Sequence[ErrorDetails], *, whole: bool) -> object:
    """Leave out the entries with something wrong; of unknown keys, unless ``whole``, these alone.

    A scenario without a sound title gets one, since nothing else hangs on it.
    """
    if not isinstance(data, Mapping):
        return data
    broken: set[Place] = set()
    for detail in details:
        place = tuple(part for part in detail["loc"] if not str(part).startswith("<"))
        if place[:1] in {("title",), ("description",)}:
            place = place[:1]
        elif whole or detail["type"] != "extra_forbidden":
            place = place[:2]
        broken.add(place)

    deepest = max(map(len, broken), default=0)

    def pruned(node: object, place: Place) -> object:
        if not isinstance(node, Mapping) or len(place) >= deepest:
            return node
        return {
            key: sound
            for key, each in node.items()
            if (*place, key) not in broken
            # A lever of nothing but misspelt keys is left out, not called empty.
            and ((sound := pruned(each, (*place, key))) or sound == each)
        }

    sound = pruned(data, ())
    assert isinstance(sound, dict)
    return {"title": "?"} | sound


_EXPECTED = {
    "string_type": Message("text"),
    "model_type": Message("a mapping (key: value)"),
    "dict_type": Message("a mapping (key: value)"),
    "list_type": Message("a list"),
    "float_type": Message("a number"),
    "finite_number": Message("a finite number"),
}
_KEYS_OF: Mapping[str, type[_Form]] = {
    "<quantity>": Quantity,
    "<pulse>": Pulse,
    "levers": Switch,
    "title": Text,
    "description": Text,
    "assumes": Text,
}


def _form_fault(document: Document, detail: ErrorDetails) -> Fault:
    """Say in our words, and with the line, what pydantic found wrong."""
    loc = detail["loc"]
    place: Place = tuple(part for part in loc if not str(part).startswith("<"))
    name = ".".join(str(part) for part in place)
    line = document.line(place)
    if detail["type"] == "missing":
        return Fault("'{name}' is missing", document.file, line, name=name)
    if place[:1] == ("assumes",) and detail["input"] is None:
        return _no_reason(document, place)
    if detail["type"] == "extra_forbidden":
        around = (str(part) for part in loc[-2::-1] if str(part).startswith("<") or part == loc[0])
        form = next((_KEYS_OF[part] for part in around if part in _KEYS_OF), ScenarioFile)
        keys = [field.alias or key for key, field in form.model_fields.items()]
        return Fault(
            "unknown key '{key}'",
            document.file,
            line,
            expected=Message("one of {names}", names=tuple(keys)),
            nearest=nearest(str(place[-1]), keys),
            key=name,
        )
    return Fault(
        Message("'{name}' has the wrong type", name=name)
        if place
        else Message("this is not a scenario"),
        document.file,
        line,
        expected=_EXPECTED.get(detail["type"]) or foreign(detail["msg"]),
        found=shown(detail["input"]),
    )


def shown(value: object) -> Message | str:
    """Say in a word or two what a message found."""
    match value:
        case None:
            return Message("nothing")
        case bool():
            return str(value).lower()
        case int() | float():
            return f"{value:g}"
        case str():
            return (
                Message("the text '{value}'", value=value)
                if len(value) <= 60
                else Message("a long text")
            )
        case list():
            return Message("a list")
        case _:
            return Message("a mapping")


if __name__ == "__main__":
    print(schema_text(), end="")
