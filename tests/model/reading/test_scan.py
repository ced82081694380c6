"""What is wrong with the form of a model's text, and where."""

from __future__ import annotations

import pytest

from plansim.errors import FaultLog
from plansim.model.reading.equations import MAX_ELEMENTS
from plansim.model.reading.scan import scan_text


def scan(text: str) -> list[str]:
    log = FaultLog("f.mdl")
    scan_text(text, log)
    return [str(fault).removeprefix("f.mdl:") for fault in log.by_line()]


@pytest.mark.parametrize("unit", ["m ]", "m [a,1]", "m [0,1,2,3]", "m [2,1]", "m [0,[1]", "m []"])
def test_limits_that_are_none(unit: str) -> None:
    assert scan(f"\nx = 1 ~ {unit} ~|") == [
        "2: the limits in the unit cannot be read: 'x = 1 ~ "
        f"{unit} ~|'; expected '[lowest,highest]' with '?' for none; found '{unit}'"
    ]


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
    assert scan(text) == [fault]
