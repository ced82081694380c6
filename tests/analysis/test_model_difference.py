"""Two versions of a model: what differs, models between them, and shares that sum to the whole."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import plansim
from plansim.errors import PlansimError
from plansim.model.difference import Aspect, differences, hybrid, units_of_change
from plansim.model.reader import load_model
from plansim.model.records import Model
from plansim.output.tables.comparison import difference_table
from plansim.output.tables.layout import shown
from plansim.output.words.text import read_text
from tests.helpers.plan import aim, plan
from tests.helpers.vensim_text import CLOCK
from tests.toys.village import EQUATIONS, village

Edit = Callable[..., Model]


@pytest.fixture
def old(tmp_path: Path) -> Model:
    return village(tmp_path)


@pytest.fixture
def edited(old: Model) -> Edit:
    """Give the village with pieces of its text replaced, pairs of before and after."""

    def edit(*pieces: str, name: str = "edited") -> Model:
        text = EQUATIONS
        for before, after in zip(pieces[::2], pieces[1::2], strict=True):
            assert before in text
            text = text.replace(before, after)
        path = old.path.with_name(f"{name}.mdl")
        path.write_text(text + CLOCK, "utf-8")
        return load_model(path)

    return edit


# A yield that is new, an equation that loses its step, and three numbers.
CHANGES = (
    "fed= growth*effort*stock", "fed= growth*effort*stock*yield",
    "level= 1 ~", "yield= 1.1 ~ Dmnl [0,5] ~ 产率。New. [A: 1–2] |\nlevel= 1 ~",
    "used= root*stock + STEP(10, first year)", "used= root*stock",
    "growth= 0.1", "growth= 0.09",
    "weight[trade]= 1, 2", "weight[trade]= 1, 3",
    "level= 1 ~", "level= 1.2 ~",
)  # fmt: skip


def test_another_comment_unit_or_range_moves_nothing(old: Model, edited: Edit) -> None:
    other = edited(
        "增长率。Of the stock.", "增速。Of all.", "Dmnl [-10,10] ~ 水平", "Fraction [-9,10] ~ 水平"
    )
    found = plansim.model_difference(old, other)
    aspects = {one.name: one.aspects for one in found.differences}
    assert aspects == {"growth": {Aspect.COMMENT}, "level": {Aspect.UNIT, Aspect.RANGE}}
    assert (found.changes, found.moved) == ((), ())
    same = edited("growth*effort*stock", "growth * EFFORT*stock", "level= 1 ~", "level= 1.00 ~")
    assert plansim.model_difference(old, same).differences == ()


def test_an_element_is_named_in_the_language_of_the_reader(old: Model, edited: Edit) -> None:
    named = "trade: farms, mills ~~|", "trade: farms, mills ~~ 行业。Trades. [zh: 农场, 工厂] |"
    before = edited(*named, name="first")
    after = edited(*named, "weight[trade]= 1, 2", "weight[trade]= 1, 3", name="second")
    found = plansim.model_difference(before, after, targets=["S1"])
    assert "工厂：2.0 → 3.0" in shown(difference_table(found, after, read_text("zh")), 80)


def test_shares_sum_to_the_whole(old: Model, edited: Edit) -> None:
    new = edited(*CHANGES)
    found = plansim.model_difference(old, new)
    assert [one.name for one in found.changes] == ["growth", "fed", "level", "weight", "used"]
    assert found.changes[1].variables == ("yield", "fed")
    assert found.models == 4
    for shares, (before, after) in zip(found.targets, found.values, strict=True):
        whole = shares.margin_after - shares.margin_before
        assert math.fsum(shares.shares) == pytest.approx(whole, abs=1e-9)
        assert whole == pytest.approx(after - before)
    by_target = {one.target.id: dict(zip("gfLwu", one.shares, strict=True)) for one in found.moved}
    assert set(by_target) == {"S1", "S4", "S5"}
    # The stock hears of growth and of what it is fed with; the step of what is used adds ten.
    assert by_target["S1"]["L"] == by_target["S1"]["w"] == by_target["S1"]["u"] == 0
    assert by_target["S5"]["u"] == pytest.approx(-10)
    ends = [plansim.model_difference(one, one).values for one in (old, new)]
    assert [pair[0] for pair in found.values] == [pair[0] for pair in ends[0]]
    assert [pair[1] for pair in found.values] == [pair[0] for pair in ends[1]]


def test_a_hybrid_with_all_changes_is_the_new_model(old: Model, edited: Edit) -> None:
    new = edited(*CHANGES, "trade: farms, mills", "trade: farms, mills, shops",
                 "1, 3", "1, 3, 4")  # fmt: skip
    changes = differences(old, new)
    assert hybrid(old, new, changes).equations_sha256 == new.equations_sha256
    assert hybrid(old, new, []).equations_sha256 == old.equations_sha256
    groups = units_of_change(changes)
    assert ("trade", "weight") in [tuple(one.name for one in group) for group in groups]
    for group in groups:  # each is a model by itself, and with all others
        hybrid(old, new, group)
        hybrid(old, new, [one for one in changes if one not in group])


def test_what_is_no_model_is_named_and_passed_by_no_order(old: Model, edited: Edit) -> None:
    chain = (
        "left= effort + 0*Time ~ Dmnl ~ 左。One. |\nright= 2*left ~ Dmnl ~ 右。Two. |\nlevel= 1 ~"
    )
    first = edited("level= 1 ~", chain, "growth*effort*stock", "growth*right*stock", name="first")
    turned = chain.replace("effort + 0*Time", "0.4*right").replace("2*left", "2 + 0*Time")
    other = edited("level= 1 ~", turned, "growth*effort*stock", "growth*right*stock")
    found = plansim.model_difference(first, other, targets=["S1"])
    assert [one.name for one in found.changes] == ["left", "right"]
    (none,) = found.no_models  # left of right, and right of left
    assert none.changes == ("left",)
    assert {"left", "right"} & {*re.findall("\\w+", str(none.reason))}
    (shares,) = found.targets
    # One order is left, in which the right turns first: its number was 2·1 and is 2.
    assert shares.shares == pytest.approx((0, 0), abs=1e-9)


def test_beyond_twelve_the_changes_of_a_module_are_one(tmp_path: Path) -> None:
    names = {module: [f"c{module}{number}" for number in range(8)] for module in "ab"}
    stock = f"stock= INTEG({'+'.join(names['a'] + names['b'])}, 100) ~ 亿元 ~ 存量。All. |\n"

    def write(name: str, value: float) -> Model:
        parts = [
            f"\n********\n\t.part{module}\n********~\n\t\t部分{module}。Part. |\n"
            + "".join(f"{one}= {value} ~ Dmnl ~ 数。A number. |\n" for one in ones)
            for module, ones in names.items()
        ]
        path = tmp_path / f"{name}.mdl"
        path.write_text("{UTF-8}\n" + "".join(parts) + stock + CLOCK, "utf-8")
        return load_model(path)

    rows = plan(aim("S1", "at least: 160, year: 2005", "stock", unit="亿元"))
    (tmp_path / "targets.yaml").write_text(rows, "utf-8")
    found = plansim.model_difference(write("one", 1), write("two", 2))
    assert [one.name for one in found.changes] == ["parta", "partb"]
    (shares,) = found.targets
    assert shares.shares == pytest.approx((44, 44))  # eight a year, to the end of the sixth


def test_a_scenario_is_followed_as_far_as_a_version_has_what_it_sets(
    old: Model, edited: Edit
) -> None:
    story = old.path.with_name("story.yaml")
    story.write_text("title: S\nvalues: {yield: 1.2, growth: 0.1}\n", "utf-8")
    found = plansim.model_difference(old, edited(*CHANGES), story, targets=["S1"])
    shares = dict(zip((one.name for one in found.changes), found.targets[0].shares, strict=True))
    assert shares["growth"] == 0  # both have what the story sets
    before, after = found.values[0]
    assert before == pytest.approx(100 * 1.05**11)
    assert after == pytest.approx(100 * 1.06**11)


def test_a_version_that_breaks_down_is_said_so(old: Model, edited: Edit) -> None:
    with pytest.raises(PlansimError, match="root"):
        plansim.model_difference(old, edited("level= 1 ~", "level= -1 ~"))
