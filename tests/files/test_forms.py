"""A file's form is read with a context, and everything wrong with it is told at once."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Annotated

import pytest
from pydantic import Field

from plansim.analysis.calibration import conditioning
from plansim.analysis.experiments import design_form
from plansim.errors import SCREENFUL, CatalogueError, Fault, InputError, UnknownNameError
from plansim.files.forms import (
    MOST_FAULTS,
    Entries,
    Form,
    Names,
    Resolved,
    Words,
    form_of,
    listed,
)
from plansim.files.shipped import shipped
from plansim.files.yaml_document import parse_document
from plansim.scenario import scenario_form


def square(number: float, context: float) -> float:
    if number > context:
        raise InputError(Fault("too large", found=f"{number:g}"))
    return number * number


def word(key: str, text: str, context: object) -> str:
    if text == "elsewhere":
        raise InputError(Fault("wrong there", "other.yaml", 7))
    if text == "nobody":
        raise UnknownNameError(Fault("nothing is called that", "model.mdl"))
    return f"{key} {text}"


class Row(Form):
    id: str
    low: float = Field(0.0, alias="at least")
    high: Annotated[float, Resolved(float, square)] = 1.0

    def _misfits(self, context: object) -> Iterator[Fault]:
        if self.low > self.high:
            yield Fault("upside down", at=("at least",))


class File(Form):
    title: Words = Words(en="", zh="")
    names: Names = ()
    rows: Annotated[tuple[Row, ...], listed(list[Row], unique="id")] = ()
    words: Annotated[dict[str, str], Entries(dict[str, str], word)] = Field(default={})


def read(text: str) -> File:
    return form_of(File, parse_document(text, "x.yaml"), 10.0)


def told(text: str) -> list[str]:
    with pytest.raises(CatalogueError) as caught:
        read(text)
    return [str(fault) for fault in caught.value.faults]


def test_a_field_holds_what_its_entry_stands_for() -> None:
    file = read("rows: [{id: a, high: 3}, {id: b, at least: 0.5}]\nwords: {k: v}\nnames: one")
    assert [(row.id, row.high) for row in file.rows] == [("a", 9.0), ("b", 1.0)]
    assert (file.words, file.names) == ({"k": "k v"}, ("one",))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("titel: {en: a, zh: b}", "x.yaml:1: unknown key 'titel'; expected one of title, names, "
         "rows, words; did you mean 'title'?"),
        ("title: {en: a}", "x.yaml:1: the key 'zh' is missing"),
        ("title: a", "x.yaml:1: 'title' has the wrong type; expected a mapping (key: value); "
         "found the text 'a'"),
        ("rows:\n- id: a\n  high: 11", "x.yaml:3: too large; found 11"),
        ("rows:\n- id: a\n- id: b\n- id: a", "x.yaml:4: 'a' is given twice"),
        ("words:\n  k: elsewhere", "other.yaml:7: wrong there"),
        ("words:\n  k: nobody", "x.yaml:2: nothing is called that"),
        ("rows: [{id: a, high: .inf}]", "x.yaml:1: 'high' has the wrong value; expected a finite "
         "number; found inf"),
        ("- 1", "x.yaml:1: the file has the wrong form; expected a mapping (key: value); "
         "found a list"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(text: str, fault: str) -> None:
    assert told(text) == [fault]


def test_no_fault_hides_another() -> None:
    text = """\
        title: {en: 1, zhh: a}
        rows:
        - {id: a, high: 11, lo: 1}
        - {id: a, at least: 5, more: 1}
        - {high: x}
        words: {a: nobody, b: 2, c: nobody}
        names: [1]
        """
    assert [fault.split(":")[1] for fault in told(text)] == list("1113344455667")


def test_a_hopeless_file_is_not_read_to_its_end_and_a_screenful_is_printed() -> None:
    many = "words:\n" + "".join(f"  k{i}: nobody\n" for i in range(3 * MOST_FAULTS))
    with pytest.raises(CatalogueError) as caught:
        read(many)
    assert len(caught.value.faults) == MOST_FAULTS
    lines = str(caught.value).splitlines()
    assert len(lines) == SCREENFUL + 1
    assert lines[-1] == f"x.yaml: {MOST_FAULTS - SCREENFUL} more faults"


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("scenarios/schema.json", scenario_form),
        ("scenarios/sweeps/schema.json", design_form),
        ("model/conditioning.schema.json", conditioning),
    ],
)
def test_the_shipped_schema_is_the_present_one(file: str, module: ModuleType) -> None:
    path = shipped(*file.split("/"))
    renewed = f"renew it: python -m {module.__name__} > {path}"
    assert path.read_text("utf-8") == module.schema_text(), renewed
