"""Brute force against the frontier: settings of which none that holds all targets grows faster.

It shares with the search only the model and what it is judged by. Four ways of looking: evenly over
the whole search space; the same with many levers at an end; each lever and each pair moved from the
answer; and many levers moved at random from it. Run it with ``python -m tests.bench.frontier``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
from scipy.stats import qmc

import plansim
from plansim.analysis.optimization.decision_file import read_frontier_spec
from plansim.analysis.optimization.evolution import stretched
from plansim.analysis.optimization.frontier import Horizon, frontier, growth_problem
from plansim.analysis.optimization.problem import DecisionProblem
from plansim.scenario.factors import FloatArray

SETTINGS = 2**16
"""Of each way over all levers."""
RADII = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
BLOCK = 2**14
TOLERANCE = 1e-5
"""Of growth: less is no other answer."""


def spread(levers: int, count: int, seed: int) -> Iterator[FloatArray]:
    """Give evenly spread positions, block by block."""
    sequence = qmc.Sobol(levers, scramble=True, bits=32, rng=np.random.default_rng(seed))
    for _ in range(0, count, BLOCK):
        yield sequence.random(BLOCK)


def neighbours(position: FloatArray) -> Iterator[FloatArray]:
    """Move each lever, and each pair of levers, up and down by every radius."""
    count = len(position)
    units = np.concatenate([np.eye(count), -np.eye(count)])
    first, second = np.triu_indices(2 * count, 1)
    moves = np.concatenate([units, units[first] + units[second]])
    for radius in RADII:
        yield np.clip(position + radius * moves, 0.0, 1.0)


def directions(position: FloatArray, count: int, seed: int) -> Iterator[FloatArray]:
    """Move at random by each radius: half of the times all levers, half a few of them."""
    rng = np.random.default_rng(seed)
    for radius in RADII:
        moves = rng.uniform(-1.0, 1.0, (count // len(RADII), len(position)))
        few = np.arange(len(moves)) % 2 == 0
        moves[few] *= rng.random((int(few.sum()), len(position))) < 4 / len(position)
        yield np.clip(position + radius * moves, 0.0, 1.0)


def look(
    problem: DecisionProblem, kept: list[int], blocks: Iterator[FloatArray]
) -> tuple[int, int, float]:
    """Return how many settings there were, how many hold all targets, and their highest growth."""
    settings, holding, best = 0, 0, -np.inf
    for positions in blocks:
        values = problem.evaluate(positions)
        with np.errstate(invalid="ignore"):
            holds = (values[:, kept] >= 0).all(axis=1)
        settings, holding = settings + len(positions), holding + int(holds.sum())
        best = max(best, float(values[holds, -1].max(initial=-np.inf)))
    return settings, holding, best


def check(problem: DecisionProblem, horizon: Horizon, settings: int = SETTINGS) -> float:
    """Print what each way of looking came to; return by how much the answer was beaten."""
    assert horizon.highest is not None
    kept = [row for row, target in enumerate(problem.targets) if target.id in horizon.kept]
    answer = problem.positions(np.array(horizon.highest.values))
    levers = len(answer)
    ways = {
        "evenly": spread(levers, settings, 1),
        "many at their ends": map(stretched, spread(levers, settings, 2)),
        "each lever and each pair": neighbours(answer),
        "at random from the answer": directions(answer, settings, 3),
    }
    highest = -np.inf
    for name, blocks in ways.items():
        count, holding, best = look(problem, kept, blocks)
        print(f"{horizon.year}  {name:28} {count:9,} {holding:9,}  {best:.6f}")
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
