"""The forms by which the data of the package's YAML files are validated.

A kind of file is a `Form`: a pydantic model. References to a model, a catalogue or another file are
resolved during validation with pydantic's context, in three ways: a field whose entry refers to
something is `Resolved` or made of `Entries`, and entries of one mapping are checked together by
`Form._misfits`. All of them raise or yield a `Fault`; `form_of` turns every fault of the file into
one error, each with its line.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Annotated, Any, Self, TypeAlias, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    ModelWrapValidatorHandler,
    Tag,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import CoreSchema, ErrorDetails, InitErrorDetails, core_schema

from plansim.errors import (
    CatalogueError,
    Fault,
    InputError,
    Message,
    UnitError,
    UnknownNameError,
    foreign,
    nearest,
)
from plansim.files.yaml_document import Location, YamlDocument

__all__ = [
    "LAX",
    "MOST_FAULTS",
    "Entries",
    "Form",
    "Items",
    "Names",
    "Resolved",
    "Wording",
    "Words",
    "doubled",
    "form_of",
    "listed",
    "noting",
    "or_text",
    "schema_of",
    "shown",
]

MOST_FAULTS = 100
"""Maximum number of faulty entries of a mapping or list, after which the others are not read."""

Context: TypeAlias = Any
"""What a form is validated against; it depends on the kind of file."""


AnyForm = TypeVar("AnyForm", bound="Form")

LAX = Field(strict=False)
"""Setting of a field that is a tuple or an enum, which a file writes as a list or as text."""


Item = TypeVar("Item")
Items: TypeAlias = Annotated[tuple[Item, ...], LAX]
"""A list of a file, as a tuple."""


class Form(BaseModel):
    """A mapping in which every key is known and nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    def _misfits(self, context: Context) -> Iterator[Fault]:
        """Yield faults of entries that contradict each other or the context; ``at`` says where.

        Called only if every key by itself is valid.
        """
        yield from ()

    @model_validator(mode="wrap")
    @classmethod
    def _whole(cls, data: Any, read: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        """Report unknown keys in messages of our own, and misfits even beside unknown keys."""
        if not isinstance(data, Mapping):
            return read(data)
        faults: list[Fault] = []
        if cls.model_config["extra"] == "forbid":
            keys = tuple(info.alias or key for key, info in cls.model_fields.items())
            expected = Message("one of {names}", names=keys)
            for key in islice((key for key in data if key not in keys), MOST_FAULTS):
                message, close = Message("unknown key '{key}'", key=key), nearest(key, keys)
                faults.append(Fault(message, expected=expected, nearest=close, at=(key,)))
            data = {key: value for key, value in data.items() if key in keys}
        try:
            form = read(data)
        except ValidationError as error:
            raise _joined([*_details(error), *_problems(faults)]) from None
        if faults := [*faults, *form._misfits(info.context)]:
            raise InputError(faults)
        return form


class Words(Form):
    """A text in English and in Chinese."""

    en: str
    zh: str


Wording: TypeAlias = Annotated[
    Words,
    BeforeValidator(
        lambda text: {"en": text, "zh": text} if isinstance(text, str) else text,
        json_schema_input_type=str | Words,
    ),
]
"""A text in both languages, or one text for both."""


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Names: TypeAlias = Annotated[
    Items[str], BeforeValidator(_listed, json_schema_input_type=str | list[str])
]
"""Names in a list, or one name alone."""


def or_text(kind: Any) -> Any:
    """Return the type of an entry that is text, or a mapping of some kind."""
    return Annotated[
        Annotated[str, Tag("<text>")] | Annotated[kind, Tag("<mapping>")],
        Discriminator(lambda value: "<text>" if isinstance(value, str) else "<mapping>"),
    ]


@dataclass(frozen=True)
class Resolved:
    """Annotation of a field whose entry, of type ``raw``, is replaced by the result of ``resolve``.

    ``resolve`` takes the entry and the context, and raises an `InputError` for an unknown entry.
    """

    raw: Any
    resolve: Callable[[Any, Context], object]

    def __get_pydantic_core_schema__(self, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_after_validator_function(
            lambda value, info: self.resolve(value, info.context), handler.generate_schema(self.raw)
        )


@dataclass(frozen=True)
class Entries:
    """Annotation of a mapping or list, of type ``raw``, that is resolved entry by entry.

    ``resolve`` takes the key or position, the entry and the context. The faults of all entries are
    reported.
    """

    raw: Any
    resolve: Callable[..., object]
    unique: str = ""
    """A key of the entries whose values must be distinct, or empty."""

    def __get_pydantic_core_schema__(self, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_wrap_validator_function(
            self._read, handler.generate_schema(self.raw)
        )

    def _read(self, data: Any, read: Callable[[Any], Any], info: ValidationInfo) -> object:
        data = _listed(data) if self.raw is Names else data
        if not isinstance(data, Mapping | list):
            return read(data)
        is_list = isinstance(data, list)
        sound: dict[str | int, object] = {}
        problems: list[InitErrorDetails] = []
        entries = list(enumerate(data)) if isinstance(data, list) else list(data.items())
        if self.unique:
            names = (
                ((key, self.unique), str(value[self.unique]))
                for key, value in entries
                if isinstance(value, Mapping) and self.unique in value
            )
            problems += _problems(tuple(doubled(names)))
        for key, value in entries:
            if len(problems) >= MOST_FAULTS:
                break
            try:
                (entry,) = read([value]) if is_list else read({key: value}).values()
            except ValidationError as error:
                shift = (key,) if is_list else ()
                problems += _details(error, shift, skip=len(shift))
                continue
            try:
                sound[key] = self.resolve(key, entry, info.context)
            except InputError as error:
                problems += _problems(tuple(_own(error)), (key,))
        if problems:
            raise _joined(problems)
        return tuple(sound.values()) if is_list else sound


def listed(
    raw: Any, resolve: Callable[[Any, Context], object] = lambda entry, _: entry, unique: str = ""
) -> Entries:
    """Return the annotation of a list whose positions do not matter: ``resolve`` takes no key.

    Without ``resolve`` each entry is kept.
    """
    return Entries(raw, lambda _, entry, context: resolve(entry, context), unique)


@contextlib.contextmanager
def noting(faults: list[Fault], *at: str | int) -> Iterator[None]:
    """Record the faults of an entry instead of raising them, and leave the block."""
    try:
        yield
    except InputError as error:
        faults += (replace(fault, at=(*at, *fault.at)) for fault in _own(error))


def _own(error: InputError) -> Iterator[Fault]:
    """Yield the faults of an entry; an unknown name is a fault of this file, not of another."""
    for fault in error.faults:
        yield replace(fault, file=None, line=None) if isinstance(error, _OF_ENTRY) else fault


_OF_ENTRY = (UnknownNameError, UnitError)


def doubled(values: Iterable[tuple[Location, str]]) -> Iterator[Fault]:
    """Yield a fault for each value that occurred before, with its location.

    >>> [fault.at for fault in doubled([(("rows", 0), "a"), (("rows", 1), "a")])]
    [('rows', 1)]
    """
    seen: set[str] = set()
    for at, value in values:
        if value in seen:
            yield Fault("'{name}' is given twice", at=at, name=value)
        seen.add(value)


def form_of(
    form: type[AnyForm],
    document: YamlDocument,
    context: Context = None,
    error: type[InputError] = CatalogueError,
) -> AnyForm:
    """Validate a document as a form.

    Raises:
        InputError: of the type ``error``, with every fault of the document, by line.
    """
    faults = list(document.faults)
    try:
        if document.data is not None or not faults:
            whole = form.model_validate(document.data, context=context)
    except ValidationError as found:
        faults += (fault for detail in found.errors() for fault in _faults(document, detail))
    if faults:
        own = [fault.line or 0 if fault.file == document.file else 0 for fault in faults]
        ordered = sorted(zip(own, faults, strict=True), key=lambda pair: pair[0])
        raise error(dict.fromkeys(fault for _, fault in ordered))
    return whole


def schema_of(form: type[Form], title: str) -> str:
    """Return the JSON Schema of a form, for editors."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    schema = head | form.model_json_schema() | {"title": title}
    # Which alternative of an entry is meant a function decides; for a schema they may overlap.
    return json.dumps(schema, indent=2, ensure_ascii=False).replace('"oneOf":', '"anyOf":') + "\n"


def _details(
    error: ValidationError, before: Location = (), skip: int = 0
) -> Iterator[InitErrorDetails]:
    """Yield pydantic's errors so that they can be raised again at another location of the file."""
    for details in error.errors(include_url=False):
        yield InitErrorDetails(
            type=details["type"],
            loc=(*before, *details["loc"][skip:]),
            input=details["input"],
            ctx=details.get("ctx", {}),
        )


def _problems(faults: Collection[Fault], at: Location = ()) -> Iterator[InitErrorDetails]:
    if faults:
        context = {"error": InputError(faults)}
        yield InitErrorDetails(type="value_error", loc=at, input=None, ctx=context)


def _joined(details: Iterable[InitErrorDetails]) -> ValidationError:
    return ValidationError.from_exception_data("form", list(details))


_EXPECTED = {
    "string_type": Message("text"),
    "model_type": Message("a mapping (key: value)"),
    "dict_type": Message("a mapping (key: value)"),
    "list_type": Message("a list"),
    "tuple_type": Message("a list"),
    "bool_type": Message("true or false"),
    "float_type": Message("a number"),
    "float_parsing": Message("a number"),
    "int_type": Message("a whole number"),
    "int_parsing": Message("a whole number"),
    "int_from_float": Message("a whole number"),
}


def _faults(document: YamlDocument, detail: ErrorDetails) -> Iterator[Fault]:
    """Yield pydantic's errors as faults with our messages and lines."""
    # pydantic names the alternative of a union in angle brackets, and marks a key by [key].
    at: Location = tuple(part for part in detail["loc"] if not str(part).startswith(("<", "[key")))
    known = detail.get("ctx", {})
    if detail["type"] == "too_short" and detail["input"]:
        return  # only sound entries are counted, and the faults of the others are told
    if isinstance(error := known.get("error"), InputError):
        yield from (document.placed(fault, at) for fault in _own(error))
        return
    name = next((part for part in reversed(at) if isinstance(part, str)), "")
    choice = tuple(re.findall("'([^']+)'", str(known.get("expected", ""))))
    if detail["type"] == "missing":
        message = Message("the key '{name}' is missing", name=name)
        yield document.placed(Fault(message), at)
        return
    if not name:
        message = Message("the file has the wrong form")
    elif detail["type"] in _EXPECTED:
        message = Message("'{name}' has the wrong type", name=name)
    else:
        message = Message("'{name}' has the wrong value", name=name)
    fault = Fault(
        message,
        expected=Message("one of {names}", names=choice) if choice else _expected(detail),
        found=Message("none") if detail["type"] == "too_short" else shown(detail["input"]),
        nearest=nearest(str(detail["input"]), choice),
    )
    yield document.placed(fault, at)


def _expected(detail: ErrorDetails) -> Message:
    match detail.get("ctx"):
        case {"gt": number}:
            return Message("more than {number:g}", number=number)
        case {"ge": number}:
            return Message("at least {number:g}", number=number)
        case {"le": number}:
            return Message("at most {number:g}", number=number)
        case {"min_length": 1}:
            return Message("at least one entry")
    if detail["type"] == "finite_number":
        return Message("a finite number")
    return _EXPECTED.get(detail["type"]) or foreign(detail["msg"])


def shown(value: object) -> Message:
    """Return a value of a file in short, for messages."""
    match value:
        case None:
            return Message("nothing")
        case bool():
            return Message("{value}", value=str(value).lower())
        case int() | float():
            return Message("{number:g}", number=value)
        case str():
            long = len(value) > 60
            return Message("a long text") if long else Message("the text '{value}'", value=value)
        case list():
            return Message("a list")
        case _:
            return Message("a mapping")
