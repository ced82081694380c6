"""Which loop dominates when: against runs stepped by hand, and what is known of logistic growth."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from plansim.analysis.feedback.dominance import (
    Dominance,
    Indicator,
    Lead,
    Phase,
    Year,
    find_dominance,
    indicators_of,
    phases_of,
)
from plansim.analysis.feedback.loops import load_loops
from plansim.errors import InputError
from plansim.model.records import Model
from plansim.scenario.reader import as_written, read_scenario
from plansim.targets.catalogue import Attribute, judged_targets, load_targets
from plansim.targets.views_file import load_views
from tests.toys.logistic import CAPACITY, EQUATIONS, LOOPS, crossing, logistic, stock_at

STOCK = Indicator("stock", "stock", "存量", ())


def found_in(model: Model, window: int = 1, reference: str = "stock") -> Dominance:
    indicator = Indicator(reference, reference, reference, ())
    return find_dominance(model, as_written(model), load_loops(model), [indicator], window)


@pytest.mark.parametrize("window", [1, 3])
def test_contributions_are_those_stepped_by_hand(tmp_path: Path, window: int) -> None:
    (row,) = found_in(logistic(tmp_path), window).rows
    assert [each.year for each in row.years] == list(range(2000, 2021 - window))
    for each in row.years:
        end = each.year + window
        assert each.value == pytest.approx(stock_at(end))
        for loop in ("R", "B"):
            other = "B" if loop == "R" else "R"
            last = each.value - stock_at(end, loop, each.year)
            first = stock_at(end, other, each.year) - stock_at(end, "RB", each.year)
            assert each.parts[loop] == pytest.approx((last + first) / 2, rel=1e-9)
        # Of two loops both together make all the difference.
        whole = each.value - stock_at(end, "RB", each.year)
        assert sum(each.parts.values()) == pytest.approx(whole)


def test_dominance_shifts_from_growth_to_crowding_at_half_capacity(tmp_path: Path) -> None:
    (row,) = found_in(logistic(tmp_path)).rows
    # What is held back adds up twice on the way to the stock: the mean time is a third in.
    middles = [each.year + 1 / 3 for each in row.years]
    ratios = [each.parts["R"] / -each.parts["B"] for each in row.years]
    at = crossing(middles, ratios)
    assert stock_at(round(at * 16) / 16) == pytest.approx(CAPACITY / 2, rel=0.02)
    leads = [(each.leaders, each.pushes_up(each.leaders[0])) for each in row.phases]
    assert leads[0] == (("R",), True)
    assert (("B",), False) in leads


def test_a_year_says_how_clear_it_is() -> None:
    clear = Year(2000, 100.0, 100.0, {"R": 3.0, "B": -1.0, "X": math.nan})
    assert (clear.lead, clear.leaders, clear.share("R")) == (Lead.CLEAR, ("R",), 0.75)
    close = Year(2001, 100.0, 100.0, {"R": 3.0, "B": -3.1})
    assert (close.lead, close.leaders) == (Lead.CLOSE, ("B", "R"))
    weak = Year(2002, 100.0, 100.0, {"R": 0.09, "B": 0.0})
    assert (weak.lead, weak.leaders) == (Lead.WEAK, ())
    none = Year(2003, 100.0, 100.0, {"R": 0.0, "B": math.nan})
    assert (none.lead, none.leaders) == (Lead.NONE, ())
    unknown = Year(2004, 100.0, 100.0, {"R": math.nan})
    assert (unknown.lead, unknown.leaders) == (Lead.UNKNOWN, ())


def test_phases_part_where_the_loop_or_its_direction_changes() -> None:
    parts = [{"R": 3.0}, {"R": 2.0}, {"R": -2.0}, {"R": 0.01}, {"R": 3.0, "B": 3.0}]
    parts += [{"R": -3.0, "B": 3.0}]
    years = [Year(2000 + place, 1.0, 100.0, each) for place, each in enumerate(parts)]
    phases = phases_of(years)
    assert [(each.first, each.last) for each in phases] == [
        (2000, 2001), (2002, 2002), (2003, 2003), (2004, 2004), (2005, 2005)
    ]  # fmt: skip
    assert [each.leaders for each in phases] == [("R",), ("R",), (), ("B", "R"), ("B", "R")]
    assert Phase((years[3],)).shares[0] != Phase((years[3],)).shares[0]  # no number


def test_a_switch_that_multiplies_nothing_cannot_be_held(tmp_path: Path) -> None:
    loops = LOOPS + LOOPS.removeprefix("loops:\n").replace("id: R", "id: X").replace(
        "id: B", "id: Y"
    ).replace("switch: switch R", "switch: start").replace("switch: switch B", "switch: growth")
    found = found_in(logistic(tmp_path, loops=loops))
    # `start` stands in sums and as a divisor's neighbour alone; `growth` multiplies.
    assert found.unheld == ("X",)
    assert [each.id for each in found.loops] == ["R", "B", "Y"]


def test_a_run_that_breaks_down_is_no_number(tmp_path: Path) -> None:
    wound = "root= SQRT(switch R*stock - 0.999*stock) + births ~ 1/Year ~ 根。Breaks. |\n"
    (row,) = found_in(logistic(tmp_path, wound + EQUATIONS), reference="root").rows
    assert all(math.isnan(each.parts["R"]) for each in row.years)
    assert all(math.isfinite(each.parts["B"]) for each in row.years)
    assert {each.leaders for each in row.years} <= {("B",), ()}


@pytest.mark.parametrize("window", [0, 21])
def test_a_window_longer_than_the_run_is_refused(tmp_path: Path, window: int) -> None:
    with pytest.raises(InputError, match=f"expected 1 to 20 years; found {window}"):
        found_in(logistic(tmp_path), window)


def test_what_is_asked_about_stands_in_the_files_of_the_model(city: Model) -> None:
    targets = judged_targets(load_targets(model=city))
    binding = [each for each in targets if each.attribute is Attribute.BINDING]
    views = load_views(city, targets)
    asked = indicators_of(city, binding, views)
    first = next(each for each in views.charts if each.key)
    assert asked[0].reference == first.lines[0].reference
    assert asked[0].targets == ()
    assert sorted(id_ for each in asked for id_ in each.targets) == sorted(e.id for e in binding)


def test_holding_nothing_is_the_run_itself_and_loops_that_never_act_contribute_nothing(
    city: Model,
) -> None:
    targets = judged_targets(load_targets(model=city))
    binding = [each for each in targets if each.attribute is Attribute.BINDING]
    asked = indicators_of(city, binding, load_views(city, targets))
    found = find_dominance(city, read_scenario("baseline", city), load_loops(city), asked)
    assert found.unheld == ()
    for row in found.rows:
        for year in row.years:
            assert year.parts["B4"] == 0  # no water shortage, see loops.yaml
            # Each loop is held at what it is: later runs cannot differ before the time they part.
            assert all(math.isfinite(each) for each in year.parts.values())
            shares = [year.share(each) for each in year.ranked]
            assert sum(shares) == pytest.approx(1.0 if shares else 0.0)
