"""The package's YAML files: plain data with lines, and the forms by which they are validated.

`read_document` reads a file as plain data, with the line of every entry. It supports mappings,
lists and the scalars of YAML 1.2, which suffice for files written by hand. It reads the file event
by event and constructs no objects, so that a file cannot run code; tags (``!!python/…``),
aliases (by which a file could refer to itself) and merge keys (``<<``) are refused.

A kind of file is a `Form`: a pydantic model. References to a model, a catalogue or another file are
resolved during validation with pydantic's context, in three ways: a field whose entry refers to
something is `Resolved` or made of `Entries`, and entries of one mapping are checked together by
`Form._misfits`. All of them raise or yield a `Fault`; `form_of` turns every fault of the file into
one error, each with its line.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
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
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)
from ruamel.yaml.reader import ReaderError

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

__all__ = [
    "LAX",
    "MAX_BYTES",
    "MAX_DEPTH",
    "MOST_FAULTS",
    "Entries",
    "Form",
    "Items",
    "Listed",
    "Location",
    "Names",
    "Plain",
    "Resolved",
    "Wording",
    "Words",
    "YamlDocument",
    "doubled",
    "form_of",
    "noting",
    "or_text",
    "parse_document",
    "read_document",
    "schema_of",
    "shown",
    "unknown_keys",
]

MAX_BYTES = 1_000_000
"""Maximum size of a file."""

MAX_DEPTH = 12
"""Maximum depth of nesting, since the reader is recursive."""

MOST_FAULTS = 100
"""Maximum number of faulty entries of a mapping or list, after which the others are not read."""

Plain: TypeAlias = "str | int | float | bool | list[Plain] | dict[str, Plain] | None"
"""The data of a document."""

Location: TypeAlias = tuple[str | int, ...]
"""The location of an entry: the keys and list positions from the top."""

Context: TypeAlias = Any
"""What a form is validated against; it depends on the kind of file."""


@dataclass(frozen=True)
class YamlDocument:
    """The data of a YAML file, and its faults."""

    file: str
    """Name of the file in messages."""
    sha256: str
    """Of the file's bytes, in hexadecimal."""
    data: Plain
    """None if `faults` prevented reading."""
    lines: Mapping[Location, int]
    faults: tuple[Fault, ...]

    def line(self, at: Location) -> int | None:
        """Return the line of an entry, or of the nearest entry around it that has one."""
        while at not in self.lines and at:
            at = at[:-1]
        return self.lines.get(at)

    def placed(self, fault: Fault, at: Location = ()) -> Fault:
        """Return a fault of an entry with file and line, unless it is one of another file."""
        if fault.file is not None:
            return fault
        return replace(fault, file=self.file, line=self.line((*at, *fault.at)), at=())


def read_document(path: Path) -> YamlDocument:
    """Read a YAML file; every error becomes a fault of the document, never an exception."""
    try:
        if not path.is_file():
            if path.exists():
                return _unread(
                    path, b"", Message("not a file"), expected=Message("a YAML text file")
                )
            if not path.is_symlink():  # one that leads nowhere is opened to learn why
                siblings = sorted(sibling.name for sibling in path.parent.glob("*.y*ml"))
                close = nearest(path.name, siblings)
                return _unread(path, b"", Message("no such file"), close=close)
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        return _unread(
            path, b"", Message("the file cannot be read: {why}", why=foreign(error.strerror))
        )
    if len(raw) > MAX_BYTES:
        return _unread(
            path, raw, Message("the file is larger than {size} MB", size=MAX_BYTES // 1_000_000)
        )
    if b"\0" in raw:
        return _unread(
            path, raw, Message("the file is binary"), expected=Message("a YAML text file")
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return _unread(path, raw, Message("the file is not UTF-8 text"), line=line)
    return parse_document(text, str(path), hashlib.sha256(raw).hexdigest())


def parse_document(text: str, file: str, sha256: str = "") -> YamlDocument:
    r"""Read YAML text.

    >>> document = parse_document("a: 1\nb:\n  - two\n  - 3.0\na: 4", "x.yaml")
    >>> document.data
    {'a': 1, 'b': ['two', 3.0]}
    >>> document.line(("b", 1))
    4
    >>> print(*document.faults)
    x.yaml:5: the key 'a' stands twice; found a first one on line 1
    """
    reader = _DocumentReader(file)
    events: Iterator[Event] = iter(YAML(typ="safe", pure=True).parse(text))
    data: Plain = None
    try:
        next(events), (start := next(events))
        if isinstance(start, StreamEndEvent):
            reader.fault(Message("the file is empty"), 1)
        else:
            data = reader.read(next(events), events, ())
            next(events)
            if not isinstance(extra := next(events), StreamEndEvent):
                reader.fault(Message("the file has more than one YAML document"), _line(extra))
    except _UnreadableError:
        data = None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        # The parser's ", but got '<scalar>'" is its internal name, and is dropped.
        problem = str(error.problem or error.context).split(", but ")[0]
        reader.fault(
            Message("not valid YAML: {why}", why=foreign(problem)),
            None if mark is None else mark.line + 1,
        )
        data = None
    except ReaderError as error:
        line = text.count("\n", 0, int(error.position)) + 1
        reader.fault(Message("the file has control characters"), line)
        data = None
    except YAMLError as error:
        reader.fault(
            Message("not valid YAML: {why}", why=foreign(str(error).splitlines()[0])), None
        )
        data = None
    return YamlDocument(file, sha256, data, reader.lines, tuple(reader.faults))


def _unread(
    path: Path,
    raw: bytes,
    message: Message,
    line: int | None = None,
    expected: Message | None = None,
    close: str | None = None,
) -> YamlDocument:
    fault = Fault(message, file=str(path), line=line, expected=expected, nearest=close)
    return YamlDocument(str(path), hashlib.sha256(raw).hexdigest(), None, {}, (fault,))


class _UnreadableError(Exception):
    """Reading must stop; the fault is already logged."""


@dataclass
class _DocumentReader:
    """Turns events into plain data, and records lines and faults."""

    file: str
    lines: dict[Location, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def fault(
        self, message: str | Message, line: int | None, found: Message | str | None = None
    ) -> None:
        self.faults.append(Fault(message, file=self.file, line=line, found=found))

    def read(self, event: Event, events: Iterator[Event], at: Location) -> Plain:
        """Read the node that ``event`` opens."""
        line = _line(event)
        self.lines.setdefault(at, line)
        if len(at) > MAX_DEPTH:
            self.fault(Message("the file is nested too deeply"), line)
            raise _UnreadableError
        if isinstance(event, AliasEvent):
            self.fault(Message("aliases are not allowed"), line, found=f"*{event.anchor}")
            return None
        if tag := _tag(event):
            self.fault(Message("tags are not allowed"), line, found=tag)
        if isinstance(event, ScalarEvent):
            return _scalar(event)
        if isinstance(event, MappingStartEvent):
            return self._mapping(events, at)
        items: list[Plain] = []
        while not isinstance(event := next(events), SequenceEndEvent):
            items.append(self.read(event, events, (*at, len(items))))
        return items

    def _mapping(self, events: Iterator[Event], at: Location) -> Plain:
        entries: dict[str, Plain] = {}
        while not isinstance(event := next(events), MappingEndEvent):
            line = _line(event)
            if not isinstance(event, ScalarEvent):
                self.fault(Message("a key must be plain text"), line)
                raise _UnreadableError
            key = event.value
            if key.startswith("<"):  # pydantic marks the alternatives of a union so
                unsupported = Message("a key must not begin with '<'")
                if key == "<<" and event.style is None:
                    unsupported = Message("merge keys are not supported")
                self.fault(unsupported, line, key)
                raise _UnreadableError
            entry = (*at, key)
            if key in entries:
                first = Message("a first one on line {line}", line=self.lines[entry])
                self.fault(Message("the key '{key}' stands twice", key=key), line, found=first)
                self.read(next(events), events, (*entry, "again"))
            else:
                self.lines[entry] = line
                entries[key] = self.read(next(events), events, entry)
        return entries


def _line(event: Event) -> int:
    return int(event.start_mark.line) + 1


def _tag(event: Event) -> str | None:
    """Return the tag that the file writes out, as it writes it."""
    if isinstance(event, ScalarEvent):
        implicit = any(event.implicit)
    else:
        implicit = not isinstance(event, CollectionStartEvent) or event.implicit
    return None if implicit else str(getattr(event, "tag", "")).replace("tag:yaml.org,2002:", "!!")


_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL: Mapping[str, float | bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), float("inf")),
    "-.inf": float("-inf"),
}


def _scalar(event: ScalarEvent) -> Plain:
    """Resolve a plain scalar by the core schema of YAML 1.2; a quoted one is text."""
    text = str(event.value)
    if event.style is not None:
        return text
    if text in _SPECIAL:
        return _SPECIAL[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


# --- forms ----------------------------------------------------------------------------------------

AnyForm = TypeVar("AnyForm", bound="Form")

LAX = Field(strict=False)
"""For a field that is a tuple or an enum, which a file writes as a list or as text."""


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
            keys = [info.alias or key for key, info in cls.model_fields.items()]
            faults += islice(unknown_keys(data, keys), MOST_FAULTS)
            data = {key: value for key, value in data.items() if key in keys}
        try:
            form = read(data)
        except ValidationError as error:
            raise _joined([*_details(error), *_problems(faults)]) from None
        if faults := [*faults, *form._misfits(info.context)]:
            raise InputError(faults)
        return form


def unknown_keys(given: Iterable[str], known: Collection[str]) -> Iterator[Fault]:
    """Yield a fault for each key of a mapping that is not known."""
    for key in given:
        if key not in known:
            yield Fault(
                "unknown key '{key}'",
                at=(key,),
                expected=Message("one of {names}", names=tuple(known)),
                nearest=nearest(key, known),
                key=key,
            )


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

    def found(self, key: str | int, entry: Any, context: Context) -> object:
        """Return what one entry stands for."""
        return self.resolve(key, entry, context)

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
                sound[key] = self.found(key, entry, info.context)
            except InputError as error:
                problems += _problems(tuple(_own(error)), (key,))
        if problems:
            raise _joined(problems)
        return tuple(sound.values()) if is_list else sound


@dataclass(frozen=True)
class Listed(Entries):
    """Entries of a list whose positions do not matter: ``resolve`` takes entry and context.

    Without ``resolve`` each entry is kept.
    """

    resolve: Callable[[Any, Context], object] = lambda entry, _: entry

    def found(self, key: str | int, entry: Any, context: Context) -> object:
        """Return what one entry stands for."""
        return self.resolve(entry, context)


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
            yield Fault("'{name}' stands twice", at=at, name=value)
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
    # A function distinguishes the alternatives of an entry, which a schema cannot: {value, unit} is
    # a mapping of elements too, and "one of" would refuse it.
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
    "int_type": Message("a whole number"),
}


def _faults(document: YamlDocument, detail: ErrorDetails) -> Iterator[Fault]:
    """Yield pydantic's errors as faults with our messages and lines."""
    # pydantic names the alternative of a union in angle brackets, and marks a key by [key].
    at: Location = tuple(part for part in detail["loc"] if not str(part).startswith(("<", "[key")))
    known = detail.get("ctx", {})
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
