"""docs/objections.md: its table names its sections, and each has runs and an answer."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "objections.md").read_text("utf-8")


def test_the_table_names_ten_objections_and_each_has_its_section() -> None:
    numbered = re.findall(r"^\| (\d+) \| ", PAGE, re.MULTILINE)
    assert numbered == [str(each) for each in range(1, 11)]
    assert re.findall(r"^## (\d+)\. ", PAGE, re.MULTILINE) == numbered


def test_every_objection_has_runs_and_an_answer() -> None:
    for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:11]:
        assert "```console\n$ plansim " in section
        assert len(re.sub(r"```.*?```", "", section, flags=re.DOTALL).split()) > 60
