"""The guide is true: its examples run, in order, in both languages; its pages lead somewhere."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from plansim.cli.main import main
from tests.docs.test_commands_page import EXAMPLE, pattern_of

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guide"
FILE = re.compile(r"^<!-- file: (.*) -->\n```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r'(?:href|src)="([^"#]*)')


def texts(lang: str) -> dict[str, str]:
    return {path.stem: path.read_text("utf-8") for path in sorted((GUIDE / lang).glob("*.md"))}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_examples_run_in_order(
    lang: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for text in texts(lang).values():
        for name, content in FILE.findall(text):
            (tmp_path / name).write_text(content, "utf-8")
        for command, shown in EXAMPLE.findall(text):
            capfd.readouterr()
            code = main(shlex.split(command))
            done = capfd.readouterr()
            refused = shown.startswith("plansim: ")
            assert code == (2 if refused else 0), f"{command}: {done.err}"
            said = done.err if refused else done.out
            assert re.fullmatch(_begins(shown), said), f"{command}:\n{said}"


def _begins(shown: str) -> str:
    """As in commands.md, but ``…`` right after a word leaves out the rest of its line, too."""
    pattern = pattern_of(re.sub(r"(?<=[^\s])…$", " …", shown, flags=re.MULTILINE))
    return pattern.replace(r"(?: .*)?\n", r".*\n")


def test_both_languages_have_the_same_pages_with_the_same_examples() -> None:
    english, chinese = texts("en"), texts("zh")
    assert list(english) == list(chinese)

    def bare(text: str) -> list[str]:
        return [command.split()[0] for command, _ in EXAMPLE.findall(text)]

    for name, text in english.items():
        assert bare(text) == bare(chinese[name])
        assert FILE.findall(text) == FILE.findall(chinese[name])


def test_the_built_pages_lead_somewhere_and_to_no_host() -> None:
    pages = built()()
    for path, text in pages.items():
        if not path.endswith(".html"):
            continue
        assert "http:" not in text
        assert "https:" not in text
        for link in LINK.findall(text):
            target = (Path("/") / Path(path).parent / link).resolve().relative_to("/")
            assert not link or str(target) in pages, f"{path}: {link}"


def built() -> Callable[[], dict[str, str]]:
    spec = importlib.util.spec_from_file_location("build_guide", ROOT / "tools" / "build_guide.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[[], dict[str, str]] = module.guide_pages
    return found
