"""What is wrong between equations: names that nothing defines, or that are defined twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import chain

from plansim.errors import FaultLog, Message
from plansim.model.reading.equations import MAX_ELEMENTS, Equation, Scan, short
from plansim.model.reading.expression import Call, Name, name_key
from plansim.model.reading.function_names import FUNCTIONS, UNCOMPUTED_FUNCTIONS

__all__ = ["check_sizes", "check_soundness", "is_function_call"]

_BARE_NOT = re.compile(r":NOT:[^(),:]*(?:\([^()]*\)[^(),:]*)*[<>=]", re.IGNORECASE)
"""A negation whose comparison has no brackets: by Vensim's manual it is of the first operand."""


def check_soundness(scan: Scan, faults: FaultLog, warnings: FaultLog) -> None:
    """Find what hinders a run (faults) or parts of it (warnings).

    Equations with a fault of syntax are taken as they are: what they define counts as defined.
    """
    _check_subscripts(scan, faults)
    _check_doubled(scan, faults)
    _check_names(scan, faults, warnings)
    for macro in scan.macros.values():
        known = dict.fromkeys(macro.inputs, ())
        outside = {f"{key}$": group for key, group in scan.equations.items()}
        inside = {**scan.equations, "time$": (), **outside, **known, **macro.equations}
        local = replace(scan, equations=inside)
        _check_names(local, faults, warnings, macro.equations)
    for group in scan.equations.values():
        if set(group[0].name) & set("[]"):
            faults.fault(
                "the name '{name}' has square brackets, which enclose the elements of arrays",
                group[0].line,
                name=short(group[0].name),
            )


def check_sizes(scan: Scan, log: FaultLog) -> bool:
    """Return whether no array has more elements than can be looked at.

    Those that have several equations, or numbers alone, are counted together.
    """
    listed = 0
    for group in scan.equations.values():
        for equation in group:
            size = scan.size(equation)
            listed += size if len(group) > 1 or equation.numbers else 0
            if max(size, listed) > MAX_ELEMENTS:
                log.fault(
                    "the arrays are too large, '{name}' among them",
                    equation.line,
                    expected=Message("at most {limit:,} elements in all", limit=MAX_ELEMENTS),
                    name=short(equation.name),
                )
                return False
    return True


def is_function_call(node: Name | Call) -> bool:
    """Return whether one of Vensim's own functions is called."""
    known = node.key in FUNCTIONS or node.key in UNCOMPUTED_FUNCTIONS
    return isinstance(node, Call) and known


def _check_subscripts(scan: Scan, log: FaultLog) -> None:
    """Find subscripts that no range knows, and arrays whose number of subscripts varies."""
    rank = {key: len(group[0].subscripts) for key, group in scan.equations.items()}
    for key, group in scan.equations.items():
        for equation in group:
            for subscripts in (equation.subscripts, *equation.exceptions):
                _check_known(scan, subscripts, equation, equation.line, log)
                if len(subscripts) != rank[key]:
                    log.fault(
                        "'{name}' does not have as many subscripts everywhere",
                        equation.line,
                        expected=Message(
                            "{rank}, as on line {number}", rank=rank[key], number=group[0].line
                        ),
                        found=f"{len(subscripts)}",
                        name=short(equation.name),
                    )
            for ref, _ in equation.references:
                _check_known(scan, ref.written[1:], equation, equation.line_of(ref), log)
                wanted, found = rank.get(ref.key), len(ref.subscripts)
                if wanted not in (None, found) and not is_function_call(ref):
                    fault = _faults_of(log, equation, ref)
                    fault(
                        "'{name}' is used with the wrong number of subscripts in '{equation_name}'",
                        expected=f"{wanted}",
                        found=f"{found}",
                    )


def _faults_of(log: FaultLog, equation: Equation, ref: Name | Call) -> Callable[..., None]:
    """Return what notes a fault of a name in an equation, at its line."""
    names = {"name": short(ref.written[0]), "equation_name": short(equation.name)}
    return lambda message, **own: log.fault(message, equation.line_of(ref), **names, **own)


def _check_known(
    scan: Scan, subscripts: Iterable[str], equation: Equation, line: int, log: FaultLog
) -> None:
    """Find subscripts, of a name or of the left-hand side, that are not those of the ranges."""
    for subscript in subscripts:
        name = subscript.removesuffix("!")
        key = name_key(name)
        if key in scan.ranges or key in scan.elements or scan.open_ended:
            continue
        names = chain((range_.name for range_ in scan.ranges.values()), scan.elements.values())
        log.fault(
            "no subscript range or element is called '{name}', in '{equation_name}'",
            line,
            nearest=log.nearest(name, names),
            name=short(name),
            equation_name=short(equation.name),
        )


def _check_doubled(scan: Scan, log: FaultLog) -> None:
    """Find variables, or elements of arrays, that have more than one equation."""
    for group in scan.equations.values():
        first_line: dict[tuple[str, ...], int] = {}
        for equation in group if len(group) > 1 else ():
            cells = [tuple(map(name_key, cell)) for cell in scan.covered(equation)]
            twice = next((cell for cell in cells if cell in first_line), None)
            if twice is not None:
                names = ", ".join(short(scan.elements.get(key, key)) for key in twice)
                what = f"'{short(equation.name)}'" + (f" for [{names}]" if names else "")
                log.fault(
                    "{what} is defined twice",
                    equation.line,
                    found=Message("the first one on line {number}", number=first_line[twice]),
                    what=what,
                )
            for cell in cells:
                first_line.setdefault(cell, equation.line)


def _check_names(
    scan: Scan,
    log: FaultLog,
    warnings: FaultLog,
    equations: Mapping[str, tuple[Equation, ...]] | None = None,
) -> None:
    """Find names that nothing defines, and functions that are used wrongly.

    ``equations`` are those to look at, by default all of the scan.
    """
    lookups = {
        key: group[0].name
        for key, group in scan.equations.items()
        if any(equation.is_table for equation in group)
    }
    named = scan.equations.keys() | scan.ranges.keys() | scan.elements.keys() | {"time"}
    for equation in chain.from_iterable((equations or scan.equations).values()):
        if _BARE_NOT.search(equation.text):
            warnings.fault(
                "':NOT:' without brackets is taken for all of the comparison, in '{equation_name}'",
                equation.line,
                equation_name=short(equation.name),
            )
        unknown: set[str] = set()  # each is reported once an equation
        for ref, _ in equation.references:
            key, written, fault = ref.key, ref.written[0], _faults_of(log, equation, ref)
            if isinstance(ref, Name):
                if key not in named and key not in unknown:
                    unknown.add(key)
                    names = (group[0].name for group in scan.equations.values() if group)
                    close = log.nearest(written, names)
                    fault("no variable is called '{name}', in '{equation_name}'", nearest=close)
            elif key in UNCOMPUTED_FUNCTIONS and key not in scan.macros:
                fault = _faults_of(warnings, equation, ref)
                fault("the engine cannot compute {name}, in '{equation_name}'")
            elif key in FUNCTIONS or key in scan.macros or key in lookups:
                wanted = FUNCTIONS.get(key, 1)
                if key not in FUNCTIONS and key in scan.macros:
                    wanted = len(scan.macros[key].inputs)
                found = len(ref.arguments)
                if wanted not in (None, found):
                    fault(
                        "{name} has the wrong number of arguments",
                        expected=f"{wanted}",
                        found=f"{found}",
                    )
            elif key not in scan.equations:
                functions = (name.replace("_", " ").upper() for name in FUNCTIONS)
                close = log.nearest(written, chain(functions, lookups.values()))
                fault(
                    "no function or lookup is called '{name}', in '{equation_name}'", nearest=close
                )
            elif key not in scan.unreadable:
                fault(
                    "'{name}' is neither a function nor a lookup, "
                    "but is used as one in '{equation_name}'"
                )
