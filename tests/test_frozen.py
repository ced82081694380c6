"""Records go to plain data and back unchanged, and nothing but records does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plansim.errors import Fault, Message
from plansim.frozen import freeze, thaw


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Leaf:
    name: str
    size: float
    file: str | Path | None


@dataclass(frozen=True)
class Tree:
    leaves: tuple[Leaf, ...]
    pair: tuple[int, str]
    limits: tuple[float | None, float | None]
    value: float | Mapping[str, float] | None
    by_colour: Mapping[Colour | None, str]
    colour: Colour
    folder: Path


numbers = st.floats(allow_nan=False)
leaves = st.builds(Leaf, st.text(), numbers, st.none() | st.text() | st.just(Path("a/b")))
trees = st.builds(
    Tree,
    st.lists(leaves).map(tuple),
    st.tuples(st.integers(), st.text()),
    st.tuples(st.none() | numbers, st.none() | numbers),
    st.none() | numbers | st.dictionaries(st.text(), numbers),
    st.dictionaries(st.none() | st.sampled_from(Colour), st.text()),
    st.sampled_from(Colour),
    st.just(Path("somewhere")),
)


words = st.text() | st.sampled_from(Colour) | st.just(Path("a/b")) | numbers | st.integers()
parts = st.recursive(words, lambda part: st.lists(part).map(tuple) | st.builds(Message, st.text()))
messages = st.builds(lambda text, x, y: Message(text, x=x, y=y), st.text(), parts, parts)
faults = st.builds(
    Fault, messages, st.none() | st.just(Path("a/b")), expected=messages, found=st.text() | messages
)


@given(faults)
def test_a_fault_comes_back_with_the_parts_of_its_messages(fault: Fault) -> None:
    assert thaw(Fault, json.loads(json.dumps(freeze(fault)))) == fault


@given(trees)
def test_a_record_comes_back_as_it_was(tree: Tree) -> None:
    again = thaw(Tree, json.loads(json.dumps(freeze(tree))))
    assert again == tree
    assert [type(leaf.file) for leaf in again.leaves] == [type(leaf.file) for leaf in tree.leaves]
    assert isinstance(again.colour, Colour)


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", [1]])
def test_what_is_no_part_of_a_record_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="is no part of a record"):
        freeze(value)


@pytest.mark.parametrize("kind", [object, list[int], set[int]])
def test_a_kind_that_is_no_part_of_a_record_is_refused(kind: Any) -> None:
    with pytest.raises(TypeError, match="is no part of a record"):
        thaw(kind, [])
