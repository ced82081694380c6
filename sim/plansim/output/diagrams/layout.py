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
"""By how much the library shifts an edge that lies on another one, whatever box is there."""
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
    """Of each edge the points where it begins, turns and ends, on the borders of its boxes."""


@dataclass
class _NodeBox:
    """A node as the library is told of it."""

    width: float
    height: float
    before: float
    """From the middle of the box to where its straight pieces of edges end, on the left."""
    after: float
    below: float


@dataclass(frozen=True)
class _Slot:
    """Where an edge meets a node."""

    key: str
    side: str
    distance: float
    """From the middle of the side."""


_Slots: TypeAlias = Mapping[tuple[int, str], _Slot]
"""By the index of an edge and its end, ``source`` or ``target``."""


def lay_out(nodes: Mapping[str, Node], edges: Sequence[Edge]) -> Layout:
    """Return each node a position and each edge a route.

    The first of two passes decides on which side, and in which order, edges meet a node. The
    library squeezes them there; for the second pass each is given a slot of its own.

    Args:
        nodes: by key, in an order that decides between equally good layouts.
        edges: between them; none from a node to itself.
    """
    slots = _slots(edges, _drawing(_boxes(nodes, edges, {}), edges, {}))
    boxes = _boxes(nodes, edges, slots)
    drawing = _drawing(boxes, edges, slots)
    positions = {
        key: (x + (boxes[key].before - boxes[key].after) / 2, y)
        for key, (x, y) in drawing.positions().items()
    }
    routes = []
    for edge, drawn in zip(edges, drawing.edges, strict=True):
        points = [[point["x"], point["y"]] for point in drawn["points"]]
        for key, end, inner in ((edge.source, 0, 1), (edge.target, -1, -2)):
            half, middle = boxes[key].width / 2, positions[key][0]
            points[end][0] = middle + (half if points[inner][0] > middle else -half)
        routes.append(_straight(points) if edge.thickness <= 1 else points)
    sizes = {key: (box.width, box.height) for key, box in boxes.items()}
    extents = [(x, y, 0.0, 0.0) for points in routes for x, y in points]
    for key, node in nodes.items():
        (x, y), (width, height) = positions[key], sizes[key]
        extents.append((x, y + node.below / 2, max(width, node.text), height + node.below))
    left = min((x - width / 2 for x, _, width, _ in extents), default=0.0)
    top = min((y - height / 2 for _, y, _, height in extents), default=0.0)

    def moved(point: Sequence[float]) -> Position:
        return round(point[0] - left, 1), round(point[1] - top, 1)

    return Layout(
        max((x + width / 2 for x, _, width, _ in extents), default=0.0) - left,
        max((y + height / 2 for _, y, _, height in extents), default=0.0) - top,
        {key: moved(position) for key, position in positions.items()},
        sizes,
        tuple(tuple(map(moved, points)) for points in routes),
    )


def _straight(points: list[list[float]]) -> list[list[float]]:
    """Let an edge leave its node a little beside its slot if that spares it a small step."""
    if len(points) < 4 or abs(points[2][1] - points[0][1]) >= _STEP:
        return points
    return [[points[0][0], points[2][1]], *points[3:]]


def _boxes(nodes: Mapping[str, Node], edges: Sequence[Edge], slots: _Slots) -> dict[str, _NodeBox]:
    """Make nodes as large as their edges ask for; without slots these may meet either side."""
    boxes = {}
    for key, node in nodes.items():
        half = max(node.width / 2 + LEVEL, node.text / 2)
        boxes[key] = _NodeBox(node.width, node.height, half, half, node.below)
    for index, edge in enumerate(edges):
        for end, key, level in (
            ("source", edge.source, LEVEL),
            ("target", edge.target, edge.level),
        ):
            box, slot = boxes[key], slots.get((index, end))
            if slot is None or slot.side == "left":
                box.before = max(box.before, box.width / 2 + level)
            if slot is None or slot.side == "right":
                box.after = max(box.after, box.width / 2 + level)
            if slot is not None:
                box.height = max(box.height, 2 * abs(slot.distance) + SLOT)
    return boxes


def _drawing(boxes: Mapping[str, _NodeBox], edges: Sequence[Edge], slots: _Slots) -> Any:
    """Ask the library. It ignores in silence what it does not know of nodes and edges."""
    import graphlay

    graph = graphlay.Graph()
    for key, box in boxes.items():
        width = box.before + box.after
        graph.node(key, width=width, height=box.height, margin={"cross_pos": box.below})
    for index, edge in enumerate(edges):
        fields: dict[str, object] = {"thickness": edge.thickness}
        for end in ("source", "target"):
            if slot := slots.get((index, end)):
                share = slot.distance / (boxes[slot.key].height / 2)
                fields[f"{end}_port"] = {"offset": {"side": slot.side, "t": share}}
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


def _slots(edges: Sequence[Edge], drawing: Any) -> _Slots:
    """Spread the edges at each side in the order that they have, a thick one in the middle."""
    met: dict[tuple[str, str], list[tuple[float, int, str]]] = {}
    for index, (edge, drawn) in enumerate(zip(edges, drawing.edges, strict=True)):
        for end, key in (("source", edge.source), ("target", edge.target)):
            port = drawn[f"{end}_port"]
            met.setdefault((key, port["side"]), []).append((port["point"]["y"], index, end))
    slots = {}
    for (key, side), ends in met.items():
        ends.sort()
        thick = [edges[index].thickness > 1 for _, index, _ in ends]
        distances = [0.0]
        for pair in pairwise(thick):
            distances.append(distances[-1] + (WIDE_SLOT if all(pair) else SLOT))
        wide = [distance for distance, is_thick in zip(distances, thick, strict=True) if is_thick]
        middle = wide[len(wide) // 2] if wide else distances[-1] / 2
        for (_, index, end), distance in zip(ends, distances, strict=True):
            slots[index, end] = _Slot(key, side, distance - middle)
    return slots
