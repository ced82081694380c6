"""The words and figures that a user reads, in English or Chinese.

The phrases are in ``text.yaml`` beside this file; this module picks the language and formats
numbers, units and ranges.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Protocol

from plansim.cache import code_of, digest, kept
from plansim.model.units import NO_UNIT
from plansim.output.words.language import Lang, language

__all__ = [
    "Lang",
    "Named",
    "Text",
    "Titled",
    "decimals_for",
    "decimals_of",
    "figure",
    "four_digits",
    "language",
    "margin_figure",
    "outward",
    "percent",
    "read_text",
    "signed",
    "target_figure",
    "typeset",
    "written_decimals",
]

SIGNIFICANT = 3
"""Significant digits of simulated figures: the base year itself is known no better."""

SHARPEST = 3
"""Maximum number of further decimals, where rounding would hide on which side of a target it is."""
BLUR = 0.25
"""Part of the distance from a target by which rounding may change it."""


_SEAM = re.compile(
    r"(?<=[，。、；：！？）》」』】”]) +(?=\S)|(?<=[\u4e00-\u9fff]) +(?=[\u4e00-\u9fff（《「“])"
)
"""The space that YAML puts at a line break; Chinese has none there."""


class Named(Protocol):
    """What has a name in both languages."""

    @property
    def name_en(self) -> str: ...  # noqa: D102
    @property
    def name_zh(self) -> str: ...  # noqa: D102


class Titled(Protocol):
    """What has a title in both languages."""

    @property
    def title_en(self) -> str: ...  # noqa: D102
    @property
    def title_zh(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Text:
    """The phrases of one language.

    >>> text = read_text(Lang.ZH)
    >>> text("status.met")
    '达标'
    >>> text("verdicts.breach", year=2013)
    '2013年起不达标'
    """

    lang: Lang
    phrases: Mapping[str, str]

    def __call__(self, key: str, /, **values: object) -> str:
        """Return the phrase ``key`` with its placeholders filled; KeyError if there is none."""
        return self.phrases[key].format(**values)

    def pick(self, en: str | None, zh: str | None) -> str:
        """Return the one of two names that is in this language, or the one that exists.

        >>> read_text(Lang.ZH).pick("GDP", "地区生产总值")
        '地区生产总值'
        >>> read_text(Lang.ZH).pick("GDP", None)
        'GDP'
        """
        first, second = (zh, en) if self.lang is Lang.ZH else (en, zh)
        chosen = first or second or ""
        return _SEAM.sub("", chosen) if self.lang is Lang.ZH else chosen

    def name(self, named: Named) -> str:
        """Return the name of a target, a lever, a loop …, as `pick` does."""
        return self.pick(named.name_en, named.name_zh)

    def title(self, titled: Titled) -> str:
        """Return the title of a scenario, a policy …, as `pick` does."""
        return self.pick(titled.title_en, titled.title_zh)

    def word(self, group: str, key: str) -> str:
        """Return the phrase ``group.key``, or ``key`` itself where the catalogue has none.

        For words that come from data files (a basis, a measure), which may be extended without
        touching the catalogue.
        """
        return self.phrases.get(f"{group}.{key}", key)

    def unit(self, unit: str) -> str:
        """Write a unit in this language.

        >>> read_text(Lang.ZH).unit("亿m3/Year"), read_text(Lang.EN).unit("亿m3/Year")
        ('亿立方米/年', '亿m3/year')
        """
        return re.sub(r"[A-Za-z]+[23]?", lambda part: self._unit_part(part[0]), unit)

    def _unit_part(self, part: str) -> str:
        return self.phrases.get(f"unit.{part}", part)

    def month(self, time: float) -> str:
        """Write a moment of the model's time, of which y is the middle of the year y, as a month.

        >>> read_text(Lang.EN).month(2006.5), read_text(Lang.ZH).month(2007)
        ('2007-01', '2007年7月')
        """
        year, month = divmod(math.floor((time + 0.5) * 12 + 0.5), 12)
        return f"{year}年{month + 1}月" if self.lang is Lang.ZH else f"{year}-{month + 1:02}"

    def amount(self, shown: str, unit: str) -> str:
        """Write a figure with its unit, if it has any.

        >>> read_text(Lang.EN).amount("12", "亿元/Year"), read_text(Lang.EN).amount("12", NO_UNIT)
        ('12 亿元/year', '12')
        """
        return shown if unit == NO_UNIT else f"{shown} {self.unit(unit)}".strip()

    def join(self, parts: Iterable[str]) -> str:
        """Return an enumeration of texts."""
        return self("list_sep.comma").join(parts)

    def join_and(self, parts: Iterable[str]) -> str:
        """Return an enumeration with a word before its last part.

        >>> read_text(Lang.EN).join_and(["a", "b", "c"]), read_text(Lang.ZH).join_and(["甲", "乙"])
        ('a, b and c', '甲和乙')
        """
        *first, last = list(parts) or [""]
        return self("list_sep.and").join([self.join(first), last]) if first else last


def read_text(lang: str | Text) -> Text:
    """Read the phrases of one language, ``en`` or ``zh``; phrases that were read are given back.

    >>> read_text("zh").pick("met", "达标")
    '达标'

    Raises:
        ValueError: the catalogue has no such language.
    """
    return lang if isinstance(lang, Text) else _text_in(Lang(lang))


@cache
def _text_in(lang: Lang) -> Text:
    raw = files(__package__).joinpath("locale", "text.yaml").read_bytes()
    key = digest("text", lang, raw, code_of("", "output"))
    phrases = kept("parsed", key, dict, lambda: dict(_read(raw, lang)))
    return Text(lang, MappingProxyType(phrases))


def _read(raw: bytes, lang: Lang) -> Mapping[str, str]:
    from ruamel.yaml import YAML

    return dict(_leaves(YAML(typ="safe").load(raw.decode("utf-8")), lang))


def _leaves(node: Mapping[str, object], lang: Lang, prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, child in node.items():
        if not isinstance(child, Mapping):
            raise TypeError(f"text.yaml: {prefix}{key} is neither a group nor a phrase")
        if lang in child:
            yield f"{prefix}{key}", str(child[lang])
        else:
            yield from _leaves(child, lang, f"{prefix}{key}.")


def typeset(name: str) -> str:
    """Write the digits of formulas as subscripts and those of powers as superscripts.

    >>> typeset("SO2 emission"), typeset("亿m3/Year"), typeset("age 10 to 14")
    ('SO₂ emission', '亿m³/Year', 'age 10 to 14')
    """
    name = re.sub(r"\b([A-Z]{2})([0-9])\b", lambda match: match[1] + _LOW[int(match[2])], name)
    return re.sub(r"(?<![A-Za-z])m([23])\b", lambda match: "m" + "²³"[int(match[1]) - 2], name)


_LOW = "₀₁₂₃₄₅₆₇₈₉"


# --- figures ------------------------------------------------------------------------------------


def figure(value: float | None, decimals: int) -> str:
    """Write a number rounded to ``decimals`` (negative: to tens, hundreds), ``–`` for none.

    Thousands are separated from five digits on, so that 1020 stays as the plan writes it.

    >>> figure(368.94, 0), figure(28134.0, -2), figure(1020.4, 0), figure(-0.04, 1), figure(None, 2)
    ('369', '28,100', '1020', '0.0', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    rounded = round(value, decimals) + 0.0  # turns -0.0 into 0.0
    digits = max(decimals, 0)
    parted = "," if abs(rounded) >= 9999.5 else ""
    return f"{rounded:{parted}.{digits}f}"


def target_figure(target: float) -> str:
    """Write a plan's own figure in full.

    >>> target_figure(27500.0), target_figure(64.6), target_figure(12.0), target_figure(0.46)
    ('27,500', '64.6', '12', '0.46')
    """
    return figure(target, written_decimals(target))


def decimals_for(target: float, value: float | None = None, slack: float = 0.0) -> int:
    """Choose the decimals that a value is shown with beside a target.

    Three significant digits, or as many as the plan's own figure has. More only where rounding
    would move the value onto or across a limit (the target, or ``slack`` to either side of it),
    so that a miss never reads as a hit, or change its distance from the nearest one by `BLUR`.

    >>> figure(1043.0, decimals_for(1020.0, 1043.0)), figure(996.5, decimals_for(1020.0, 996.5))
    ('1040', '996')
    >>> figure(370.04, decimals_for(370.0, 370.04)), figure(8.004, decimals_for(7.0, 8.004, 1.0))
    ('370.04', '8.004')
    >>> figure(191.46, decimals_for(190.0, 191.46)), figure(192.04, decimals_for(190.0, 192.04))
    ('191.5', '192')
    """
    coarsest = written_decimals(target, limit=True)
    if value is None or math.isnan(value):
        return max(_digits(target), coarsest)
    decimals = max(min(_digits(value or target), _digits(target) + 1), coarsest)
    limits = [target - slack, target + slack]
    finer = range(decimals, decimals + SHARPEST + 1)
    told = [one for one in finer if _is_told(value, one, limits)]
    error = BLUR * min(abs(value - limit) for limit in limits) + 1e-9 * abs(value)
    sharp = (one for one in told if abs(round(value, one) - value) <= error)
    return next(sharp, told[0] if told else decimals)


def _is_told(value: float, decimals: int, limits: Iterable[float]) -> bool:
    """Whether a value lies on the same side of limits when it is rounded."""
    shown = round(value, decimals)
    return all(_side(shown, limit) == _side(value, limit) for limit in limits)


def _side(value: float, limit: float) -> int:
    """Return the side of a limit on which a value lies: 1, -1, or 0 if it (almost) equals it."""
    if math.isclose(value, limit, rel_tol=1e-9):
        return 0
    return 1 if value > limit else -1


def decimals_of(values: Iterable[float]) -> int:
    """Choose the decimals for a row of figures: three significant digits of its middle size.

    Whole numbers are not rounded to tens below 10,000, since a row may grow from 300 to 3000.

    >>> decimals_of([578.8, 1043.0, 3120.0]), decimals_of([0.4, 0.5]), decimals_of([16496.0])
    (0, 3, -2)
    """
    sizes = sorted(abs(value) for value in values if value and math.isfinite(value))
    if not sizes:
        return 0
    decimals = _digits(sizes[len(sizes) // 2])
    return decimals if sizes[-1] >= 9999.5 else max(decimals, 0)


def four_digits(value: float) -> str:
    """Write a number with four digits; above 1000 with one decimal, as a year has it.

    >>> four_digits(0.062071), four_digits(2008.5), four_digits(2008.0), four_digits(16496.2)
    ('0.06207', '2008.5', '2008', '16496.2')
    """
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:.1f}".removesuffix(".0")


def margin_figure(margin: float, decimals: int) -> str:
    """Write a signed margin with ``decimals``, fewer above three digits, more if it read as 0.

    >>> margin_figure(1.06, 1), margin_figure(-17.612, 2), margin_figure(-0.04, 1)
    ('+1.1', '-17.6', '-0.04')
    """
    if margin == 0 or math.isnan(margin):
        return figure(margin, decimals)
    decimals = min(decimals, max(_digits(margin), 0))
    for finer in range(decimals, max(decimals, 0) + SHARPEST + 1):
        if round(margin, finer) != 0:
            break
    written = figure(margin, finer)
    return written if margin < 0 else f"+{written}"


def percent(share: float | None) -> str:
    """Write a signed percentage as a whole number, or with one digit below one.

    >>> percent(2.24), percent(-31.4), percent(-0.044), percent(None)
    ('+2 %', '-31 %', '-0.04 %', '–')
    """
    if share is None or math.isnan(share):
        return "–"
    return f"{margin_figure(share, 0 if abs(share) >= 0.95 else 1)} %"


def signed(value: float, decimals: int) -> str:
    """Write a number with its sign, none if it rounds to zero.

    >>> signed(0.24, 1), signed(-1.26, 1), signed(-0.04, 1)
    ('+0.2', '-1.3', '0.0')
    """
    shown = figure(value, decimals)
    return f"+{shown}" if round(value, decimals) > 0 else shown


def outward(value: float, present: float, digits: int = 5) -> float:
    """Round to some digits away from the present value, where the target stays met.

    >>> outward(1.0424352, 1.0), outward(0.8731566, 1.0), outward(1.0424352, 1.0, 3)
    (1.0425, 0.87315, 1.05)
    >>> outward(0.7, 1.0, 3)
    0.7
    """
    if value == present or float(f"{value:.{digits}g}") == value:
        return value
    unit = 10.0 ** (math.floor(math.log10(max(abs(value), 1e-300))) - digits + 1)
    steps = math.ceil(value / unit) if value > present else math.floor(value / unit)
    return float(f"{steps * unit:.6g}")


def _digits(reference: float) -> int:
    """Decimals that show ``SIGNIFICANT`` digits of a number of this size."""
    if reference == 0 or not math.isfinite(reference):
        return SIGNIFICANT - 1
    return SIGNIFICANT - 1 - math.floor(math.log10(abs(reference)))


def written_decimals(number: float, *, limit: bool = False) -> int:
    """Decimals that write ``number`` in full, up to six.

    With ``limit``, trailing zeros left of the point count too (27500 → -2), so that the result is
    the precision that the number was given with.
    """
    text = f"{number:.6f}".rstrip("0")
    decimals = len(text) - text.index(".") - 1
    if decimals or not limit or number == 0:
        return decimals
    digits = text.rstrip(".")
    return -(len(digits) - len(digits.rstrip("0")))
