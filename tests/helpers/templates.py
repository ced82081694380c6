"""Every text of a fault, an error or a warning in the sources, as a template, found by `ast`.

``f"no scenario is called '{name}'"`` gives ``no scenario is called '{}'``. A text that a function
is handed (``entry.fault(message, …)``) is looked for where the function is called; one that is
assigned, chosen by ``if``, given back by a function or taken from a table is followed there.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

__all__ = ["Found", "templates_of"]

HOLE = "{}"
MOST = 64
"""Ways to put one text together; more would be a mistake of the search."""

SINKS: dict[str, dict[str, int]] = {
    "Fault": {"message": 0, "expected": 3, "found": 4},
    "FaultLog.add": {"message": 0, "expected": 2, "found": 3},
    "replace": {"message": -1, "expected": -1, "found": -1},
    "EquationSyntaxError": {"message": 1, "expected": 2, "found": 3},
    "UsageError": {"message": 0},
    "BadParameter": {"message": 0},
    "OutputError": {"message": 0},
    "SimulationError": {"message": 0},
}
"""Calls whose arguments a user reads: by parameter, and at which place it stands (-1: by name)."""

LOGS = ("faults", "slips", "log", "warnings")
"""How a `FaultLog` is called where something is added to it; a set has an ``add``, too."""


@dataclass(frozen=True)
class Found:
    """A template and where it stands."""

    text: str
    place: str


@dataclass
class Function:
    """A function, or a class with its fields, by its name."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    module: Module
    owner: str | None = None
    parameters: list[str] = field(default_factory=list)


@dataclass
class Module:
    """A module with what it assigns."""

    path: str
    tree: ast.Module
    imported: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class At:
    """An index into what a function gives back or what a loop runs over."""

    whole: ast.expr
    index: int | None
    loop: bool


def templates_of(root: Path) -> list[Found]:
    """Give every template below a folder, each with every place."""
    return Search(root).run()


class Search:
    """Follows texts through the modules of a package."""

    def __init__(self, root: Path) -> None:
        self.modules = [
            Module(str(path.relative_to(root)), ast.parse(path.read_text("utf-8")))
            for path in sorted(root.rglob("*.py"))
        ]
        self.functions: dict[str, list[Function]] = {}
        self.sinks = {name: dict(places) for name, places in SINKS.items()}
        self.globals: dict[str, list[tuple[Module, ast.expr]]] = {}
        self.owners: dict[int, tuple[str, Function]] = {}
        for module in self.modules:
            self._index(module.tree.body, module, None)
            for node in ast.walk(module.tree):
                if isinstance(node, ast.ImportFrom):
                    module.imported |= {each.asname or each.name for each in node.names}
            for statement in module.tree.body:
                for name, value in _assignments(statement):
                    if isinstance(value, ast.expr):
                        self.globals.setdefault(name, []).append((module, value))

    def _index(self, body: Iterable[ast.stmt], module: Module, owner: str | None) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names = [each.arg for each in (*node.args.posonlyargs, *node.args.args)]
                if owner and names and names[0] in ("self", "cls"):
                    names = names[1:]
                names += [each.arg for each in node.args.kwonlyargs]
                name = owner if node.name == "__init__" and owner else node.name
                found = Function(node, module, owner, names)
                self.functions.setdefault(name, []).append(found)
                self.owners[id(node)] = (name, found)
                self._index(node.body, module, None)
            elif isinstance(node, ast.ClassDef):
                fields = [
                    each.target.id
                    for each in node.body
                    if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
                ]
                found = Function(node, module, None, fields)
                self.functions.setdefault(node.name, []).append(found)
                self._index(node.body, module, node.name)

    def run(self) -> list[Found]:
        """Look through all modules until no further function turns out to hand a text on."""
        while True:
            before = {name: dict(places) for name, places in self.sinks.items()}
            found = list(dict.fromkeys(self._once()))
            if self.sinks == before:
                return found

    def _once(self) -> Iterator[Found]:
        for module in self.modules:
            yield from self._walk(module.tree, module, [])

    def _walk(self, node: ast.AST, module: Module, scopes: list[ast.AST]) -> Iterator[Found]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            scopes = [*scopes, node]
        if isinstance(node, ast.Call):
            for argument in self._read_by_users(node):
                for text in Texts(self, module, scopes).of(argument):
                    if any(letter.isalpha() for letter in text):
                        yield Found(text, f"{module.path}:{argument.lineno}")
        for child in ast.iter_child_nodes(node):
            yield from self._walk(child, module, scopes)

    def _read_by_users(self, call: ast.Call) -> Iterator[ast.expr]:
        name = called(call) or ""
        places = self.sinks.get(name, {})
        if name.endswith("Error") and name not in self.sinks and name in self.functions:
            places = {"message": 0}  # an exception of the package itself
        for parameter, place in list(places.items()):
            if 0 <= place < len(call.args):
                yield call.args[place]
            yield from (each.value for each in call.keywords if each.arg == parameter)

    def hand_on(self, name: str, scopes: list[ast.AST]) -> bool:
        """Note that a parameter of a function around here is read by users."""
        for scope in scopes:
            if id(scope) not in self.owners:
                continue
            of, function = self.owners[id(scope)]
            assert isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef)
            if name in function.parameters:
                if of not in ("add", "replace"):
                    at = function.parameters.index(name)
                    by_name = name in {each.arg for each in scope.args.kwonlyargs}
                    self.sinks.setdefault(of, {})[name] = -1 if by_name else at
                return True
        return False


class Texts:
    """Resolves an expression to all templates that it may be."""

    def __init__(
        self, search: Search, module: Module, scopes: list[ast.AST], *, here: bool = True
    ) -> None:
        self.search, self.module, self.scopes = search, module, scopes
        self.here = here
        self.open: set[int] = set()

    def of(self, node: ast.expr) -> list[str]:
        """Give the templates; a hole alone where nothing is known."""
        if id(node) in self.open or len(self.open) > 60:
            return [HOLE]
        self.open.add(id(node))
        try:
            return list(dict.fromkeys(self._of(node)))[:MOST]
        finally:
            self.open.discard(id(node))

    def _of(self, node: ast.expr) -> list[str]:
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.Constant(value=None):
                return []
            case ast.JoinedStr(values=values):
                found = self._joined([self._piece(each) for each in values])
                if self.here and not any(letter.isalpha() for text in found for letter in text):
                    for each in values:  # f"{message}: {row}" is another text with a frame
                        if isinstance(each, ast.FormattedValue):
                            found += [text for text in self.of(each.value) if text != HOLE]
                return found
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                return self._joined([self.of(left), self.of(right)])
            case ast.IfExp(body=body, orelse=orelse):
                return [*self.of(body), *self.of(orelse)]
            case ast.BoolOp(values=values):
                return [text for each in values for text in self.of(each)]
            case ast.NamedExpr(value=value):
                return self.of(value)
            case ast.Name(id=name):
                return self._name(name)
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=int(index))):
                given = [each for scope in self.scopes for each in assigned(scope).get(name, [])]
                found = [
                    text
                    for each in given
                    if isinstance(each, ast.expr)
                    for text in self._at(At(each, index, loop=False))
                ]
                return found or [HOLE]
            case ast.Subscript(value=value):
                return self._entries(value)
            case ast.Call():
                return self._call(node)
            case ast.Starred(value=value):
                return self.of(value)
        return [HOLE]

    def _piece(self, node: ast.expr) -> list[str]:
        if isinstance(node, ast.Constant):
            return [str(node.value)]
        assert isinstance(node, ast.FormattedValue)
        value = node.value
        if isinstance(value, ast.IfExp | ast.Constant):
            return self.of(value)
        if isinstance(value, ast.Name):
            for scope in reversed(self.scopes):
                found = assigned(scope).get(value.id, [])
                if found and all(_is_plain(each) for each in found):
                    return [text for each in found for text in self._value(each)]
        return [HOLE]

    def _joined(self, parts: list[list[str]]) -> list[str]:
        ways = itertools.islice(itertools.product(*(each or [HOLE] for each in parts)), MOST)
        return ["".join(way) for way in ways]

    def _name(self, name: str) -> list[str]:
        for depth in range(len(self.scopes), 0, -1):
            scope = self.scopes[depth - 1]
            assert isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            found = assigned(scope).get(name, [])
            handed = self.here and self.search.hand_on(name, [scope])
            if found or handed:
                defaults = _default(scope, name) if handed else None
                every = [*found, *([defaults] if defaults is not None else [])]
                return [text for value in every for text in self._value(value)] or [HOLE]
        for module, value in self.search.globals.get(name, []):
            if module is self.module or name in self.module.imported:
                return self._other(value, module)
        return [HOLE]

    def _other(
        self, node: ast.expr, module: Module, scopes: list[ast.AST] | None = None
    ) -> list[str]:
        other = Texts(self.search, module, scopes or [], here=False)
        other.open = self.open
        return other.of(node)

    def _value(self, value: ast.expr | At) -> list[str]:
        if isinstance(value, At):
            return self._at(value)
        return self.of(value)

    def _at(self, at: At) -> list[str]:
        node, wanted = at.whole, at.index
        if isinstance(node, ast.IfExp):
            return [
                *self._at(At(node.body, wanted, at.loop)),
                *self._at(At(node.orelse, wanted, at.loop)),
            ]
        if isinstance(node, ast.Tuple | ast.List) and not at.loop and wanted is not None:
            return self.of(node.elts[wanted]) if wanted < len(node.elts) else [HOLE]
        if isinstance(node, ast.Tuple | ast.List) and at.loop:
            rows = list(node.elts)
            if wanted is None:
                return [text for row in rows for text in self.of(row)]
            return [text for row in rows for text in self._at(At(row, wanted, False))]
        if isinstance(node, ast.Call):
            return [
                text
                for given, module, scope in self._given(node)
                for text in self._other_at(given, wanted, module, scope)
            ] or [HOLE]
        if isinstance(node, ast.Name) and not at.loop:
            for scope in reversed(self.scopes):
                values = assigned(scope).get(node.id, [])
                if values:
                    return [
                        text
                        for value in values
                        if isinstance(value, ast.expr)
                        for text in self._at(At(value, wanted, at.loop))
                    ] or [HOLE]
        if isinstance(node, ast.Subscript | ast.Name):
            return self._entries(node, wanted)
        return [HOLE]

    def _other_at(
        self, node: ast.expr, wanted: int | None, module: Module, scope: ast.AST
    ) -> list[str]:
        other = Texts(self.search, module, [scope], here=False)
        other.open = self.open
        if wanted is None:
            return other.of(node)
        return other._at(At(node, wanted, False))

    def _given(self, call: ast.Call) -> Iterator[tuple[ast.expr, Module, ast.AST]]:
        """Give what a function of the package returns or yields."""
        name = called(call)
        for function in self.search.functions.get(name or "", []):
            near = function.module is self.module or name in self.module.imported
            if isinstance(function.node, ast.ClassDef) or not (
                near or (function.owner and isinstance(call.func, ast.Attribute))
            ):
                continue
            for value in given_back(function.node):
                yield value, function.module, function.node

    def _call(self, node: ast.Call) -> list[str]:
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr in ("format", "strip"):
            return self.of(function.value)
        if isinstance(function, ast.Attribute) and function.attr == "get":
            return [*self._entries(function.value), *(t for a in node.args[1:] for t in self.of(a))]
        if isinstance(function, ast.Attribute) and function.attr == "join":
            return [HOLE]
        if called(node) == "str" and node.args:
            return self.of(node.args[0])
        if called(node) in ("repr", "next"):
            return [HOLE]
        found = [
            text
            for given, module, scope in self._given(node)
            for text in self._other(given, module, [scope])
        ]
        return found or [HOLE]

    def _entries(self, node: ast.expr, wanted: int | None = None) -> list[str]:
        """Give all that a table holds."""
        if isinstance(node, ast.Name):
            for module, value in self.search.globals.get(node.id, []):
                if module is not self.module and node.id not in self.module.imported:
                    continue
                if isinstance(value, ast.Call) and value.args:
                    value = value.args[0]
                if isinstance(value, ast.Dict):
                    other = Texts(self.search, module, [], here=False)
                    other.open = self.open
                    if wanted is None:
                        return [text for each in value.values for text in other.of(each)]
                    return [
                        text for each in value.values for text in other._at(At(each, wanted, False))
                    ]
        return [HOLE]


def called(call: ast.Call) -> str | None:
    """Name what is called; `add` only of a log."""
    function = call.func
    if isinstance(function, ast.Name):
        return function.id
    if isinstance(function, ast.Attribute):
        if function.attr == "add":
            owner = function.value
            last = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            return "FaultLog.add" if last in LOGS else None
        return function.attr
    return None


def _is_plain(value: ast.expr | At) -> bool:
    """Whether it is a text, or one of two."""
    if isinstance(value, ast.IfExp):
        return _is_plain(value.body) and _is_plain(value.orelse)
    if isinstance(value, ast.Constant):
        return isinstance(value.value, str)
    return isinstance(value, ast.JoinedStr)


@cache
def assigned(scope: ast.AST) -> dict[str, list[ast.expr | At]]:
    """Give what is assigned to each name in a function."""
    found: dict[str, list[ast.expr | At]] = {}
    for name, value in _assignments(scope):
        found.setdefault(name, []).append(value)
    return found


@cache
def given_back(scope: ast.AST) -> list[ast.expr]:
    """Give what a function returns or yields."""
    return [
        each.value
        for each in _own(scope)
        if isinstance(each, ast.Return | ast.Yield) and each.value is not None
    ]


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """Walk a function without those inside of it."""
    for child in ast.iter_child_nodes(scope):
        yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _own(child)


def _assignments(scope: ast.AST) -> Iterator[tuple[str, ast.expr | At]]:
    """Give what is assigned to each name in a function, or by a statement."""
    for node in (scope, *_own(scope)) if not isinstance(scope, ast.FunctionDef) else _own(scope):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    yield from _bound(target, value, loop=False)
            case ast.AnnAssign(target=target, value=value) if value is not None:
                yield from _bound(target, value, loop=False)
            case ast.AugAssign(target=ast.Name(id=name), value=value):
                yield name, ast.BinOp(ast.Constant(HOLE), ast.Add(), value)
            case ast.NamedExpr(target=target, value=value):
                yield from _bound(target, value, loop=False)
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                yield from _bound(target, value, loop=True)


def _bound(target: ast.expr, value: ast.expr, *, loop: bool) -> Iterator[tuple[str, ast.expr | At]]:
    if isinstance(target, ast.Name):
        yield target.id, At(value, None, loop) if loop else value
    elif isinstance(target, ast.Tuple):
        for index, each in enumerate(target.elts):
            if isinstance(each, ast.Name):
                yield each.id, At(value, index, loop)


def _default(scope: ast.AST, name: str) -> ast.expr | None:
    if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    ordered = [*scope.args.posonlyargs, *scope.args.args]
    pairs: list[tuple[ast.arg, ast.expr | None]] = [
        *zip(reversed(ordered), reversed(scope.args.defaults), strict=False),
        *zip(scope.args.kwonlyargs, scope.args.kw_defaults, strict=True),
    ]
    return next((value for argument, value in pairs if argument.arg == name), None)
