"""Drawings of a model, made from its equations: stocks and flows by module, and feedback loops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape

from plansim.model.records import Model, Variable
from plansim.present.diagram_draw import (
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
from plansim.present.diagram_layout import Layout, Line, lay_out
from plansim.present.diagram_loops import loop_map, loop_rings
from plansim.present.diagram_parts import ModuleParts, Shape, module_parts, modules_drawn
from plansim.present.text import Lang

__all__ = ["STYLE", "loop_map", "loop_rings", "module_diagram", "modules_drawn"]

ARROW = 7.0
"""How far before a box a pipe ends, for its arrow."""
STRAIGHT = 12.0
"""How much more a pipe wants to be short and level than a causal link."""


def module_diagram(
    model: Model,
    module: str,
    langs: Sequence[str] = tuple(Lang),
    *,
    style: bool = True,
    href: Callable[[Variable], str] | None = None,
) -> str:
    """Draw the stocks and flows of a module as SVG.

    Args:
        model: any model.
        module: one of `modules_drawn`.
        langs: the languages of the labels, ``en`` and ``zh``; of two, the page's style has to
            hide one.
        style: whether the drawing carries its own style.
        href: what a variable's element leads to; nothing if there is none.
    """
    parts, wanted = module_parts(model, module), tuple(map(Lang, langs))

    def name_of(name: str, lang: Lang) -> str:
        variable = model.variables[name]
        return variable.name_zh or name if lang is Lang.ZH else name

    def module_of(name: str, lang: Lang) -> str:
        return model.modules[name].name_zh or name if lang is Lang.ZH else name

    cards = {
        key: card_of(element, name_of, module_of, wanted) for key, element in parts.elements.items()
    }
    lines = _lines(parts)
    layout = lay_out({key: card.box for key, card in cards.items()}, lines)
    body = [*_links(parts, layout, cards), *_pipes(parts, layout, cards)]
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
    return svg(layout.width, layout.height, body, module, style=style)


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


def _links(parts: ModuleParts, layout: Layout, cards: Mapping[str, Card]) -> Iterator[str]:
    bends = layout.bends[len(parts.pipes) :]
    ends = _ports(parts, layout, cards)
    for link, way, (start, end) in zip(parts.links, bends, ends, strict=True):
        layers = layout.layers[link.cause], layout.layers[link.effect]
        d = path_through((start, end), way, layers, layout)
        yield f'<path class="l" d="{d}" marker-end="url(#h)"/>'
        if link.delayed:
            x, y = end[0] + (16 if layers[0] > layers[1] else -16), end[1]
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
        step = min((bottom - top) / len(ends), 9.0)
        first = y + (top + bottom) / 2 - step * (len(ends) - 1) / 2
        for rank, (_, place, end) in enumerate(sorted(ends)):
            ports[place, end] = (x + side * card.width / 2, first + rank * step)
    return [(ports[place, 0], ports[place, 1]) for place in range(len(parts.links))]


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
