"""Lists keep to the width of the terminal and leave nothing out."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len

from plansim.model.reader import load_model
from plansim.output.tables.layout import shown
from plansim.output.tables.listing import (
    lever_list,
    scenario_list,
    target_list,
    variable_list,
)
from plansim.output.words.text import Lang, Text, read_text
from plansim.scenario.scenario_file import ScenarioHead, ScenarioKind
from plansim.targets.catalogue import load_targets
from plansim.targets.target import Kind
from plansim.targets.views_file import load_views

EN, ZH = read_text(Lang.EN), read_text(Lang.ZH)
SIZES = [(text, width) for text in (EN, ZH) for width in (80, 100, 160)]


@pytest.mark.parametrize(("text", "width"), SIZES)
def test_every_variable_and_target_is_listed_within_the_width(text: Text, width: int) -> None:
    model, targets = load_model(), load_targets()
    listed = shown(variable_list(model, text), width).splitlines()
    assert max(map(cell_len, listed)) <= width
    modules = {
        text.pick(module.name, module.name_zh) for module in model.modules.values() if module.name
    }
    assert modules
    assert modules <= set(listed)
    assert str(len(model.variables)) in listed[-1]
    rows = shown(target_list(targets, load_model(), text), width).splitlines()
    assert max(map(cell_len, rows)) <= width
    ids = {target.id for target in targets if target.kind is Kind.TARGET}
    assert ids <= {row.split()[0] for row in rows if row}


@pytest.mark.parametrize(("text", "width"), SIZES)
def test_every_lever_is_listed_with_its_constant_within_the_width(text: Text, width: int) -> None:
    model = load_model()
    views = load_views(model)
    listed = shown(lever_list(views, model, text), width)
    assert max(map(cell_len, listed.splitlines())) <= width
    assert str(len(list(views.levers))) in listed.splitlines()[-1]
    squeezed = "".join(listed.split())
    for group in views.groups:
        assert text.name(group) in listed.splitlines()
    if width == 160:
        for lever in views.levers:
            assert "".join(text.name(lever).split()) in squeezed


def head(name: str, parent: str | None, kind: ScenarioKind = ScenarioKind.STORY) -> ScenarioHead:
    return ScenarioHead(name, kind, name.title(), "", "", "", parent, Path(f"{name}.yaml"))


def test_children_stand_below_their_parents_and_orphans_are_kept() -> None:
    heads = [head("a", "c"), head("b", "gone"), head("c", None), head("d", "a")]
    lines = shown(scenario_list(heads, EN), 80).splitlines()
    assert [line.rstrip("ABCD ") for line in lines] == ["b", "c", "  a", "    d"]


@pytest.mark.parametrize("text", [EN, ZH])
def test_tests_and_overlays_are_listed_apart_from_stories(text: Text) -> None:
    overlay, test = head("over", None, ScenarioKind.OVERLAY), head("rest", "a", ScenarioKind.TEST)
    lines = shown(scenario_list([overlay, test, head("a", None)], text), 80).splitlines()
    tests, overlays = (text.word("scenario_kind", kind) for kind in ("test", "overlay"))
    first = [line.split("  ")[0] for line in lines]
    assert first == ["a", "", tests, "rest", "", overlays, "over"]


@pytest.mark.parametrize("text", [EN, ZH])
def test_a_list_is_narrowed_by_words_in_either_language(text: Text) -> None:
    model, targets = load_model(), load_targets()
    known = next(
        variable
        for variable in model.variables.values()
        if variable.name_zh and not variable.subscripts
    )
    for word in (known.name.upper(), known.name.replace(" ", "_"), known.name_zh):
        rows = shown(variable_list(model, text, words=[word]), 160).splitlines()
        assert any(row.startswith(known.name) for row in rows)
        assert len(rows) < len(model.variables)
    target = next(row for row in targets if row.kind is Kind.TARGET and row.variables)
    for word in (target.id.lower(), target.name_en, target.name_zh):
        rows = shown(target_list(targets, model, text, words=[word]), 160).splitlines()
        assert target.id in {row.split()[0] for row in rows if row}
    for said in (
        shown(variable_list(model, text, words=["xyzzy"]), 100),
        shown(target_list(targets, model, text, words=[known.name_zh, "xyzzy"]), 100),
    ):
        assert "xyzzy" in said
        assert len(said.splitlines()) == 1
