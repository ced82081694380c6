"""The findings, in both languages: tables say what the runs say, and figures are the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import plansim

DOCS = Path(__file__).parents[2] / "docs"
# how each page calls the verdicts of its table
WORDS = {
    "findings.md": {"met": "met", "missed": "missed"},
    "findings.zh.md": {"达标": "met", "未达标": "missed"},
}
ROW = re.compile(
    r"^\| (?P<id>M\d+[ab]?) \| [^|]+ \| (?P<baseline>[^|]+) \| (?P<accelerated>[^|]+) \|", re.M
)
HEADING = re.compile(r"^(#+) ", re.M)
# an indicator, loop or check keeps its letter: M24 is not a 24
FIGURE = re.compile(r"[A-Z]?\d+(?:\.\d+)?[ab]?")
SPAN = re.compile(r"\b(20)(\d\d)–(\d\d)(?!\d)")


def _text(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def _figures(text: str) -> list[str]:
    """All figures of a text in their order; 4½ is 4.5, and 2001–05 is 2001 and 2005."""
    text = re.sub(r"(?<=\d)½", ".5", text)
    return FIGURE.findall(SPAN.sub(r"\1\2–\1\3", text))


def _sections(page: str) -> list[list[str]]:
    """Figures under each heading, without the table."""
    prose = "\n".join(line for line in _text(page).splitlines() if not line.startswith("|"))
    return [_figures(part) for part in re.split(r"^#+ ", prose, flags=re.M)]


@pytest.fixture(scope="module")
def verdicts() -> dict[tuple[str, str], plansim.Verdict]:
    model = plansim.load_model()
    targets = plansim.load_targets()
    found = {}
    for scenario in ("baseline", "accelerated-growth"):
        run = plansim.simulate(model, plansim.read_scenario(scenario, model))
        for verdict in plansim.check_targets(run, targets):
            found[scenario, verdict.id] = verdict
    return found


@pytest.mark.parametrize("page", WORDS)
def test_the_table_holds_every_binding_target(
    page: str, verdicts: dict[tuple[str, str], plansim.Verdict]
) -> None:
    rows = [row["id"] for row in ROW.finditer(_text(page))]
    binding = [key[1] for key, each in verdicts.items() if each.attribute == "binding"]
    assert sorted(rows) == sorted(set(binding))


@pytest.mark.parametrize("page", WORDS)
def test_each_row_says_what_the_runs_say(
    page: str, verdicts: dict[tuple[str, str], plansim.Verdict]
) -> None:
    for row in ROW.finditer(_text(page)):
        cells = {"baseline": row["baseline"], "accelerated-growth": row["accelerated"]}
        for scenario, cell in cells.items():
            status, figure = cell.split()
            verdict = verdicts[scenario, row["id"]]
            assert verdict.value is not None
            assert WORDS[page][status] == verdict.status.value, (row["id"], scenario)
            # printed to its last digit
            unit = 10.0 ** -len(figure.partition(".")[2])
            assert abs(float(figure) - verdict.value) <= 0.5001 * unit, (row["id"], scenario)


def test_both_pages_have_the_same_headings_and_figures() -> None:
    english, chinese = WORDS
    assert HEADING.findall(_text(english)) == HEADING.findall(_text(chinese))
    assert any(_sections(english))
    for here, there in zip(_sections(english), _sections(chinese), strict=True):
        assert here == there


def test_both_tables_have_the_same_figures() -> None:
    english, chinese = (
        [_figures(line) for line in _text(page).splitlines() if line.startswith("| M")]
        for page in WORDS
    )
    assert english == chinese
