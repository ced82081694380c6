"""The pages of the documentation show what the commands print, and name every option."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import pytest

from plansim.cli.help import EXAMPLE
from plansim.cli.main import main, plansim
from tests.docs.examples import ROOT, SESSIONS, Example, files_of, pattern_of, read_examples

EXAMPLES = [example for pages in SESSIONS.values() for example in read_examples(pages)]
COMMANDS = (ROOT / "docs" / "commands.md").read_text("utf-8")


def parsed(example: Example) -> click.Context:
    """Parse the arguments of an example as its command does, without running it."""
    program, *arguments = shlex.split(example.command)
    assert program == "plansim"
    command: click.Command = plansim
    # Commands keep the help option that their first context gives them, hence the group's settings.
    context = click.Context(plansim, info_name="plansim", **plansim.context_settings)
    while isinstance(command, click.Group):
        name, found, arguments = command.resolve_command(context, arguments)
        assert found is not None
        command = found
        context = click.Context(command, info_name=name, parent=context)
    command.parse_args(context, arguments)
    return context


@pytest.mark.parametrize(
    "example",
    [one for one in EXAMPLES if one.command not in ("make run", "plansim --help")],
    ids=lambda example: f"{example.page}: {example.command}",
)
def test_an_example_has_the_form_of_its_command(
    example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert example.shown.strip()
    if not example.is_refused:
        parsed(example)


@pytest.mark.parametrize(
    "session",
    [
        pytest.param(name, marks=() if name == "another-city" else pytest.mark.slow)
        for name in SESSIONS
    ],
)
def test_the_examples_of_a_page_print_what_it_shows(
    session: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, text in files_of(SESSIONS[session]).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    wrong = []
    for example in read_examples(SESSIONS[session]):
        if example.command == "make run":
            continue  # tests/docs/test_readme.py
        capfd.readouterr()
        code = main(shlex.split(example.command)[1:])
        done = capfd.readouterr()
        printed = done.err if example.is_refused else done.out
        expected = 2 if example.is_refused else 0
        is_warned = session == "another-city" and "warning" in done.err
        if is_warned or code != expected or not re.fullmatch(pattern_of(example.shown), printed):
            wrong.append(f"{example.page}: {example.command}\n{printed}{done.err}")
    assert wrong == [], "`make results` renews what pages show"


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of each command; what `list` lists are no commands of their own."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group) and name != "list":
            yield from commands(command, *path, name)
        else:
            yield (*path, name)


def command_at(path: Sequence[str]) -> click.Command:
    command: click.Command = plansim
    for name in path:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    return command


def test_commands_md_has_every_command_with_an_example_and_no_option_that_is_not() -> None:
    """The site lists the options themselves from the commands (docs/site/options.md)."""
    lines = [example.command.split()[1:] for example in read_examples(SESSIONS["commands"])]
    shown = {path for path in commands(plansim) if list(path) in [x[: len(path)] for x in lines]}
    assert shown == set(commands(plansim)) - {("completion",)}
    sections = re.findall(r"^### (\S+)$", COMMANDS, re.MULTILINE)
    assert sorted(sections) == sorted(path[-1] for path in commands(plansim))
    known = {
        option
        for path in [(), *commands(plansim)]
        for parameter in command_at(path).params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    }
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", COMMANDS))
    assert named - known - {"--help", "--version"} == set()


@pytest.mark.parametrize("path", sorted(commands(plansim)), ids=" ".join)
def test_the_example_in_the_help_of_a_command_has_its_form(
    path: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    epilog = command_at(path).epilog
    if epilog is not None:
        words = epilog.removeprefix(EXAMPLE).strip()
        assert words.startswith(f"plansim {' '.join(path)}")
        parsed(Example("", words, ""))
