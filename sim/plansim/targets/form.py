"""The form of a plan's YAML files: known keys and right types, or a fault with its line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from plansim.errors import CatalogueError, Fault, Message, nearest
from plansim.forms import Document, Place
from plansim.scenario.schema import shown

__all__ = ["Form", "Words", "fault_at", "form_of"]


class Form(BaseModel):
    """A mapping in which every key is known and nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Words(Form):
    """The same thing said in English and in Chinese."""

    en: str
    zh: str


AnyForm = TypeVar("AnyForm", bound=Form)

_EXPECTED = {
    "string_type": "text",
    "model_type": "a mapping (key: value)",
    "dict_type": "a mapping (key: value)",
    "list_type": "a list",
    "float_type": "a number",
    "int_type": "a whole number",
    "finite_number": "a finite number",
}


def form_of(form: type[AnyForm], document: Document) -> AnyForm:
    """Take a document for what it is meant to be.

    Raises:
        CatalogueError: with every fault of the document and of its form.
    """
    if document.data is None and document.faults:
        raise CatalogueError(document.faults)
    faults = list(document.faults)
    try:
        found = form.model_validate(document.data)
    except ValidationError as error:
        faults += [_form_fault(form, document, detail) for detail in error.errors()]
        raise CatalogueError(sorted(faults, key=lambda fault: fault.line or 0)) from None
    if faults:
        raise CatalogueError(faults)
    return found


def _form_fault(form: type[Form], document: Document, detail: ErrorDetails) -> Fault:
    """Say in our words, and with the line, what pydantic found wrong."""
    # Which of several forms an entry has is said between angle brackets.
    place: Place = tuple(part for part in detail["loc"] if not str(part).startswith("<"))
    name = place[-1] if place else ""
    if detail["type"] == "missing":
        return fault_at(document, place[:-1], f"the key '{name}' is missing")
    if detail["type"] == "extra_forbidden":
        keys = sorted(_keys(form))
        return fault_at(document, place, f"unknown key '{name}'", nearest=nearest(str(name), keys))
    expected = detail.get("ctx", {}).get("expected") or _EXPECTED.get(detail["type"], detail["msg"])
    return fault_at(
        document,
        place,
        f"'{name}' is not what it should be" if place else "the file has the wrong form",
        expected=str(expected),
        found=shown(detail["input"]),
    )


def _keys(form: type[BaseModel]) -> Iterator[str]:
    """Give the keys of a form and of all forms inside it."""
    for key, info in form.model_fields.items():
        yield info.alias or key
        for inner in _forms_in(info.annotation):
            yield from _keys(inner)


def _forms_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _forms_in(argument)


def fault_at(
    document: Document,
    place: Place,
    message: str | Message,
    expected: str | Message | None = None,
    found: str | Message | None = None,
    nearest: str | None = None,
) -> Fault:
    """Make a fault that stands at the line of an entry."""
    return Fault(message, document.file, document.line(place), expected, found, nearest)
