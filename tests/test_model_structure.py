"""Q01 to Q04: nothing in the model is loose, without a unit, out of its range or unexplained."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest
import simlin

from plansim.errors import FaultLog
from plansim.model.expression import NAME
from plansim.model.records import Model, Variable, VariableKind
from plansim.model.scan import scan_text
from plansim.plan.targets import load_targets, split_reference
from tests.pysimlin_engine import limits, numbers_of, shipped_yaml

CHINESE = re.compile(r"[一-鿿]")
MOST_SCALAR_EQUATIONS = 1500
"""Beside constants, after expansion of the subscripts: what the design asks to stay under."""


@pytest.fixture(scope="module")
def judged() -> set[str]:
    """The variables that a target is judged by."""
    return {
        split_reference(reference)[0]
        for target in load_targets()
        for reference in target.variables.values()
    }


@pytest.fixture(scope="module")
def explained(city: Model) -> list[Variable]:
    """All variables but the clock, whose comments the language fixes."""
    return [each for each in city.variables.values() if each.kind is not VariableKind.CONTROL]


@pytest.fixture(scope="module")
def constants(city: Model) -> list[Variable]:
    return [each for each in city.variables.values() if each.kind is VariableKind.CONSTANT]


# --- Q01 ------------------------------------------------------------------------------------------


def test_every_variable_is_used_judged_or_reported(
    city: Model, explained: list[Variable], judged: set[str]
) -> None:
    reported = set(shipped_yaml("checks.yaml")["outputs"])
    used = {cause for each in city.variables.values() for cause in each.causes}
    ends = {each.name for each in explained} - used
    assert ends - judged - reported == set(), "orphans"
    assert reported - ends == set(), "reported, and used or unknown"
    assert reported & judged == set(), "reported, and judged anyway"


def test_every_variable_bears_on_what_is_judged_or_reported(
    city: Model, explained: list[Variable], judged: set[str]
) -> None:
    """A circle of variables that only use each other would pass the test above."""
    seen = judged | set(shipped_yaml("checks.yaml")["outputs"])
    ahead = list(seen)
    while ahead:
        causes = set(city.variables[ahead.pop()].causes) - seen
        seen |= causes
        ahead += causes
    assert {each.name for each in explained} - seen == set()


def test_every_variable_that_a_target_names_is_there(city: Model, judged: set[str]) -> None:
    assert judged - set(city.variables) == set()
    assert len(judged) > 40


def test_every_row_of_the_main_table_and_of_the_outlook_is_judged() -> None:
    rows = [each for each in load_targets() if re.fullmatch(r"[MO]\d+[a-z]?", each.id)]
    assert {each.id[:3] for each in rows} >= {f"M{i:02}" for i in range(1, 39)}
    assert {each.id for each in rows} >= {f"O{i:02}" for i in range(1, 6)}
    assert [each.id for each in rows if not each.variables] == []


def test_the_model_stays_small(city: Model) -> None:
    flat = (VariableKind.STOCK, VariableKind.FLOW, VariableKind.AUXILIARY)
    count = 0
    for variable in city.variables.values():
        if variable.kind in flat:
            size = 1
            for name in variable.subscripts:
                size *= len(city.subscripts[name].elements)
            count += size
    assert count <= MOST_SCALAR_EQUATIONS


def test_no_equation_hides_a_number(city: Model) -> None:
    """Zero and one are no assumptions, nor is half of a year between a mid-year and its end."""
    hidden: defaultdict[str, list[float]] = defaultdict(list)
    scan = scan_text(city.text, FaultLog(city.path))
    for equations in scan.equations.values():
        for equation in equations:
            if equation.expression.numbers is None:
                right = re.sub(r"\[[^\]]*\]", " ", equation.text.partition("=")[2])
                right = right.replace("0.5*one year", "one year")
                bare = re.sub(rf"(?!\d)(?:{NAME})", " ", right)
                numbers = map(float, re.findall(r"\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+", bare))
                hidden[equation.name] += [number for number in numbers if number not in (0, 1)]
    assert {name: numbers for name, numbers in hidden.items() if numbers} == {}


# --- Q02 ------------------------------------------------------------------------------------------


def test_the_units_agree(city: Model) -> None:
    assert [str(issue) for issue in simlin.load(city.path).check()] == []


def test_pysimlin_does_find_units_that_do_not_agree(city: Model, tmp_path: Path) -> None:
    wrong = city.text.replace("GDP= SUM(value added[sector!])", "GDP= SUM(capital[sector!])")
    assert wrong != city.text
    path = tmp_path / "wrong.mdl"
    path.write_text(wrong, "utf-8")
    assert simlin.load(path).check()


def test_no_variable_lacks_a_unit(city: Model) -> None:
    assert [each.name for each in city.variables.values() if not each.unit.strip()] == []
    forbidden = re.compile(r"[%‰³²]")
    assert [each.name for each in city.variables.values() if forbidden.search(each.unit)] == []


# --- Q03 and Q04 ----------------------------------------------------------------------------------


def test_every_variable_has_a_chinese_name_of_its_own(explained: list[Variable]) -> None:
    assert [each.name for each in explained if not CHINESE.search(each.name_zh)] == []
    names = defaultdict(list)
    for each in explained:
        names[each.name_zh].append(each.name)
    assert {zh: shared for zh, shared in names.items() if len(shared) > 1} == {}


def test_every_comment_says_what_the_variable_is(explained: list[Variable]) -> None:
    """It is shown by itself: a sentence that leans on the comment before says nothing there."""
    short = [each.name for each in explained if len(each.meaning.split()) < 3]
    assert short == []
    assert [each.name for each in explained if not each.meaning.endswith(".")] == []
    leaning = [each.name for each in explained if re.match(r"The same\b", each.meaning)]
    assert leaning == []


def test_no_two_comments_are_the_same(explained: list[Variable]) -> None:
    meanings = defaultdict(list)
    for each in explained:
        meanings[each.meaning].append(each.name)
    assert {text: names for text, names in meanings.items() if len(names) > 1} == {}


def test_every_variable_has_a_source(explained: list[Variable]) -> None:
    assert [each.name for each in explained if not each.sources] == []


def test_every_constant_has_an_admissible_range_that_holds_it(constants: list[Variable]) -> None:
    assert [each.name for each in constants if None in each.admissible] == []
    outside = {
        reference: (number, each.admissible)
        for each in constants
        for reference, number in numbers_of(each).items()
        if not limits(each)[0] <= number <= limits(each)[1]
    }
    assert outside == {}


def test_every_assumption_has_a_plausible_range(constants: list[Variable]) -> None:
    assumed = [each for each in constants if "A" in each.source_ids]
    assert len(assumed) > 100
    assert [each.name for each in assumed if each.plausible is None] == []


def test_a_plausible_range_is_one_and_lies_within_the_admissible(
    constants: list[Variable],
) -> None:
    wrong = {}
    for each in constants:
        if each.plausible is not None:
            (low, high), (least, most) = each.plausible, limits(each)
            if not least <= low < high <= most:
                wrong[each.name] = (each.plausible, each.admissible)
    assert wrong == {}


def test_every_value_lies_within_its_plausible_range_and_not_on_its_edge(
    constants: list[Variable],
) -> None:
    """Where the edge is also the end of what is admissible (a share of 0 or 1), it is no edge."""
    wrong = {}
    on_edge = shipped_yaml("checks.yaml")["on_edge"]
    met = set()
    for each in constants:
        if each.plausible is None:
            continue
        low, high = each.plausible
        for reference, number in numbers_of(each).items():
            natural = number in each.admissible
            if reference in on_edge and number in each.plausible:
                met.add(reference)
            elif not (low < number < high or (low <= number <= high and natural)):
                wrong[reference] = (number, each.plausible)
    assert wrong == {}
    assert met == set(on_edge)


def test_every_range_and_every_element_has_a_chinese_name(city: Model) -> None:
    for each in city.subscripts.values():
        assert CHINESE.search(each.name_zh), each.name
        assert len(each.elements_zh) == len(each.elements), each.name
        assert all(re.search(r"[一-鿿]", name) for name in each.elements_zh), each.name
