"""The site, built without what has to be run: its links, public names, search, and workflow."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from ruamel.yaml import YAML

from tests.docs.examples import ROOT, site_module

OPTIONS = ["-q", "-W", "--keep-going", "-E", "-t", "quick", "-c", "docs/site", "-b", "html"]
LANGS = ("en", "zh")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both languages, with every warning an error, but no notebook and no example run."""
    pytest.importorskip("sphinx", reason="`make docs` and `make test-all` fetch Sphinx")
    folder = tmp_path_factory.mktemp("site")
    for lang in LANGS:
        kept, made = (str(folder / name / lang) for name in ("doctrees", "html"))
        done = subprocess.run(
            [sys.executable, "-m", "sphinx", *OPTIONS, "-t", lang, "-d", kept, ".", made],
            cwd=ROOT,
            env={**os.environ, "PYTHONUTF8": "1"},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
    return folder / "html"


@pytest.mark.slow
def test_no_link_is_broken_and_every_page_has_the_other_language(site: Path) -> None:
    assert list(site_module("links").broken_links(site)) == []
    assert {one.name for one in site.iterdir()} == {"index.html", *LANGS}
    (site / "en" / "docs" / "topics" / "compiler.html").rename(site / "compiler.html")
    broken = list(site_module("links").broken_links(site))
    assert "zh/docs/topics/compiler.html: ../../../en/docs/topics/compiler.html" in broken
    (site / "compiler.html").rename(site / "en" / "docs" / "topics" / "compiler.html")


@pytest.mark.slow
def test_commands_are_on_it_in_both_languages(site: Path) -> None:
    """Public names that no page documents are a warning of the build, and so an error."""
    shown = [(site / lang / "docs" / "site" / "options.html").read_text("utf-8") for lang in LANGS]
    assert all("strict-share" in text for text in shown)
    assert not any("–strict" in text for text in shown), "a dash is no option"
    for word in ("退出码为", "默认", "<title>全部选项"):
        assert [word in text for text in shown] == [False, True]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lang", "query", "page"),
    [
        ("en", "verdict_shares", "plansim.verdict_shares"),
        ("en", "sweep", "Sweeps"),
        ("zh", "约束性指标", "怎样读结论"),
        ("zh", "verdict_shares", "plansim.verdict_shares"),
    ],
)
def test_it_is_searched(site: Path, browser: Browser, lang: str, query: str, page: str) -> None:
    tab = browser.new_page()
    tab.goto(f"{(site / lang / 'search.html').as_uri()}?q={query}")
    tab.wait_for_selector("#search-results li")
    assert page in tab.inner_text("#search-results")
    links = tab.locator("#search-results li > a")
    pages = links.evaluate_all("all => all.map(one => one.getAttribute('href'))")
    records = ["decisions/" in one or "CHANGELOG" in one for one in pages]
    assert records == sorted(records)
    tab.close()


def test_lines_of_chinese_are_joined_and_pictures_of_notebooks_named() -> None:
    pytest.importorskip("sphinx", reason="`make docs` and `make test-all` fetch Sphinx")
    nodes, utils = map(pytest.importorskip, ("docutils.nodes", "docutils.utils"))
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(ROOT / "docs" / "site"))
        extension = site_module("extension")
    joined = extension._without_breaks("- 甲，\n  乙。\n  **丙**\n  1. 丁\n- 戊\n")
    assert joined == "- 甲，乙。**丙**\n  1. 丁\n- 戊\n"
    picture, drawing = nodes.image(uri="a.png"), nodes.image(uri="b.png", alt="A lake")
    inner = nodes.section("", nodes.title("", "How much"), picture, drawing)
    document = utils.new_document("notebook")
    document += nodes.section("", nodes.title("", "A lake"), inner)
    extension._name_pictures(None, document)
    assert [picture["alt"], drawing["alt"]] == ["How much", "A lake"]


def test_a_notebook_on_the_site_is_in_one_language() -> None:
    pytest.importorskip("sphinx", reason="`make docs` and `make test-all` fetch Sphinx")
    read = site_module("bilingual").read_notebook
    text = (ROOT / "notebooks" / "01-first-run.py").read_text("utf-8")
    english, chinese = (
        [cell.source for cell in read(text, lang).cells if cell.cell_type == "markdown"]
        for lang in ("en", "zh")
    )
    assert not re.search(r"[\u4e00-\u9fff]", "".join(english))
    assert all(re.search(r"[\u4e00-\u9fff]", source) for source in chinese)


def test_the_workflow_of_a_forge_names_what_the_makefile_has() -> None:
    flow = YAML(typ="safe").load(ROOT / ".github" / "workflows" / "ci.yml")
    steps = [step for job in flow["jobs"].values() for step in job["steps"]]
    named = {word for step in steps for word in re.findall(r"\bmake ([\w-]+)", step.get("run", ""))}
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    assert {"test", "docs"} <= named <= targets
    assert all("run" in step or "@" in step["uses"] for step in steps)
    pythons = flow["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert pythons[0] == "3.11"
