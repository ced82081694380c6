"""docs/results/ holds what its list names, and each page there has the shape of what writes it."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "results"


def test_the_list_names_every_file() -> None:
    listed = re.findall(r"^\| \[(.+?)\]", (FOLDER / "README.md").read_text("utf-8"), re.M)
    assert {path.name for path in FOLDER.glob("*.*")} == {*listed, "README.md"}


def test_the_page_on_tests_shows_its_pictures_and_no_others() -> None:
    page = (FOLDER / "validation.md").read_text("utf-8")
    shown = re.findall(r"!\[[^]]+\]\(pictures/(\S+)\)", page)
    assert sorted(shown) == sorted(path.name for path in FOLDER.glob("pictures/*")) != []


def test_speeds_are_two_tables_without_gaps() -> None:
    page = (FOLDER / "performance.md").read_text("utf-8")
    tables = re.findall(r"^<!-- (\w+) -->\n((?:\|.*\|\n)+)<!-- /\1 -->$", page, re.M)
    assert [name for name, _ in tables] == ["measured", "page"]
    for _, table in tables:
        rows = [row.split("|")[1:-1] for row in table.splitlines()[1:]]
        assert len(rows) > 3
        assert {len(row) for row in rows} == {len(rows[0])}
        assert all(cell.strip() for row in rows for cell in row)
