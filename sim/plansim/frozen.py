"""Frozen records as plain data for JSON, and back.

The classes are those of the declared fields, not names in the data, so that reading data cannot run
code, whoever wrote it.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from plansim.errors import Message, Part

__all__ = ["freeze", "thaw"]

Record = TypeVar("Record")

_PATH = "path"
"""The only key of the mapping that encodes a path; a record's mappings are lists of pairs."""


_MESSAGE = "message"
"""The only key of the mapping that encodes a message among the parts of another."""


def freeze(record: object) -> Any:
    """Return a record, or a nest of tuples and mappings of records, as plain data.

    >>> freeze({"a": (1.5, None)})
    [['a', [1.5, None]]]
    """
    if record is None or type(record) in _SCALARS:
        return record
    if isinstance(record, Enum):
        return record.value
    if isinstance(record, Message):
        return [record.template, {name: _frozen_part(part) for name, part in record.parts}]
    if is_dataclass(record):
        return [freeze(getattr(record, field.name)) for field in fields(record)]
    if isinstance(record, Mapping):
        return [[freeze(key), freeze(value)] for key, value in record.items()]
    if isinstance(record, tuple):
        return [freeze(item) for item in record]
    if isinstance(record, Path):
        return {_PATH: str(record)}
    raise TypeError(f"a {type(record).__name__} is no part of a record")


def _frozen_part(part: Part) -> Any:
    """Return a part of a message as plain data from which its kind is evident."""
    if isinstance(part, Message):
        return {_MESSAGE: freeze(part)}
    return [_frozen_part(item) for item in part] if isinstance(part, tuple) else part


def thaw(kind: type[Record], plain: object) -> Record:
    """Return the record of a kind from the plain data of `freeze`.

    >>> thaw(dict[str, tuple[float, ...]], [["a", [1.5]]])
    {'a': (1.5,)}
    """
    whole: Any = kind
    record: Record = _reader(whole)(plain)
    return record


_SCALARS = frozenset({str, int, float, bool})
_Reader: TypeAlias = Callable[[Any], Any]


@cache
def _reader(kind: Any) -> _Reader:
    """Make the function that reads plain data as one kind."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _union(arguments)
    if kind in _SCALARS or kind is type(None):
        return _same
    if kind is Path:
        return lambda plain: Path(plain[_PATH])
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    if kind is Message:
        return _message
    if is_dataclass(kind):
        return _record(kind)
    if origin is tuple and arguments[-1:] == (Ellipsis,):
        each = _reader(arguments[0])
        return _same_tuple if each is _same else lambda plain: tuple(map(each, plain))
    if origin is tuple:
        parts = [_reader(argument) for argument in arguments]
        return lambda plain: tuple(read(value) for read, value in zip(parts, plain, strict=True))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        key, value = map(_reader, arguments)
        return lambda plain: {key(name): value(entry) for name, entry in plain}
    raise TypeError(f"{kind} is no part of a record")


def _message(plain: Any) -> Message:
    template, parts = plain
    return Message(template, **{name: _part(part) for name, part in parts.items()})


def _part(plain: Any) -> Part:
    if isinstance(plain, dict):
        return _message(plain[_MESSAGE])
    return tuple(map(_part, plain)) if isinstance(plain, list) else plain


def _same(plain: Any) -> Any:
    return plain


def _same_tuple(plain: Any) -> Any:
    return tuple(plain)


def _union(kinds: tuple[Any, ...]) -> _Reader:
    """Return the function that reads one of several kinds, told apart by the form of the data."""
    scalar = next((_reader(kind) for kind in kinds if _is_word(kind)), _same)
    nested = [_reader(kind) for kind in kinds if not _is_scalar(kind) and kind is not Path]
    if len(nested) > 1:
        raise TypeError("of the kinds of a union, one at most may be a record or a collection")

    def read(plain: Any) -> Any:
        if plain is None:
            return None
        if isinstance(plain, list):
            return nested[0](plain)
        return Path(plain[_PATH]) if isinstance(plain, dict) else scalar(plain)

    return read


def _is_word(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def _is_scalar(kind: Any) -> bool:
    return kind in _SCALARS or kind is type(None) or _is_word(kind)


def _record(kind: Any) -> _Reader:
    hints = typing.get_type_hints(kind)

    @cache
    def changing() -> list[tuple[int, _Reader]]:
        """Return the readers of fields; when they are needed, since a record may hold its like."""
        readers = [_reader(hints[field.name]) for field in fields(kind)]
        return [(index, read) for index, read in enumerate(readers) if read is not _same]

    def read(plain: Any) -> Any:
        values = list(plain)
        for index, reader in changing():
            values[index] = reader(values[index])
        return kind(*values)

    return read
