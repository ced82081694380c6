"""Drawings of a model, made from its equations: stocks and flows by module, as SVG.

Labels are in the languages that are asked for, one over the other, in classes ``en`` and ``zh``:
of two, the page's style shows one. Everything else is drawn once, for the larger label.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from rich.cells import cell_len

from plansim.errors import UnknownNameError, nearest
from plansim.model.records import Model, Variable, several
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
    "COLUMN",
    "LINE",
    "STYLE",
    "Card",
    "Label",
    "Signs",
    "card_of",
    "edges_of",
    "label_of",
    "module_diagram",
    "modules_drawn",
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
MARGIN = 12
"""Pixels around a drawing."""
STUB = 20.0
"""Pixels of the last, level part of a link, on which its sign stands."""
DELAY = 10.0
"""How much longer it is for the mark of a delay."""
STRAIGHT = 12.0
"""How much more a pipe wants to be short and level than a causal link."""

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


@dataclass(frozen=True, kw_only=True)
class Card(Node):
    """An element with its label: a box of the layout."""

    element: Element
    label: Label


def label_of(texts: Mapping[Lang, str], widest: int = WIDEST) -> Label:
    """Break a text into lines that are about equally long."""
    return Label({lang: _balanced(text, widest) for lang, text in texts.items()})


def _balanced(text: str, widest: int) -> tuple[str, ...]:
    """Break a text into as few lines as fit, none much longer than the others."""
    lines = wrap(text, widest)
    longest = max(map(cell_len, text.split()), default=0) if text.isascii() else 4
    for narrower in range(widest - 1, longest - 1, -1):
        closer = wrap(text, narrower)
        if len(closer) > len(lines):
            break
        lines = closer
    return tuple(lines)


def _called(named: Variable, lang: Lang) -> str:
    return named.name_zh or named.name if lang is Lang.ZH else named.name


def card_of(element: Element, langs: Sequence[Lang]) -> Card:
    """Measure an element with its names in some languages."""
    names = {lang: _called(element.variable, lang) for lang in langs if element.variable}
    label, text, below = label_of(names), 0.0, 0.0
    height, width = label.rows * float(LINE) + 6, label.columns * COLUMN + 2 * PAD
    match element.shape:
        case Shape.STOCK:
            height += 10
        case Shape.FLOW:
            width = height = 2 * VALVE
            if label.rows:
                text, below = label.columns * COLUMN + 6, label.rows * LINE + 8
        case Shape.CLOUD:
            width = height = 2 * CLOUD
        case Shape.SHADOW:
            label = label_of({lang: f"‹{name}›" for lang, name in names.items()}, WIDEST_SMALL)
            height, width = label.rows * SMALL_LINE, label.columns * SMALL_COLUMN + 4
        case Shape.AUXILIARY:
            pass
    return Card(width=width, height=height, text=text, below=below, element=element, label=label)


def _text_lines(label: Label, x: float, top: float, line: float, css: str = "") -> Iterator[str]:
    """Write a label's lines, centred on ``x``; a shorter one in the middle of the height."""
    for lang, lines in label.lines.items():
        if not lines:
            continue
        first = top + (label.rows - len(lines)) * line / 2 + line * 0.78
        inner = escape(lines[0])
        inner += "".join(f'<tspan x="{x:.0f}" dy="{line:g}">{escape(t)}</tspan>' for t in lines[1:])
        yield f'<text class="{f"{css} {lang}".strip()}" x="{x:.0f}" y="{first:.0f}">{inner}</text>'


def _drawn_card(card: Card, centre: Position, size: tuple[float, float]) -> Iterator[str]:
    """Draw an element; ``size`` is that of its shape in the layout."""
    (x, y), (width, height) = centre, size
    left, top, bottom = x - width / 2, y - height / 2, y + height / 2
    middle = y - card.label.rows * LINE / 2
    match card.element.shape:
        case Shape.CLOUD:
            yield f'<path class="c" d="M{x - 8:.0f} {y + 6:.0f}{_CLOUD_LINE}"/>'
        case Shape.SHADOW:
            yield from _text_lines(card.label, x, y - card.height / 2, SMALL_LINE, "g")
        case Shape.STOCK:
            yield _rect("s", left, top, width, height, 0)
            yield from _text_lines(card.label, x, middle, LINE, "b")
        case Shape.FLOW:
            # Links that find no room at the valve meet a plate behind it.
            yield _rect("a", left, top, width, height, 3)
            yield (
                f'<path class="v" d="M{x - VALVE:.0f} {y - VALVE:.0f}v{2 * VALVE}l{2 * VALVE}'
                f'-{2 * VALVE}v{2 * VALVE}z"/>'
            )
            yield from _text_lines(card.label, x, bottom + 2, LINE)
        case Shape.AUXILIARY:
            yield _rect("a", left, top, width, height, 6)
            yield from _text_lines(card.label, x, middle, LINE)


def _rect(css: str, x: float, y: float, width: float, height: float, corner: float) -> str:
    """Write a rectangle, whose corners may be rounded."""
    rounded = f' rx="{corner:g}"' if corner else ""
    return (
        f'<rect class="{css}" x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}"{rounded}/>'
    )


def _path(points: Sequence[Position]) -> str:
    """Write a line through points."""
    return "M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in points)


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

    Raises:
        UnknownNameError: the model has no module of that name.

    >>> plansim.module_diagram(plansim.load_model("lake.mdl"), "")[:4]
    '<svg'
    """
    if module not in (known := modules_drawn(model)):
        near = nearest(module, known)
        raise UnknownNameError("no module is called '{name}'", nearest=near, name=module)
    parts, wanted = module_parts(model, module), tuple(map(Lang, several(langs)))
    cards = {key: card_of(element, wanted) for key, element in parts.elements.items()}
    layout = lay_out(cards, edges_of(parts))
    body = [*_links(parts, layout, signs or {}), *_pipes(parts, layout)]
    for key, card in cards.items():
        variable = card.element.variable
        inner = "".join(_drawn_card(card, layout.positions[key], layout.sizes[key]))
        if variable is not None:
            names = dict.fromkeys(_called(variable, lang) for lang in wanted)
            title = f"<title>{escape(' · '.join(names))} [{escape(variable.unit)}]</title>"
            css = ' class="f"' if card.element.shape is Shape.FLOW else ""
            inner = f'<g{css} data-v="{escape(variable.name)}">{title}{inner}</g>'
            inner = f'<a href="{escape(href(variable))}">{inner}</a>' if href else inner
        body.append(inner)
    width, height = (f"{size + 2 * MARGIN:.0f}" for size in (layout.width, layout.height))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" class="diagram" role="img" '
        f'viewBox="{-MARGIN} {-MARGIN} {width} {height}" width="{width}" height="{height}" '
        f'style="--w:{width}px" aria-label="{escape(module)}">'
        f"{f'<style>{STYLE}</style>' if style else ''}{_HEADS}{''.join(body)}</svg>"
    )


def edges_of(parts: ModuleParts) -> tuple[Edge, ...]:
    """Return what the layout connects: the pipes, then the links."""
    return (
        *(Edge(pipe.source, pipe.target, STRAIGHT, thickness=6) for pipe in parts.pipes),
        *(
            Edge(link.source, link.effect, level=STUB + (DELAY if link.delayed else 0))
            for link in parts.links
        ),
    )


def _pipes(parts: ModuleParts, layout: Layout) -> Iterator[str]:
    """Draw the pipes; one that leads into a stock or a cloud has a head, beyond its end."""
    for pipe, route in zip(parts.pipes, layout.routes, strict=False):
        points, head = list(route), ""
        if parts.elements[pipe.target].shape is not Shape.FLOW:
            (x, y), inner = route[-1], route[-2]
            points[-1], head = (x + (ARROW if inner[0] > x else -ARROW), y), ' marker-end="url(#k)"'
        d = _path(points)
        yield f'<path class="p" d="{d}"/><path class="q" d="{d}"{head}/>'


def _links(parts: ModuleParts, layout: Layout, signs: Signs) -> Iterator[str]:
    for link, route in zip(parts.links, layout.routes[len(parts.pipes) :], strict=True):
        sign = link.sign(signs)
        css = "l n" if sign == -1 else "l"
        yield f'<path class="{css}" d="{_path(route)}" marker-end="url(#{HEAD_OF[sign]})"/>'
        if link.delayed:
            (x, y), before = route[-1], STUB + 6
            x += before if route[-2][0] > x else -before - 4
            yield f'<path class="d" d="M{x:.0f} {y - 5:.0f}v10m4 0v-10"/>'
