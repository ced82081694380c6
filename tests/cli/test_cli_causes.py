"""The commands on causes as a user meets them: tables, JSON in full, and what is refused."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plansim.analysis.feedback.loops import load_loops
from plansim.model.records import Model
from tests.helpers.command import Call


@pytest.fixture
def told(call: Call) -> Callable[..., Any]:
    def run(*arguments: str) -> Any:
        code, out, err = call(*arguments, "--format", "json")
        assert code == 0, err
        return json.loads(out)

    return run


def test_loops_and_their_scores_in_full(told: Callable[..., Any], city: Model) -> None:
    found = told("why", "loops", "baseline")
    assert found["scenario"] == "baseline"
    by_id = {each["loop"]["id"]: each for each in found["loops"]}
    assert list(by_id) == [loop.id for loop in load_loops(city)]
    (path,) = by_id["B1"]["loop"]["paths"]
    assert all(link["stands"] for link in path)
    assert math.prod(link["sign"] for link in path) == -1
    effect = by_id["R1"]["effects"][0]
    assert set(effect["whole"]) == set(effect["cut"]) == {"2010", "2020"}
    web, alone = found["partitions"]  # nothing answers to emission but effort
    assert alone == ["B8"]
    assert sorted([*web, *alone]) == sorted(by_id) == sorted(found["shares"])
    for index, _ in enumerate(found["years"]):
        shares = {id_: series[index] for id_, series in found["shares"].items()}
        assert sum(abs(shares[id_]) for id_ in web) == pytest.approx(1)
        assert all(share * (1 if id_[0] == "R" else -1) >= 0 for id_, share in shares.items())


def test_loops_fit_the_terminal(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = call("why", "loops", "--lang", "zh")
    assert code == 0
    assert "积累回路" in out
    assert [line for line in out.splitlines() if sum(1 + (c > "⺀") for c in line) > 80] == []


def test_without_pysimlin_it_is_said_that_there_are_no_scores(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plansim.engine.simlin.has_simlin", lambda: False)
    code, out, _ = call("why", "loops", "baseline")
    assert code == 0
    why = "pysimlin is not installed; pip install 'plansim[loops]' brings it"
    assert f"No loop scores: {why}." in " ".join(out.split())
    found = json.loads(call("why", "loops", "baseline", "--format", "json")[1])
    assert found["missing"] == why
    assert found["shares"] == {}


def test_loops_are_drawn(call: Call, tmp_path: Path) -> None:
    picture = tmp_path / "loops.svg"
    arguments = ("plot", "baseline", "--kind", "loops", "-o", str(picture))
    code, out, err = call(*arguments)
    assert (code, out, err) == (0, f"Written: {picture}\n", "")
    assert "<svg" in picture.read_text("utf-8")
    code, _, err = call(*arguments, "--force", "--variable", "GDP")
    assert code == 2
    assert "--kind loops takes no --variable" in err


def test_attribution_in_full(told: Callable[..., Any]) -> None:
    found = told(
        "why", "attribute", "baseline", "slow-growth", "--target", "M28", "--target", "m34A"
    )
    assert found["runs"] == 2 ** len(found["groups"])
    assert [each["target"]["id"] for each in found["targets"]] == ["M28", "M34a"]
    for each in found["targets"]:
        change = each["margin_after"] - each["margin_before"]
        assert sum(each["shares"]) == pytest.approx(change, abs=1e-9)
        assert len(each["shares"]) == len(found["groups"])


def test_attribution_as_a_table(call: Call) -> None:
    code, out, _ = call("why", "attribute", "baseline", "slow-growth", "--lang", "zh")
    assert code == 0
    assert out.startswith("从 baseline 到 slow-growth")
    assert "外部需求增长率" in out
    assert "沙普利分解（精确）" in out
    assert "余量不变：" in out
    assert "其余1项" not in out, "the last name takes the line itself"


def test_a_ramp_that_one_scenario_lacks_is_no_year_long_ago(call: Call) -> None:
    Path("ramp.yaml").write_text(
        "title: {en: R, zh: 变}\nparent: baseline\n"
        "levers: {retrofit rate: {before: 0.02, after: 0.04, from: 2006, to: 2008}}\n"
    )
    _, out, _ = call("why", "attribute", "baseline", "ramp.yaml", "--target", "M28")
    assert "; to: – → 2008\n" in out
    _, out, _ = call("why", "attribute", "ramp.yaml", "baseline", "--target", "M28", "--lang", "zh")
    assert "；渐变完成年：2008 → –\n" in out or "; 渐变完成年：2008 → –\n" in out


def test_the_year_of_a_ramp_is_shown(call: Call) -> None:
    code, out, _ = call("show", "retrofit rate TO year")
    assert code == 0
    assert "year in which the gradual change is complete" in out
    assert "none unless a scenario sets it" in out
    assert "2000.0" not in out
    _, out, _ = call("show", "节能改造率恢复年份", "--lang", "zh")
    assert "自该年起恢复为变化前的取值" in out


def test_a_scenario_against_itself_changes_nothing(call: Call) -> None:
    found = call("why", "attribute", "baseline", "baseline")
    assert found == (0, "baseline and baseline set the same values.\n", "")


def test_a_solution_in_full(told: Callable[..., Any]) -> None:
    found = told("decide", "solve", "baseline", "--lever", "coal quality after", "--target", "M34a")
    (lever,) = found["levers"]
    assert lever["id"] == "coal quality after"
    assert 0.75 < found["values"][0] < found["present"][0] == 1
    assert found["margins"]["M34a"] == pytest.approx(0, abs=1e-6)
    assert found["implausible"] == []
    assert [each["range"] for each in found["searched"]] == ["plausible"]


def test_what_is_shown_of_a_solution_meets_the_target(call: Call) -> None:
    faster = ("decide", "solve", "accelerated-growth")
    arguments = ("--lever", "desulphurisation rate", "--target", "M34a")
    _, out, _ = call(*faster, *arguments)
    assert "Outside the plausible range: " in out
    value = re.split(r" {2,}", out.splitlines()[4])[2]
    _, out, _ = call(*faster, *arguments, "--set", f"desulphurisation rate={value}")
    assert out.startswith("accelerated-growth meets M34a")
    assert "already" in out


MIX = (
    "decide",
    "solve",
    "baseline",
    "--lever",
    "coal quality after",
    "--lever",
    "abatement effort",
)


def test_a_mix_in_full(told: Callable[..., Any], call: Call) -> None:
    targets = ("--target", "M34a", "--target", "m34b")
    found = told(*MIX, *targets, "--price", "coal quality after=5")
    assert [each["id"] for each in found["targets"]] == ["M34a", "M34b"]
    assert [each["id"] for each in found["levers"]] == [
        "coal quality after",
        "abatement effort after",
    ]
    assert found["prices"] == {"coal quality after": 5.0}
    assert min(found["margins"].values()) >= 0
    moved = zip(found["levers"], found["values"], strict=True)
    settings = [f"{lever['id']}={value!r}" for lever, value in moved]
    again = ("--set", settings[0], "--set", settings[1])
    code, out, err = call(*MIX, *targets, *again)
    assert code == 0, err
    assert out.startswith("baseline meets M34a, M34b already")
    assert "It costs 0." in out


def test_a_mix_that_the_model_prices(call: Call) -> None:
    cost = ("--target", "M34a", "--cost", "spending[environment works]", "--lang", "zh")
    code, out, err = call(*MIX, *cost)
    assert code == 0, err
    assert "政策变量须作如下调整" in out
    assert "亿元" in out


def test_a_mix_that_there_is_not(call: Call) -> None:
    code, out, _ = call(
        *MIX, "--target", "M34a", "--target", "M24", "--set", "pension enforcement after=0.9"
    )
    assert code == 0
    assert out.startswith("No setting of these levers makes baseline meet M34a, M24.")
    assert "short are: M24" in out
    assert "admissible ranges" in out
