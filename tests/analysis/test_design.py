"""Designs of sweeps: distributions, points, and what is said of a faulty design."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import qmc

from plansim.analysis.evaluator import Request
from plansim.analysis.experiments.design import Design, DesignKind
from plansim.analysis.experiments.design_file import quick_design, read_design
from plansim.analysis.experiments.distributions import (
    Discrete,
    Lognormal,
    Normal,
    Triangular,
    Uniform,
)
from plansim.analysis.experiments.layout import SweepJob
from plansim.analysis.experiments.sampling import MOST_HYPERCUBE, Sampler
from plansim.errors import DesignError
from plansim.files.shipped import shipped
from plansim.model.records import Model
from plansim.scenario.factors import Apply, Distribution, Factor
from plansim.scenario.scenario_file import as_written
from tests.helpers.vensim_text import small_model

EQUATIONS = """
trade: farms, mills ~~|
growth= 0.1 ~ 1/Year [0,0.5] ~ 增长率。Of the stock. [A: 0.05–0.15] |
share= 0.5 ~ Dmnl [0,1] ~ Without a plausible range. |
weight[trade]= 1, 2 ~ Dmnl [0,10] ~ One a trade. [A: 0.5–3] |
stock= INTEG(growth*stock*share, 100) ~ 亿元 ~ |
output[trade]= weight[trade]*stock ~ 亿元 ~ |
"""


@pytest.fixture
def small(tmp_path: Path) -> Model:
    return small_model(tmp_path, EQUATIONS)


@pytest.fixture
def reads(small: Model, tmp_path: Path) -> Callable[[str], Design]:
    """Read a design over the small model, under a scenario that sets nothing."""

    def read(text: str) -> Design:
        (tmp_path / "plain.yaml").write_text("title: Plain\n", "utf-8")
        path = tmp_path / "design.yaml"
        path.write_text("title: Design\nscenarios: plain.yaml\n" + text, "utf-8")
        return read_design(path, small)

    return read


def a_design(kind: DesignKind, count: int = 2, points: int = 64) -> Design:
    factors = tuple(
        Factor(f"f{i}", (f"c{i}",), Apply.SET, Uniform(0.0, 1.0), "Dmnl") for i in range(count)
    )
    return Design("d", "", "", kind, (), factors, points, 7, 4, (), ())


# --- distributions --------------------------------------------------------------------------------

SHARES = np.linspace(0.001, 0.999, 41)


@pytest.mark.parametrize(
    ("distribution", "expected"),
    [
        (Uniform(2, 5), stats.uniform(2, 3)),
        (Triangular(1, 2, 5), stats.triang(0.25, 1, 4)),
        (Triangular(1, 1, 5), stats.triang(0, 1, 4)),
        (Triangular(1, 5, 5), stats.triang(1, 1, 4)),
        (Normal(3, 2), stats.norm(3, 2)),
        (Normal(3, 2, 2, 7), stats.truncnorm(-0.5, 2, 3, 2)),
        (Lognormal(3, 0.5), stats.lognorm(0.5, scale=3)),
        (Lognormal(1, 1, 0.5, 4), stats.lognorm(1)),
    ],
)
def test_quantiles_are_those_of_the_distribution(
    distribution: Distribution, expected: stats.rv_continuous
) -> None:
    low, high = expected.cdf([distribution.low, distribution.high])  # where it is cut
    quantiles = expected.ppf(low + (high - low) * SHARES)
    np.testing.assert_allclose(distribution.quantile(SHARES), quantiles, rtol=1e-9)


def test_a_discrete_distribution_takes_each_value_by_its_weight() -> None:
    shares = (np.arange(1000) + 0.5) / 1000
    values, counts = np.unique(
        Discrete((3.0, 1.0, 2.0), (1.0, 1.0, 2.0)).quantile(shares), return_counts=True
    )
    assert dict(zip(values.tolist(), counts.tolist(), strict=True)) == {1: 250, 2: 500, 3: 250}


@given(
    st.floats(-100, 100), st.floats(0.01, 100), st.floats(0, 1),
    st.lists(st.floats(0, 1), min_size=1, max_size=5),
)  # fmt: skip
def test_no_value_lies_beyond_the_ends(
    low: float, width: float, mode: float, shares: list[float]
) -> None:
    high, middle = low + width, low + mode * width
    for distribution in (
        Uniform(low, high), Triangular(low, min(middle, high), high),
        Normal(middle, width, low, high), Discrete((low, high), (1.0, 2.0)),
    ):  # fmt: skip
        values = distribution.quantile(np.array(shares))
        assert ((distribution.low <= values) & (values <= distribution.high)).all()


# --- points ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(DesignKind))
def test_a_point_does_not_depend_on_the_blocks_in_which_it_is_drawn(kind: DesignKind) -> None:
    design = a_design(kind, count=3, points=64)
    whole = Sampler(design).draw(0, 64)
    one = Sampler(design)
    np.testing.assert_array_equal(
        np.concatenate([one.draw(a, b) for a, b in ((0, 1), (1, 7), (7, 40), (40, 64))]), whole
    )
    backwards = [one.draw(a, b) for a, b in ((33, 64), (5, 33), (0, 5))]
    np.testing.assert_array_equal(np.concatenate(backwards[::-1]), whole)


def test_sobol_points_are_scipys_moved_to_the_middle_of_their_cells() -> None:
    expected = qmc.Sobol(2, scramble=True, bits=32, rng=np.random.default_rng(7)).random(64)
    np.testing.assert_array_equal(
        Sampler(a_design(DesignKind.SOBOL)).draw(0, 64), expected + 2.0**-33
    )


def test_a_latin_hypercube_has_one_point_in_each_slice() -> None:
    design = a_design(DesignKind.LATIN_HYPERCUBE, points=50)
    points = Sampler(design).draw(0, 50)
    assert not np.isin(points, Sampler(replace(design, seed=8)).draw(0, 50)).any()
    for column in points.T:
        assert sorted((column * 50).astype(int).tolist()) == list(range(50))


def test_a_grid_has_every_combination_once() -> None:
    design = a_design(DesignKind.GRID, points=16)
    points = {tuple(one) for one in np.round(Sampler(design).draw(0, 16) * 3).tolist()}
    assert points == {(a, b) for a in range(4) for b in range(4)}


def test_morris_moves_each_factor_once_by_half_the_levels() -> None:
    count, trajectories = 3, 40
    design = a_design(DesignKind.MORRIS, count, points=trajectories * (count + 1))
    points = Sampler(design).draw(0, design.points).reshape(trajectories, count + 1, count)
    moves = np.diff(points, axis=1)
    assert ((np.abs(moves) > 1e-9).sum(axis=1) == 1).all(), "each factor moves once"
    assert ((np.abs(moves) > 1e-9).sum(axis=2) == 1).all(), "one factor moves at a time"
    np.testing.assert_allclose(np.abs(moves).max(axis=2), 2 / 3)
    assert set(np.round(points * 3, 9).ravel().tolist()) == {0, 1, 2, 3}
    firsts = np.abs(moves).argmax(axis=2)[:, 0]
    assert set(firsts.tolist()) == {0, 1, 2}, "the order is random"
    assert (moves > 0.1).any(), "some factors rise"
    assert (moves < -0.1).any(), "and some fall"


# --- files ----------------------------------------------------------------------------------------


def test_the_shipped_design_fits_the_shipped_model(city: Model) -> None:
    for path in sorted(shipped("scenarios", "sweeps").glob("*.yaml")):
        design = read_design(path, city)
        # Factors that vary about what a scenario says leave the plausible range where it does.
        assert read_design(path, city, scenarios=design.scenarios[:1]).warnings == ()
        json.dumps(SweepJob(city, design, Request(), path).card(), allow_nan=False)


def test_the_example_in_the_guide_is_a_design(city: Model, tmp_path: Path, root: Path) -> None:
    (text,) = re.findall(
        r"^```yaml\n(.*?)^```$",
        (root / "docs" / "topics" / "sweeps.md").read_text("utf-8"),
        re.M | re.S,
    )
    (tmp_path / "design.yaml").write_text(text, "utf-8")
    design = read_design(tmp_path / "design.yaml", city)
    assert [type(factor.distribution) for factor in design.factors] == [
        Uniform, Uniform, Triangular, Normal, Lognormal
    ]  # fmt: skip
    assert design.runs == 20_000
    assert not [fault for fault in design.warnings if Path(str(fault.file)).name == "design.yaml"]


@pytest.mark.parametrize(
    ("design", "points"),
    [
        ("{samples: 2000000}", 2_000_000),
        ("{kind: latin hypercube, samples: 1000000}", MOST_HYPERCUBE),
        ("{kind: grid, levels: 4}", 4**2),
        ("{kind: morris, samples: 10}", 10 * (2 + 1)),  # trajectories
    ],
)
def test_a_design_has_the_points_that_are_asked_for(
    reads: Callable[[str], Design], design: str, points: int
) -> None:
    assert reads(f"factors: {{growth: , share: [0, 1]}}\ndesign: {design}\n").points == points


def test_a_name_alone_is_uniform_over_the_plausible_range(reads: Callable[[str], Design]) -> None:
    (growth, weight) = reads("factors:\n  增长率:\n  weight[mills]:\n").factors
    assert growth == Factor(
        "growth", ("growth",), Apply.SET, Uniform(0.05, 0.15), "1/Year", "增长率"
    )
    assert weight.constants == ("weight[mills]",)
    assert weight.distribution == Uniform(0.5, 3)
    (warning,) = reads("factors: {growth: [0.1, 0.4]}").warnings
    assert "'growth' takes 'growth' outside its plausible range" in str(warning)


REST = """
trade: farms, mills ~~|
named= 1 ~ Dmnl [0,10] ~ 甲。Acted on by a factor. [A: 0–2] |
kept= 1 ~ Dmnl [0,10] ~ 乙。Left out by name. [A: 0–2] |
told= 1 ~ Dmnl [0,10] ~ 丙。Set by a scenario. [A: 0–2] |
open= 1 ~ Dmnl [0,10] ~ 丁。Without a range. |
left= 1 ~ Dmnl [0,10] ~ 戊。What is left. [A: 0.5–2] |
many[trade]= 1, 2 ~ Dmnl [0,10] ~ 己。An array. [A: 0–2] |
will before= 1 ~ Dmnl [0,10] ~ 庚（前）。A lever. [A: 0–2] |
will after= 1 ~ Dmnl [0,10] ~ 庚（后）。A lever. [A: 0–2] |
will from year= 2001 ~ Year [2000,2010] ~ 庚（年）。A lever. [A: 2000–2002] |
stock= INTEG(named + kept + told + open + left + will before + will after
    + will from year*0 + SUM(many[trade!]), 1) ~ Dmnl ~ 存。 |
"""


def test_the_rest_is_every_constant_that_is_neither_named_nor_set_nor_a_lever(
    tmp_path: Path,
) -> None:
    plain = "title: Plain\nvalues: {told: 2}\n"
    rest = "title: T\nscenarios: plain.yaml\nfactors: {named: [0, 1]}\nrest: {without: [乙]}\n"
    model = small_model(tmp_path, REST, plain=plain, design=rest)
    path = tmp_path / "design.yaml"
    for design in (
        read_design(path, model),
        # What the file's own scenario sets is its policy, whoever runs the design.
        read_design(path, model, scenarios=[as_written(model)]),
    ):
        assert [factor.name for factor in design.factors] == ["named", "left"]
        assert design.factors[1] == Factor(
            "left", ("left",), Apply.SET, Uniform(0.5, 2), "Dmnl", "戊"
        )


def test_every_distribution_is_read_in_the_units_of_the_constant(
    reads: Callable[[str], Design],
) -> None:
    design = reads(
        """\
factors:
  growth: [5 %/Year, 0.2]
  share: {normal: {mean: 0.5, sd: 0.1}}
  both:
    zh: 两业
    constants: weight
    apply: multiply
    lognormal: {median: 1, spread: 0.2}
    within: [0.5, 2]
outputs: [stock, output, 'output[Mills]']
years: [2008, 2004]
design: {kind: latin hypercube, samples: 10, seed: 3}
"""
    )
    growth, share, both = design.factors
    assert growth.distribution == Uniform(0.05, 0.2)
    assert share.distribution == Normal(0.5, 0.1, 0, 1), "cut at what is admissible"
    assert both.distribution == Lognormal(1, 0.2, 0.5, 2)
    assert both.constants == ("weight[farms]", "weight[mills]")
    assert (both.name_zh, both.unit) == ("两业", "Dmnl")
    assert design.outputs == ("stock", "output[farms]", "output[mills]", "output[mills]")
    assert design.years == (2004, 2008)
    assert (design.kind, design.points, design.seed) == (DesignKind.LATIN_HYPERCUBE, 10, 3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("factors: {grwth: }", "design.yaml:3: no variable is called 'grwth'; did you mean"),
        ("factors: {TIME STEP: [0.1, 0.5]}", "only a constant can vary from run to run"),
        ("factors: {share: }", "'share' needs a distribution; expected NAME=LOW..HIGH, or in"),
        ("factors: {share: [0.5, 1.5]}", "takes 'share' outside its admissible range; expected 0"),
        ("factors: {share: [0.5, 0.1]}", "'share' has no proper uniform range"),
        ("factors:\n  share: {uniform: [0, 1], normal: {mean: 1, sd: 1}}", "one distribution"),
        ("factors:\n  share: {triangular: [0, 1, 1], within: [0, 1]}", "only a normal or"),
        ("factors:\n  share: {normal: {mean: 2, sd: 1}}", "'share' has no proper distribution"),
        ("factors:\n  share: {discrete: {values: [0, 1], weights: [1]}}", "the weights do not fit"),
        ("factors:\n  w: {constants: [weight, growth], apply: add, uniform: [0, 1]}", "different"),
        ("factors:\n  w: {constants: weight, apply: add, uniform: [-2, 0]}",
         "'w' takes 'weight[farms]' outside its admissible range; expected 0 to 10"),
        ("factors:\n  w: {constants: weight, uniform: [1, 2]}\n  weight[mills]: ",
         "'weight[mills]' and 'w' act on one constant"),
        ("factors: {growth: }\noutputs: [share]", "'share' does not move in a run"),
        ("factors:\n  growth: {unifrom: [0, 1]}", "unknown key 'unifrom'; expected"),
        ("factors: {growth: }\ndesign: {kind: sobel}", "expected one of sobol, "),
        ("factors: {growth: }\ndesign: {kind: grid, samples: 5}", "how many points a grid has"),
        ("factors: {growth: }\ndesign: {kind: morris, levels: 5}", "an even number of levels"),
        ("factors: {growth: }\ndesign: {kind: latin hypercube, samples: 9999999}",
         f"at most {MOST_HYPERCUBE} points"),
        ("factors: {growth: }\ndesign: {samples: 5000000000}", "the design has too many runs"),
        ("factors: {growth: }\nyears: [2005, 2011]",
         "design.yaml:4: no run reaches 2011; expected 2000 to 2010"),
        ("rest: {without: [growht]}\n", "no variable is called 'growht'; did you mean 'growth'"),
        ("", "a sweep needs factors"),
    ],
)  # fmt: skip
def test_a_fault_of_a_design_is_told(
    reads: Callable[[str], Design], text: str, expected: str
) -> None:
    with pytest.raises(DesignError) as caught:
        reads(text)
    assert expected in str(caught.value)


# --- designs of a few words -----------------------------------------------------------------------


def test_a_factor_of_a_few_words_is_even_over_its_range(small: Model) -> None:
    wide, narrow = (
        quick_design(None, [text], small, samples=8, seed=1)
        for text in ("增长率", "growth = 5 %/Year..0.1")
    )
    assert wide.factors[0].distribution == Uniform(0.05, 0.15)
    assert narrow.factors[0].distribution == Uniform(0.05, 0.1)
    assert (wide.id, wide.points, wide.seed) == ("as-written", 8, 1)


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        (["growth=1"], "expected NAME or NAME=LOW..HIGH; found growth=1"),
        (["growth", "growth"], "is given twice"),
        (["growth", "增长率"], "act on one constant"),
        (["growht"], "did you mean 'growth'?"),
        (["=1..2"], "not a factor"),
        (["share"], "needs a distribution; expected NAME=LOW..HIGH"),
    ],
)
def test_a_fault_of_a_few_words_is_told(small: Model, factors: list[str], expected: str) -> None:
    with pytest.raises(DesignError) as caught:
        quick_design(None, factors, small)
    assert expected in str(caught.value)
