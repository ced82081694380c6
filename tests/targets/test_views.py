"""Charts and levers: the shipped file fits its model; every misfit is named with its line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from plansim.errors import CatalogueError
from plansim.model.reader import load_model
from plansim.model.records import Model, VariableKind
from plansim.scenario.cells import outside
from plansim.scenario.factors import Apply
from plansim.targets.catalogue import load_targets
from plansim.targets.target import (
    Target,
    answering_series,
    binding_targets,
    reported_factor,
    split_reference,
)
from plansim.targets.views import Cost
from plansim.targets.views_file import FILE_NAME, load_views
from tests.helpers.vensim_text import small_model

TOY = Path(__file__).parents[1] / "toys" / "models" / "toy_town.mdl"
MINIMAL = """
themes:
  - id: people
    en: People
    zh: 人口
    charts:
      - {show: residents, key: true, cost: less}
      - {show: "capital[farming]", unit: 万元, en: Farm capital, zh: 农业资本}
      - {show: capital}
groups:
  - id: people
    en: People
    zh: 人口
    levers:
      - moves: birth rate
        unit: "‰/Year"
      - {moves: [investment rate before, investment rate after], apply: multiply, range: [0.5, 2]}
"""


def toy_with(folder: Path, text: str) -> Model:
    shutil.copy(TOY, folder / TOY.name)
    (folder / FILE_NAME).write_text(text, "utf-8")
    return load_model(folder / TOY.name)


def test_the_shipped_file_fits_its_model_and_shows_every_binding_target(
    city: Model, targets: tuple[Target, ...]
) -> None:
    views = load_views(city, targets)
    shown = {split_reference(line.reference) for chart in views.charts for line in chart.lines}
    assert set(map(split_reference, answering_series(binding_targets(targets)))) <= shown
    assert sum(chart.key for chart in views.charts) == 12
    for lever in views.levers:
        assert lever.help_en != lever.help_zh
        for constant in lever.constants:
            variable = city.variables[split_reference(constant)[0]]
            assert variable.kind is VariableKind.CONSTANT
            if lever.apply is Apply.SET:
                assert not outside(lever.low, *variable.admissible)
                assert not outside(lever.high, *variable.admissible)


def test_what_the_file_leaves_out_comes_from_the_model(tmp_path: Path) -> None:
    model = toy_with(tmp_path, MINIMAL)
    views = load_views(model)
    residents, farming, capital = views.charts
    variable = model.variables["residents"]
    assert (residents.name_en, residents.name_zh) == ("residents", variable.name_zh)
    assert (residents.unit, residents.key) == (variable.unit, True)
    assert [chart.cost for chart in views.charts] == [Cost.LESS, None, None]
    assert (farming.name_en, farming.name_zh, farming.unit) == ("Farm capital", "农业资本", "万元")
    assert farming.lines[0].factor == reported_factor("亿元", "万元")
    elements = model.subscripts[model.variables["capital"].subscripts[0]].elements
    assert [line.reference for line in capital.lines] == [f"capital[{e}]" for e in elements]
    birth, investment = views.levers
    assert (birth.low, birth.high) == model.variables["birth rate"].plausible
    assert birth.shown_factor == 1000
    assert investment.constants == ("investment rate before", "investment rate after")
    assert (investment.unit, investment.low, investment.high) == ("Dmnl", 0.5, 2.0)
    assert views.policy == frozenset()
    marked = MINIMAL.replace("apply: multiply", "policy: true, apply: multiply")
    policy = load_views(toy_with(tmp_path, marked)).policy
    assert {split_reference(name)[0] for name in policy} == set(investment.constants)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("show: residents", "show: resident", "is called 'resident'.*'residents'"),
        ("show: residents", "show: birth rate", "'birth rate' does not change.*a constant"),
        ("capital[farming]", "capital[farmin]", "no element 'farmin'.*mean 'farming'"),
        ("unit: 万元", "unit: 万人", "in 亿元 cannot be shown in 万人"),
        ("{show: capital}", "{show: []}", "'show' has the wrong value; expected at least one"),
        ("moves: birth rate", "moves: TIME STEP", "'TIME STEP' is not a lever"),
        ("[investment rate before, investment rate after]", "birth rate", "rate' is given twice"),
        ('unit: "‰/Year"', "range: [0.02, 0.01]", "'birth rate' has no range.*found \\[0.02, 0.01"),
        ('unit: "‰/Year"', "range: [-1, 1]", "'birth rate' leaves the admissible one"),
        (", range: [0.5, 2]", "", "'investment rate before' has no range"),
        ("apply: multiply", "apply: set", "a lever sets one constant"),
        ('unit: "‰/Year"', "policy: true\n        outside: true", "moved by policy or outside"),
    ],
)  # fmt: skip
def test_each_misfit_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in MINIMAL
    with pytest.raises(CatalogueError, match=rf"views\.yaml:\d+: .*{message}"):
        load_views(toy_with(tmp_path, MINIMAL.replace(old, new)))


def test_a_lever_without_ranges_goes_from_half_to_half_as_much_again(tmp_path: Path) -> None:
    text = "a= 4 ~ m ~ |\nb= -4 ~ m [-5,?] ~ |\nc= 4 ~ m [?,5] ~ |\nd= 0 ~ m ~ |\n"
    views = load_views(small_model(tmp_path, text + "x= INTEG(a + b + c + d, 1) ~ m ~ |\n"))
    ends = {lever.id: (lever.low, lever.high) for lever in views.levers}
    assert ends == {"a": (2, 6), "b": (-5, -2), "c": (2, 5)}


def test_a_model_without_the_file_shows_its_stocks_and_moves_what_has_a_range() -> None:
    model = load_model(TOY)
    assert not TOY.with_name(FILE_NAME).exists()
    views = load_views(model, load_targets(None, model))
    stocks = {v.name for v in model.variables.values() if v.kind is VariableKind.STOCK}
    assert stocks <= {split_reference(chart.id)[0] for chart in views.charts}
    assert {lever.id for lever in views.levers} == {
        variable.name
        for variable in model.variables.values()
        if variable.kind is VariableKind.CONSTANT and variable.plausible and not variable.subscripts
    }
