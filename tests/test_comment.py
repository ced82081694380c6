from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plansim.model.comment import Comment, read_comment


def test_the_full_convention() -> None:
    comment = read_comment(
        "地区生产总值。Sum of the value added of all sectors. [M01] [E090: 0.06–0.12] "
        "[A: 0.4–0.6 reason text] [D: ratio] [year-end]"
    )
    assert comment == Comment(
        name_zh="地区生产总值",
        meaning="Sum of the value added of all sectors.",
        sources=("M01", "E090: 0.06–0.12", "A: 0.4–0.6 reason text", "D: ratio"),
        plausible=(0.06, 0.12),
        year_end=True,
        elements_zh=(),
    )


def test_an_ordinary_comment_is_all_meaning() -> None:
    comment = read_comment("\n\t\tThe time step\\ for the simulation.\n\t")
    assert comment == Comment("", "The time step\\ for the simulation.", (), None, False, ())


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
def test_plausible_ranges(tag: str, plausible: tuple[float, float] | None) -> None:
    comment = read_comment(f"名。Words. [{tag}]")
    assert comment.sources == (tag,)
    assert comment.plausible == plausible


def test_the_first_range_counts() -> None:
    assert read_comment("名。x [M01] [A: 3–4] [E1: 1–2]").plausible == (3, 4)


def test_tags_stand_at_the_end_only() -> None:
    comment = read_comment("名。From [0,1] to [year-end] or so.")
    assert (comment.sources, comment.year_end) == ((), False)
    assert comment.meaning == "From [0,1] to [year-end] or so."


def test_a_lone_bracket_is_no_tag() -> None:
    assert read_comment("名。x]").meaning == "x]"


def test_elements_in_chinese() -> None:
    comment = read_comment("部门。Branches. [zh: 农业, 工业，服务业、其他]")
    assert comment.elements_zh == ("农业", "工业", "服务业", "其他")
    assert comment.sources == ()


def test_wrapped_lines_flow() -> None:
    comment = read_comment(
        "地区生\n\t\t产总值。Sum of\n\t\tthe value of 万\n元. [A: 1–2 a\n\t\treason]"
    )
    assert comment.name_zh == "地区生产总值"
    assert comment.meaning == "Sum of the value of 万元."
    assert comment.sources == ("A: 1–2 a reason",)


@given(st.text(alphabet="中。 [](:)zh–.0123A\n-year", max_size=60))
def test_no_comment_is_too_odd(text: str) -> None:
    comment = read_comment(text)
    assert "\n" not in comment.name_zh + comment.meaning + "".join(comment.sources)


@pytest.mark.parametrize("unit", ["[]", "[", "]", "中\n", "\n", "[A:1–", "1", "。"])
def test_long_comments_take_linear_time(unit: str) -> None:
    begun = time.process_time()
    read_comment("中" + unit * 200_000 + "]")
    assert time.process_time() - begun < 2
