"""Tables and answers lose no verdict, and say by words what colour says too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from plansim.output.series import Series
from plansim.output.tables.layout import shown
from plansim.output.tables.runs import series_table
from plansim.output.tables.verdicts import verdict_table
from plansim.output.words.answer import answer, binding_first, gained, lost
from plansim.output.words.text import Lang, Text, read_text
from plansim.output.words.verdicts import MARKS, margin_size, margin_text, value_text
from plansim.targets.indicator import Measure
from plansim.targets.target import Attribute, Direction, Gap, Status, Target
from plansim.targets.verdict import Share, Verdict
from tests.helpers.plan import target as a_target
from tests.helpers.plan import verdict

EN, ZH = read_text(Lang.EN), read_text(Lang.ZH)
LANGS = st.sampled_from([EN, ZH])
PLAIN = a_target(
    name_en="Output of the town",
    name_zh="全镇产出",
    attribute=Attribute.EXPECTED,
    value=370.0,
    direction=Direction.AT_MOST,
    variables={},
    reason_en="The module follows.",
    reason_zh="模块尚待建立。",
)
BINDING = replace(PLAIN, id="B1", attribute=Attribute.BINDING, name_en="People", name_zh="总人口")


def table(
    verdicts: Sequence[Verdict], targets: Sequence[Target], width: int = 100, every: bool = True
) -> list[str]:
    return shown(verdict_table(verdicts, targets, EN, every=every), width).splitlines()


def row(found: Verdict, target: Target) -> str:
    (line,) = [line for line in table([found], [target]) if line.startswith(target.id)]
    return " ".join(line.split())


def shared(count: float) -> Share:
    return Share("prior", count / 100, 0.0, 1.0, 100, 0)


SHARE = replace(PLAIN, unit="%", value=20.0, direction=Direction.AT_LEAST)


@pytest.mark.parametrize(
    ("target", "value", "said"),
    [
        (PLAIN, 362.0, "G1 Output of the town ≤ 370 亿元 362 ✓ +8 (+2 %)"),
        (SHARE, 15.46, "G1 Output of the town ≥ 20 % 15.5 ✓ -4.5 points"),
        (replace(SHARE, measure=Measure.REDUCTION), -8.154,
         "G1 Output of the town ≥ 20 % up 8.15 ✓ should fall 20 %"),
    ],
)  # fmt: skip
def test_a_row_says_target_value_mark_and_margin(target: Target, value: float, said: str) -> None:
    assert row(verdict(target, value=value), target) == said


@pytest.mark.parametrize(
    ("status", "count", "mark"),
    [(Status.MET, 80, "✓"), (Status.MET, 79, "? open"), (Status.MET, 20, "! open"),
     (Status.MISSED, 20, "✗"), (Status.MISSED, 21, "? open"), (Status.MISSED, 80, "! open"),
     (Status.UNDECIDED, 99, "? open")],
)  # fmt: skip
def test_a_mark_stands_in_full_only_where_plausible_models_agree(
    status: Status, count: int, mark: str
) -> None:
    found = replace(verdict(BINDING, status=status), share=shared(count))
    assert f" {mark} {count}/100" in row(found, BINDING)
    assert "Plausible models: 100 draws" in " ".join(table([found], [BINDING]))


@given(
    st.floats(0.1, 90_000).map(lambda number: float(f"{number:.4g}")),
    st.floats(-3, 3),
    st.sampled_from([Direction.AT_LEAST, Direction.AT_MOST]),
)
def test_a_margin_is_the_difference_of_the_figures_shown(
    wanted: float, part: float, direction: Direction
) -> None:
    target = replace(PLAIN, value=wanted, direction=direction)
    found = verdict(target, value=wanted * part)
    assert found.margin is not None
    if min(abs(found.margin) / wanted, abs(part)) > 1e-5:  # else a search reads 0
        assert margin_size(target, found.margin) == margin_text(found, target)
    value, margin = (
        float(shown.replace(",", ""))
        for shown in (value_text(target, found.value), margin_text(found, target))
    )
    sign = 1 if direction is Direction.AT_LEAST else -1
    if value != wanted:
        assert margin == pytest.approx(sign * (value - wanted), abs=1e-6)


@pytest.mark.parametrize(("breach", "shown"), [(2013, True), (2010, False), (None, False)])
def test_a_binding_limit_that_breaks_after_its_year_says_when(
    breach: int | None, shown: bool
) -> None:
    told = " ".join(table([verdict(BINDING, first_breach=breach)], [BINDING], 80))
    assert (f"✓ ✗{breach}" in told) is shown
    assert ("✗ and a year: " in told) is shown


@pytest.mark.parametrize("width", [70, 100])
def test_an_undecided_row_shows_both_bases_and_on_which_side_they_lie(width: int) -> None:
    floor = replace(PLAIN, direction=Direction.AT_LEAST, value=546.0)
    undecided = verdict(
        floor, value=511.0, status=Status.UNDECIDED, bases={"constant": 511.0, "current": 579.3}
    )
    said = " ".join(" ".join(table([undecided], [floor], width)).split())
    assert re.search(r"\? open .*✗ 511 2005 prices .*✓ 579 current prices", said)
    assert "the plan does not say which (2005 prices, current prices)" in said
    assert "-35" not in said


def test_what_is_not_judged_is_named_and_with_all_its_reason_is_told() -> None:
    short = verdict(BINDING, value=None, status=Status.UNTESTABLE)
    verdicts = [replace(short, gap=Gap.NO_YEAR, gap_year=2010)]
    unjudged = verdict(PLAIN, value=None, status=Status.UNTESTABLE)
    said = table(verdicts, [BINDING], every=False)
    assert "Not judged (plansim check --all says why): People." in said
    targets = [BINDING, PLAIN, replace(PLAIN, id="G2")]
    verdicts += [unjudged, verdict(targets[2])]
    full = " ".join(" ".join(table(verdicts, targets)).split())
    assert "B1 People: The run has no figure of 2010" in full
    assert "G1 Output of the town: The module follows." in full


def test_scenarios_that_do_not_fit_stand_in_panels() -> None:
    scenarios = [f"a-long-name-of-scenario-{number}" for number in range(4)]
    lines = table([verdict(PLAIN, scenario) for scenario in scenarios], [PLAIN], 100)
    heads = [line.split()[-4:] for line in lines if "plan says" in line]
    assert heads == [["A", scenarios[0], "B", scenarios[1]], ["C", scenarios[2], "D", scenarios[3]]]
    long = replace(BINDING, name_en="People who are registered here")
    names = ("baseline", "of-fast-growth")
    opened = [replace(verdict(long, name), share=shared(44)) for name in names]
    (narrow,) = [line for line in table(opened, [long], 80, every=False) if "≤" in line]
    assert narrow.split()[-8:] == ["370", "亿元", *["362", "?", "44/100"] * 2]


TARGETS = st.builds(
    lambda **changes: replace(PLAIN, **changes),
    id=st.from_regex(r"[MTO][0-9]{2}[a-c]?", fullmatch=True),
    name_en=st.sampled_from(
        ["Output", "Share of the secondary and tertiary sectors in GDP", "Chemical oxygen demand"]
    ),
    name_zh=st.sampled_from(["产出", "城镇职工基本养老保险覆盖人数占全部从业人员的比重"]),
    attribute=st.sampled_from(Attribute),
    unit=st.sampled_from(["%", "亿元", "元/人", "m3/万元"]),
    value=st.floats(0.1, 90_000).map(lambda number: float(f"{number:.3g}")),
    direction=st.sampled_from([Direction.AT_LEAST, Direction.AT_MOST]),
)


@st.composite
def judged_plans(draw: st.DrawFn) -> tuple[list[Target], list[Verdict]]:
    targets = draw(st.lists(TARGETS, min_size=1, max_size=6, unique_by=lambda target: target.id))
    scenarios = draw(st.sampled_from([["base"], ["baseline", "fast-growth"], list("abcde")]))
    verdicts = []
    for target in targets:
        for scenario in scenarios:
            status = draw(st.sampled_from(Status))
            value = target.value and target.value * draw(st.floats(-1, 3))
            if status is Status.UNTESTABLE:
                value = None
            bases = {"constant": 1.0, "current": 2e4} if status is Status.UNDECIDED else {}
            breach = draw(st.sampled_from([None, 2010]))
            verdicts.append(verdict(target, scenario, value, status, breach, bases))
    return targets, verdicts


@settings(deadline=None, max_examples=60)
@given(plan=judged_plans(), text=LANGS, width=st.integers(80, 140), every=st.booleans())
def test_a_table_keeps_to_its_width_and_holds_every_verdict(
    plan: tuple[list[Target], list[Verdict]], text: Text, width: int, every: bool
) -> None:
    targets, verdicts = plan
    said = shown(verdict_table(verdicts, targets, text, every=every), width)
    lines = said.splitlines()
    assert max(map(cell_len, lines)) <= width
    assert not any(line != line.rstrip() for line in lines)
    in_table = {known.id for known in verdicts if known.status is not Status.UNTESTABLE}
    for target in targets:
        assert any(line.startswith(f"{target.id} ") for line in lines) == every
    listed = verdicts if every else binding_first(verdicts)
    for status in (Status.ASSUMED, Status.UNTESTABLE):
        word = f"{MARKS[status]} {text.word('status', status)}"
        held = [found for found in listed if found.status is status and found.id in in_table]
        assert said.count(word) == len(held)


def test_years_that_do_not_fit_are_left_out_but_not_the_first_the_last_and_the_targets() -> None:
    years = list(range(2005, 2021))
    series = Series(
        "output", "产出", "亿元", "year", {year: 100.0 * (year - 2000) for year in years}
    )
    lines = shown(series_table([series], years, EN, first=[2010, 2015]), 70).splitlines()
    kept = [int(year) for year in lines[0].split()[2:]]
    assert {2005, 2010, 2015, 2020} <= set(kept)
    assert kept[:3] == [2005, 2006, 2007]
    assert max(map(cell_len, lines)) <= 70
    assert "left out" in " ".join(lines[3:])


# --- the answer in sentences ----------------------------------------------------------------------


def stated(key: str, status: Status, count: int | None = None, scenario: str = "base") -> Verdict:
    target = a_target(id=key, name_en=f"Target {key}", name_zh=f"指标{key}", unit="%")
    share = shared(count) if count is not None and status.judged else None
    return replace(verdict(target, scenario, status=status), share=share)


Pair = tuple[dict[str, Verdict], dict[str, Verdict]]


@st.composite
def runs(draw: st.DrawFn) -> Pair:
    keys = [f"B{number}" for number in range(draw(st.integers(2, 6)))]
    statuses, shares = st.sampled_from(Status), st.none() | st.integers(0, 100)
    first, other = (
        {key: stated(key, draw(statuses), draw(shares), scenario) for key in keys}
        for scenario in ("base", "fast")
    )
    return first, other


@given(runs(), LANGS)
def test_the_answer_names_each_target_that_fails_is_open_or_turns(pair: Pair, text: Text) -> None:
    first, other = pair
    said = answer([*first.values(), *other.values()], text, {"base": "A story"})
    still = {key for key, one in first.items() if one.is_open or one.status is Status.MISSED}
    named = still | set(lost(first, other)) | set(gained(first, other))
    judged = [one for one in first.values() if one.status.judged]
    if len(judged) == 1:
        named.add(judged[0].id)
    for key, one in first.items():
        assert (text.name(one) in said) is (key in named)
    assert "A story" in said
    assert "fast" in said


@given(runs())
def test_what_is_open_turns_only_the_way_that_its_share_does(pair: Pair) -> None:
    """No reader is told that a verdict improves from 21 to 21, or to 15 of 100."""
    first, other = pair
    for sign, keys in ((-1, lost(first, other)), (1, gained(first, other))):
        for key in keys:
            before, after = first[key], other[key]
            if before.share and after.share and (before.is_open or after.is_open):
                assert sign * ((after.share.share or 0) - (before.share.share or 0)) > 0


@given(runs())
def test_the_answer_counts_what_is_open_and_what_fails(pair: Pair) -> None:
    first = {**pair[0], **{f"Z{number}": stated(f"Z{number}", Status.MET) for number in "12"}}
    said = answer(first.values(), "en")
    judged = [one for one in first.values() if one.status.judged]
    counts = {
        "open": sum(one.is_open for one in judged),
        "fail": sum(one.stands and one.status is Status.MISSED for one in judged),
    }
    for word, count in counts.items():
        found = re.search(rf"(\d+) (?:is |are )?{word}", said)
        assert int(found[1] if found else 0) == count
    assert f"{len(judged)} binding targets" in said


def test_targets_that_are_not_binding_count_only_where_none_is() -> None:
    binding = stated("B1", Status.MET)
    other = replace(stated("G1", Status.MISSED), attribute=Attribute.EXPECTED)
    assert "Target B1, holds" in answer([binding, other], EN)
    assert "the one target of 2010 that can be judged, Target G1, fails" in answer([other], EN)


def stories(*given: tuple[str, Sequence[tuple[Status, int | None]]]) -> list[Verdict]:
    """Return verdicts on targets A, B, …: by scenario, the status and of how many of 100."""
    return [
        stated(key, status, count, scenario)
        for scenario, outcomes in given
        for key, (status, count) in zip("ABC", outcomes, strict=False)
    ]


MET, MISSED, OPEN, ASSUMED = (Status.MET, 90), (Status.MISSED, 5), (Status.MET, 50), (
    Status.ASSUMED, None)  # fmt: skip


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ([MET, MET], "all 2 binding targets of 2010 that can be judged hold"),
        ([MET, MISSED], "1 of the 2 binding targets of 2010 that can be judged holds and 1 fails "
                        "(Target B)"),
        ([MET, MET, MISSED], "2 of the 3 binding targets of 2010 that can be judged hold and 1 "
                             "fails (Target C)"),
        ([MISSED, MISSED], "none of the 2 binding targets of 2010 that can be judged holds and 2 "
                           "fail (Target A; Target B)"),
        ([MET, OPEN, ASSUMED], "1 of the 2 binding targets of 2010 that can be judged holds, 1 is "
                               "open (Target B 50/100) and 1 is taken as given"),
        ([MET, ASSUMED, ASSUMED], "the one binding target of 2010 that can be judged, Target A "
                                  "90/100, holds"),
        ([OPEN, ASSUMED], "the one binding target of 2010 that can be judged, Target A 50/100, is "
                          "open"),
        ([ASSUMED, ASSUMED], "no target can be judged and 2 are taken as given"),
    ],
)  # fmt: skip
def test_the_answer_counts_in_sentences(
    first: Sequence[tuple[Status, int | None]], expected: str
) -> None:
    said, *_ = answer(stories(("base", first)), EN).split(". ")
    assert said.removesuffix(".") == f'Under "base", {expected}'


@pytest.mark.parametrize(
    ("first", "other", "expected"),
    [
        ([MET, MISSED], [MISSED, MET], "worsens on Target A and improves on Target B"),
        ([MET, MET], [OPEN, MET], "worsens on Target A 90 → 50/100 and improves on none"),
        ([OPEN, MET], [MET, MET], "worsens on none and improves on Target A 50 → 90/100"),
        # What stays open is lost where the model's own run no longer meets it, and fewer others.
        ([OPEN, MET], [(Status.MISSED, 45), MET], "worsens on Target A 50 → 45/100 and improves on "
                                                  "none"),
        ([OPEN, MET], [(Status.MISSED, 50), MET], None),
        ([MISSED, MET], [ASSUMED, MET], None),
        ([MET, MISSED], [MET, MISSED], None),
    ],
)  # fmt: skip
def test_the_answer_says_what_another_scenario_loses_and_gains(
    first: Sequence[tuple[Status, int | None]],
    other: Sequence[tuple[Status, int | None]],
    expected: str | None,
) -> None:
    change = f"the verdict {expected}" if expected else "none of them turns"
    assert f'; against "base" {change}.' in answer(stories(("base", first), ("fast", other)), EN)


def test_the_answer_counts_one_target_of_another_scenario() -> None:
    said = answer(stories(("base", [MISSED]), ("fast", [MET])), EN)
    assert 'Under "fast", 1 holds; against "base" the verdict worsens on none' in said


def test_targets_of_several_years_are_counted_without_a_year() -> None:
    first, second = stories(("base", [MET, MET]))
    assert "all 2 binding targets that can be judged hold" in answer(
        [first, replace(second, year=2015)], EN
    )
