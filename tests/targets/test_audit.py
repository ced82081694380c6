"""The audit against figures reckoned independently, and its arithmetic against misuse."""

from __future__ import annotations

import re
import shutil
import string
from decimal import Decimal, getcontext
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from plansim.errors import CatalogueError, InputError
from plansim.targets.audit import Clash, Nature, audit, evaluate

getcontext().prec = 40


@pytest.fixture(scope="module")
def clashes() -> dict[str, Clash]:
    return {clash.id: clash for clash in audit()}


@pytest.fixture(scope="module")
def values(clashes: dict[str, Clash]) -> dict[str, float]:
    return {
        f"{clash.id}.{line.name}": line.value
        for clash in clashes.values()
        for line in clash.arithmetic
    }


def rate(start: str, end: str, years: int = 5) -> Decimal:
    """Per cent a year from ``start`` to ``end``, in 40 digits."""
    return ((Decimal(end) / Decimal(start)) ** (Decimal(1) / years) - 1) * 100


def grown(start: str, percent: str, years: int = 5) -> Decimal:
    return Decimal(start) * (1 + Decimal(percent) / 100) ** years


# Each figure is typed here as the plan prints it, and reckoned without the audit.
ORACLE: dict[str, Fraction | Decimal] = {
    "I01.grown": grown("268.7", "16"),
    "I01.implied": rate("268.7", "546"),
    "I02.towns": Fraction(127 + 63 + 5 + 34),
    "I02.share": Fraction(229, 370) * 100,
    "I03.implied": rate("16500", "27500"),
    "I03.level": grown("16500", "10.6"),
    "I03.people": Decimal(352) * (Decimal("1.12") / Decimal("1.106")) ** 5,
    "I03.rate_at_cap": (Decimal("1.12") / (Decimal(370) / 352) ** (Decimal(1) / 5) - 1) * 100,
    "I04.gap": Fraction(5513, 100) - Fraction(401, 10),
    "I05.urban_gain_a_year": (185 - Fraction(1408, 10)) / 5,
    "I06.services_start": Fraction(5788, 10) * Fraction(274, 1000),
    "I06.culture_start": Fraction(51) / Fraction(13, 10) ** 5,
    "I06.trade_start": Fraction(100) / Fraction(123, 100) ** 5,
    "I07.energy": Fraction(5788, 10) * 3,
    "I07.excess": (Fraction(300, 279) - 1) * 100,
    "I08.regular_ha": Fraction(273, 15) * 10,
    "I09.secondary_need": rate(str(Decimal("578.8") * Decimal("62.5")), str(1020 * 67)),
    "I09.building": Fraction(5788, 10) * Fraction(625, 1000) - Fraction(3334, 10),
    "I09.gdp_floor": Decimal("578.8")
    * (
        grown("0.101", "4") + grown("0.625", "13") + grown("0.274", "11")
    ),
    "I10.gain_km2": Fraction(4071) * Fraction(8, 1000),
    "I10.planted_share": Fraction(700000, 1) / 15 / 100 / 4071 * 100,
    "I11.needed": Fraction(28) * 185 - Fraction(235, 10) * Fraction(1408, 10),
    "I12.claimed": Fraction(45, 100) * Fraction(152, 10),
    "I13.missing": Fraction(225, 100) - Fraction(46 + 36 + 27, 100),
    "I14.county_grade_two": Fraction(1997) - (3677 - 1492 - 1262),
    "I15.weighted": Fraction(80 * 127 + 60 * 63, 190),
    "I16.natural_only": grown("352", "0.63"),
    "I17.implied": (Fraction(1152, 1144) - 1) * 100,
    "I18.most_people": Fraction(1640 * 10000, 42000),
    "I18.per_head_then": Decimal(1640 * 10000) / grown("370", "0.63"),
    "I19.implied": rate("150", "120"),
    "I19.use_end": Fraction(120 * 1020, 10000),
    "I20.energy_gain": (Fraction(24, 10) * 1020 / (3 * Fraction(5788, 10)) - 1) * 100,
    "I20.closures": Fraction(302 + 240 + 400 - 600),
    "I21.path": sum((Decimal("268.7") / Decimal("1.398") ** k for k in range(5)), Decimal(0)),
    "I22.imports": 15 - Fraction(116, 10),
    "I23.moved_a_year": Fraction(176 + 190, 2) * Fraction(11, 100) / 5,
    "I24.ratio_end": Fraction(13600, 5380),
    "I25.path": sum((Decimal("5.8") / Decimal("1.52") ** k for k in range(5)), Decimal(0)),
    "I26.sulphur_index": Fraction(90),
    "I27.rate_2010": Fraction(27500, 3300),
    "I28.total": sum((grown("268.7", "16", k) for k in range(1, 6)), Decimal(0)),
    "I29.room": Fraction(45 - 43, 10),
    "I30.lead": Fraction(2),
    "I31.text_rate": rate("578.8", "1000"),
    "I32.share": Fraction(20) * Fraction(39, 10),
    "I33.wide_rate": rate("76", "118"),
}  # fmt: skip


# --- the shipped audit --------------------------------------------------------------------------


def test_all_clashes_are_there_and_stand(clashes: dict[str, Clash]) -> None:
    assert list(clashes) == [f"I{number:02d}" for number in range(1, 34)]
    assert [clash.id for clash in clashes.values() if not clash.stands] == []
    assert {clash.nature for clash in clashes.values()} == set(Nature)


def test_results_equal_those_in_fractions_and_decimals(values: dict[str, float]) -> None:
    expected = {name: float(number) for name, number in ORACLE.items()}
    assert {name: values[name] for name in ORACLE} == pytest.approx(expected, rel=1e-12)


def test_capital_under_steady_investment(values: dict[str, float]) -> None:
    """The closed form of I12 against five years of accounts, spent in mid-year."""
    for keep, name in ((1 - 0.096, "I12.added_low"), (1 - 0.06, "I12.added_high")):
        capital = 0.0
        for year in range(1, 6):
            capital = capital * keep + 268.7 * 1.16**year * keep**0.5
        assert values[name] == pytest.approx(capital)


def test_a_finding_says_what_was_reckoned(clashes: dict[str, Clash]) -> None:
    assert "leads to 564.4 亿元; 546 is 15.24 % a year" in clashes["I01"].finding_en
    assert "年均15.24%，相差18.4亿元（3.3%）" in clashes["I01"].finding_zh
    line = clashes["I01"].arithmetic[0]
    assert str(line) == "grown = 268.7 × (1 + 16 / 100) ^ 5 = 564.4"
    start, *_ = clashes["I01"].statements
    assert (start.reference, start.value, start.unit, start.year) == (
        "M03.base",
        268.7,
        "亿元",
        "2005",
    )
    assert "相关链接2" in start.place_zh
    assert {statement.reference for statement in clashes["I28"].statements} >= {"E090", "I01.grown"}


def test_texts_stand_in_both_languages_with_the_same_figures(root: Path) -> None:
    raw = YAML(typ="safe", pure=True).load(root / "model" / "audit.yaml")
    for clash in raw["clashes"]:
        for key in ("finding", "handling"):
            names = [
                {name for _, name, _, _ in string.Formatter().parse(clash[key][one]) if name}
                for one in ("en", "zh")
            ]
            assert names[0] == names[1], (clash["id"], key)
        assert re.search(r"[\u4e00-\u9fff]", clash["topic"]["zh"])


# --- recomputed, not stored ---------------------------------------------------------------------


@pytest.fixture
def copied(root: Path, tmp_path: Path) -> Path:
    """The shipped catalogue, evidence and audit, in a folder of their own."""
    for name in ("targets.yaml", "audit.yaml", "evidence.csv"):
        shutil.copy(root / "model" / name, tmp_path / name)
    return tmp_path


def edit(path: Path, old: str, new: str) -> int:
    """Replace what stands once, and give its line."""
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_a_changed_plan_or_evidence_changes_findings(copied: Path) -> None:
    edit(copied / "targets.yaml", "target: {at least: 546, year: 2010}",
         "target: {at least: 564.5, year: 2010}")  # fmt: skip
    found = {clash.id: clash for clash in audit(copied)}
    assert not found["I01"].stands  # the plan no longer contradicts itself there
    assert "564 亿元" in found["I01"].finding_en
    assert found["I28"].arithmetic[1].value == pytest.approx(564.5 / 1020 * 100)
    assert found["I02"] == next(clash for clash in audit() if clash.id == "I02")
    edit(copied / "evidence.csv", ",2.79,tce/万元", ",3.1,tce/万元")
    assert not {clash.id: clash for clash in audit(copied)}["I07"].stands


# --- faults -------------------------------------------------------------------------------------


TEXT = "The same row asks for {end:.0f} 亿元"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("    link_two: M35.base", "    link_two: M35.bass", "there is no figure M35.bass; "
         "expected M03.target, M03.base, E019, E102.low or a result of a clash above; did you mean "
         "'M35.base'?"),
        ("    gap: grown - end", "    gap: grwn - end", "nothing is called 'grwn'; "
         "found grwn - end; did you mean 'grown'?"),
        ("    gap: grown - end", "    gap: __import__('os').system('true')", "a character "
         "is not allowed here; found '.system('true')'"),
        ("    gap: grown - end", "    gap: grown < end", "not what is wanted here; expected a "
         "number; found grown < end"),
        ("    gap: grown - end", "    sum: grown - end", "'sum' cannot be a name; "
         "expected letters, digits and _"),
        ("    gap: grown - end", "    end: grown - end", "the name 'end' is already used for "
         "something else"),
        ("  stands: implied < rate", "  stands: implied - rate", "not what is wanted here; "
         "expected a comparison; found implied - rate"),
        (TEXT, TEXT.replace("end", "ends"), "the text has a place that cannot be filled; expected "
         "a name with a number of decimals, as {x:.1f}; found {ends:.0f}; did you mean 'end'?"),
        ("- id: I33", "- id: I32", "'I32' is given twice"),
    ],
)  # fmt: skip
def test_a_fault_names_its_line(copied: Path, old: str, new: str, expected: str) -> None:
    path = copied / "audit.yaml"
    line = edit(path, old, new)
    with pytest.raises(CatalogueError) as caught:
        audit(copied)
    said = [str(fault).removeprefix(f"{path}:") for fault in caught.value.faults]
    # A text that runs over lines begins a line further up.
    begins = line - 1 if old == TEXT else line
    assert any(text.startswith(f"{begins}: {expected}") for text in said), said


# --- arithmetic ---------------------------------------------------------------------------------

NUMBERS = st.integers(-50, 50).map(float)
LEAVES = st.sampled_from(["a", "b", "3", "0.5"])
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda one: f"(-{one})"),
        st.tuples(inner, st.sampled_from("23")).map(lambda t: f"({t[0]}) ^ {t[1]}"),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(
            lambda t: f"{t[0]}({t[1]}, {t[2]})"
        ),
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(EXPRESSIONS, NUMBERS, NUMBERS)
def test_arithmetic_is_that_of_python(text: str, a: float, b: float) -> None:
    try:
        expected = eval(
            text.replace("^", "**"), {"__builtins__": {}, "min": min, "max": max}, {"a": a, "b": b}
        )
    except ArithmeticError:
        with pytest.raises(InputError, match="no finite value"):
            evaluate(text, {"a": a, "b": b})
        return
    assert evaluate(text, {"a": a, "b": b}) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text",
    [
        *("a.__class__", "a[0]", "'a'", "True", "lambda: a", "a if a else a", "a and a", "a % 2"),
        *("a < 1 < 2", "(a < 1) + 1", "open(a)", "sum()", "max(a, default=1)", "import os", ""),
        *("(" * 300 + "a", "9 ^ 9 ^ 9 ^ 9", "1" * 390, "(0 - 8) ^ 0.5", "a / 0"),
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    for condition in (False, True):
        with pytest.raises(InputError):
            evaluate(text, {"a": 2}, condition=condition)


def test_a_sum_is_exact_and_a_comparison_is_true_or_false() -> None:
    assert evaluate("sum(a, a, a)", {"a": 0.1}) == pytest.approx(0.3, rel=1e-15)
    assert evaluate("a >= 2", {"a": 2}, condition=True) is True
    assert evaluate("a <> 2", {"a": 2}, condition=True) is False
