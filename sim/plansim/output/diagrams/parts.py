"""What a stock-and-flow drawing of one module consists of, read from the model's equations.

Stocks, the flows that fill and drain them, and the auxiliaries between. What does not change in a
run (constants, lookup tables, sums of constants) is left to the text, and in a large module what
nothing else uses. The drawing collapses subscripts: an array is one element. A variable of another
module is drawn beside each element that it acts on, as Vensim's shadow variables are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TypeAlias

from plansim.model.reading.equations import EquationForm
from plansim.model.reading.expression import Call, Name, Node, Number, Operation, name_key, walk
from plansim.model.reading.functions import INTEGRALS
from plansim.model.records import Model, Variable, VariableKind

__all__ = [
    "Element",
    "FlowPipe",
    "Link",
    "ModuleParts",
    "Shape",
    "Signs",
    "Unnamed",
    "module_parts",
    "modules_drawn",
]

Signs: TypeAlias = Mapping[tuple[str, str], int]
"""Of causal links, by cause and effect: 1 if the effect moves with its cause, -1 if against it, 0
if now one and now the other."""

WHOLE = 34
"""Up to so many moving variables a module is drawn whole; above, without what nothing uses."""

_MOVING = frozenset({VariableKind.STOCK, VariableKind.FLOW, VariableKind.AUXILIARY})
_CLOCKED = frozenset({"pulse", "pulse_train", "ramp", "step"})
"""The functions that read the clock; random ones begin with the word."""
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
    variable: Variable | None
    serves: tuple[str, ...] = ()
    """The modules that use it."""


@dataclass(frozen=True)
class FlowPipe:
    """Material on its way from one element to the next: stock, flow or cloud."""

    source: str
    target: str
    two_way: bool = False
    """Whether it may as well go back: the flow closes a gap from either side."""


@dataclass(frozen=True)
class Link:
    """A causal link."""

    cause: str
    effect: str
    delayed: bool = False
    from_outside: bool = False
    """Whether the cause belongs to another module."""

    @property
    def source(self) -> str:
        """The key of the element at which the link begins."""
        return f"‹{self.cause}› {self.effect}" if self.from_outside else self.cause


@dataclass(frozen=True)
class Unnamed:
    """A flow without a name: a summand of a stock's rate that no variable stands for."""

    stock: str
    direction: int
    """1 if it fills the stock, -1 if it drains it."""
    alone: frozenset[str]
    """What acts on the stock by this flow only: its sign is that of its link to the stock."""


@dataclass(frozen=True)
class ModuleParts:
    """One module, ready to be laid out."""

    module: str
    elements: Mapping[str, Element]
    pipes: tuple[FlowPipe, ...]
    links: tuple[Link, ...]
    folded: tuple[str, ...]
    """The moving variables that are left out, because nothing else in the model uses them."""
    unnamed: Mapping[str, Unnamed]
    """The flows without a name, by their keys."""

    def sign(self, cause: str, effect: str, signs: Signs) -> int | None:
        """Return the sign of a link of the drawing, of those between variables; None if unknown."""
        flow = self.unnamed.get(effect)
        if flow is None:
            return signs.get((cause, effect))
        found = signs.get((cause, flow.stock)) if cause in flow.alone else None
        return None if found is None else found * flow.direction


@dataclass(frozen=True)
class _Term:
    """A summand of a stock's rate."""

    signs: frozenset[int]
    """1 fills the stock, -1 drains it; both where the subscript decides."""
    two_way: bool
    names: tuple[str, ...]


def modules_drawn(model: Model) -> tuple[str, ...]:
    """Return the modules that have something to draw, in the order of the file.

    >>> plansim.modules_drawn(plansim.load_model("lake.mdl"))
    ('',)
    """
    reading = _ModuleReading(model, "")
    return tuple(dict.fromkeys(model.variables[name].module for name in reading.moving))


def module_parts(model: Model, module: str) -> ModuleParts:
    """Read what is to be drawn of a module, and how it hangs together."""
    return _ModuleReading(model, module).parts()


class _ModuleReading:
    """Reads one module; used once."""

    def __init__(self, model: Model, module: str) -> None:
        self.model = model
        self.module = module
        self.equations = model.scan.equations
        self.users: dict[str, list[Variable]] = {}
        for variable in model.variables.values():
            for cause in variable.felt:
                self.users.setdefault(cause, []).append(variable)
        self.own = {
            variable.name: variable
            for variable in model.variables.values()
            if variable.module == module and variable.name in self.moving
        }

    @cached_property
    def moving(self) -> Mapping[str, None]:
        """Return what may change during a run, in the order of the file."""
        drawn = {v.name: v for v in self.model.variables.values() if v.kind in _MOVING}
        front = [name for name, v in drawn.items() if self._moves_itself(v)]
        found = set(front)
        while front:
            for user in self.users.get(front.pop(), ()):
                if user.name in drawn and user.name not in found:
                    found.add(user.name)
                    front.append(user.name)
        return {name: None for name in drawn if name in found}

    def _moves_itself(self, variable: Variable) -> bool:
        """Whether it is a stock, or reads the clock, chance or data."""
        if variable.kind is VariableKind.STOCK:
            return True
        equations = self.equations[name_key(variable.name)]
        called = {
            ref.key
            for equation in equations
            for ref, _ in equation.references
            if isinstance(ref, Call) or ref.key == "time"
        }
        return any(equation.form is EquationForm.DATA for equation in equations) or any(
            key == "time" or key in _CLOCKED or key.startswith("random") for key in called
        )

    def parts(self) -> ModuleParts:
        kept = self._kept()
        shapes = {
            name: Shape.STOCK if self.own[name].kind is VariableKind.STOCK else Shape.AUXILIARY
            for name in kept
        }
        pipes: list[FlowPipe] = []
        links: list[Link] = []
        unnamed: dict[str, Element] = {}
        flows: dict[str, Unnamed] = {}
        for name in kept:
            if shapes[name] is not Shape.STOCK:
                links += self._links(name, self.own[name].felt, kept)
                continue
            terms = self._terms(name)
            for number, term in enumerate(terms):
                flow = self._flow_of(term, name)
                if flow in kept:
                    shapes[flow] = Shape.FLOW
                else:
                    flow = f"{name} {number}"
                    unnamed[flow] = Element(flow, Shape.FLOW, None)
                    flows[flow] = _unnamed(name, term, terms)
                    links += self._links(flow, term.names, kept)
                pipes += [FlowPipe(flow, name, term.two_way)] if 1 in term.signs else []
                pipes += [FlowPipe(name, flow)] if -1 in term.signs else []
        elements = {
            name: Element(name, shapes[name], self.own[name], self._serves(name)) for name in kept
        } | unnamed
        clouds = dict(_clouds(elements, pipes))
        shadows = {
            link.source: Element(link.source, Shape.SHADOW, self.model.variables[link.cause])
            for link in links
            if link.from_outside
        }
        return ModuleParts(
            self.module,
            elements | {cloud.key: cloud for cloud in clouds.values()} | shadows,
            tuple(dict.fromkeys([*pipes, *clouds])),
            tuple(dict.fromkeys(links)),
            tuple(name for name in self.own if name not in elements),
            flows,
        )

    def _kept(self) -> dict[str, None]:
        """Return what is drawn, in the order of the file."""
        if len(self.own) <= WHOLE:
            return dict.fromkeys(self.own)
        kept = {
            name
            for name, variable in self.own.items()
            if variable.kind is not VariableKind.AUXILIARY or self._serves(name)
        }
        front = list(kept)
        while front:
            for cause in self.own[front.pop()].felt:
                if cause in self.own and cause not in kept:
                    kept.add(cause)
                    front.append(cause)
        return {name: None for name in self.own if name in kept}

    def _serves(self, name: str) -> tuple[str, ...]:
        others = (user.module for user in self.users.get(name, ()) if user.module != self.module)
        return tuple(dict.fromkeys(others))

    def _links(
        self, effect: str, causes: Sequence[str], kept: Mapping[str, None]
    ) -> Iterator[Link]:
        """Return the links to an element from what moves."""
        delayed = set(self._delayed(effect)) if effect in self.own else set()
        for cause in causes:
            outside = self.model.variables[cause].module != self.module
            if cause != effect and (cause in kept or (outside and cause in self.moving)):
                yield Link(cause, effect, cause in delayed, outside)

    def _trees(self, name: str) -> Iterator[Node]:
        for equation in self.equations[name_key(name)]:
            if equation.formula is not None:
                yield equation.formula

    def _named(self, node: Node) -> Iterator[str]:
        for below in walk(node):
            if isinstance(below, Name | Call) and below.key in self.equations:
                yield self.equations[below.key][0].name

    def _delayed(self, name: str) -> Iterator[str]:
        for tree in self._trees(name):
            for node in walk(tree):
                if isinstance(node, Call) and node.key.startswith(_DELAYING):
                    yield from self._named(node.arguments[0])

    # Flows

    def _terms(self, stock: str) -> list[_Term]:
        """Return the summands of a stock's rate; equal ones of several elements once."""
        found: dict[tuple[str, ...], _Term] = {}
        for tree in self._trees(stock):
            for node in walk(tree):
                if isinstance(node, Call) and node.key in INTEGRALS:
                    for sign, term in _summands(node.arguments[0]):
                        names = tuple(dict.fromkeys(self._named(term)))
                        other = found.get(names, _Term(frozenset(), False, names))
                        if names:
                            found[names] = self._joined(other, sign, term)
        return list(found.values())

    def _joined(self, other: _Term, sign: int, term: Node) -> _Term:
        """Add a summand to one of the same names; of constants among the factors signs are known.

        A difference among them is a gap, which may close from either side.
        """
        gap = other.two_way
        signs = {sign}
        for factor in _factors(term):
            gap |= isinstance(factor, Operation) and factor.operator == "-"
            signs |= {-sign for number in self._numbers(factor) if number < 0}
        return _Term(frozenset({1}) if gap else other.signs | signs, gap, other.names)

    def _numbers(self, node: Node) -> tuple[float, ...]:
        if isinstance(node, Number):
            return (node.value,)
        if not isinstance(node, Name) or node.key not in self.equations:
            return ()
        value = self.model.variables[self.equations[node.key][0].name].value
        if isinstance(value, Mapping):
            return tuple(value.values())
        return () if value is None else (value,)

    def _flow_of(self, term: _Term, stock: str) -> str:
        """Return the one flow that a summand is about; empty if it is a formula of its own."""
        moving = [name for name in term.names if name in self.moving]
        flows = [name for name in moving if self.model.variables[name].kind is VariableKind.FLOW]
        return flows[0] if len(moving) == 1 and flows and stock not in term.names else ""


def _unnamed(stock: str, term: _Term, terms: Sequence[_Term]) -> Unnamed:
    others = {name for other in terms if other is not term for name in other.names}
    alone = frozenset(term.names) - others if len(term.signs) == 1 else frozenset()
    return Unnamed(stock, min(term.signs), alone)


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


def _factors(node: Node) -> Iterator[Node]:
    match node:
        case Operation("*", (left, right)):
            yield from _factors(left)
            yield from _factors(right)
        case Operation("/", (left, _)):
            yield from _factors(left)
        case _:
            yield node


def _clouds(
    elements: Mapping[str, Element], pipes: list[FlowPipe]
) -> Iterator[tuple[FlowPipe, Element]]:
    """Return a cloud, with its pipe, to each flow that comes from nowhere or goes nowhere."""
    sources = {pipe.source for pipe in pipes}
    targets = {pipe.target for pipe in pipes}
    both = {pipe.source for pipe in pipes if pipe.two_way}
    for key, element in elements.items():
        if element.shape is Shape.FLOW:
            if key not in targets:
                cloud = Element(f"{key} from", Shape.CLOUD, None)
                yield FlowPipe(cloud.key, key, key in both), cloud
            if key not in sources:
                cloud = Element(f"{key} to", Shape.CLOUD, None)
                yield FlowPipe(key, cloud.key), cloud
