from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plansim import errors
from plansim.errors import (
    Fault,
    FaultLog,
    InputError,
    ModelError,
    OutputError,
    PlansimError,
    ScenarioError,
    SimulationError,
    UnitError,
    UnknownNameError,
    nearest,
)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (
            Fault("unknown key", Path("a.yaml"), 7, "a key", "titel", "title"),
            "a.yaml:7: unknown key; expected a key; found titel; did you mean 'title'?",
        ),
        (Fault("it fails"), "it fails"),
        (Fault("it fails", file="x.mdl"), "x.mdl: it fails"),
        (Fault("it fails", line=3), "3: it fails"),
        (Fault("it fails", found=""), "it fails; found "),
        (
            Fault("it fails", expected="less", nearest="x"),
            "it fails; expected less; did you mean 'x'?",
        ),
    ],
)
def test_what_a_fault_does_not_know_is_left_out(fault: Fault, text: str) -> None:
    assert str(fault) == text


def test_an_input_error_crosses_processes() -> None:
    error = pickle.loads(pickle.dumps(UnitError(Fault("one", Path("a"), 1))))
    assert isinstance(error, UnitError)
    assert str(error) == "a:1: one"


def test_faults_of_input_of_output_and_of_runs_are_told_apart() -> None:
    for kind in (ModelError, ScenarioError, errors.CatalogueError, UnitError, UnknownNameError):
        assert kind.__base__ is InputError
    for other in (InputError, OutputError, SimulationError):
        assert other.__base__ is PlansimError


def test_nearest_does_not_regard_letter_case() -> None:
    assert nearest("ENERGY INTENSTY", ["Energy Intensity", "GDP"]) == "Energy Intensity"
    assert nearest("地区生产总直", ["人口", "地区生产总值"]) == "地区生产总值"
    assert nearest("nothing like it", ["GDP"]) is None
    assert nearest("GDP", []) is None


@given(st.text(), st.lists(st.text(), max_size=5))
def test_nearest_gives_a_candidate_or_none(name: str, candidates: list[str]) -> None:
    assert nearest(name, candidates) in {None, *candidates}


def test_a_log_of_a_hopeless_file_is_sorted_and_stays_small() -> None:
    log = FaultLog("a.mdl")
    log.fault("nowhere")
    for line in range(5000, 0, -1):
        log.fault("wrong", line)
    assert [fault.line for fault in log.by_line()] == [*range(4902, 5001), None]
    guesses = [log.nearest("GPD", ["GDP"]) for _ in range(30)]
    assert guesses == ["GDP"] * 20 + [None] * 10
