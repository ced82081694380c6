"""A model's text as PySD can read it: macros written out, and each thing written in one way.

Each call of a macro becomes variables of its own, over the subscripts of the equation that calls
it. Names are then as their definitions have them, keywords in capitals, remarks gone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from plansim.errors import Message, ModelError
from plansim.model.reading.equations import Equation, Scan
from plansim.model.reading.expression import Call, Name, Node, Numbers, Table, name_key
from plansim.model.reading.ranges import free_marks
from plansim.model.records import Model, cell_name
from plansim.model.rewrite import replaced, unparse

__all__ = ["plain_text"]

_REMARK = re.compile(r"\{[^{}]*\}")
_BREAK = re.compile(r"\\\n")


def plain_text(model: Model) -> str:
    """Return equations that compute what a model does, without macros, units and comments.

    Raises:
        ModelError: a macro reads raw data, which only the compiled engine does.
    """
    return _Plain(model).text()


@dataclass
class _Plain:
    """Writes one model once."""

    model: Model
    lines: list[str] = field(default_factory=list)
    calls: dict[int, Mapping[str, str]] = field(default_factory=dict)
    """By where a call stands, the variables that stand for those of its macro."""
    count: int = 0
    """How many calls were written out."""

    @property
    def scan(self) -> Scan:
        return self.model.scan

    def text(self) -> str:
        for range_ in self.scan.ranges.values():
            mapped = ", ".join(name for name, members in range_.mapped if not members)
            arrow = f" -> {mapped}" if mapped else ""
            self.lines.append(f"{range_.name}: {', '.join(range_.elements)}{arrow}")
        for group in self.scan.equations.values():
            for equation in group:
                self._write(equation)
        return "{UTF-8}\n" + "".join(f"{line} ~~|\n" for line in self.lines)

    def _write(self, equation: Equation) -> None:
        left = self._left(equation, equation.name)
        match equation.tree:
            case None:
                return
            case Numbers():
                text = _BREAK.sub(" ", equation.text)
                while text != (text := _REMARK.sub(" ", text)):
                    pass
                right = re.sub(r"^==?", "", text[self._end_of_left(text) :].lstrip())
                self.lines.append(f"{left}= {' '.join(right.split())}")
            case Table():
                self.lines.append(f"{left}{unparse(equation.tree)}")
            case tree:
                self.lines.append(f"{left}= {unparse(self._plain(tree, equation, {}))}")

    def _end_of_left(self, text: str) -> int:
        """Return where the sign of equality stands, in no name in quotes."""
        quoted = re.compile(r'"(?:\\"|[^"])*"|=')
        return next(found.start() for found in quoted.finditer(text) if found[0] == "=")

    def _left(self, equation: Equation, name: str, more: tuple[str, ...] = ()) -> str:
        subscripts = tuple(map(self._subscript, equation.subscripts))
        left = cell_name(name, (*subscripts, *more))
        excepted = [
            cell_name("", (*map(self._subscript, cell), *more)) for cell in equation.exceptions
        ]
        return f"{left} :EXCEPT: {','.join(excepted)}" if excepted else left

    def _subscript(self, name: str) -> str:
        """Return a subscript as its definition has it."""
        key = name_key(name.removesuffix("!"))
        written = self.scan.ranges[key].name if key in self.scan.ranges else None
        written = written or self.scan.elements.get(key, name.removesuffix("!"))
        return written + ("!" if name.endswith("!") else "")

    def _plain(
        self,
        tree: Node,
        equation: Equation,
        inner: Mapping[str, Node],
        more: tuple[str, ...] = (),
    ) -> Node:
        """Return an expression without macros.

        ``inner`` says what names within a macro stand for, and ``more`` over which further ranges
        it is computed.
        """

        def below(node: Call) -> tuple[Node, ...]:
            return tuple(self._plain(one, equation, inner, more) for one in node.arguments)

        def change(node: Node) -> Node | None:
            match node:
                case Name(key, subscripts=()) if key in inner:
                    return inner[key]
                case Call(key) if key in self.scan.macros:
                    call = replace(node, arguments=below(node))
                    return self._called(call, equation, more, nested=bool(inner))
                case Call(key) if isinstance(table := inner.get(key), Name):
                    return Call(table.key, (), below(node), table.written[:1])
                case Name() | Call() if node.written:
                    name, *subscripts = node.written
                    name = name.removesuffix("$") if inner else name
                    if node.key not in self.scan.equations and isinstance(node, Name):
                        name = self._subscript(name)
                    written = (name, *map(self._subscript, subscripts))
                    if isinstance(node, Name):
                        return replace(node, written=written)
                    return replace(node, written=written, arguments=below(node))
            return None

        return replaced(tree, change)

    def _called(
        self, call: Call, equation: Equation, more: tuple[str, ...], *, nested: bool
    ) -> Node:
        """Return the variable that stands for a macro's value where it is called."""
        marks = dict.fromkeys(mark for one in call.arguments for mark in free_marks(one))
        own = tuple(map(self._subscript, marks))
        names = None if nested else self.calls.get(call.start)
        if names is None:
            further = (*more, *(mark.removesuffix("!") for mark in own))
            names = self._expanded(call, equation, further)
            if not nested:
                self.calls[call.start] = names
        return self._name(names[call.part or call.key], equation, (*more, *own))

    def _name(self, name: str, equation: Equation, more: tuple[str, ...]) -> Name:
        written = (name, *map(self._subscript, equation.subscripts), *more)
        return Name(name_key(name), written[1:], written)

    def _expanded(self, call: Call, equation: Equation, more: tuple[str, ...]) -> Mapping[str, str]:
        """Write the equations of a macro for one call, and return their names by key."""
        macro = self.scan.macros[call.key]
        names: dict[str, str] = {}
        while not names or self.scan.equations.keys() & set(map(name_key, names.values())):
            self.count += 1
            start = f"{macro.name} {self.count}"
            names = {key: f"{start} {key.replace('_', ' ')}" for key in macro.equations}
        inner: dict[str, Node] = dict(
            zip(macro.inputs, map(_without_marks, call.arguments), strict=True)
        )
        inner |= {key: self._name(name, equation, more) for key, name in names.items()}
        for key, (body, *_) in macro.equations.items():
            assert body.tree is not None
            if body.is_raw:
                message = Message("only the compiled engine reads raw data in a macro")
                raise ModelError(message, self.model.path, body.line)
            if isinstance(body.tree, Table):
                self.lines.append(f"{names[key]}{unparse(body.tree)}")
                continue
            tree = self._plain(body.tree, equation, inner, more)
            self.lines.append(f"{self._left(equation, names[key], more)}= {unparse(tree)}")
        return names


def _unmarked(mark: str) -> str:
    return mark.removesuffix("!")


def _without_marks(tree: Node) -> Node:
    """Return an argument for one element of each range that a function outside goes over."""
    marks = set(free_marks(tree))

    def change(node: Node) -> Node | None:
        if isinstance(node, Name | Call) and marks & set(node.subscripts):
            name, *subscripts = node.written
            new = replace(
                node,
                subscripts=tuple(map(_unmarked, node.subscripts)),
                written=(name, *map(_unmarked, subscripts)),
            )
            if isinstance(new, Call):
                below = tuple(map(_without_marks, new.arguments))
                return replace(new, arguments=below)
            return new
        return None

    return replaced(tree, change)
