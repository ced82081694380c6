"""From a Vensim model to the Python source that PySD runs, cached on disk.

PySD is given a copy of the text in a folder of its own, since it writes its output beside its
input. Between its parser and its builder the model is amended:

- Numbers become floats. An integer as the initial value of a SMOOTH would make an integer state,
  which truncates the first step.
- ``:NA:`` becomes the number that Vensim has for it.
- Comments are dropped. PySD writes them raw into Python docstrings, so that a comment could end
  the docstring and continue as code.
- Equations that read other files (GET XLS …, data variables) are refused.

In the source that the builder writes, what switches only at the start of a step is moved to the
functions of the list `SWITCHES`, and read as ``SWITCH(index)``, which is given before a run.
PULSE and PULSE TRAIN are Vensim's (`_PULSE`).
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import math
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from plansim.cache import digest, kept
from plansim.engine.trajectory import version_of
from plansim.errors import Fault, Message, ModelError
from plansim.model.reading.equations import EquationForm
from plansim.model.reading.expression import MISSING, Call, Name, Node, Numbers, name_key
from plansim.model.records import Model
from plansim.model.rewrite import AddedEquation, replaced, unparse

__all__ = ["SWITCH", "SWITCHES", "quiet_pysd", "translated"]


def translated(model: Model) -> str:
    """Return the Python source of a model, from the cache.

    Raises:
        ModelError: PySD cannot translate the model.
    """
    key = digest(model.text, version_of("pysd"), Path(__file__).read_bytes())
    return kept("models", key, str, partial(_with_switches, model))


@contextlib.contextmanager
def quiet_pysd() -> Iterator[None]:
    """Suppress warnings: of tables read beyond their ends, of orders that PySD lowers, and more."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


# --- Switches -------------------------------------------------------------------------------------

SWITCH = "__switch__"
SWITCHES = "__switches__"
_PULSE = """
import numpy as np
def pulse(time, start, repeat_time=None, width=0.0, end=None):
    step = time.time_step()
    plus = time() + step / 2
    if end is None:
        return 1.0 * ((start < plus) & (plus < start + np.where(width == 0, step, width)))
    width = np.maximum(width, step)
    on = (repeat_time < width) | (np.mod(plus - start, repeat_time) < width)
    return 1.0 * ((start < plus) & (time() < end + 1e-6) & on)
"""
"""PySD's begins at or after its start, is nothing without width, and ends early."""


def _with_switches(model: Model) -> str:
    """Return PySD's source with what keeps its value through a step as functions of their own.

    These are comparisons that depend on the time and on no stock, the conditions of STEP, PULSE and
    PULSE TRAIN, SAMPLE IF TRUE and random functions. The height of a STEP is no part of it.
    """
    source = _translate(model)
    if model.moving_clock:  # asked for before there is a step in which anything could be frozen
        return f"{source}\n{_PULSE}{SWITCHES} = []\n"
    module = ast.parse(source)
    switches = _SwitchFinder(_dependencies(module))
    module = switches.visit(module)
    functions = ", ".join(f"lambda: {expression}" for expression in switches.expressions)
    return f"{ast.unparse(module)}\n{_PULSE}{SWITCHES} = [{functions}]\n"


def _dependencies(module: ast.Module) -> dict[str, set[str]]:
    """Return what PySD's elements read while a run goes on, as their decorators tell."""
    reads: dict[str, set[str]] = {}
    for function in module.body:
        for decorator in getattr(function, "decorator_list", ()):
            parts = {part.arg: part.value for part in decorator.keywords}
            assert isinstance(function, ast.FunctionDef)
            reads[function.name] = set(ast.literal_eval(parts.get("depends_on", _NOTHING)))
            for name, phases in ast.literal_eval(parts.get("other_deps", _NOTHING)).items():
                reads[name] = set(phases["step"])
    return reads


_NOTHING = ast.Dict([], [])


class _SwitchFinder(ast.NodeTransformer):
    """Puts calls of `SWITCH` in the place of expressions, and lists these."""

    def __init__(self, reads: dict[str, set[str]]) -> None:
        self.reads = reads
        self.expressions: list[str] = []

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        return self._switch(node) if self._is_of_time(node) else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        function = ast.unparse(node.func)
        of_time = bool(node.args) and ast.unparse(node.args[0]) == "__data['time']"
        if function == "step" and of_time:
            clock, height, when = node.args
            condition = ast.Call(node.func, [clock, ast.Constant(1.0), when], [])
            return ast.BinOp(height, ast.Mult(), self._switch(condition))
        if (function == "pulse" and of_time) or function.startswith(_ONCE_A_STEP):
            return self._switch(node)
        return node

    def _switch(self, node: ast.expr) -> ast.expr:
        self.expressions.append(ast.unparse(node))
        index = ast.Constant(len(self.expressions) - 1)
        return ast.Call(ast.Name(SWITCH), [index], [])

    def _is_of_time(self, node: ast.expr) -> bool:
        """Return whether an expression depends, within a step, on the time and on no stock."""
        waiting = [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]
        reached: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in self.reads and name not in reached and not name.startswith(_STAYING):
                reached.add(name)
                waiting += self.reads[name]
        stocks = (n for n in reached if n.startswith("_") and not n.startswith("_active_initial_"))
        return "time" in reached and not any(stocks)


_ONCE_A_STEP = ("_sampleiftrue_", "np.random.", "stats.")
_STAYING = ("_initial_", "_delayfixed_", "_sampleiftrue_")
"""Elements of PySD that keep their value through a step."""


def _translate(model: Model) -> str:
    """Return what PySD makes of a model's text, or of a plainer one that computes the same."""
    _refuse(model)
    try:
        return _translated(model, model.text)
    except ModelError as error:
        with contextlib.suppress(ModelError):
            return _translated(model, _plain_text(model))
        raise error


def _plain_text(model: Model) -> str:
    """Return a model's equations alone: names as in their definitions, keywords in capitals."""
    scan = model.scan

    def subscript(name: str) -> str:
        bare = name.removesuffix("!")
        key = name_key(bare)
        own = scan.ranges[key].name if key in scan.ranges else scan.elements.get(key, bare)
        return own + name[len(bare) :]

    def change(node: Node) -> Node | None:
        if not isinstance(node, Name | Call):
            return None
        name, *subscripts = node.written
        if isinstance(node, Name) and node.key not in scan.equations:
            name = subscript(name)
        node = replace(node, written=(name, *map(subscript, subscripts)))
        if isinstance(node, Name):
            return node
        return replace(node, arguments=tuple(replaced(one, change) for one in node.arguments))

    lines = ["{UTF-8}"]
    for range_ in scan.ranges.values():
        mapped = ", ".join(name for name, members in range_.mapped if not members)
        arrow = f" -> {mapped}" if mapped else ""
        lines.append(f"{range_.name}: {', '.join(range_.elements)}{arrow} ~~|")
    for equation in (one for group in scan.equations.values() for one in group if one.tree):
        assert equation.tree is not None
        names = tuple(map(subscript, equation.subscripts))
        excepted = tuple(tuple(map(subscript, cell)) for cell in equation.exceptions)
        left = AddedEquation(equation.name, "", names, exceptions=excepted).left
        right = unparse(replaced(equation.tree, change))
        if isinstance(equation.tree, Numbers):
            right = _rows(equation.tree.values, [len(scan.dimension(name)) for name in names])
        lines.append(f"{left}{right} ~~|" if equation.is_table else f"{left}= {right} ~~|")
    return "\n".join([*lines, ""])


def _rows(numbers: Sequence[float], shape: Sequence[int]) -> str:
    """Return the numbers of an array as Vensim writes them: a matrix row by row."""
    *others, width = [size for size in shape if size > 1] or [1]
    rows = [", ".join(map(repr, numbers[i : i + width])) for i in range(0, len(numbers), width)]
    return "; ".join([*rows, ""]) if others and len(numbers) > 1 else ", ".join(rows)


def _translated(model: Model, text: str) -> str:
    from pysd.builders.python.python_model_builder import ModelBuilder
    from pysd.translators.vensim.vensim_file import VensimFile

    with tempfile.TemporaryDirectory(prefix="plansim-") as folder, quiet_pysd():
        path = Path(folder) / "model.mdl"
        path.write_text(text, "utf-8")
        try:
            file = VensimFile(path, encoding="utf-8")
            file.parse()
            abstract = _amended(file.get_abstract_model())
            return Path(ModelBuilder(abstract).build_model()).read_text("utf-8")
        except Exception as error:  # PySD raises whatever its parser, builder or black does
            reason = str(error).strip().splitlines() or [type(error).__name__]
            message = Message("PySD cannot translate the model")
            raise ModelError(message, model.path, found=reason[0]) from error


_UNKNOWN = frozenset(
    {"delay_information", "delay_material", "demand_at_price", "depreciate_straightline"}
    | {"find_market_price", "gamma_ln", "lookup_area", "supply_at_price"}
    | {"lookup_backward", "lookup_extrapolate", "lookup_forward", "lookup_invert", "lookup_slope"}
    | {"npv", "npve", "reinitial", "sinteg", "time_base", "time_shift", "vector_lookup"}
    | {"get_data_at_time", "get_data_between_times", "get_data_first_time", "get_data_last_time"}
    | {"get_data_max", "get_data_mean", "get_data_min", "random_triangular", "vector_elm_map"}
)
"""Functions that PySD does not have, by `name_key`."""


def _refuse(model: Model) -> None:
    """Raise ModelError if a model calls what PySD does not have, or has it read other files.

    Of macros PySD computes those without stocks and arrays alone.
    """
    faults = []
    for equation in (one for group in model.scan.equations.values() for one in group):
        outside = any(key.startswith(("get_direct_", "get_xls_")) for key in equation.called)
        if outside or equation.form is EquationForm.DATA:
            faults.append(
                Fault("'{name}' reads another file", model.path, equation.line, name=equation.name)
            )
        faults += [
            Fault(
                "PySD has no function {name}",
                model.path,
                equation.line_of(node),
                expected=Message("the compiled engine"),
                name=node.key.replace("_", " ").upper(),
            )
            for node, _ in equation.references
            if isinstance(node, Call) and (node.key in _UNKNOWN or node.key in model.scan.macros)
        ]
    if faults:
        raise ModelError(dict.fromkeys(faults))


def _amended(abstract: Any) -> Any:
    """Return a part of PySD's AbstractModel without comments, and with floats for all numbers."""
    match abstract:
        case bool() | str() | None:
            return abstract
        case float() if math.isnan(abstract):
            return MISSING
        case int() | np.integer():
            return float(abstract)
        case np.ndarray():
            return abstract.astype(float)
        case list() | tuple():
            return type(abstract)(_amended(part) for part in abstract)
        case _ if dataclasses.is_dataclass(abstract) and not isinstance(abstract, type):
            names = (field.name for field in dataclasses.fields(abstract) if field.init)
            parts = {name: _amended(getattr(abstract, name)) for name in names}
            if "documentation" in parts:
                parts["documentation"] = ""
            return dataclasses.replace(abstract, **parts)
        case _:
            return abstract
