"""docs/commands.md is true: its examples print what it shows, and it names every option."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from plansim.cli.main import main, plansim

PAGE = (Path(__file__).parents[2] / "docs" / "commands.md").read_text("utf-8")
EXAMPLE = re.compile(r"^```console\n\$ plansim (.*)\n((?:.*\n)*?)```$", re.MULTILINE)
LEFT_OUT = "…"


def pattern_of(shown: str) -> str:
    """Make a pattern: a line ``…`` stands for any lines, ``…`` at a line's end for its rest."""
    lines = []
    for line in shown.splitlines():
        if line == LEFT_OUT:
            lines.append(r"(?:.*\n)*?")
        elif line.endswith(LEFT_OUT):
            lines.append(re.escape(line.removesuffix(LEFT_OUT).rstrip()) + r"(?: .*)?\n")
        else:
            lines.append(re.escape(line) + r"\n")
    return "".join(lines)


@pytest.mark.parametrize(("command", "shown"), EXAMPLE.findall(PAGE))
def test_an_example_prints_what_the_page_shows(
    command: str,
    shown: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    if ".zarr" in command and not command.startswith("sweep"):
        (sweep,) = (each for each, _ in EXAMPLE.findall(PAGE) if each.startswith("sweep"))
        assert main(shlex.split(sweep)) == 0
    capfd.readouterr()
    code = main(shlex.split(command))
    done = capfd.readouterr()
    refused = shown.startswith("plansim: ")
    assert code == (2 if refused else 0), done.err
    assert re.fullmatch(pattern_of(shown), done.err if refused else done.out)


def test_there_are_examples_of_every_command() -> None:
    shown = {command.split()[0] for command, _ in EXAMPLE.findall(PAGE)}
    assert shown == set(plansim.commands) - {"completion"}


@pytest.mark.parametrize(
    ("shown", "printed", "agrees"),
    [
        ("a\nb\n", "a\nb\n", True),
        ("a\n…\nd\n", "a\nb\nc\nd\n", True),
        ("a …\n", "a b c\n", True),
        ("a …\n", "ab\n", False),
        ("a\n", "a\nb\n", False),
        ("a\n…\ne\n", "a\nb\n", False),
    ],
)
def test_patterns(shown: str, printed: str, agrees: bool) -> None:
    assert bool(re.fullmatch(pattern_of(shown), printed)) == agrees


@pytest.mark.parametrize("name", sorted(plansim.commands))
def test_the_page_names_every_command_with_all_its_options(name: str) -> None:
    command = plansim.commands[name]
    (section,) = re.findall(rf"^## {name}\n((?:(?!^## ).*\n)*)", PAGE, re.MULTILINE)
    options = [
        option
        for each in (command, *getattr(command, "commands", {}).values())
        for parameter in each.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
        if option not in {"--output"}  # -o is the same
    ]
    assert [option for option in options if option not in section] == []
