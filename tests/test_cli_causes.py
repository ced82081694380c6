"""The commands on causes as a user meets them: tables, JSON in full, and what is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from plansim.cli import main

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Call the command on 100 columns, in an English locale."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main(arguments)
        return code, *capfd.readouterr()

    return run


@pytest.fixture
def told(call: Call) -> Callable[..., Any]:
    def run(*arguments: str) -> Any:
        code, out, err = call(*arguments, "--format", "json")
        assert code == 0, err
        return json.loads(out)

    return run


def test_loops_in_full(told: Callable[..., Any]) -> None:
    found = told("loops", "baseline")
    assert found["scenario"] == "baseline"
    by_id = {each["id"]: each for each in found["loops"]}
    assert len(by_id) == 15
    assert all(each["found"] for each in by_id.values())
    (path,) = by_id["B1"]["paths"]
    assert math.prod(link["sign"] for link in path) == -1
    assert by_id["B4"]["strongest"] == 0
    effect = by_id["R1"]["effects"][0]
    assert set(effect["whole"]) == set(effect["cut"]) == {"2010", "2020"}


@pytest.mark.parametrize("width", ["80", "100", "160"])
def test_loops_fit_the_terminal(call: Call, monkeypatch: pytest.MonkeyPatch, width: str) -> None:
    monkeypatch.setenv("COLUMNS", width)
    code, out, _ = call("loops", "--lang", "zh")
    assert code == 0
    assert "积累回路" in out
    wide = [line for line in out.splitlines() if sum(1 + (c > "⺀") for c in line) > int(width)]
    assert wide == []


def test_attribution_in_full(told: Callable[..., Any]) -> None:
    found = told("attribute", "baseline", "slow-growth", "--target", "M28", "--target", "m34A")
    names = [each["name"] for each in found["changes"]]
    assert found["runs"] == 2 ** len(names)
    assert [each["id"] for each in found["targets"]] == ["M28", "M34a"]
    for each in found["targets"]:
        change = each["margin_after"] - each["margin_before"]
        assert sum(each["shares"].values()) == pytest.approx(change, abs=1e-9)
        assert list(each["shares"]) == names


def test_attribution_as_a_table(call: Call) -> None:
    code, out, _ = call("attribute", "baseline", "slow-growth", "--lang", "zh")
    assert code == 0
    assert out.startswith("从 baseline 到 slow-growth")
    assert "外部需求增长率" in out
    assert "沙普利分解（精确）" in out
    assert "余量不变：" in out


def test_a_scenario_against_itself_changes_nothing(call: Call) -> None:
    found = call("attribute", "baseline", "baseline")
    assert found == (0, "baseline and baseline set the same values.\n", "")


def test_a_solution_in_full(told: Callable[..., Any]) -> None:
    found = told("solve", "baseline", "--lever", "coal quality", "--target", "M34a")
    assert found["lever"] == "coal quality after"
    assert 0.75 < found["value"] < found["present"] == 1
    assert found["margin"] == pytest.approx(0, abs=1e-6)
    assert found["plausible"] is True
    assert [each["range"] for each in found["sought"]] == ["plausible"]


def test_what_is_shown_of_a_solution_meets_the_target(call: Call) -> None:
    arguments = ("--lever", "dust control rate", "--target", "M33")
    _, out, _ = call("solve", "baseline", *arguments)
    assert "That is outside the plausible range" in out
    value = out.partition(" to ")[2].split()[0]
    _, out, _ = call("solve", "baseline", *arguments, "--set", f"dust control rate={value}")
    assert out.startswith("baseline meets M33")
    assert "already" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("solve", "baseline", "--lever", "GDP", "--target", "M28"), "'GDP' cannot be set"),
        (("solve", "baseline", "--lever", "coal quality", "--target", "M99"), "no target has the"),
        (("solve", "baseline", "--lever", "coal quality", "--target", "T402"), "nothing in the mo"),
        (("solve", "baseline", "--lever", "coal quality"), "Missing option '--target'"),
        (("attribute", "baseline", "hindcast-2000"), "run on different clocks"),
        (("attribute", "baseline", "baselin"), "no scenario is called 'baselin'"),
        (("loops", "--set", "switch R1=0"), "--set needs a scenario"),
    ],
)
def test_what_is_refused(call: Call, arguments: tuple[str, ...], message: str) -> None:
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith("plansim: ")
    assert message in err
