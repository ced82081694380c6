"""What the page says B's margins owe their difference to: the shares of `plansim why attribute`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plansim.analysis.attribution.assumptions import attribute, groups_of
from plansim.analysis.attribution.shapley import MOST_EXACT
from plansim.engine.simulate import simulate
from plansim.model.records import Model
from plansim.scenario.scenario_file import Scenario, read_scenario
from plansim.targets.catalogue import load_targets
from plansim.targets.target import judged_targets
from plansim.targets.verdict import check_targets
from plansim.targets.views_file import load_views
from tests.helpers.visit import FIRST, SECOND, Visit

ORDERS = 60


def pages_shares(visit: Visit, orders: int = ORDERS) -> Any:
    return visit.page.evaluate("(orders) => window.plansim.attribute(orders)", orders)


def assert_shares(ours: Any, visit: Visit, model: Model, before: Scenario, after: Scenario) -> None:
    """Hold all shares of the page to those of `attribute`."""
    ids: Any = visit.page.evaluate("window.plansim.targets")
    targets = judged_targets(load_targets(model=model))
    theirs = attribute(model, before, after, targets, orders=ORDERS)
    assert [change["id"] for change in ours["changes"]] == [group.name for group in theirs.groups]
    assert (ours["runs"], ours["orders"]) == (theirs.runs, theirs.orders)
    assert ids == [target.target.id for target in theirs.targets]
    for place, shares in enumerate(theirs.targets):
        size = max(map(abs, (shares.margin_before, shares.margin_after, *shares.shares)))
        close = 1e-9 * max(size, 1e-3)
        for mine, other in (
            (ours["from"][place], shares.margin_before),
            (ours["to"][place], shares.margin_after),
            (ours["shares"][place], shares.shares),
            (ours["errors"][place], shares.errors),
        ):
            np.testing.assert_allclose(mine, other, rtol=0, atol=close)
        change = ours["to"][place] - ours["from"][place]
        assert math.fsum(ours["shares"][place]) == pytest.approx(change, abs=close)


@pytest.mark.parametrize(("other", "exact"), [(SECOND, True), ("green-transition", False)])
def test_shares_are_those_of_the_command(
    visit: Visit, city: Model, stories: Mapping[str, Scenario], other: str, exact: bool
) -> None:
    before, after = stories[FIRST], stories[other]
    visit.page.select_option("#run-b", other)
    assert (len(groups_of(city, before, after)) <= MOST_EXACT) == exact
    ours = pages_shares(visit)
    assert ours["exact"] == exact
    assert_shares(ours, visit, city, before, after)
    visit.page.locator('[data-target="M34a"] .link').click()
    how = "Exact Shapley shares" if exact else "Shapley shares estimated from"
    visit.page.locator(".due", has_text=how).wait_for()
    assert not re.search(r"undefined|[{}]", visit.page.locator(".due").inner_text())


def test_years_are_shared_out_and_pairs_named_for_what_they_do_together(
    visit: Visit, city: Model, tmp_path: Path
) -> None:
    visit.page.select_option("#run-b", FIRST)
    visit.move("abatement effort after", 0.6)
    visit.move("scrubber operation after", 65)
    (target,) = [one for one in load_targets(model=city) if one.id == "M34a"]
    path = tmp_path / "mine.yaml"
    path.write_text(visit.page.evaluate("window.plansim.yaml('a')"), "utf-8")
    first, second = read_scenario(path, city), read_scenario(FIRST, city)
    moved = {name: v for name, v in first.values.items() if second.values.get(name) != v}
    found: Any = visit.page.evaluate("(id) => window.plansim.yearly(id)", target.id)
    assert found["exact"]

    def margin(*undone: str) -> float:
        """Give the margin where some of A's moves are undone."""
        left = {name: v for name, v in moved.items() if not name.startswith(undone or ("-",))}
        run = simulate(city, replace(second, values={**second.values, **left}))
        (verdict,) = check_targets(run, [target])
        assert verdict.margin is not None
        return verdict.margin

    both = margin("abatement", "scrubber")
    expected = both - margin("abatement") - margin("scrubber") + margin()
    ((_, _, together),) = found["pairs"]
    assert abs(expected) > 0.01
    assert together == pytest.approx(expected, abs=1e-9)
    # Year by year the shares add up to what B's series has beyond A's.
    shares = np.array(found["shares"])
    change = np.array(found["to"]) - np.array(found["from"])
    assert len(change) == 1 + 16
    np.testing.assert_allclose(shares.sum(axis=1), change, rtol=0, atol=1e-9)
    series = "SO2 emission"
    own = (visit.values("b")[series] - visit.values("a")[series])[::2]  # saved twice a year
    factor = change[-1] / own[-1]
    assert abs(change[-1]) > 0.01
    np.testing.assert_allclose(change[1:], factor * own, rtol=0, atol=1e-9)
    page = visit.page
    page.locator(f'[data-target="{target.id}"] .link').click()
    page.locator("#detail .wedge polygon").first.wait_for()
    assert page.locator("#detail .wedge-key li").count() == 3  # both changes, and their sum
    assert "Together they" in page.locator(".due-pairs").inner_text()


def bars(visit: Visit) -> dict[str, float]:
    """Give the shares as they are shown."""
    names, sizes = (
        visit.page.locator(f"#detail .share-{part}").all_inner_texts() for part in ("name", "size")
    )
    figures = [float(size.split()[0].replace("−", "-")) for size in sizes]
    return dict(zip(names, figures, strict=True))


def test_a_target_shows_what_its_margin_owes_to_which_change(
    visit: Visit, city: Model, stories: Mapping[str, Scenario]
) -> None:
    page, (target,) = visit.page, [e for e in load_targets(model=city) if e.id == "M34a"]
    page.locator('[data-target="M34a"] .link').click()
    page.locator("#detail .share").first.wait_for()
    theirs = attribute(city, stories[FIRST], stories[SECOND], [target])
    theirs = theirs.labelled(load_views(city).levers)
    shown = bars(visit)
    for group, share in zip(theirs.groups, theirs.targets[0].shares, strict=True):
        assert shown[group.name] == pytest.approx(share, abs=0.005), group.name
    said = page.locator(".due-said").inner_text()
    largest = max(shown, key=lambda name: abs(shown[name]))
    assert f"“{largest}” lowers it most" in said
    told = re.match(r"From A to B the margin falls from (\S+) to", said)
    assert told is not None
    before = float(told[1].replace("−", "-"))
    assert before == pytest.approx(theirs.targets[0].margin_before, abs=0.005)
    assert page.locator(".is-less").count() == len(shown)
    assert f"from {theirs.runs} runs" in page.locator(".due").inner_text()
    assert "Not what makes A and B differ" in page.locator("#detail").inner_text()


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ("", "Choose a scenario as B"),
        (FIRST, "A and B assume the same."),
        ("hindcast-2000", "A and B cover different years"),
    ],
)
def test_where_nothing_can_be_shared_out_the_reason_stands(
    visit: Visit, second: str, said: str
) -> None:
    visit.page.select_option("#run-b", second)
    visit.page.locator('[data-target="M34a"] .link').click()
    visit.page.locator(".due-said").filter(has_text=said).wait_for()
    visit.page.locator("#detail .driver").first.wait_for()
    assert visit.page.locator("#detail .share").count() == 0
