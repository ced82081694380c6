from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plansim.errors import PlansimError, ScenarioError, UnknownNameError
from plansim.model.reader import load_model
from plansim.model.records import Model, TimeSpec
from plansim.scenario import scenario_file as scenario_module
from plansim.scenario import scenario_form
from plansim.scenario.scenario_file import (
    BilingualText,
    Change,
    Scenario,
    as_written,
    list_scenarios,
    read_scenario,
)

TITLE = "title: {en: Test, zh: 测试}\n"


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model with an array over two ranges, one of which has a part."""
    path = tmp_path_factory.mktemp("grid") / "grid.mdl"
    path.write_text(
        "{UTF-8}\n"
        "age: young, adult, old ~~ 年龄。Ages. [zh: 少年, 成年, 老年]|\n"
        "grown: adult, old ~~ 成年以上。Part of them.|\n"
        "area: town, country ~~ 城乡。Areas. [zh: 城镇, 乡村]|\n"
        "weight[age, area] = 1, 2; 3, 4; 5, 6; ~ Dmnl ~ 权重。A table.|\n"
        "total = SUM(weight[age!, area!]) ~ Dmnl ~ 合计。All.|\n"
        "INITIAL TIME = 0 ~ Year ~|\nFINAL TIME = 1 ~ Year ~|\n"
        "TIME STEP = 1 ~ Year ~|\nSAVEPER = TIME STEP ~ Year ~|\n",
        "utf-8",
    )
    return load_model(path)


def write(folder: Path, name: str, text: str, title: str = TITLE) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(title + text, "utf-8")
    return path


def values_of(folder: Path, model: Model, text: str) -> Mapping[str, float]:
    return read_scenario(write(folder, "x", text), model).values


def faults_of(folder: Path, model: Model, text: str, title: str = TITLE) -> list[str]:
    """Give the messages, the file's path cut off."""
    path = write(folder, "x", text, title)
    with pytest.raises(ScenarioError) as caught:
        read_scenario(path, model)
    return [line.removeprefix(f"{path}:").strip() for line in str(caught.value).split("\n")]


# --- Values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("birth rate: 0.02", {"birth rate": 0.02}),
        ("Birth_Rate: 0.02", {"birth rate": 0.02}),
        ("出生率: 0.02", {"birth rate": 0.02}),
        ("birth rate: 2 %/Year", {"birth rate": 0.02}),
        ("birth rate: 20‰/Year", {"birth rate": 0.02}),
        ("birth rate: '0.02'", {"birth rate": 0.02}),
        ("birth rate: {value: 2, unit: '%/Year'}", {"birth rate": 0.02}),
        ("initial residents: 340000 人", {"initial residents": 34.0}),
        ("initial residents: ３４ 万人", {"initial residents": 34.0}),
        ("capital life: +2.5e1", {"capital life": 25.0}),
        ("investment share[services]: 0.3", {"investment share[services]": 0.3}),
        ("投资比重[服务业]: 0.3", {"investment share[services]": 0.3}),
        ("'investment share [ Services ]': 30 %", {"investment share[services]": 0.3}),
        (
            "investment share: [10 %, {value: 0.6, unit: Dmnl}, 0.3]",
            {
                "investment share[farming]": 0.1,
                "investment share[industry]": 0.6,
                "investment share[services]": 0.3,
            },
        ),
        (
            "investment share: {services: 0.3, 农业: 0.2}",
            {"investment share[services]": 0.3, "investment share[farming]": 0.2},
        ),
        (
            "initial capital: 50",
            {f"initial capital[{s}]": 50.0 for s in ("farming", "industry", "services")},
        ),
        (
            "initial capital: 5 亿元",
            {f"initial capital[{s}]": 5.0 for s in ("farming", "industry", "services")},
        ),
    ],
)
def test_a_value_is_read_in_each_of_its_forms(
    tmp_path: Path, town: Model, entry: str, expected: dict[str, float]
) -> None:
    assert values_of(tmp_path, town, f"values:\n  {entry}") == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("weight[young, town]: 9", {"weight[young,town]": 9}),
        ("weight[少年,乡村]: 9", {"weight[young,country]": 9}),
        ("weight[grown,town]: 9", {"weight[adult,town]": 9, "weight[old,town]": 9}),
        ("weight[old,area]: 9", {"weight[old,town]": 9, "weight[old,country]": 9}),
        ("weight: {old: 9}", {"weight[old,town]": 9, "weight[old,country]": 9}),
        ("weight: {old: [8, 9]}", {"weight[old,town]": 8, "weight[old,country]": 9}),
        ("weight: {grown: {town: 9}}", {"weight[adult,town]": 9, "weight[old,town]": 9}),
        (
            "weight: [[1, 2], {town: 3}, 4]",
            {
                "weight[young,town]": 1,
                "weight[young,country]": 2,
                "weight[adult,town]": 3,
                "weight[old,town]": 4,
                "weight[old,country]": 4,
            },
        ),
    ],
)
def test_an_array_over_two_ranges_is_set_by_element_range_list_or_mapping(
    tmp_path: Path, grid: Model, entry: str, expected: dict[str, float]
) -> None:
    assert values_of(tmp_path, grid, f"values:\n  {entry}") == expected


@pytest.mark.parametrize(
    ("lever", "expected"),
    [
        ("capital life: 25", {"capital life": 25}),
        (
            "investment rate: {before: 0.38, after: 45 %, from: 2010}",
            {
                "investment rate before": 0.38,
                "investment rate after": 0.45,
                "investment rate from year": 2010,
            },
        ),
        ("投资率: {after: 0.45}", {"investment rate after": 0.45}),
        (
            "stimulus: {size: 5 亿元/Year, start: 2009, length: 2}",
            {"stimulus pulse size": 5, "stimulus pulse start": 2009, "stimulus pulse length": 2},
        ),
    ],
)
def test_a_lever_sets_the_constants_that_it_stands_for(
    tmp_path: Path, town: Model, lever: str, expected: dict[str, float]
) -> None:
    assert values_of(tmp_path, town, f"levers:\n  {lever}") == expected


def test_a_value_outside_its_plausible_range_is_warned_of(tmp_path: Path, town: Model) -> None:
    path = write(tmp_path, "x", "values:\n  death rate: 0.006\n  capital life: 40\n")
    warnings = [str(fault) for fault in read_scenario(path, town).warnings]
    assert warnings == [
        f"{path}:4: 'capital life' is outside its plausible range; expected 15 to 25 Year; found 40"
    ]


def test_elements_that_one_override_sets_alike_are_one_warning(tmp_path: Path, town: Model) -> None:
    path = write(tmp_path, "x", "")

    def warned(*overrides: str) -> list[str]:
        return [str(fault) for fault in read_scenario(path, town, overrides).warnings]

    (one,) = warned("investment share=0.7")
    assert one.startswith(
        "--set: 'investment share' is outside its plausible range in 3 elements; "
    )
    assert len(warned("investment share[services]=0.7", "investment share[farming]=0.8")) == 2
    (alone,) = warned("investment share[services]=0.7")
    assert "'investment share[services]' is outside its plausible range; " in alone


# --- Lineage --------------------------------------------------------------------------------------


def test_a_child_inherits_and_its_changes_are_against_its_parent(
    tmp_path: Path, town: Model
) -> None:
    write(tmp_path, "root", "values: {birth rate: 0.013, capital life: 22}\nassumes: {M01: given}")
    write(tmp_path, "middle", "parent: root\nvalues: {investment share: {services: 0.3}}")
    path = write(
        tmp_path,
        "leaf",
        "parent: middle\n"
        "values: {birth rate: 0.014, capital life: 22, death rate: 0.006}\n"
        "assumes: {M02: {en: because, zh: 因为}}\n",
    )
    leaf = read_scenario(path, town)
    assert leaf.lineage == ("root", "middle", "leaf")
    assert leaf.parent == "middle"
    assert leaf.values == {
        "birth rate": 0.014,
        "capital life": 22,
        "investment share[services]": 0.3,
        "death rate": 0.006,
    }
    assert leaf.changes == (Change("birth rate", 0.013, 0.014, "1/Year"),)
    assert leaf.assumed == {
        "M01": BilingualText(en="given", zh="given"),
        "M02": BilingualText(en="because", zh="因为"),
    }
    assert leaf.assumed_lines == {"M01": (str(tmp_path / "root.yaml"), 3), "M02": (str(path), 4)}
    middle = read_scenario(tmp_path / "middle.yaml", town)
    assert middle.changes == (Change("investment share[services]", 0.4, 0.3, "Dmnl"),)


def test_a_parent_is_found_beside_the_child_by_path_or_among_the_shipped(
    tmp_path: Path, town: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("shipped", "mine", "mine/deep"):
        (tmp_path / folder).mkdir()
    monkeypatch.setattr(scenario_form, "shipped", lambda *parts: tmp_path / "shipped")
    write(tmp_path / "shipped", "base", "values: {capital life: 21}")
    write(tmp_path / "shipped", "other", "values: {capital life: 22}")
    write(tmp_path / "mine", "base", "values: {capital life: 23}")
    for parent, life in [("base", 23), ("other", 22), ("../shipped/base.yaml", 21)]:
        path = write(tmp_path / "mine", "child", f"parent: {parent}")
        assert read_scenario(path, town).values == {"capital life": life}
    write(tmp_path / "mine" / "deep", "child", "parent: ../base.yaml")
    deep = read_scenario(tmp_path / "mine" / "deep" / "child.yaml", town)
    assert deep.parent == "base"
    assert deep.lineage == ("base", "child")


names = ("birth rate", "death rate", "capital life", "initial residents")
layers = st.lists(
    st.dictionaries(st.sampled_from(names), st.integers(1, 9).map(lambda i: i / 100 + 1)),
    min_size=1,
    max_size=4,
)


@given(layers)
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_merging_a_lineage_is_merging_mappings(
    tmp_path: Path, grid: Model, town: Model, chain: list[dict[str, float]]
) -> None:
    wide = {key: value for key, value in town.variables.items() if key in names}
    chain = [
        {
            name: value if wide[name].admissible[1] != 0.1 else value / 100
            for name, value in x.items()
        }
        for x in chain
    ]
    for i, values in enumerate(chain):
        parent = f"parent: s{i - 1}\n" if i else ""
        write(tmp_path, f"s{i}", f"{parent}values: {json.dumps(values)}")
    leaf = read_scenario(tmp_path / f"s{len(chain) - 1}.yaml", town)
    merged: dict[str, float] = {}
    for values in chain[:-1]:
        merged |= values
    defaults = {name: variable.value for name, variable in wide.items()}
    assert leaf.values == merged | chain[-1]
    assert {change.name: (change.old, change.new) for change in leaf.changes} == {
        name: (merged.get(name, defaults[name]), new)
        for name, new in chain[-1].items()
        if new != merged.get(name, defaults[name])
    }


# --- Overrides ------------------------------------------------------------------------------------


def test_overrides_lie_over_the_file_and_show_among_the_changes(
    tmp_path: Path, town: Model
) -> None:
    path = write(tmp_path, "x", "values: {birth rate: 0.013, capital life: 22}")
    plain = read_scenario(path, town)
    overrides = ("birth rate=15 ‰/Year", "投资比重[服务业] = 0.3")
    scenario = read_scenario(path, town, overrides)
    assert scenario.id == "x"
    assert scenario.overrides == overrides
    assert scenario.values == pytest.approx(
        {"birth rate": 0.015, "capital life": 22, "investment share[services]": 0.3}
    )
    assert [(change.name, change.old) for change in scenario.changes] == [
        ("birth rate", 0.012),
        ("capital life", 20),
        ("investment share[services]", 0.4),
    ]
    assert scenario.sha256 != plain.sha256
    assert plain.sha256 == read_scenario(path, town).sha256


@pytest.mark.parametrize(
    ("override", "fault"),
    [
        ("birth rate", "--set: not a setting; expected NAME=VALUE; found 'birth rate'"),
        ("=1", "--set: not a setting; expected NAME=VALUE; found '=1'"),
        ("birth rate=", "--set: not a setting; expected NAME=VALUE; found 'birth rate='"),
        ("brith rate=1", "--set: no variable is called 'brith rate'; did you mean 'birth rate'?"),
        (
            "birth rate=many",
            "--set: 'birth rate' is not a number; expected a number, or one with its unit, as "
            "'1 1/Year'; found the text 'many'",
        ),
        (
            "birth rate=1",
            "--set: 'birth rate' is outside its admissible range; expected 0 to 0.1 1/Year; "
            "found 1",
        ),
        (
            "investment rate=0.5",
            "--set: 'investment rate' is a lever; set 'investment rate before', "
            "'investment rate after' or 'investment rate from year'",
        ),
        (
            "投资率=0.5",
            "--set: '投资率' is a lever; set '先期投资率', '后期投资率' or '投资率转变年份'",
        ),
    ],
)
def test_a_bad_override_is_refused(tmp_path: Path, town: Model, override: str, fault: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read_scenario(write(tmp_path, "x", ""), town, [override])
    assert str(caught.value) == fault


# --- The clock ------------------------------------------------------------------------------------


def test_a_scenario_sets_the_clock(tmp_path: Path, town: Model, grid: Model) -> None:
    path = write(tmp_path, "x", "values: {INITIAL TIME: 2000, TIME STEP: 0.125, 保存间隔: 1}")
    assert read_scenario(path, town).time == TimeSpec(2000, 2020.5, 0.125, 1)
    path = write(tmp_path, "x", "values: {TIME STEP: 0.5}")
    assert read_scenario(path, grid).time == TimeSpec(0, 1, 0.5, 0.5)  # SAVEPER = TIME STEP


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ("TIME STEP: 0", "3: TIME STEP and SAVEPER must be above zero; found 0 and 0.5"),
        ("FINAL TIME: 2000", "3: FINAL TIME must come after INITIAL TIME; found 2000 and 2005"),
        ("TIME STEP: 1e-9", "3: a run may take at most 100000 steps; found 15500000000"),
        (
            "TIME STEP: 0.2",
            "3: the whole run and SAVEPER must be multiples of TIME STEP; found 15.5, 0.5 and 0.2",
        ),
        (
            "{TIME STEP: 0.31, SAVEPER: 0.31}",
            "3: TIME STEP must divide the year, or be whole years; found 0.31",
        ),
    ],
)
def test_a_clock_that_cannot_run_is_refused(
    tmp_path: Path, town: Model, values: str, fault: str
) -> None:
    assert faults_of(tmp_path, town, f"values:\n  {values}") == [fault]


def test_a_scenario_names_its_method_of_integration(tmp_path: Path, town: Model) -> None:
    parent = write(tmp_path, "parent", "integration: midpoint")
    child = write(tmp_path, "child", "parent: parent\nvalues: {TIME STEP: 0.5}")
    other = write(tmp_path, "other", "parent: child\nintegration: rk4")
    methods = [read_scenario(path, town).time.integration for path in (parent, child, other)]
    assert methods == ["midpoint", "midpoint", "rk4"]
    assert as_written(town).time.integration == "euler"
    assert faults_of(tmp_path, town, "integration: midpiont") == [
        "2: 'integration' has the wrong value; expected one of euler, midpoint, rk4; found the "
        "text 'midpiont'; did you mean 'midpoint'?"
    ]


# --- Bad files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "valeus: {}",
            "2: unknown key 'valeus'; expected one of title, description, kind, parent, with, "
            "values, levers, assumes, integration, sources; did you mean 'values'?",
        ),
        ("values: 3", "2: 'values' has the wrong type; expected a mapping (key: value); found 3"),
        (
            "values: {birth rate: true}",
            "2: 'birth rate' has the wrong type; expected a number; found true",
        ),
        (
            "values:\n  birth rate:\n",
            "3: 'birth rate' has the wrong type; expected a number; found nothing",
        ),
        (
            "values: {birth rate: .nan}",
            "2: 'birth rate' has the wrong value; expected a finite number; found nan",
        ),
        (
            "values: {birth rate: {value: x, unit: Year}}",
            "2: 'value' has the wrong type; expected a number; found the text 'x'",
        ),
        ("sources: one", "2: 'sources' has the wrong type; expected a list; found the text 'one'"),
        ("parent: 3", "2: 'parent' has the wrong type; expected text; found 3"),
        (
            "levers:\n  investment rate: {befor: 1}",
            "3: unknown key 'befor'; expected one of before, after, from, to, until; "
            "did you mean 'before'?",
        ),
        (
            "levers: {investment rate: {}}",
            "2: the lever 'investment rate' is empty; expected before, after, from, to, until",
        ),
        (
            "levers: {invesment rate: {after: 1}}",
            "2: the model has no lever 'invesment rate' with before, after, from, to, until; "
            "expected one of investment rate; did you mean 'investment rate'?",
        ),
        (
            "assumes: {M01: 3}",
            "2: 'M01' has the wrong type; expected a mapping (key: value); found 3",
        ),
        (
            "values: {capital lief: 3}",
            "2: no variable is called 'capital lief'; did you mean 'capital life'?",
        ),
        (
            "values: {GDP: 3}",
            "2: 'GDP' cannot be set: its equation gives its value; expected a constant; "
            "found a variable of kind auxiliary",
        ),
        (
            "values:\n  investment share:\n    servics: 0.1",
            "4: 'sector' has no element 'servics'; "
            "expected one of farming, industry, services; did you mean 'services'?",
        ),
        (
            "values: {investment share: [1, 0]}",
            "2: 'investment share' has the wrong length; "
            "expected 3 values (farming, industry, services); found 2",
        ),
        (
            "values: {capital life: [1, 2]}",
            "2: 'capital life' takes one number; expected a number; found a list",
        ),
        (
            "values:\n  investment share[farming,services]: 3",
            "3: 'investment share[farming,services]' has the wrong number of subscripts; "
            "expected investment share[sector]; found 2",
        ),
        (
            "values: {birth rate: -1}",
            "2: 'birth rate' is outside its admissible range; expected 0 to 0.1 1/Year; found -1",
        ),
        (
            "values: {birth_rate: 0.01, 出生率: 0.02}",
            "2: 'birth rate' is set twice; found a first time on line 2",
        ),
        (
            "values:\n  investment rate after: 0.3\nlevers: {investment rate: {after: 0.4}}",
            "4: 'investment rate after' is set twice; found a first time on line 3",
        ),
        ("title: again", "2: the key 'title' is given twice; found a first one on line 1"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(
    tmp_path: Path, town: Model, text: str, fault: str
) -> None:
    assert faults_of(tmp_path, town, text) == [fault]


def test_misspelt_keys_do_not_hide_what_is_wrong_with_names_and_values(
    tmp_path: Path, town: Model
) -> None:
    text = (
        "title: {en: Bad}\nparent: nobody\nassume: {M01: x}\nvalues:\n  capital lief: 3\n  GDP: 3\n"
        "  birth rate: {value: 1, units: Year}\n"
        "levers:\n  investment rate: {befor: 1, after: x}\n  stimulus: {befor: 2}\n"
    )
    path = tmp_path / "x.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ScenarioError) as caught:
        read_scenario(path, town)
    told = str(caught.value)
    for wanted in (
        ":1: the key 'zh' is missing",
        ":2: there is no parent 'nobody'",
        ":3: unknown key 'assume'",
        ":5: no variable is called 'capital lief'",
        ":6: 'GDP' cannot be set",
        ":7: unknown key 'units'",
        ":9: unknown key 'befor'",
        ":10: unknown key 'befor'",
    ):
        assert wanted in told
    assert "is empty" not in told, "a lever of misspelt keys is not empty as well"


def test_a_misspelt_unit_is_a_missing_key_and_an_unknown_one(tmp_path: Path, town: Model) -> None:
    assert faults_of(tmp_path, town, "values:\n  birth rate: {value: 1, units: Year}") == [
        "3: the key 'unit' is missing",
        "3: unknown key 'units'; expected one of value, unit; did you mean 'unit'?",
    ]


def test_a_unit_that_does_not_fit_is_refused_with_both_units(tmp_path: Path, town: Model) -> None:
    (fault,) = faults_of(tmp_path, town, "values:\n  birth rate: 3 万人")
    assert fault.startswith("3: ")
    assert "万人" in fault
    assert "1/Year" in fault


def test_all_faults_of_a_family_are_reported_at_once(tmp_path: Path, town: Model) -> None:
    write(tmp_path, "root", "values: {no such thing: 1}")
    path = write(
        tmp_path,
        "x",
        "parent: root\n"
        "values:\n"
        "  birth rate: 5\n"
        "  capital lief: 1\n"
        "  investment share: {farming: 7, services: 8}\n"
        "levers:\n"
        "  nothing: {after: 1}\n",
    )
    with pytest.raises(ScenarioError) as caught:
        read_scenario(path, town, ["GDP=1"])
    places = [(Path(fault.file or "").name, fault.line) for fault in caught.value.faults]
    assert sorted(places, key=str) == sorted(
        [
            ("root.yaml", 2),
            ("x.yaml", 4),
            ("x.yaml", 5),
            ("x.yaml", 6),
            ("x.yaml", 6),
            ("x.yaml", 8),
            ("--set", None),
        ],
        key=str,
    )


@pytest.mark.parametrize(
    ("parents", "message"),
    [
        ({"a": "a"}, "a.yaml:2: the parents run in a circle; found a → a"),
        (
            {"a": "b", "b": "c", "c": "b"},
            "c.yaml:2: the parents run in a circle; found a → b → c → b",
        ),
        ({"a": "./a.yaml"}, "a.yaml:2: the parents run in a circle; found a → a"),
        (
            {"a": "bb", "b": None},
            "a.yaml:2: there is no parent 'bb'; expected the id of a scenario, or a relative "
            "path; did you mean 'b'?",
        ),
        ({"a": "../nowhere.yaml"}, "a.yaml:2: there is no parent '../nowhere.yaml'"),
    ],
)
def test_a_circle_of_parents_and_a_missing_one_are_refused(
    tmp_path: Path, town: Model, parents: dict[str, str | None], message: str
) -> None:
    for name, parent in parents.items():
        write(tmp_path, name, f"parent: {parent}\n" if parent else "")
    with pytest.raises(ScenarioError) as caught:
        read_scenario(tmp_path / "a.yaml", town)
    assert message in str(caught.value)


HOSTILE = [
    '!!python/object/apply:os.system ["touch {mark}"]',
    "!<tag:yaml.org,2002:python/object/apply:pathlib.Path.touch> ['{mark}']",
    "__import__('pathlib').Path('{mark}').touch()",
    "{{{{ ''.__class__ }}}} `touch {mark}` $(touch {mark})",
]


@pytest.mark.parametrize("payload", HOSTILE)
@pytest.mark.parametrize(
    "place", ["title: {}", "values:\n  birth rate: {}", "sources: [{}]", "{}: 1"]
)
def test_a_scenario_never_runs_code(tmp_path: Path, town: Model, payload: str, place: str) -> None:
    mark = tmp_path / "mark"
    payload = payload.format(mark=mark)
    write(tmp_path, "x", place.replace("{}", payload), "" if "title" in place else TITLE)
    write(tmp_path, "y", "parent: x")
    write(tmp_path, "z", "")
    for name, overrides in [("x", []), ("y", []), ("z", [f"birth rate={payload}"])]:
        # Python as the text of a title is a text like another.
        harmless = payload.startswith("_") and ("title" in place or "sources" in place)
        refused = overrides or not harmless
        with pytest.raises(PlansimError) if refused else contextlib.nullcontext():
            read_scenario(tmp_path / f"{name}.yaml", town, overrides)
    assert not mark.exists()


# --- The shipped ones -----------------------------------------------------------------------------


def test_an_unknown_scenario_is_met_with_the_nearest(
    tmp_path: Path, town: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenario_module, "shipped", lambda *parts: tmp_path)
    write(tmp_path, "slow-growth", "", "title: {en: Slow growth, zh: 低速增长}\n")
    for name in ("slow-growth", "Slow-Growth", "Slow growth", "低速增长"):
        assert read_scenario(name, town).id == "slow-growth"
    with pytest.raises(
        UnknownNameError, match=r"no scenario is called 'slow-growht'.*did you mean 'slow-growth'"
    ):
        read_scenario("slow-growht", town)
    for misnamed in ("低速", "低速增涨"):
        with pytest.raises(
            UnknownNameError, match=r"one of slow-growth（低速增长）, or a path; .*'低速增长'"
        ):
            read_scenario(misnamed, town)
    (head,) = list_scenarios()
    assert (head.id, head.title_zh, head.parent) == ("slow-growth", "低速增长", None)


def test_a_listing_reports_each_file_that_is_no_scenario(tmp_path: Path) -> None:
    write(tmp_path, "a", "")
    write(tmp_path, "b", "x: 1")
    write(tmp_path, "c", "", "")
    with pytest.raises(ScenarioError) as caught:
        list_scenarios(tmp_path)
    assert [Path(fault.file or "").name for fault in caught.value.faults] == ["b.yaml", "c.yaml"]


def test_each_shipped_scenario_fits_the_shipped_model(stories: Mapping[str, Scenario]) -> None:
    for head in list_scenarios():
        scenario = stories[head.id]
        assert scenario.parent == head.parent
        assert scenario.title_en != scenario.title_zh


@pytest.mark.parametrize("reason", ["", "''", "{en: '', zh: ' '}"])
def test_an_assumption_without_a_reason_is_refused(
    tmp_path: Path, town: Model, reason: str
) -> None:
    faults = faults_of(tmp_path, town, f"assumes:\n  M17: {reason}\n")
    assert len(faults) == 1
    assert "'M17' gives no reason; expected why the scenario takes this" in faults[0]


def test_a_scenario_of_another_kind_or_name_is_explained(tmp_path: Path, town: Model) -> None:
    write(tmp_path, "mine", "")
    with pytest.raises(ScenarioError, match=r"no such file; did you mean 'mine.yaml'"):
        read_scenario(tmp_path / "mien.yaml", town)
    (tmp_path / "mine.txt").write_text("text")
    with pytest.raises(ScenarioError, match=r"a name that ends with \.yaml; found \.txt"):
        read_scenario(tmp_path / "mine.txt", town)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("0,012", "expected a decimal point: '0.012'; found"),
        ("1,012", "expected a decimal point: '1.012', or '1012' if that is meant"),
        ("0,9", "expected a decimal point: '0.9'; found the text '0,9'"),
        ("0，9", "expected a decimal point: '0.9'"),
    ],
)
def test_a_decimal_comma_is_explained(
    tmp_path: Path, town: Model, number: str, expected: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        read_scenario(write(tmp_path, "x", ""), town, [f"birth rate={number}"])
    assert expected in str(caught.value)
