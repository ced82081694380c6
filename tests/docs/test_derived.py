"""Derived parts of pages are what runs make, and both languages say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.examples import SESSIONS, files_of, read_examples
from tools.derived import FINDING, PART, PARTS, ROOT, SPEC, binding_verdicts, renewed_parts

FINDINGS = ("docs/findings.md", "docs/findings.zh.md")
LIMITS = ("docs/limits.md", "docs/limits.zh.md")
HEADING = re.compile(r"^(#+) ", re.M)
# an indicator, loop or check keeps its letter: M24 is not a 24
FIGURE = re.compile(r"[A-Z]?\d+(?:\.\d+)?[ab]?")
SPAN = re.compile(r"\b(20)(\d\d)–(\d\d)(?!\d)")


def _text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def _figures(text: str) -> list[str]:
    """All figures of a text in their order; 4½ is 4.5, and 2001–05 is 2001 and 2005."""
    text = re.sub(r"(?<=\d)½", ".5", text)
    return FIGURE.findall(SPAN.sub(r"\1\2–\1\3", text))


def _sections(page: str) -> list[list[str]]:
    """Figures under each heading, without tables and derived parts."""
    text = PART.sub("", _text(page))
    prose = "\n".join(line for line in text.splitlines() if not line.startswith("|"))
    return [_figures(part) for part in re.split(r"^#+ ", prose, flags=re.M)]


@pytest.mark.city
@pytest.mark.parametrize("page", SPEC.pages)
def test_a_page_has_the_derived_parts_that_runs_make(page: str) -> None:
    text = _text(page)
    assert {found["name"] for found in PART.finditer(text)} <= set(PARTS)
    assert PART.search(text)
    assert renewed_parts(page, slow=False) == text, "`make results` renews the page"


@pytest.mark.slow
@pytest.mark.parametrize("page", FINDINGS)
def test_the_findings_on_decisions_are_what_commands_find(page: str) -> None:
    assert renewed_parts(page) == _text(page), "`make results` renews the page"


@pytest.mark.parametrize("page", FINDINGS)
def test_the_findings_have_a_row_on_every_binding_target(page: str) -> None:
    rows = sorted(found[2] for found in FINDING.finditer(_text(page)))
    assert rows == sorted(binding_verdicts(SPEC.growth[0]))


@pytest.mark.parametrize("pages", [FINDINGS, LIMITS])
def test_both_languages_have_the_same_headings_parts_and_figures(pages: tuple[str, str]) -> None:
    english, chinese = map(_text, pages)
    assert HEADING.findall(english) == HEADING.findall(chinese)
    parts = [[found["name"] for found in PART.finditer(text)] for text in (english, chinese)]
    assert parts[0] == parts[1]
    here, there = map(_sections, pages)
    assert any(here)
    for one, other in zip(here, there, strict=True):
        assert one == other


def test_both_tables_of_targets_have_the_same_figures() -> None:
    english, chinese = (
        [_figures(line) for line in _text(page).splitlines() if re.match(r"\| M\d", line)]
        for page in FINDINGS
    )
    assert english == chinese


FOLDER = Path(__file__).parents[2] / "docs" / "results"


def test_the_list_names_every_file() -> None:
    listed = re.findall(r"^\| \[(.+?)\]", (FOLDER / "README.md").read_text("utf-8"), re.M)
    assert {path.name for path in FOLDER.glob("*.*")} == {*listed, "README.md"}


def test_the_page_on_tests_shows_its_pictures_and_no_others() -> None:
    page = (FOLDER / "validation.md").read_text("utf-8")
    shown = re.findall(r"!\[[^]]+\]\(pictures/(\S+)\)", page)
    assert sorted(shown) == sorted(path.name for path in FOLDER.glob("pictures/*")) != []


def test_both_languages_have_the_same_pages_with_the_same_examples() -> None:
    english, chinese = SESSIONS["guide-en"], SESSIONS["guide-zh"]
    assert [Path(page).name for page in english] == [Path(page).name for page in chinese]
    for pages in zip(english, chinese, strict=True):
        here, there = ([one.command.split()[1] for one in read_examples([p])] for p in pages)
        assert here == there
        assert files_of([pages[0]]) == files_of([pages[1]])
