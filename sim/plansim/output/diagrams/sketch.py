"""The drawings of a model as Vensim keeps them: the last part of its file, a view a module.

A view has the stocks and flows of `module_parts`, laid out as everywhere else, and below them in
columns what these leave out: constants, tables and what nothing else uses. So each variable stands
in one view, and in others as a shadow. A causal link is an arc through the point halfway along the
route of the layout; links from constants are not drawn.

References: https://www.vensim.com/documentation/ref_sketch_format.html;
https://www.vensim.com/documentation/24305.html (objects)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, starmap
from typing import TypeAlias

from plansim.errors import Option, OutputError
from plansim.files.writing import check_destination, writing_whole
from plansim.model.reading.entries import SKETCH, around_sketch
from plansim.model.records import Model, Variable, VariableKind
from plansim.output.diagrams.draw import (
    COLUMN,
    LINE,
    Card,
    card_of,
    edges_of,
    label_of,
)
from plansim.output.diagrams.layout import Layout, Position, lay_out
from plansim.output.diagrams.parts import Element, ModuleParts, Shape, module_parts
from plansim.output.words.text import Lang

__all__ = ["sketch", "write_sketch"]

LONGEST_NAME = 30
"""Characters of a view's name."""
MARGIN = 60
GAP = 60
"""Pixels between a drawing and the columns below it."""
COLUMN_WIDTH = 130
ROW_HEIGHT = 48
WIDEST_GRID = 1200
"""Pixels of the columns in a view that has no wider drawing."""

_HEAD = """{mark} Sketch information - do not modify anything except names
V300  Do not put anything below this section - it will be ignored
*{name}
$192-192-192,0,Arial|8||0-0-0|0-0-0|0-0-255|-1--1--1|-1--1--1|96,96,100,0
"""
_END = "///---\\\\\\\n"
_BOX, _VALVE, _NO_SHAPE, _ATTACHED = 3, 2, 8, 32
_OWN, _SHADOW, _TEXT_BELOW = 3, 2, 4
"""Bits of an object: arrows may lead to it, or not; its text is the next line."""
_PLAIN, _BESIDE, _UNDER = "0,0,0,0,0,0", "0,0,-1,0,0,0", "0,0,1,0,0,0"
_GREY = "0,3,-1,0,0,0,128-128-128,0-0-0,|8||128-128-128"
_ARC, _RIGHT_ANGLES, _NO_HEAD, _PIPE, _CAUSAL = 1, 4, 96, "22,0,0", "0,0,64"
"""Shapes of an arrow; and its thickness, font and kind."""

_Item: TypeAlias = tuple[str, Callable[[int, dict[str, int]], str]]
"""What arrows know an object by, if they do; and what writes it, given its number and the numbers
of all by their keys."""


def sketch(model: Model) -> str:
    """Return the drawings of a model as the part of a Vensim file that holds them.

    >>> plansim.sketch(plansim.load_model("lake.mdl")).splitlines()[1]
    'V300  Do not put anything below this section - it will be ignored'
    """
    modules = dict.fromkeys(
        variable.module for variable in model.variables.values() if _is_drawn(variable)
    )
    return "".join(_view(model, module) for module in modules)


def write_sketch(model: Model, *, force: bool = False) -> int:
    """Write the drawings of a model into its own file; return how many views there are.

    Every byte before and after the drawings stays as it is. The same model gives the same bytes.

    Args:
        model: as `load_model` has read it.
        force: whether other drawings that the file has already may be replaced.

    Raises:
        OutputError: there are drawings already, or the file cannot be written.

    >>> plansim.write_sketch(plansim.load_model("lake.mdl"), force=True)
    1
    """
    data = model.path.read_bytes()
    before, after = around_sketch(data)
    newline = "\r\n" if b"\r\n" in before else "\n"
    if not before.endswith(b"\n"):
        before += newline.encode()
    new = sketch(model)
    drawings = new.replace("\n", newline).encode()
    written = before + drawings + (after or _END.replace("\n", newline).encode())
    check_destination(model.path, force=True)
    old = data.removeprefix(before).removesuffix(after)
    if not force and old != drawings and any(line[:1].isdigit() for line in old.splitlines()):
        raise OutputError(
            "the file has drawings already; {force} replaces them", model.path, force=Option.FORCE
        )
    if written != data:
        with writing_whole(model.path) as part:
            part.write_bytes(written)
    return new.count(SKETCH)


def _is_drawn(variable: Variable) -> bool:
    return variable.kind is not VariableKind.CONTROL


def _view(model: Model, module: str) -> str:
    parts = module_parts(model, module)
    cards = {key: _card(element) for key, element in parts.elements.items()}
    layout = lay_out(cards, edges_of(parts))
    rest = [
        variable.name
        for variable in model.variables.values()
        if variable.module == module and _is_drawn(variable) and variable.name not in cards
    ]
    items = [*_drawing(parts, cards, layout), *_columns(rest, layout)]
    numbers = {key: number for number, (key, _) in enumerate(items, 1) if key}
    body = "\n".join(write(number, numbers) for number, (_, write) in enumerate(items, 1))
    name = (module or model.name)[:LONGEST_NAME]
    return f"{_HEAD.format(mark=SKETCH, name=name)}{body}\n"


def _card(element: Element) -> Card:
    """Measure an element, with all names in one size."""
    shape = Shape.AUXILIARY if element.shape is Shape.SHADOW else element.shape
    return card_of(replace(element, shape=shape), (Lang.EN,))


def _drawing(parts: ModuleParts, cards: dict[str, Card], layout: Layout) -> Iterator[_Item]:
    for key, element in parts.elements.items():
        centre, card = layout.positions[key], cards[key]
        match element.shape, element.variable:
            case Shape.STOCK, Variable(name=name):
                yield _word(10, name, centre, layout.sizes[key], f"{_BOX},{_OWN},{_PLAIN}", key)
            case Shape.SHADOW | Shape.AUXILIARY as shape, Variable(name=name):
                looks = f"{_SHADOW},{_GREY}" if shape is Shape.SHADOW else f"{_OWN},{_PLAIN}"
                size = card.width, card.height
                yield _word(10, name, centre, size, f"{_NO_SHAPE},{looks}", key)
            case Shape.CLOUD, _:
                yield _word(12, "48", centre, (20, 16), f"0,{_OWN},{_BESIDE}", key)
    for key, element in parts.elements.items():
        if element.shape is Shape.FLOW:
            yield from _pipes(key, parts, layout)
            x, y = layout.positions[key]
            attached = _ATTACHED if element.variable else 0
            yield _word(11, "48", (x, y), (12, 16), f"{_VALVE | attached},{_OWN},{_UNDER}", key)
            if element.variable:
                label, lowest = cards[key].label, y + layout.sizes[key][1] / 2
                size = label.columns * COLUMN + 6, label.rows * LINE
                below = x, lowest + 2 + size[1] / 2
                tail = f"{_NO_SHAPE | _ATTACHED},{_OWN},{_BESIDE}"
                yield _word(10, element.variable.name, below, size, tail)
    for link, route in zip(parts.links, layout.routes[len(parts.pipes) :], strict=True):
        yield _arrow(link.source, link.effect, _ARC, _CAUSAL, _halfway(route))


def _pipes(flow: str, parts: ModuleParts, layout: Layout) -> Iterator[_Item]:
    """Write the pipes of a flow: in Vensim they lead from the valve to both of its ends."""
    for pipe, route in zip(parts.pipes, layout.routes, strict=False):
        if flow not in (pipe.source, pipe.target):
            continue
        end = pipe.target if pipe.source == flow else pipe.source
        across, height = _halfway(route)
        level = layout.positions[flow][1]
        if abs(layout.positions[end][1] - level) < layout.sizes[end][1] / 2:
            height = level  # without the small step to a place of its own
        shape = _RIGHT_ANGLES | (_NO_HEAD if end == pipe.source else 0)
        yield _arrow(flow, end, shape, _PIPE, (across, height))


def _columns(names: Sequence[str], layout: Layout) -> Iterator[_Item]:
    """Place what no drawing shows below it, row by row in the order of the file."""
    across = max(1, round(max(layout.width, WIDEST_GRID) / COLUMN_WIDTH))
    top = layout.height + GAP if layout.positions else 0.0
    for index, name in enumerate(names):
        row, column = divmod(index, across)
        centre = (column + 0.5) * COLUMN_WIDTH, top + (row + 0.5) * ROW_HEIGHT
        label = label_of({Lang.EN: name})
        size = label.columns * COLUMN + 6, label.rows * LINE + 6
        yield _word(10, name, centre, size, f"{_NO_SHAPE},{_OWN},{_PLAIN}")


def _word(
    kind: int,
    name: str,
    centre: Position,
    size: tuple[float, float],
    tail: str,
    key: str = "",
) -> _Item:
    """Write a variable, a valve or a cloud; of its size Vensim keeps the halves."""
    place = (*_placed(centre), *(round(side / 2) for side in size))
    inner = ",".join(map(str, place))
    return key, lambda number, _: f"{kind},{number},{name},{inner},{tail}"


def _arrow(source: str, target: str, shape: int, style: str, handle: Position) -> _Item:
    """Write a pipe or a link through a point.

    Vensim allows further points, for which PySD has no grammar.
    """
    x, y = _placed(handle)

    def write(number: int, numbers: dict[str, int]) -> str:
        ends = f"{numbers[source]},{numbers[target]}"
        return f"1,{number},{ends},{shape},0,0,{style},0,-1--1--1,,1|({x},{y})|"

    return "", write


def _halfway(route: Sequence[Position]) -> Position:
    """Return the point halfway along a route."""
    rest = sum(starmap(math.dist, pairwise(route))) / 2
    for (x, y), (u, v) in pairwise(route):
        length = math.dist((x, y), (u, v))
        if length >= rest > 0:
            return x + (u - x) * rest / length, y + (v - y) * rest / length
        rest -= length
    return route[0]


def _placed(point: Position) -> tuple[int, int]:
    return round(point[0]) + MARGIN, round(point[1]) + MARGIN
