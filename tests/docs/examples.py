"""The commands that pages of the documentation show, and what is printed beside each."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

__all__ = [
    *("LEFT_OUT", "ROOT", "SESSIONS", "Example"),
    *("environment", "files_of", "pattern_of", "read_examples", "site_module"),
]

ROOT = Path(__file__).parents[2]
LEFT_OUT = "…"
"""Stands for any lines where it is a line, and for the rest of a line at its end."""

SESSIONS: dict[str, list[str]] = {
    "README": ["README.md"],
    "commands": ["docs/commands.md"],
    "scenarios": ["docs/topics/scenarios.md"],
    "objections": ["docs/objections.md"],
    "another-city": ["docs/topics/another-city.md"],
    **{
        f"guide-{lang}": [
            path.relative_to(ROOT).as_posix()
            for path in sorted((ROOT / "docs" / "guide" / lang).glob("*.md"))
        ]
        for lang in ("en", "zh")
    },
}
"""Pages whose examples run one after another in one folder."""

_EXAMPLE = re.compile(r"^```console\n\$ (.*)\n((?:.*\n)*?)```$", re.MULTILINE)
_FILE = re.compile(r"^<!-- file: ([^\n]*) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """A command and what the page shows below it."""

    page: str
    command: str
    shown: str

    @property
    def is_refused(self) -> bool:
        """Whether the page shows an error."""
        return self.shown.startswith("plansim: ")


def site_module(name: str) -> ModuleType:
    """Import a module of docs/site, which is no package."""
    spec = spec_from_file_location(name, ROOT / "docs" / "site" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def read_examples(pages: list[str]) -> list[Example]:
    """Return the examples of pages in the order in which they can run.

    That is the order of the page, but sweeps come first: a reference names commands by group, and
    a report may show the runs of a sweep that is explained further below.
    """
    examples = [
        Example(page, command, shown)
        for page in pages
        for command, shown in _EXAMPLE.findall((ROOT / page).read_text("utf-8"))
    ]
    if len(pages) > 1:  # pages of a guide, which are read from first to last
        return examples
    return sorted(examples, key=lambda example: " sweep " not in example.command)


def files_of(pages: list[str]) -> dict[str, str]:
    """Return the files that pages show, by name."""
    return {
        name: text
        for page in pages
        for name, text in _FILE.findall((ROOT / page).read_text("utf-8"))
    }


def pattern_of(shown: str) -> str:
    """Return a regular expression for what is printed where a page shows ``shown``."""
    lines = []
    for line in shown.splitlines():
        if line == LEFT_OUT:
            lines.append(r"(?:.*\n)*?")
        elif line.endswith(LEFT_OUT):
            lines.append(re.escape(line.removesuffix(LEFT_OUT).rstrip()) + r".*\n")
        else:
            lines.append(re.escape(line) + r"[ ]*\n")
    return "".join(lines)


def environment() -> dict[str, str]:
    """Return an environment in which a user's terminal does not decide what is printed."""
    inherited = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith("MAKE") and name not in ("LC_ALL", "LC_MESSAGES", "LANG")
    }
    return {**inherited, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONUTF8": "1"}
