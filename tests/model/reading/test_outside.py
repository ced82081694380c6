"""Numbers, data, tables and names that a model takes from files beside it, held to PySD."""

from __future__ import annotations

import os
import warnings
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pysd
import pytest
from openpyxl.workbook.defined_name import DefinedName

from plansim.engine.simulate import simulate
from plansim.errors import InputError, ModelError
from plansim.model.reader import load_model
from plansim.model.records import VariableKind

MODEL = """{UTF-8}
s: GET DIRECT SUBSCRIPT('d.csv', ',', 'B1', 'D1', '') ~~|
q: q1, q2 ~~|
across[s]= GET DIRECT CONSTANTS('d.csv', ',', 'B2') ~ Dmnl ~ some numbers |
down[s]= GET DIRECT CONSTANTS('d.csv', ',', 'B7*') ~ Dmnl ~ down |
matrix[q,s]= GET DIRECT CONSTANTS('d.csv', ',', 'B3') ~ Dmnl ~ |
one= GET DIRECT CONSTANTS('d.csv', ',', 'C3') ~ Dmnl ~|
data[s]:= GET DIRECT DATA('d.csv', ',', 'A', 'B12') ~ Dmnl ~|
held[s]:HOLD BACKWARD::= GET DIRECT DATA('d.csv', ',', 'A', 'B12') ~ Dmnl ~|
ahead:LOOK FORWARD::= GET DIRECT DATA('d.csv', ',', 'A', 'C12') ~ Dmnl ~|
row:INTERPOLATE::= GET DIRECT DATA('d.csv', ',', '2', 'B4') ~ Dmnl ~|
look[s](GET DIRECT LOOKUPS('d.csv', ',', 'A', 'B12')) ~ Dmnl ~|
cell= GET XLS CONSTANTS('b.xlsx', 'Sheet', 'B2') ~ Dmnl ~|
named[s]= GET XLS CONSTANTS('b.xlsx', 'sheet', 'three') ~ Dmnl ~|
sheet[s]:= GET XLS DATA('b.xlsx', 'Sheet', 'times', 'table') ~ Dmnl ~|
stock[s]= INTEG(data[s] + held[s]*across[s] + look[s](Time*0.7), down[s]) ~ Dmnl ~|
total= SUM(matrix[q1,s!]) + one + ahead + row + cell + SUM(sheet[s!]*named[s!]) ~ Dmnl ~|
unused ~ Dmnl ~ Data that nobody looks at. |
"""
CLOCK = """INITIAL TIME= 0 ~ Year ~|
FINAL TIME= 6 ~ Year ~|
TIME STEP= 0.25 ~ Year ~|
SAVEPER= TIME STEP ~ Year ~|
"""
TABLE = """,e1,e2,e3
x,1,2,3
,4,5,6
,7,8,9
,1.5,2.5,3.5
,,,
,10,,
,20,,
,30,,
,,,
,,,
0,1,2,3
1,2,,5
2.5,4,3,1
5,0,1,2
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "d.csv").write_text(TABLE, "utf-8")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Sheet"
    sheet["B2"] = 7.5
    for column in range(3):
        sheet.cell(4, 2 + column, column + 1)
        for row, time in enumerate((0, 2, 4)):
            sheet.cell(6 + row, 1, time)
            sheet.cell(6 + row, 2 + column, time + 10 * column)
    places = {"three": "$B$4:$D$4", "times": "$A$6:$A$8", "table": "$B$6:$D$8"}
    for name, cells in places.items():
        book.defined_names[name] = DefinedName(name, attr_text=f"Sheet!{cells}")
    book.save(tmp_path / "b.xlsx")
    (tmp_path / "model.mdl").write_text(MODEL + CLOCK, "utf-8")
    return tmp_path


def test_what_stands_outside_is_read_as_by_pysd(folder: Path) -> None:
    model = load_model(folder / "model.mdl")
    assert "unused" not in model.variables
    (warning,) = model.warnings
    assert str(warning).endswith("model.mdl:18: 'unused' has no data and is left out")
    assert model.subscripts["s"].elements == ("e1", "e2", "e3")
    assert model.variables["across"].kind is VariableKind.CONSTANT
    assert model.variables["stock"].line == 16
    ours = simulate(model, cache=False)
    # PySD does not read what has no equation.
    (folder / "model.mdl").write_text(MODEL.partition("unused")[0] + CLOCK, "utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pysd.read_vensim(folder / "model.mdl").run()
    for name in ("stock", "total", "data", "held", "ahead", "row", "sheet"):
        columns = [c for c in theirs.columns if c == name or c.startswith(f"{name}[")]
        values = ours[name].to_numpy().reshape(len(ours.time), -1)
        np.testing.assert_allclose(values, theirs[columns], rtol=1e-12, err_msg=name)
    again = simulate(model, engine="pysd")  # the text that has it all in it
    for label in again.data_vars:
        np.testing.assert_allclose(
            ours[label], again[label], rtol=1e-9, atol=1e-9, err_msg=str(label)
        )
    # A file that changes makes another model.
    before = load_model(folder / "model.mdl")
    (folder / "d.csv").write_text(TABLE.replace("x,1,2,3", "x,1,2,4"), "utf-8")
    assert load_model(folder / "model.mdl").sha256 != before.sha256


def test_an_element_without_data_in_a_file_is_missing_and_said_to_be(folder: Path) -> None:
    equation = "x[q]:= GET DIRECT DATA('d.csv', ',', '2', 'B4') ~~|\n"
    (folder / "d.csv").write_text(TABLE.replace(",7,8,9", ",7,8,9\n,,,"), "utf-8")
    (folder / "model.mdl").write_text(f"q: q1, q2, q3 ~~|\n{equation}{CLOCK}", "utf-8")
    model = load_model(folder / "model.mdl")
    assert "elements of 'x' have no data" in str(model.warnings[0])
    np.testing.assert_array_equal(simulate(model)["x"].isel(time=-1), [9, np.nan, 3.5])


def test_names_with_a_question_mark_are_what_the_settings_say(folder: Path) -> None:
    settings = "\\\\\\---/// Sketch\n///---\\\\\\\n:L<%^E!@\n30:?Book.xlsx=C:\\me\\B.XLSX\n"
    path = folder / "other.mdl"
    text = "x= GET XLS CONSTANTS('?book.xlsx', 'Sheet', 'B2') ~~|\n"
    path.write_text(
        f"{text}y= GET DIRECT CONSTANTS('?d.csv', ',', 'B2') ~~|\n{CLOCK}{settings}", "utf-8"
    )
    model = load_model(path)
    assert (model.variables["x"].value, model.variables["y"].value) == (7.5, 1.0)


def test_data_variables_have_their_data_from_a_table(tmp_path: Path) -> None:
    path = tmp_path / "x.mdl"
    path.write_text(
        "s: a, b ~~|\ngiven ~ Dmnl ~|\nby part[s]:HOLD BACKWARD: ~ Dmnl ~|\n"
        "x= given*10 ~ Dmnl ~|\ny[s]= by part[s] + 1 ~ Dmnl ~|\n" + CLOCK,
        "utf-8",
    )
    without = load_model(path)
    assert [str(fault).removeprefix(f"{path}:")[:45] for fault in without.warnings] == [
        "2: 'given' has no data: it is missing (:NA:),",
        "3: 'by part' has no data: it is missing (:NA:",
    ]
    missing = simulate(without, cache=False)
    assert all(np.isnan(missing[name]).all() for name in ("given", "x", "by part", "y"))
    table = tmp_path / "t.csv"
    table.write_text("time,Given,by_part[a],by part[b]\n0,1,5,7\n2,3,,8\n4,2,6,9\n", "utf-8")
    found = simulate(load_model(path, data=table), cache=False)
    np.testing.assert_allclose(found["x"], 10 * np.interp(found.time, [0, 2, 4], [1, 3, 2]))
    held = [found["y"].sel(s="b", time=time).item() for time in (0, 1.75, 2, 3.75, 4, 6)]
    assert held == [8, 8, 9, 9, 10, 10]
    table.write_text("time,Given,by_part[a],by part[b]\n0,1,5,x\n", "utf-8")
    with pytest.raises(InputError, match=r"t.csv:2: 'by part\[b\]' is not a number; found x"):
        load_model(path, data=table)


@pytest.mark.parametrize(
    ("equation", "fault"),
    [
        ("x= GET DIRECT CONSTANTS('e.csv', ',', 'B2')",
         "'x': the file 'e.csv' cannot be read: No such file or directory; did you mean 'd.csv'?"),
        ("x= GET DIRECT CONSTANTS('d.csv', ',', 'B1')",
         "'x': the cell B1 of 'd.csv' is not a number"),
        ("x= GET XLS CONSTANTS('b.xlsx', 'Shet', 'B1')",
         "'x': 'b.xlsx' has no sheet 'Shet'; did you mean 'Sheet'?"),
        ("x= GET XLS CONSTANTS('b.xlsx', 'Sheet', 'four')", "'x': 'b.xlsx' has no cells 'four'"),
        ("x= GET XLS CONSTANTS('b.xlsx', 'Sheet', 'three')",
         "'x': the cells 'three' of 'b.xlsx' are not 1 by 1"),
        ("x= GET XLS CONSTANTS('?data', 'Sheet', 'B2')",
         "'x': the file '?data' cannot be read: No such file or directory"),
        ("x:= GET DIRECT DATA('d.csv', ',', 'A', 'F12')", "'x': 'd.csv' has no numbers at 'F12'"),
        ("x:RAW::= 2*unused", "'x': only data can be :RAW:, by the name of another variable"),
        ("x: GET DIRECT SUBSCRIPT('d.csv', ',', 'H1', 'K1', '')", "'d.csv' has no cells 'H1:K1'"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_fault(folder: Path, equation: str, fault: str) -> None:
    path = folder / "other.mdl"
    path.write_text(f"y= 1 ~~|\n{equation} ~~|\n{CLOCK}", "utf-8")
    with pytest.raises(ModelError) as refusal:
        load_model(path)
    assert str(refusal.value) == f"{path}:2: {fault}"


def test_data_of_a_file_that_is_not_there_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "x.mdl"
    path.write_text(
        "s: a, b ~~|\nseen[s]:= GET XLS DATA('?gone', 'tab', '1', 'B2') ~ Dmnl ~|\n"
        "x[s]= seen[s]*10 ~ Dmnl ~|\ny= run - 5 ~ Dmnl ~|\n"
        "run:INTERPOLATE::= GET VDF DATA(file, 'y', 0, 1) ~~|\nfile:IS: 'run.vdf' ~~|\n" + CLOCK,
        "utf-8",
    )
    without = load_model(path)
    warning, other, _ = map(str, without.warnings)
    assert warning.startswith(f"{path}:2: 'seen' has no data: it is missing (:NA:)")
    assert "the file '?gone' cannot be read" in warning
    assert other.endswith("GET VDF DATA cannot be read")
    found = simulate(without, cache=False)
    assert np.isnan(found["x"]).all()
    assert np.isnan(found["y"]).all()
    table = tmp_path / "t.dat"  # as Vensim exports a run
    table.write_text("seen[a]\n0\t1\n4\t3\n\nseen[b]\n0\t5\nrun\n0\t7\n", "utf-8")
    found = simulate(load_model(path, data=table), cache=False)
    np.testing.assert_allclose(found["x"].sel(s="a"), 10 * np.interp(found.time, [0, 4], [1, 3]))
    assert (found["x"].sel(s="b") == 50).all()
    assert (found["y"] == 2).all()
    table.write_text("seen[b]\n0\t5\nrun\n0\t7\n", "utf-8")
    warning = str(load_model(path, data=table).warnings[0])
    assert warning.endswith("elements of 'seen' have no data: they are missing (:NA:)")
    table.write_text("seen[a]\n0\tone\n", "utf-8")
    with pytest.raises(InputError, match=r"t.dat:2: the line cannot be read; expected a name"):
        load_model(path, data=table)


def test_raw_data_have_a_value_at_their_points_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.mdl"
    path.write_text(
        "s: a, b ~~|\nseen[s] ~ Dmnl ~|\npoint[s]:RAW: := seen[s] ~ Dmnl ~|\n"
        "there[s]= IF THEN ELSE(point[s] = :NA:, 0, 1) ~ Dmnl ~|\n"
        "k: one, two ~~|\nboth[k,s]:RAW: := point[s] ~ Dmnl ~|\nalone:RAW::= seen[b] ~ Dmnl ~|\n"
        + CLOCK,
        "utf-8",
    )
    table = tmp_path / "t.tab"  # as Vensim exports it: a row for each variable
    table.write_text("Time\t1\t2.5\t4\nseen[a]\t5\t7\t\nseen[b]\t\t2\t9\n", "utf-8")
    found = simulate(load_model(path, data=table), cache=False)
    at = {"a": {1.0: 5.0, 2.5: 7.0}, "b": {2.5: 2.0, 4.0: 9.0}}
    for element, points in at.items():
        expected = [points.get(float(time), np.nan) for time in found.time]
        np.testing.assert_array_equal(found["point"].sel(s=element), expected)
        np.testing.assert_array_equal(found["there"].sel(s=element), ~np.isnan(expected))
        for one in ("one", "two"):
            np.testing.assert_array_equal(found["both"].sel(s=element, k=one), expected)
    np.testing.assert_array_equal(found["alone"], found["point"].sel(s="b"))


@pytest.mark.parametrize(
    ("name", "cell", "found"),
    [
        ("pipe.csv", "A1", "not a regular file"),
        ("/dev/zero", "A1", "not a regular file"),
        ("long.csv", "A1", "the table is not a CSV file"),
        ("t.csv", "A" + "9" * 5000, "'t.csv' has no cells"),
        ("bomb.xlsx", "A1", "is not a workbook"),
        ("wide.xlsx", "A1", "has more than 5000000 cells"),
    ],
)
def test_a_hostile_file_is_refused_at_once(
    tmp_path: Path, name: str, cell: str, found: str
) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "long.csv").write_text("9" * 200_000, "utf-8")
    wide = openpyxl.Workbook()
    wide["Sheet"].title = ","  # as in the equation
    wide[","]["XFD1048576"] = 1
    wide.save(tmp_path / "wide.xlsx")
    (tmp_path / "t.csv").write_text("1,2\n", "utf-8")
    with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/workbook.xml", b" " * 201_000_000)
    equation = f"k= GET DIRECT CONSTANTS('{name}', ',', '{cell}') ~ Dmnl ~|\n"
    (tmp_path / "model.mdl").write_text("{UTF-8}\n" + equation + CLOCK, "utf-8")
    with pytest.raises(ModelError, match=found):
        load_model(tmp_path / "model.mdl")
