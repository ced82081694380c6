"""Overlays: small files of ``kind: overlay`` that are laid over scenarios."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from plansim.errors import ScenarioError
from plansim.model.records import Model
from plansim.scenario.scenario_file import (
    BilingualText,
    ScenarioKind,
    list_overlays,
    list_scenarios,
    read_scenario,
    with_shipped,
)

TITLE = "title: {en: Test, zh: 测试}\n"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(TITLE + text, "utf-8")
    return path


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
    assert (scenario.title_en, scenario.title_zh) == ("Test + Test", "测试＋测试")


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
