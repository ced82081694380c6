"""What a terminal shows keeps to its width, breaks Chinese where it may, and loses nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from plansim.model.records import Model
from plansim.output.tables.layout import (
    Band,
    Column,
    Grid,
    figure_column,
    section,
    shown,
    text_column,
)
from plansim.output.tables.listing import lever_list, scenario_list, target_list, variable_list
from plansim.output.words.text import Lang, Text, read_text
from plansim.output.words.wrapping import wrap
from plansim.scenario.scenario_file import ScenarioHead, ScenarioKind
from plansim.targets.target import Kind, Target
from plansim.targets.views_file import load_views

EN, ZH = read_text(Lang.EN), read_text(Lang.ZH)
WORDS = st.text(st.sampled_from(list("ab 亿元，。（）%é")), max_size=60)


@given(text=WORDS.map(str.strip), width=st.integers(4, 40))
def test_wrapping_keeps_the_width_and_every_character(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert re.sub(r"\s", "", "".join(lines)) == re.sub(r"\s", "", text)
    assert shown(text, width) == "\n".join(lines)


@given(text=WORDS, width=st.integers(12, 40))
def test_no_line_begins_with_a_closing_mark_or_ends_with_an_opening_one(
    text: str, width: int
) -> None:
    closing, opening = (re.sub(r"[，。（）% ]+", mark, text) for mark in "，（")
    assert not any(line.startswith("，") for line in wrap("元" + closing, width)[1:])
    assert not any(line.endswith("（") for line in wrap(opening + "元", width)[:-1])


CELLS = st.text(st.sampled_from(list("ab1 亿，")), max_size=30).map(
    lambda text: text.strip() or "x"
)


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=6),
    width=st.integers(20, 120),
    colour=st.booleans(),
    head=st.sampled_from(["value", "平均达标数值"]),
)
def test_a_table_holds_every_cell_whole_and_is_no_wider_than_it_must_be(
    rows: list[tuple[str, str, str]], width: int, colour: bool, head: str
) -> None:
    columns = [Column("id"), text_column("name"), figure_column(head)]
    table = Grid(columns, [section("Across"), *rows, Band()])
    said = re.sub(r"\x1b\[[\d;]*m", "", shown(table, width, colour=colour))
    lines = said.splitlines()
    fixed = sum(max(cell_len(row[index]) for row in rows) for index in (0, 2))
    assert max(map(cell_len, lines)) <= max(width, max(fixed, 7) + 16 + 2 * 2 + 5)
    for kind in "ab1亿，":
        assert said.count(kind) == (
            "".join(map("".join, rows)).count(kind) + f"id name {head} Across".count(kind)
        )
    assert not any(line != line.rstrip() for line in lines)


# --- lists ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [60, 80, 160])
@pytest.mark.parametrize("text", [EN, ZH])
def test_lists_leave_nothing_out_and_keep_to_the_width(
    text: Text, width: int, city: Model, targets: tuple[Target, ...]
) -> None:
    views = load_views(city)
    ids = {target.id for target in targets if target.kind is Kind.TARGET}
    for made, count, names in (
        (variable_list(city, text), len(city.variables), {*city.variables}),
        (lever_list(views, city, text), len([*views.levers]), {*map(text.name, views.levers)}),
        (target_list(targets, city, text), len(ids), ids),
    ):
        lines = shown(made, width).splitlines()
        assert max(map(cell_len, lines)) <= width
        assert str(count) in lines[-1]
        squeezed = "".join("".join(lines).split())
        assert width < 160 or all("".join(name.split()) in squeezed for name in names)


@pytest.mark.parametrize("text", [EN, ZH])
def test_a_list_is_narrowed_by_words_in_either_language(
    text: Text, city: Model, targets: tuple[Target, ...]
) -> None:
    known = next(one for one in city.variables.values() if one.name_zh and not one.subscripts)
    for word in (known.name.upper(), known.name.replace(" ", "_"), known.name_zh):
        rows = shown(variable_list(city, text, words=[word]), 160).splitlines()
        assert any(row.startswith(known.name) for row in rows)
        assert len(rows) < len(city.variables)
    target = next(row for row in targets if row.kind is Kind.TARGET and row.variables)
    for word in (target.id.lower(), target.name_en, target.name_zh):
        rows = shown(target_list(targets, city, text, words=[word]), 160).splitlines()
        assert target.id in {row.split()[0] for row in rows if row}
    (said,) = shown(variable_list(city, text, words=[known.name_zh, "xyzzy"]), 100).splitlines()
    assert "xyzzy" in said


def head(name: str, parent: str | None, kind: ScenarioKind = ScenarioKind.STORY) -> ScenarioHead:
    return ScenarioHead(name, kind, name.title(), "", "", "", parent, Path(f"{name}.yaml"))


@pytest.mark.parametrize("text", [EN, ZH])
def test_children_stand_below_their_parents_and_tests_and_overlays_apart(text: Text) -> None:
    stories = [head("a", "c"), head("b", "gone"), head("c", None), head("d", "a")]
    others = [head("over", None, ScenarioKind.OVERLAY), head("rest", "a", ScenarioKind.TEST)]
    lines = shown(scenario_list([*others, *stories], text), 80).splitlines()
    tests, overlays = (text.word("scenario_kind", kind) for kind in ("test", "overlay"))
    first = [re.match("( *[^ ]*(?: [^ ]+)*)", line)[1] for line in lines]  # type: ignore[index]
    assert first == ["b", "c", "  a", "    d", "", tests, "rest", "", overlays, "over"]
