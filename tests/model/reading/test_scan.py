from __future__ import annotations

import pytest

from plansim.errors import FaultLog
from plansim.model.reading.equations import MAX_ELEMENTS, EquationForm, Scan
from plansim.model.reading.scan import scan_text


def scan(text: str) -> tuple[Scan, list[str]]:
    log = FaultLog("f.mdl")
    result = scan_text(text, log)
    return result, [str(fault).removeprefix("f.mdl:") for fault in log.by_line()]


def sound(text: str) -> Scan:
    result, faults = scan(text)
    assert faults == []
    return result


def test_an_entry_is_taken_apart() -> None:
    result = sound(
        "{UTF-8}\n\n"
        '*****\n\t.my group\n*****~\n\t\tAbout it: "quoted\n\t|\n\n'
        "GDP per  head[s] =\n\tGDP /\\\n\t\tresidents\n"
        "\t~\t元/(人*Year) [0, 1e5]\n\t~\tComment.\n\t|\n"
        "s: a, b ~~|\n"
    )
    (equation,) = result.equations["gdp_per_head"]
    assert equation.name == "GDP per head"
    assert equation.subscripts == ("s",)
    assert equation.form is EquationForm.EQUATION
    assert equation.text == "GDP per  head[s] =\n\tGDP /\\\n\t\tresidents"
    assert equation.unit == "元/(人*Year)"
    assert equation.limits == (0, 1e5)
    assert equation.comment.strip() == "Comment."
    assert equation.group == "my group"
    assert equation.line == 9
    assert [equation.line_of(ref) for ref, _ in equation.references] == [10, 11]


@pytest.mark.parametrize(
    ("unit", "limits"),
    [
        ("m", (None, None)),
        ("m [0,1]", (0, 1)),
        ("m [?,1]", (None, 1)),
        ("m[0,?]", (0, None)),
        ("m [-1e-3, .5, 0.1]", (-0.001, 0.5)),
        ("m [0]", (0, None)),
        ("m [?]", (None, None)),
    ],
)
def test_limits(unit: str, limits: tuple[float | None, float | None]) -> None:
    (equation,) = sound(f"x = 1 ~ {unit} ~|").equations["x"]
    assert (equation.unit, equation.limits) == ("m", limits)


@pytest.mark.parametrize("unit", ["m ]", "m [a,1]", "m [0,1,2,3]", "m [2,1]", "m [0,[1]", "m []"])
def test_limits_that_are_none(unit: str) -> None:
    _, faults = scan(f"\nx = 1 ~ {unit} ~|")
    assert faults == [
        "2: the limits in the unit cannot be read: 'x = 1 ~ "
        f"{unit} ~|'; expected '[lowest,highest]' with '?' for none; found '{unit}'"
    ]


def test_separators_in_quoted_names_and_quotes_in_comments() -> None:
    result = sound('"a~b|c" = 1 ~ m ~ said "so |\ny = "a~b|c" ~ m ~ it\'s |')
    assert list(result.equations) == ['"a~b|c"', "y"]


def test_reality_checks_and_the_sketch_are_passed_over() -> None:
    result = sound(
        "x == 1 ~~ ~ :SUPPLEMENTARY |\nc :THE CONDITION: x > 1 :IMPLIES: y ~~|\n"
        "t :TEST INPUT: x = 2 ~~|\ny :RAW: ~~|\nz( (0,1),(1,2) ) ~~|\n"
        "\\\\\\---/// Sketch\nV300 = ~ | nonsense (((\n///---\\\\\\\n"
    )
    forms = {key: group[0].form for key, group in result.equations.items()}
    assert forms == {
        "x": EquationForm.UNCHANGEABLE, "y": EquationForm.DATA, "z": EquationForm.LOOKUP
    }  # fmt: skip


def test_ranges_are_resolved() -> None:
    result = sound(
        "all: part, d -> (other: e1, e2) ~~ comment|\n"
        "part: a 1, b ~~|\ncopy <-> part ~~|\nother: (e1-e3) ~~|\n"
    )
    assert {key: range_.elements for key, range_ in result.ranges.items()} == {
        "all": ("a 1", "b", "d"),
        "part": ("a 1", "b"),
        "copy": ("a 1", "b"),
        "other": ("e1", "e2", "e3"),
    }
    assert result.elements == {k: k.replace("_", " ") for k in ("a_1", "b", "d", "e1", "e2", "e3")}
    assert not result.open_ended


def test_ranges_in_other_files_leave_the_elements_open() -> None:
    result = sound("s: GET DIRECT SUBSCRIPT('a.csv', ',', 'A1', 'A9', '') ~~|\nx[q] = 1 ~~|")
    assert result.open_ended
    assert result.ranges["s"].elements == ()


def test_covered_elements_leave_out_exceptions() -> None:
    result = sound("s: a, b ~~|\nt: c, d ~~|\nx[s,t] :EXCEPT: [a,t], [b, d] = 1 ~~|")
    assert result.covered(result.equations["x"][0]) == (("b", "c"),)
    assert result.size(result.equations["x"][0]) == 4 + 2 + 1


FORM = "expected equation ~ unit ~ comment |"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("x = 1 ~ m ~ c\ny = 2 ~ m ~ c |\nz = 3 ~ m ~ c |",
         "1: an equation has no '|' at its end: 'x = 1 ~ m ~ c'; "
         "expected '|' before 'y = 2 ~ m ~ c |'"),
        ("x = 1 ~ m ~ c |\ny = 2 ~ m ~ c",
         f"2: an equation has not three parts: 'y = 2 ~ m ~ c'; {FORM}; found 2 '~' and no '|'"),
        ("x = 1 ~ m |\n",
         f"1: an equation has not three parts: 'x = 1 ~ m |'; {FORM}; found 1 '~'"),
        ("x = 1 ~ m ~ c ~ d |",
         f"1: an equation has not three parts: 'x = 1 ~ m ~ c ~ d |'; {FORM}; found 3 '~'"),
        ("***\n g\n***~ about\nx = 1 ~ m ~ c |",
         "1: the heading of a group cannot be read; expected name ~ comment |; found 3 '~'"),
        ("\n\n? = 1 ~~|", "3: an equation does not begin with a name; found '? = 1 ~~|'"),
        ("x y\n ? z ~~|",
         "2: there is no equation in 'x y'; expected '=' after the name; found '? z'"),
        ("x = ~ m ~|", "1: nothing follows the sign of equality in 'x'"),
        ("x :RAW: = 1 ~~|", "1: nothing but data can follow :RAW: in 'x'; expected ':='"),
        ("x[a] :EXCEPT: b = 1 ~~|", "1: no subscripts follow :EXCEPT: in 'x'; expected '['"),
        ("x = 1 +\n\n\t* 2 ~~|",
         "3: an operand is missing in 'x'; expected a number, a name or a bracket before '*'"),
        ("s: a,, b ~~|",
         "1: the elements of a subscript range cannot be read in 's'; expected names separated by "
         "commas; found ''"),
        ("s: (a9-a1) ~~|",
         "1: a numeric subscript range cannot be read in 's'; expected '(name1-name9)'; "
         "found '(a9-a1)'"),
        ("s: a, b, A ~~|", "1: the range 's' names 'A' twice"),
        ("s: a ~~|\ns: b ~~|",
         "2: the subscript range 's' is defined twice; found the first one on line 1"),
        ("s: t ~~|\nt: u ~~|\nu: s ~~|",
         "1: subscript ranges contain each other; found s, t, u, s"),
        ("".join(f"s{i}: (a{i}x1-a{i}x{MAX_ELEMENTS // 2}) ~~|\n" for i in range(3)),
         f"3: the subscript ranges are too large; expected at most {MAX_ELEMENTS} elements in all"),
    ],
)  # fmt: skip
def test_faults_of_form(text: str, fault: str) -> None:
    assert scan(text)[1] == [fault]


def test_what_cannot_be_read_still_counts_as_defined() -> None:
    result, faults = scan("a = ( ~~|\ntable((0,1) ~~|\ns: b,, ~~|\nx[s] = a + table(3) ~~|")
    assert len(faults) == 3
    assert {"a", "table"} <= result.unreadable
    assert {"a", "table", "x"} == set(result.equations)
    assert result.open_ended


def test_entries_after_a_missing_end_are_kept() -> None:
    result, _ = scan("x = 1 ~ m ~ c\n***\n g\n***~ about |\ny = 2 ~ m ~ c\nz(\n (0,1)) ~ m ~ c |")
    assert list(result.equations) == ["x", "y", "z"]
    assert result.equations["y"][0].group == "g"
    assert result.equations["x"][0].comment.strip() == "c"


def test_a_hopeless_file_is_given_up() -> None:
    log = FaultLog("f.mdl")
    result = scan_text("x = ( ~~|\n" * 5000, log)
    assert log.is_full
    assert len(result.equations["x"]) == 100
