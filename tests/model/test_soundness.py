from __future__ import annotations

import pytest

from plansim.errors import FaultLog
from plansim.model.lint import check_sizes, check_soundness
from plansim.model.reading.scan import scan_text


def check(text: str) -> tuple[list[str], list[str]]:
    """The faults between equations, and the warnings, without the file's name."""
    syntax, faults, warnings = FaultLog("f.mdl"), FaultLog("f.mdl"), FaultLog("f.mdl")
    scan = scan_text(text, syntax)
    assert len(syntax) == 0
    if check_sizes(scan, faults):
        check_soundness(scan, faults, warnings)
    one, other = (
        [str(fault).removeprefix("f.mdl:") for fault in log.by_line()] for log in (faults, warnings)
    )
    return one, other


RANGES = "s: a, b ~~|t: c, d ~~|both: s, t ~~|\n"


@pytest.mark.parametrize(
    "text",
    [
        "x = y + Time ~~|y = x_1 ~~|X 1 = TIME ~~|",
        "x[s] = y[s] ~~|y[a] = 1 ~~|y[b] = 2 ~~|",
        "x[s,t] = 1 ~~|y = SUM(x[s!,t!]) + x[a,c] ~~|",
        "x[s] :EXCEPT: [a] = 1 ~~|x[a] = 2 ~~|",
        "table((0,1)) ~~|x = table(3) ~~|",
        "table[s]((0,1)) ~~|x[s] = table[s](3) ~~|",
        "table = GET XLS LOOKUPS('a','b','c','d') ~~|x = table(3) ~~|",
        "x = ELMCOUNT(s) + IF THEN ELSE(a = b, 1, 0) ~~|",
        "step = 1 ~~|x = STEP(step, 2) ~~|",
        "x = RANDOM 0 1() + random uniform(0, 1, 2) ~~|",
    ],
)
def test_sound_equations(text: str) -> None:
    assert check(RANGES + text) == ([], [])


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (
            "births rate = 1 ~~|\nx = 1 +\n  birth rate ~~|",
            ["4: no variable is called 'birth rate', in 'x'; did you mean 'births rate'?"],
        ),
        (
            "x = SMOTHI(1, 2, 3) ~~|",
            ["2: no function or lookup is called 'SMOTHI', in 'x'; did you mean 'SMOOTHI'?"],
        ),
        (
            "y = 1 ~~|\nx = y (2) ~~|",
            ["3: 'y' is neither a function nor a lookup, but is used as one in 'x'"],
        ),
        ("x = MAX(1) ~~|", ["2: MAX has the wrong number of arguments; expected 2; found 1"]),
        (
            "table((0,1)) ~~|\nx = table(1, 2) ~~|",
            ["3: table has the wrong number of arguments; expected 1; found 2"],
        ),
        ("x = 1 ~~|\n\nX = 2 ~~|", ["4: 'X' is defined twice; found the first one on line 2"]),
        (
            "x[a,t] = 1 ~~|\nx[s,d] = 2 ~~|",
            ["3: 'x' for [a, d] is defined twice; found the first one on line 2"],
        ),
        (
            "x[s] :EXCEPT: [a] = 1 ~~|\nx[s] = 2 ~~|",
            ["3: 'x' for [b] is defined twice; found the first one on line 2"],
        ),
        (
            "x[secter] = 1 ~~|sector: e, f ~~|",
            ["2: no subscript range or element is called 'secter', in 'x'; did you mean 'sector'?"],
        ),
        ("x[s] :EXCEPT: [q] = 1 ~~|", ["2: no subscript range or element is called 'q', in 'x'"]),
        (
            "x[s] = 1 ~~|\ny[s] = x ~~|",
            ["3: 'x' is used with the wrong number of subscripts in 'y'; expected 1; found 0"],
        ),
        (
            "x[a] = 1 ~~|\nx[b,c] = 1 ~~|",
            [
                "3: 'x' does not have as many subscripts everywhere; "
                "expected 1, as on line 2; found 2"
            ],
        ),
    ],
)
def test_unsound_equations(text: str, faults: list[str]) -> None:
    assert check(RANGES + text) == (faults, [])


def test_functions_that_the_engine_lacks_are_warned_of() -> None:
    assert check("x = DELAY CONVEYOR(t, 2) ~~|\nt = RUNGE(2) ~~|")[1] == [
        "1: the engine cannot compute DELAY CONVEYOR, in 'x'"
    ]


def test_elements_in_other_files_are_not_doubted() -> None:
    text = "s: GET XLS SUBSCRIPT('f', 't', 'A1', 'A3', '') ~~|x[q] = 1 ~~|y = SUM(x[s!]) ~~|"
    assert check(text) == ([], [])


def test_huge_arrays_are_refused_at_once() -> None:
    text = "s: (e1-e1000) ~~|\n" + "x[s,s,s,s,s] = 1 ~~|\n" * 2
    faults, _ = check(text)
    assert faults == [
        "2: the arrays are too large, 'x' among them; expected at most 200,000 elements in all"
    ]
