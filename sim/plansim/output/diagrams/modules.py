"""Drawings of a model, made from its equations: stocks and flows by module."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape

from plansim.model.records import Model, Variable
from plansim.output.diagrams.draw import (
    ARROW,
    HEAD_OF,
    STYLE,
    card_of,
    draw_card,
    path,
    svg,
    tooltip,
)
from plansim.output.diagrams.layout import Edge, Layout, Position, lay_out
from plansim.output.diagrams.parts import ModuleParts, Shape, Signs, module_parts, modules_drawn
from plansim.output.words.text import Lang

__all__ = [
    "STUB",
    "STYLE",
    "Signs",
    "edges_of",
    "heights_of",
    "module_diagram",
    "modules_drawn",
]

STUB = 20.0
"""Pixels of the last, level part of a link, on which its sign stands."""
DELAY = 10.0
"""How much longer it is for the mark of a delay."""
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

    >>> plansim.module_diagram(plansim.load_model("lake.mdl"), "")[:4]
    '<svg'
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
    layout = lay_out({key: card.node for key, card in cards.items()}, edges_of(parts))
    ports = heights_of(parts, layout)
    body = [*_links(parts, layout, signs or {}), *_pipes(parts, layout)]
    for key, card in cards.items():
        centre, variable = layout.positions[key], card.element.variable
        near = ports.get(key, (centre[1], centre[1]))
        inner = "".join(draw_card(card, centre, layout.sizes[key], near))
        if variable is None:
            body.append(inner)
        else:
            inner = tooltip(variable, [name_of(variable.name, lang) for lang in wanted]) + inner
            css = ' class="f"' if card.element.shape is Shape.FLOW else ""
            group = f'<g{css} data-v="{escape(variable.name)}">{inner}</g>'
            body.append(f'<a href="{escape(href(variable))}">{group}</a>' if href else group)
    return svg(layout.width, layout.height, body, module, style=style)


def edges_of(parts: ModuleParts) -> tuple[Edge, ...]:
    """Return what the layout connects: the pipes, then the links."""
    return (
        *(Edge(pipe.source, pipe.target, STRAIGHT, thickness=6) for pipe in parts.pipes),
        *(
            Edge(link.source, link.effect, level=STUB + (DELAY if link.delayed else 0))
            for link in parts.links
        ),
    )


def heights_of(parts: ModuleParts, layout: Layout) -> dict[str, tuple[float, float]]:
    """Return the heights of the first and the last edge that meet each element."""
    heights: dict[str, list[float]] = {}
    for edge, route in zip(edges_of(parts), layout.routes, strict=True):
        heights.setdefault(edge.source, []).append(route[0][1])
        heights.setdefault(edge.target, []).append(route[-1][1])
    return {key: (min(ys), max(ys)) for key, ys in heights.items()}


def _pipes(parts: ModuleParts, layout: Layout) -> Iterator[str]:
    for pipe, route in zip(parts.pipes, layout.routes, strict=False):
        into = parts.elements[pipe.target].shape is not Shape.FLOW
        out = pipe.two_way and not into
        points = [_before(route[0], route[1]) if out else route[0], *route[1:-1]]
        d = path([*points, _before(route[-1], route[-2]) if into else route[-1]])
        head = ' marker-end="url(#k)"' if into else ' marker-start="url(#k)"' if out else ""
        yield f'<path class="p" d="{d}"/><path class="q" d="{d}"{head}/>'


def _before(end: Position, inner: Position) -> Position:
    """Return where a pipe ends for its arrow to touch the element."""
    return end[0] + (ARROW if inner[0] > end[0] else -ARROW), end[1]


def _links(parts: ModuleParts, layout: Layout, signs: Signs) -> Iterator[str]:
    for link, route in zip(parts.links, layout.routes[len(parts.pipes) :], strict=True):
        sign = parts.sign(link.cause, link.effect, signs)
        css = "l n" if sign == -1 else "l"
        yield f'<path class="{css}" d="{path(route)}" marker-end="url(#{HEAD_OF[sign]})"/>'
        if link.delayed:
            (x, y), before = route[-1], STUB + 6
            x += before if route[-2][0] > x else -before - 4
            yield f'<path class="d" d="M{x:.0f} {y - 5:.0f}v10m4 0v-10"/>'
