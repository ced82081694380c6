"""Drawings of a model, made from its equations: stocks and flows by module, and feedback loops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape

from plansim.model.records import Model, Variable
from plansim.output.diagrams.draw import (
    HEAD_OF,
    HEADS,
    HEADS_WITH_SIGNS,
    PORT,
    STYLE,
    VALVE,
    Card,
    card_of,
    draw_card,
    draw_ghosts,
    path_through,
    svg,
    tooltip,
)
from plansim.output.diagrams.layout import Layout, Line, lay_out
from plansim.output.diagrams.loops import loop_map, loop_rings
from plansim.output.diagrams.parts import ModuleParts, Shape, Signs, module_parts, modules_drawn
from plansim.output.text import Lang

__all__ = ["STUB", "STYLE", "Signs", "loop_map", "loop_rings", "module_diagram", "modules_drawn"]

ARROW = 7.0
"""How far before a box a pipe ends, for its arrow."""
AISLE = 38.0
"""Between the layers."""
STUB = 20.0
"""How much more there is for the signs, which stand on the last, level part of a link."""
STRAIGHT = 12.0
"""How much more a pipe wants to be short and level than a causal link."""


def module_diagram(
    model: Model,
    module: str,
    langs: Sequence[str] = tuple(Lang),
    *,
    style: bool = True,
    href: Callable[[Variable], str] | None = None,
    signs: Signs | None = None,
) -> str:
    """Draw the stocks and flows of a module as SVG.

    Args:
        model: any model.
        module: one of `modules_drawn`.
        langs: the languages of the labels, ``en`` and ``zh``; of two, the page's style has to
            hide one.
        style: whether the drawing carries its own style.
        href: what a variable's element leads to; nothing if there is none.
        signs: of the causal links, as `link_signs` finds them; without them none are drawn.
    """
    parts, wanted = module_parts(model, module), tuple(map(Lang, langs))
    known = signs or {}

    def name_of(name: str, lang: Lang) -> str:
        variable = model.variables[name]
        return variable.name_zh or name if lang is Lang.ZH else name

    def module_of(name: str, lang: Lang) -> str:
        return model.modules[name].name_zh or name if lang is Lang.ZH else name

    def measured(ends: Mapping[str, int]) -> dict[str, Card]:
        return {
            key: card_of(
                element,
                name_of,
                module_of,
                wanted,
                {cause: parts.sign(cause, key, known) for cause in element.ghosts},
                ends.get(key, 0),
            )
            for key, element in parts.elements.items()
        }

    def laid_out(cards: Mapping[str, Card]) -> Layout:
        boxes = {key: card.box for key, card in cards.items()}
        return lay_out(boxes, _lines(parts), aisle=AISLE + (STUB if known else 0))

    cards = measured(Counter(link.effect for link in parts.links))
    layout = laid_out(cards)
    # On which side a link arrives or leaves depends on the layers, which heights do not change.
    ends = _ends(parts, layout)
    if any(_room(cards[key]) < count * PORT for key, count in ends.items()):
        cards = measured(ends)
        layout = laid_out(cards)
    body = [*_links(parts, layout, cards, known), *_pipes(parts, layout, cards)]
    for key, card in cards.items():
        x, y = layout.places[key]
        drawn = [*draw_ghosts(card, x, y)]
        variable = card.element.variable
        inner = "".join(draw_card(card, x, y))
        if variable is None:
            drawn.append(inner)
        else:
            inner = tooltip(variable, [name_of(key, lang) for lang in wanted]) + inner
            css = ' class="f"' if card.element.shape is Shape.FLOW else ""
            group = f'<g{css} data-v="{escape(key)}">{inner}</g>'
            drawn.append(f'<a href="{escape(href(variable))}">{group}</a>' if href else group)
        body += drawn
    heads = HEADS_WITH_SIGNS if known else HEADS
    return svg(layout.width, layout.height, body, module, style=style, heads=heads)


def _lines(parts: ModuleParts) -> tuple[Line, ...]:
    """Give what the layout connects: the pipes, then the links.

    A link beside a pipe, from a stock to what drains it, says nothing new to the layout but keeps
    its place in the order.
    """
    return (
        *(Line(pipe.source, pipe.target, STRAIGHT) for pipe in parts.pipes),
        *(Line(link.cause, link.effect) for link in parts.links),
    )


def _pipes(parts: ModuleParts, layout: Layout, cards: Mapping[str, Card]) -> Iterator[str]:
    for pipe, bends in zip(parts.pipes, layout.bends, strict=False):
        layers = layout.layers[pipe.source], layout.layers[pipe.target]
        backward = layers[0] > layers[1]
        ends = []
        for key, side in ((pipe.source, 1), (pipe.target, -1)):
            card, (x, y) = cards[key], layout.places[key]
            half = VALVE if card.element.shape is Shape.FLOW else card.width / 2
            points = side < 0 or (pipe.two_way and card.element.shape is not Shape.FLOW)
            arrow = ARROW if points and card.element.shape is not Shape.FLOW else 0
            ends.append((x + (half + arrow) * (-side if backward else side), y))
        d = path_through((ends[0], ends[1]), bends, layers, layout)
        into = cards[pipe.target].element.shape is not Shape.FLOW
        head = ' marker-end="url(#k)"' if into else ""
        if pipe.two_way and not into:
            head = ' marker-start="url(#k)"'
        yield f'<path class="p" d="{d}"/><path class="q" d="{d}"{head}/>'


def _links(
    parts: ModuleParts, layout: Layout, cards: Mapping[str, Card], signs: Signs
) -> Iterator[str]:
    stub = STUB if signs else 0.0
    bends = layout.bends[len(parts.pipes) :]
    ends = _ports(parts, layout, cards)
    for link, way, (start, end) in zip(parts.links, bends, ends, strict=True):
        layers = layout.layers[link.cause], layout.layers[link.effect]
        d = path_through((start, end), way, layers, layout, stub=stub)
        sign = parts.sign(link.cause, link.effect, signs)
        css = "l n" if sign == -1 else "l"
        yield f'<path class="{css}" d="{d}" marker-end="url(#{HEAD_OF[sign]})"/>'
        if link.delayed:
            before = stub + 6 if signs else 16
            x, y = end[0] + (before if layers[0] > layers[1] else -before - 4), end[1]
            yield f'<path class="d" d="M{x:.0f} {y - 5:.0f}v10m4 0v-10"/>'


def _ports(
    parts: ModuleParts, layout: Layout, cards: Mapping[str, Card]
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Give where each link leaves and arrives: spread over the side in the order of heights."""
    bends = layout.bends[len(parts.pipes) :]
    sides: dict[tuple[str, int], list[tuple[float, int, int]]] = {}
    for place, (link, way) in enumerate(zip(parts.links, bends, strict=True)):
        side = -1 if layout.layers[link.cause] > layout.layers[link.effect] else 1
        after = way[0][1] if way else layout.places[link.effect][1]
        before = way[-1][1] if way else layout.places[link.cause][1]
        sides.setdefault((link.cause, side), []).append((after, place, 0))
        sides.setdefault((link.effect, -side), []).append((before, place, 1))
    ports: dict[tuple[int, int], tuple[float, float]] = {}
    for (key, side), ends in sides.items():
        card, (x, y) = cards[key], layout.places[key]
        top, bottom = _side(card)
        step = min((bottom - top) / len(ends), PORT)
        first = y + (top + bottom) / 2 - step * (len(ends) - 1) / 2
        for rank, (_, place, end) in enumerate(sorted(ends)):
            ports[place, end] = (x + side * card.width / 2, first + rank * step)
    return [(ports[place, 0], ports[place, 1]) for place in range(len(parts.links))]


def _ends(parts: ModuleParts, layout: Layout) -> dict[str, int]:
    """Count what arrives and leaves on the fuller side of each element; only where some arrives."""
    arriving: Counter[tuple[str, int]] = Counter()
    leaving: Counter[tuple[str, int]] = Counter()
    for link in parts.links:
        side = -1 if layout.layers[link.cause] > layout.layers[link.effect] else 1
        leaving[link.cause, side] += 1
        arriving[link.effect, -side] += 1
    found: dict[str, int] = {}
    for (key, side), count in arriving.items():
        found[key] = max(found.get(key, 0), count + leaving[key, side])
    return found


def _room(card: Card) -> float:
    top, bottom = _side(card)
    return bottom - top


def _side(card: Card) -> tuple[float, float]:
    """Give the part of an element's side that is free for links, about its anchor."""
    half = card.height / 2
    match card.element.shape:
        case Shape.STOCK:
            return 6.0, half  # above it is the pipe
        case Shape.FLOW:
            return VALVE + 2.0, VALVE + 2 + max(card.height, 4)
        case _:
            return -half, half
