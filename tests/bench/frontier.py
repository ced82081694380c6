"""Brute force against the frontier: settings of which none that holds all targets grows faster.

It shares with the search only the model and what it is judged by. Four ways of looking: evenly over
the whole search space; the same with many levers at an end; each lever and each pair moved from the
answer; and many levers moved at random from it. Run it with ``python -m tests.bench.frontier``.
"""

from __future__ import annotations

import sys

import numpy as np
from scipy.stats import qmc

import plansim
from plansim.analysis.optimization.decision_form import read_frontier_spec
from plansim.analysis.optimization.frontier import Horizon, frontier, growth_problem
from plansim.analysis.optimization.problem import DecisionProblem
from plansim.scenario.factors import FloatArray

SETTINGS = 2**16
"""Of each way over all levers."""
RADII = np.array([0.3, 0.1, 0.03, 0.01, 0.003, 0.001])[:, None, None]
BLOCK = 2**14
TOLERANCE = 1e-5
"""Of growth: less is no other answer."""


def ways(answer: FloatArray) -> dict[str, FloatArray]:
    """Give positions, ``(setting, lever)``, by the way of looking."""
    rng, count = np.random.default_rng(3), len(answer)
    evenly, ends = (
        qmc.Sobol(count, bits=32, rng=np.random.default_rng(seed)).random(SETTINGS)
        for seed in (1, 2)
    )
    units = np.concatenate([np.eye(count), -np.eye(count)])
    first, second = np.triu_indices(2 * count, 1)
    pairs = np.concatenate([units, units[first] + units[second]])
    drawn = rng.uniform(-1.0, 1.0, (SETTINGS // len(RADII), count))
    drawn[::2] *= rng.random(drawn[::2].shape) < 4 / count  # half of the times a few levers
    return {
        "evenly": evenly,
        "many at their ends": np.clip(1.4 * (ends - 0.5) + 0.5, 0.0, 1.0),
        "each lever and each pair": np.clip(answer + RADII * pairs, 0, 1).reshape(-1, count),
        "at random from the answer": np.clip(answer + RADII * drawn, 0, 1).reshape(-1, count),
    }


def check(problem: DecisionProblem, horizon: Horizon) -> float:
    """Print what each way of looking came to; return by how much the answer was beaten."""
    assert horizon.highest is not None
    kept = [row for row, target in enumerate(problem.targets) if target.id in horizon.kept]
    highest = -np.inf
    for name, positions in ways(problem.positions(np.array(horizon.highest.values))).items():
        blocks = np.array_split(positions, -(-len(positions) // BLOCK))
        values = np.concatenate([problem.evaluate(block) for block in blocks])
        with np.errstate(invalid="ignore"):
            holds = (values[:, kept] >= 0).all(axis=1)
        best = float(values[holds, -1].max(initial=-np.inf))
        print(f"{horizon.year}  {name:28} {len(values):9,} {int(holds.sum()):9,}  {best:.6f}")
        highest = max(highest, best)
    return highest - horizon.highest.growth


def main() -> int:
    """Check the frontier of the shipped model."""
    model = plansim.load_model()
    spec = read_frontier_spec(model, plansim.load_views(model, plansim.load_targets(model=model)))
    found = frontier(model, spec)
    beaten = [
        check(growth_problem(model, spec, found.targets, horizon.year), horizon)
        for horizon in found.horizons
    ]
    print("beaten by", beaten)
    return int(max(beaten) > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
