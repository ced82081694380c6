"""docs/objections.md is true: its commands print what it shows; its table names its sections."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from plansim.cli.main import main

PAGE = (Path(__file__).parents[2] / "docs" / "objections.md").read_text("utf-8")
SHOWN = re.compile(r"^```console\n\$ plansim (.*)\n((?:.*\n)*?)```$", re.MULTILINE)
LEFT_OUT = "…"


@pytest.mark.parametrize(("command", "shown"), SHOWN.findall(PAGE))
def test_a_command_prints_what_the_page_shows(
    command: str, shown: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    assert main(shlex.split(command)) == 0
    printed = [line.rstrip() for line in capfd.readouterr().out.splitlines()]
    lines = shown.splitlines()
    before = lines.index(LEFT_OUT) if LEFT_OUT in lines else len(lines)
    after = max(len(lines) - before - 1, 0)
    assert len(printed) >= before + after, "`make readme` renews the page"
    assert printed[:before] == lines[:before], "`make readme` renews the page"
    assert printed[len(printed) - after :] == lines[len(lines) - after :], "`make readme` mends it"


def test_the_table_names_ten_objections_and_each_has_its_section() -> None:
    numbered = re.findall(r"^\| (\d+) \| ", PAGE, re.MULTILINE)
    assert numbered == [str(each) for each in range(1, 11)]
    assert re.findall(r"^## (\d+)\. ", PAGE, re.MULTILINE) == numbered


def test_every_objection_has_runs_and_an_answer() -> None:
    for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:11]:
        assert "```console\n$ plansim " in section
        assert len(re.sub(r"```.*?```", "", section, flags=re.DOTALL).split()) > 60
