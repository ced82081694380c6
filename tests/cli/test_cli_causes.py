"""The commands on causes as a user meets them: tables, JSON in full, and what is refused."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
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
    by_id = {cut["loop"]["id"]: cut for cut in found["loops"]}
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


def test_what_is_shown_of_a_solution_meets_the_target(call: Call) -> None:
    faster = ("decide", "solve", "accelerated-growth")
    arguments = ("--lever", "desulphurisation rate", "--target", "M34a")
    _, out, _ = call(*faster, *arguments)
    assert "Outside the plausible range: " in out
    value = re.split(r" {2,}", out.splitlines()[4])[2]
    _, out, _ = call(*faster, *arguments, "--set", f"desulphurisation rate={value}")
    assert out.startswith("accelerated-growth meets M34a")
    assert "already" in out
