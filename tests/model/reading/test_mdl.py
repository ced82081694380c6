"""What the reader makes of a model file: its records, by PySD as oracle, and its faults."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pysd.translators.structures.abstract_expressions import CallStructure, ReferenceStructure
from pysd.translators.vensim.vensim_file import VensimFile

from plansim import annual, simulate
from plansim.errors import ModelError, UnknownNameError
from plansim.files.shipped import shipped_model
from plansim.model.reader import load_model
from plansim.model.reading.equations import MAX_ELEMENTS
from plansim.model.reading.expression import name_key
from plansim.model.records import Model, TimeSpec, Timing, VariableKind
from tests.helpers.vensim_text import CLOCK, MODELS, Write, writer

TOWN = MODELS / "toy_town.mdl"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    return writer(tmp_path)


def load_or_fault(path: Path, strict: bool | None = None) -> Model | ModelError:
    """Load a file; anything but a `ModelError` fails the test."""
    try:
        return load_model(path, strict)
    except ModelError as error:
        return error


def faults_of(path: Path, strict: bool | None = None) -> list[str]:
    """What is wrong with a model file, without its name."""
    with pytest.raises(ModelError) as error:
        load_model(path, strict)
    return [str(fault).replace(f"{path}:", "", 1).strip() for fault in error.value.faults]


# What a sound file says


def test_a_variable_has_all_that_its_entry_says(town: Model) -> None:
    variable = town.variables["birth rate"]
    line = town.text.split("\n")[variable.line - 1]
    assert line == "birth rate="
    assert (variable.name, variable.kind) == ("birth rate", VariableKind.CONSTANT)
    assert (variable.unit, variable.admissible) == ("1/Year", (0, 0.1))
    assert (variable.name_zh, variable.meaning_en) == ("出生率", "Births per resident and year.")
    assert variable.sources == ("T02", "A: 0.010–0.014 the span of neighbouring towns")
    assert variable.plausible == (0.01, 0.014)
    assert (variable.module, variable.equation) == ("population", "birth rate=\n\t0.012")
    assert (variable.value, variable.subscripts) == (0.012, ())
    assert (variable.causes, variable.initial_causes) == ((), ())


def test_kinds_and_timings_follow_from_equations_and_comments(town: Model) -> None:
    named = {
        kind: [name for name, variable in town.variables.items() if variable.kind is kind]
        for kind in VariableKind
    }
    assert named[VariableKind.STOCK] == ["residents", "capital"]
    assert named[VariableKind.FLOW] == ["births", "deaths", "depreciation", "investment"]
    assert named[VariableKind.LOOKUP] == ["water effect table"]
    assert named[VariableKind.CONTROL] == ["FINAL TIME", "INITIAL TIME", "SAVEPER", "TIME STEP"]
    assert "expected GDP" in named[VariableKind.AUXILIARY]
    at_year_end = [name for name, v in town.variables.items() if v.timing is Timing.YEAR_END]
    assert at_year_end == ["residents", "capital", "capital per head"]
    (sector,) = town.subscripts.values()
    assert (sector.name_zh, sector.elements_zh) == ("部门", ("农业", "工业", "服务业"))
    assert "capital output ratio" in named[VariableKind.CONSTANT]


def test_stocks_are_read_at_whole_times_where_these_are_no_years() -> None:
    minutes = load_model(MODELS / "tea_cup.mdl")
    assert minutes.time.saveper < 0.5
    assert {one.timing for one in minutes.variables.values()} == {Timing.YEAR}


@pytest.mark.parametrize(
    ("final", "tag", "read"),
    [("2005", "", 2005.0), ("2005.5", "", 2005.5), ("2005", "[year-end]", 2005.5)],
)
def test_stocks_are_read_at_the_end_of_years_where_the_model_says_so(
    final: str, tag: str, read: float, tmp_path: Path
) -> None:
    path = tmp_path / "bath.mdl"
    path.write_text(
        "level = INTEG(1, 2003) ~ m ~ |\nsteady = 2*level ~ m ~ " + tag + " |\n"
        "INITIAL TIME = 2003 ~ Year ~ |\nFINAL TIME = " + final + " ~ Year ~ |\n"
        "TIME STEP = 0.5 ~ Year ~ |\nSAVEPER = 0.5 ~ Year ~ |\n"
    )
    by_year = annual(simulate(load_model(path)))["level"]
    assert by_year.sel(year=2003) == read - 2
    assert by_year.sel(year=2005).isnull() == (read > float(final))


def test_causes_tell_initial_ones_apart(town: Model) -> None:
    capital = town.variables["capital"]
    assert capital.causes == ("investment", "depreciation", "initial capital")
    assert capital.initial_causes == ("initial capital",)


def test_an_array_has_a_value_an_element_however_it_is_written(town: Model, write: Write) -> None:
    by_element = {"farming": 2.0, "industry": 2.5, "services": 3.0}
    assert town.variables["capital output ratio"].value == by_element
    assert town.variables["capital output ratio"].subscripts == ("sector",)
    model = load_model(
        write(
            "s: a, b ~~|t: c, d ~~|\n"
            "x[s,t]= 1, 2; 3, 4; ~m~|\n"
            "y[s,c]= 5 ~m~|y[s,d]= 6, 7 ~m~|\n"
            "z[s] :EXCEPT: [a]= 8 ~m~|z[a]= 9 ~m~|\n"
            "w[a,t]= Tabbed Array(1 2) ~m~|\n"
            "v[s]= 1 ~m~|\n"
            "u[a]= 1 ~m~|u[b]= x[a,c] ~m~|"
        )
    )
    values = {name: variable.value for name, variable in model.variables.items()}
    assert values["x"] == {"a,c": 1, "a,d": 2, "b,c": 3, "b,d": 4}
    assert values["y"] == {"a,c": 5, "b,c": 5, "a,d": 6, "b,d": 7}
    assert values["z"] == {"a": 9, "b": 8}
    assert values["w"] == {"a,c": 1, "a,d": 2}
    assert values["v"] == {"a": 1, "b": 1}
    assert values["u"] is None
    assert model.variables["u"].kind is VariableKind.AUXILIARY
    assert model.variables["y"].subscripts == ("s", "t")


def test_separate_equations_are_one_variable(write: Write) -> None:
    path = write("s: a, b ~~|\nx[a]= 1 ~~|\nx[b]=\n\t2 ~m [0,5]~ 名。Words. [M01]|\n")
    variable = load_model(path).variables["x"]
    assert variable.equation == "x[a]= 1\nx[b]=\n\t2"
    assert (variable.unit, variable.admissible) == ("m", (0, 5))
    assert (variable.name_zh, variable.sources, variable.line) == ("名", ("M01",), 2)


def test_the_clock_may_be_computed(write: Write, tmp_path: Path) -> None:
    assert load_model(write("x= 1 ~m~|")).time == TimeSpec(2000, 2010, 0.5, 0.5)
    path = tmp_path / "clock.mdl"
    path.write_text(
        "start= 1990 ~y~|INITIAL TIME= start ~y~|FINAL TIME= start + 2*(5 + 10) ~y~|\n"
        "TIME STEP= 1/8 ~y~|SAVEPER= TIME STEP*4 ~y~|"
    )
    assert load_model(path).time == TimeSpec(1990, 2020, 0.125, 0.5)


SETTINGS = """\\\\\\---/// Sketch information - do not modify anything except names
V300  Do not put anything below this section - it will be ignored
*View 1
15:0,0,0,1,0,0
///---\\\\\\
:L\x7f<%^E!@
9:15:0,0,0,1
22:Year,Years
15:0,0,0,CODE,0,0
19:100,0
"""


@pytest.mark.parametrize(
    ("code", "method"),
    [("0", "euler"), ("1", "rk4"), ("2", "euler"), ("3", "midpoint"), ("4", "midpoint"),
     (" 5 ", "rk4")],
)  # fmt: skip
def test_the_settings_name_the_method_of_integration(write: Write, code: str, method: str) -> None:
    path = write("x= 1 ~m~|")
    equations = path.read_text("utf-8")
    settings = SETTINGS.replace("CODE", code)
    for text in (settings, settings.replace("\x7f", "")):
        path.write_text(equations + text, "utf-8")
        assert load_model(path).time.integration == method
    path.write_text(equations + settings.partition(":L")[0], "utf-8")
    assert load_model(path).time.integration == "euler"


def test_an_unknown_method_in_the_settings_is_refused(write: Write) -> None:
    path = write("x= 1 ~m~|")
    path.write_text(path.read_text("utf-8") + SETTINGS.replace("CODE", "7"), "utf-8")
    assert faults_of(path) == [
        "14: the file's settings name an unknown method of integration; expected 0 to 5, as the "
        "fourth number after '15:'; found 7"
    ]


# Names


def test_find_takes_quoted_names_with_and_without_quotes(write: Write) -> None:
    model = load_model(write('"a-b"= 1 ~ Dmnl ~ |\nc= "a-b" ~ Dmnl ~ |'))
    assert model.find("A-B") is model.find('"a-b"') is model.variables['"a-b"']
    assert model.variables["c"].causes == ('"a-b"',)


def test_find_gives_the_nearest_name(town: Model) -> None:
    with pytest.raises(
        UnknownNameError,
        match=r"toy_town\.mdl: no variable is called 'brith rate'; did you mean 'birth rate'\?",
    ):
        town.find("brith rate")
    with pytest.raises(UnknownNameError, match="did you mean '人均生产总值'"):
        town.find("人均生产总直")


def test_find_refuses_a_chinese_name_that_two_variables_share(town: Model) -> None:
    twin = dataclasses.replace(town.variables["deaths"], name_zh="出生人数")
    shared = dataclasses.replace(town, variables={**town.variables, "deaths": twin})
    with pytest.raises(UnknownNameError, match=r"more than one variable.*one of births, deaths"):
        shared.find("出生人数")


# The engine as oracle


def references(node: object) -> Iterator[str]:
    """Give the names in a part of PySD's AbstractModel."""
    if isinstance(node, ReferenceStructure):
        yield node.reference
    elif isinstance(node, CallStructure):
        yield node.function.reference
        yield from references(node.arguments)
    elif isinstance(node, (list, tuple)):
        for item in node:
            yield from references(item)
    elif is_dataclass(node):
        for part in fields(node):
            yield from references(getattr(node, part.name))


@pytest.mark.parametrize(
    "path",
    [MODELS / "tea_cup.mdl", TOWN, pytest.param(shipped_model(), marks=pytest.mark.city)],
    ids=lambda p: p.stem,
)
def test_the_scan_agrees_with_the_engine(path: Path) -> None:
    file = VensimFile(path)
    file.parse()
    section = file.get_abstract_model().sections[0]
    model = load_model(path)
    elements = {name_key(element.name): element for element in section.elements}
    variables = {name_key(name): variable for name, variable in model.variables.items()}
    assert list(elements) == list(variables)
    for key, variable in variables.items():
        element = elements[key]
        assert element.name == variable.name
        assert (element.units or "") == variable.unit
        limits = (*(element.limits or ()), None, None)[:2]
        assert limits == variable.admissible, variable.name
        found = {name for part in element.components for name in references(part.ast)}
        # A function may bear the name of a variable, but the shipped names avoid that.
        assert found & variables.keys() == set(map(name_key, variable.causes)), variable.name
    ranges = {range_.name: tuple(range_.subscripts) for range_ in section.subscripts}
    assert ranges == {name: range_.elements for name, range_ in model.subscripts.items()}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_what_is_accepted_without_a_word_the_engine_reads(
    tmp_path: Path, data: st.DataObject
) -> None:
    """But for what we take beside: a backslash anywhere; rarely, a number as 0125 or -+x."""
    text = (MODELS / "tea_cup.mdl").read_text(encoding="utf-8").removeprefix("{UTF-8}")
    at = data.draw(st.integers(0, len(text)))
    slip = data.draw(st.sampled_from(["", *"~|()[],=:+*\"'{}!\n", "***", ":=", ":EXCEPT:"]))
    path = tmp_path / "spoilt.mdl"
    spoilt = text[:at] + slip + text[at + data.draw(st.integers(0, 2)) :]
    path.write_text("{UTF-8}" + spoilt, encoding="utf-8")
    model = load_or_fault(path)
    if isinstance(model, ModelError) or model.warnings:
        faults = model.faults if isinstance(model, ModelError) else model.warnings
        assert {fault.file for fault in faults} == {path}
        return
    file = VensimFile(path, encoding="UTF-8")
    file.parse()
    names = {name_key(element.name) for element in file.get_abstract_model().sections[0].elements}
    assert names == set(map(name_key, model.variables))


@pytest.mark.parametrize(
    ("encoding", "comment", "spoken"),
    [
        ("gbk", "城市人口的名称，镕。A name.", "GB 18030"),
        ("utf-16", "名称。A name.", "UTF-16"),
        ("cp1252", "né à Liège – “là”", "Windows-1252"),
    ],
)
def test_other_code_pages_are_read_with_a_word_on_it(
    write: Write, encoding: str, comment: str, spoken: str
) -> None:
    path = write("a= 1 ~m~|\n")
    path.write_bytes(f"x= a ~m~ {comment}|\n{path.read_text('utf-8')}".encode(encoding))
    model = load_model(path)
    assert comment.rpartition("。")[2] in model.variables["x"].meaning_en
    (warning,) = model.warnings
    assert str(warning).startswith(f"{path}:1: the file is not in UTF-8 and was read as {spoken};")


# What is wrong with a file


def test_square_brackets_in_a_quoted_name_are_read_as_round_ones(write: Write) -> None:
    model = load_model(write('part: a, b ~~|\n"share [%]"[part] = 5 ~~|\ny = "share [%]"[a] ~~|\n'))
    assert model.variables["y"].causes == ('"share (%)"',)
    assert any("was read as" in str(warning) for warning in model.warnings)
    # But not where that is another's name.
    with pytest.raises(ModelError, match="has square brackets"):
        load_model(write('"a [1]" = 5 ~~|\n"a (1)" = "a [1]" ~~|\n'))


def test_all_faults_at_once_with_their_lines(write: Write) -> None:
    few = write("".join(f"x{i}= {i} ~m~|\n" for i in range(30)) + "y= 1 ~~|\nz= 1 ~~|\n")
    (warning,) = load_model(few).warnings  # units are a warning, and all of them one
    assert str(warning).startswith(f"{few}:31: 2 variables have no unit, 'y' first; expected a")
    path = write("a= (1 + 2 ~m~|\nb= 2*c ~m~|\nb= 3 ~m~|\nd[q]= 1 ~m~|\ne= 1 + ~m~|\nf= 1 ~~|\n")
    assert faults_of(path, strict=True) == [
        "1: a bracket is never closed in 'a'; expected ')'",
        "2: no variable is called 'c', in 'b'",
        "3: 'b' is defined twice; found the first one on line 2",
        "4: no subscript range or element is called 'q', in 'd'",
        "5: an operand is missing in 'e'; expected a number, a name or a bracket; "
        "found the end of the equation",
        "6: 'f' has no unit; expected a unit after the first '~'; Dmnl if it has no dimension",
    ]


def test_slips_are_faults_where_asked_for_and_else_warnings(write: Write) -> None:
    path = write(
        "s: a, b ~~ 组。Two. [zh: 甲]|\n"
        "x= 5 ~m [0,1]~|\n"
        "y[s]= 1, -1 ~m [0,?]~|\n"
        "z= 1 ~m~ 名。It. [A: 3–2]|\n"
        "a= 1 ~m~|\n"
        "c= 2 ~ m |\n"
    )
    slips = [
        "1: 's' does not have a Chinese name for each element; expected 2; found 1",
        "2: 'x' is outside of its own limits; expected a value in [0,1]; found 5",
        "3: 'y[b]' is outside of its own limits; expected a value in [0,?]; found -1",
        "4: the plausible range of 'z' is reversed; found 3–2",
        "5: 'a' is also the name of a subscript; "
        "expected another name: engines may take one for the other",
        f"6: an equation has not three parts: 'c= 2 ~ m |'; {FORM}; found 1 '~'",
    ]
    assert faults_of(path, strict=True) == slips
    model = load_model(path)
    assert [str(fault).replace(f"{path}:", "") for fault in model.warnings] == slips
    assert model.subscripts["s"].elements_zh == ()
    assert (model.variables["c"].value, model.variables["c"].unit) == (2, "m")


FORM = "expected equation ~ unit ~ comment |"
LIMITS = "expected '[lowest,highest]' with '?' for none"
RANGES = "s: a, b ~~|t: c, d ~~|both: s, t ~~|"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("births rate = 1 ~m~|\nx = 1 +\n  birth rate ~m~|",
         "3: no variable is called 'birth rate', in 'x'; did you mean 'births rate'?"),
        ("x = SMOTHI(1, 2, 3) ~m~|",
         "1: no function or lookup is called 'SMOTHI', in 'x'; did you mean 'SMOOTHI'?"),
        ("y = 1 ~m~|\nx = y (2) ~m~|",
         "2: 'y' is neither a function nor a lookup, but is used as one in 'x'"),
        ("x = MAX(1) ~m~|", "1: MAX has the wrong number of arguments; expected 2; found 1"),
        ("table((0,1)) ~m~|\nx = table(1, 2) ~m~|",
         "2: table has the wrong number of arguments; expected 1; found 2"),
        ("x = 1 ~m~|\n\nX = 2 ~m~|", "3: 'X' is defined twice; found the first one on line 1"),
        ("x[a,t] = 1 ~m~|\nx[s,d] = 2 ~m~|",
         "2: 'x' for [a, d] is defined twice; found the first one on line 1"),
        ("x[s] :EXCEPT: [a] = 1 ~m~|\nx[s] = 2 ~m~|",
         "2: 'x' for [b] is defined twice; found the first one on line 1"),
        ("x[secter] = 1 ~m~|sector: e, f ~~|",
         "1: no subscript range or element is called 'secter', in 'x'; did you mean 'sector'?"),
        ("x[s] :EXCEPT: [q] = 1 ~m~|", "1: no subscript range or element is called 'q', in 'x'"),
        ("x[s] = 1 ~m~|\ny[s] = x ~m~|",
         "2: 'x' is used with the wrong number of subscripts in 'y'; expected 1; found 0"),
        ("x[a] = 1 ~m~|\nx[b,c] = 1 ~m~|",
         "2: 'x' does not have as many subscripts everywhere; expected 1, as on line 1; found 2"),
        # of form
        ("x = 1 ~ m ~ c\ny = 2 ~ m ~ c |\nz = 3 ~ m ~ c |",
         "1: an equation has no '|' at its end: 'x = 1 ~ m ~ c'; "
         "expected '|' before 'y = 2 ~ m ~ c |'"),
        ("x = 1 ~ m |\n",
         f"1: an equation has not three parts: 'x = 1 ~ m |'; {FORM}; found 1 '~'"),
        ("x = 1 ~ m ~ c ~ d |",
         f"1: an equation has not three parts: 'x = 1 ~ m ~ c ~ d |'; {FORM}; found 3 '~'"),
        *((f"\nx = 1 ~ {unit} ~|", "2: the limits in the unit cannot be read: "
           f"'x = 1 ~ {unit} ~|'; {LIMITS}; found '{unit}'")
          for unit in ("m ]", "m [a,1]", "m [0,1,2,3]", "m [2,1]", "m [0,[1]", "m []")),
        ("\n***\n g\n***~ about\nx = 1 ~ m ~ c |",
         "2: the heading of a group cannot be read; expected name ~ comment |; found 3 '~'"),
        ("\n\n? = 1 ~~|", "3: an equation does not begin with a name; found '? = 1 ~~|'"),
        ("x y\n ? z ~~|",
         "2: there is no equation in 'x y'; expected '=' after the name; found '? z'"),
        ("x = ~ m ~|", "1: nothing follows the sign of equality in 'x'"),
        ("x :RAW: = 1 ~~|", "1: nothing but data can follow :RAW: in 'x'; expected ':='"),
        ("x[a] :EXCEPT: b = 1 ~~|", "1: no subscripts follow :EXCEPT: in 'x'; expected '['"),
        ("x = 1 +\n\n\t* 2 ~~|",
         "3: an operand is missing in 'x'; expected a number, a name or a bracket before '*'"),
        # of ranges
        ("r: a,, b ~~|",
         "1: the elements of a subscript range cannot be read in 'r'; expected names separated by "
         "commas; found ''"),
        ("r: q] ~~|\nx[r] = 1, 2 ~m~|",  # what rests on it is not judged
         "1: the elements of a subscript range cannot be read in 'r'; expected names separated by "
         "commas; found 'q]'"),
        ("r: (a9-a1) ~~|",
         "1: a numeric subscript range cannot be read in 'r'; expected '(name1-name9)'; "
         "found '(a9-a1)'"),
        ("r: a, b, A ~~|", "1: the range 'r' names 'A' twice"),
        ("r: a ~~|\nr: b ~~|",
         "2: the subscript range 'r' is defined twice; found the first one on line 1"),
        ("o: p ~~|\np: r ~~|\nr: o ~~|",
         "1: subscript ranges contain each other; found o, p, r, o"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_line(write: Write, text: str, fault: str) -> None:
    assert faults_of(write(RANGES + text), strict=True) == [fault]


def test_a_negation_without_brackets_is_warned_of(write: Write) -> None:
    path = write(
        "x = IF THEN ELSE(:not: ABS(t) > 2, 1, 0) ~m~|\nt = 1 ~m~|\n"
        "y = IF THEN ELSE(:NOT: (t > 2) :AND: :NOT: t :OR: t = 1, 1, 0) ~m~|"
    )
    (warning,) = load_model(path).warnings
    assert (warning.line, str(warning).split(": ", 1)[1]) == (
        1, "':NOT:' without brackets is taken for all of the comparison, in 'x'"
    )  # fmt: skip


def test_functions_that_no_engine_computes_are_warned_of(write: Write) -> None:
    path = write("x = DELAY CONVEYOR(t, 2) ~m~|\nt = 1 ~m~|")
    assert str(load_model(path).warnings[0]) == (
        f"{path}:1: the engine cannot compute DELAY CONVEYOR, in 'x'"
    )


@pytest.mark.parametrize(
    ("equations", "old", "new", "fault"),
    [
        ("s: a, b ~~|\nx[s]= 1, 2, 3 ~m~|", "", "",
         "2: 'x' does not have as many numbers as elements; expected 2; found 3"),
        ("x= 1, 2 ~m~|", "", "",
         "1: 'x' does not have as many numbers as elements; expected 1; found 2"),
        ("s: (e1-e1000) ~~|\nx[s,s]= 1 ~m~|", "", "",
         "2: the arrays are too large, 'x' among them; expected at most 200,000 elements in all"),
        ("".join(f"r{i}: (a{i}x1-a{i}x{MAX_ELEMENTS // 2}) ~~|\n" for i in range(3)), "", "",
         f"3: the subscript ranges are too large; expected at most {MAX_ELEMENTS} elements in all"),
        (":MACRO: M(a)\nM = a + b ~m~|\n:END OF MACRO:\nx = M(1) ~m~|", "", "",
         "2: no variable is called 'b', in 'M'"),
        (":MACRO: M(a)\nM = a ~m~|\n:END OF MACRO:\nx = M(1, 2) ~m~|", "", "",
         "4: M has the wrong number of arguments; expected 1; found 2"),
        (":MACRO: M(a : b)\nM = a ~m~|\n:END OF MACRO:\nx = 1 ~m~|", "", "",
         "1: no equation gives 'b' of the macro 'M'"),
        (":MACRO: M(a : b)\nM = a ~m~|\nb = a ~m~|\n:END OF MACRO:\nx = M(1: y, z) ~m~|", "", "",
         "5: M has the wrong number of outputs; expected 1; found 2"),
        ("", "TIME= 2010", "TIME= 1990", "3: the clock cannot run with this FINAL TIME; "
         "expected at least INITIAL TIME (2000); found 1990"),
        ("", "0.5", "0",
         "4: the clock cannot run with this TIME STEP; expected more than zero; found 0"),
        ("", "SAVEPER= TIME STEP", "SAVEPER= -1",
         "5: the clock cannot run with this SAVEPER; expected more than zero; found -1"),
        ("", "0.5", "1e-9", "4: the clock cannot run with this TIME STEP; "
         "expected at most 10,000,000 steps in a run; found 1e-09"),
        ("", "SAVEPER", "SAVEPERS", "SAVEPER is missing; expected an equation 'SAVEPER = …'"),
        ("", "STEP ~ Year ~ |\n", "STEP ~ Year ~", "5: an equation has not three parts: "
         f"'SAVEPER= TIME STEP ~ Year ~'; {FORM}; found 2 '~' and no '|'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_in_constants_macros_and_the_clock_is_the_first_fault(
    tmp_path: Path, equations: str, old: str, new: str, fault: str
) -> None:
    path = tmp_path / "small.mdl"
    path.write_text(equations + CLOCK.replace(old, new), "utf-8")
    assert faults_of(path)[0] == fault


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "town.mdl").write_text("")
    (tmp_path / "town.txt").write_text("x")
    (tmp_path / "folder.mdl").mkdir()
    os.mkfifo(tmp_path / "pipe.mdl")
    with (tmp_path / "huge.mdl").open("wb") as stream:
        stream.truncate(100_000_000)
    cases = {
        "huge.mdl": "the file cannot be read; found more than 20 MB",
        "twon.mdl": r"there is no such file; expected a \.mdl file; did you mean 'town\.mdl'\?",
        "nowhere/town.mdl": r"there is no such file; expected a \.mdl file$",
        "town.txt": r"the file is not a Vensim model; expected a \.mdl file",
        "pipe.mdl": "the file cannot be read; found not a regular file",
        "folder.mdl": "the file cannot be read; found Is a directory",
        "x" * 300 + ".mdl": "the file cannot be read; found File name too long",
        "nul\0.mdl": "the file cannot be read; found .*embedded null",  # the words are Python's
    }
    for name, message in cases.items():
        with pytest.raises(ModelError, match=message):
            load_model(tmp_path / name)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty; expected a Vensim model"),
        (b" \n\t", "the file is empty; expected a Vensim model"),
        (b"x= 1 ~~|\n\x00", ":2: the file is binary; expected text in UTF-8"),
        (b"{UTF-8}\n", "the file holds no equation"),
        (b"s: a, b ~~|", "the file holds no equation"),
        (b"\\\\\\---/// Sketch\nx= 1 ~m~|", "the file holds no equation"),
    ],
)
def test_what_is_no_text(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "odd.mdl"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=message):
        load_model(path)


def test_line_ends_and_byte_order_mark_do_not_matter(tmp_path: Path, town: Model) -> None:
    path = tmp_path / "toy_town.mdl"
    for text in (town.text.replace("\n", "\r\n"), town.text.replace("\n", "\r")):
        path.write_bytes(b"\xef\xbb\xbf" + text.encode())
        other = load_model(path)
        assert other.variables == town.variables
        assert other.text == town.text


# Robustness


@pytest.mark.long
@pytest.mark.parametrize(
    "text",
    [
        "x= 1 ~m~|" * 5_000,
        "|" * 125_000,
        "".join(f"v{i}= v{i + 1} ~m~ c\n" for i in range(2_500)),
        "x= 1 ~m [" + "1" * 125_000 + "~|",
        "x= 1 ~m~ 中" + "\n" * 125_000 + "|",
        "s: (a1-a1000) ~~|" + "x[s]= 1 ~m~|" * 5_000,
        "s0: a ~~|" + "".join(f"s{i + 1}: s{i}, b{i} ~~|" for i in range(5_000)),
        "".join(f"s{i}: a, b{i} ~~|x{i}[a]= 1 ~m~|x{i}[b{i}]= 2 ~m~|" for i in range(750)),
        "n" * 25_000 + "=" + "+".join(f"u{i}" for i in range(5_000)) + "~m~|",
        "FINAL TIME= " + "(" * 25_000 + "1" + ")" * 25_000 + "~m~|",
    ],
    ids=lambda text: text[:16],
)
def test_long_files_take_linear_time(write: Write, text: str) -> None:
    path = write(text)
    begun = time.process_time()
    result = load_or_fault(path)
    assert time.process_time() - begun < 1.5
    assert not isinstance(result, ModelError) or len(str(result)) < 200_000
