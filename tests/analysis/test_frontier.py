"""The frontier of growth on a model whose frontier is known by hand and by a plain sweep."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from plansim.analysis.optimization.evolution import sample
from plansim.analysis.optimization.frontier import Frontier, frontier
from plansim.analysis.optimization.frontier_search import FrontierSearch
from plansim.errors import DesignError
from plansim.model.reader import load_model
from plansim.model.records import Model
from plansim.output.tables.layout import shown
from plansim.output.tables.policies import frontier_table
from plansim.output.words.text import read_text
from plansim.scenario.factors import FloatArray
from tests.helpers.plan import aim, plan
from tests.helpers.vensim_text import small_model
from tests.toys.village import write_ensemble

# Output grows as it is driven; dirt rises with that and falls with care, which costs growth.
EQUATIONS = """
drive= 0.05 ~ 1/Year [0,0.5] ~ 干劲。Growth. [A: 0–0.2] |
care= 0.5 ~ Dmnl [0,5] ~ 治理。Abatement. [A: 0–1] |
harm= 1 ~ Dmnl [0,5] ~ 损害。Uncertain. [A: 0.5–1.5] |
rate= drive - 0.02*care ~ 1/Year ~ 增速。Net. |
output= 100*EXP(rate*(Time - 2000)/one year) ~ 亿元/Year ~ 产出。Grows. |
dirt= 10*harm*rate*one year - care ~ Dmnl ~ 污染。Of growth. |
share= 1 - care ~ Dmnl ~ 份额。Left by care. |
stock= INTEG(output*0, 1) ~ 亿元 ~ 存量。So that it is a model. |
one year= 1 ~ Year [1,1] ~ 一年。One. |
"""
DIRT = aim("D1", "at most: 0.5, year: 2004", "dirt")
SPARE = aim("C1", "at least: 0.2, year: 2004", "share")
NEVER = aim("N1", "at least: 3, year: 2004", "share")
FULL = aim("F1", "at least: 0.9, year: 2004", "share")
CLEAN = aim("K1", "at most: -0.7, year: 2004", "dirt")
SPEC = """\
growth: output
years: [2004, 2008]
scenario: plain.yaml
growth_levers: [drive]
target_levers: [care]
uncertainty: design.yaml
"""
ONE_YEAR = SPEC.replace(", 2008]", "]")
Reads = Callable[..., Frontier]


def town(folder: Path, *aims: str, spec: str = ONE_YEAR) -> Model:
    """Write the town with its targets and its problem, and read it."""
    design = "title: D\nscenarios: plain.yaml\nfactors: {harm: [0.5, 1.5]}\n"
    texts = {"targets": plan(*aims), "plain": "title: Plain\n", "design": design}
    return small_model(folder, EQUATIONS, **texts, decision=spec)


@pytest.fixture(scope="module")
def reads(tmp_path_factory: pytest.TempPathFactory) -> Reads:
    def read(*aims: str, spec: str = ONE_YEAR, levels: int = 2) -> Frontier:
        model = town(tmp_path_factory.mktemp("town"), *aims, spec=spec)
        return frontier(model, draws=512, levels=levels, threads=1)

    return read


@pytest.fixture(scope="module")
def reached(reads: Reads) -> Frontier:
    """A frontier that two targets make."""
    return reads(DIRT, SPARE, spec=SPEC, levels=3)


def test_growth_is_the_mean_rate_since_the_run_began(tmp_path: Path) -> None:
    """Output doubles in 2001 beside its growth of exp(0.04); another file states the problem."""
    model = town(tmp_path, DIRT)
    path = tmp_path / "small.mdl"
    text = path.read_text("utf-8").replace("100*EXP(", "(50 + STEP(50, 2000.75))*EXP(")
    path.write_text(text, "utf-8")
    (tmp_path / "other.yaml").write_text(SPEC.replace("2004, 2008", "2006"), "utf-8")
    model = load_model(path)
    (horizon,) = frontier(model, tmp_path / "other.yaml", draws=64, levels=2).horizons
    assert horizon.year == 2006
    assert horizon.growth_present == pytest.approx((2 * math.exp(0.04 * 6)) ** (1 / 6) - 1)


def test_growth_goes_as_far_as_the_target_that_stops_it(reached: Frontier) -> None:
    # Care ends at 0.8, where the share is 0.2; dirt is 10·rate - 0.8 = 0.5, so the rate is 0.13.
    assert [lever.id for lever in reached.spec.levers] == ["drive", "care"]
    for horizon in reached.horizons:
        assert horizon.highest is not None
        assert horizon.highest.growth == pytest.approx(math.exp(0.13) - 1, abs=1e-5)
        assert set(horizon.binding) == {"D1", "C1"}
        assert (horizon.kept, horizon.never, horizon.conflicting) == (("D1", "C1"), (), ())
        assert horizon.highest.values == pytest.approx((0.146, 0.8), abs=1e-4)
    first = reached.horizons[0]
    assert first.growth_present == pytest.approx(math.exp(0.04) - 1)
    low, high = first.growth_range
    assert high == pytest.approx(math.exp(0.2) - 1, abs=1e-5)
    assert math.exp(-0.02) - 1 <= low < 0, "the lowest of the sweep"


def test_what_never_holds_is_named_and_the_frontier_is_that_of_the_others(reads: Reads) -> None:
    (horizon,) = reads(DIRT, SPARE, NEVER).horizons
    assert (horizon.never, horizon.kept) == (("N1",), ("D1", "C1"))
    assert horizon.highest is not None
    assert horizon.highest.growth == pytest.approx(math.exp(0.13) - 1, abs=1e-5)
    assert horizon.highest.margins["N1"] == pytest.approx(-2.8, abs=1e-3)
    alone = {verdict.target.id: verdict for verdict in horizon.alone}
    # Dirt alone: care 1, 10·rate = 1.5; the share alone stops nothing.
    assert alone["D1"].growth == pytest.approx(math.exp(0.15) - 1, abs=1e-5)
    assert alone["C1"].growth == pytest.approx(math.exp(0.2) - 1, abs=1e-4)
    assert alone["D1"].best == pytest.approx(0.5 + 1 + 0.2, abs=1e-4)
    assert alone["D1"].present == pytest.approx(0.5 - (0.4 - 0.5))
    assert math.isnan(alone["N1"].growth)
    assert alone["N1"].best == pytest.approx(1 - 3, abs=1e-5)


def test_targets_that_clash_are_told_from_those_that_never_hold(reads: Reads) -> None:
    # F1 wants care below 0.1; K1 wants dirt below -0.7, which takes care of half and more.
    (horizon,) = reads(FULL, CLEAN).horizons
    assert horizon.never == ()
    (kept,), (left_out,) = horizon.kept, horizon.conflicting
    assert {kept, left_out} == {"F1", "K1"}
    assert horizon.highest is not None
    assert horizon.highest.margins[kept] >= 0 > horizon.highest.margins[left_out]


def test_a_limit_holds_in_all_years_to_the_horizon(reads: Reads) -> None:
    """Output may be 120 at most: by 2008 it has twice as many years to grow to it as by 2004."""
    found = reads(aim("O1", "at most: 120, year: 2004", "output", unit="亿元"), spec=SPEC)
    near, far = (math.log1p(one.highest.growth) for one in found.horizons if one.highest)
    assert near / far == pytest.approx(2, abs=0.15)


def test_margins_fall_along_the_front_and_chances_are_those_of_the_draws(reached: Frontier) -> None:
    (horizon, _), draws = reached.horizons, reached.draws
    assert draws == 512
    harm = np.random.default_rng(0).uniform(0.5, 1.5, 100_000)
    margins = [policy.worst_margin for policy in horizon.front]
    assert margins == sorted(margins, reverse=True)
    assert margins[0] > 0 > margins[-1]
    for policy in horizon.front:
        drive, care = policy.values
        rate = drive - 0.02 * care
        holds = (10 * harm * rate - care <= 0.5) & (care <= 0.8 + 1e-9)
        assert policy.chance == pytest.approx(holds.mean(), abs=0.01)
        assert policy.median == pytest.approx(math.exp(rate) - 1, abs=1e-9)


def test_margins_of_percentages_are_in_points(tmp_path: Path) -> None:
    model = town(tmp_path, DIRT, SPARE)
    reached, text = frontier(model, draws=64, levels=2, threads=1), read_text("en")
    (horizon,) = reached.horizons
    alone = [replace(one, target=replace(one.target, unit="%")) for one in horizon.alone]
    found = replace(reached, horizons=(replace(horizon, alone=tuple(alone)),))
    told = shown(frontier_table(found, model, text), 120)
    assert told.count("points") == len(alone) + len(horizon.front)


def test_no_policy_of_the_front_is_beaten_in_growth_and_in_margin() -> None:
    """Up to a growth of one half the margin is the same: of these policies the fastest counts."""

    def evaluate(positions: FloatArray) -> FloatArray:
        rate = positions[:, 0]
        # What no lever decides turns the least margin by less than a search can tell.
        return np.column_stack([np.minimum(0.5 - 1e-13 * rate, 1 - rate), rate])

    start = np.array([0.1])
    search = FrontierSearch(evaluate, start, 1, sample(evaluate, 1, start[None]))
    search.fastest()
    search.add(search.best([0], evolved=True))
    (top, _) = search.highest([0])
    front = [point.values for point in search.front([0], top, 6, lambda number: None)]
    rates, margins = (np.array(part) for part in zip(*[(v[1], v[0]) for v in front], strict=True))
    assert (np.diff(rates) > 0).all()
    assert (np.diff(margins) < -1e-6).all()
    assert 0.3 < rates[0] <= 0.5, "the fastest of the levels up to one half"


def test_conditioned_members_beside_the_model_are_the_draws(tmp_path: Path) -> None:
    """Where all members do half the harm, what stops growth is certain not to."""
    made = town(tmp_path, DIRT, SPARE)
    rows = (f"{number},{0.5 + number / 1e4}" for number in range(200))
    write_ensemble(made, *rows, multiplied="harm", kind="conditioned")
    found = frontier(made, draws=512, levels=2, threads=1)
    assert found.draws == 200
    (horizon,) = found.horizons
    assert horizon.highest is not None
    assert horizon.highest.chance == 1.0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("growth: output", "growth: outpt", "did you mean 'output'"),
        ("growth: output", "growth: drive", "'drive' does not move in a run"),
        ("levers: [care]", "levers: [care, drive]", "'drive' and 'drive' move one constant"),
        ("years: [2004, 2008]", "years: [1999]", "no growth to 1999; expected after 2000"),
        ("design.yaml", "desgn.yaml", "desgn.yaml"),
    ],
)
def test_faults_of_the_file(reads: Reads, old: str, new: str, message: str) -> None:
    with pytest.raises(DesignError, match=message):
        reads(DIRT, spec=SPEC.replace(old, new))


# --- brute force ----------------------------------------------------------------------------------

# Growth has a ridge where both drives are alike, and dirt jumps: no slope leads round either.
TWO_DRIVES = """
drive a= 0.05 ~ 1/Year [0,0.1] ~ 干劲甲。One. [A: 0–0.1] |
drive b= 0.02 ~ 1/Year [0,0.1] ~ 干劲乙。Two. [A: 0–0.1] |
care= 0.5 ~ Dmnl [0,1] ~ 治理。Abatement. [A: 0–1] |
thrift= 0.5 ~ Dmnl [0,1] ~ 节俭。Saving. [A: 0–1] |
rate= 2*MIN(drive a, drive b) - 0.02*care - 0.01*thrift ~ 1/Year ~ 增速。Net. |
output= 100*EXP(rate*(Time - 2000)/one year) ~ 亿元/Year ~ 产出。Grows. |
dirt= (10*drive a + 4*drive b)*one year - MIN(care, 0.6) + 0.3*STEP(1, 2000 + 4*thrift)
 ~ Dmnl ~ 污染。Of growth. |
waste= MAX(3*drive a, 9*drive b)*one year - thrift ~ Dmnl ~ 浪费。Of growth. |
stock= INTEG(output*0, 1) ~ 亿元 ~ 存量。So that it is a model. |
one year= 1 ~ Year [1,1] ~ 一年。One. |
"""
LIMITS = [aim(f"{name[0]}1", "at most: 0.1, year: 2004", name) for name in ("dirt", "waste")]


def by_hand(levers: FloatArray) -> FloatArray:
    """Return growth where both targets hold, else nothing, of values ``(run, lever)``."""
    a, b, care, thrift = levers.T
    rate = 2 * np.minimum(a, b) - 0.02 * care - 0.01 * thrift
    dirt, waste = 10 * a + 4 * b - np.minimum(care, 0.6) + 0.3, np.maximum(3 * a, 9 * b) - thrift
    holds = (dirt <= 0.1 + 1e-12) & (waste <= 0.1 + 1e-12)
    return np.asarray(np.where(holds, np.exp(rate) - 1, -np.inf))


@pytest.mark.long
def test_no_point_of_a_fine_grid_nor_near_the_answer_grows_faster(tmp_path: Path) -> None:
    decision = "growth: output\nyears: [2004]\nscenario: plain.yaml\n"
    decision += "growth_levers: [drive a, drive b]\ntarget_levers: [care, thrift]\n"
    texts = {"targets": plan(*LIMITS), "plain": "title: Plain\n", "decision": decision}
    model = small_model(tmp_path, TWO_DRIVES, **texts)
    (horizon,) = frontier(model, levels=1, threads=1).horizons
    assert horizon.highest is not None
    assert math.isnan(horizon.highest.chance), "nothing is uncertain"
    growth, answer = horizon.highest.growth, np.array(horizon.highest.values)
    width = np.array([0.1, 0.1, 1.0, 1.0])
    axes = [np.linspace(0, end, 41) for end in width]
    best = by_hand(np.array(list(itertools.product(*axes)))).max()
    assert growth >= best - 1e-9
    assert growth <= best + 0.003, "nor does it claim more than the coarseness of the grid"
    rng = np.random.default_rng(1)
    for radius in (0.3, 0.03, 0.003):
        moves = rng.uniform(-radius, radius, (100_000, 4)) * (rng.random((100_000, 4)) < 0.6)
        assert growth >= by_hand(np.clip(answer + moves * width, 0, width)).max() - 1e-6
