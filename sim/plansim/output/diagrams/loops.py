"""Drawings of feedback loops: all on one map, and the path of each in words.

The map draws what loops share once. A variable at which no way joins or leaves another stands on
its link, in what a pointer shows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import TypeAlias

from plansim.analysis.feedback.loops import Loop, LoopLink
from plansim.model.records import Model
from plansim.output.diagrams.draw import (
    COLUMN,
    LINE,
    PAD,
    Label,
    label_of,
    path,
    rect,
    svg,
    text_lines,
    tooltip,
)
from plansim.output.diagrams.layout import Edge, Node, Position, lay_out
from plansim.output.words.text import Lang
from plansim.targets.target import split_reference

__all__ = ["Way", "loop_map", "path_words", "ways_of"]

_TAG_COLUMN = 6.2
_TAG_LINE = 13.0
_TAG_IDS = 3
"""Ids in a line of a tag: a wide one would stand far from its way."""


_TAG_STEP = 6.0
_BLOCKED = 10.0
_Area: TypeAlias = tuple[float, float, float, float, float]
"""Middle and size of what is drawn, and how bad it is to cover it: 1 for a line."""


@dataclass(frozen=True)
class Way:
    """A link of the map: a chain of causal links between two variables where loops meet."""

    cause: str
    effect: str
    through: tuple[str, ...]
    """The variables on the way."""
    sign: int
    """1: the effect moves with the cause; -1: against it."""
    loops: tuple[str, ...]
    """The ids of the loops that go this way."""


def ways_of(loops: Iterable[Loop]) -> tuple[Way, ...]:
    """Join the links of all loops to ways between the variables where loops meet or part."""
    signs: dict[tuple[str, str], int] = {}
    members: dict[tuple[str, str], list[str]] = {}
    rounds = []
    for loop in loops:
        for links in loop.paths:
            names = [split_reference(link.cause)[0] for link in links]
            steps = list(pairwise([*names, names[0]]))
            rounds.append(names)
            for step, link in zip(steps, links, strict=True):
                signs[step] = link.sign
                if loop.id not in members.setdefault(step, []):
                    members[step].append(loop.id)
    after: dict[str, list[str]] = {}
    before: dict[str, list[str]] = {}
    for cause, effect in signs:
        after.setdefault(cause, []).append(effect)
        before.setdefault(effect, []).append(cause)
    shown = {name for name in after if len(after[name]) > 1 or len(before[name]) > 1}
    for names in rounds:
        _show_two(names, shown)
    ways = []
    for start in (name for name in after if name in shown):
        for following in after[start]:
            chain = [start, following]
            while chain[-1] not in shown:
                chain.append(after[chain[-1]][0])
            sign = math.prod(signs[step] for step in pairwise(chain))
            ids = tuple(members[start, following])
            ways.append(Way(start, chain[-1], tuple(chain[1:-1]), sign, ids))
    return tuple(ways)


def _show_two(names: Sequence[str], shown: set[str]) -> None:
    """Let a loop have two variables on the map at least: a link cannot lead to its own start."""
    present = [name for name in names if name in shown]
    if not present:
        shown.add(names[0])
        present = [names[0]]
    if len(present) == 1 and len(names) > 1:
        shown.add(names[(names.index(present[0]) + len(names) // 2) % len(names)])


def loop_map(
    loops: Sequence[Loop],
    model: Model,
    title: str,
    langs: Sequence[str] = tuple(Lang),
    *,
    style: bool = True,
) -> str:
    """Draw all loops on one map as SVG.

    Args:
        loops: of `load_loops`.
        model: theirs.
        title: for readers who see no pictures.
        langs: the languages of the labels, ``en`` and ``zh``; of two, the page's style has to
            hide one.
        style: whether the drawing carries its own style.

    >>> model = plansim.load_model("lake.mdl")
    >>> plansim.loop_map(plansim.load_loops(model), model, "Loops")[:4]
    '<svg'
    """
    ways, wanted = ways_of(loops), tuple(map(Lang, langs))
    shown = dict.fromkeys(name for way in ways for name in (way.cause, way.effect))
    labels = {name: _label(name, model, wanted) for name in shown}
    tags = [_tag_lines(way) for way in ways]
    edges = [Edge(way.cause, way.effect, 1 + len(way.loops) / 2) for way in ways]
    nodes = {name: Node(*_size(label)) for name, label in labels.items()}
    # The layers lie one below the other, for the map to be as wide as a page.
    layout = lay_out(nodes, edges, down=True)
    body: list[str] = []
    for way, route in zip(ways, layout.routes, strict=True):
        names = (_name(name, model, wanted[-1]) for name in (way.cause, *way.through, way.effect))
        css, head = ("l", "h") if way.sign > 0 else ("l n", "m")
        body.append(
            f'<path class="{css}" d="{path(route, 10)}" marker-end="url(#{head})">'
            f"<title>{escape(' → '.join(names))}</title></path>"
        )
    taken = [(*layout.positions[name], *layout.sizes[name], _BLOCKED) for name in layout.positions]
    for number, (way, lines) in enumerate(zip(ways, tags, strict=True)):
        size = max(map(len, lines)) * _TAG_COLUMN, len(lines) * _TAG_LINE
        others = [
            piece
            for at, route in enumerate(layout.routes)
            if at != number
            for piece in _pieces(route)
        ]
        middle = _free_point(layout.routes[number], size, [*taken, *others])
        taken.append((*middle, *size, _BLOCKED))
        body += _tag(way, lines, middle)
    body += [
        _variable(name, labels[name], layout.positions[name], layout.sizes[name], model, wanted)
        for name in shown
    ]
    return svg(layout.width, layout.height, body, title, style=style)


def _label(name: str, model: Model, langs: Sequence[Lang]) -> Label:
    return label_of({lang: _name(name, model, lang) for lang in langs})


def _name(reference: str, model: Model, lang: Lang) -> str:
    """Write a variable, or some elements of one."""
    name, elements = split_reference(reference)
    if lang is Lang.ZH:
        chinese = {
            english: translated
            for subscript in model.subscripts.values()
            for english, translated in (
                (subscript.name, subscript.name_zh),
                *zip(subscript.elements, subscript.elements_zh, strict=False),
            )
        }
        name = model.variables[name].name_zh or name
        elements = tuple(chinese.get(element) or element for element in elements)
    return f"{name} [{', '.join(elements)}]" if elements else name


def _size(label: Label) -> tuple[float, float]:
    return label.columns * COLUMN + 2 * PAD, label.rows * LINE + 6


def _tag_lines(way: Way) -> tuple[str, ...]:
    """Write the ids of a way's loops in lines of about equal length."""
    count = len(way.loops)
    step = math.ceil(count / math.ceil(count / _TAG_IDS))
    return tuple(" ".join(way.loops[first : first + step]) for first in range(0, count, step))


def _pieces(route: Sequence[Position]) -> Iterator[_Area]:
    for (x, y), (u, v) in pairwise(route):
        yield (x + u) / 2, (y + v) / 2, abs(x - u), abs(y - v), 1.0


def _free_point(
    route: Sequence[Position], size: tuple[float, float], taken: Sequence[_Area]
) -> Position:
    """Return the point of a route, near its middle, where a tag covers least of what is drawn."""
    points: list[Position] = []
    for (x, y), (u, v) in pairwise(route):
        count = max(int(math.dist((x, y), (u, v)) / _TAG_STEP), 1)
        points += [
            (x + (u - x) * part / count, y + (v - y) * part / count) for part in range(count)
        ]

    def cost(index: int) -> tuple[float, int]:
        (x, y), (width, height) = points[index], size
        covered = sum(
            weight
            for u, v, wide, high, weight in taken
            if abs(x - u) < (width + wide) / 2 + 2 and abs(y - v) < (height + high) / 2 + 2
        )
        return covered, abs(index - len(points) // 2)

    return points[min(range(len(points)), key=cost)]


def _tag(way: Way, lines: Sequence[str], middle: Position) -> Iterator[str]:
    """Write which loops go a way."""
    css = "t" if way.sign > 0 else "t n"
    for row, line in enumerate(lines):
        y = middle[1] + (row - (len(lines) - 1) / 2) * _TAG_LINE + 3.5
        yield f'<text class="{css}" x="{middle[0]:.0f}" y="{y:.0f}">{escape(line)}</text>'


def _variable(
    name: str,
    label: Label,
    centre: Position,
    size: tuple[float, float],
    model: Model,
    langs: Sequence[Lang],
) -> str:
    (x, y), (width, height) = centre, size
    base = split_reference(name)[0]
    names = [_name(name, model, lang) for lang in langs]
    parts = (
        tooltip(model.variables[base], names),
        rect("a", x - width / 2, y - height / 2, width, height, 6),
        *text_lines(label, x, y - label.rows * LINE / 2, LINE),
    )
    return f'<g data-v="{escape(base)}">{"".join(parts)}</g>'


def path_words(links: Sequence[LoopLink], model: Model, lang: Lang) -> str:
    """Write the variables round a loop, with the sign of each link before its arrow."""
    steps = [f"{_name(link.cause, model, lang)} {'+' if link.sign > 0 else '−'}→" for link in links]
    return " ".join([*steps, _name(links[0].cause, model, lang)])
