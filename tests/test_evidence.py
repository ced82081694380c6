"""The table of evidence: read by id, and refused where it is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from plansim.errors import InputError
from plansim.model.evidence import Evidence, load_evidence
from plansim.resources import shipped

HEAD = "id,quantity,place,year,value,unit,source,confidence,use"


def test_every_shipped_row_is_read() -> None:
    found = load_evidence(shipped("model"))
    ids = [
        line.split(",")[0]
        for line in shipped("model", "evidence.csv").read_text("utf-8").splitlines()[1:]
        if line.startswith("E")
    ]
    assert list(found) == ids
    assert all(entry.quantity and entry.source for entry in found.values())


def test_a_row_reads_as_a_sentence() -> None:
    entry = Evidence("E1", "growth", "Town", "2003", "9", "%", "Yearbook", "medium", "calibration")
    assert str(entry) == "growth, Town 2003: 9 %. Yearbook (confidence: medium)"
    bare = Evidence("E2", "growth", "", "", "", "", "", "", "")
    assert str(bare) == "growth"


def test_a_folder_without_a_table_has_no_evidence(tmp_path: Path) -> None:
    assert load_evidence(tmp_path) == {}


def test_a_byte_order_mark_and_short_rows_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "evidence.csv").write_text(f"\ufeff{HEAD}\nE1,growth\n", "utf-8")
    assert load_evidence(tmp_path)["E1"].quantity == "growth"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"id,quantity\nE1,growth\n",
            r"evidence\.csv:1: .* lacks a column; .*found no place, year",
        ),
        (b"", "lacks a column"),
        (HEAD.encode() + b"\n\xff\xfe,\n", "not a table of evidence"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "evidence.csv").write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_evidence(tmp_path)
