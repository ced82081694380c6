"""Positions of the boxes of a drawing and routes of the lines between them, in layers.

Causes stand before effects (the method of Sugiyama, 1981), by the library graphlay, which no other
module imports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

__all__ = ["Edge", "Layout", "Node", "Position", "lay_out"]

Position: TypeAlias = tuple[float, float]

SLOTS = (11.0, 18.0)
"""Pixels between edges at a side of a node, the size of the signs or labels that stand on them: in
a drawing that leads to the right, and in one that leads down."""
WIDE_SLOT = 18.0
"""Between two thick edges, for their arrows."""
LEVEL = 8.0
"""Least length of the straight piece with which an edge leaves a node."""
_STEP = 5.5
"""Steps smaller than this are taken out of edges."""
_SHIFT = 8.0
"""By how much the library shifts an edge that lies on another one, whatever box stands there."""
_SPACINGS = (
    {"layer_gap": 30, "node_gap": 14, "dummy_gap": _SHIFT + 4, "stub": 6},
    {"layer_gap": 20, "node_gap": 26, "dummy_gap": 20, "stub": 6},
)
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
    """A node as the library is told of it; *along* is the drawing's direction."""

    along: float
    across: float
    before: float
    """From the middle of the box to where its straight pieces of edges end."""
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


def lay_out(nodes: Mapping[str, Node], edges: Sequence[Edge], *, down: bool = False) -> Layout:
    """Return each node a position and each edge a route.

    The first of two passes decides on which side, and in which order, edges meet a node. The
    library squeezes them there; for the second pass each is given a slot of its own.

    Args:
        nodes: by key, in an order that decides between equally good layouts.
        edges: between them; none from a node to itself.
        down: whether edges lead down, and not to the right.
    """
    first = _drawing(_boxes(nodes, edges, {}, down), edges, {}, down)
    slots = _slots(edges, first, down)
    boxes = _boxes(nodes, edges, slots, down)
    drawing = _drawing(boxes, edges, slots, down)
    along = int(down)
    positions = {}
    for key, centre in drawing.positions().items():
        position = list(centre)
        position[along] += (boxes[key].before - boxes[key].after) / 2
        positions[key] = position[0], position[1]
    routes = []
    for edge, drawn in zip(edges, drawing.edges, strict=True):
        points = [[point["x"], point["y"]] for point in drawn["points"]]
        for key, end, inner in ((edge.source, 0, 1), (edge.target, -1, -2)):
            half, middle = boxes[key].along / 2, positions[key][along]
            points[end][along] = middle + (half if points[inner][along] > middle else -half)
        routes.append(_straight(points, along) if edge.thickness <= 1 else points)
    sizes = {
        key: (box.across, box.along) if down else (box.along, box.across)
        for key, box in boxes.items()
    }
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


def _straight(points: list[list[float]], along: int) -> list[list[float]]:
    """Let an edge leave its node a little beside its slot if that spares it a small step."""
    across = 1 - along
    if len(points) < 4 or abs(points[2][across] - points[0][across]) >= _STEP:
        return points
    start = list(points[2])
    start[along] = points[0][along]
    return [start, *points[3:]]


def _boxes(
    nodes: Mapping[str, Node], edges: Sequence[Edge], slots: _Slots, down: bool
) -> dict[str, _NodeBox]:
    """Make nodes as large as their edges ask for; without slots these may meet either side."""
    boxes = {}
    for key, node in nodes.items():
        along, across = (node.height, node.width) if down else (node.width, node.height)
        half = max(along / 2 + LEVEL, 0 if down else node.text / 2)
        boxes[key] = _NodeBox(along, across, half, half, node.below)
    for index, edge in enumerate(edges):
        for end, key, level in (
            ("source", edge.source, LEVEL),
            ("target", edge.target, edge.level),
        ):
            box, slot = boxes[key], slots.get((index, end))
            if slot is None or slot.side in ("left", "top"):
                box.before = max(box.before, box.along / 2 + level)
            if slot is None or slot.side in ("right", "bottom"):
                box.after = max(box.after, box.along / 2 + level)
            if slot is not None:
                box.across = max(box.across, 2 * abs(slot.distance) + SLOTS[down])
    return boxes


def _drawing(
    boxes: Mapping[str, _NodeBox], edges: Sequence[Edge], slots: _Slots, down: bool
) -> Any:
    """Ask the library. It ignores in silence what it does not know of nodes and edges."""
    import graphlay

    graph = graphlay.Graph()
    for key, box in boxes.items():
        size = box.before + box.after, box.across
        width, height = size[::-1] if down else size
        graph.node(key, width=width, height=height, margin={"cross_pos": box.below})
    for index, edge in enumerate(edges):
        fields: dict[str, object] = {"thickness": edge.thickness}
        for end in ("source", "target"):
            if slot := slots.get((index, end)):
                share = slot.distance / (boxes[slot.key].across / 2)
                fields[f"{end}_port"] = {"offset": {"side": slot.side, "t": share}}
        graph.edge(edge.source, edge.target, weight=edge.weight, **fields)
    spacing = {"port_gap": SLOTS[down], "port_stroke_clear": 4}
    options = {
        "direction": "topbottom" if down else "leftright",
        "spacing": {**spacing, **_SPACINGS[down]},
        "routing": {"port_sides": "facing_only", "bundle_parallel": False},
        "effort": "thorough",
        # Without the zeros small steps are drawn as slopes, some of which end at the wrong side.
        "tuning": {
            "routing": {"step_flatten": 0.0, "endpoint_snap": 0.0, "overlap_repair_step": _SHIFT}
        },
    }
    return graphlay.layout(graph, options=options)


def _slots(edges: Sequence[Edge], drawing: Any, down: bool) -> _Slots:
    """Spread the edges at each side in the order that they have, a thick one in the middle."""
    met: dict[tuple[str, str], list[tuple[float, int, str]]] = {}
    for index, (edge, drawn) in enumerate(zip(edges, drawing.edges, strict=True)):
        for end, key in (("source", edge.source), ("target", edge.target)):
            port = drawn[f"{end}_port"]
            at = port["point"]["x" if down else "y"]
            met.setdefault((key, port["side"]), []).append((at, index, end))
    slots = {}
    for (key, side), ends in met.items():
        ends.sort()
        thick = [edges[index].thickness > 1 for _, index, _ in ends]
        distances = [0.0]
        for pair in pairwise(thick):
            distances.append(distances[-1] + (WIDE_SLOT if all(pair) else SLOTS[down]))
        wide = [distance for distance, is_thick in zip(distances, thick, strict=True) if is_thick]
        middle = wide[len(wide) // 2] if wide else distances[-1] / 2
        for (_, index, end), distance in zip(ends, distances, strict=True):
            slots[index, end] = _Slot(key, side, distance - middle)
    return slots
