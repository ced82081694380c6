"""A page that is open in Chromium, and how its runs are held to those of the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from playwright.sync_api import Browser, Locator

from plansim.engine.simulate import simulate
from plansim.model.records import Model
from plansim.scenario.scenario_file import Scenario
from plansim.targets.target import split_reference

FIRST, SECOND = "baseline", "accelerated-growth"
"""The scenarios that the shipped page compares at first."""


class Visit:
    """A page that is open, with all that went wrong on it."""

    def __init__(
        self, browser: Browser, address: str, width: int = 1280, *, ready: bool = True
    ) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, permissions=["clipboard-write"]
        )
        self.page = self.context.new_page()
        self.wrong: list[str] = []
        self.page.on("console", lambda said: self.wrong.append(said.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self._requested(request.url))
        self.page.goto(address)
        if ready:
            self.page.wait_for_function("document.documentElement.dataset.ready")

    def _requested(self, url: str) -> None:
        if not url.startswith(("about:", "blob:", "data:", "file:")):
            self.wrong.append(f"asked for {url}")

    def lever(self, name: str) -> Locator:
        return self.page.locator(f'[data-lever="{name}"]')

    def move(self, name: str, shown: float) -> None:
        """Drag a lever to a value, in the unit in which it is shown."""
        self.lever(name).evaluate(
            """(input, value) => {
              input.closest("details").open = true;
              input.value = value;
              input.dispatchEvent(new Event("input", { bubbles: true }));
              input.dispatchEvent(new Event("change", { bubbles: true }));
            }""",
            shown,
        )

    def values(self, side: str) -> dict[str, np.ndarray]:
        """Give what the page computed: each output over the saved times."""
        found: Any = self.page.evaluate(
            """(side) => {
              const { time, values } = window.plansim.results()[side];
              const { outputs } = window.plansim.programs.model;
              return [outputs, Array.from(time), Array.from(values)];
            }""",
            side,
        )
        outputs, time, values = found
        table = np.array(values).reshape(len(time), len(outputs))
        return {"Time": np.array(time), **dict(zip(outputs, table.T, strict=True))}

    def shares(self, side: str) -> dict[str, int | None]:
        """Give how many of 100 members meet each target, as the page shows it."""
        found: Any = self.page.evaluate(
            "(side) => window.plansim.shares(side).map(({ share }) => share)", side
        )
        ids: Any = self.page.evaluate("window.plansim.targets")
        return dict(zip(ids, found, strict=True))

    def restart(self) -> None:
        """Begin anew, as when the page was opened."""
        self.wrong.clear()
        self.page.emulate_media(media="screen")
        self.page.evaluate("window.plansim.restart()")

    def wait_for_members(self, *sides: str, count: int | None = None) -> None:
        """Wait until so many members, or all, have been run under the runs of some sides."""
        self.page.wait_for_function(
            """([sides, count]) => sides.every((side) =>
              window.plansim.members(side) >= (count ?? window.plansim.ensemble))""",
            arg=[sides, count],
            timeout=60_000,
        )

    def close(self) -> None:
        self.context.close()


Another: TypeAlias = Callable[..., Visit]
"""Opens a page, as the fixture ``another`` does."""


def assert_same(found: Mapping[str, np.ndarray], model: Model, scenario: Scenario) -> None:
    dataset = simulate(model, scenario)
    np.testing.assert_array_equal(found["Time"], dataset["time"])
    for label, ours in found.items():
        if label == "Time":
            continue
        name, elements = split_reference(label)
        at = dict(zip(model.variables[name].subscripts, elements, strict=True))
        theirs = dataset[name].sel(at).to_numpy()
        assert np.abs(ours - theirs).max() <= 1e-9 * max(np.abs(theirs).max(), 1e-3), label
