"""The guide has the same pages and examples in both languages."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE = re.compile(r"^```console\n\$ plansim (.*)\n((?:.*\n)*?)```$", re.MULTILINE)
GUIDE = ROOT / "docs" / "guide"
FILE = re.compile(r"^<!-- file: (.*) -->\n```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


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
