"""The page at work in a real Chromium: what a reader does with it, and what comes of it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator

from plansim.analysis.ensemble import check_scenarios
from plansim.model.reader import load_model
from plansim.model.records import Model
from plansim.output.page.page import make_page
from plansim.scenario.factors import default_of
from plansim.scenario.records import ScenarioKind
from plansim.scenario.scenario_file import Scenario, as_written, read_scenario
from plansim.targets.catalogue import load_targets
from plansim.targets.target import Attribute
from plansim.targets.verdict import Verdict
from plansim.targets.views_file import load_views
from tests.helpers.visit import FIRST, SECOND, Another, Visit, assert_same

# --- runs and verdicts ----------------------------------------------------------------------------


def outcome(verdict: Verdict) -> str:
    """What a light says: the verdict, or how it is open."""
    assert verdict.certainty or not verdict.status.judged
    return str(verdict.certainty if verdict.is_open else verdict.status)


def test_presets_give_the_runs_and_verdicts_of_the_compiled_engine(
    visit: Visit, city: Model, stories: Mapping[str, Scenario]
) -> None:
    targets = load_targets(None, city)
    found: dict[str, dict[str, Verdict]] = {}
    for verdict in check_scenarios(city, list(stories.values()), targets):
        found.setdefault(verdict.scenario, {})[verdict.id] = verdict
    for scenario in stories.values():
        visit.page.select_option("#run-b", scenario.id)
        assert_same(visit.values("b"), city, scenario)
        verdicts = found[scenario.id]
        for name, share in visit.shares("b").items():
            told = verdicts[name].share
            assert share == (told.of_hundred if told else None), name
        lights = visit.page.locator("#panel-overview .board-row[data-target]").evaluate_all(
            """(rows) => Object.fromEntries(rows.map((row) => [
              row.dataset.target, row.querySelector(".of-b[data-status]").dataset.status,
            ]))"""
        )
        # The page leaves out what the model has no variable for.
        assert lights == {
            target.id: outcome(verdicts[target.id])
            for target in targets
            if target.variables and target.attribute is Attribute.BINDING
        }


def test_an_overlay_is_laid_over_a_run_by_its_box(
    visit: Visit, city: Model, tmp_path: Path
) -> None:

    def box(name: str) -> Locator:
        return visit.page.locator(f'.side-b [data-overlay="{name}"]')

    def scenario() -> Any:
        return visit.page.evaluate("window.plansim.state().b.scenario")

    visit.page.locator(".side-b .overlays summary").click()
    box("drought").check()
    box("strict-enforcement").check()
    laid = f"{SECOND}+drought+strict-enforcement"
    assert scenario() == laid
    assert_same(visit.values("b"), city, read_scenario(laid, city))
    assert_same(visit.values("a"), city, read_scenario(FIRST, city))
    visit.move("external demand growth before", 14)
    path = tmp_path / "page.yaml"
    path.write_text(visit.page.evaluate("window.plansim.yaml('b')"), "utf-8")
    assert read_scenario(path, city).values == read_scenario(laid, city).values
    address = visit.page.url
    box("drought").uncheck()
    left = read_scenario(f"{SECOND}+strict-enforcement", city)
    assert_same(visit.values("b"), city, left)
    visit.page.goto(address)
    visit.page.reload()
    visit.page.wait_for_function("document.documentElement.dataset.ready")
    assert scenario() == laid
    assert box("drought").is_checked()
    visit.page.locator("#run-b").select_option(FIRST)  # overlays stay where another run is chosen
    other = f"{FIRST}+drought+strict-enforcement"
    assert scenario() == other


def test_overlays_that_set_the_same_exclude_each_other_and_policies_have_a_heading(
    another: Another, root: Path, tmp_path: Path
) -> None:
    town = load_model(root / "tests" / "toys" / "models" / "toy_town.mdl")
    written = as_written(town)
    sets = {
        "dry": {"capital life": 21.0},
        "hot": {"capital life": 22.0},
        "wet": {"birth rate": 0.01},
    }
    overlays = [
        dataclasses.replace(written, id=name, title_en=name, title_zh=name, values=values)
        for name, values in sets.items()
    ]
    policy = dataclasses.replace(written, id="p", title_en="Found", kind=ScenarioKind.POLICY)
    file = tmp_path / "page.html"
    made = make_page(town, [written, policy], overlays=overlays)
    file.write_text(made.text, "utf-8")
    visit = another(file.as_uri())
    heading = visit.page.locator('#run-b optgroup[label="Policies that a search found"] option')
    assert heading.all_text_contents() == ["Found"]
    boxes = {name: visit.page.locator(f'.side-a [data-overlay="{name}"]') for name in sets}
    visit.page.locator(".side-a .overlays summary").click()
    boxes["dry"].check()
    assert {name: box.is_enabled() for name, box in boxes.items()} == {
        "dry": True, "hot": False, "wet": True,
    }  # fmt: skip
    boxes["wet"].check()


def test_a_lever_moves_the_run_that_is_chosen_and_its_chart(visit: Visit, city: Model) -> None:
    chart = visit.page.locator('[data-chart="GDP"] .read')
    before = chart.inner_text()
    visit.move("external demand growth before", 14)
    expected = read_scenario(FIRST, city, ["external demand growth before=0.14"])
    assert_same(visit.values("a"), city, expected)
    assert chart.inner_text() != before
    visit.page.locator('.edited [data-side="b"]').click()
    visit.move("technology growth", -0.1)
    visit.move("policy emphasis[energy industry]", 0.9)
    found = visit.values("b")
    heavy = ["energy industry", "nonferrous metals", "chemicals"]
    second = read_scenario(SECOND, city)
    sectors = city.subscripts[city.variables["technology growth"].subscripts[0]].elements
    emphasis: Any = city.variables["policy emphasis"].value
    overrides = [
        *(
            f"{cell}={default_of(city, second.values, cell) - 0.001}"
            for cell in (f"technology growth[{sector}]" for sector in sectors)
        ),
        *(f"policy emphasis[{heavy_one}]={0.9 * emphasis[heavy_one]}" for heavy_one in heavy),
    ]
    assert_same(found, city, read_scenario(SECOND, city, overrides))


def test_the_scenario_file_that_is_copied_gives_the_same_run(
    visit: Visit, city: Model, stories: Mapping[str, Scenario], tmp_path: Path
) -> None:
    moves = {
        "credit ease after": 1.3,
        "technology growth": 0.2,
        "budget emphasis after[environment works]": 1.8,
        "total fertility rate": 0.9,
        "retrofit rate from year": 2006.25,
    }
    for name, shown in moves.items():
        visit.move(name, shown)
    path = tmp_path / "mine.yaml"
    path.write_text(visit.page.evaluate("window.plansim.yaml('a')"), "utf-8")
    scenario = read_scenario(path, city)
    title = f"{stories[FIRST].title_en} (changed)"
    assert (scenario.parent, scenario.title_en) == (FIRST, title)
    assert "1.3" in scenario.description_en
    assert_same(visit.values("a"), city, scenario)
    visit.page.get_by_role("button", name="Copy A as scenario").click()
    visit.page.locator("#said.is-shown").wait_for()


def test_undo_redo_and_reset(visit: Visit) -> None:
    page = visit.page
    first = visit.values("a")["GDP"]
    visit.move("credit ease after", 0.9)
    second = visit.values("a")["GDP"]
    visit.move("credit ease after", 0.8)
    page.keyboard.press("Control+z")
    np.testing.assert_array_equal(visit.values("a")["GDP"], second)
    page.keyboard.press("Control+z")
    np.testing.assert_array_equal(visit.values("a")["GDP"], first)
    assert page.get_by_role("button", name="Undo").is_disabled()
    visit.move("credit ease after", 0.9)
    page.select_option("#run-a", "slow-growth")
    assert "Undo brings back what was moved" in page.locator("#said").inner_text()
    page.keyboard.press("Control+z")
    np.testing.assert_array_equal(visit.values("a")["GDP"], second)
    page.keyboard.press("Control+z")
    page.get_by_role("button", name="Redo").click()
    np.testing.assert_array_equal(visit.values("a")["GDP"], second)
    assert (second != first).any()
    page.locator('[data-tool="reset"]').click()
    np.testing.assert_array_equal(visit.values("a")["GDP"], first)


# --- words, widths, keys --------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_view_fits_its_width_in_both_languages_and_each_control_has_a_name(
    another: Another, address: str, lang: str
) -> None:
    visit = another(f"{address}#lang={lang}", 390)
    for width in (390, 1280):
        visit.page.set_viewport_size({"width": width, "height": 900})
        for tab in ("overview", "charts", "targets", "map", "about"):
            visit.page.locator(f"#tab-{tab}").click()
            wide: Any = visit.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            assert wide[0] <= wide[1] == width, tab
            text = visit.page.locator(f"#panel-{tab}").inner_text()
            assert "undefined" not in text
            assert "NaN" not in text
            assert not re.search(r"\{[a-z]+\}", text)
    nameless: Any = visit.page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, [role=img]")]
          .filter((node) => !node.getAttribute("aria-label") && !node.labels?.length)
          .filter((node) => !node.textContent.trim())
          .map((node) => node.outerHTML.slice(0, 80))"""
    )
    assert nameless == []


def test_a_target_opens_with_its_chart_and_what_moves_it(visit: Visit, city: Model) -> None:
    page = visit.page
    page.locator('[data-target="M34a"] .link').click()
    dialog = page.locator("#detail")
    dialog.locator(".driver").first.wait_for()
    assert dialog.locator("canvas").count() == 1
    assert dialog.locator(".driver").count() == 8
    name = dialog.locator(".driver .link").first.inner_text()
    names = [lever.name_en for lever in load_views(city, load_targets(None, city)).levers]
    assert name in names
    assert "Depends directly on" in dialog.inner_text()
    dialog.locator(".driver .link").first.click()
    assert not dialog.is_visible()
    assert page.evaluate("document.activeElement.type") == "range"
    page.locator('[data-target="M28"] .link').click()
    assert "Feedback loops around it" in dialog.inner_text()
    page.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_the_keyboard_reaches_what_the_mouse_does(visit: Visit) -> None:
    page = visit.page
    lever = visit.lever("external demand growth before")
    lever.focus()
    before = visit.values("a")["GDP"]
    page.keyboard.press("ArrowRight")
    assert (visit.values("a")["GDP"] != before).any()
    page.locator("#tab-overview").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-charts"
    assert page.locator("#panel-charts").is_visible()
    assert not page.locator("#panel-overview").is_visible()


def test_a_chart_reads_out_its_values_year_by_year(visit: Visit) -> None:
    page = visit.page
    chart = page.locator('[data-chart="GDP"] .chart-canvas')
    chart.focus()
    assert (chart.get_attribute("aria-label"), chart.get_attribute("aria-valuenow")) == (
        "Gross domestic product, 亿元",
        "2010",
    )
    for key, year, row in (("ArrowRight", "2011", 12), ("Home", "2001", None), ("End", "2020", 30)):
        page.keyboard.press(key)
        shown = [
            "–" if row is None else f"{visit.values(side)['GDP'][row]:.0f}" for side in ("a", "b")
        ]
        said = chart.get_attribute("aria-valuetext")
        assert said == "{}: A {}, B {}".format(year, *shown)
    page.keyboard.press("Tab")
    assert page.locator('[data-chart="GDP"] .read-year').inner_text() == "2010"
    land = page.locator('[data-chart="cultivated land"]').inner_text()  # at the end of 2010
    assert f"A {visit.values('a')['cultivated land'][11]:.1f}" in land


def test_a_lever_says_where_it_leaves_the_plausible_range(visit: Visit) -> None:
    """0.8 is the least that is plausible, and the model's own values are 1.05 and 1.1, twice."""
    page, name = visit.page, "policy emphasis[energy industry]"
    warning = page.locator(".lever", has=visit.lever(name)).locator(".lever-warning")
    visit.move(name, 0.8)
    assert not warning.is_visible()
    assert not page.locator(".headline-warned").first.is_visible()
    visit.move(name, 0.7)
    text = "outside the plausible range, ×\u20090.76 to ×\u20091.27"
    assert warning.inner_text().strip() == text
    assert (visit.lever(name).get_attribute("aria-valuetext") or "").endswith(f", {text}")
    assert "1 moved beyond the plausible range" in page.locator(".headline").inner_text()


def test_a_map_starts_at_its_first_stock_and_can_be_seen_whole(
    another: Another, address: str
) -> None:
    visit = another(f"{address}#tab=map", 390)
    page = visit.page
    seen = """() => {
      const view = document.querySelector(".map").getBoundingClientRect();
      const stocks = [...document.querySelectorAll(".map rect.s")];
      const ends = stocks.map((stock) => stock.getBoundingClientRect());
      return [ends.length, ends.filter((e) => e.left >= view.left && e.right <= view.right).length];
    }"""
    page.locator(".map svg").wait_for()  # before anything is chosen
    stocks, inside = page.evaluate(seen)
    assert stocks > inside >= 1
    page.get_by_role("button", name="Show the whole").click()
    assert page.evaluate(seen) == [stocks, stocks]


@pytest.mark.parametrize("name", ["toy_town", "tea_cup"])
def test_the_page_of_any_model_works_in_a_notebook(another: Another, root: Path, name: str) -> None:
    model = load_model(root / "tests" / "toys" / "models" / f"{name}.mdl")
    visit = another("about:blank", ready=False)
    visit.page.set_content(make_page(model)._repr_html_())
    frame = visit.page.frames[1]
    frame.wait_for_function("document.documentElement.dataset.ready")
    lever = frame.locator("[data-lever]").first
    before: Any = frame.evaluate("Array.from(window.plansim.results().a.values)")
    lever.evaluate(
        "(input) => { input.value = input.min; input.dispatchEvent(new Event('input')); }"
    )
    assert frame.evaluate("Array.from(window.plansim.results().a.values)") != before
    for tab in frame.get_by_role("tab").all():
        tab.click()
    assert "undefined" not in frame.locator("body").inner_text()
