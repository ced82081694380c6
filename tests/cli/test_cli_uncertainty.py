"""The commands on what is not known, as a user meets them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from plansim.cli.main import main
from plansim.model.reader import load_model
from tests.helpers.vensim_text import writer

Call = Callable[..., tuple[int, str, str]]
SMALL = ("--design", "growth-investment", "-n", "32", "--trajectories", "3")


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Call:
    """Call the command on 100 columns, in an English locale, in an empty folder."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main(arguments)
        return code, *capfd.readouterr()

    return run


def test_a_study_as_table_and_files_that_agree(call: Call, tmp_path: Path) -> None:
    code, out, err = call(
        "why", "sensitivity", "baseline", "green-transition", *SMALL, "-o", "s.json",
        "--plot", "d.png", "--lang", "zh",
    )  # fmt: skip
    assert code == 0, err
    assert "绿色转型情景" in out
    assert "各约束性指标的达标概率" in out
    assert {each.name for each in tmp_path.iterdir()} >= {"s.json", "d.png"}
    told = json.loads((tmp_path / "s.json").read_text("utf-8"))
    assert told["draws"] == 64
    assert [told["design"]["id"], told["runs"] > 64] == ["growth-investment", True]
    places = [each["scenario"] for each in told["ranking"]["places"]]
    means = [each["met"] for each in told["ranking"]["places"]]
    assert sorted(means, reverse=True) == means
    assert set(places) == {"baseline", "green-transition"}


@pytest.mark.parametrize("width", ["80", "100", "140"])
def test_a_study_fits_the_terminal(call: Call, monkeypatch: pytest.MonkeyPatch, width: str) -> None:
    monkeypatch.setenv("COLUMNS", width)
    code, out, _ = call("why", "sensitivity", "baseline", *SMALL)
    assert code == 0
    assert "fragile" not in out, "one scenario has no order"
    assert [line for line in out.splitlines() if len(line) > int(width)] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("baselin",), "no scenario is called 'baselin'; "),
        (("--design", "uncertanty"), "did you mean 'uncertainty'?"),
        (("--design", "none.yaml"), "none.yaml"),
        (("-n", "1"), "Invalid value for '-n'"),
        (("-o", "s.xlsx"), "expected a name that ends with .json"),
        (("--plot", "d.jpg"), "expected a name that ends with .pdf, .png, .svg"),
        (("--plot", "no/where.png"), "expected an existing folder"),
        (("--trajectries", "3"), "Did you mean '--trajectories'"),
    ],
)
def test_what_is_refused(call: Call, arguments: tuple[str, ...], message: str) -> None:
    code, out, err = call("why", "sensitivity", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_an_existing_file_is_kept(call: Call, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text("mine", "utf-8")
    code, _, err = call("why", "sensitivity", *SMALL, "-o", "s.json")
    assert code == 2
    assert "--force replaces it" in err
    assert (tmp_path / "s.json").read_text("utf-8") == "mine"


TOWN = """
drive= 0.05 ~ 1/Year [0,0.5] ~ 干劲。Growth. [A: 0–0.2] |
care= 0.5 ~ Dmnl [0,5] ~ 治理。Abatement. [A: 0–1] |
output= 100*EXP(drive*(Time - 2000)/one year) ~ 亿元/Year ~ 产出。Grows. |
dirt= 10*drive*one year - care ~ Dmnl ~ 污染。Of growth. |
stock= INTEG(output*0, 1) ~ 亿元 ~ 存量。So that it is a model. |
one year= 1 ~ Year [1,1] ~ 一年。One. |
"""
PLAN = """\
title: {en: A plan, zh: 规划}
base_year: 2000
horizon: 2008
places:
  ch 1: {en: Chapter 1, zh: 第一章}
reasons:
  detail: {en: Too fine., zh: 过细。}
targets:
- {id: D1, en: Aim, zh: 目标, unit: Dmnl, attribute: binding, target: {at most: 0.5, year: 2004},
   place: [ch 1], variable: dirt}
"""


@pytest.fixture
def town(tmp_path: Path) -> str:
    (tmp_path / "targets.yaml").write_text(PLAN, "utf-8")
    (tmp_path / "plain.yaml").write_text("title: Plain\n", "utf-8")
    (tmp_path / "decision.yaml").write_text(
        "growth: output\nyears: [2004]\nscenario: plain.yaml\ngrowth_levers: [drive]\n"
        "target_levers: [care]\n",
        "utf-8",
    )
    return str(load_model(writer(tmp_path)(TOWN)).path)


def test_a_frontier_as_text_and_file(call: Call, town: str, tmp_path: Path) -> None:
    code, out, err = call(
        "decide", "frontier", "--model", town, "-o", "f.json", "--plot", "f.png", "--lang", "zh"
    )
    assert code == 0, err
    assert "1项全部达标的最高增速为年均16.18 %" in out
    assert "此处受限于D1" in out
    told = json.loads((tmp_path / "f.json").read_text("utf-8"))
    assert told["horizons"][0]["highest"]["growth"] == pytest.approx(math.exp(0.15) - 1, abs=1e-5)
    assert (tmp_path / "f.png").stat().st_size > 1000
    code, out, _ = call("decide", "frontier", "plain.yaml", "--model", town, "-n", "16")
    assert code == 0
    assert "The highest growth at which all 1 hold is 16.18 % a year." in out
    assert [line for line in out.splitlines() if len(line) > 100] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("baselin",), "no scenario is called 'baselin'"),
        (("--spec", "none.yaml"), "no file states the decision problem"),
        (("-o", "f.csv"), "expected a name that ends with .json"),
        (("--plot", "f.jpg"), "expected a name that ends with .pdf"),
        (("-n", "1"), "Invalid value for '-n'"),
        (("--sepc", "x"), "No such option '--sepc'"),
    ],
)
def test_what_a_frontier_refuses(call: Call, arguments: tuple[str, ...], message: str) -> None:
    code, out, err = call("decide", "frontier", *arguments)
    assert (code, out) == (2, "")
    assert message in err
