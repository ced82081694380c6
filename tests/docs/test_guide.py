"""The guide has the same pages and examples in both languages; its pages lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

from tools.build_guide import guide_pages

ROOT = Path(__file__).parents[2]
EXAMPLE = re.compile(r"^```console\n\$ plansim (.*)\n((?:.*\n)*?)```$", re.MULTILINE)
GUIDE = ROOT / "docs" / "guide"
FILE = re.compile(r"^<!-- file: (.*) -->\n```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r'(?:href|src)="([^"#]*)')


def texts(lang: str) -> dict[str, str]:
    return {path.stem: path.read_text("utf-8") for path in sorted((GUIDE / lang).glob("*.md"))}


def test_both_languages_have_the_same_pages_with_the_same_examples() -> None:
    english, chinese = texts("en"), texts("zh")
    assert list(english) == list(chinese)

    def bare(text: str) -> list[str]:
        return [command.split()[0] for command, _ in EXAMPLE.findall(text)]

    for name, text in english.items():
        assert bare(text) == bare(chinese[name])
        assert FILE.findall(text) == FILE.findall(chinese[name])


def test_the_built_pages_lead_somewhere_and_to_no_host() -> None:
    pages = guide_pages()
    for path, text in pages.items():
        if not path.endswith(".html"):
            continue
        assert "http:" not in text
        assert "https:" not in text
        for link in LINK.findall(text):
            target = (Path("/") / Path(path).parent / link).resolve().relative_to("/")
            assert not link or str(target) in pages, f"{path}: {link}"
