"""Drawings of a model, made from its equations: stocks and flows by module, as SVG.

Labels are in the languages that are asked for, one over the other, in classes ``en`` and ``zh``:
of two, the page's style shows one. Everything else is drawn once, for the larger label.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from rich.cells import cell_len

from plansim.model.records import Model, Variable
from plansim.output.diagrams.layout import Edge, Layout, Node, Position, lay_out
from plansim.output.diagrams.parts import (
    Element,
    ModuleParts,
    Shape,
    Signs,
    module_parts,
    modules_drawn,
)
from plansim.output.words.text import Lang
from plansim.output.words.wrapping import wrap

__all__ = [
    "ARROW",
    "COLUMN",
    "HEAD_OF",
    "LINE",
    "PAD",
    "STUB",
    "STYLE",
    "Card",
    "Label",
    "Signs",
    "card_of",
    "draw_card",
    "edges_of",
    "heights_of",
    "label_of",
    "module_diagram",
    "modules_drawn",
    "path",
    "rect",
    "svg",
    "text_lines",
    "tooltip",
]

LINE = 14
SMALL_LINE = 11.5
COLUMN = 6.6
"""Pixels of a terminal column in the size of labels; a Chinese character takes two."""
SMALL_COLUMN = 5.3
WIDEST = 15
"""Columns of a label's line."""
WIDEST_SMALL = 22
VALVE = 9
CLOUD = 11
ARROW = 7.0
"""Pixels by which the head of a pipe reaches beyond its end."""
PAD = 7

_CLOUD_LINE = "a5 5 0 0 1 1-9.5 6.5 6.5 0 0 1 11-1.5 4.8 4.8 0 0 1 4 8.5 2.5 2.5 0 0 1-1.5 2.5z"

STYLE = files(__package__).joinpath("diagram.css").read_text("utf-8")
"""The style of the classes, once in a page."""
_HEADS = files(__package__).joinpath("heads.svg").read_text("utf-8").replace("\n", "")
"""Heads of arrows; before some of those of links stands the sign of the link."""
HEAD_OF: Mapping[int | None, str] = {None: "h", 1: "hp", -1: "hm", 0: "hx"}
"""By the sign of a link the head of its arrow."""


@dataclass(frozen=True)
class Label:
    """A text in each language, broken into lines."""

    lines: Mapping[Lang, tuple[str, ...]]

    @property
    def rows(self) -> int:
        """How many lines the longer one has."""
        return max((len(lines) for lines in self.lines.values()), default=0)

    @property
    def columns(self) -> int:
        """How wide the widest line is."""
        return max((cell_len(line) for lines in self.lines.values() for line in lines), default=0)


@dataclass(frozen=True)
class Card:
    """An element with its labels, and the size of its shape."""

    element: Element
    label: Label
    serves: Label
    width: float
    height: float

    @property
    def node(self) -> Node:
        """What the layout needs to know."""
        below = self.serves.rows * SMALL_LINE
        text = self.serves.columns * SMALL_COLUMN + 4
        if self.element.shape is Shape.FLOW:
            below += self.label.rows * LINE
            text = max(text, self.label.columns * COLUMN + 6)
        return Node(self.width, self.height, text, below + 8 if below else 0.0)


def label_of(texts: Mapping[Lang, str], widest: int = WIDEST) -> Label:
    """Break a text into lines that are about equally long."""
    return Label({lang: tuple(balanced(text, widest)) for lang, text in texts.items()})


def balanced(text: str, widest: int) -> list[str]:
    """Break a text into as few lines as fit, none much longer than the others."""
    lines = wrap(text, widest)
    for narrower in range(widest - 1, 3, -1):
        closer = wrap(text, narrower)
        if len(closer) > len(lines) or any(cell_len(line) > narrower for line in closer):
            break
        if not _cuts_words(text, closer):
            lines = closer
    return lines


def _cuts_words(text: str, lines: Sequence[str]) -> bool:
    words = set(text.split())
    return text.isascii() and any(part not in words for line in lines for part in line.split())


def card_of(
    element: Element,
    name_of: Callable[[str, Lang], str],
    module_of: Callable[[str, Lang], str],
    langs: Sequence[Lang],
) -> Card:
    """Measure an element. The functions name variables and modules in a language."""
    names = {lang: name_of(element.variable.name, lang) for lang in langs if element.variable}
    serves = label_of(
        {
            lang: "→ " + _join([module_of(name, lang) for name in element.serves], lang)
            for lang in langs
            if element.serves
        },
        WIDEST_SMALL,
    )
    label = label_of(names)
    height, width = label.rows * float(LINE) + 6, label.columns * COLUMN + 2 * PAD
    match element.shape:
        case Shape.STOCK:
            height += 10
        case Shape.FLOW:
            width = height = 2 * VALVE
        case Shape.CLOUD:
            width = height = 2 * CLOUD
        case Shape.SHADOW:
            label = label_of({lang: f"‹{name}›" for lang, name in names.items()}, WIDEST_SMALL)
            height, width = label.rows * SMALL_LINE, label.columns * SMALL_COLUMN + 4
        case Shape.AUXILIARY:
            pass
    return Card(element, label, serves, width, height)


def _join(parts: Sequence[str], lang: Lang) -> str:
    return ("、" if lang is Lang.ZH else ", ").join(parts)


def text_lines(label: Label, x: float, top: float, line: float, css: str = "") -> Iterator[str]:
    """Write a label's lines, centred on ``x``; a shorter one in the middle of the height."""
    for lang, lines in label.lines.items():
        if not lines:
            continue
        first = top + (label.rows - len(lines)) * line / 2 + line * 0.78
        inner = escape(lines[0])
        inner += "".join(f'<tspan x="{x:.0f}" dy="{line:g}">{escape(t)}</tspan>' for t in lines[1:])
        yield f'<text class="{f"{css} {lang}".strip()}" x="{x:.0f}" y="{first:.0f}">{inner}</text>'


def draw_card(
    card: Card, centre: Position, size: tuple[float, float], ports: tuple[float, float]
) -> Iterator[str]:
    """Draw an element.

    Args:
        card: of the element.
        centre: where its shape stands.
        size: of its shape in the layout.
        ports: heights of the first and the last edge that meet it.
    """
    (x, y), (width, height) = centre, size
    left, top, bottom = x - width / 2, y - height / 2, y + height / 2
    middle = y - card.label.rows * LINE / 2
    match card.element.shape:
        case Shape.CLOUD:
            yield f'<path class="c" d="M{x - 8:.0f} {y + 6:.0f}{_CLOUD_LINE}"/>'
        case Shape.SHADOW:
            yield from text_lines(card.label, x, y - card.height / 2, SMALL_LINE, "g")
        case Shape.STOCK:
            yield rect("s", left, top, width, height, 0)
            yield from text_lines(card.label, x, middle, LINE, "b")
        case Shape.FLOW:
            # Links that find no room at the valve meet a plate behind it.
            top, bottom = min(y - VALVE, ports[0] - 5), max(y + VALVE, ports[1] + 5)
            yield rect("a", left, top, width, bottom - top, 3)
            yield (
                f'<path class="v" d="M{x - VALVE:.0f} {y - VALVE:.0f}v{2 * VALVE}l{2 * VALVE}'
                f'-{2 * VALVE}v{2 * VALVE}z"/>'
            )
            yield from text_lines(card.label, x, bottom + 2, LINE)
            bottom += card.label.rows * LINE + 2
        case Shape.AUXILIARY:
            yield rect("a", left, top, width, height, 6)
            yield from text_lines(card.label, x, middle, LINE)
    yield from text_lines(card.serves, x, bottom + 2, SMALL_LINE, "u")


def rect(css: str, x: float, y: float, width: float, height: float, corner: float) -> str:
    """Write a rectangle, whose corners may be rounded."""
    rounded = f' rx="{corner:g}"' if corner else ""
    return (
        f'<rect class="{css}" x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}"{rounded}/>'
    )


def path(points: Sequence[Position], corner: float = 6.0) -> str:
    """Write a line through points, its corners rounded."""
    parts = [f"M{points[0][0]:.0f} {points[0][1]:.0f}"]
    for before, (x, y), after in zip(points, points[1:], points[2:], strict=False):
        radius = min(corner, math.dist(before, (x, y)) / 2, math.dist((x, y), after) / 2)
        for command, (u, v) in (("L", before), (f"Q{x:.0f} {y:.0f} ", after)):
            part = radius / (math.dist((u, v), (x, y)) or 1)
            parts.append(f"{command}{x + part * (u - x):.0f} {y + part * (v - y):.0f}")
    return "".join([*parts, f"L{points[-1][0]:.0f} {points[-1][1]:.0f}"])


def svg(
    width: float,
    height: float,
    body: Iterable[str],
    title: str,
    *,
    style: bool,
    margin: int = 12,
) -> str:
    """Wrap what is drawn; with its style if it is a file of its own."""
    width, height = width + 2 * margin, height + 2 * margin
    inner = "".join(body)
    styled = f"<style>{STYLE}</style>" if style else ""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" class="diagram" role="img" '
        f'viewBox="{-margin} {-margin} {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" style="--w:{width:.0f}px" '
        f'aria-label="{escape(title)}">{styled}{_HEADS}{inner}</svg>'
    )


def tooltip(variable: Variable, names: Iterable[str]) -> str:
    """Return what a pointer shows: the names and the unit."""
    words = " · ".join(dict.fromkeys(name for name in names if name))
    return f"<title>{escape(words)} [{escape(variable.unit)}]</title>"


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
