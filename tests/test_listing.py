"""Lists keep to the width of the terminal and leave nothing out."""

from __future__ import annotations

from pathlib import Path

import pytest

from plansim.model.mdl import load_model
from plansim.model.scenario import ScenarioHead
from plansim.plan.targets import Kind, load_targets
from plansim.present.listing import scenario_list, target_list, variable_list
from plansim.present.table import columns
from plansim.present.text import Lang, Text, read_text

EN, ZH = read_text(Lang.EN), read_text(Lang.ZH)
SIZES = [(text, width) for text in (EN, ZH) for width in (80, 100, 160)]


@pytest.mark.parametrize(("text", "width"), SIZES)
def test_every_variable_and_target_is_listed_within_the_width(text: Text, width: int) -> None:
    model, targets = load_model(), load_targets()
    listed = variable_list(model, text, width).splitlines()
    assert max(map(columns, listed)) <= width
    modules = {variable.module for variable in model.variables.values()}
    assert modules <= set(listed)
    assert str(len(model.variables)) in listed[-1]
    rows = target_list(targets, text, width).splitlines()
    assert max(map(columns, rows)) <= width
    ids = {target.id for target in targets if target.kind is Kind.TARGET}
    assert ids <= {row.split()[0] for row in rows if row}


def head(name: str, parent: str | None) -> ScenarioHead:
    return ScenarioHead(name, name.title(), "", "", "", parent, Path(f"{name}.yaml"))


def test_children_stand_below_their_parents_and_orphans_are_kept() -> None:
    heads = [head("a", "c"), head("b", "gone"), head("c", None), head("d", "a")]
    lines = scenario_list(heads, EN, 80).splitlines()
    assert [line.rstrip("ABCD ") for line in lines] == ["b", "c", "  a", "    d"]
