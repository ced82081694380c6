"""A laid-out drawing as SVG.

Labels stand in the languages that are asked for, one over the other, in classes ``en`` and ``zh``:
of two, the page's style shows one. Everything else is drawn once, for the larger label.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from rich.cells import cell_len

from plansim.model.records import Variable
from plansim.output.diagrams.layout import Box, Layout
from plansim.output.diagrams.parts import Element, Shape
from plansim.output.text import Lang
from plansim.output.wrapping import wrap

__all__ = [
    "COLUMN",
    "HEADS",
    "HEADS_WITH_SIGNS",
    "HEAD_OF",
    "LINE",
    "PAD",
    "PORT",
    "STYLE",
    "VALVE",
    "Card",
    "Label",
    "card_of",
    "draw_card",
    "draw_ghosts",
    "label_of",
    "path_through",
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
PORT = 11.0
"""Between links at an element's side: the size of their signs."""
PAD = 7

_CLOUD_LINE = "a5 5 0 0 1 1-9.5 6.5 6.5 0 0 1 11-1.5 4.8 4.8 0 0 1 4 8.5 2.5 2.5 0 0 1-1.5 2.5z"

STYLE = """\
.diagram{font:12px "Noto Sans SC","Noto Sans CJK SC","PingFang SC","Microsoft YaHei",Arial,\
"Liberation Sans",sans-serif;fill:#1c2733}
.diagram text{text-anchor:middle}
.diagram .s{fill:#dcebf7;stroke:#1f4e79;stroke-width:1.6}
.diagram .v{fill:#1f4e79}
.diagram .f text{fill:#1f4e79}
.diagram .b{font-weight:600}
.diagram .a{fill:#f4f5f7}
.diagram .c{fill:#fff;stroke:#7d8b99;stroke-width:1.2}
.diagram .p{fill:none;stroke:#1f4e79;stroke-width:5.5}
.diagram .q{fill:none;stroke:#fff;stroke-width:2.6}
.diagram .l{fill:none;stroke:#8492a1;stroke-width:1.1}
.diagram .d{stroke:#8492a1;stroke-width:1.4}
.diagram .g,.diagram .u{font-size:10px}
.diagram .g{fill:#6b7785;font-style:italic}
.diagram .u{fill:#8a4b08}
.diagram .h{fill:#5d6b7a}
.diagram .h2{fill:#1f4e79}
.diagram .y{fill:#fff;stroke:#1f4e79}
.diagram .z{fill:none;stroke:#1f4e79;stroke-width:1.6}
.diagram .m+.y,.diagram .m+.y+.z{stroke:#b3261e}
.diagram .m+.y+.z{stroke-width:2}
.diagram .l.n{stroke:#b3261e;stroke-dasharray:5 3}
.diagram .m,.diagram .t.n{fill:#b3261e}
.diagram .t{font-size:10.5px;font-weight:600;fill:#44515f;paint-order:stroke;stroke:#fff;\
stroke-width:4px;stroke-linejoin:round}
.diagram .w{font-size:15px}
.diagram .r{stroke:#44515f;stroke-width:2}
.diagram .i{stroke:none;font-size:19px;font-weight:700}
.diagram [data-v]{cursor:pointer}
.diagram [data-v]:hover .a{fill:#e4e9ef}
"""
"""What the classes look like, to stand once in a page."""

HEADS = (
    '<defs><marker id="h" viewBox="0 0 8 8" refX="7.4" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto-start-reverse"><path class="h" d="M0 .8 8 4 0 7.2z"/></marker>'
    '<marker id="k" viewBox="0 0 8 8" refX="4" refY="4" markerUnits="userSpaceOnUse" '
    'markerWidth="15" markerHeight="15" orient="auto-start-reverse">'
    '<path class="h2" d="M0 .4 8 4 0 7.6z"/></marker>'
    '<marker id="m" viewBox="0 0 8 8" refX="7.4" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto-start-reverse"><path class="m" d="M0 .8 8 4 0 7.2z"/></marker>'
    '<marker id="o" viewBox="0 0 8 8" refX="4" refY="4" markerWidth="5" markerHeight="5" '
    'orient="auto"><path class="h" d="M8 0 0 4 8 8z"/></marker></defs>'
)
HEAD_OF: Mapping[int | None, str] = {None: "h", 1: "hp", -1: "hm", 0: "hx"}
"""By the sign of a link the head of its arrow."""
_SIGN: Mapping[int | None, str] = {None: "", 1: "+", -1: "−", 0: "±"}
_STROKES = {
    1: ("h", "m-3 0h6m-3-3v6"),
    -1: ("m", "m-3 0h6"),
    0: ("h", "m-2.5-1.2h5m-2.5-2.4v4.8m-2.5 1.6h5"),
}
"""By the sign the class of the head, and how the sign is written."""
HEADS_WITH_SIGNS = (
    HEADS.replace("</defs>", "")
    + "".join(
        f'<marker id="{HEAD_OF[sign]}" viewBox="-14 -6 22 12" refX="7.4" refY="0" '
        'markerUnits="userSpaceOnUse" '
        f'markerWidth="22" markerHeight="12" orient="auto-start-reverse"><path class="{css}" '
        'd="M0-3.2 8 0 0 3.2z"/><circle class="y" cx="-6.5" r="5"/>'
        f'<path class="z" d="M-6.5 0{strokes}"/>'
        "</marker>"
        for sign, (css, strokes) in _STROKES.items()
    )
    + "</defs>"
)
"""Heads of arrows, before which stands the sign of the link."""


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
    """An element with its labels, and how much room it takes about its anchor."""

    element: Element
    label: Label
    ghosts: Label
    """A line or two a variable of another module."""
    serves: Label
    width: float
    """Of its box, without ghosts and modules served."""
    height: float
    box: Box


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
    signs: Mapping[str, int | None],
    ends: int,
) -> Card:
    """Measure an element. The functions name variables and modules in a language.

    ``signs`` are those of the links from variables of other modules, ``ends`` how many of
    those of its own meet it on one side, for each of which there has to be room.
    """
    if element.shape is Shape.CLOUD:
        nothing = Label({})
        box = Box(2 * CLOUD + 4, CLOUD, CLOUD)
        return Card(element, nothing, nothing, nothing, 2 * CLOUD, 2 * CLOUD, box)
    label = Label({})
    if element.variable is not None:
        label = label_of({lang: name_of(element.key, lang) for lang in langs})
    ghosts = Label(
        {
            lang: tuple(
                line
                for name in element.ghosts
                for line in balanced(f"‹{name_of(name, lang)}›{_SIGN[signs[name]]}", WIDEST_SMALL)
            )
            for lang in langs
        }
    )
    serves = label_of(
        {
            lang: "→ " + _join([module_of(name, lang) for name in element.serves], lang)
            for lang in langs
            if element.serves
        },
        WIDEST_SMALL,
    )
    height = max(label.rows * LINE + (16 if element.shape is Shape.STOCK else 6), ends * PORT)
    width = label.columns * COLUMN + 2 * PAD
    if element.shape is Shape.FLOW:
        height = max(label.rows * LINE, ends * PORT)
        width = max(width - 2 * PAD + 6, 2 * VALVE + 6)
    above, below = height / 2, height / 2
    if element.shape is Shape.FLOW:
        above, below = VALVE, VALVE + 2 + height
    above += ghosts.rows * SMALL_LINE + (10 if ghosts.rows else 0)
    below += serves.rows * SMALL_LINE + (2 if serves.rows else 0)
    widest = max(width, (max(ghosts.columns, serves.columns)) * SMALL_COLUMN + 4)
    return Card(element, label, ghosts, serves, width, height, Box(widest, above, below))


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


def draw_card(card: Card, x: float, y: float) -> Iterator[str]:
    """Draw an element at its anchor."""
    element, half = card.element, card.width / 2
    match element.shape:
        case Shape.CLOUD:
            yield f'<path class="c" d="M{x - 8:.0f} {y + 6:.0f}{_CLOUD_LINE}"/>'
            return
        case Shape.STOCK:
            yield rect("s", x - half, y - card.height / 2, card.width, card.height, 0)
            yield from text_lines(card.label, x, y - card.label.rows * LINE / 2, LINE, "b")
        case Shape.FLOW:
            yield (
                f'<path class="v" d="M{x - VALVE:.0f} {y - VALVE:.0f}v{2 * VALVE}l{2 * VALVE}'
                f'-{2 * VALVE}v{2 * VALVE}z"/>'
            )
            room = card.height - card.label.rows * LINE
            yield from text_lines(card.label, x, y + VALVE + 2 + room / 2, LINE)
        case Shape.AUXILIARY:
            yield rect("a", x - half, y - card.height / 2, card.width, card.height, 6)
            yield from text_lines(card.label, x, y - card.label.rows * LINE / 2, LINE)
    if card.serves.rows:
        top = y + card.box.below - card.serves.rows * SMALL_LINE
        yield from text_lines(card.serves, x, top, SMALL_LINE, "u")


def draw_ghosts(card: Card, x: float, y: float) -> Iterator[str]:
    """Draw the variables of other modules above an element, with an arrow down to it."""
    if not card.ghosts.rows:
        return
    top = y - card.box.above
    for line in text_lines(card.ghosts, x, top, SMALL_LINE, "g"):
        yield re.sub("›([+−±])", _signed, line)
    foot = top + card.ghosts.rows * SMALL_LINE
    yield f'<path class="l" marker-end="url(#h)" d="M{x:.0f} {foot:.0f}v9"/>'


def _signed(found: re.Match[str]) -> str:
    css = ' class="m"' if found[1] == _SIGN[-1] else ""
    return f'›<tspan dx="2"{css}>{found[1]}</tspan>'


def rect(css: str, x: float, y: float, width: float, height: float, corner: float) -> str:
    """Write a rectangle, whose corners may be rounded."""
    rounded = f' rx="{corner:g}"' if corner else ""
    return (
        f'<rect class="{css}" x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}"{rounded}/>'
    )


def path_through(
    ends: tuple[tuple[float, float], tuple[float, float]],
    bends: Sequence[tuple[int, float]],
    layers: tuple[int, int],
    layout: Layout,
    *,
    down: bool = False,
    stub: float = 0.0,
) -> str:
    """Give a path that leaves, passes layers and arrives level: it bends in the aisles only.

    Args:
        ends: where it leaves and where it arrives.
        bends: from `Layout`.
        layers: of both ends.
        layout: knows how far the layers reach.
        down: whether the layers lie one below the other: x and y change places.
        stub: how far before the last layer it is level.
    """
    (start, arrival), (first, last) = ends, layers
    backward = first > last
    inner, outer = (max, min) if backward else (min, max)
    # An end may stand out of its layer: the arrow of a pipe.
    points = [start, (outer(layout.columns[first][0 if backward else 1], start[0]), start[1])]
    for layer, height in bends:
        left, right = layout.columns[layer]
        points += (
            [(right, height), (left, height)] if backward else [(left, height), (right, height)]
        )
    edge = layout.columns[last][1] + stub if backward else layout.columns[last][0] - stub
    points += [(inner(edge, arrival[0]), arrival[1]), arrival]

    def at(point: tuple[float, float]) -> str:
        x, y = reversed(point) if down else point
        return f"{x:.0f} {y:.0f}"

    parts = [f"M{at(start)}"]
    for place, (a, b) in enumerate(pairwise(points)):
        if place % 2 == 0:
            parts += [f"{'V' if down else 'H'}{b[0]:.0f}"] if round(a[0]) != round(b[0]) else []
        else:
            middle = (a[0] + b[0]) / 2
            parts.append(f"C{at((middle, a[1]))} {at((middle, b[1]))} {at(b)}")
    return "".join(parts)


def svg(
    width: float,
    height: float,
    body: Iterable[str],
    title: str,
    *,
    style: bool,
    margin: int = 12,
    heads: str = HEADS,
) -> str:
    """Wrap what is drawn; with its style if it is to stand alone."""
    width, height = width + 2 * margin, height + 2 * margin
    inner = "".join(body)
    styled = f"<style>{STYLE}</style>" if style else ""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" class="diagram" role="img" '
        f'viewBox="{-margin} {-margin} {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" style="--w:{width:.0f}px" '
        f'aria-label="{escape(title)}">{styled}{heads}{inner}</svg>'
    )


def tooltip(variable: Variable, names: Iterable[str]) -> str:
    """Give what a pointer shows: the names and the unit."""
    said = " · ".join(dict.fromkeys(name for name in names if name))
    return f"<title>{escape(said)} [{escape(variable.unit)}]</title>"
