"""Tables bit for bit, however their segments are found, on every kind of processor."""

from __future__ import annotations

import math
from bisect import bisect_right

import numpy as np
import pytest

from plansim.compiler.graph import Graph
from plansim.compiler.ir import Op, PiecewiseLinear
from plansim.compiler.native import Platform, Processor, host_platform, processors
from plansim.engine.batch import simulate_ensemble
from plansim.engine.kernel import kernel_of
from plansim.model.records import TimeSpec


def tables() -> list[PiecewiseLinear]:
    """Return tables with even, nearly even and uneven grids, jumps and crowded points."""
    random = np.random.default_rng(20260101)
    grids = []
    for points in (2, 3, 5, 8, 9, 16, 17, 33, 200):
        even = np.linspace(-1.5, 3.0, points)
        moved = even.copy()
        moved[1:-1] += random.uniform(-0.4, 0.4, points - 2) * (even[1] - even[0])
        grids += [
            even,
            moved,
            np.sort(random.uniform(-2, 5, points)),
            np.geomspace(1e-3, 4, points),
        ]
    jump = [0.0, 1 - 1e-9, 1.0, 2.0, 2.1, 2.2, 2.3, 2.4, 5.0]
    grids += [np.array(jump), np.array([-1e300, -1, 0, 1, 2, 3, 4, 1e300, 1.7e308])]
    return [
        PiecewiseLinear(tuple(x.tolist()), tuple(random.uniform(-9, 9, len(x)).tolist()))
        for x in grids
    ]


def read(table: PiecewiseLinear, at: float) -> float:
    """Return the value of the segment that a search finds."""
    x, y = table.x, table.y
    inside = min(max(at, x[0]), x[-1])
    i = min(bisect_right(x, inside), len(x) - 1) - 1
    return y[i] + (y[i + 1] - y[i]) / (x[i + 1] - x[i]) * (inside - x[i])


@pytest.mark.parametrize("processor", processors())
def test_a_table_is_read_at_its_points_beside_them_and_between(processor: Processor) -> None:
    graph = Graph()
    at = graph.leaf(Op.INPUT)
    every = tables()
    outputs = {f"table {i}": graph.lookup(table, at) for i, table in enumerate(every)}
    program = graph.program({"x": 0.0}, outputs)
    points = np.unique(np.concatenate([table.x for table in every]))
    spread = np.random.default_rng(5).uniform(-2, 6, 500)
    ends = [-math.inf, math.inf, 0.0, -0.0, 5e-324, -1e308, 1e308]
    x = np.concatenate([points, *(np.nextafter(points, end) for end in ends[:2]), spread, ends])
    kernel = kernel_of(program, "", Platform(host_platform().triple, processor))
    clock = TimeSpec(initial=0, final=0, step=1, saveper=1)
    found = simulate_ensemble(kernel, np.append(x, math.nan)[:, None], clock).values[:, :, 0]
    assert np.isnan(found[-1]).all()
    for i, table in enumerate(every):
        np.testing.assert_array_equal(
            found[:-1, i], [read(table, at_x) for at_x in x.tolist()], err_msg=f"{table.x}"
        )
