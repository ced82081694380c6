"""The commands on what is not known, as a user meets them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from plansim.model.reader import load_model
from tests.helpers.command import Call
from tests.helpers.plan import aim, plan
from tests.helpers.vensim_text import writer

SMALL = ("--design", "growth-investment", "-n", "32", "--trajectories", "3")


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


def test_a_study_fits_the_terminal(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = call("why", "sensitivity", "baseline", *SMALL)
    assert code == 0
    assert "fragile" not in out, "one scenario has no order"
    assert [line for line in out.splitlines() if len(line) > 80] == []


TOWN = """
drive= 0.05 ~ 1/Year [0,0.5] ~ 干劲。Growth. [A: 0–0.2] |
care= 0.5 ~ Dmnl [0,5] ~ 治理。Abatement. [A: 0–1] |
output= 100*EXP(drive*(Time - 2000)/one year) ~ 亿元/Year ~ 产出。Grows. |
dirt= 10*drive*one year - care ~ Dmnl ~ 污染。Of growth. |
stock= INTEG(output*0, 1) ~ 亿元 ~ 存量。So that it is a model. |
one year= 1 ~ Year [1,1] ~ 一年。One. |
"""
PLAN = plan(aim("D1", "at most: 0.5, year: 2004", "dirt"))


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
