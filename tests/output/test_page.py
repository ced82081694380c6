"""The page as a file: whole, small, in two languages, with the verdicts and figures of plansim."""

from __future__ import annotations

import base64
import gzip
import io
import json
import math
import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st

import plansim.output.page.page as page_module
from plansim.analysis.evaluator import Evaluator, Request
from plansim.analysis.feedback.loop_scores import LoopScores, score_loops
from plansim.engine.simulate import simulate
from plansim.errors import Fault, InputError
from plansim.model.reader import load_model
from plansim.model.records import Model
from plansim.output.page.data import observed_dots
from plansim.output.page.page import ENGINE, SCRIPTS, STYLES, Page, make_page
from plansim.output.page.payload import phrases
from plansim.output.page.programs import verdict_program
from plansim.output.series import rows_of
from plansim.output.words.font import subsets
from plansim.output.words.text import (
    decimals_for,
    decimals_of,
    figure,
    margin_figure,
    percent,
    target_figure,
)
from plansim.scenario.scenario_file import Scenario, as_written, read_scenario
from plansim.targets.annual import annual_of
from plansim.targets.catalogue import load_targets, targets_of
from plansim.targets.target import judged_targets, split_reference
from plansim.targets.verdict import verdicts_of
from tests.helpers.javascript import run_in_node
from tests.helpers.vensim_text import small_model
from tests.toys.logistic import logistic

PARTS = Path(page_module.__file__).parent / "assets"
LARGEST = 1_500_000


def data_of(made: Page) -> Any:
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', made.text)
    assert found
    return json.loads(found[1])


def drawings(data: Any) -> list[str]:
    packed = (module["svg"] for module in data["modules"])
    return [gzip.decompress(base64.b64decode(drawing)).decode() for drawing in packed]


def texts(node: object) -> list[str]:
    if isinstance(node, str):
        return [node]
    parts = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return [text for part in parts for text in texts(part)]


# --- the file -------------------------------------------------------------------------------------


def test_the_map_has_signs_and_loop_scores_or_says_why_not(
    shipped_page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = data_of(shipped_page)
    assert data["signed"] == "baseline"
    assert any("url(#hm)" in drawing for drawing in drawings(data))
    assert data["modules"][-1]["name"] == ["Loop scores", "回路得分"]
    english, chinese = drawings(data)[-1].split('<g class="zh">')
    assert "R1 Accumulation" in english
    assert "R1 积累回路" in chinese

    def missing(*asked: Any) -> LoopScores:
        fault = Fault("the dog ate them")
        return replace(score_loops(*asked), missing=fault, time=np.empty(0), scores={})

    monkeypatch.setattr(page_module, "score_loops", missing)
    last = drawings(data_of(make_page(logistic(tmp_path))))[-1]
    assert "No loop scores: the dog ate them." in last


def test_what_a_lever_adds_to_a_percentage_is_in_points(shipped_page: Page) -> None:
    levers = [lever for group in data_of(shipped_page)["groups"] for lever in group["levers"]]
    added = [lever["unit"] for lever in levers if lever["apply"] == "add"]
    assert ["points", "个百分点"] in added
    assert not [unit for unit in added if "%" in unit[0] + unit[1]]


def test_the_page_is_whole_and_small(shipped_page: Page) -> None:
    text = shipped_page.text
    assert len(text.encode()) <= LARGEST
    assert "{{" not in re.sub(r"<script.*?</script>|<style>.*?</style>", "", text, flags=re.DOTALL)
    licences = re.compile(r'<script type="text/plain" id="licenses">(.*?)</script>', re.DOTALL)
    (written,) = licences.findall(text)
    for owner in ("Leon Sorokin", "Adobe", "Bitstream"):
        assert owner in written
    # What the model's evidence cites is text, and asked for by nobody.
    bare = re.sub(r'<script id="data".*?</script>', "", licences.sub("", text), flags=re.DOTALL)
    hosts = set(re.findall(r"https?://([^\s\"'<)/]+)", bare))
    assert hosts <= {"www.w3.org", "scripts.sil.org", "github.com"}  # names and a licence
    assert not re.search(r"<(?:link|img|script)[^>]+(?:src|href)=\"(?!data:)", text)
    assert repr(shipped_page) == f"<Page of {len(text.encode()) / 1e6:.2f} MB>"
    assert shipped_page._repr_html_().startswith("<iframe srcdoc=")


@pytest.mark.long
def test_a_page_of_some_targets_has_the_same_past(city: Model) -> None:
    every = observed_dots(city, load_targets(city))
    some = observed_dots(city, targets_of(city, "M01"))
    assert some
    assert all(dots.items() <= every[key].items() for key, dots in some.items())


def test_the_same_model_makes_the_same_page(root: Path) -> None:
    model = load_model(root / "tests" / "toys" / "models" / "toy_town.mdl")
    assert make_page(model).text == make_page(model).text


MISSING_DATA = """
seen ~ m ~|
k= 3 ~ m ~ |
idle= 5 ~ m ~ |
felt= IF THEN ELSE(Time < 2005, k, seen) ~ m ~|
"""


def test_what_is_missing_is_no_number_and_what_moves_nothing_no_lever(tmp_path: Path) -> None:
    model = small_model(tmp_path, MISSING_DATA)
    made = make_page(model)
    levers = [lever["id"] for group in data_of(made)["groups"] for lever in group["levers"]]
    assert levers == ["k"]
    assert "const ABSURD = 1.2676506002282294e+30;" in made.text
    reading = (PARTS / "reading.js").read_text("utf-8")
    script = (
        "const MOMENTS = [0], ABSURD = 2 ** 100, verdictProgram = { inputs: [], outputs: [] };"
        f"const modelProgram = {{ outputs: ['a'] }};{reading}"
        "const run = { time: [0, 1, 2], values: [3, -(2 ** 109), NaN], rows: new Map() };"
        "console.log([0, 1, 2].map((year) => valueAt(run, { output: 0, factor: 2 }, year)));"
    )
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[ 6, null, null ]\n"
    # Nor are they numbers where many runs are made.
    request = Request(outputs=("felt", "k"), years=(2004, 2006))
    found = Evaluator(model, as_written(model), ["k"], request).evaluate([[4.0]])
    np.testing.assert_array_equal(found.outputs[0], [[4, np.nan], [4, 4]])


@pytest.mark.parametrize("ends", [2006, 2006.5])
def test_dates_are_months_where_a_time_is_the_middle_of_a_year(ends: float, tmp_path: Path) -> None:
    text = f"""x= INTEG(IF THEN ELSE(Time < turn, 1, 2), 0) ~ m ~|
turn= 2005 ~ Year [2004,2006] ~|
INITIAL TIME= 2004 ~ Year ~|
FINAL TIME= {ends} ~ Year ~|
TIME STEP= 0.5 ~ Year ~|
SAVEPER= 0.5 ~ Year ~|
"""
    path = tmp_path / "turn.mdl"
    path.write_text(text)
    data = data_of(make_page(load_model(path)))
    (lever,) = (lever for group in data["groups"] for lever in group["levers"])
    assert [lever["calendar"], data["variables"][0]["calendar"]] == [ends > 2006] * 2


def test_signs_that_no_font_has_are_left_to_those_of_the_reader() -> None:
    assert [font.characters for font in subsets("aह📈")] == [{"a", " "}]


def test_every_character_that_the_page_can_show_is_in_its_fonts(shipped_page: Page) -> None:
    data = data_of(shipped_page)
    scripts = "".join((PARTS / f"{script}.js").read_text("utf-8") for script in (*ENGINE, *SCRIPTS))
    styles = "".join((PARTS / f"{style}.css").read_text("utf-8") for style in STYLES)
    written = "".join(texts(data)) + scripts + styles + (PARTS / "template.html").read_text("utf-8")
    used = {character for character in written + "".join(drawings(data)) if character.isprintable()}
    fonts = re.findall(r'url\("data:font/woff2?;base64,([^"]+)"\)', shipped_page.text)
    assert fonts
    has: set[str] = set()
    for font_data in fonts:
        with TTFont(io.BytesIO(base64.b64decode(font_data))) as font:
            has |= set(map(chr, font.getBestCmap()))
    assert used - has == set()
    assert {"焦", "₂", "³", "≥"} <= has


def test_every_phrase_of_the_page_is_used_and_every_one_that_is_used_exists() -> None:
    sources = "".join(path.read_text("utf-8") for path in PARTS.glob("*.*") if path.suffix != ".py")
    named = set(re.findall(r"""["'`](page\.[a-z_]+)["'`]""", sources))
    made = {"page.tab_", "page.board_", "page.column_", "page.note_", "page."}
    prefixes = set(re.findall(r"`(page\.[a-z_]*)\$\{", sources))
    assert prefixes == made
    tools = {"undo", "redo", "reset", "swap", "keep", "copy_yaml", "copy_link"}
    tools |= {"stories", "policies", "tests", "kept_runs"}
    known = {key for key in phrases() if key.startswith("page.")}
    assert named <= known
    unused = {
        key
        for key in known - named
        if not key.startswith(tuple(made - {"page."})) and key.removeprefix("page.") not in tools
    }
    assert unused == {"page.making"}  # of the command


# --- verdicts and figures -------------------------------------------------------------------------


def test_verdicts_are_those_of_plansim_in_every_scenario(
    city: Model, stories: Mapping[str, Scenario]
) -> None:
    everything = load_targets(None, city)
    targets = judged_targets(everything)
    program = verdict_program(city, targets)
    asked = [name.rpartition("@") for name in program.inputs]
    runs = [annual_of(simulate(city, scenario)) for scenario in stories.values()]
    values = []
    for run in runs:
        series = {split_reference(row.name): row.values for row in rows_of(run)}
        figures = [
            series[split_reference(name)].get(int(year), math.nan) for name, _, year in asked
        ]
        values.append((figures, None))
    assert len(targets) > 60
    for scenario, run, found in zip(
        stories.values(), runs, run_in_node(program, values), strict=True
    ):
        ours = dict(zip(program.outputs, found.tolist(), strict=True))
        verdicts = {verdict.id: verdict for verdict in verdicts_of(run, everything)}
        for target in targets:
            theirs, id_ = verdicts[target.id], target.id
            what = "assumed" if id_ in scenario.assumed else "status"
            assert ours[f"{id_}.{what}"] == theirs.status.code, id_
            expected = {"value": theirs.value, "margin": theirs.margin,
                        "percent": theirs.margin_pct, "breach": theirs.first_breach,
                        **theirs.bases}  # fmt: skip
            for name, other in expected.items():
                assert ours[f"{id_}.{name}"] == pytest.approx(
                    math.nan if other is None else other, rel=1e-9, abs=1e-12, nan_ok=True
                ), (scenario.id, id_)


VALUES = st.one_of(
    st.floats(-1e6, 1e6).map(lambda value: round(value, 9)),
    st.integers(-99_999, 99_999).map(lambda value: value / 10),
    st.just(float("nan")),
)
GOALS = st.integers(1, 99_999).map(lambda value: value / 10)


@settings(max_examples=4)
@given(st.lists(st.tuples(VALUES, GOALS, st.integers(-2, 3)), min_size=150, max_size=150))
def test_figures_are_written_as_elsewhere_in_plansim(
    samples: list[tuple[float, float, int]],
) -> None:
    asked = [
        [None if value != value else value, goal, decimals] for value, goal, decimals in samples
    ]
    harness = f"""
    {(PARTS / "format.js").read_text("utf-8")}
    const found = {json.dumps(asked)}.map(([value, goal, decimals]) => [
      figure(value, decimals), decimalsFor(goal, value), marginFigure(value ?? NaN, decimals),
      percent(value ?? NaN), decimalsOf([value ?? NaN, goal]), figure(goal, writtenDecimals(goal)),
    ]);
    console.log(JSON.stringify(found));
    """
    done = subprocess.run(["node", "-"], input=harness, capture_output=True, text=True, check=True)
    for (value, goal, decimals), ours in zip(samples, json.loads(done.stdout), strict=True):
        expected = [
            figure(value, decimals),
            decimals_for(goal, value),
            margin_figure(value, decimals).replace("-", "−"),
            percent(value).replace("-", "−"),
            decimals_of([value, goal]),
            target_figure(goal) if goal != round(goal) else ours[-1],
        ]
        assert ours == expected, (value, goal, decimals)


# --- other models ---------------------------------------------------------------------------------


def test_a_scenario_that_changes_the_shape_of_the_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "delay.mdl"
    path.write_text(
        "stages= 3 ~ Dmnl ~|\nflow= 1 + RAMP(1, 2, 4) ~ Dmnl ~|\n"
        "late= DELAY N(flow, 2, 1, stages) ~ Dmnl ~|\n"
        "INITIAL TIME= 0 ~ Year ~|\nFINAL TIME= 5 ~ Year ~|\nTIME STEP= 0.25 ~ Year ~|\n"
        "SAVEPER= 1 ~ Year ~|\n",
        "utf-8",
    )
    model = load_model(path, strict=False)
    assert "as-written" in make_page(model).text
    other = tmp_path / "other.yaml"
    other.write_text("title: x\nvalues: {stages: 2}\n", "utf-8")
    with pytest.raises(InputError, match="'stages' decides on the shape of the model"):
        make_page(model, [read_scenario(other, model)])


@pytest.mark.long
def test_a_title_in_the_language_of_pages_stays_a_title(root: Path) -> None:
    model = load_model(root / "tests" / "toys" / "models" / "tea_cup.mdl")
    title = "Tea </script> <!--<script> a<b&lt; 茶"
    made = make_page(model, [replace(as_written(model), title_en=title, title_zh=title)])
    bare = make_page(model, [replace(as_written(model), title_en="Tea", title_zh="Tea")])
    assert data_of(made)["scenarios"][0]["name"] == [title, title]
    for tag in ("<!--", "<script", "</script"):
        assert made.text.count(tag) == bare.text.count(tag)
