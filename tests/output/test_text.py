"""The catalogue of phrases is complete and used; figures never hide on which side a value lies."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping
from pathlib import Path

from hypothesis import assume, example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

import plansim.output.words.text as text_module
from plansim.output.tables.validation import WORD_GROUPS
from plansim.output.words.text import (
    decimals_for,
    figure,
    margin_figure,
    target_figure,
)

PACKAGE = Path(text_module.__file__).parents[2]
LOCALE = Path(text_module.__file__).with_name("locale")


def leaves(node: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, child in node.items():
        if isinstance(child, Mapping) and not {"en", "zh"} & set(child):
            yield from leaves(child, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", child


CATALOGUE = dict(leaves(YAML(typ="safe").load((LOCALE / "text.yaml").read_text("utf-8"))))


def test_every_phrase_has_both_languages_and_the_same_placeholders() -> None:
    for key, phrase in CATALOGUE.items():
        assert isinstance(phrase, dict)
        assert set(phrase) == {"en", "zh"}, key
        english, chinese = (
            {name for _, name, _, _ in string.Formatter().parse(phrase[lang]) if name is not None}
            for lang in ("en", "zh")
        )
        assert english == chinese, key


def test_every_phrase_that_the_code_names_exists_and_every_phrase_is_used() -> None:
    modules = [path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE]
    modules += PACKAGE.glob("output/documentation/templates/*")
    sources = "\n".join(path.read_text("utf-8") for path in modules)
    groups = {key.partition(".")[0] for key in CATALOGUE}
    named = {
        found
        for found in re.findall(r"""["']([a-z_]+\.[a-z_]+)["']""", sources)
        if found.partition(".")[0] in groups
        and not found.endswith((".csv", ".docx", ".html", ".md", ".yaml"))
    }
    # Groups whose keys are values of an enum or come from data: `text.word("basis", …)`.
    computed = {*re.findall(r"""\.word\(["']([a-z_]+)["']""", sources), *WORD_GROUPS.values()}
    used = {key for key in CATALOGUE if key.partition(".")[0] in computed | {"unit"}}
    assert named <= set(CATALOGUE)
    assert set(CATALOGUE) - named - used == set()


PLAN_FIGURES = st.one_of(
    st.integers(1, 99_999).map(float),
    st.integers(1, 9_999).map(lambda tenths: tenths / 10),
    st.integers(1, 999).map(lambda hundredths: hundredths / 100),
)


def read(shown: str) -> float:
    return float(shown.replace(",", ""))


@given(target=PLAN_FIGURES, relative=st.floats(-0.9, 2.0))
def test_rounding_never_moves_a_value_onto_or_across_a_target(
    target: float, relative: float
) -> None:
    value = target * (1 + relative)
    shown = read(figure(value, decimals_for(target, value)))
    assert read(target_figure(target)) == target
    assert (shown >= target) >= (value > target)
    assert (shown <= target) >= (value < target)
    assert shown != target or abs(relative) < 1e-4


@given(target=PLAN_FIGURES, relative=st.floats(-0.9, 2.0))
def test_a_figure_has_at_most_a_digit_more_than_its_target_or_four(
    target: float, relative: float
) -> None:
    assume(abs(relative) > 0.01)
    value = target * (1 + relative)
    shown = figure(value, decimals_for(target, value))
    digits = len(shown.replace(",", "").replace(".", "").lstrip("0").rstrip("0"))
    needed = len(target_figure(target).replace(",", "").replace(".", "").strip("0"))
    assert digits <= max(4, needed + 1)


@example(margin=-0.03125, decimals=-2)
@given(margin=st.floats(-1e6, 1e6), decimals=st.integers(-2, 3))
def test_a_margin_keeps_its_sign(margin: float, decimals: int) -> None:
    shown = margin_figure(margin, decimals)
    assert shown.startswith("+") == (margin > 0)
    if abs(margin) > 1e-3:
        assert read(shown) * margin > 0
