"""The table of docs/findings.md says what the runs say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import plansim

PAGE = Path(__file__).parents[1] / "docs" / "findings.md"
ROW = re.compile(
    r"^\| (?P<id>M\d+[ab]?) \| [^|]+ \| (?P<baseline>[^|]+) \| (?P<accelerated>[^|]+) \|", re.M
)


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


def test_the_table_holds_every_binding_target(
    verdicts: dict[tuple[str, str], plansim.Verdict],
) -> None:
    rows = [row["id"] for row in ROW.finditer(PAGE.read_text(encoding="utf-8"))]
    binding = [key[1] for key, each in verdicts.items() if each.attribute == "binding"]
    assert sorted(rows) == sorted(set(binding))


def test_each_row_says_what_the_runs_say(
    verdicts: dict[tuple[str, str], plansim.Verdict],
) -> None:
    for row in ROW.finditer(PAGE.read_text(encoding="utf-8")):
        cells = {"baseline": row["baseline"], "accelerated-growth": row["accelerated"]}
        for scenario, cell in cells.items():
            status, figure = cell.split()
            verdict = verdicts[scenario, row["id"]]
            assert verdict.value is not None
            assert status == verdict.status.value, (row["id"], scenario)
            # printed to its last digit
            unit = 10.0 ** -len(figure.partition(".")[2])
            assert abs(float(figure) - verdict.value) <= 0.5001 * unit, (row["id"], scenario)
