"""Scenario files: values, lineages, the clock, what is wrong with a file; overlays over them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plansim.errors import ScenarioError, UnknownNameError
from plansim.model.reader import load_model
from plansim.model.records import Model, TimeSpec
from plansim.scenario import inheritance
from plansim.scenario import scenario_file as scenario_module
from plansim.scenario.scenario_file import (
    BilingualText,
    Change,
    Scenario,
    ScenarioKind,
    as_written,
    list_overlays,
    list_scenarios,
    read_scenario,
    with_shipped,
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


def faults_of(folder: Path, model: Model, text: str) -> list[str]:
    """Give the messages, the file's path cut off."""
    path = write(folder, "x", text)
    with pytest.raises(ScenarioError) as caught:
        read_scenario(path, model)
    return [line.removeprefix(f"{path}:").strip() for line in str(caught.value).split("\n")]


# --- values ---------------------------------------------------------------------------------------

SHARES = [f"investment share[{name}]" for name in ("farming", "industry", "services")]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("Birth_Rate: 0.02", {"birth rate": 0.02}),
        ("出生率: '0.02'", {"birth rate": 0.02}),
        ("birth rate: 20‰/Year", {"birth rate": 0.02}),
        ("initial residents: ３４ 万人", {"initial residents": 34.0}),
        ("initial residents: 340000 人", {"initial residents": 34.0}),
        ("capital life: +2.5e1", {"capital life": 25.0}),
        ("投资比重[服务业]: 0.3", {"investment share[services]": 0.3}),
        ("'investment share [ Services ]': 30 %", {"investment share[services]": 0.3}),
        ("investment share: 0.3", dict.fromkeys(SHARES, 0.3)),
        ("investment share: [10 %, 0.6 Dmnl, 0.3]",
         {SHARES[0]: 0.1, SHARES[1]: 0.6, SHARES[2]: 0.3}),
        ("investment share: {services: 0.3, 农业: 0.2}", {SHARES[2]: 0.3, SHARES[0]: 0.2}),
    ],
)  # fmt: skip
def test_a_value_is_read_in_each_of_its_forms(
    tmp_path: Path, town: Model, entry: str, expected: dict[str, float]
) -> None:
    assert values_of(tmp_path, town, f"values:\n  {entry}") == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("weight[少年,乡村]: 9", {"young,country": 9}),
        ("weight[grown,town]: 9", {"adult,town": 9, "old,town": 9}),
        ("weight[old,area]: 9", {"old,town": 9, "old,country": 9}),
        ("weight: {old: [8, 9]}", {"old,town": 8, "old,country": 9}),
        ("weight: {grown: {town: 9}}", {"adult,town": 9, "old,town": 9}),
        ("weight: [[1, 2], {town: 3}, 4]",
         {"young,town": 1, "young,country": 2, "adult,town": 3, "old,town": 4, "old,country": 4}),
    ],
)  # fmt: skip
def test_an_array_over_two_ranges_is_set_by_element_range_list_or_mapping(
    tmp_path: Path, grid: Model, entry: str, expected: dict[str, float]
) -> None:
    found = values_of(tmp_path, grid, f"values:\n  {entry}")
    assert found == {f"weight[{cell}]": number for cell, number in expected.items()}


@pytest.mark.parametrize(
    ("lever", "expected"),
    [
        ("capital life: 25", {"capital life": 25}),
        ("投资率: {after: 45 %}", {"investment rate after": 0.45}),
        ("investment rate: {before: 0.38, after: 45 %, from: 2010}",
         {"investment rate before": 0.38, "investment rate after": 0.45,
          "investment rate from year": 2010}),
        ("stimulus: {size: 5 亿元/Year, start: 2009, length: 2}",
         {"stimulus pulse size": 5, "stimulus pulse start": 2009, "stimulus pulse length": 2}),
    ],
)  # fmt: skip
def test_a_lever_sets_the_constants_that_it_stands_for(
    tmp_path: Path, town: Model, lever: str, expected: dict[str, float]
) -> None:
    assert values_of(tmp_path, town, f"levers:\n  {lever}") == expected


def test_a_value_outside_its_plausible_range_is_warned_of(tmp_path: Path, town: Model) -> None:
    path = write(tmp_path, "x", "values: {death rate: 0.006, capital life: 40}\n")

    def warned(*overrides: str) -> list[str]:
        return [str(fault) for fault in read_scenario(path, town, overrides).warnings]

    said = "is outside its plausible range; expected"
    assert warned() == [f"{path}:2: 'capital life' {said} 15 to 25 Year; found 40"]
    assert f"--set: 'investment share' {said}" in warned("investment share=0.7")[1]
    assert len(warned("investment share[services]=0.7", "investment share[farming]=0.8")) == 3


# --- lineage --------------------------------------------------------------------------------------


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
    assert (leaf.lineage, leaf.parent) == (("root", "middle", "leaf"), "middle")
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
    monkeypatch.setattr(inheritance, "shipped", lambda *parts: tmp_path / "shipped")
    write(tmp_path / "shipped", "base", "values: {capital life: 21}")
    write(tmp_path / "shipped", "other", "values: {capital life: 22}")
    write(tmp_path / "mine", "base", "values: {capital life: 23}")
    for parent, life in [("base", 23), ("other", 22), ("../shipped/base.yaml", 21)]:
        path = write(tmp_path / "mine", "child", f"parent: {parent}")
        assert read_scenario(path, town).values == {"capital life": life}
    deep = read_scenario(write(tmp_path / "mine" / "deep", "child", "parent: ../base.yaml"), town)
    assert (deep.parent, deep.lineage) == ("base", ("base", "child"))


names = ("expectation delay", "capital life", "initial residents")
layers = st.lists(
    st.dictionaries(st.sampled_from(names), st.sampled_from([1.0, 2.0, 3.0])),
    min_size=1,
    max_size=4,
)


@given(layers)
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_merging_a_lineage_is_merging_mappings(
    tmp_path: Path, town: Model, chain: list[dict[str, float]]
) -> None:
    for i, values in enumerate(chain):
        parent = f"parent: s{i - 1}\n" if i else ""
        write(tmp_path, f"s{i}", f"{parent}values: {json.dumps(values)}")
    leaf = read_scenario(tmp_path / f"s{len(chain) - 1}.yaml", town)
    before: dict[str, float] = {}
    for values in chain[:-1]:
        before |= values
    olds = {name: before.get(name, town.variables[name].value) for name in names}
    assert leaf.values == before | chain[-1]
    assert {change.name: (change.old, change.new) for change in leaf.changes} == {
        name: (olds[name], new) for name, new in chain[-1].items() if new != olds[name]
    }


def test_overrides_lie_over_the_file_and_show_among_the_changes(
    tmp_path: Path, town: Model
) -> None:
    path = write(tmp_path, "x", "values: {birth rate: 0.013, capital life: 22}")
    overrides = ("birth rate=15 ‰/Year", "投资比重[服务业] = 0.3")
    scenario = read_scenario(path, town, overrides)
    assert (scenario.id, scenario.overrides) == ("x", overrides)
    assert scenario.values == pytest.approx(
        {"birth rate": 0.015, "capital life": 22, "investment share[services]": 0.3}
    )
    assert [(change.name, change.old) for change in scenario.changes] == [
        ("birth rate", 0.012),
        ("capital life", 20),
        ("investment share[services]", 0.4),
    ]
    plain = read_scenario(path, town)
    assert scenario.sha256 != plain.sha256 == read_scenario(path, town).sha256
    assert read_scenario(None, town, overrides[:1]).changes == scenario.changes[:1]
    assert read_scenario(None, town) == as_written(town)


# --- the clock ------------------------------------------------------------------------------------


def test_a_scenario_sets_the_clock_and_the_method(tmp_path: Path, town: Model, grid: Model) -> None:
    path = write(tmp_path, "x", "values: {INITIAL TIME: 2000, TIME STEP: 0.125, 保存间隔: 1}")
    assert read_scenario(path, town).time == TimeSpec(2000, 2020.5, 0.125, 1)
    path = write(tmp_path, "x", "values: {TIME STEP: 0.5}")
    assert read_scenario(path, grid).time == TimeSpec(0, 1, 0.5, 0.5)  # SAVEPER = TIME STEP
    parent = write(tmp_path, "parent", "integration: midpoint")
    child = write(tmp_path, "child", "parent: parent\nvalues: {TIME STEP: 0.5}")
    other = write(tmp_path, "other", "parent: child\nintegration: rk4")
    methods = [read_scenario(path, town).time.integration for path in (parent, child, other)]
    assert methods == ["midpoint", "midpoint", "rk4"]
    assert as_written(town).time.integration == "euler"


# --- faults ---------------------------------------------------------------------------------------


CLOCK = "the clock cannot run with this"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("values: {birth rate: 3 万人}", "2: 'birth rate': '万人' and '1/Year' do not"),
        ("levers:\n  investment rate: {befor: 1, after: 1}",
         "3: unknown key 'befor'; expected one of before, after, from, to, until, size, start, "),
        ("values: {capital lief: 3}",
         "2: no variable is called 'capital lief'; did you mean 'capital life'?"),
        ("values: {GDP: 3}",
         "2: 'GDP' cannot be set: its equation gives its value; expected a constant; "
         "found a variable of kind auxiliary"),
        ("values: {投资率: 0.5}",
         "2: 'investment rate' is a lever, which constants set; expected one of "
         "investment rate before, investment rate after, investment rate from year"),
        ("values:\n  investment share:\n    servics: 0.1",
         "4: 'sector' has no element 'servics'; "
         "expected one of farming, industry, services; did you mean 'services'?"),
        ("values: {investment share: [1, 0]}",
         "2: 'investment share' has the wrong length; "
         "expected 3 values (farming, industry, services); found 2"),
        ("values:\n  investment share[farming,services]: 3",
         "3: 'investment share[farming,services]' has the wrong number of subscripts; "
         "expected investment share[sector]; found 2"),
        ("values: {birth rate: -1}",
         "2: 'birth rate' is outside its admissible range; expected 0 to 0.1 1/Year; found -1"),
        ("values:\n  investment rate after: 0.3\nlevers: {investment rate: {after: 0.4}}",
         "4: 'investment rate after' is set twice; found a first time on line 3"),
        ("assumes: {M17: }", "2: 'M17' gives no reason; expected why the scenario takes this"),
        ("values: {TIME STEP: 0}", f"2: {CLOCK} TIME STEP; expected more than zero; found 0"),
        ("values: {TIME STEP: 1e-9}",
         f"2: {CLOCK} TIME STEP; expected at most 10,000,000 steps in a run; found 1e-09"),
        ("values: {TIME STEP: 0.2}",
         f"2: {CLOCK} TIME STEP; expected a step of which the whole run, 15.5, and SAVEPER, 0.5, "
         "are multiples; found 0.2"),
        ("values: {TIME STEP: 0.31, SAVEPER: 0.31}",
         f"2: {CLOCK} TIME STEP; expected a step that divides the year, or whole years; found "
         "0.31"),
        ("values:\n  INITIAL TIME: 2008\n  FINAL TIME: 2007",
         f"4: {CLOCK} FINAL TIME; expected at least INITIAL TIME (2008); found 2007"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_said_with_its_line(
    tmp_path: Path, town: Model, text: str, fault: str
) -> None:
    (found,) = faults_of(tmp_path, town, text)
    assert found.startswith(fault)


def test_all_faults_of_a_family_come_at_once(tmp_path: Path, town: Model) -> None:
    write(tmp_path, "root", "values: {no such thing: 1}")
    path = tmp_path / "x.yaml"
    path.write_text(
        "title: {en: Bad}\nparent: root\nassume: {M01: x}\nvalues:\n  capital lief: 3\n  GDP: 3\n"
        "  birth rate: {value: 1}\n  investment share: {farming: 7, services: 8}\n"
        "levers:\n  investment rate: {befor: 1, after: x}\n  nothing: {after: 1}\n",
        "utf-8",
    )
    with pytest.raises(ScenarioError) as caught:
        read_scenario(path, town, ["GDP=1"])
    places = [(Path(fault.file or "").name, fault.line) for fault in caught.value.faults]
    lines = (1, 3, 5, 6, 7, 8, 8, 10, 11)
    assert sorted(places, key=str) == sorted(
        [("root.yaml", 2), ("--set", None), *(("x.yaml", line) for line in lines)], key=str
    )


@pytest.mark.parametrize(
    ("parents", "message"),
    [
        ({"a": "./a.yaml"}, "a.yaml:2: the parents run in a circle; found a → a"),
        ({"a": "b", "b": "c", "c": "b"},
         "c.yaml:2: the parents run in a circle; found a → b → c → b"),
        ({"a": "bb", "b": None},
         "a.yaml:2: there is no parent 'bb'; expected an id, or a relative path; "
         "did you mean 'b'?"),
    ],
)  # fmt: skip
def test_a_circle_of_parents_and_a_missing_one_are_refused(
    tmp_path: Path, town: Model, parents: dict[str, str | None], message: str
) -> None:
    for name, parent in parents.items():
        write(tmp_path, name, f"parent: {parent}\n" if parent else "")
    with pytest.raises(ScenarioError) as caught:
        read_scenario(tmp_path / "a.yaml", town)
    assert message in str(caught.value)


# --- names of scenarios ---------------------------------------------------------------------------


def test_an_unknown_scenario_is_met_with_the_nearest(
    tmp_path: Path, town: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenario_module, "shipped", lambda *parts: tmp_path)
    write(tmp_path, "slow-growth", "", "title: {en: Slow growth, zh: 低速增长}\n")
    for name in ("slow-growth", "Slow-Growth", "Slow growth", "低速增长"):
        assert read_scenario(name, town).id == "slow-growth"
    for misnamed, close in (("slow-growht", "slow-growth"), ("低速增涨", "低速增长")):
        message = rf"no scenario is called '{misnamed}'.* or a path; did you mean '{close}'"
        with pytest.raises(UnknownNameError, match=message):
            read_scenario(misnamed, town)
    with pytest.raises(ScenarioError, match=r"no such file; did you mean 'slow-growth.yaml'"):
        read_scenario(tmp_path / "slow-growt.yaml", town)
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


# --- overlays -------------------------------------------------------------------------------------


def overlay(folder: Path, name: str, text: str = "") -> Path:
    return write(folder, name, f"kind: overlay\n{text}")


def test_an_overlay_lies_over_the_scenario_and_below_the_overrides(
    tmp_path: Path, town: Model
) -> None:
    base = write(
        tmp_path, "base", "values: {birth rate: 0.013, death rate: 0.005, capital life: 22}"
    )
    dry = overlay(
        tmp_path,
        "dry",
        "values: {birth rate: 0.011, death rate: 0.007}\nassumes: {T01: why}\nsources: [S]\n",
    )
    scenario = read_scenario(base, town, ["death rate=0.008"], overlays=[dry])
    assert scenario.values == {"birth rate": 0.011, "death rate": 0.008, "capital life": 22}
    assert (scenario.id, scenario.parent) == ("base+dry", "base")
    assert scenario.lineage == ("base", "base+dry")
    assert {(change.name, change.old, change.new) for change in scenario.changes} == {
        ("birth rate", 0.013, 0.011),
        ("death rate", 0.005, 0.008),
    }
    assert list(scenario.assumed) == ["T01"]
    assert scenario.sources == (BilingualText("S", "S"),)
    titles = "Test + Test (changed)", "测试＋测试（已调整）"
    assert (scenario.title_en, scenario.title_zh) == titles


def test_every_way_to_lay_an_overlay_sets_the_same(tmp_path: Path, town: Model) -> None:
    base = write(tmp_path, "base", "values: {birth rate: 0.013}")
    dry = overlay(tmp_path, "dry", "values: {capital life: 21}")
    wet = overlay(tmp_path, "wet", "values: {death rate: 0.007}")
    expected = read_scenario(base, town, overlays=[dry, wet])
    assert read_scenario(f"{base}+{dry}+{wet}", town) == expected
    assert read_scenario(base, town, overlays=[wet, dry]).values == expected.values
    for name, text in {
        "a": "parent: base\nwith: [dry, wet]",
        "b": "parent: base+dry\nwith: wet.yaml",
        "c": "parent: base.yaml+dry.yaml+wet",
    }.items():
        assert read_scenario(write(tmp_path, name, text), town).values == expected.values
    child = read_scenario(write(tmp_path, "d", "parent: a\nvalues: {capital life: 20}"), town)
    assert child.values == {**expected.values, "capital life": 20}
    own = write(tmp_path, "e", "parent: base\nwith: dry\nvalues: {capital life: 19}")
    assert read_scenario(own, town).values["capital life"] == 19


def fault_of(town: Model, scenario: Path, *overlays: Path) -> str:
    with pytest.raises(ScenarioError) as caught:
        read_scenario(scenario, town, overlays=overlays)
    (fault,) = caught.value.faults
    return str(fault)


def test_two_overlays_that_set_one_constant_are_refused_by_name(
    tmp_path: Path, town: Model
) -> None:
    base = write(tmp_path, "base", "")
    dry = overlay(tmp_path, "dry", "values: {death rate: 0.007, capital life: 21}")
    hot = overlay(tmp_path, "hot", "values:\n  capital life: 22\n")
    assert fault_of(town, base, dry, hot) == (
        f"{hot}:4: the overlays 'dry' and 'hot' both set 'capital life'; found {dry}:3"
    )
    child = write(tmp_path, "child", "parent: base\nwith: [dry]\n")
    assert "'dry' and 'hot' both set" in fault_of(town, child, hot)
    assert "'dry' and 'dry' both set" in fault_of(town, child, dry)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("kind: overlay\nparent: base", "3: an overlay has no 'parent'"),
        ("kind: overlay\nintegration: rk4", "3: an overlay has no 'integration'"),
        ("values: {}", "1: 'x' is not an overlay; expected kind: overlay"),
        ("kind: overlay\nvalues: {birth rat: 1}", "3: no variable is called 'birth rat'"),
    ],
)
def test_what_is_wrong_with_an_overlay_is_said_with_its_line(
    tmp_path: Path, town: Model, text: str, fault: str
) -> None:
    path = write(tmp_path, "x", text)
    assert fault_of(town, write(tmp_path, "base", ""), path).startswith(f"{path}:{fault}")


def test_an_overlay_is_no_scenario_and_no_parent(tmp_path: Path, town: Model) -> None:
    dry = overlay(tmp_path, "dry")
    said = f"{dry}:2: 'dry' is an overlay, and no scenario; expected "
    assert fault_of(town, dry) == said + "SCENARIO+dry, or with: [dry]"
    child = write(tmp_path, "child", "parent: dry")
    assert fault_of(town, child) == said + "SCENARIO+dry, or with: [dry]"
    lost = write(tmp_path, "lost", "with: [dri]")
    assert fault_of(town, lost) == (
        f"{lost}:2: there is no overlay 'dri'; expected an id, or a relative path; "
        "did you mean 'dry'?"
    )


def test_shipped_overlays_fit_the_model_and_can_be_laid_together(city: Model) -> None:
    """But for those that tell different stories of one lever."""
    heads = list_overlays()
    moved = {}
    assert {"drought", "heavy-cycle"} <= {head.id for head in heads}
    for head in heads:
        scenario = read_scenario("baseline", city, overlays=[head.id])
        assert head.kind is ScenarioKind.OVERLAY
        assert scenario.changes
        moved[head.id] = {change.name for change in scenario.changes}
        assert scenario.sources
        assert all(source.en != source.zh for source in scenario.sources)
        assert head.title_en != head.title_zh
        assert not any(str(head.path) in str(fault) for fault in scenario.warnings)
    for first, second in itertools.combinations(heads, 2):
        if moved[first.id] & moved[second.id]:
            with pytest.raises(ScenarioError, match="both set"):
                read_scenario(f"baseline+{first.id}+{second.id}", city)
        else:
            read_scenario(f"baseline+{first.id}+{second.id}", city)


def test_only_stories_are_offered_beside_what_is_asked_for(city: Model) -> None:
    kinds = {head.id: head.kind for head in list_scenarios()}
    assert {"equilibrium", "hindcast-2000", "henan"} <= {
        name for name, kind in kinds.items() if kind is ScenarioKind.TEST
    }
    offered = [scenario.id for scenario in with_shipped((), city)]
    assert offered
    assert all(kinds[name] is ScenarioKind.STORY for name in offered)
