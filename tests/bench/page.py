"""How quickly the page answers, in headless Chromium on this machine.

``python -m tests.bench.page`` prints a table; with ``--write`` it stands in
docs/results/performance.md.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from plansim.model.reader import load_model
from plansim.output.page.page import make_page
from plansim.scenario.scenario_file import list_scenarios, read_scenario

PAGE = Path(__file__).parents[2] / "docs" / "results" / "performance.md"
OPENINGS = 9
INPUTS = 300

# uPlot draws in a microtask: what is timed ends when that is done. The canvas is read back once at
# the end, so that no drawing is put off for ever.
MEASURE = """async (count) => {
  const input = document.querySelector('[data-lever="external demand growth before"]');
  const low = Number(input.min), high = Number(input.max);
  const took = [], runs = [];
  for (let i = 0; i < count; i += 1) {
    input.value = low + ((i * 37) % 100) / 100 * (high - low);
    const start = performance.now();
    input.dispatchEvent(new Event("input", { bubbles: true }));
    await Promise.resolve();
    await new Promise((done) => queueMicrotask(done));
    took.push(performance.now() - start);
    await new Promise((done) => requestAnimationFrame(done));
  }
  for (let i = 0; i < count; i += 1) {
    const start = performance.now();
    window.plansim.compute(window.plansim.state().a);
    runs.push(performance.now() - start);
  }
  return { took, runs, charts: document.querySelectorAll("#panel-overview canvas").length };
}"""


# A link that moves a lever of each run at once: until members of all of them have been run, and
# what comes of it is drawn.
SHARES = """async ([sides, value]) => {
  const { members, ensemble, results } = window.plansim;
  const start = performance.now();
  const moves = sides.map((side) => `${side}:credit_ease_after=${value}`);
  location.hash = ["c=slow-growth", "d=green-transition"].slice(0, sides.length - 2)
    .concat(moves).join("&");
  const all = (count) => sides.every((side) => {
    const isMoved = results()[side]?.run.moved["credit ease after"] === value;
    return isMoved && members(side) >= count;
  });
  const until = async (count) => {
    while (!all(count)) await new Promise((done) => setTimeout(done, 5));
    return performance.now() - start;
  };
  return [
    await until(Math.min(100, ensemble)),
    await until(ensemble),
  ];
}"""
REPEATS = 5


def shares(opened: Page, sides: str) -> str:
    """Give the time from a move of each run to the first shares and bands, and to those of all."""
    moves = [[list(sides), 0.9 + number / 100] for number in range(REPEATS)]
    took = [opened.evaluate(SHARES, move) for move in moves]
    times = (statistics.median(each) / 1000 for each in zip(*took, strict=True))
    return ", ".join(f"{each:.2f} s" for each in times)


def measure(path: Path) -> Mapping[str, str]:
    """Open the page some times, then move a lever."""
    found = shutil.which("chromium")
    assert found, "Chromium is missing"
    ready = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        for _ in range(OPENINGS):
            opened = browser.new_page(viewport={"width": 1280, "height": 900})
            opened.goto(path.as_uri())
            opened.wait_for_function("document.documentElement.dataset.ready")
            ready.append(float(opened.evaluate("window.plansim.ready")))
            if len(ready) == OPENINGS:
                result: Any = opened.evaluate(MEASURE, INPUTS)
                live = [shares(opened, sides) for sides in ("ab", "abcd")]
                count = opened.evaluate("window.plansim.ensemble")
            opened.close()
        browser.close()
    return {
        "size of the file": f"{path.stat().st_size / 1e6:.2f} MB",
        "opened and ready, median": f"{statistics.median(ready) / 1000:.2f} s",
        f"slider to {result['charts']} charts and all verdicts redrawn, median": (
            f"{statistics.median(result['took']):.1f} ms"
        ),
        "the same, 95 in 100 within": f"{statistics.quantiles(result['took'], n=20)[-1]:.1f} ms",
        "one run of the model with its verdicts, median": (
            f"{statistics.median(result['runs']):.2f} ms"
        ),
        f"two runs moved to shares and bands of 100 members, and of all {count}": live[0],
        "the same with four runs": live[1],
        "load of the machine at the end": f"{os.getloadavg()[0]:.1f}",
    }


def write_table(name: str, rows: Iterable[tuple[str, str]], page: Path) -> None:
    """Print a table, its head first; with ``--write`` put it between the marks of the page."""
    head, *others = (f"| {what} | {found} |" for what, found in rows)
    table = "\n".join([head, "| --- | --- |", *others])
    print(table)
    if "--write" in sys.argv:
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, mark, rest = page.read_text("utf-8").partition(start)
        assert mark, f"{page} has no place for the table"
        page.write_text(f"{before}{start}\n{table}\n{end}{rest.partition(end)[2]}", "utf-8")


def main() -> None:
    """Make the page of the shipped model, and measure it."""
    model = load_model()
    scenarios = [read_scenario(each.id, model) for each in list_scenarios()]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "page.html")
        path.write_text(make_page(model, scenarios).text, "utf-8")
        rows = measure(path)
    write_table("page", [("the page", ""), *rows.items()], PAGE)


if __name__ == "__main__":
    main()
