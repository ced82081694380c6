"""Every error, warning and help that a user can read is there in Chinese, and nothing else is."""

from __future__ import annotations

import ast
import errno
import itertools
import os
import re
from functools import cache
from pathlib import Path

import click
import pytest
from rich.cells import cell_len
from ruamel.yaml import YAML

import plansim
from plansim.cli.help import EXAMPLE, CommandGroup
from plansim.cli.main import main
from plansim.cli.main import plansim as group
from plansim.errors import Message, Option
from plansim.model.records import VariableKind
from plansim.output.words.language import say_in
from plansim.output.words.text import Lang
from tests.helpers.extraction import extracted, has_words, not_literal, parts

ROOT = Path(plansim.__file__).parent


@cache
def raw() -> dict[str, dict[str, str]]:
    """Read the catalogue as it is written."""
    text = (ROOT / "output" / "words" / "locale" / "messages.yaml").read_text("utf-8")
    loaded: dict[str, dict[str, str]] = YAML(typ="safe").load(text)
    return loaded


def paragraphs(command: click.Command) -> set[str]:
    """Give all that the help of a command and of those below it is made of."""
    found = {
        " ".join(paragraph.removeprefix("\b").split())
        for paragraph in (command.help or "").split("\f")[0].split("\n\n")
    }
    found |= {
        param.help for param in command.params if isinstance(param, click.Option) and param.help
    }
    if isinstance(command, CommandGroup):
        found |= set(command.sections)
        found |= {text for inner in command.commands.values() for text in paragraphs(inner)}
    assert (command.epilog or "").startswith(EXAMPLE) or command.name == "completion"
    return found - {""}


def click_says() -> set[str]:
    """Give what click passes to gettext and a command line can show."""
    found = set()
    for name in ("core", "exceptions", "formatting", "parser", "types"):
        tree = ast.parse((Path(click.__file__).parent / f"{name}.py").read_text("utf-8"))
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            if isinstance(node.func, ast.Name) and node.func.id in ("_", "ngettext"):
                texts = [
                    argument.value for argument in node.args if isinstance(argument, ast.Constant)
                ]
                found |= {str(text) for text in texts}
    return found


# What click says to programmers, at prompts, of things that plansim has none of.
NEVER = re.compile(
    "Abort|deprecat|Deprecat|determine name|No options defined|exactly one|defined twice|"
    r"same flag|env var|dynamic|Error:|Try '|Choice\(|match the format|UUID|executable|_are req|"
    "values are required|^(file|directory|path)$"
)


# --- complete and without leftovers -----------------------------------------------------------


def test_every_template_is_literal_and_has_its_chinese_and_no_chinese_is_left_over() -> None:
    assert not_literal(ROOT) == []
    chinese = set(raw()["messages"])
    wanted = {text: line for text, line in extracted(ROOT).items() if has_words(text)}
    missing = {text: line for text, line in wanted.items() if text not in chinese}
    assert missing == {}, "add to `messages` in messages.yaml"
    assert chinese - set(extracted(ROOT)) == set(), "nothing says these: take them out"


def test_chinese_has_the_parts_of_its_template_and_none_means_two_things() -> None:
    seen: dict[str, str] = {}
    for section, entries in raw().items():
        for template, chinese in entries.items():
            assert chinese, template
            assert seen.setdefault(template, chinese) == chinese, template
            if section in ("messages", "click"):
                assert parts(chinese) <= parts(template), template
            # click names the kind of a number or a path in English only.
            if section == "messages":
                assert parts(chinese) == parts(template), template


def test_words_are_in_the_sources() -> None:
    sources = "\n".join(path.read_text("utf-8") for path in sorted(ROOT.rglob("*.py")))
    assert [word for word in raw()["words"] if f'"{word}"' not in sources] == []


def test_every_help_has_its_chinese_and_no_chinese_is_left_over() -> None:
    wanted = paragraphs(group)
    chinese = set(raw()["help"])
    assert wanted - chinese == set(), "add to `help` in messages.yaml"
    from_click = {"Show this message and exit.", "[OPTIONS]", "COMMAND", "[COMMAND]", "[ARGS]..."}
    assert chinese - wanted == from_click | {"Example: {}"}


def test_what_click_says_has_its_chinese_and_no_chinese_is_left_over() -> None:
    chinese = set(raw()["click"])
    missing = click_says() - chinese - set(raw()["help"])
    assert {text for text in missing if not NEVER.search(text)} == set()
    assert chinese - click_says() == {"required"}  # passed by a variable


def test_what_other_packages_say_is_what_they_say() -> None:
    assert set(raw()["system"]) <= {os.strerror(code) for code in errno.errorcode}
    folder = Path(YAML.__init__.__code__.co_filename).parent
    reader = "".join((folder / f"{name}.py").read_text() for name in ("scanner", "parser"))
    lost = {key for key in raw()["yaml"] if key.split("'")[0] not in reader}
    assert lost == set()


# --- saying -----------------------------------------------------------------------------------


def test_a_message_inside_of_a_message_is_said_too() -> None:
    template = "'{unit}' and '{wanted_unit}' do not measure the same thing"
    unlike = Message(template, unit="亿元", wanted_unit="Dmnl")
    about = Message("'{name}': {message}", name="credit ease after", message=unlike)
    assert about.written(say_in(Lang.ZH)) == "“credit ease after”：“亿元”与“Dmnl”量纲不同"
    kind = Message("a {kind}", kind=VariableKind.STOCK)
    assert (str(kind), kind.written(say_in(Lang.ZH))) == ("a stock", "存量")
    listed = Message("one of {names}", names=("a", "b"))
    assert (str(listed), listed.written(say_in(Lang.ZH))) == ("one of a, b", "a、b 之一")
    unknown = "a {strange} thing"
    assert Message(unknown).written(say_in(Lang.ZH)) == unknown


# --- the command line -------------------------------------------------------------------------


def options(command: click.Command) -> set[str]:
    """Give the options of a command and of those below it."""
    inner = command.commands.values() if isinstance(command, CommandGroup) else ()
    own = {name for param in command.params for name in param.opts}
    return own.union(*map(options, inner))


@pytest.mark.parametrize("lang", Lang)
def test_an_argument_is_named_as_the_option_that_it_is_on_the_command_line(lang: Lang) -> None:
    assert {say_in(lang)(argument) for argument in Option} <= options(group)


def every_command(command: click.Command, *words: str) -> list[tuple[str, ...]]:
    """Give every command by its words."""
    found = [words]
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            found += every_command(inner, *words, name)
    return found


@pytest.mark.parametrize("words", every_command(group), ids=" ".join)
def test_help_is_chinese_fits_and_lines_up_wherever_the_language_is_asked_for(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert main([*words, "--help"]) == 0
    said = capsys.readouterr().out
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    lang = ("--lang", "zh")
    asked = [[*words, "--help", *lang], [*words, *lang, "-h"], [*words, "--help", "--lang=zh"]]
    asked += [[*words[:place], *lang, *words[place:], "--help"] for place in range(len(words))]
    for line in asked:
        assert main(line) == 0, line
        assert capsys.readouterr().out == said
    assert main([*words, "--help"]) == 0
    assert capsys.readouterr().out.startswith("Usage: plansim")

    lines = said.splitlines()
    assert lines[0].startswith("用法：plansim")
    # `completion` shows shell commands, which are not broken.
    assert words == ("completion",) or max(map(cell_len, lines)) <= 80
    options = itertools.takewhile(bool, lines[lines.index("选项：") + 1 :])
    starts = {
        cell_len(line[: row.end()])
        for line in options
        if (row := re.match(r"  -.*?\S  +(?=\S)|   {5,}(?=\S)", line))
    }
    assert len(starts) == 1
    english = re.compile(r"(?<!-)\b(the|of|and|else|if|with|is|to)\b(?!-)")
    assert [line for line in lines if english.search(line) and "eval" not in line] == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            ["chek", "baseline", "--lang", "zh"],
            "没有命令“chek”。 是否指 'check'？（用法见“plansim --help”）",
        ),
        (["--lang", "zh", "check", "basline"], "是否指“baseline”？"),
        (["show", "--lang", "zh"], "缺少参数 'NAME'。（用法见“plansim show --help”）"),
        (["run", "--lang", "zh"], "缺少参数“SCENARIO”；可用“plansim list scenarios”查看已有情景。"),
        (["run", "baseline", "--lang", "zh", "--set", "x"], "不是有效的设定；应为：名称=数值"),
        (["run", "baseline", "--lang", "zh", "-o", "a.txt"], "a.txt: 未知的输出文件类型；应为："),
    ],
)
def test_errors_are_chinese_where_chinese_is_asked_for(
    line: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line) == 2
    assert said in capsys.readouterr().err
