"""The table of evidence: read by id, refused where it is none, told in both languages."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from plansim.errors import InputError
from plansim.files.shipped import shipped
from plansim.model.comment import Evidence, load_evidence
from plansim.output.describe import clash_facts
from plansim.output.variables import evidence_sentence
from plansim.output.words.text import Lang, read_text
from plansim.targets.audit import Clash, audit

HEAD = "id,quantity,place,year,value,unit,source,confidence,use"
ADDRESS = re.compile(r"(?:https?://|\b(?:[\w-]+\.)+(?:com|cn|org)/)[\w./?=:#%&~+-]+", re.ASCII)
PROSE = re.compile(r"(?<![A-Za-z])[a-z]{3,}(?![A-Za-z])")
"""A word in small letters: names, titles and abbreviations of a citation have capitals."""
UNITS = {"tce", "kgce"}
EN, ZH = read_text(Lang.EN), read_text(Lang.ZH)

TOWN = Evidence("E1", "growth", "Town", "2003", "9", "%", "Yearbook", "medium", "calibration")


@pytest.fixture(scope="module")
def evidence() -> Mapping[str, Evidence]:
    return load_evidence(shipped("model"))


def prose(text: str) -> set[str]:
    """Find the English words of a text that are no part of an address or a unit."""
    return set(PROSE.findall(ADDRESS.sub(" ", text))) - UNITS


# --- in Chinese ---------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["quantity", "place", "year", "value", "unit", "source",
                                  "confidence"])  # fmt: skip
def test_what_is_prose_has_chinese_without_english_words(
    evidence: Mapping[str, Evidence], part: str
) -> None:
    told: defaultdict[str, set[str]] = defaultdict(set)
    for row in evidence.values():
        english, chinese = getattr(row, part), getattr(row, f"{part}_zh")
        assert re.search(r"[\u4e00-\u9fff]", chinese) or part not in ("quantity", "place"), row.id
        told[english].add(chinese)
        assert chinese or not prose(english), f"{row.id}: {english}"
        assert prose(chinese) == set(), f"{row.id}: {chinese}"
        if chinese:
            assert ADDRESS.findall(chinese) == ADDRESS.findall(english), row.id
    assert {english: said for english, said in told.items() if len(said) > 1} == {}


@pytest.mark.parametrize("clash", audit(), ids=lambda clash: clash.id)
def test_the_chinese_audit_tells_its_figures_without_english(clash: Clash) -> None:
    figures = dict(clash_facts(clash, ZH)).get(ZH("audit.figures"), "")
    for line in figures.splitlines():
        name, _, said = line.partition("：")
        assert prose(said.replace("observations.csv", "")) == set(), line
        assert said, name


# --- of its time -------------------------------------------------------------------------------


def test_what_lies_after_the_base_year_calibrates_nothing(evidence: Mapping[str, Evidence]) -> None:
    for row in evidence.values():
        years = re.findall(r"(?<!\d)((?:19|20)\d\d)(?:[–-](\d\d)(?!\d))?", row.year)
        last = max((int(first[:2] + end) if end else int(first) for first, end in years), default=0)
        assert row.use == ("context" if last > 2005 else "calibration"), row.id
    assert {row.use for row in evidence.values()} == {"context", "calibration"}


# --- as a sentence ------------------------------------------------------------------------------


def test_a_row_reads_as_a_sentence() -> None:
    assert evidence_sentence(TOWN, EN) == "growth, Town 2003: 9 %. Yearbook (confidence: medium)"
    chinese = replace(TOWN, quantity_zh="增长率", place_zh="某市", source_zh="年鉴",
                      confidence_zh="中")  # fmt: skip
    assert evidence_sentence(chinese, EN) == evidence_sentence(TOWN, EN)
    assert evidence_sentence(chinese, ZH) == "某市2003年，增长率：9%。年鉴（可信度：中）"


@pytest.mark.parametrize(
    ("parts", "english", "chinese"),
    [
        ({"year": "", "value": "", "unit": "", "place": "", "source": "", "confidence": ""},
         "growth", "growth"),
        ({"unit": "1/yr", "unit_zh": "/年"}, ": 9 1/yr.", "：9/年。"),
        ({"year": "mean", "year_zh": "多年平均"}, "Town mean: 9", "Town多年平均，"),
    ],
)  # fmt: skip
def test_what_a_row_lacks_leaves_no_gap_in_its_sentence(
    parts: dict[str, str], english: str, chinese: str
) -> None:
    row = replace(TOWN, **parts)
    assert english in evidence_sentence(row, EN)
    assert chinese in evidence_sentence(row, ZH)


# --- the file -----------------------------------------------------------------------------------


def test_a_byte_order_mark_and_short_rows_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "evidence.csv").write_text(f"\ufeff{HEAD}\nE1,growth\n", "utf-8")
    assert load_evidence(tmp_path)["E1"].quantity == "growth"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id,quantity\nE1,growth\n", r"csv:1: .* lacks a column; .*found no place, year"),
        (HEAD.encode() + b"\n\xff\xfe,\n", "not a CSV file"),
        (HEAD.encode() + b",quantiy_zh\nE1,growth\n",
         r"evidence\.csv:1: .*found quantiy_zh; did you mean 'quantity_zh'"),
        (HEAD.encode() + b"\nE1,a\n\nE2,b\nE1,c\n,d\n",
         r"csv:5: the id E1 is given twice; found a first one[\s\S]*csv:6: the row has no"),
        (HEAD.encode() + b"\nE1,GDP, real,Town,2003,9,%,Book,low,context\n",
         r"evidence\.csv:2: the row has more cells .*quotation marks; found E1"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "evidence.csv").write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_evidence(tmp_path)
