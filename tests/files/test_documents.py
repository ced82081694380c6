"""YAML files are read as plain data, and whatever is unreadable has a fault with its line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plansim.files.yaml_document import MAX_BYTES, Plain, parse_document, read_document


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: 1", {"a": 1}),
        ("a: '1'", {"a": "1"}),
        ("a: yes", {"a": "yes"}),  # YAML 1.1 made a boolean of it
        ("a: 0x10", {"a": "0x10"}),
        ("a: ~\nb:", {"a": None, "b": None}),
        ("人口: [城镇, 2]", {"人口": ["城镇", 2]}),
        ("2005: x\nnull: y", {"2005": "x", "null": "y"}),
        ("- 1\n- b: |\n    two\n    lines\n", [1, {"b": "two\nlines\n"}]),
        ("a: " + "9" * 5000, {"a": float("inf")}),
    ],
)
def test_plain_data_is_read_by_the_core_schema(text: str, data: Plain) -> None:
    document = parse_document(text, "x.yaml")
    assert document.data == data
    assert document.faults == ()


def test_what_has_no_line_of_its_own_has_that_of_what_is_around_it() -> None:
    document = parse_document("a:\n  b: 1\n  c:\n    - x\n    - y: 2\n", "x.yaml")
    assert document.line(("a", "c", 1, "y", "nothing", "below")) == 5
    assert document.line(("elsewhere",)) == 1


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "x.yaml:1: the file is empty"),
        ("a: 1\nb: 2\na: 3", "x.yaml:3: the key 'a' is given twice; found a first one on line 1"),
        ("a: &x 1\nb: *x", "x.yaml:2: aliases are not allowed; found *x"),
        ("a: !!str 1", "x.yaml:1: tags are not allowed; found !!str"),
        ("? [a]\n: 1", "x.yaml:1: a key must be plain text"),
        ("a: 1\n<<: {b: 2}", "x.yaml:2: merge keys are not supported; found <<"),
        ("a:\n- <b: 1", "x.yaml:2: a key must not begin with '<'; found <b"),
        ("a: 1\n---\nb: 2", "x.yaml:2: the file has more than one YAML document"),
        ("c: 1\na: [1\nb: 2", "x.yaml:2: not valid YAML: expected ',' or ']'"),
        ("a: b: c", "x.yaml:1: not valid YAML: mapping values are not allowed here"),
        ("a: 1\nb: \x07", "x.yaml:2: the file has control characters"),
        ("[" * 100_000, "x.yaml:1: the file is nested too deeply"),
    ],
)
def test_a_fault_of_form_is_reported_with_its_line(text: str, fault: str) -> None:
    found = [str(fault) for fault in parse_document(text, "x.yaml").faults]
    assert found == [fault]


def test_all_faults_of_form_are_reported_at_once() -> None:
    text = "a: !t 1\nb: &x 2\nc: *x\nb: 3\nc: *x\n"
    assert [fault.line for fault in parse_document(text, "x.yaml").faults] == [1, 3, 4, 5, 5]


def test_what_cannot_be_read_is_refused_without_reading_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "long").write_bytes(b"#" * (MAX_BYTES + 1))
    (tmp_path / "gb").write_bytes("a: 1\nb: 焦".encode("gb18030"))
    with (tmp_path / "huge").open("wb") as stream:
        stream.truncate(100_000_000_000)  # sparse: takes no room, but could never be read
    faults = {
        "no": ": no such file",
        "": ": the file cannot be read: Is a directory",
        "pipe": ": the file cannot be read: not a regular file",
        "huge": ": the file cannot be read: more than 1 MB",
        "long": ": the file cannot be read: more than 1 MB",
        "gb": ":2: the file is not UTF-8 text",
    }
    for name, fault in faults.items():
        document = read_document(tmp_path / name)
        assert [str(one) for one in document.faults] == [f"{tmp_path / name}{fault}"]
        assert document.data is None


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("ab1:-[]{}?,&*!|<>'\"%@# \t\n\0\x07é农"), max_size=60))
def test_no_text_raises_and_what_is_unreadable_has_a_fault(text: str) -> None:
    document = parse_document(text, "x.yaml")
    if not text.strip():
        assert document.faults


words = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), max_size=8)
data = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | words
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=10,
)


@settings(deadline=None)
@given(data)
def test_json_is_read_as_json_reads_it(value: Plain) -> None:
    text = json.dumps(value, ensure_ascii=False)
    document = parse_document(text, "x.json")
    assert document.faults == ()
    assert document.data == value
