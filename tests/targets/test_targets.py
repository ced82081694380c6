"""The shipped catalogue against itself and the model, and what is said of a faulty one."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from plansim.errors import CatalogueError
from plansim.model.reader import load_model
from plansim.model.records import Model
from plansim.targets.catalogue import load_targets
from plansim.targets.target import Attribute, Kind, Target, split_reference, unit_factor
from tests.helpers.plan import aim, plan
from tests.helpers.vensim_text import MODELS

HEAD = plan(base_year=2005, horizon=2020)
ROW = """\
- id: G1
  en: Output
  zh: 产出
  unit: 亿元
  target: {at least: 200, year: 2010}
  place: [ch 1]
  variable: GDP
"""


@pytest.fixture(scope="module")
def targets() -> dict[str, Target]:
    return {target.id: target for target in load_targets()}


@pytest.fixture
def town(tmp_path: Path) -> Model:
    """A small model in a folder of its own."""
    copy = tmp_path / "toy_town.mdl"
    shutil.copy(MODELS / "toy_town.mdl", copy)
    return load_model(copy)


def written(folder: Path, text: str) -> Path:
    path = folder / "targets.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def faults_of(folder: Path, rows: str, head: str = HEAD, model: Model | None = None) -> list[str]:
    """Give the faults as ``line: message``, lines counted from the first of ``rows``."""
    path = written(folder, head + rows)
    with pytest.raises(CatalogueError) as caught:
        load_targets(path, model)
    above = head.count("\n")
    return [
        str(replace(fault, file=None, line=(fault.line or 0) - above))
        for fault in caught.value.faults
    ]


# --- the shipped catalogue ----------------------------------------------------------------------


def test_every_row_of_the_plan_is_there_once_with_its_label(
    targets: dict[str, Target],
) -> None:
    kinds = Counter(target.kind for target in targets.values())
    lists = {Kind.TARGET: 197, Kind.FIGURE: 31, Kind.PAST: 36}
    assert kinds == lists, "whoever adds a row to targets.yaml counts it here"
    table = [f"M{number:02d}" for number in range(1, 39)]
    parts = {"M09": "abc", "M10": "abc", "M34": "ab"}
    growth = [f"{one}g" for one in ("M01", "M02", "M03", "M04", "M05", "M18", "M19", "M29")]
    rows = {number + part for number in table for part in parts.get(number, [""])} | set(growth)
    assert {id_ for id_ in targets if id_.startswith("M")} == rows
    assert {id_ for id_ in targets if id_.startswith("O")} == {f"O{n:02d}" for n in range(1, 6)}
    binding = [t.id for t in targets.values() if t.attribute is Attribute.BINDING]
    numbers = [24, 25, 26, 27, 28, 30, 32, 33, "34a", "34b", 35, 36, 37, 38]
    assert binding == [f"M{number}" for number in numbers]
    expected = {t.id for t in targets.values() if t.attribute is Attribute.EXPECTED}
    assert expected | set(binding) == rows


def test_a_level_and_its_growth_rate_agree_as_far_as_the_plan_rounds(
    targets: dict[str, Target],
) -> None:
    growth = [t for t in targets.values() if t.id.startswith("M") and t.id.endswith("g")]
    assert len(growth) == 8
    for rate in growth:
        level = targets[rate.id.removesuffix("g")]
        numbers = (level.base_value, rate.value, level.value)
        start, percent, end = (Decimal(str(number)) for number in numbers)
        grown = start * (1 + percent / 100) ** 5
        # I01: the plan contradicts itself by 3.3 per cent on investment.
        allowed = Decimal("0.035") if level.id == "M03" else Decimal("0.0075")
        assert abs(grown / end - 1) < allowed, rate.id


def test_the_number_stands_in_the_words_of_the_plan(targets: dict[str, Target]) -> None:
    spelled = {"M01": "1000", "M02": "2.75", "M30": "19", "O02": "4.2"}
    spelled |= {"T604": "600", "T605": "1000", "TB03": "五", "TC09": "1：1"}
    checked = 0
    for target in targets.values():
        if target.kind is not Kind.TARGET or not target.wording or target.value is None:
            continue
        number = spelled.get(target.id) or f"{abs(target.value):g}"
        if not re.search(r"\d[-—]\d", target.wording):
            assert number in target.wording, target.id
            checked += 1
    assert checked > 140


def test_names_reasons_and_notes_stand_in_both_languages(targets: dict[str, Target]) -> None:
    chinese = re.compile(r"[\u4e00-\u9fff]")
    for target in targets.values():
        assert chinese.search(target.name_zh), target.id
        assert not chinese.search(target.name_en), target.id
        assert target.name_en[0].isupper() or target.name_en[0].isdigit(), target.id
        assert not target.name_en.endswith("."), target.id
        pairs = [(target.reason_en, target.reason_zh), (target.note_en, target.note_zh)]
        pairs.append((target.place_en, target.place_zh))
        for english, other in pairs:
            assert bool(english) == bool(other), target.id
            assert bool(chinese.search(other)) == bool(other), target.id
        assert target.place_en, target.id


def test_a_target_is_judged_or_says_why_not(targets: dict[str, Target]) -> None:
    for target in targets.values():
        judged = bool(target.variables)
        assert judged != bool(target.reason_en) or target.kind is not Kind.TARGET, target.id
        assert not judged or target.kind is Kind.TARGET


def test_the_model_answers_in_the_units_of_the_plan(
    targets: dict[str, Target], city: Model
) -> None:
    found = load_targets(model=city)
    assert list(found) == list(targets.values())
    for target in found:
        for reference in target.variables.values():
            variable = city.variables[split_reference(reference)[0]]
            factor = unit_factor(variable.unit, target)
            # Orders of ten, and 1.5 万亩 to a thousand hectares.
            assert re.fullmatch(r"1(e[+-]\d+)?|10*|0\.0*1|1\.5", f"{factor:.12g}"), target.id


# --- which catalogue ----------------------------------------------------------------------------


def test_a_model_brings_its_own_catalogue(town: Model, tmp_path: Path) -> None:
    growth = "variable: 'output[farming]', measure: growth"
    row = aim("G2", "about: 4, within: 0.5, year: 2010", growth, unit="%/Year")
    written(tmp_path, HEAD + ROW + row)
    one, two = load_targets(model=town)
    assert (one.variables, one.reason_en) == ({None: "GDP"}, "")
    assert (two.tolerance, two.attribute) == (0.5, Attribute.BINDING)


def test_its_own_catalogue_must_fit_the_model(town: Model, tmp_path: Path) -> None:
    rows = (
        ROW.replace("GDP", "GPD")
        + ROW.replace("G1", "G2").replace("variable: GDP", "variable: output")
        + ROW.replace("G1", "G3").replace("GDP", "output[farm]")
        + ROW.replace("G1", "G4").replace("GDP", "residents")
        + ROW.replace("G1", "G5").replace("GDP", "GDP[farming]")
    )
    assert faults_of(tmp_path, rows, model=town) == [
        "1: the model toy_town has no variable 'GPD' to judge G1 by; did you mean 'GDP'?",
        "8: 'output' is not one series of the model toy_town; expected output[sector]; "
        "found output",
        "15: 'output[farm]' is not one series of the model toy_town; expected output[sector]; "
        "found output[farm]; did you mean 'farming'?",
        "22: the level of 'residents' does not have the unit of G4; "
        "expected a unit that converts to 亿元; found 万人",
        "29: 'GDP[farming]' is not one series of the model toy_town; expected GDP; "
        "found GDP[farming]",
    ]


def test_the_shipped_catalogue_asks_of_another_model_what_that_can_answer(
    town: Model, targets: dict[str, Target]
) -> None:
    found = {target.id: target for target in load_targets(model=town)}
    assert found.keys() == targets.keys()
    assert found["M01"].variables == {None: "GDP"}
    assert found["M27"].variables == {}
    assert found["M27"].reason_en == "This model has no such variable: registered population."
    assert found["M27"].reason_zh == "该模型没有对应变量：registered population。"


# --- faults -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("{at least: 200, ", "{at least: 200, at most: 3, ", "5: a target has more than "
         "one direction; expected one of at least, at most, about; found at least, at most"),
        ("{at least: 200, ", "{", "5: the target of G1 has no value; expected one of at least, "
         "at most, about"),
        ("{at least: 200, ", "{about: 200, ", "5: a target must say within what it is "
         "about its value; expected about and within, both or neither"),
        ("year: 2010", "year: 2005", "5: the year of G1 lies outside the plan; expected a year "
         "after 2005 and up to 2020; found 2005"),
        ("variable: GDP", "not_modelled: details", "7: unknown not_modelled 'details'; "
         "did you mean 'detail'?"),
        ("  variable: GDP\n", "", "1: G1 must say in one way what judges it; expected one of "
         "variable, variables, not_modelled; found none"),
        ("variable: GDP", "variable: GDP\n  not_modelled: detail", "1: G1 must say in one way what "
         "judges it; expected one of variable, variables, not_modelled; "
         "found variable, not_modelled"),
        ("variable: GDP", "variables: {constant: GDP}", "7: G1 has only one basis; "
         "expected variable, or two bases or more"),
        ("unit: 亿元", "unit: 亿元\n  base: {year: 2005–01, value: 1}", "5: there is no such "
         "year; expected a year, or years as 2001–05; found the text '2005–01'"),
    ],
)  # fmt: skip
def test_a_row_that_does_not_fit_together(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in ROW
    assert faults_of(tmp_path, ROW.replace(old, new)) == [expected]
