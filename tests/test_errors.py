"""A fault says what it knows; the nearest name is found; a log stays small."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plansim.errors import (
    Fault,
    FaultLog,
    UnitError,
    nearest,
)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (
            Fault("unknown key", Path("a.yaml"), 7, "a key", "titel", "title"),
            "a.yaml:7: unknown key; expected a key; found titel; did you mean 'title'?",
        ),
        (Fault("it fails", file="x.mdl", found=""), "x.mdl: it fails; found "),
    ],
)
def test_what_a_fault_does_not_know_is_left_out(fault: Fault, text: str) -> None:
    assert str(fault) == text


def test_an_input_error_crosses_processes() -> None:
    error = pickle.loads(pickle.dumps(UnitError(Fault("one", Path("a"), 1))))
    assert isinstance(error, UnitError)
    assert str(error) == "a:1: one"


def test_nearest_does_not_regard_letter_case() -> None:
    assert nearest("ENERGY INTENSTY", ["Energy Intensity", "GDP"]) == "Energy Intensity"
    assert nearest("地区生产总直", ["人口", "地区生产总值"]) == "地区生产总值"


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
