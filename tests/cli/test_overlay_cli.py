"""Overlays and bent levers at the commands that take a scenario, on a small model."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import plansim
from plansim.cli.main import main
from tests.helpers.command import Call
from tests.helpers.plan import aim, plan
from tests.helpers.vensim_text import CLOCK

POND = (
    "fish= INTEG(births - catch, 100) ~ t ~ 鱼。Fish. [T1]|\n"
    "births= growth*fish ~ t/Year ~ 增长。Births. |\n"
    "growth= 0.2 ~ 1/Year [0,1] ~ 增长率。Growth. [A: 0.1–0.3]|\n"
    "catch= effort*fish ~ t/Year ~ 捕捞。Catch. |\n"
    "effort= effort before + STEP(effort after - effort before, effort from year)"
    " ~ 1/Year ~ 强度。Effort. |\n"
    "effort before= 0.1 ~ 1/Year [0,1] ~ 强度（前）。Before. [A: 0.05–0.3]|\n"
    "effort after= 0.1 ~ 1/Year [0,1] ~ 强度（后）。After. [A: 0.05–0.3]|\n"
    "effort from year= 2004 ~ Year [2000,2010] ~ 强度年份。When. [A: 2002–2006]|\n"
)


@pytest.fixture
def pond(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("pond.mdl").write_text(POND + CLOCK, "utf-8")
    targets = plan(aim("F1", "at least: 150, year: 2008", "fish", unit="t"))
    Path("targets.yaml").write_text(targets, "utf-8")
    Path("base.yaml").write_text("title: Base\nvalues: {growth: 0.25}\n", "utf-8")
    Path("ban.yaml").write_text(
        "title: {en: Ban, zh: 禁渔}\nkind: overlay\n"
        "levers: {effort: {after: 0, from: 2003, to: 2005, until: 2007}}\n",
        "utf-8",
    )
    return tmp_path


def test_run_and_check_lay_overlays_over_every_scenario(call: Call, pond: Path) -> None:
    model = plansim.load_model("pond.mdl")
    scenario = plansim.read_scenario("base.yaml", model, overlays=["ban.yaml"])
    expected = plansim.simulate(model, scenario)
    arguments = ("--model", "pond.mdl", "--with", "ban.yaml")
    done = call("run", "base.yaml", *arguments, "--variable", "effort", "--format", "json")
    assert done.code == 0
    (series,) = json.loads(done.out)["variables"]
    assert series["values"] == {
        str(year): float(expected["effort"].sel(time=year)) for year in range(2000, 2011)
    }
    assert "effort to year: 2005" in done.err
    (verdict,) = json.loads(call("check", "base.yaml+ban.yaml", *arguments[:2],
                                 "--format", "json").out)  # fmt: skip
    assert verdict["scenario"] == "base+ban"
    assert verdict["value"] == pytest.approx(float(expected["fish"].sel(time=2008.5)))


@pytest.mark.parametrize(
    "line",
    [
        "compare base.yaml base.yaml+ban.yaml --no-remedies",
        "plot base.yaml --variable effort --with ban.yaml -o a.svg",
        "export base.yaml base.yaml+ban.yaml -o a.csv",
        "page base.yaml base.yaml+ban.yaml -o a.html",
        "show base.yaml+ban.yaml",
        "why attribute base.yaml base.yaml+ban.yaml",
        "why loops base.yaml --with ban.yaml",
        "decide solve base.yaml --with ban.yaml --lever growth --target F1",
        "sweep base.yaml --factor growth --with ban.yaml -n 8 -o a.zarr",
    ],
)
def test_every_command_takes_overlays(call: Call, pond: Path, line: str) -> None:
    Path("loops.yaml").write_text("loops: []\n", "utf-8")
    done = call(*line.split(), "--model", "pond.mdl")
    assert (done.code, done.err.count("Traceback")) == (0, 0), done.err
    if line.startswith("export"):
        table = pd.read_csv("a.csv")
        assert set(table["scenario"]) == {"base", "base+ban"}
    if line.startswith("sweep"):
        again = call("replay", "a.zarr", "3", "--model", "pond.mdl", "-o", "three.yaml")
        assert again.code == 0
        assert "at most 0.0e+00" in again.out
        assert "effort until year" in Path("three.yaml").read_text("utf-8")
        assert main(["check", "three.yaml", "--model", "pond.mdl"]) == 0
