"""Fact sheets: all that ships can be described, in both languages, and sources are spelt out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from plansim.analysis.attribution.assumptions import Attribution, Group
from plansim.files.shipped import shipped
from plansim.model.comment import load_evidence
from plansim.model.records import Model
from plansim.output.describe import (
    changes_in_short,
    clash_facts,
    scenario_facts,
    target_facts,
)
from plansim.output.variables import ModelFacts, variable_facts
from plansim.output.words.text import Lang, read_text
from plansim.scenario.records import Change, as_written
from plansim.scenario.scenario_file import (
    list_overlays,
    list_scenarios,
    read_overlay,
    read_scenario,
)
from plansim.targets.audit import audit
from plansim.targets.target import Target
from tests.helpers.vensim_text import small_model

EN, ZH = read_text(Lang.EN), read_text(Lang.ZH)


@pytest.fixture(scope="module")
def known(city: Model, targets: tuple[Target, ...]) -> ModelFacts:
    return ModelFacts(city, targets, load_evidence(shipped("model")), audit(), EN)


def test_all_that_ships_can_be_described(known: ModelFacts) -> None:
    city, text = known.model, ZH
    chinese = replace(known, text=text)
    sheets = [variable_facts(variable, chinese) for variable in city.variables.values()]
    sheets += [target_facts(target, city, text) for target in known.targets]
    sheets += [clash_facts(clash, text) for clash in known.clashes]
    sheets += [
        scenario_facts(read_scenario(head.id, city), city, text) for head in list_scenarios()
    ]
    overlays = [scenario_facts(read_overlay(head.id, city), city, text) for head in list_overlays()]
    assert {sheet[0][0] for sheet in overlays} == {"情景叠加"}
    for sheet in sheets:
        assert len(sheet) >= 4
        assert all(label and said.strip() for label, said in sheet)


def test_every_source_of_the_shipped_model_is_spelt_out(known: ModelFacts) -> None:
    bare = [
        f"{variable.name}: {line}"
        for variable in known.model.variables.values()
        for line in dict(variable_facts(variable, known)).get("sources", "").splitlines()
        if "  " not in line and not line.startswith(("assumption", "derived"))
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("A: 0.4–0.6 a guess", "assumption: 0.4–0.6 a guess"),
        ("D: accounting", "derived: accounting"),
        ("A", "assumption"),
        ("X9: 1–2", "X9 [1–2]"),
        ("M28", "M28  Fall of energy use per unit of GDP, the plan's figure for 2005: "),
        ("I01", "I01  Fixed-asset investment"),
        ("M10", "M10a  Share of the primary sector in employment, the plan's figure for 2005: "),
        ("E095: 1.2–1.6", "E095 [1.2–1.6]  capital / GDP"),
    ],
)
def test_a_source_is_spelt_out_by_its_kind(
    town: Model, known: ModelFacts, tag: str, expected: str
) -> None:
    variable = replace(town.find("capital life"), sources=(tag,))
    facts = variable_facts(variable, replace(known, model=town))
    assert dict(facts)["sources"].startswith(expected)


def test_rates_are_changed_in_per_cent_a_year(town: Model) -> None:
    faster = replace(as_written(town), changes=(Change("birth rate", 0.012, 0.015, "1/Year"),))
    said = changes_in_short(faster, town, "en")
    assert said == ["birth rate: 1.2 → 1.5 %/year"]
    group = Group("r", "r", "1/Year", ("r[a]", "r[b]"), (0.1, 0.2), (0.3, 0.4), (True,) * 2, ())
    (shown,) = Attribution("a", "b", (group,), (), 2, 0).labelled(()).groups
    assert (shown.unit, shown.before, shown.after) == ("%/Year", (10, 20), (30, 40))


def test_a_variable_is_explained_in_the_language_of_the_reader(tmp_path: Path) -> None:
    meant = "鱼量。池中之鱼。Fish in the pond. [A: 2–9 目测。by eye] [D: 合计。]"
    model = small_model(tmp_path, f"fish= 8 ~ t [0,9] ~ {meant} |\n")
    english, chinese = (
        dict(variable_facts(model.variables["fish"], ModelFacts(model, (), {}, (), text)))
        for text in (EN, ZH)
    )
    assert (english["meaning"], chinese["含义"]) == ("Fish in the pond.", "池中之鱼。")
    assert english["sources"] == "assumption: 2–9 by eye\nderived: 合计"
    assert chinese["来源"] == "假设：2–9 目测\n推算：合计"
