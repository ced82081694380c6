"""Members of an ensemble: their runs, the shares of them that meet targets, their drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import mpmath
import numpy as np
import pytest

import plansim
from plansim.analysis.calibration.prior import draw_prior
from plansim.analysis.ensemble import wilson
from plansim.analysis.experiments.design_file import read_design
from plansim.analysis.experiments.sampling import Sampler
from plansim.analysis.optimization.levers import lever_of
from plansim.analysis.optimization.problem import decision_problem
from plansim.engine.simulate import simulate_years
from plansim.errors import DesignError, InputError
from plansim.model.records import Model
from plansim.scenario.factors import Apply
from plansim.scenario.members import Members
from plansim.scenario.records import BilingualText
from plansim.scenario.scenario_file import Scenario, as_written, read_scenario, scenario_text
from plansim.targets.catalogue import load_targets
from plansim.targets.target import Status, Target
from plansim.targets.verdict import verdicts_of
from tests.toys.village import village, write_ensemble

RNG = np.random.default_rng(3)
ROWS = [
    f"{number},{growth:.4g},{effort:.4g},{weight:.4g}"
    for number, (growth, effort, weight) in enumerate(
        RNG.uniform([-0.05, 0.5, 0.3], [0.05, 1.5, 2], (40, 3))
    )
]


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return village(tmp_path)


@pytest.fixture
def ensemble(model: Model) -> Members:
    write_ensemble(model, *ROWS)
    return plansim.load_ensemble(model)


@pytest.fixture
def targets(model: Model) -> tuple[Target, ...]:
    return load_targets(model=model)


@pytest.fixture
def scenarios(model: Model, tmp_path: Path) -> list[Scenario]:
    return [as_written(model), read_scenario(tmp_path / "other.yaml", model)]


def written_out(
    model: Model, scenario: Scenario, members: Members, number: int, folder: Path
) -> Scenario:
    """Return a member under a scenario as the scenario of a file that writes all values out."""
    names, constants = members.constants_under(model, scenario)
    values = {**scenario.values, **dict(zip(names, constants[number].tolist(), strict=True))}
    text = BilingualText("Member", "成员")
    path = folder / f"{scenario.id}-{number}.yaml"
    path.write_text(scenario_text(text, text, values, assumes=scenario.assumed), "utf-8")
    return read_scenario(path, model)


# --- runs -----------------------------------------------------------------------------------------


def test_a_member_is_a_scenario_with_its_values_written_out_bit_for_bit(
    model: Model, ensemble: Members, scenarios: list[Scenario], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="only the compiled engine"):
        plansim.simulate(model, ensemble=ensemble, engine="pysd")
    part = plansim.simulate(model, None, ["存量"], ensemble=ensemble)
    assert list(part) == ["stock"]
    assert plansim.annual(part)["stock"].dims == ("scenario", "member", "year")
    runs = plansim.simulate(model, scenarios, ensemble=ensemble)
    assert runs["stock"].dims == ("scenario", "member", "time")
    assert runs["sound"].all()
    for scenario in scenarios:
        for number in (0, 21, 39):
            alone = plansim.simulate(
                model, written_out(model, scenario, ensemble, number, tmp_path)
            )
            member = runs.sel(scenario=scenario.id, member=number)
            for name in alone:
                assert alone[name].dims == member[name].dims
                assert alone[name].to_numpy().tobytes() == member[name].to_numpy().tobytes()


@pytest.mark.parametrize("growth", ["9999", "3000", "50"])
def test_a_member_that_breaks_down_is_marked(model: Model, growth: str) -> None:
    write_ensemble(model, "0,0,1,1", f"1,{growth},1,1")
    ensemble = plansim.load_ensemble(model)
    runs = plansim.simulate(model, ensemble=ensemble)
    assert runs["sound"].values.tolist() == [[True, False]]
    shares = plansim.verdict_shares(model)
    assert shares["members"].tolist() == [1, 1, 1]
    assert shares["unsound"].tolist() == [1, 1, 1]
    alone = replace(ensemble, ids=(0,), values=ensemble.values[:1])
    assert (plansim.verdict_shares(model, None, alone)["share"] == shares["share"]).all()


def test_what_a_policy_decides_is_no_unknown_of_its_problem(
    model: Model, ensemble: Members, targets: tuple[Target, ...]
) -> None:
    """At 2005.5 the stock is 100 (1 + growth effort / 2)^11; each lever stays where it is put."""
    efforts, growths = ensemble.values[:, 1], 0.1 + ensemble.values[:, 0]
    lever = lever_of(model, "growth"), lever_of(model, "effort")
    for moved, rates in ((lever[:1], 0.1 * efforts), (lever[1:], growths), (lever, 0.1)):
        problem = decision_problem(
            model, as_written(model), moved, targets[:1], members=ensemble, threads=1
        )
        judged = problem.judge(problem.start[None])
        stock = 100 * (1 + rates * np.ones(40) / 2) ** 11
        np.testing.assert_allclose(160 * judged.margins[0, :, 0], stock - 160, atol=1e-9)
        assert judged.share([0])[0] == (stock >= 160).mean()


# --- shares ---------------------------------------------------------------------------------------


def test_shares_are_counts_of_the_members_verdicts(
    model: Model, ensemble: Members, scenarios: list[Scenario], targets: Sequence[Target],
    tmp_path: Path,
) -> None:  # fmt: skip
    shares = plansim.verdict_shares(model, scenarios, ensemble)
    rows = {(row.pop("scenario"), row.pop("target")): row for row in shares.to_dict("records")}
    assert list(rows) == [
        (scenario.id, target) for scenario in scenarios for target in ("S1", "S4", "S5")
    ]
    undecided = 0
    for scenario in scenarios:
        told = [
            {one.id: one.status for one in verdicts_of(simulate_years(model, member), targets)}
            for number in range(len(ensemble))
            for member in [written_out(model, scenario, ensemble, number, tmp_path)]
        ]
        for target in ("S1", "S4", "S5"):
            row, found = rows[scenario.id, target], [statuses[target] for statuses in told]
            if target in scenario.assumed:
                assert row["members"] == 0
                assert np.isnan([row["share"], row["share_low"], row["share_high"]]).all()
                continue
            undecided += found.count(Status.UNDECIDED)
            good = found.count(Status.MET) + found.count(Status.UNDECIDED) / 2
            assert row["share"] == good / 40
            assert 0 < row["share_low"] < row["share"] < row["share_high"] < 1
            assert (row["members"], row["unsound"]) == (40, 0)
    assert undecided > 5


def test_ends_of_the_interval_are_where_the_score_test_just_rejects() -> None:
    """By the definition, to 30 digits, for halves too: |share - p| = z sqrt(p (1 - p) / n)."""
    with mpmath.workdps(30):
        z = mpmath.sqrt(2) * mpmath.erfinv(mpmath.mpf("0.95"))
        for good, count in [(0.5, 3), (2.5, 10), (137.5, 500)]:
            share = mpmath.mpf(good) / count
            a, b, c = 1 + z**2 / count, -2 * share - z**2 / count, share**2
            roots = [(-b + sign * mpmath.sqrt(b**2 - 4 * a * c)) / (2 * a) for sign in (-1, 1)]
            low, high = wilson(np.array(good), np.array(float(count)))
            assert list(map(float, roots)) == pytest.approx([float(low), float(high)], abs=1e-14)
    every = np.arange(1.0, 500.0)
    assert (wilson(0 * every, every)[0] == 0).all()
    assert (wilson(every, every)[1] == 1).all()


def test_shares_beside_verdicts_follow_every_file(
    model: Model, ensemble: Members, scenarios: list[Scenario], targets: Sequence[Target]
) -> None:
    """They are cached; none may outlive what it was computed from."""

    def told() -> list[float | None]:
        judged = plansim.check_scenarios(model, scenarios, targets)
        return [verdict.share.share for verdict in judged if verdict.share is not None]

    first = told()
    frame = plansim.verdict_shares(model, scenarios, ensemble, targets)
    assert first == [None if np.isnan(share) else share for share in frame["share"]]
    assert told() == first
    write_ensemble(model, *ROWS[:20])
    fewer = told()
    assert fewer != first
    views = model.path.with_name("views.yaml")
    views.write_text(views.read_text("utf-8").replace(", policy: true", ""), "utf-8")
    assert told() != fewer, "the effort that the other scenario sets moves too now"


def test_a_model_without_an_ensemble_says_how_to_make_one(model: Model) -> None:
    with pytest.raises(InputError, match="has no ensemble; expected plansim model condition"):
        plansim.load_ensemble(model)


# --- the prior ------------------------------------------------------------------------------------


def test_the_prior_is_drawn_from_the_plausible_ranges(model: Model) -> None:
    members = draw_prior(model, 256, seed=4)
    changes = {factor.name: factor.apply for factor in members.factors}
    assert changes == {
        "growth": Apply.MULTIPLY,
        "level": Apply.MULTIPLY,
        "first year": Apply.ADD,  # four digits of a factor about 1 would be two years
    }
    assert members.policy == {"effort"}
    names, constants = members.constants_under(model, as_written(model))
    for name, column in zip(names, constants.T, strict=True):
        low, high = model.variables[name].plausible or (np.nan, np.nan)
        slack = 1e-3 * abs(high)
        assert low - slack <= column.min() <= low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) <= column.max() <= high + slack
        assert np.median(column) == pytest.approx((low + high) / 2, abs=0.03 * (high - low))
    assert draw_prior(model, 256, seed=4) == members
    assert np.array_equal(draw_prior(model, 256, seed=4).values, members.values)
    assert not np.array_equal(draw_prior(model, 256, seed=5).values, members.values)
    assert (members.head.seed, members.head.misfit(model)) == (4, None)


def test_a_design_says_what_the_prior_varies(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(
        "title: {en: Study, zh: 研究}\nscenarios: [other.yaml]\n"
        "factors: {growth: [-0.05, 0.15], both: {constants: weight, apply: multiply, "
        "uniform: [0.5, 2]}}\ndesign: {seed: 9}\n",
        "utf-8",
    )
    members = draw_prior(model, 64, design=path)
    growth, both = members.factors
    assert (growth.apply, growth.constants) == (Apply.ADD, ("growth",))
    assert (both.apply, both.constants) == (Apply.MULTIPLY, ("weight[farms]", "weight[mills]"))
    assert members.head.seed == 9
    assert members.head.drawn.endswith("2 factors of study.yaml")
    design = replace(read_design(path, model), points=64)
    points = Sampler(design).draw(0, 64)
    np.testing.assert_allclose(members.values[:, 1], points[:, 1], rtol=5e-4)
    np.testing.assert_allclose(members.values[:, 0] + 0.1, points[:, 0], atol=1e-4)


def test_what_cannot_be_drawn_is_refused(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    grid = "title: {en: S, zh: 研}\nscenarios: [other.yaml]\nfactors: {growth: [0, 1]}\n"
    path.write_text(grid + "design: {kind: grid, levels: 4}\n", "utf-8")
    with pytest.raises(DesignError, match=r"members are points of a sample; .*; found grid"):
        draw_prior(model, design=path)
    path.write_text(grid.replace("[0, 1]", "{discrete: {values: [0, 1]}}"), "utf-8")
    with pytest.raises(InputError, match="too few values for 3 members"):
        draw_prior(model, 3, design=path)
    still = village(tmp_path, "growth= 1 ~ Dmnl ~ |\nstock= INTEG(growth, 1) ~ Dmnl ~ |\n")
    (tmp_path / "views.yaml").unlink()
    with pytest.raises(InputError, match="no constant of the model has a plausible range"):
        draw_prior(still)
