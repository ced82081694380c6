"""What pages and notebooks name of the shipped model exists in it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from plansim.model.records import Model, Variable
from plansim.scenario.scenario_file import (
    list_overlays,
    list_scenarios,
    read_overlay,
    read_scenario,
)
from tests.docs.examples import ROOT, files_of

OTHER_MODELS = {"docs/topics/another-city.md", "notebooks/06-another-model.py"}
"""Pages about models of their own."""
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in (
        "*.md",
        "model/*.md",
        "docs/*.md",
        "docs/topics/*.md",
        "docs/guide/*/*.md",
        "notebooks/*.py",
    )
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"
)
SHIPPED = [page for page in PAGES if page not in OTHER_MODELS]
FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
NO_NAMES = {
    # what the commands print
    "at least", "at most", "no number", "no year", "not modelled",
    # keys of files
    "hold out from", "latin hypercube",
}  # fmt: skip
"""Words in small letters that name no variable."""
PROGRAMS = {"plansim", "make", "chmod", "kill", "import", "run"}
NAMING = {"--set", "--factor", "--lever", "--variable", "--price"}


@pytest.fixture(scope="module")
def known(city: Model) -> set[str]:
    """Names of variables, in both languages, of levers that are bent, and of scenarios."""
    found = {name.casefold() for variable in city.variables.values() for name in names(variable)}
    found |= {name.removesuffix(" after") for name in found}
    found |= {head.id for head in (*list_scenarios(), *list_overlays())}
    # A lever's name is that of the variable; its constants end with what they say of it.
    ends = (" to year", " until year", " series start", " in 2006", "恢复年份")
    for name in list(found):
        found |= {name + end for end in ends}
    return found


def names(variable: Variable) -> list[str]:
    return [variable.name, *([variable.name_zh] if variable.name_zh else [])]


def named_in_prose(text: str) -> Iterator[str]:
    """Yield what stands between backticks and reads as the name of a variable."""
    for quoted in re.findall(r"`([^`\n]+)`", FENCE.sub("", text)):
        name = quoted.partition("[")[0].partition("=")[0].strip()
        words = name.split()
        is_english = re.fullmatch(r"[a-z][a-z0-9-]*( [A-Za-z0-9-]{2,})+", name)
        if is_english and words[0] not in PROGRAMS and name not in NO_NAMES:
            yield name


def named_in_commands(text: str, naming: Collection[str] = NAMING) -> Iterator[str]:
    """Yield what options of the commands on a page name."""
    for line in re.findall(r"^(?:\$ |    )?(plansim .*)$", text, re.M):
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue
        for option, value in pairwise(words):
            name = re.split(r"[\[=]", value)[0].strip().replace("_", " ")
            if option in naming and name and not name.isupper():
                yield name


@pytest.mark.parametrize("page", SHIPPED)
def test_a_page_names_what_is_in_the_model_and_shows_scenarios_that_are_read(
    page: str, city: Model, known: set[str], tmp_path: Path
) -> None:
    text = (ROOT / page).read_text("utf-8")
    named = [*named_in_prose(text), *named_in_commands(text)]
    assert sorted({name for name in named if name.casefold() not in known}) == []
    shown = named_in_commands(text, {"--variable"})  # a lever may be written into an equation
    variables = {
        name.casefold() for variable in city.variables.values() for name in names(variable)
    }
    assert sorted({name for name in shown if name.casefold() not in variables}) == []

    files = files_of([page])
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    for name, text in files.items():
        if name.endswith(".yaml") and "title:" in text and "design:" not in text:
            path = tmp_path / name
            is_overlay = "kind: overlay" in text
            read = read_overlay(path, city) if is_overlay else read_scenario(path, city)
            assert read.values
