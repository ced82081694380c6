"""What all tests share: a cache of their own, and the installed command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

import hypothesis
import pytest
from playwright.sync_api import Browser, sync_playwright

from plansim.analysis.validation.context import ValidationContext, load_context
from plansim.cli.main import main
from plansim.model.reader import load_model
from plansim.model.records import Model
from plansim.output.page.page import Page, make_page
from plansim.scenario.scenario_file import Scenario, list_scenarios, read_scenario, shipped_overlays
from plansim.targets.catalogue import load_targets
from plansim.targets.target import Target
from tests.helpers.command import Call, Command, Done
from tests.helpers.vensim_text import MODELS
from tests.helpers.visit import Another, Visit

ROOT = Path(__file__).parents[1]

# The same commit passes or fails for everyone: examples follow from the test, not from chance, and
# no example fails for being slow on a busy machine. `pytest --hypothesis-profile=explore` explores.
hypothesis.settings.register_profile("plansim", derandomize=True, deadline=None)
hypothesis.settings.register_profile("explore", deadline=None)
hypothesis.settings.load_profile("plansim")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that run the shipped model, on whose fixture all others of it rest."""
    for item in items:
        if "city" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.city)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Point PLANSIM_CACHE, here and in child processes, to a folder that starts empty.

    The workers of pytest-xdist share it, so that the city is read and compiled once.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "plansim-cache"
    folder.mkdir(mode=0o700, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLANSIM_CACHE", str(folder))
        yield


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def plansim_command() -> Command:
    """Run the command ``plansim`` of the environment that runs the tests, as a user would."""
    script = Path(sysconfig.get_path("scripts"), "plansim")

    def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        # A user's terminal width and colours must not decide what a test sees.
        environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONUTF8": "1"}
        return subprocess.run(
            [sys.executable, str(script), *arguments],
            cwd=cwd,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )

    return run


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Call:
    """Call the command here, in an empty folder, on 100 columns, in an English locale."""
    monkeypatch.chdir(tmp_path)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: str) -> Done:
        capfd.readouterr()
        code = main(arguments)
        return Done(code, *capfd.readouterr())

    return run


@pytest.fixture(scope="session")
def shipped_page(city: Model, stories: Mapping[str, Scenario]) -> Page:
    """The page of the shipped model, with two growth scenarios first."""
    first = ["baseline", "accelerated-growth"]
    shown = [stories[one] for one in dict.fromkeys([*first, *stories])]
    return make_page(city, shown, overlays=shipped_overlays(city))


@pytest.fixture(scope="module")  # Playwright holds the thread's event loop while it is open
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    found = shutil.which("chromium")
    assert found, "Chromium is missing; `make test` installs it where it may"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address(shipped_page: Page, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the page of the shipped model lies."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(shipped_page.text, "utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def opened(browser: Browser, address: str) -> Iterator[Visit]:
    """The page of the shipped model, opened once for all tests of a file."""
    opened = Visit(browser, address)
    yield opened
    opened.close()


@pytest.fixture
def visit(opened: Visit) -> Iterator[Visit]:
    """The page of the shipped model, as it is at first; in the end nothing may have gone wrong."""
    opened.restart()
    yield opened
    assert opened.wrong == []


@pytest.fixture
def another(browser: Browser) -> Iterator[Another]:
    """Opens further pages, of which all are closed in the end, when nothing may have gone wrong."""
    visits: list[Visit] = []

    def open_page(address: str, width: int = 1280, *, ready: bool = True) -> Visit:
        visits.append(Visit(browser, address, width, ready=ready))
        return visits[-1]

    yield open_page
    for visit in visits:
        visit.close()
        assert visit.wrong == []


@pytest.fixture(scope="session")
def city() -> Model:
    """The shipped model."""
    return load_model()


@pytest.fixture(scope="session")
def stories(city: Model) -> Mapping[str, Scenario]:
    """Every shipped scenario, by its id."""
    return {head.id: read_scenario(head.id, city) for head in list_scenarios()}


@pytest.fixture(scope="session")
def town() -> Model:
    """A small model of a town, with arrays, levers and a table."""
    return load_model(MODELS / "toy_town.mdl")


@pytest.fixture(scope="session")
def targets(city: Model) -> tuple[Target, ...]:
    """The targets of the plan."""
    return load_targets(model=city)


@pytest.fixture(scope="session")
def context(city: Model) -> ValidationContext:
    """The shipped model with everything that its validation tests need."""
    return load_context(city)
