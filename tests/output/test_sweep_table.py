"""Summaries of sweeps and series claim no more than the runs say, in the units of the plan."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pytest
import xarray as xr

from plansim.analysis.experiments.summary import shares
from plansim.output.tables.layout import shown
from plansim.output.tables.runs import sweep_table
from plansim.output.words.text import Lang, read_text
from plansim.targets.target import Status
from tests.helpers.plan import target

EN = read_text(Lang.EN)
FLOOR = target(name_en="Name", unit="%", variables={None: "x"})


def summary(counts: Mapping[Status, int], *, is_sample: bool = True) -> xr.Dataset:
    """Return the summary of a sweep with one scenario, target and output."""
    verdicts = np.array([[[counts.get(status, 0) for status in Status]]])
    names = ("p_met", "p_met_se", "p_met_low", "p_met_high")
    found = shares(verdicts, is_sample=is_sample)
    dims = ("scenario", "target")
    return xr.Dataset(
        {
            **{name: (dims, values) for name, values in zip(names, found, strict=True)},
            "verdicts": ((*dims, "verdict"), verdicts),
            "worst_margin": (dims, [[-1.5]]),
            "worst_run": (dims, [[3]]),
            "quantiles": ((dims[0], "output", "year", "quantile"), np.ones((1, 1, 1, 2))),
            "runs": ((dims[0], "outcome"), [[sum(counts.values()), 0]]),
        },
        {
            "scenario": ["plain"], "target": [FLOOR.id], "outcome": ["ok", "never_run"],
            "verdict": [status.value for status in Status], "output": ["x"], "year": [2010],
            "quantile": [0.05, 0.95], "output_unit": ("output", ["Dmnl"]),
        },
        {"bad_variables": json.dumps({})},
    )  # fmt: skip


MET, MISSED, OPEN, NOT = Status.MET, Status.MISSED, Status.UNDECIDED, Status.UNTESTABLE


@pytest.mark.parametrize(
    ("counts", "is_sample", "expected"),
    [
        ({MET: 70, MISSED: 30}, True, "missed | 70.0 ± 4.5 % 30.0 %"),
        ({MET: 70, MISSED: 30}, False, "missed | 70.0 % 30.0 %"),
        ({MET: 60, MISSED: 20, OPEN: 15, NOT: 5}, True,
         "missed undecided not judged | 60.0 ± 4.8 % 20.0 % 15.0 % 5.0 %"),
        ({MET: 100}, True, "missed | 96.3–100 % –"),
        ({MISSED: 100}, True, "missed | 0–3.7 % 100 %"),
        ({MET: 3, OPEN: 97}, True, "missed undecided | 3.0 ± 2.1 % – 97.0 %"),
        ({MET: 10**6, MISSED: 1}, True, "missed | >99.9 ± <0.1 % <0.1 %"),
        ({Status.ASSUMED: 100}, True, "missed | assumed –"),
        ({NOT: 100}, True, "missed not judged | not judged – –"),  # no share, nor 0 to 3.7 %
    ],
)  # fmt: skip
def test_shares_are_all_shown_and_certain_to_no_more_than_the_runs_say(
    counts: Mapping[Status, int], is_sample: bool, expected: str
) -> None:
    found = summary(counts, is_sample=is_sample)
    lines = shown(sweep_table(found, [FLOOR], EN, names_zh={}), 100).splitlines()
    head = next(line for line in lines if line.startswith("id"))
    line = next(line for line in lines if line.startswith(FLOOR.id))
    columns = [column for column in ("missed", "undecided", "not judged") if column in head]
    cells = line[head.index("plan says") :].split()[3:-2]
    assert " ".join([*columns, "|", *cells]) == expected


def test_quantiles_are_in_the_unit_of_the_target() -> None:
    found = summary({MET: 9, MISSED: 1})
    found["quantiles"][...] = np.array([0.4807, 0.4891])
    lines = shown(sweep_table(found, [FLOOR], EN, names_zh={}), 200).splitlines()
    line = next(told for told in lines if told.startswith("x"))
    assert " ".join(line.split()) == "x % 2010 48.1 48.9"


def test_the_five_variables_at_which_most_runs_broke_down_are_named() -> None:
    found = summary({MET: 9})
    found.attrs["bad_variables"] = json.dumps(dict.fromkeys("abcdef", 9))
    said = shown(sweep_table(found, [FLOOR], EN, names_zh={}), 100)
    assert "Bad runs broke down first at: a (9), b (9), c (9), d (9), e (9)\n" in said


@pytest.mark.parametrize(("step", "said"), [(0.25, True), (0.0625, False)])
def test_a_coarser_step_than_the_models_is_told(step: float, said: bool) -> None:
    table = sweep_table(summary({MET: 9}), [FLOOR], EN, names_zh={}, steps=(step, 0.0625))
    assert ("Made at a step of 0.25 years; `check` uses 0.0625" in shown(table, 100)) is said
