"""The comment of an entry: names and meanings in both languages, sources, plausible ranges."""

from __future__ import annotations

import pytest

from plansim.model.comment import Comment, Source, read_comment, read_source


def test_all_that_a_comment_may_say_is_told_apart() -> None:
    comment = read_comment(
        "地区生产总值。全部行业增加值之和。按可比价。Sum of the value added of all sectors. [M01] "
        "[E090: 0.06–0.12] [A: 0.4–0.6 理由。其二。reason text] [D: ratio] [year-end]"
    )
    assert comment == Comment(
        name_zh="地区生产总值",
        meaning_en="Sum of the value added of all sectors.",
        meaning_zh="全部行业增加值之和。按可比价。",
        sources=("M01", "E090: 0.06–0.12", "A: 0.4–0.6 理由。其二。reason text", "D: ratio"),
        plausible=(0.06, 0.12),
        year_end=True,
        elements_zh=(),
    )


@pytest.mark.parametrize(
    ("tag", "plausible"),
    [
        ("A: 1–2", (1, 2)),
        ("A:1..2", (1, 2)),
        ("A: 0.005..0.007", (0.005, 0.007)),
        ("A: -0.3–-0.1", (-0.3, -0.1)),
        ("A: -0.3–0.1 nil without one", (-0.3, 0.1)),
        ("A: .5–1e3", (0.5, 1000)),
        ("A: 0.4–0.6. A full stop", (0.4, 0.6)),
        ("A: 0.4–0.6, and a comma", (0.4, 0.6)),
        ("A: 1.1–2.2 town 1.2–1.5", (1.1, 2.2)),
        ("A: 1-2", None),  # a hyphen may be a minus
        ("A: 6–12 %", None),  # not in the variable's unit
        ("A: about 1–2", None),
        ("A: 1–2nd", None),
        ("A", None),
        ("1–2", None),
    ],
)
def test_a_range_is_plausible_where_a_tag_begins_with_two_numbers_in_the_unit(
    tag: str, plausible: tuple[float, float] | None
) -> None:
    comment = read_comment(f"名。Words. [{tag}]")
    assert comment.sources == (tag,)
    assert comment.plausible == plausible


def test_elements_of_a_range_are_named_in_chinese() -> None:
    comment = read_comment("部门。Branches. [zh: 农业, 工业，服务业、其他]")
    assert comment.elements_zh == ("农业", "工业", "服务业", "其他")
    assert comment.sources == ()


@pytest.mark.parametrize(
    ("tag", "source", "said_en", "said_zh"),
    [
        ("A: 1–2", Source("A", "1–2", (1, 2), "", ""), "1–2", "1–2"),
        ("D: 合计。sum", Source("D", "", None, "sum", "合计"), "sum", "合计"),
        ("D: 合计。", Source("D", "", None, "", "合计"), "合计", "合计"),
        (
            "A: 1–2 甲：3–4。乙。5 万: why",
            Source("A", "1–2", (1, 2), "5 万: why", "甲：3–4。乙"),
            "1–2 5 万: why",
            "1–2 甲：3–4。乙",
        ),
        ("A: 1–2, near", Source("A", "1–2", (1, 2), ", near", ""), "1–2, near", "1–2, near"),
    ],
)
def test_a_tag_says_its_reason_in_both_languages(
    tag: str, source: Source, said_en: str, said_zh: str
) -> None:
    found = read_source(tag)
    assert found == source
    assert (found.said_en, found.said_zh) == (said_en, said_zh)
