"""Units are converted where they measure the same, and refused with both names where not."""

from __future__ import annotations

import pytest

from plansim.errors import UnitError
from plansim.model.reader import load_model
from plansim.model.units import convert


@pytest.mark.parametrize(
    ("value", "source", "target", "result"),
    [
        (1, "万tce/亿元", "tce/万元", 1),
        (1, "亿kWh", "万kW*Hour", 1e4),
        (1, "USD", "美元", 1),
        (12, "%/Year", "1/Year", 0.12),
        (5.95, "‰", "Dmnl", 0.00595),
        (15, "亩", "公顷", 1),
        (1, "m³", "m3", 1),
        (24, "Month", "Year", 2),
        (1, "元/(人*Year)", "万元/(万人*年)", 1),
        (1, "元/(人/Year)", "元*Year/人", 1),
        (2, "Year^2", "Month**2", 288),
        (2, "Year^-1", "1/Year", 2),
        (7, "1", "Dmnl", 7),
        (1, "亿元/(万元*万人/人)", "Dmnl", 1),
    ],
)
def test_a_value_is_converted_there_and_back(
    value: float, source: str, target: str, result: float
) -> None:
    assert convert(value, source, target) == pytest.approx(result, rel=1e-12)
    assert convert(result, target, source) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("元", "美元"),
        ("亿元", "亿元/Year"),
        ("tce", "kWh"),
        ("Dmnl", "Year"),
    ],
)
def test_what_does_not_measure_the_same_is_refused_with_both_units(one: str, other: str) -> None:
    with pytest.raises(
        UnitError,
        match=f"'{one}' and '{other}' do not measure the same thing; expected .*'{other}'",
    ):
        convert(1, one, other)


def test_an_unknown_unit_is_named_with_the_nearest() -> None:
    with pytest.raises(UnitError, match=r"the unit 'tcee' is unknown, in 'tcee/元'.*mean 'tce'\?"):
        convert(1, "tcee/元", "tce/元")
    with pytest.raises(UnitError, match="the unit 'furlong' is unknown"):
        convert(1, "m", "furlong")


@pytest.mark.parametrize(
    "unit",
    ["", "*", "元//人", "(元", "元)", "元^99", "元^", "元^2^2", "2", "1.5", "9**9", "元 / ?", "1元",
     "__import__('os')"],
)  # fmt: skip
def test_what_is_no_unit_is_refused(unit: str) -> None:
    with pytest.raises(UnitError, match=r"cannot be read|is unknown"):
        convert(1, unit, "元")


def test_the_registry_knows_every_unit_of_the_shipped_model() -> None:
    units = {variable.unit for variable in load_model().variables.values()}
    assert "亿元/Year" in units
    for unit in units - {"Dmnl"}:  # an unknown one raises
        with pytest.raises(UnitError, match="do not measure the same thing"):
            convert(1, unit, "户*个")
