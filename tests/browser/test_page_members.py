"""Members of the ensemble in the page: shares, bands and the answer, held to those of plansim."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plansim.analysis.ensemble import (
    check_scenarios,
    evaluate_members,
    load_ensemble,
    verdict_shares,
)
from plansim.model.records import Model
from plansim.output.words.answer import answer
from plansim.output.words.text import Lang, read_text
from plansim.scenario.scenario_file import Scenario, read_scenario
from plansim.targets.catalogue import load_targets
from tests.helpers.visit import FIRST, SECOND, Another, Visit


def expected_shares(city: Model, scenario: Scenario) -> dict[str, float]:
    frame = verdict_shares(city, scenario)
    return dict(zip(frame["target"], 100 * frame["share"], strict=True))


def assert_close(found: Mapping[str, int | None], expected: Mapping[str, float]) -> None:
    """Hold shares to those of the engine: members travel as steps, so that one may turn."""
    for name, share in found.items():
        if share is None:
            assert np.isnan(expected[name]), name
        else:
            assert abs(share - expected[name]) <= 1, name


def test_members_decide_as_they_do_in_the_engine(visit: Visit, city: Model, tmp_path: Path) -> None:
    """Under a shipped scenario, one with overlays, and one whose levers were moved."""
    page = visit.page
    laid = f"{SECOND}+drought+strict-enforcement"
    page.locator(".side-b .overlays summary").click()
    for name in ("drought", "strict-enforcement"):
        page.locator(f'.side-b [data-overlay="{name}"]').check()
    visit.move("technology growth", 0.3)  # no policy: members change it, too
    visit.move("abatement effort after", 1.1)  # policy: it stays as it is set
    visit.wait_for_members("a", "b")
    path = tmp_path / "moved.yaml"
    path.write_text(page.evaluate("window.plansim.yaml('a')"), "utf-8")
    assert_close(visit.shares("a"), expected_shares(city, read_scenario(path, city)))
    assert_close(visit.shares("b"), expected_shares(city, read_scenario(laid, city)))
    said = page.locator(".light-key").inner_text()
    assert f"{len(load_ensemble(city))} were run" in said


def test_the_band_of_a_chart_is_that_of_the_members(visit: Visit, city: Model) -> None:
    (target,) = (one for one in load_targets(model=city) if one.id == "M01")
    visit.wait_for_members("a")
    low, high = visit.page.evaluate("window.plansim.band('a', 'GDP')")
    years = [2005 + at for at in range(len(low))]
    members = evaluate_members(city, read_scenario(FIRST, city), [target], load_ensemble(city))
    values = members[target.id].value
    at = years.index(target.year or 0)
    np.testing.assert_allclose((low[at], high[at]), np.quantile(values, (0.1, 0.9)), rtol=1e-4)


@pytest.mark.parametrize("lang", [Lang.EN, Lang.ZH])
def test_the_answer_is_that_of_check(
    visit: Visit, city: Model, stories: Mapping[str, Scenario], lang: Lang
) -> None:
    text = read_text(lang)
    page = visit.page
    page.locator(f'[data-lang="{lang}"]').click()
    names = {key: text.pick(one.title_en, one.title_zh) for key, one in stories.items()}
    verdicts = check_scenarios(city, list(stories.values()), load_targets(model=city))

    def expected(*chosen: str) -> str:
        return answer([one for name in chosen for one in verdicts if one.scenario == name],
                      text, names)  # fmt: skip

    for name in stories.keys() - {FIRST}:
        page.select_option("#run-b", name)
        assert page.locator("#answer").text_content() == expected(FIRST, name)
        assert names[name] in page.locator("h1").inner_text()
    page.select_option("#run-b", "")
    assert page.locator("#answer").text_content() == expected(FIRST)


def test_four_scenarios_stand_beside_each_other(visit: Visit) -> None:
    page = visit.page
    more = page.get_by_role("button", name="Compare one more")
    more.click()
    more.click()
    assert not more.is_visible()
    page.select_option("#run-c", "slow-growth")
    page.select_option("#run-d", "green-transition")
    heads = page.locator("#panel-overview .column:visible .badge").all_inner_texts()
    assert heads == ["A", "B", "C", "D"]
    rows: Any = page.locator("#panel-overview .board-row[data-target]").evaluate_all(
        """(rows) => rows.map((row) => [
          row.classList.contains("is-different"),
          [...row.querySelectorAll(".verdict:not([hidden])")].map(
            ({ dataset }) => `${dataset.status} ${dataset.central}`,
          ),
        ])"""
    )
    assert all(len(shown) == 4 for _, shown in rows)
    assert [marked for marked, _ in rows] == [len(set(shown)) > 1 for _, shown in rows]
    assert any(marked for marked, _ in rows)
    assert "#" in page.url
    assert "d=green-transition" in page.url
    page.select_option("#run-b", "")  # those after it move up
    state: Any = page.evaluate("window.plansim.state()")
    assert [state[side]["scenario"] for side in "abcd"] == [
        FIRST, "slow-growth", "green-transition", "",
    ]  # fmt: skip


def test_members_run_without_workers_too(another: Another, address: str) -> None:
    visit = another("about:blank", ready=False)
    visit.page.add_init_script("window.Worker = undefined;")
    visit.page.goto(address)
    visit.page.wait_for_function("document.documentElement.dataset.ready")
    visit.wait_for_members("a", "b", count=25)
