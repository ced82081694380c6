"""Every error, warning and help that a user can read is there in Chinese, and nothing else is."""

from __future__ import annotations

import ast
import errno
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest
from pydantic_core._pydantic_core import list_all_errors
from rich.cells import cell_len
from ruamel.yaml import YAML

import plansim
from plansim.cli.main import main
from plansim.cli.main import plansim as group
from plansim.errors import Fault
from plansim.output.messages import Catalogue, holes, read_catalogue, say_in
from plansim.output.text import Lang
from tests.helpers.extraction import extracted, parts
from tests.helpers.templates import called, templates_of

ROOT = Path(plansim.__file__).parent
LETTER = re.compile(r"[A-Za-z]")


@cache
def raw() -> dict[str, Any]:
    """Read the catalogue as it is written."""
    text = (ROOT / "output" / "locale" / "messages.yaml").read_text("utf-8")
    loaded: dict[str, Any] = YAML(typ="safe").load(text)
    return loaded


@cache
def sources() -> str:
    """Give all modules as one text."""
    return "\n".join(path.read_text("utf-8") for path in sorted(ROOT.rglob("*.py")))


@cache
def written() -> dict[str, str]:
    """Give every template in the sources, with a place where it stands."""
    return {found.text: found.place for found in templates_of(ROOT)}


def paragraphs(command: click.Command) -> set[str]:
    """Give all that the help of a command and of those below it is made of."""
    found = {
        " ".join(paragraph.removeprefix("\b").split())
        for paragraph in (command.help or "").split("\f")[0].split("\n\n")
    }
    found |= {each.help for each in command.params if isinstance(each, click.Option) and each.help}
    if isinstance(command, click.Group):
        found |= {text for each in command.commands.values() for text in paragraphs(each)}
    return found - {""}


def click_says() -> set[str]:
    """Give what click passes to gettext and a command line can show."""
    found = set()
    for name in ("core", "exceptions", "formatting", "parser", "types"):
        tree = ast.parse((Path(click.__file__).parent / f"{name}.py").read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and called(node) in ("_", "ngettext"):
                texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
                found |= {re.sub(r"\{\w+!r\}", "'{}'", str(text)) for text in texts}
    return {re.sub(r"\{\w+\}", "{}", text) for text in found}


# What click says to programmers, at prompts, of things that plansim has none of.
NEVER = re.compile(
    "Abort|deprecat|Deprecat|determine name|No options defined|exactly one|defined twice|"
    r"same flag|env var|dynamic|Error:|Try '|Choice\(|match the format|UUID|executable|_are req|"
    "values are required"
)


# --- complete and without leftovers -----------------------------------------------------------


def test_every_message_of_the_sources_has_its_chinese() -> None:
    known = {*raw()["errors"], *raw()["messages"]}
    missing = {text: place for text, place in written().items() if text not in known}
    assert not missing, "add to `errors` in messages.yaml"


def test_no_chinese_is_left_whose_message_is_gone() -> None:
    assert set(raw()["errors"]) <= set(written())


def test_the_search_finds_texts_however_they_are_handed_on() -> None:
    # Straight, by a helper, by a variable, chosen, from a table, from a nested helper.
    assert {
        "'{}' is a lookup table: it has no value over time",
        "'{}' is set twice",
        "a bracket is never closed",
        "the disk is full; what is written so far stays valid, --resume goes on from there",
        "a mapping (key: value)",
        "the row has no year to fit to",
    } <= set(written())


@pytest.mark.parametrize("section", ["parts", "joints", "words"])
def test_what_is_put_together_stands_in_the_sources_piece_by_piece(section: str) -> None:
    pieces = {piece for key in raw()[section] for piece in key.split("{}") if LETTER.search(piece)}
    assert {piece for piece in pieces if piece.strip("'") not in sources()} == set()


def test_every_help_has_its_chinese_and_no_chinese_is_left_over() -> None:
    wanted = paragraphs(group)
    chinese = set(raw()["help"])
    assert wanted - chinese == set(), "add to `help` in messages.yaml"
    from_click = {"Usage:", "Options", "Commands", "Positional arguments", "default: {}"}
    from_click |= {"Show this message and exit.", "[OPTIONS]", "COMMAND", "[COMMAND]", "[ARGS]..."}
    assert chinese - wanted == from_click | {"required", "INTEGER", "INTEGER RANGE"}


def test_what_click_says_has_its_chinese() -> None:
    ours = {*raw()["click"], *raw()["help"]}
    ours_folded = {text.casefold() for text in ours}
    missing = {text for text in click_says() if text.casefold() not in ours_folded}
    assert {text for text in missing if not NEVER.search(text)} == set()


def test_what_other_packages_say_is_what_they_say() -> None:
    foreign = raw()["foreign"]
    said = {os.strerror(code) for code in errno.errorcode}
    assert set(foreign["system"]) <= said
    templates = {each["message_template_python"] for each in list_all_errors()}
    forms = {re.sub(r"\{\w+\}", "{}", text) for text in templates}
    assert set(foreign["pydantic"]) <= forms | {each.replace("{}{}", "{}") for each in forms}
    folder = Path(YAML.__init__.__code__.co_filename).parent
    reader = "".join((folder / f"{name}.py").read_text() for name in ("scanner", "parser"))
    lost = {key for key in foreign["yaml"] if key.split("'")[0].split("{}")[0] not in reader}
    assert lost == set()


def test_chinese_has_as_many_parts_and_is_chinese() -> None:
    groups = {**raw(), **raw()["foreign"]}
    for name in ("joints", "parts", "errors", "click", "help", "system", "yaml", "pydantic"):
        for english, chinese in groups[name].items():
            assert holes(chinese) == list(range(english.count("{}"))), english
            assert LETTER.search(english) is None or chinese, english


def test_no_error_makes_a_text_of_a_fault() -> None:
    # As a text its parts could no longer be told apart.
    assert re.search(r"(Output|Simulation)Error\(\s*str\((Fault|fault)", sources()) is None


# --- literal templates ------------------------------------------------------------------------


def test_no_chinese_is_left_whose_template_is_gone() -> None:
    assert set(raw()["messages"]) - set(extracted(ROOT)) == set()


def test_chinese_has_the_parts_of_its_template() -> None:
    for template, chinese in raw()["messages"].items():
        assert parts(chinese) == parts(template), template


# --- saying -----------------------------------------------------------------------------------


@pytest.mark.parametrize("template", sorted(raw()["errors"]))
def test_a_filled_message_is_said_by_its_own_entry(template: str) -> None:
    chinese = raw()["errors"][template]
    if re.search(r"\{\d*:(word|number|said|list)\}", chinese):
        parts = [str(1000 + place) for place in range(template.count("{}"))]
        if ":word" in chinese:
            parts = ["stock", *parts[1:]]
    else:
        parts = [f"⟨{place}⟩" for place in range(template.count("{}"))]
    message = template
    for part in parts:
        message = message.replace("{}", part, 1)
    said = read_catalogue().say(message)
    for part in parts:
        assert (part if part != "stock" else "存量") in said
    literal = re.split(r"\{[^}]*\}", chinese)
    assert all(piece in said for piece in literal)


def test_a_message_that_nobody_knows_stays_as_it_is() -> None:
    say = say_in(Lang.ZH)
    for message in ("PySD cannot count from 3 to many", "a strange thing: it broke", "no: never"):
        assert say(message) == message
    assert say_in(Lang.EN)("no such file") == "no such file"


def test_a_name_that_looks_like_a_message_is_not_translated() -> None:
    fault = Fault("no scenario is called 'no such file'", nearest="the file is empty")
    assert fault.written(say_in(Lang.ZH)) == (
        "没有名为“no such file”的情景；是否指“the file is empty”？"
    )


def test_a_message_inside_of_a_message_is_said_too() -> None:
    say = say_in(Lang.ZH)
    assert say("'credit ease after': '亿元' and 'Dmnl' do not measure the same thing") == (
        "“credit ease after”：“亿元”与“Dmnl”量纲不同"
    )
    assert say("Invalid value for '-n': 'x' is not a valid integer.") == (
        "“-n”的值无效：“x”不是有效的整数。"
    )


def test_messages_are_matched_in_linear_time() -> None:
    hostile = "'a' and " * 20_000
    assert read_catalogue().say(hostile) == hostile


def test_the_catalogue_is_a_plain_record() -> None:
    assert isinstance(read_catalogue(), Catalogue)


# --- the command line -------------------------------------------------------------------------


def every_command(command: click.Command, *words: str) -> list[tuple[str, ...]]:
    """Give every command by its words."""
    found = [words]
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            found += every_command(each, *words, name)
    return found


@pytest.mark.parametrize("words", every_command(group), ids=" ".join)
def test_help_is_chinese_fits_and_lines_up(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert main([*words, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("用法：plansim")
    assert "选项：" in lines
    # `completion` shows shell commands, which are not broken.
    assert words == ("completion",) or max(map(cell_len, lines)) <= 80
    listed = lines[lines.index("选项：") + 1 :]
    starts = {
        cell_len(line[: row.end()])
        for line in listed
        if (row := re.match(r"  -.*?\S  +(?=\S)|   {5,}(?=\S)", line))
    }
    assert len(starts) <= 1 or "命令：" in listed
    english = re.compile(r"(?<!-)\b(the|of|and|else|if|with|is|to)\b(?!-)")
    assert [line for line in lines if english.search(line) and "eval" not in line] == []


@pytest.mark.parametrize("words", every_command(group), ids=" ".join)
def test_help_is_in_the_language_asked_for_wherever_the_option_stands(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    lang = ("--lang", "zh")
    lines = [[*words, "--help", *lang], [*words, *lang, "-h"], [*words, "--help", "--lang=zh"]]
    lines += [[*words[:place], *lang, *words[place:], "--help"] for place in range(len(words))]
    shown = set()
    for line in lines:
        assert main(line) == 0, line
        shown.add(capsys.readouterr().out)
    (text,) = shown
    assert text.startswith("用法：plansim")
    assert main([*words, "--help"]) == 0
    assert capsys.readouterr().out.startswith("Usage: plansim")


@pytest.mark.parametrize(
    "line", [["--lang", "zh", "list"], ["list", "--lang", "zh"], ["--lang=en", "list", "--lang=zh"]]
)
def test_the_language_of_a_group_is_that_of_its_help_and_of_its_commands(
    line: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line) == 0
    assert capsys.readouterr().out.startswith("用法：plansim list")
    assert main(["list", "scenarios", "--lang", "zh"]) == 0
    expected = capsys.readouterr().out
    assert main([*line, "scenarios"]) == 0
    assert capsys.readouterr().out == expected


def test_english_help_is_clicks_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert main(["check", "--lang", "en", "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Usage: plansim check [OPTIONS] [SCENARIO]...\n")
    assert not re.search("[\u4e00-\u9fff]", out)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            ["chek", "baseline", "--lang", "zh"],
            "没有命令“chek”。是否指“check”？（用法见“plansim --help”）",
        ),
        (["check", "basline", "--lang=zh"], "没有名为“basline”的情景；应为："),
        (["--lang", "zh", "check", "basline"], "是否指“baseline”？"),
        (["show", "--lang", "zh"], "缺少参数“NAME”。（用法见“plansim show --help”）"),
        (["run", "--lang", "zh"], "缺少参数“SCENARIO”；可用“plansim list scenarios”查看已有情景。"),
        (
            ["run", "baseline", "--lang", "zh", "--set", "x"],
            "--set: 不是有效的设定；应为：名称=数值",
        ),
        (
            ["run", "baseline", "--lang", "zh", "-o", "a.txt"],
            "a.txt: 未知的输出文件类型；应为：以 ",
        ),
    ],
)
def test_errors_are_chinese_where_chinese_is_asked_for(
    line: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line) == 2
    assert said in capsys.readouterr().err


def test_a_broken_scenario_is_explained_in_chinese(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("titel: {en: A, zh: 甲}\nparent: basline\nvalues: 3\n", "utf-8")
    assert main(["check", str(path), "--lang", "zh"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert any(line.endswith("是否指“title”？") and "未知的键“titel”" in line for line in lines)
    assert any("“values”的类型不对；应为：键值映射（键: 值）；实际：3" in line for line in lines)
    assert not any(re.search("expected|found|did you mean", line) for line in lines)


def test_warnings_are_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "baseline", "--set", "credit ease after=3", "--lang", "zh"]) == 0
    assert "警告：--set: “credit ease after”超出合理范围；应为：" in capsys.readouterr().err
