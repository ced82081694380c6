"""Overlays at the commands that take a scenario, on a lake."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import plansim
from plansim.cli.main import main
from tests.helpers.command import Call
from tests.toys.lake import lake


@pytest.fixture(autouse=True)
def lake_folder(tmp_path: Path) -> None:
    lake(tmp_path)
    ban = "title: {en: Ban, zh: 禁渔}\nkind: overlay\nvalues: {effort: 0.0625}\n"
    (tmp_path / "ban.yaml").write_text(ban, "utf-8")


def test_run_and_check_lay_overlays_over_every_scenario(call: Call) -> None:
    model = plansim.load_model("lake.mdl")
    scenario = plansim.read_scenario("boats.yaml", model, overlays=["ban.yaml"])
    expected = plansim.annual(plansim.simulate(model, scenario))["catch"].to_series()
    arguments = ("--model", "lake.mdl", "--with", "ban.yaml", "--format", "json")
    done = call("run", "boats.yaml", *arguments, "--variable", "catch")
    assert done.code == 0
    (series,) = json.loads(done.out)["variables"]
    assert series["values"] == {str(year): value for year, value in expected.items()}
    assert "effort" in done.err
    told = json.loads(call("check", "boats.yaml", *arguments).out)
    plus = json.loads(call("check", "boats.yaml+ban.yaml", *arguments[:2], *arguments[4:]).out)
    assert told == plus
    assert {verdict["scenario"] for verdict in plus} == {"boats+ban"}


@pytest.mark.parametrize(
    "line",
    [
        "compare boats.yaml boats.yaml+ban.yaml --no-remedies",
        "plot boats.yaml --variable effort --with ban.yaml -o a.svg",
        "export boats.yaml boats.yaml+ban.yaml -o a.csv",
        "page boats.yaml boats.yaml+ban.yaml -o a.html",
        "show boats.yaml+ban.yaml",
        "why attribute boats.yaml boats.yaml+ban.yaml",
        "why loops boats.yaml --with ban.yaml",
        "decide solve boats.yaml --with ban.yaml --lever room --target F1",
        "sweep boats.yaml --factor room --with ban.yaml -n 8 -o a.zarr",
    ],
)
def test_every_command_takes_overlays(call: Call, line: str) -> None:
    done = call(*line.split(), "--model", "lake.mdl")
    assert (done.code, done.err.count("Traceback")) == (0, 0), done.err
    if line.startswith("export"):
        table = pd.read_csv("a.csv")
        assert set(table["scenario"]) == {"boats", "boats+ban"}
    if line.startswith("sweep"):
        again = call("replay", "a.zarr", "3", "--model", "lake.mdl", "-o", "three.yaml")
        assert again.code == 0
        assert "at most 0.0e+00" in again.out
        assert '"effort": 0.0625' in Path("three.yaml").read_text("utf-8")
        assert main(["check", "three.yaml", "--model", "lake.mdl"]) == 0
