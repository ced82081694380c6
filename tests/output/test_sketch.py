"""Drawings for Vensim stand in the model's file, change nothing else there, and are read back."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pysd
import pytest
import simlin
from pysd.translators.vensim.vensim_file import VensimFile

from plansim.errors import OutputError
from plansim.model.reader import load_model
from plansim.model.reading.entries import around_sketch
from plansim.model.records import Model, VariableKind
from plansim.output.diagrams.sketch import LONGEST_NAME, sketch, write_sketch
from tests.helpers.command import Call

TOYS = Path(__file__).parents[1] / "toys" / "models"


@pytest.fixture
def town(tmp_path: Path) -> Path:
    return Path(shutil.copy(TOYS / "toy_town.mdl", tmp_path))


def views_by_pysd(path: Path) -> dict[str, set[str]]:
    file = VensimFile(path)
    file.parse(parse_all=False)
    file.parse_sketch([])
    views: dict[str, set[str]] = file.sections[0].views_dict
    return views


def expected(model: Model) -> dict[str, set[str]]:
    """Return the names as PySD writes them of the variables of each module."""
    views: dict[str, set[str]] = {}
    for variable in model.variables.values():
        if variable.kind is not VariableKind.CONTROL:
            name = variable.name.lower().replace(" ", "_")
            views.setdefault(variable.module.replace(" ", "_"), set()).add(name)
    return views


def test_only_the_drawings_of_a_file_change_and_the_second_time_nothing(town: Path) -> None:
    old, model = town.read_bytes(), load_model(town)
    assert write_sketch(model) == len(expected(model))
    new = town.read_bytes()
    assert new != old
    assert around_sketch(new) == around_sketch(old)
    again = load_model(town)
    assert (again.sha256, again.equations_sha256) == (model.sha256, model.equations_sha256)
    assert again.variables == model.variables
    assert again.time == model.time
    write_sketch(again)
    assert town.read_bytes() == new


def test_a_file_without_drawings_gets_them_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "plain.mdl"
    text = (
        "a= INTEG(b, 1) ~ m ~ |\nb= a/c ~ m/Year ~ |\nc= 2 ~ Year ~ |\nINITIAL TIME= 1 ~ Year~|\n"
    )
    text += "FINAL TIME= 2 ~ Year ~|\nTIME STEP= 1 ~ Year~ |\nSAVEPER= 1 ~ Year ~ |"
    data = text.replace("\n", "\r\n").encode()
    path.write_bytes(data)
    write_sketch(load_model(path))
    written = path.read_bytes()
    assert written.startswith(data)
    assert written.endswith(b"///---\\\\\\\r\n")
    assert written.count(b"\r") == written.count(b"\n")


def test_drawings_of_others_are_replaced_when_asked_to(town: Path) -> None:
    town.write_text(town.read_text("utf-8").replace("///---", "10,1,births,9,9,9,9,8,3\n///---"))
    with pytest.raises(OutputError, match="drawings already"):
        write_sketch(load_model(town))
    write_sketch(load_model(town), force=True)
    assert "births,9,9,9" not in town.read_text("utf-8")


@pytest.mark.long
@pytest.mark.parametrize("reader", ["pysd", "simlin"])
def test_others_run_the_model_by_its_views_to_the_same_numbers(town: Path, reader: str) -> None:
    def run(path: Path, split: bool) -> dict[str, float]:
        if reader == "simlin":
            frame = simlin.load(path).run().results
        else:
            frame = pysd.read_vensim(str(path), split_views=split).run()
        return dict(frame.iloc[-1].astype(float))

    plain = run(Path(shutil.copy(town, town.with_name("plain.mdl"))), split=False)
    write_sketch(load_model(town))
    assert run(town, split=True) == plain


def test_the_shipped_model_has_a_view_a_module(city: Model, tmp_path: Path) -> None:
    path = Path(shutil.copy(city.path, tmp_path))
    model = load_model(path)
    write_sketch(model, force=True)
    assert views_by_pysd(path) == expected(model)
    assert len(simlin.load(path).get_var_names()) >= len(model.variables)
    names = re.findall(r"^\*(.*)$", sketch(model), re.MULTILINE)
    assert max(map(len, names)) <= LONGEST_NAME


def test_the_command_writes_into_the_file_and_nothing_else(call: Call, town: Path) -> None:
    done = call("model", "document", "--sketch", "--model", str(town))
    assert done.out == f"{len(expected(load_model(town)))} views for Vensim in {town}\n"
    assert [path.name for path in town.parent.iterdir()] == [town.name]
    refused = call("model", "document", "--sketch", "--model", str(town), "-o", "pages")
    assert "goes without -o" in refused.err
