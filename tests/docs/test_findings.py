"""The findings, in both languages: tables say what the runs say, and figures are the same."""

from __future__ import annotations

import re

import pytest

from tools.fill_examples import FINDING, FINDINGS, ROOT, SHOWN, binding_verdicts, renewed_findings

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
    """Figures under each heading, without the table."""
    prose = "\n".join(line for line in _text(page).splitlines() if not line.startswith("|"))
    return [_figures(part) for part in re.split(r"^#+ ", prose, flags=re.M)]


@pytest.mark.parametrize("page", FINDINGS)
def test_the_table_has_the_verdicts_of_runs_on_every_binding_target(page: str) -> None:
    text = _text(page)
    assert sorted(row[1] for row in FINDING.findall(text)) == sorted(binding_verdicts(SHOWN[0]))
    assert renewed_findings(page, text) == text, "`make results` renews the table"


def test_both_pages_have_the_same_headings_and_figures() -> None:
    english, chinese = FINDINGS
    assert HEADING.findall(_text(english)) == HEADING.findall(_text(chinese))
    assert any(_sections(english))
    for here, there in zip(_sections(english), _sections(chinese), strict=True):
        assert here == there


def test_both_tables_have_the_same_figures() -> None:
    english, chinese = (
        [_figures(line) for line in _text(page).splitlines() if line.startswith("| M")]
        for page in FINDINGS
    )
    assert english == chinese
