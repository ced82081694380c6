"""Members of an ensemble as a user meets them: drawing them, and shares in ``plansim check``."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

import plansim
from plansim.model.records import Model
from tests.helpers.command import Call
from tests.toys.village import village, write_ensemble


@pytest.fixture(autouse=True)
def model(tmp_path: Path) -> Model:
    return village(tmp_path)


CHECK = ("check", "--model", "small.mdl", "other.yaml")
CONDITION = ("model", "condition", "--model", "small.mdl")


def test_the_prior_is_drawn_once_and_again_by_force(call: Call, model: Model) -> None:
    code, out, err = call(*CONDITION, "--prior", "-n", "40", "--seed", "3")
    assert (code, err) == (0, "")
    assert re.match(r"40 members that change 3 factors each: .*ensemble\.csv$", out)
    path = model.path.with_name("ensemble.csv")
    text = path.read_text("utf-8")
    assert len(plansim.load_ensemble(model)) == 40
    code, _, err = call(*CONDITION, "--prior")
    assert code == 2
    assert "exists already; --force replaces it" in err
    assert path.read_text("utf-8") == text
    again = call(*CONDITION, "--prior", "--force", "-n", "40", "--seed", "3", "--format", "json")
    assert (again.code, path.read_text("utf-8")) == (0, text)
    assert json.loads(again.out) == {"members": 40, "factors": 3, "file": path.name}


def test_check_has_the_shares_of_python(call: Call, model: Model) -> None:
    call(*CONDITION, "--prior", "-n", "50")
    code, out, _ = call(*CHECK, "--format", "json")
    assert code == 0
    frame = plansim.verdict_shares(model, Path("other.yaml")).set_index("target")
    for told in json.loads(out):
        own = [told[name] for name in ("share", "share_low", "share_high")]
        if told["target"] not in frame.index:
            assert [*own, told["ensemble"]] == [None] * 4
            continue
        row = frame.loc[told["target"]]
        expected = [row["share"], row["share_low"], row["share_high"]]
        assert own == [None if value != value else value for value in expected]
        assert told["ensemble"] == "prior"
    assert [told["share"] for told in json.loads(out) if told["target"] == "S1"] == [None], (
        "assumed"
    )


def test_members_of_other_equations_are_left_out_and_the_command_is_named(
    call: Call, model: Model
) -> None:
    write_ensemble(model, "0,0,1,1", sha256="0" * 64)
    code, out, err = call(*CHECK, "--format", "json")
    assert code == 0
    assert {told["share"] for told in json.loads(out)} == {None}
    (note,) = [line for line in err.splitlines() if line.startswith("note:")]
    (command,) = re.findall("'plansim (.+)'", note)
    assert call(*shlex.split(command))[0] == 0
    assert "note:" not in call(*CHECK)[2]


def test_strict_share_asks_the_members(call: Call, model: Model) -> None:
    code, _, err = call(*CHECK[:3], "--strict-share", "50")
    assert code == 2
    assert "the model has no ensemble" in err
    rows = [f"{number},{growth},1,1" for number, growth in enumerate([-0.05, -0.04, 0.05])]
    write_ensemble(model, *rows)
    _, out, _ = call(*CHECK[:3], "--format", "json")
    binding = [told for told in json.loads(out) if told["attribute"] == "binding"]
    least = round(100 * min(told["share"] for told in binding if told["share"] is not None))
    assert 0 < least < 100
    assert call(*CHECK[:3], "--strict-share", str(least))[0] == 0
    assert call(*CHECK[:3], "--strict-share", str(least + 1))[0] == 1
    assert call(*CHECK[:3], "--strict")[0] == any(one["status"] == "missed" for one in binding)
    code, _, err = call(*CHECK[:3], "--strict-share", "50", "--engine", "pysd")
    assert code == 2
    assert "--strict-share needs the compiled engine" in err


def test_unknowns_are_named_for_open_targets_and_for_those_asked_for(
    call: Call, model: Model
) -> None:
    rows = [f"{place},{(place - 40) / 800},1,1" for place in range(80)]
    write_ensemble(model, *rows)
    code, out, err = call("why", "unknowns", "--model", "small.mdl")
    assert (code, err) == (0, "")
    assert "Stock" in out
    code, out, _ = call("why", "unknowns", "--model", "small.mdl", "--target", "stock",
                        "--format", "json")  # fmt: skip
    (found,) = json.loads(out)
    assert found["target"] == "S1"
    assert [unknown["name"] for unknown in found["unknowns"]] == ["growth"]
    code, _, err = call("why", "unknowns", "--model", "small.mdl", "--target", "Stok")
    assert code == 2
    assert "did you mean 'Stock'?" in err
