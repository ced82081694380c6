"""Positions of the boxes of a drawing and routes of the lines between them, in layers.

Causes come before effects (the method of Sugiyama, 1981), by the library graphlay, which no other
module imports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

__all__ = ["Edge", "Layout", "Node", "Position", "lay_out"]

Position: TypeAlias = tuple[float, float]

SLOT = 11.0
"""Pixels between edges at a side of a node, the size of the signs that are on them."""
WIDE_SLOT = 18.0
"""Between two thick edges, for their arrows."""
LEVEL = 8.0
"""Least length of the straight piece with which an edge leaves a node."""
_STEP = 5.5
"""Steps smaller than this are taken out of edges."""
_SHIFT = 8.0
"""Width by which the library shifts an edge that lies on another one, even into a box."""
_SPACING = {
    **{"layer_gap": 30, "node_gap": 14, "dummy_gap": _SHIFT + 4, "stub": 6},
    **{"port_gap": SLOT, "port_stroke_clear": 4},
}
"""The room between an edge and a box beside it, ``dummy_gap``, is more than edges are shifted."""


@dataclass(frozen=True)
class Node:
    """A box to be given a position; all sizes in pixels."""

    width: float
    height: float
    text: float = 0.0
    """Width of what is written under the box."""
    below: float = 0.0
    """Height of what is written under the box."""


@dataclass(frozen=True)
class Edge:
    """A line between two nodes."""

    source: str
    target: str
    weight: float = 1.0
    """How much it wants to be short and straight."""
    thickness: float = 1.0
    """Above 1 it meets its nodes in the middle of their sides."""
    level: float = LEVEL
    """Least length of the straight piece with which it arrives."""


@dataclass(frozen=True)
class Layout:
    """A drawing in pixels from its left upper corner on; y grows downwards."""

    width: float
    height: float
    positions: Mapping[str, Position]
    """Middles of the boxes."""
    sizes: Mapping[str, tuple[float, float]]
    """Widths and heights of the boxes, which are enlarged where many edges meet them."""
    routes: tuple[tuple[Position, ...], ...]
    """By edge, the points where it begins, turns and ends, on the borders of its boxes."""


_Port: TypeAlias = tuple[str, float]
"""Where an edge meets a node: the side, and how far above or below its middle."""
_Ports: TypeAlias = Mapping[tuple[int, str], _Port]
"""By the index of an edge and its end, ``source`` or ``target``."""


def lay_out(nodes: Mapping[str, Node], edges: Sequence[Edge]) -> Layout:
    """Return each node a position and each edge a route.

    The first of two passes decides on which side, and in which order, edges meet a node. The
    library squeezes them there; for the second pass each is given a slot of its own, and nodes are
    as high as their slots.

    Args:
        nodes: by key, in an order that decides between equally good layouts.
        edges: between them; none from a node to itself.
    """
    sizes = {key: (node.width, node.height) for key, node in nodes.items()}
    ports = _slots(edges, _drawing(nodes, edges, sizes, {}))
    for (index, end), (_, away) in ports.items():
        key = getattr(edges[index], end)
        width, height = sizes[key]
        sizes[key] = width, max(height, 2 * abs(away) + SLOT)
    drawing = _drawing(nodes, edges, sizes, ports)
    positions = drawing.positions()
    routes = []
    for edge, drawn in zip(edges, drawing.edges, strict=True):
        points = [[point["x"], point["y"]] for point in drawn["points"]]
        for key, at, inner in ((edge.source, 0, 1), (edge.target, -1, -2)):
            half, middle = sizes[key][0] / 2, positions[key][0]
            points[at][0] = middle + (half if points[inner][0] > middle else -half)
        routes.append(_straight(points) if edge.thickness <= 1 else points)
    points = [point for route in routes for point in route]
    for key, node in nodes.items():
        (x, y), (width, height) = positions[key], sizes[key]
        half = max(width, node.text) / 2
        points += [[x - half, y - height / 2], [x + half, y + height / 2 + node.below]]
    xs, ys = zip(*points or [[0.0, 0.0]], strict=True)
    left, top = min(xs), min(ys)

    def moved(point: Sequence[float]) -> Position:
        return round(point[0] - left, 1), round(point[1] - top, 1)

    return Layout(
        max(xs) - left,
        max(ys) - top,
        {key: moved(position) for key, position in positions.items()},
        sizes,
        tuple(tuple(map(moved, points)) for points in routes),
    )


def _straight(points: list[list[float]]) -> list[list[float]]:
    """Let an edge leave its node a little beside its slot if that spares it a small step."""
    if len(points) < 4 or abs(points[2][1] - points[0][1]) >= _STEP:
        return points
    return [[points[0][0], points[2][1]], *points[3:]]


def _drawing(
    nodes: Mapping[str, Node],
    edges: Sequence[Edge],
    sizes: Mapping[str, tuple[float, float]],
    ports: _Ports,
) -> Any:
    """Ask the library. It ignores in silence what it does not know of nodes and edges."""
    import graphlay

    levels = dict.fromkeys(nodes, LEVEL)
    for edge in edges:
        levels[edge.target] = max(levels[edge.target], edge.level)
    graph = graphlay.Graph()
    for key, node in nodes.items():
        width, height = sizes[key]
        width = max(width + 2 * levels[key], node.text)
        graph.node(key, width=width, height=height, margin={"cross_pos": node.below})
    for index, edge in enumerate(edges):
        fields: dict[str, object] = {"thickness": edge.thickness}
        for end in ("source", "target"):
            if port := ports.get((index, end)):
                half = sizes[getattr(edge, end)][1] / 2
                fields[f"{end}_port"] = {"offset": {"side": port[0], "t": port[1] / half}}
        graph.edge(edge.source, edge.target, weight=edge.weight, **fields)
    options = {
        "direction": "leftright",
        "spacing": _SPACING,
        "routing": {"port_sides": "facing_only", "bundle_parallel": False},
        "effort": "thorough",
        # Without the zeros small steps are drawn as slopes, some of which end at the wrong side.
        "tuning": {
            "routing": {"step_flatten": 0.0, "endpoint_snap": 0.0, "overlap_repair_step": _SHIFT}
        },
    }
    return graphlay.layout(graph, options=options)


def _slots(edges: Sequence[Edge], drawing: Any) -> _Ports:
    """Spread the edges at each side in the order that they have, a thick one in the middle."""
    met: dict[tuple[str, str], list[tuple[float, int, str]]] = {}
    for index, (edge, drawn) in enumerate(zip(edges, drawing.edges, strict=True)):
        for end in ("source", "target"):
            port = drawn[f"{end}_port"]
            met.setdefault((getattr(edge, end), port["side"]), []).append(
                (port["point"]["y"], index, end)
            )
    ports = {}
    for (_, side), ends in met.items():
        ends.sort()
        thick = [edges[index].thickness > 1 for _, index, _ in ends]
        places = [0.0]
        for pair in pairwise(thick):
            places.append(places[-1] + (WIDE_SLOT if all(pair) else SLOT))
        wide = [place for place, is_thick in zip(places, thick, strict=True) if is_thick]
        middle = wide[len(wide) // 2] if wide else places[-1] / 2
        for (_, index, end), place in zip(ends, places, strict=True):
            ports[index, end] = side, place - middle
    return ports
