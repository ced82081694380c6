"""Where the elements of a drawing stand: in layers from left to right, causes before effects.

The steps are Sugiyama's (1981): links that close a circle are turned round (as few as can be), the
layers make all links short (a linear programme; Gansner et al. 1993), igraph orders each layer so
that few links cross, and the heights come as near to those of the neighbours as the order allows
(isotonic regression).

Reference: E. R. Gansner, E. Koutsofios, S. C. North and K.-P. Vo (1993), A technique for drawing
directed graphs, IEEE Transactions on Software Engineering 19(3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

__all__ = ["Box", "Layout", "Line", "lay_out"]

SWEEPS = 24
"""Rounds of moving each layer towards its neighbours: more change nothing that the eye sees."""
BREADTH = 7.0
"""What a line that passes a layer takes of its height."""


@dataclass(frozen=True)
class Box:
    """The size of an element, about the point where its lines meet it."""

    width: float
    above: float
    below: float


@dataclass(frozen=True)
class Line:
    """A line to be drawn between two boxes."""

    source: str
    target: str
    weight: float = 1.0
    """How much it wants to be short and straight."""


@dataclass(frozen=True)
class Layout:
    """Places, in the units of the boxes; y grows downwards."""

    width: float
    height: float
    places: Mapping[str, tuple[float, float]]
    """Of each box the point where its lines meet it: the middle of its width."""
    columns: tuple[tuple[float, float], ...]
    """Of each layer from where to where it reaches."""
    layers: Mapping[str, int]
    bends: tuple[tuple[tuple[int, float], ...], ...]
    """Of each line the layers that it passes, from its source on, and at which height."""


def lay_out(
    boxes: Mapping[str, Box], lines: Sequence[Line], *, gap: float = 12.0, aisle: float = 38.0
) -> Layout:
    """Give each box a place.

    Args:
        boxes: by key, in an order that decides between equally good layouts.
        lines: between them; none from a box to itself.
        gap: between boxes one above the other.
        aisle: between layers.
    """
    keys = list(boxes)
    index = {key: place for place, key in enumerate(keys)}
    ends = [(index[line.source], index[line.target]) for line in lines]
    weights = [line.weight for line in lines]
    turned = _turned(len(keys), ends, weights)
    forward = [(b, a) if back else (a, b) for (a, b), back in zip(ends, turned, strict=True)]
    layers = _layers(len(keys), forward, weights)
    chains, layer_of = _chains(forward, layers)
    order = _order(layer_of, chains, weights)
    sizes = [boxes[key] for key in keys]
    sizes += [Box(0.0, BREADTH / 2, BREADTH / 2)] * (len(layer_of) - len(keys))
    heights = _heights(order, chains, weights, sizes, gap, len(keys))
    columns = _columns([max(sizes[node].width for node in layer) for layer in order], aisle)
    top = min(heights[node] - sizes[node].above for node in range(len(sizes)))
    bottom = max(heights[node] + sizes[node].below for node in range(len(sizes)))
    places = {
        key: (sum(columns[layers[node]]) / 2, heights[node] - top) for key, node in index.items()
    }
    bends = []
    for chain, back in zip(chains, turned, strict=True):
        inner = [(layer_of[node], heights[node] - top) for node in chain[1:-1]]
        bends.append(tuple(reversed(inner) if back else inner))
    return Layout(
        columns[-1][1],
        bottom - top,
        places,
        tuple(columns),
        {key: layers[node] for key, node in index.items()},
        tuple(bends),
    )


def _turned(size: int, ends: Sequence[tuple[int, int]], weights: Sequence[float]) -> list[bool]:
    """Say which lines are drawn against the layers, so that the others close no circle."""
    import igraph  # type: ignore[import-untyped]

    graph = igraph.Graph(n=size, edges=list(ends), directed=True)
    against = set(graph.feedback_arc_set(weights=list(weights), method="ip"))
    return [place in against for place in range(len(ends))]


def _layers(size: int, lines: Sequence[tuple[int, int]], weights: Sequence[float]) -> list[int]:
    """Choose layers, each line at least one long and all together as short as can be."""
    import numpy as np
    from scipy.optimize import linprog
    from scipy.sparse import csr_array

    if not lines:
        return [0] * size
    cost = np.zeros(size)
    rows = np.repeat(np.arange(len(lines)), 2)
    for (source, target), weight in zip(lines, weights, strict=True):
        cost[target] += weight
        cost[source] -= weight
    entries = np.tile([1.0, -1.0], len(lines))
    matrix = csr_array((entries, (rows, np.array(lines).ravel())), shape=(len(lines), size))
    # The matrix is totally unimodular: the simplex method ends at whole numbers.
    solved = linprog(cost, A_ub=matrix, b_ub=-np.ones(len(lines)), method="highs-ds")
    found = np.rint(solved.x).astype(int)
    # A box without lines goes where it disturbs nothing: to the first layer.
    return [int(layer) for layer in found - found.min()]


def _chains(
    lines: Sequence[tuple[int, int]], layers: Sequence[int]
) -> tuple[list[list[int]], list[int]]:
    """Put a bend wherever a line passes a layer; give the chains of nodes, and all layers."""
    layer_of = list(layers)
    chains = []
    for source, target in lines:
        chain = [source]
        for layer in range(layers[source] + 1, layers[target]):
            chain.append(len(layer_of))
            layer_of.append(layer)
        chains.append([*chain, target])
    return chains, layer_of


def _order(
    layer_of: Sequence[int], chains: Sequence[Sequence[int]], weights: Sequence[float]
) -> list[list[int]]:
    """Order each layer so that few lines cross, least of all those of weight."""
    import igraph

    steps = [pair for chain in chains for pair in pairwise(chain)]
    graph = igraph.Graph(n=len(layer_of), edges=steps, directed=True)
    found: Any = graph.layout_sugiyama(layers=list(layer_of), maxiter=400)
    order: list[list[int]] = [[] for _ in range(max(layer_of) + 1)]
    for node, layer in enumerate(layer_of):
        order[layer].append(node)
    for layer_nodes in order:
        layer_nodes.sort(key=lambda node: (found[node][0], node))
    before: list[list[tuple[int, float]]] = [[] for _ in layer_of]
    after: list[list[tuple[int, float]]] = [[] for _ in layer_of]
    for chain, weight in zip(chains, weights, strict=True):
        for a, b in pairwise(chain):
            after[a].append((b, weight))
            before[b].append((a, weight))
    _switch(order, before, after)
    return order


def _switch(
    order: Sequence[list[int]],
    before: Sequence[Sequence[tuple[int, float]]],
    after: Sequence[Sequence[tuple[int, float]]],
) -> None:
    """Exchange neighbours as long as less crosses: igraph's barycentres leave some crossings."""
    rank = {node: place for layer in order for place, node in enumerate(layer)}

    def cost(upper: int, lower: int) -> float:
        return sum(
            heavy * other
            for near in (before, after)
            for a, heavy in near[upper]
            for b, other in near[lower]
            if rank[a] > rank[b]
        )

    better = True
    while better:
        better = False
        for layer in order:
            for place in range(len(layer) - 1):
                a, b = layer[place], layer[place + 1]
                if cost(a, b) > cost(b, a):
                    layer[place], layer[place + 1] = b, a
                    rank[a], rank[b] = place + 1, place
                    better = True


def _heights(
    order: Sequence[Sequence[int]],
    chains: Sequence[Sequence[int]],
    weights: Sequence[float],
    sizes: Sequence[Box],
    gap: float,
    boxes: int,
) -> list[float]:
    """Move each layer to and fro towards its neighbours, in its order and without touching."""
    import numpy as np
    from scipy.optimize import isotonic_regression

    near: list[list[tuple[int, float]]] = [[] for _ in sizes]
    for chain, weight in zip(chains, weights, strict=True):
        for a, b in pairwise(chain):
            # A line is straightest where no box bends it (Gansner et al., section 4).
            pull = weight * (1.0, 2.0, 8.0)[(a >= boxes) + (b >= boxes)]
            near[a].append((b, pull))
            near[b].append((a, pull))
    least: list[Any] = []
    for layer in order:
        room = [
            sizes[a].below + sizes[b].above + (gap if a < boxes or b < boxes else gap / 4)
            for a, b in pairwise(layer)
        ]
        least.append(np.concatenate(([0.0], np.cumsum(room))))
    heights = np.zeros(len(sizes))
    for layer, offsets in zip(order, least, strict=True):
        heights[list(layer)] = offsets - offsets[-1] / 2
    places = range(len(order))
    for _ in range(SWEEPS):
        for place in (*places, *reversed(places)):
            layer = list(order[place])
            pulls = [sum(pull for _, pull in near[node]) for node in layer]
            wanted = [
                sum(heights[other] * pull for other, pull in near[node]) / total
                if total
                else heights[node]
                for node, total in zip(layer, pulls, strict=True)
            ]
            fitted = isotonic_regression(
                np.array(wanted) - least[place], weights=np.maximum(pulls, 0.1)
            )
            heights[layer] = fitted.x + least[place]
    return [float(height) for height in heights]


def _columns(widths: Sequence[float], aisle: float) -> list[tuple[float, float]]:
    columns, left = [], 0.0
    for width in widths:
        columns.append((left, left + width))
        left += width + aisle
    return columns
