"""What a terminal shows keeps to its width, breaks Chinese where it may, and loses nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from plansim.output.tables.layout import (
    Band,
    Column,
    FirstFitting,
    Grid,
    Row,
    blocks,
    facts,
    figure_column,
    section,
    shown,
    text_column,
)
from plansim.output.words.wrapping import wrap

WORDS = st.text(st.sampled_from(list("ab 亿元，。（）%é")), max_size=60)


@given(text=WORDS, width=st.integers(4, 40))
def test_wrapping_keeps_the_width_and_every_character(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert re.sub(r"\s", "", "".join(lines)) == re.sub(r"\s", "", text)


@given(text=WORDS, width=st.integers(12, 40))
def test_no_line_begins_with_a_closing_mark(text: str, width: int) -> None:
    plain = re.sub(r"[，。（）% ]+", "，", text)
    assert not any(line.startswith("，") for line in wrap("元" + plain, width)[1:])


@given(text=WORDS, width=st.integers(12, 40))
def test_no_line_ends_with_an_opening_mark(text: str, width: int) -> None:
    plain = re.sub(r"[，。（）% ]+", "（", text)
    assert not any(line.endswith("（") for line in wrap(plain + "元", width)[:-1])


@given(text=WORDS.map(str.strip), width=st.integers(4, 40))
def test_a_terminal_shows_a_text_as_it_is_wrapped(text: str, width: int) -> None:
    assert shown(text, width) == "\n".join(wrap(text, width))


def test_facts_keep_the_line_breaks_of_a_text_and_wrap_the_rest() -> None:
    said = shown(
        facts([("unit", "亿元"), ("equation", "GDP = a\n  + b"), ("note", "word " * 10)]), 40
    )
    assert said.splitlines() == [
        "unit      亿元",
        "equation  GDP = a",
        "            + b",
        "note      word word word word word word",
        "          word word word word",
    ]


CELLS = st.text(st.sampled_from(list("ab1 亿，")), max_size=30).map(
    lambda text: text.strip() or "x"
)


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=6),
    width=st.integers(20, 120),
    colour=st.booleans(),
)
def test_a_table_holds_every_cell_whole_and_is_no_wider_than_it_must_be(
    rows: list[tuple[str, str, str]], width: int, colour: bool
) -> None:
    columns = [Column("id"), text_column("name"), figure_column("value")]
    table = Grid(columns, [section("Across"), *rows, Band()])
    said = re.sub(r"\x1b\[[\d;]*m", "", shown(table, width, colour=colour))
    lines = said.splitlines()
    fixed = sum(max(cell_len(row[index]) for row in rows) for index in (0, 2))
    assert max(map(cell_len, lines)) <= max(width, max(fixed, 7) + 16 + 2 * 2 + 5)
    for kind in "ab1亿，":
        assert said.count(kind) == (
            "".join(map("".join, rows)).count(kind) + "id name value Across".count(kind)
        )
    assert not any(line != line.rstrip() for line in lines)


def test_bands_run_across_a_table_and_sections_begin_with_a_rule() -> None:
    rows: list[Row | Band] = [
        section("Long title of the first"),
        ("a", "1"),
        Band("Further"),
        ("b", "2"),
        section(),
    ]
    said = shown(Grid([Column("x"), figure_column("y")], [*rows, ("c", "3")], title="Top"), 80)
    assert said.splitlines() == [
        "Top", "x  y", "----", "Long title of the first", "a  1", "Further", "b  2", "----", "c  3",
    ]  # fmt: skip


def test_heads_are_broken_before_a_table_is_too_wide() -> None:
    table = Grid([Column("id"), figure_column("worst margin")], [("M28", "-0.3")])
    assert shown(table, 11).splitlines()[:2] == ["      worst", "id   margin"]


@pytest.mark.parametrize(("width", "expected"), [(40, "long " * 5 + "long"), (20, "short")])
def test_the_first_layout_that_fits_is_shown(width: int, expected: str) -> None:
    layouts = [Grid([Column()], [(text,)]) for text in ("long " * 5 + "long", "short")]
    assert shown(FirstFitting([lambda: layouts[0], lambda: layouts[1]]), width) == expected


def test_marks_of_rich_and_of_a_terminal_are_nothing_but_text() -> None:
    text = "a[bold]b[/bold] :smile: [x]"
    assert shown(blocks([text, Grid([Column()], [(text,)])]), 80) == f"{text}\n\n{text}"
