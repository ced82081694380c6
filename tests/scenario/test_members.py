"""The file of members: what it holds, what it is laid over, and what is wrong with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from plansim.errors import InputError, OutputError
from plansim.model.records import Model
from plansim.scenario.members import Members, digests_of, read_head
from plansim.scenario.members_file import read_members, write_members
from plansim.scenario.scenario_file import as_written, read_scenario
from tests.toys.village import EQUATIONS, village, write_ensemble

ROWS = ("0,0.01,1.1,0.9", "1,-0.02,0.8,1.25", "7,0,1,20")


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return village(tmp_path)


@pytest.fixture
def members(model: Model) -> Members:
    return read_members(write_ensemble(model, *ROWS), model, {"effort"})


def test_members_are_stale_when_a_file_they_were_drawn_by_says_something_else(
    model: Model, members: Members, tmp_path: Path
) -> None:
    design, gone = tmp_path / "of two words.yaml", tmp_path / "gone.yaml"
    design.write_text("title: A\n", "utf-8")
    gone.write_text("title: B\n", "utf-8")
    files = digests_of([design, gone, tmp_path / "never.yaml"], tmp_path)
    path = members.head.path
    write_members(
        replace(members, head=replace(members.head, files=files)), model, path, force=True
    )
    gone.unlink()
    design.write_text("# A comment says nothing.\ntitle: A\n", "utf-8")
    assert read_head(path).misfit(model) is None
    assert read_members(path, model).head.files == files
    design.write_text("title: C\n", "utf-8")
    with pytest.raises(InputError, match="drawn by another 'of two words"):
        read_members(path, model)


# --- what it is laid over -------------------------------------------------------------------------


def test_a_change_acts_on_the_models_own_value(model: Model, members: Members) -> None:
    names, values = members.constants_under(model, as_written(model))
    assert names == ("growth", "effort", "weight[farms]", "weight[mills]")
    assert values.tolist() == [
        [0.1 + 0.01, 1.1, 1 * 0.9, 2 * 0.9],
        [0.1 - 0.02, 0.8, 1 * 1.25, 2 * 1.25],
        [0.1, 1, 10, 10],  # 20 and 40 stop at the end of the admissible range
    ]


def test_it_moves_what_a_scenario_sets_but_for_policy(
    model: Model, members: Members, tmp_path: Path
) -> None:
    other = read_scenario(tmp_path / "other.yaml", model)
    names, values = members.constants_under(model, other)
    assert names == ("growth", "weight[farms]", "weight[mills]"), "the effort stays as it is set"
    assert values[0].tolist() == [0.08 + 0.01, 1 * 0.9, 3 * 0.9]
    free = replace(members, policy=frozenset())
    names, values = free.constants_under(model, other)
    assert values[0, names.index("effort")] == 1.2 * 1.1


def test_points_of_a_series_move_by_the_change_of_what_they_replace(
    model: Model, members: Members, tmp_path: Path
) -> None:
    path = tmp_path / "series.yaml"
    path.write_text(
        "title: {en: Series, zh: 数列}\nlevers:\n"
        "  growth: {series: {2001: 0.05, 2002: 0.07}}\n"
        "  effort: {series: {2001: 1.4, 2002: 1.5}}\n",
        "utf-8",
    )
    series = read_scenario(path, model)
    names, values = members.constants_under(model, series)
    moved = dict(zip(names, values[0].tolist(), strict=True))
    assert moved["growth in 2001"] == 0.05 + 0.01
    assert moved["growth in 2002"] == 0.07 + 0.01
    assert not [name for name in names if name.startswith("effort in")], "policy decides on it"


# --- the file -------------------------------------------------------------------------------------


def test_what_is_written_is_read_again(model: Model, members: Members, tmp_path: Path) -> None:
    path = tmp_path / "again.csv"
    write_members(members, model, path)
    again = read_members(path, model, members.policy)
    assert replace(again, head=members.head) == members
    assert np.array_equal(again.values, members.values)
    assert (again.head.kind, again.head.seed, again.head.drawn) == ("prior", 1, "by hand")
    assert read_head(path) == again.head
    with pytest.raises(OutputError, match="exists already"):
        write_members(members, model, path)
    write_members(members, model, path, force=True)


def test_pandas_reads_it_without_plansim(model: Model, members: Members) -> None:
    table = pd.read_csv(members.head.path, comment="#", header=[0, 1, 2], index_col=0)
    assert np.array_equal(table.to_numpy(), members.values)
    assert table.index.tolist() == [0, 1, 7]
    pd.testing.assert_frame_equal(
        members.frame(),
        pd.DataFrame(table.to_numpy(), pd.Index([0, 1, 7], name="member"),
                     ["growth", "effort", "weights"]),
    )  # fmt: skip


GOOD = "0,0.01,1.1,0.9"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("", "", None),
        (",weight\n", ",weights\n", "ensemble.csv:8: no .*'weights'; did you mean 'weight'"),
        (",effort,weight\n", ",growth,weight\n", ":6: 'effort' and 'growth' act on one constant"),
        (",effort,weight\n", ",TIME STEP,weight\n", ":8: only a constant can vary"),
        ("apply,add", "apply,set", ":7: 'growth' is not a change of constants; expected one of"),
        (GOOD, f"{GOOD}\n{GOOD}", ":10: member 0 is given twice; found a first time on line 9"),
        (GOOD, "0,0.01,1.1", ":9: 'weights' is not a finite number; found nothing"),
        (GOOD, "0,0.01,1.1,0.9,4", ":9: the row has more cells than the table has columns"),
        (GOOD, "0,much,1.1,0.9", ":9: 'growth' is not a finite number; found much"),
        (GOOD, "-1,0.01,1.1,0.9", ":9: a member has no number; expected a whole number; found -1"),
        (GOOD, '0,0.01,"1.1,0.9', "the table is not a CSV file"),
        (GOOD + "\n", "", "the table has no rows"),
        ("# kind: prior", "# kind: posterior", ":2: 'kind' has the wrong value; expected one of"),
        ("# seed: 1\n", "", ":1: the header of the members lacks a line; .* found no seed"),
    ],
)  # fmt: skip
def test_each_slip_is_named_with_its_line(
    old: str, new: str, message: str | None, model: Model
) -> None:
    path = write_ensemble(model, GOOD)
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1) if old else text, "utf-8")
    if message is None:
        assert len(read_members(path, model)) == 1
        return
    with pytest.raises(InputError, match=message) as error:
        read_members(path, model)
    assert all(fault.file == path for fault in error.value.faults)


# --- what they belong to --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("Of the stock.", "Of all the stock.", True),  # a comment
        ("存量。Grows.", "总存量。Grows.", True),
        ("growth*effort*stock", "growth * effort\t*stock", True),
        ("fed= growth*effort*stock ~ 亿元/Year", "fed= growth*effort*stock ~ 元/Year", True),
        ("growth*effort*stock", "growth*effort*effort*stock", False),
        ("growth= 0.1 ", "growth= 0.11 ", False),
        ("[-2,100000]", "[-1,100000]", False),  # the admissible range
        ("[A: 0.05–0.15]", "[A: 0.05–0.16]", False),  # the plausible one
        ("weight[trade]= 1, 2", "weight[trade]= 1, 3", False),
        ("farms, mills ~~|", "farms, works ~~|", False),
    ],
)
def test_the_digest_is_of_equations_constants_and_ranges(
    old: str, new: str, same: bool, tmp_path: Path
) -> None:
    assert old in EQUATIONS
    first = village(tmp_path)
    second = village(tmp_path, EQUATIONS.replace(old, new, 1))
    assert first.sha256 != second.sha256
    assert (first.equations_sha256 == second.equations_sha256) is same
