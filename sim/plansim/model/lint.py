"""What is wrong between equations: names that nothing defines, or that are defined twice."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from plansim.errors import FaultLog, Message
from plansim.model.scan import MAX_ELEMENTS, Equation, Form, Scan, short
from plansim.model.syntax import FUNCTIONS, UNCOMPUTED_FUNCTIONS, Reference, name_key

__all__ = ["check_soundness", "is_function_call"]


def check_soundness(scan: Scan, faults: FaultLog, warnings: FaultLog) -> None:
    """Find what hinders a run (faults) or parts of it (warnings).

    Equations with a fault of syntax are taken as they are: what they define counts as defined.
    """
    _check_subscripts(scan, faults)
    _check_doubled(scan, faults)
    _check_names(scan, faults, warnings)


def is_function_call(reference: Reference) -> bool:
    """Whether a reference calls one of Vensim's own functions."""
    key = name_key(reference.name)
    return reference.arguments is not None and (key in FUNCTIONS or key in UNCOMPUTED_FUNCTIONS)


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
            for ref in equation.expression.references:
                line = equation.lines[ref.offset]
                _check_known(scan, ref.subscripts, equation, line, log)
                wanted = rank.get(name_key(ref.name), len(ref.subscripts))
                if wanted != len(ref.subscripts) and not is_function_call(ref):
                    log.fault(
                        "'{name}' is used with the wrong number of subscripts in '{equation_name}'",
                        line,
                        expected=f"{wanted}",
                        found=f"{len(ref.subscripts)}",
                        name=short(ref.name),
                        equation_name=short(equation.name),
                    )


def _check_known(
    scan: Scan, subscripts: Iterable[str], equation: Equation, line: int, log: FaultLog
) -> None:
    for subscript in subscripts:
        name = subscript.removesuffix("!")
        key = name_key(name)
        written = scan.ranges[key].name if key in scan.ranges else scan.elements.get(key)
        if written is None and not scan.open_ended:
            names = chain((range_.name for range_ in scan.ranges.values()), scan.elements.values())
            log.fault(
                "no subscript range or element is called '{name}', in '{equation_name}'",
                line,
                nearest=log.nearest(name, names),
                name=short(name),
                equation_name=short(equation.name),
            )
        elif written is not None and written != name:  # the engine would not find it
            log.fault(
                "a subscript is not written as it is defined, in '{name}'",
                line,
                expected=Message("'{text}'", text=short(written)),
                found=Message("'{text}'", text=short(name)),
                name=short(equation.name),
            )


def _check_doubled(scan: Scan, log: FaultLog) -> None:
    """Find variables, or elements of arrays, that have more than one equation."""
    cells_left = MAX_ELEMENTS
    for group in scan.equations.values():
        if len(group) == 1:
            continue
        first_line: dict[tuple[str, ...], int] = {}
        for equation in group:
            cells_left -= scan.size(equation)
            if cells_left < 0:
                log.fault(
                    "the arrays that have several equations are too large",
                    equation.line,
                    expected=Message("at most {limit:,} elements in all", limit=MAX_ELEMENTS),
                )
                return
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


def _check_names(scan: Scan, log: FaultLog, warnings: FaultLog) -> None:
    """Find names that nothing defines, and functions that are used wrongly."""
    lookups = {
        key: group[0].name
        for key, group in scan.equations.items()
        if any(eq.form is Form.LOOKUP or eq.expression.reads_lookup for eq in group)
    }
    for group in scan.equations.values():
        for equation in group:
            unknown: set[str] = set()  # each is reported once an equation
            for ref in equation.expression.references:
                key = name_key(ref.name)
                line = equation.lines[ref.offset]
                if ref.arguments is None:
                    known = key in scan.equations or key in scan.ranges or key in scan.elements
                    if not known and key != "time" and key not in unknown:
                        unknown.add(key)
                        _no_such_variable(scan, ref, equation, log)
                elif key in FUNCTIONS:
                    _check_arguments(ref, FUNCTIONS[key], line, log)
                elif key in UNCOMPUTED_FUNCTIONS:
                    warnings.fault(
                        "the engine cannot compute {name}, in '{equation_name}'",
                        line,
                        name=ref.name,
                        equation_name=short(equation.name),
                    )
                elif key in lookups:
                    _check_arguments(ref, 1, line, log)
                elif key in scan.equations and key not in scan.unreadable:
                    log.fault(
                        "'{name}' is neither a function nor a lookup, "
                        "but is used as one in '{equation_name}'",
                        line,
                        name=short(ref.name),
                        equation_name=short(equation.name),
                    )
                elif key not in scan.equations:
                    functions = (name.replace("_", " ").upper() for name in FUNCTIONS)
                    log.fault(
                        "no function or lookup is called '{name}', in '{equation_name}'",
                        line,
                        nearest=log.nearest(ref.name, chain(functions, lookups.values())),
                        name=short(ref.name),
                        equation_name=short(equation.name),
                    )


def _no_such_variable(scan: Scan, ref: Reference, equation: Equation, log: FaultLog) -> None:
    names = (group[0].name for group in scan.equations.values())
    log.fault(
        "no variable is called '{name}', in '{equation_name}'",
        equation.lines[ref.offset],
        nearest=log.nearest(ref.name, names),
        name=short(ref.name),
        equation_name=short(equation.name),
    )


def _check_arguments(ref: Reference, wanted: int | None, line: int, log: FaultLog) -> None:
    if wanted is not None and ref.arguments != wanted:
        log.fault(
            "{name} has the wrong number of arguments",
            line,
            expected=f"{wanted}",
            found=f"{ref.arguments}",
            name=short(ref.name),
        )
