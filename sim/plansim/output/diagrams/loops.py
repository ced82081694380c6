"""Drawings of feedback loops: all on one map, and each as a causal loop diagram of its own.

The map draws what loops share once. A variable at which no way joins or leaves another stands on
its link, in what a pointer shows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from itertools import pairwise

from plansim.analysis.feedback.loops import Loop, LoopLink, Polarity
from plansim.model.records import Model
from plansim.output.diagrams.draw import (
    COLUMN,
    LINE,
    PAD,
    Label,
    label_of,
    path_through,
    rect,
    svg,
    text_lines,
    tooltip,
)
from plansim.output.diagrams.layout import Box, Layout, Line, lay_out
from plansim.output.text import Lang
from plansim.targets.catalogue import split_reference

__all__ = ["Way", "loop_map", "loop_rings", "ways_of"]

_TAG_COLUMN = 6.2


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
        for path in loop.paths:
            names = [split_reference(link.cause)[0] for link in path]
            steps = list(pairwise([*names, names[0]]))
            rounds.append(names)
            for step, link in zip(steps, path, strict=True):
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
    found = []
    for start in (name for name in after if name in shown):
        for following in after[start]:
            chain = [start, following]
            while chain[-1] not in shown:
                chain.append(after[chain[-1]][0])
            sign = math.prod(signs[step] for step in pairwise(chain))
            ids = tuple(members[start, following])
            found.append(Way(start, chain[-1], tuple(chain[1:-1]), sign, ids))
    return tuple(found)


def _show_two(names: Sequence[str], shown: set[str]) -> None:
    """Let a loop have two variables on the map at least: a link cannot lead to its own start."""
    here = [name for name in names if name in shown]
    if not here:
        shown.add(names[0])
        here = [names[0]]
    if len(here) == 1 and len(names) > 1:
        shown.add(names[(names.index(here[0]) + len(names) // 2) % len(names)])


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
    """
    ways, wanted = ways_of(loops), tuple(map(Lang, langs))
    shown = dict.fromkeys(name for way in ways for name in (way.cause, way.effect))
    labels = {name: _label(name, model, wanted) for name in shown}
    boxes = {name: Box(*_size(label)) for name, label in labels.items()}
    # The layers lie one below the other, for the map to be as wide as a page: along is y.
    turned = {
        name: Box(box.above + box.below, box.width / 2, box.width / 2)
        for name, box in boxes.items()
    }
    lines = [Line(way.cause, way.effect, 1 + len(way.loops) / 2) for way in ways]
    layout = lay_out(turned, lines, gap=26.0, aisle=44.0)
    drawn: list[str] = []
    tags: list[str] = []
    taken = [(*layout.places[name][::-1], box.width / 2) for name, box in boxes.items()]
    for way, bends in zip(ways, layout.bends, strict=True):
        path, room = _way(way, bends, layout, turned)
        said = " → ".join(
            _name(name, model, wanted[-1]) for name in (way.cause, *way.through, way.effect)
        )
        css = "l" if way.sign > 0 else "l n"
        head = "h" if way.sign > 0 else "m"
        drawn.append(
            f'<path class="{css}" d="{path}" marker-end="url(#{head})">'
            f"<title>{escape(said)}</title></path>"
        )
        half = len(" ".join(way.loops)) * _TAG_COLUMN / 2
        x, y = max(room, key=partial(_clearance, taken, half))
        taken.append((x, y, half))
        tags.append(_tag(way, x, y))
    cards = [
        _variable(name, labels[name], boxes[name], layout.places[name][::-1], model, wanted)
        for name in shown
    ]
    return svg(layout.height, layout.width, [*drawn, *tags, *cards], title, style=style)


def _label(name: str, model: Model, langs: Sequence[Lang]) -> Label:
    return label_of({lang: _name(name, model, lang) for lang in langs})


def _name(reference: str, model: Model, lang: Lang) -> str:
    """Write a variable, or some elements of one."""
    name, elements = split_reference(reference)
    if lang is Lang.ZH:
        chinese = {
            english: translated
            for each in model.subscripts.values()
            for english, translated in (
                (each.name, each.name_zh),
                *zip(each.elements, each.elements_zh, strict=False),
            )
        }
        name = model.variables[name].name_zh or name
        elements = tuple(chinese.get(each) or each for each in elements)
    return f"{name} [{', '.join(elements)}]" if elements else name


def _size(label: Label) -> tuple[float, float, float]:
    half = (label.rows * LINE + 6) / 2
    return label.columns * COLUMN + 2 * PAD, half, half


def _way(
    way: Way, bends: Sequence[tuple[int, float]], layout: Layout, boxes: Mapping[str, Box]
) -> tuple[str, list[tuple[float, float]]]:
    """Give a way's path, and where there may be room to say which loops go it."""
    layers = layout.layers[way.cause], layout.layers[way.effect]
    side = -1 if layers[0] > layers[1] else 1
    (x, y), (u, v) = layout.places[way.cause], layout.places[way.effect]
    start = x + side * boxes[way.cause].width / 2, y
    end = u - side * boxes[way.effect].width / 2, v
    path = path_through((start, end), bends, layers, layout, down=True)
    if bends:
        return path, [(height, sum(layout.columns[layer]) / 2) for layer, height in bends]
    edges = layout.columns[layers[0]], layout.columns[layers[1]]
    aisle = (edges[0][1] + edges[1][0]) / 2 if side > 0 else (edges[0][0] + edges[1][1]) / 2
    return path, [((y + v) / 2, aisle)]


def _clearance(
    taken: Sequence[tuple[float, float, float]], half: float, point: tuple[float, float]
) -> float:
    """Give how far a tag at a point would be from the nearest thing: ``(x, y, half its width)``."""
    away = (max(abs(x - point[0]) - wide - half, 0.0) + abs(y - point[1]) for x, y, wide in taken)
    return min(away, default=math.inf)


def _tag(way: Way, x: float, y: float) -> str:
    css = "t" if way.sign > 0 else "t n"
    said = " ".join(way.loops)
    return f'<text class="{css}" x="{x:.0f}" y="{y + 3.5:.0f}">{escape(said)}</text>'


def _variable(
    name: str,
    label: Label,
    box: Box,
    place: tuple[float, float],
    model: Model,
    langs: Sequence[Lang],
) -> str:
    x, y = place
    base = split_reference(name)[0]
    names = [_name(name, model, lang) for lang in langs]
    parts = (
        tooltip(model.variables[base], names),
        rect("a", x - box.width / 2, y - box.above, box.width, box.above + box.below, 6),
        *text_lines(label, x, y - label.rows * LINE / 2, LINE),
    )
    return f'<g data-v="{escape(base)}">{"".join(parts)}</g>'


# --- one loop -------------------------------------------------------------------------------------


def loop_rings(
    loop: Loop, model: Model, langs: Sequence[Lang] = tuple(Lang), *, style: bool = True
) -> tuple[str, ...]:
    """Draw each way round a loop as a causal loop diagram, as SVG.

    The arguments are those of `loop_map`.
    """
    return tuple(_ring(loop, path, model, langs, style=style) for path in loop.paths)


def _ring(
    loop: Loop, path: Sequence[LoopLink], model: Model, langs: Sequence[Lang], *, style: bool
) -> str:
    count = len(path)
    labels = [_label(link.cause, model, langs) for link in path]
    boxes = [Box(*_size(label)) for label in labels]
    radii = 90 + 24 * max(count, 2), 64 + 11 * max(count, 2)
    middle = radii[0] + 75, radii[1] + 32
    turn = 2 * math.pi / count

    def at(place: float, stretch: float = 1.0) -> tuple[float, float]:
        angle = place * turn - math.pi / 2
        return (
            middle[0] + stretch * radii[0] * math.cos(angle),
            middle[1] + stretch * radii[1] * math.sin(angle),
        )

    body = []
    for place, link in enumerate(path):
        following = (place + 1) % count
        # A parabola through the ellipse, half-way between the two.
        a, b, over = at(place), at(place + 1), at(place + 0.5)
        control = 2 * over[0] - (a[0] + b[0]) / 2, 2 * over[1] - (a[1] + b[1]) / 2
        start = _leaves(a, control, boxes[place])
        end = _leaves(b, control, boxes[following])
        css, head, sign = ("l", "h", "+") if link.sign > 0 else ("l n", "m", "−")
        body.append(
            f'<path class="{css}" d="M{start[0]:.0f} {start[1]:.0f}Q{control[0]:.0f} '
            f'{control[1]:.0f} {end[0]:.0f} {end[1]:.0f}" marker-end="url(#{head})"/>'
        )
        out = _outward(end, middle)
        body.append(
            f'<text class="{css.replace("l", "t", 1)} w" x="{end[0] + 11 * out[0]:.0f}" '
            f'y="{end[1] + 11 * out[1] + 4:.0f}">{sign}</text>'
        )
    body += [
        _variable(link.cause, label, box, at(place), model, langs)
        for place, (link, label, box) in enumerate(zip(path, labels, boxes, strict=True))
    ]
    body += _centre(loop, middle, langs)
    title = f"{loop.id} {loop.name_en}"
    return svg(2 * middle[0], 2 * middle[1], body, title, style=style)


def _leaves(
    centre: tuple[float, float], towards: tuple[float, float], box: Box
) -> tuple[float, float]:
    """Give where a line from a box's middle leaves it, with a little air."""
    x, y = towards[0] - centre[0], towards[1] - centre[1]
    across = (box.width / 2 + 2) / abs(x) if x else math.inf
    along = (box.above + 2) / abs(y) if y else math.inf
    part = min(across, along, 1.0)
    return centre[0] + part * x, centre[1] + part * y


def _outward(point: tuple[float, float], middle: tuple[float, float]) -> tuple[float, float]:
    x, y = point[0] - middle[0], point[1] - middle[1]
    length = math.hypot(x, y) or 1.0
    return x / length, y / length


def _centre(loop: Loop, middle: tuple[float, float], langs: Sequence[Lang]) -> Iterator[str]:
    """Name a loop in its middle, with an arrow that turns as its links do."""
    x, y = middle
    css = "r" if loop.polarity is Polarity.REINFORCING else "r n"
    yield (
        f'<path class="{css}" d="M{x - 9:.0f} {y - 41:.0f}a22 22 0 1 1-9 9" fill="none" '
        'marker-start="url(#o)"/>'
    )
    yield f'<text class="{css} i" x="{x:.0f}" y="{y - 18:.0f}">{escape(loop.id)}</text>'
    names = {Lang.EN: loop.name_en, Lang.ZH: loop.name_zh}
    label = label_of({lang: names[lang] for lang in langs}, 24)
    yield from text_lines(label, x, y + 12, LINE, "b")
