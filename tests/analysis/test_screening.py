"""Elementary effects of functions that have them by hand."""

from __future__ import annotations

import numpy as np

from plansim.analysis.experiments.design import Design, DesignKind, Uniform
from plansim.analysis.experiments.sampling import Sampler
from plansim.analysis.sensitivity.morris import elementary_effects, leading, screening_design
from plansim.scenario.factors import Apply, Factor


def a_design(*reaches: tuple[float, float]) -> Design:
    factors = tuple(
        Factor(f"x{place}", (f"x{place}",), Apply.SET, Uniform(*one), "Dmnl")
        for place, one in enumerate(reaches)
    )
    return Design("d", "", "", DesignKind.SOBOL, (), factors, 8, 7, 4, (), ())


def test_effects_are_over_the_whole_reach() -> None:
    design = screening_design(a_design((0, 1), (10, 30), (-1, 1)), 30)
    assert design.points == 30 * 4
    x = Sampler(design).draw(0, design.points)
    outputs = np.stack([3 * x[:, 0] - 0.5 * x[:, 1], x[:, 2] ** 2 + 0 * x[:, 0]])
    found = elementary_effects(x, outputs)
    np.testing.assert_allclose(found.mean[0], [3, -10, 0], atol=1e-9)
    np.testing.assert_allclose(found.strength[0], [3, 10, 0], atol=1e-9)
    np.testing.assert_allclose(found.spread[0], 0, atol=1e-9)
    np.testing.assert_allclose(found.strength_error[0], 0, atol=1e-9)
    # A square on four levels -1, -1/3, 1/3, 1: a step of two levels changes it by 8/9 up or down.
    np.testing.assert_allclose(found.strength[1, 2], 8 / 9 / (2 / 3))
    assert abs(found.mean[1, 2]) < found.strength[1, 2], "up on one side, down on the other"
    assert found.spread[1, 2] > 1
    assert found.trajectories == 30


def test_a_trajectory_with_a_broken_run_is_left_out() -> None:
    design = screening_design(a_design((0, 1), (0, 1)), 10)
    x = Sampler(design).draw(0, design.points)
    outputs = (x @ [2.0, 1.0])[None].copy()
    outputs[0, 4] = np.nan
    found = elementary_effects(x, outputs)
    assert found.trajectories == 9
    np.testing.assert_allclose(found.mean[0], [2, 1])
    outputs[:] = np.nan
    assert np.isnan(elementary_effects(x, outputs).strength).all()


def test_the_leading_factors() -> None:
    strength = np.array([[5.0, 4.0, 0.0, 1.0, 0.0], [0.0, 0.0, 2.0, 1.0, 0.0], [0.0] * 5])
    assert list(leading(strength, each=1, least=0)) == [0, 2]
    assert list(leading(strength, each=1, least=3)) == [0, 1, 2]
    assert list(leading(strength, each=9, least=9)) == [0, 1, 2, 3], (
        "what moves nothing never leads"
    )
    assert list(leading(np.full((1, 2), np.nan), each=1, least=1)) == []
