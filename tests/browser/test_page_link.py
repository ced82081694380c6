"""Links to the page: what they hold, and what becomes of those that make no sense."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser

from plansim.model.records import Model
from tests.helpers.visit import FIRST, SECOND, Visit

AT_FIRST = {"a": {"scenario": FIRST, "moved": {}}, "b": {"scenario": SECOND, "moved": {}}}


def runs(visit: Visit) -> Any:
    """Give what is set of A and B."""
    state: Any = visit.page.evaluate("window.plansim.state()")
    return {side: state[side] for side in ("a", "b")}


def notice(visit: Visit) -> str:
    """Give the message at the top of the page; empty if there is none."""
    found = visit.page.locator("#notice")
    return found.locator("p").inner_text() if found.is_visible() else ""


def test_the_address_holds_what_was_set(visit: Visit, browser: Browser) -> None:
    page = visit.page
    page.select_option("#run-b", "green-transition")
    visit.move("credit ease after", 1.35)
    page.get_by_role("button", name="中文").click()
    page.get_by_role("tab", name="全部指标").click()
    again = Visit(browser, page.url)
    assert again.page.evaluate("window.plansim.state()") == page.evaluate("window.plansim.state()")
    np.testing.assert_array_equal(again.values("a")["GDP"], visit.values("a")["GDP"])
    assert again.page.locator("#tab-targets").get_attribute("aria-selected") == "true"
    assert notice(again) == ""
    again.close()
    assert again.wrong == []


@pytest.mark.parametrize(
    ("fragment", "named"),
    [
        ("a=nonsense&b:nothing=3&tab=x&lang=fr", "a=nonsense, tab=x, lang=fr, b:nothing=3"),
        ("a:credit_ease_after=NaN", "a:credit_ease_after=NaN"),
        ("__proto__=1&constructor=2", "__proto__=1, constructor=2"),
        ("x" * 100_000, "x" * 40 + "…"),
        ("&".join(f"a:x{i}=1" for i in range(20_000)), "a:x0=1, .* and 19996 more"),
    ],
)
def test_what_a_link_says_in_vain_is_named_and_the_page_is_as_at_first(
    browser: Browser, address: str, fragment: str, named: str
) -> None:
    visit = Visit(browser, f"{address}#{fragment}")
    assert runs(visit) == AT_FIRST
    said = notice(visit)
    assert said.startswith("Not understood in the link, and left out: ")
    names = said.removeprefix("Not understood in the link, and left out: ").removesuffix(".")
    assert set(names.split(", ")) == set(named.split(", ")) or "more" in named
    assert ("19996 more" in said) == ("19996 more" in named)
    assert len(said) < 300
    assert visit.page.url == f"{address}#{fragment}"  # nothing is lost of it
    visit.page.locator("#notice button").click()
    assert notice(visit) == ""
    visit.close()
    assert visit.wrong == []


def test_a_link_of_another_version_of_the_model_says_so(
    browser: Browser, address: str, city: Model
) -> None:
    fragment = "b=slow-growth&b:credit_ease_after=1.2&model="
    for digest, told in ((city.sha256[:8], False), ("0" * 8, True)):
        visit = Visit(browser, f"{address}#{fragment}{digest}")
        assert runs(visit)["b"] == {"scenario": "slow-growth", "moved": {"credit ease after": 1.2}}
        assert ("another version of the model" in notice(visit)) == told
        if told:
            visit.page.get_by_role("button", name="中文").click()
            assert "模型的其他版本" in notice(visit)
            assert f"model={city.sha256[:8]}" in visit.page.evaluate("location.hash")
        visit.close()
        assert visit.wrong == []


def test_a_value_that_the_model_does_not_admit_becomes_the_nearest_that_it_does(
    browser: Browser, address: str, city: Model
) -> None:
    _, highest = city.variables["credit ease after"].admissible
    visit = Visit(browser, f"{address}#a:credit_ease_after=1000&a:sewage_goal=-3")
    assert runs(visit)["a"]["moved"] == {"credit ease after": highest, "sewage goal": -0.15}
    assert "set to the nearest end: A Credit for local firms, A " in notice(visit)
    visit.close()
    assert visit.wrong == []


def test_a_link_that_is_pasted_over_what_was_set_can_be_undone(visit: Visit) -> None:
    page = visit.page
    visit.move("credit ease after", 0.9)
    mine = runs(visit)
    page.evaluate("location.hash = 'garbage'")
    page.locator("#notice").wait_for()
    assert notice(visit).endswith("garbage. The page stays as it was.")
    assert runs(visit) == mine
    page.evaluate("location.hash = 'a=slow-growth&q=1'")
    page.wait_for_function("window.plansim.state().a.scenario === 'slow-growth'")
    assert notice(visit).endswith("q=1. Undo brings back what you had set.")
    page.keyboard.press("Control+z")
    assert runs(visit) == mine
