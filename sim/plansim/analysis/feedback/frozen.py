"""A variant of a model in which what a loop feeds back can be held still from any time on.

A switch, set to 0, freezes what is felt at its *initial* value. To ask what a loop does in a later
year, it has to be held at what it is when that year begins. What a switch multiplies is what the
loop feeds back, so each product with a switch, ``switch*deviation``, is written anew as ::

    SAMPLE IF TRUE(Time <= switch held from, switch*deviation, switch*deviation)

with a new constant, ``switch held from``, for each switch. While the time is not past it nothing
differs from the model, bit for bit; after it the product stays what it was then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from plansim.compiler.expression_tree import Call, Name, Node, Operation, left_side, read_right_side
from plansim.compiler.unparse import unparse
from plansim.errors import FaultLog
from plansim.model.reader import parse_model
from plansim.model.records import Model
from plansim.model.scan import Equation, Form, scan_text
from plansim.model.syntax import name_key

__all__ = ["Holdable", "holdable"]

_SKETCH = "\\\\\\---///"
"""Where Vensim's drawings begin: no equation may follow."""


@dataclass(frozen=True)
class Holdable:
    """A model with constants that say from when on each switch's products are held."""

    model: Model
    holds: Mapping[str, str]
    """By switch, the constant: a time. A switch that multiplies nothing has none."""
    never: float
    """A time after the end of every run: what holds nothing."""


def holdable(model: Model, switches: Sequence[str]) -> Holdable:
    """Give the variant of a model in which switches can be held.

    Raises:
        ModelError: the variant cannot be read, which would be a fault of this module.
    """
    never = model.time.final + 1e4
    holds = {switch: _constant(switch) for switch in dict.fromkeys(switches)}
    body, mark, sketch = model.text.partition(_SKETCH)
    held: set[str] = set()
    scan = scan_text(model.text, FaultLog(model.path))
    for equation in [each for some in scan.equations.values() for each in some]:
        found = [each for each in holds if _names(equation, each)]
        if not found or equation.form not in (Form.EQUATION, Form.UNCHANGEABLE):
            continue
        tree = read_right_side(equation)
        for switch in found:
            tree, count = _held(tree, name_key(switch), name_key(holds[switch]))
            held |= {switch} if count else set()
        body = body.replace(
            equation.text, f"{left_side(equation)}{equation.form.value} {unparse(tree)}", 1
        )
    kept = {switch: constant for switch, constant in holds.items() if switch in held}
    added = "".join(f"{constant}= {never!r} ~~|\n" for constant in kept.values())
    return Holdable(parse_model(f"{body}\n{added}{mark}{sketch}", model.path), kept, never)


def _constant(switch: str) -> str:
    """Name the constant of a switch, which may be a name in quotes."""
    quote = '"' if switch.startswith('"') else ""
    return f"{quote}{switch.strip(quote or None)} held from{quote}"


def _names(equation: Equation, name: str) -> bool:
    return any(name_key(each.name) == name_key(name) for each in equation.expression.references)


def _held(tree: Node, switch: str, constant: str) -> tuple[Node, int]:
    """Wrap each product that has a switch as a factor; say how many there are."""
    if any(each == Name(switch) for each in _factors(tree)) and tree != Name(switch):
        early = Operation("<=", (Name("time"), Name(constant)))
        return Call("sample_if_true", (), (early, tree, tree)), 1
    match tree:
        case Operation(operator, operands):
            parts = [_held(each, switch, constant) for each in operands]
            return Operation(operator, tuple(each for each, _ in parts)), _count(parts)
        case Call(key, subscripts, arguments):
            parts = [_held(each, switch, constant) for each in arguments]
            return Call(key, subscripts, tuple(each for each, _ in parts)), _count(parts)
        case _:
            return tree, 0


def _count(parts: Sequence[tuple[Node, int]]) -> int:
    return sum(count for _, count in parts)


def _factors(tree: Node) -> Iterator[Node]:
    """Give the factors of a product; a divisor is none, nor is what stands in a sum."""
    match tree:
        case Operation("*", (left, right)):
            yield from _factors(left)
            yield from _factors(right)
        case Operation("/", (left, _)) | Operation("negative", (left,)):
            yield from _factors(left)
        case _:
            yield tree
