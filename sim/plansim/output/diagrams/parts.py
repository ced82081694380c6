"""What a stock-and-flow drawing of one module consists of, read from the model's equations.

Stocks, the flows that fill and drain them, and the auxiliaries between. What does not change in a
run (constants, lookup tables, sums of constants) is left to the text. The drawing collapses
subscripts: an array is one element. A variable of another module is drawn beside each element that
it acts on, as Vensim's shadow variables are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from plansim.model.reading.equations import EquationForm
from plansim.model.reading.expression import Call, Name, Node, Operation, name_key, walk
from plansim.model.reading.function_names import INTEGRALS
from plansim.model.records import Model, Variable, VariableKind

__all__ = [
    "Element",
    "FlowPipe",
    "Link",
    "ModuleParts",
    "Shape",
    "Signs",
    "module_parts",
    "modules_drawn",
]

Signs: TypeAlias = Mapping[tuple[str, str], int]
"""Signs of causal links, by cause and effect: 1 if the effect moves with its cause, -1 if against
it, 0 if now one and now the other."""

_MOVING = frozenset({VariableKind.STOCK, VariableKind.FLOW, VariableKind.AUXILIARY})
_CLOCKED = frozenset({"time", "pulse", "pulse_train", "ramp", "step"})
"""What reads the clock; random functions begin with the word."""
_DELAYING = ("smooth", "delay", "trend", "forecast")
"""How the functions begin that hold a value back: a link through them is marked as delayed."""


class Shape(StrEnum):
    """How an element is drawn."""

    STOCK = "stock"
    FLOW = "flow"
    AUXILIARY = "auxiliary"
    CLOUD = "cloud"
    SHADOW = "shadow"
    """A variable of another module."""


@dataclass(frozen=True)
class Element:
    """A thing with a place in the drawing."""

    key: str
    """The variable's name; of a cloud, a shadow or a flow without a name one that no variable
    has."""
    shape: Shape
    variable: Variable | None = None


@dataclass(frozen=True)
class FlowPipe:
    """Material on its way from one element to the next: stock, flow or cloud."""

    source: str
    target: str


@dataclass(frozen=True)
class Link:
    """A causal link."""

    cause: str
    effect: str
    delayed: bool = False
    from_outside: bool = False
    """Whether the cause belongs to another module."""
    stock: str = ""
    """Where the effect is a flow without a name: the stock on which the cause acts by it alone."""
    drains: bool = False
    """Whether that flow drains the stock."""

    @property
    def source(self) -> str:
        """The key of the element at which the link begins."""
        return f"‹{self.cause}› {self.effect}" if self.from_outside else self.cause

    def sign(self, signs: Signs) -> int | None:
        """Return the sign of the link, of those between variables; None if it is not known.

        A flow without a name has that of its stock, turned where it drains.
        """
        found = signs.get((self.cause, self.stock or self.effect))
        return found if found is None or not self.drains else -found


@dataclass(frozen=True)
class ModuleParts:
    """One module, ready to be laid out."""

    module: str
    elements: Mapping[str, Element]
    pipes: tuple[FlowPipe, ...]
    links: tuple[Link, ...]


def modules_drawn(model: Model) -> tuple[str, ...]:
    """Return the modules that have something to draw, in the order of the file.

    >>> plansim.modules_drawn(plansim.load_model("lake.mdl"))
    ('',)
    """
    return tuple(dict.fromkeys(model.variables[name].module for name in _moving(model)))


def module_parts(model: Model, module: str) -> ModuleParts:
    """Read what is to be drawn of a module, and how it hangs together.

    A summand of a stock's rate is a flow: the one variable that it is about, or one without a name.
    """
    moving = _moving(model)
    own = [name for name in moving if model.variables[name].module == module]
    shapes = dict.fromkeys(own, Shape.AUXILIARY)
    pipes: list[FlowPipe] = []
    links: list[Link] = []
    for name in own:
        variable = model.variables[name]
        if variable.kind is not VariableKind.STOCK:
            links += _links(model, moving, module, name, variable.felt)
            continue
        shapes[name] = Shape.STOCK
        terms = _terms(model, name)
        for number, (names, directions) in enumerate(terms.items()):
            flow = _flow_of(model, [one for one in names if one in moving], name)
            if flow not in own:
                flow = f"{name} {number}"
                others = {one for other in terms if other != names for one in other}
                is_known = len(directions) == 1
                links += (
                    # Another summand with the same cause hides what this one does to the stock.
                    replace(link, stock=name, drains=-1 in directions)
                    if is_known and link.cause not in others
                    else link
                    for link in _links(model, moving, module, flow, names)
                )
            shapes[flow] = Shape.FLOW
            pipes += [FlowPipe(flow, name)] if 1 in directions else []
            pipes += [FlowPipe(name, flow)] if -1 in directions else []
    elements = {key: Element(key, shape, model.variables.get(key)) for key, shape in shapes.items()}
    shadows = {
        link.source: Element(link.source, Shape.SHADOW, model.variables[link.cause])
        for link in links
        if link.from_outside
    }
    from_clouds = dict(_clouds(shapes, pipes))
    clouds = {key: Element(key, Shape.CLOUD) for key in from_clouds}
    return ModuleParts(
        module,
        elements | clouds | shadows,
        tuple(dict.fromkeys([*pipes, *from_clouds.values()])),
        tuple(dict.fromkeys(links)),
    )


def _moving(model: Model) -> dict[str, None]:
    """Return what may change during a run, in the order of the file."""
    felt = {v.name: v.felt for v in model.variables.values() if v.kind in _MOVING}
    found = {name for name in felt if _moves_itself(model, model.variables[name])}
    size = 0
    while len(found) > size:
        size = len(found)
        found |= {name for name, causes in felt.items() if not found.isdisjoint(causes)}
    return {name: None for name in felt if name in found}


def _moves_itself(model: Model, variable: Variable) -> bool:
    """Whether it is a stock, or reads the clock, chance or data."""
    equations = model.scan.equations[name_key(variable.name)]
    called = (ref.key for equation in equations for ref, _ in equation.references)
    return (
        variable.kind is VariableKind.STOCK
        or any(equation.form is EquationForm.DATA for equation in equations)
        or any(key in _CLOCKED or key.startswith("random") for key in called)
    )


def _links(
    model: Model, moving: Iterable[str], module: str, effect: str, causes: Iterable[str]
) -> Iterator[Link]:
    """Yield the links to an element from what moves."""
    delayed = set(_delayed(model, effect)) if effect in model.variables else set()
    for cause in causes:
        if cause != effect and cause in moving:
            is_outside = model.variables[cause].module != module
            yield Link(cause, effect, cause in delayed, is_outside)


def _trees(model: Model, name: str) -> Iterator[Node]:
    """Yield the nodes of all equations of a variable."""
    for equation in model.scan.equations[name_key(name)]:
        if equation.formula is not None:
            yield from walk(equation.formula)


def _named(model: Model, node: Node) -> Iterator[str]:
    """Yield the variables that an expression names."""
    for below in walk(node):
        if isinstance(below, Name | Call) and below.key in model.scan.equations:
            yield model.scan.equations[below.key][0].name


def _delayed(model: Model, name: str) -> Iterator[str]:
    for node in _trees(model, name):
        if isinstance(node, Call) and node.key.startswith(_DELAYING):
            yield from _named(model, node.arguments[0])


def _terms(model: Model, stock: str) -> dict[tuple[str, ...], set[int]]:
    """Return the summands of a stock's rate by the variables that they name.

    With each whether it fills the stock, 1, or drains it, -1; both where the element decides.
    """
    found: dict[tuple[str, ...], set[int]] = {}
    for node in _trees(model, stock):
        if isinstance(node, Call) and node.key in INTEGRALS:
            for direction, term in _summands(node.arguments[0]):
                if names := tuple(dict.fromkeys(_named(model, term))):
                    found.setdefault(names, set()).add(direction)
    return found


def _summands(node: Node, sign: int = 1) -> Iterator[tuple[int, Node]]:
    match node:
        case Operation("+", (left, right)):
            yield from _summands(left, sign)
            yield from _summands(right, sign)
        case Operation("-", (left, right)):
            yield from _summands(left, sign)
            yield from _summands(right, -sign)
        case Operation("negative", (inner,)):
            yield from _summands(inner, -sign)
        case _:
            yield sign, node


def _flow_of(model: Model, moving: list[str], stock: str) -> str:
    """Return the one flow that a summand is about; empty if it is a formula of its own."""
    is_flow = len(moving) == 1 and model.variables[moving[0]].kind is VariableKind.FLOW
    return moving[0] if is_flow and moving[0] != stock else ""


def _clouds(
    shapes: Mapping[str, Shape], pipes: Iterable[FlowPipe]
) -> Iterator[tuple[str, FlowPipe]]:
    """Yield a cloud, with its pipe, for each flow that comes from nowhere or goes nowhere."""
    sources, targets = {pipe.source for pipe in pipes}, {pipe.target for pipe in pipes}
    for key, shape in shapes.items():
        if shape is Shape.FLOW:
            if key not in targets:
                yield f"{key} from", FlowPipe(f"{key} from", key)
            if key not in sources:
                yield f"{key} to", FlowPipe(key, f"{key} to")
