"""Units of measurement: whether two agree, and how many of one make another.

The units are those of ``units.txt`` beside this file, which pint reads the first time that two
spellings differ; equal spellings never load it, so that a model may use any unit it likes for
itself. The factor between two spellings is kept, since pint takes longer to load than a run.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from plansim.cache import code_of, digest, file_sha256, kept
from plansim.errors import Message, UnitError, foreign, nearest

if TYPE_CHECKING:
    from pint import Unit, UnitRegistry

__all__ = ["NO_UNIT", "convert", "shown_in", "units_sha256"]

_UNITS = Path(__file__).with_name("units.txt")

NO_UNIT = "Dmnl"
"""What Vensim calls the unit of a plain number."""

_SPELLED_OUT = str.maketrans(
    {
        "%": "percent",
        "％": "percent",
        "‰": "permille",
        "°": "degree",
        "²": "2",
        "³": "3",
        "·": "*",
        "×": "*",
        "（": "(",
        "）": ")",
        "／": "/",
    }
)
_OPERAND = r"\(*(?:[^\W\d]\w*(?:(?:\*\*|\^)-?[0-9])?|1)\)*"
_PRODUCT = re.compile(rf"{_OPERAND}(?:[*/]{_OPERAND}){{0,200}}")
"""Names and 1, a power of one figure after a name: pint's own reader would compute any power."""


def convert(value: float, from_unit: str, to_unit: str) -> float:
    """Return a value in another unit.

    A unit is a product or quotient of names with whole powers: ``亿元/Year``, ``m3/(人*Day)``.

    Raises:
        UnitError: a unit is unknown, or the two do not measure the same thing.

    >>> convert(1, "万tce/亿元", "tce/万元")
    1.0
    >>> round(convert(12, "%/Year", "1/Year"), 9)
    0.12
    """
    if _plain(from_unit) == _plain(to_unit):
        return value
    factor = _factor(_plain(from_unit), _plain(to_unit))
    if factor is None:
        raise UnitError(
            "'{unit}' and '{wanted_unit}' do not measure the same thing",
            expected=Message("a unit that converts to '{unit}'", unit=to_unit),
            found=Message("'{text}'", text=from_unit),
            unit=from_unit,
            wanted_unit=to_unit,
        )
    return value * factor


def shown_in(unit: str) -> tuple[str, float]:
    """Return the unit in which changes of a constant without a lever are shown, and its factor.

    Rates are per cent a year, as levers and the plan have them.

    >>> shown_in("1/Year"), shown_in("万人")
    (('%/Year', 100.0), ('万人', 1.0))
    """
    return ("%/Year", 100.0) if unit == "1/Year" else (unit, 1.0)


def units_sha256() -> str:
    """Return the digest of the table of units, on which all conversions depend."""
    return file_sha256(_UNITS)


def _plain(unit: str) -> str:
    return "".join(unit.split())


@cache
def _registry() -> UnitRegistry[float]:
    from pint import UnitRegistry

    return UnitRegistry(str(_UNITS))


@cache
def _factor(from_unit: str, to_unit: str) -> float | None:
    """Return what to multiply by; None if the units measure different things."""
    key = digest(
        "factor", from_unit, to_unit, units_sha256(), version("pint"), code_of("", "model")
    )
    return kept("units", key, tuple, lambda: (_worked_out(from_unit, to_unit),))[0]


def _worked_out(from_unit: str, to_unit: str) -> float | None:
    from pint import DimensionalityError

    source, target = (_read(unit) for unit in (from_unit, to_unit))
    try:
        return float(_registry().convert(1.0, source, target))
    except DimensionalityError:
        return None
    except ArithmeticError as error:
        raise UnitError(
            "'{unit}' cannot be converted to '{wanted_unit}'",
            found=foreign(error),
            unit=from_unit,
            wanted_unit=to_unit,
        ) from error


def _read(unit: str) -> Unit:
    """Return a unit of the registry."""
    from pint import UndefinedUnitError

    text = unit.translate(_SPELLED_OUT)
    unreadable = UnitError(
        "the unit '{unit}' cannot be read",
        expected=Message("names with '*', '/', brackets and powers, such as 亿元/(人*Year^2)"),
        unit=unit[:80],
    )
    if not _PRODUCT.fullmatch(text):
        raise unreadable
    try:
        return _registry().parse_units(text)
    except UndefinedUnitError as error:
        word = str(error.unit_names).strip("'(),")  # a name, or a tuple of it
        unknown = Message("the unit '{word}' is unknown", word=word)
        if word != unit:
            unknown = Message("the unit '{word}' is unknown, in '{unit}'", word=word, unit=unit)
        raise UnitError(
            unknown,
            expected=Message("units that plansim knows"),
            nearest=nearest(word, _registry()),
        ) from None
    except Exception:  # pint raises whatever Python's tokenizer and its own rules do
        raise unreadable from None
