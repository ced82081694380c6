"""What a reader takes from the page and brings back: links, files, tables, runs that are kept."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plansim.model.records import Model
from plansim.targets.catalogue import load_targets
from plansim.targets.views_file import load_views
from tests.helpers.visit import FIRST, SECOND, Another, Visit

AT_FIRST = {"a": {"scenario": FIRST, "moved": {}}, "b": {"scenario": SECOND, "moved": {}}}


def runs(visit: Visit) -> Any:
    """Give what is set of A and B."""
    state: Any = visit.page.evaluate("window.plansim.state()")
    return {side: state[side] for side in ("a", "b")}


def notice(visit: Visit) -> str:
    """Give the message at the top of the page; empty if there is none."""
    found = visit.page.locator("#notice")
    return found.locator("p").inner_text() if found.is_visible() else ""


def test_the_address_holds_what_was_set(visit: Visit, another: Another) -> None:
    page = visit.page
    page.select_option("#run-b", "green-transition")
    visit.move("credit ease after", 1.35)
    page.get_by_role("button", name="中文").click()
    page.get_by_role("tab", name="全部指标").click()
    again = another(page.url)
    assert again.page.evaluate("window.plansim.state()") == page.evaluate("window.plansim.state()")
    np.testing.assert_array_equal(again.values("a")["GDP"], visit.values("a")["GDP"])
    assert again.page.locator("#tab-targets").get_attribute("aria-selected") == "true"
    assert notice(again) == ""


@pytest.mark.parametrize(
    ("fragment", "named"),
    [
        ("a=nonsense&b:nothing=3&tab=x&lang=fr", "a=nonsense, b:nothing=3, tab=x, lang=fr"),
        ("__proto__=1&constructor=2&a:credit_ease_after=NaN",
         "__proto__=1, constructor=2, a:credit_ease_after=NaN"),
        ("x" * 100_000, "x" * 40 + "…"),
        ("&".join(f"a:x{i}=1" for i in range(20_000)),
         "a:x0=1, a:x1=1, a:x2=1, a:x3=1 and 19996 more"),
    ],
)  # fmt: skip
def test_what_a_link_says_in_vain_is_named_and_the_page_is_as_at_first(
    another: Another, address: str, fragment: str, named: str
) -> None:
    visit = another(f"{address}#{fragment}")
    assert runs(visit) == AT_FIRST
    assert notice(visit) == f"Not understood in the link, and left out: {named}."
    assert visit.page.url == f"{address}#{fragment}"  # nothing is lost of it
    visit.page.locator("#notice button").click()
    assert notice(visit) == ""


def test_a_link_of_another_version_of_the_model_says_so_and_goes_no_further_than_it_admits(
    another: Another, address: str, city: Model
) -> None:
    _, highest = city.variables["credit ease after"].admissible
    fragment = "b=slow-growth&b:credit_ease_after=1000&model="
    for digest, told in ((city.sha256[:8], False), ("0" * 8, True)):
        visit = another(f"{address}#{fragment}{digest}")
        moved = {"credit ease after": highest}
        assert runs(visit)["b"] == {"scenario": "slow-growth", "moved": moved}
        assert ("another version of the model" in notice(visit)) == told


def test_a_link_that_is_pasted_over_what_was_set_can_be_undone(visit: Visit) -> None:
    page = visit.page
    visit.move("credit ease after", 0.9)
    mine = runs(visit)
    page.evaluate("location.hash = 'a=slow-growth&q=1'")
    page.wait_for_function("window.plansim.state().a.scenario === 'slow-growth'")
    assert notice(visit).endswith("left out: q=1.")
    page.keyboard.press("Control+z")
    assert runs(visit) == mine


def test_a_chart_is_saved_as_picture_and_as_table(visit: Visit, tmp_path: Path) -> None:
    visit.wait_for_members("a", "b")
    chart = visit.page.locator('#panel-overview [data-chart="GDP"]')
    files = {}
    for kind in ("PNG", "CSV"):
        with visit.page.expect_download() as download:
            chart.get_by_role("button", name=f"as {kind}").click()
        assert download.value.suggested_filename == f"GDP.{kind.lower()}"
        files[kind] = tmp_path / kind
        download.value.save_as(files[kind])
    picture = files["PNG"].read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert int.from_bytes(picture[16:20], "big") == 900  # its width
    assert len(picture) > 8000  # an empty one takes less
    table = list(csv.DictReader(io.StringIO(files["CSV"].read_text("utf-8-sig"))))
    by_year = {row["Year"]: row for row in table}
    columns = list(table[0])
    assert len(columns) == 1 + 2 * 3 + 2  # of each run the line and both ends of its band
    assert float(by_year["2010"][columns[1]]) == pytest.approx(visit.values("a")["GDP"][10], 1e-5)
    assert float(by_year["2005"][columns[-1]]) == pytest.approx(578.8)  # observed
    assert [bool(by_year["2003"][name]) for name in columns[-2:]] == [True, False]  # led back
    low, middle, high = (float(by_year["2015"][columns[at]]) for at in (2, 1, 3))
    assert low < middle < high


def test_a_table_of_verdicts_can_be_pasted_into_a_spreadsheet(visit: Visit) -> None:
    page = visit.page
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    page.locator("#panel-overview").get_by_role("button", name="Copy table").click()
    text: Any = page.evaluate("() => window.copied")
    head, *rows = (line.split("\t") for line in text.split("\n"))
    assert all(len(row) == len(head) == 4 + 2 * 4 for row in rows)
    assert len(rows) == page.locator("#panel-overview .board-row[data-target]").count()
    shares = [float(row[7]) for row in rows if row[7]]
    assert shares
    assert all(0 <= share <= 1 for share in shares)


def test_a_run_that_is_kept_can_be_picked_again_and_forgotten(visit: Visit) -> None:
    page = visit.page
    visit.move("credit ease after", 1.3)
    mine = visit.values("a")["GDP"]
    page.locator('[data-tool="keep"]').click()
    page.locator("#asked-name").fill("More credit")
    page.keyboard.press("Enter")
    page.locator('[data-tool="reset"]').click()
    page.reload()
    page.wait_for_function("document.documentElement.dataset.ready")
    page.select_option("#run-b", label="More credit")
    np.testing.assert_array_equal(visit.values("b")["GDP"], mine)
    page.get_by_role("button", name="Forget “More credit”").click()
    assert page.locator('#run-b option:text-is("More credit")').count() == 0
    np.testing.assert_array_equal(visit.values("b")["GDP"], mine)  # it still runs


def test_the_note_of_a_lever_says_what_each_end_does_and_costs_and_its_source(
    visit: Visit, city: Model
) -> None:
    lever = load_views(city, load_targets(None, city)).lever("abatement effort after")
    assert lever
    page = visit.page
    row = page.locator(".lever", has=visit.lever(lever.id))
    visit.lever(lever.id).evaluate("(input) => { input.closest('details').open = true; }")
    row.locator(".help-button").click()
    said = row.locator(".help").inner_text()
    assert lever.help_en in said
    assert "assumption: 0.5–1.2" in said
    ends = row.locator(".note-ends dt").all_inner_texts()
    assert [end.split(",")[0] for end in ends] == ["At 0.50", "At 1.20"]
    # Whatever is told of an end is what a run with the lever there has.
    low = row.locator(".note-ends dd").first.inner_text()
    before = visit.values("a")["SO2 emission"][10]
    visit.move(lever.id, 0.5)
    change = visit.values("a")["SO2 emission"][10] - before
    assert change > 0
    assert f"Sulphur dioxide emission +{change:.2f}"[:28] in low


def test_a_narrow_screen_has_levers_and_results_at_once(another: Another, address: str) -> None:
    visit = another(address, 390)
    page = visit.page
    assert page.locator("#panel-overview .board").is_visible()
    tabs = page.locator("#tabs")
    assert tabs.evaluate("(tabs) => tabs.scrollWidth <= tabs.clientWidth")  # all can be seen
    page.locator(".drawer > summary").click()
    lever = visit.lever("external demand growth before")
    lever.scroll_into_view_if_needed()
    sheet, slider = page.locator("#controls").bounding_box(), lever.bounding_box()
    assert sheet
    assert slider
    assert 0.4 * 900 < sheet["y"] < slider["y"] < 900
    visit.move("external demand growth before", 8)
    assert page.locator(".tally").is_visible()
    last = page.locator("#panel-overview .chart").last
    last.scroll_into_view_if_needed()
    box = last.bounding_box()
    assert box
    assert box["y"] < sheet["y"]  # nothing lies below the sheet for good


def test_the_button_of_chinese_is_written_in_the_font_of_the_page(visit: Visit) -> None:
    devtools = visit.context.new_cdp_session(visit.page)
    devtools.send("DOM.enable")
    devtools.send("CSS.enable")
    root = devtools.send("DOM.getDocument")["root"]["nodeId"]
    asked = {"nodeId": root, "selector": '[data-lang="zh"]'}
    button = devtools.send("DOM.querySelector", asked)["nodeId"]
    (font,) = devtools.send("CSS.getPlatformFontsForNode", {"nodeId": button})["fonts"]
    assert font["isCustomFont"]
    assert font["glyphCount"] == 2
    assert visit.page.evaluate("window.plansim.state().a.scenario") == FIRST
