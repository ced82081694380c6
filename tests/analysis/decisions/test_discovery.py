"""Where targets fail: on a village, whose answer can be worked out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import plansim
from plansim.analysis.decisions.discovery import FreshTest
from plansim.analysis.decisions.member_states import Purpose, states_of
from plansim.analysis.ensemble import wilson
from plansim.analysis.experiments.design import nested
from plansim.errors import InputError
from plansim.model.records import Model
from plansim.output.tables.decisions import discovery_table
from plansim.output.tables.layout import shown
from plansim.output.words.text import Lang, read_text
from tests.helpers.plan import aim, plan
from tests.helpers.vensim_text import small_model
from tests.toys.lake import lake
from tests.toys.village import EQUATIONS, open_village, village, write_ensemble


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return open_village(tmp_path, 400)


def targets_of(model: Model) -> tuple[plansim.Target, ...]:
    return tuple(plansim.load_targets(model=model))


def test_the_stock_fails_where_it_grows_too_little(model: Model) -> None:
    (found,) = plansim.discover(model, targets=[t for t in targets_of(model) if t.id == "S1"])
    shares = plansim.verdict_shares(model).set_index("target")["share"]
    assert found.failing == pytest.approx(1 - shares["S1"])
    first = found.boxes[0]
    growth = next(limit for limit in first.asked if limit.factor.name == "growth")
    assert growth.frequency == 1.0
    is_where_it_fails = growth.low is None and growth.high is not None
    assert is_where_it_fails == (found.outcome.value == "fails")
    assert first.density > max(found.failing, 0.8)
    # The widest that the city has.
    factor = replace(growth.factor, name="technique progress[cleaner process]", constants=())
    wide = replace(growth, factor=factor, unit="1/Year", plausible=(0.0, 0.12))
    wide = replace(wide, low=None, high=0.06207)
    asked = (replace(wide, sources=("M29g", "E265", "E266", "A")),)
    told = replace(found, boxes=(replace(first, asked=asked),) * 2)
    table = discovery_table([told], model, read_text(Lang.EN))
    # What a box after the first holds is counted outside of those before it.
    assert shown(table, 200).count("Corner 2, of runs that are in no corner before it: ") == 1
    assert max(map(len, shown(table, 60).splitlines())) <= 60
    assert "\n    technique" in shown(table, 80)


@pytest.mark.parametrize("asked", [130, 250])
def test_boxes_are_tested_on_fresh_members_that_do_not_break_down(
    tmp_path: Path, asked: int
) -> None:
    """By brute force; a target that is missed nearly everywhere is looked at where it holds."""
    model = village(tmp_path, EQUATIONS.replace("[A: 0–2]", "[A: -0.2–2]"))
    path = tmp_path / "targets.yaml"
    path.write_text(path.read_text("utf-8").replace("at least: 160", f"at least: {asked}"), "utf-8")
    plansim.write_members(plansim.draw_prior(model, 600, seed=1), model, tmp_path / "ensemble.csv")
    (found,) = plansim.discover(model, targets=["S5"], fresh=400)
    here, fresh = (
        plansim.simulate(model, ensemble=members).sel(scenario="as-written")
        for members in (
            plansim.load_ensemble(model),
            states_of(model, 400, purpose=Purpose.TEST_OF_BOXES),
        )
    )
    holds = (here["used"].sel(time=2005) >= asked).to_numpy()[here["sound"].to_numpy()]
    assert found.runs == len(holds) < 600
    assert found.failing == pytest.approx(1 - holds.mean())
    assert (found.outcome.value == "holds") == (found.failing >= 0.8)
    points = states_of(model, 400, purpose=Purpose.TEST_OF_BOXES).values
    cases = (fresh["used"].sel(time=2005) >= asked).to_numpy()
    cases = cases if found.outcome.value == "holds" else ~cases
    left = fresh["sound"].to_numpy()
    every = cases[left].sum()
    for box in found.boxes:
        assert box.test is not None
        inside = left & ((points >= box.limits[0]) & (points <= box.limits[1])).all(axis=1)
        left &= ~inside
        count, dense = inside.sum(), cases[inside].sum()
        ends = map(float, wilson(np.array(dense), np.array(float(count))))
        assert box.test == FreshTest(int(count), dense / every, dense / count, *ends)
    assert len(found.boxes) > 1


def test_only_what_is_open_is_looked_at_unless_nothing_is(model: Model) -> None:
    path = model.path.with_name("targets.yaml")
    text, limit = path.read_text("utf-8"), "{}, year: 2005}}, variable: used"
    easy = text.replace(limit.format(160), limit.format(9))
    path.write_text(easy, "utf-8")
    for asked, looked_at in ((["S1", "S5"], ["S1"]), (["S5"], ["S5"])):
        found = plansim.discover(model, targets=asked, only_open=True)
        assert [one.target for one in found] == looked_at


def test_a_factor_of_what_is_below_zero_is_limited_on_the_right_side(tmp_path: Path) -> None:
    targets = plan(aim("S1", "at least: -2, year: 2005", "depth", unit="Dmnl"), horizon=2005)
    level = "level= -2 ~ Dmnl [-9,0] ~ 位。[A: -3–-1] |\n"
    depth = "depth= level + 0*Time ~ Dmnl ~ 深。 |\n"
    pit = small_model(tmp_path, level + depth, targets=targets)
    rows = (f"{n},{by:.4f}" for n, by in enumerate(np.linspace(0.5, 1.5, 200)))
    write_ensemble(pit, *rows, multiplied="level")
    (found,) = plansim.discover(pit)
    (limit,) = found.boxes[0].asked
    assert limit.low is None
    assert limit.high == pytest.approx(-2, abs=0.02)
    assert limit.sampled == pytest.approx((-3, -1))


def test_a_box_of_a_long_sweep_is_tested_on_other_runs(tmp_path: Path) -> None:
    pond = lake(tmp_path)
    study = plansim.sweep(pond, tmp_path / "design.yaml", tmp_path / "long.zarr", samples=20_000)
    (found,) = plansim.discover(pond, study, ["F1"])
    assert found.runs < 10_000
    fails = study["margin"].to_numpy()[:, 0] < 0
    cases = fails if found.outcome.value == "fails" else ~fails
    points = [study[name].to_numpy() for name in nested(study.attrs, "layout")["factors"]]
    first = found.boxes[0]
    inside = first.contains(np.stack(points, axis=1))
    assert first.test is not None
    assert first.test.members == pytest.approx(found.runs * inside.mean(), rel=0.05)
    assert first.test.density == pytest.approx(cases[inside].mean(), abs=0.02)
    assert first.test.coverage == pytest.approx(cases[inside].sum() / cases.sum(), abs=0.03)


def test_a_sweep_of_another_model_or_with_members_is_refused(tmp_path: Path) -> None:
    pond = lake(tmp_path)
    study = plansim.sweep(pond, tmp_path / "design.yaml", tmp_path / "short.zarr", threads=1)
    with pytest.raises(InputError, match="made with another model"):
        plansim.discover(replace(pond, sha256="other"), study)
    with pytest.raises(InputError, match="members are drawn for scenarios"):
        plansim.discover(pond, study, fresh=10)
    assert [one.target for one in plansim.discover(pond, study, only_open=True)] == ["F1"]
    # The order in which a file system lists the arrays of a store changes nothing.
    turned = study[list(study.data_vars)[::-1]]
    pd.testing.assert_frame_equal(plansim.sensitivity(turned), plansim.sensitivity(study))
