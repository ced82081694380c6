"""The answer counts every target once, names what turns, and never counts what is assumed."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plansim.output.words.answer import answer, gained, lost
from plansim.output.words.text import Lang, Text, read_text
from plansim.targets.target import Attribute, Status
from plansim.targets.verdict import Certainty, Share, Verdict
from tests.helpers.plan import target as a_target
from tests.helpers.plan import verdict as a_verdict

EN, ZH = read_text(Lang.EN), read_text(Lang.ZH)
STATUSES = st.sampled_from(Status)
SHARES = st.none() | st.integers(0, 100)


def verdict(key: str, status: Status, count: int | None = None, scenario: str = "base") -> Verdict:
    share = None
    if count is not None and status.judged:
        share = Share("prior", count / 100, 0.0, 1.0, 100, 0)
    target = a_target(id=key, name_en=f"Target {key}", name_zh=f"指标{key}", unit="%")
    return replace(
        a_verdict(target, scenario, status=status), share=share if status.judged else None
    )


@st.composite
def runs(draw: st.DrawFn) -> tuple[dict[str, Verdict], dict[str, Verdict]]:
    keys = [f"B{number}" for number in range(draw(st.integers(2, 6)))]
    first, other = (
        {key: verdict(key, draw(STATUSES), draw(SHARES), scenario) for key in keys}
        for scenario in ("base", "fast")
    )
    return first, other


@given(runs())
def test_what_one_loses_the_other_gains_and_nothing_assumed_is_among_it(
    pair: tuple[dict[str, Verdict], dict[str, Verdict]],
) -> None:
    first, other = pair
    assert lost(first, other) == gained(other, first)
    assert not set(lost(first, other)) & set(gained(first, other))
    for key in {*lost(first, other), *gained(first, other)}:
        assert first[key].status.judged
        assert other[key].status.judged
    assert lost(first, first) == []


@given(runs(), st.sampled_from([EN, ZH]))
def test_the_answer_names_each_target_that_fails_is_open_or_turns(
    pair: tuple[dict[str, Verdict], dict[str, Verdict]], text: Text
) -> None:
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
def test_counts_add_up(pair: tuple[dict[str, Verdict], dict[str, Verdict]]) -> None:
    first = {**pair[0], **{f"Z{number}": verdict(f"Z{number}", Status.MET) for number in "12"}}
    said = answer(first.values(), EN)
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
    binding = verdict("B1", Status.MET)
    other = replace(verdict("G1", Status.MISSED), attribute=Attribute.EXPECTED)
    assert "Target B1, holds" in answer([binding, other], EN)
    assert "the one target of 2010 that can be judged, Target G1, fails" in answer([other], EN)


@pytest.mark.parametrize(
    ("status", "count", "expected"),
    [(Status.MET, None, Certainty.FULL), (Status.MET, 80, Certainty.FULL),
     (Status.MET, 50, Certainty.OPEN), (Status.MET, 20, Certainty.AGAINST),
     (Status.MISSED, 20, Certainty.FULL), (Status.MISSED, 80, Certainty.AGAINST),
     (Status.UNDECIDED, None, Certainty.OPEN), (Status.ASSUMED, 99, None),
     (Status.UNTESTABLE, None, None)],
)  # fmt: skip
def test_how_certain_a_verdict_is(
    status: Status, count: int | None, expected: Certainty | None
) -> None:
    assert verdict("B1", status, count).certainty is expected
