"""Reading and writing the file of members.

The file is a table: a header of comments, three rows that describe the factors, then one member a
row. ``pandas.read_csv(path, comment="#")`` reads it, too::

    # kind: prior
    # model: 9f8c…
    # seed: 2006
    # drawn: 500 points of a Sobol sequence
    # files: conditioning.yaml 5167ddd4af73, history.yaml 4f0d6bfb2dcb
    factor,market growth,deaths
    apply,add,multiply
    constants,external demand growth before|external demand growth after,mortality
    0,0.003142,0.9823
    1,-0.01137,1.094
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from plansim.errors import Fault, InputError, Message, nearest
from plansim.files.forms import MOST_FAULTS, noting
from plansim.files.reading import CsvTable, read_csv
from plansim.files.writing import write_text
from plansim.model.records import Model, cells_of
from plansim.scenario.factors import Apply, Factor, FloatArray, clashing, constants_meant, unit_of
from plansim.scenario.members import KEYS, OF_FILES, Members, head_of
from plansim.scenario.references import split_name

__all__ = ["read_members", "rounded", "write_members"]

_BETWEEN = "|"
"""Stands between the constants of a factor: no name of Vensim's holds it."""
_DESCRIPTIONS = ("factor", "apply", "constants")
"""First cells of the rows that describe the factors."""


def rounded(values: FloatArray) -> FloatArray:
    """Return changes as the file holds them, at four significant digits; the shape stays.

    >>> rounded(np.array([0.123456, 1234567.0])).tolist()
    [0.1235, 1235000.0]
    """
    return np.array([float(f"{value:.4g}") for value in values.flat]).reshape(values.shape)


def read_members(path: Path, model: Model, policy: Collection[str] = ()) -> Members:
    """Read a file of members of a model.

    ``policy`` are the constants that stay as a scenario sets them.

    Raises:
        InputError: with every fault of the file.
    """
    table = read_csv(path)
    head = head_of(table.comments, path)
    if misfit := head.misfit(model):  # its names and ranges are another model's
        raise InputError(misfit)
    line = len(table.comments) + 1
    firsts = [*table.columns[:1], *(row[0] for _, row in table.rows[:2])]
    if firsts != list(_DESCRIPTIONS):
        expected = Message("rows that begin with {names}", names=_DESCRIPTIONS)
        found = Message("{names}", names=tuple(firsts))
        raise InputError("the factors are not described", path, line, expected, found)
    faults: list[Fault] = []
    factors = _factors(table, line, model, faults)
    rows = table.rows[2:]
    numbers = np.array([[_number(cell) for cell in row] for _, row in rows])
    numbers = numbers.reshape(-1, len(table.columns))
    for index in np.flatnonzero(~np.isfinite(numbers).all(axis=1)):
        (row_line, cells), column = rows[index], int(np.isfinite(numbers[index]).argmin())
        message = Message("'{name}' is not a finite number", name=table.columns[column])
        faults.append(Fault(message, None, row_line, found=cells[column] or Message("nothing")))
    faults += () if rows else [Fault("the table has no rows")]
    faults += () if faults else _doubled(rows, numbers[:, 1:])
    if faults:
        raise InputError(replace(fault, file=path, at=()) for fault in faults[:MOST_FAULTS])
    ids = tuple(map(int, numbers[:, 0]))
    return Members(head, factors, ids, numbers[:, 1:], frozenset(policy))


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def _factors(table: CsvTable, line: int, model: Model, faults: list[Fault]) -> tuple[Factor, ...]:
    """Return the factors that the header, on ``line``, and the two rows below it describe."""
    (applies_line, applies), (constants_line, constants) = table.rows[:2]
    factors: list[Factor] = []
    changes = (Apply.ADD.value, Apply.MULTIPLY.value)
    for name, apply, listed in zip(table.columns[1:], applies[1:], constants[1:], strict=True):
        if apply not in changes:
            fault = Fault(
                "'{name}' is not a change of constants",
                None,
                applies_line,
                Message("one of {names}", names=changes),
                apply or Message("nothing"),
                nearest(apply, changes),
                name=name,
            )
            faults.append(fault)
            continue
        own: list[Fault] = []
        with noting(own):
            variables = constants_meant(model, listed.split(_BETWEEN))
            unit = unit_of(name, Apply(apply), variables.values())
            names = {one.name_zh for one in variables.values()}
            zh = names.pop() if len(names) == 1 else ""
            factors.append(Factor(name, tuple(variables), Apply(apply), None, unit, zh))
        faults += (replace(fault, line=constants_line) for fault in own)
    faults += (replace(fault, line=line) for fault in clashing("factor", factors))
    return tuple(factors)


def _doubled(rows: Sequence[tuple[int, list[str]]], changes: FloatArray) -> Iterator[Fault]:
    """Yield a fault for each member that has no number, or whose number or changes stand twice."""
    lines: dict[str | int | bytes, int] = {}
    for (line, (number, *_)), own in zip(rows, changes, strict=True):
        if not number.isdecimal():
            yield Fault("a member has no number", None, line, Message("a whole number"), number)
            continue
        first = min(lines.setdefault(key, line) for key in (int(number), own.tobytes()))
        if first < line:
            known = Message("a first time on line {line}", line=first)
            yield Fault("member {member} is given twice", None, line, found=known, member=number)


# --- writing --------------------------------------------------------------------------------------


def write_members(members: Members, model: Model, path: str | Path, *, force: bool = False) -> None:
    """Write members to a file, whole or not at all.

    Raises:
        OutputError: as for `plansim.files.check_destination`, or the system refuses to write.

    >>> model = plansim.load_model("lake.mdl")
    >>> members = plansim.draw_prior(model, 4, seed=1)
    >>> plansim.write_members(members, model, "members.csv", force=True)
    """
    head = members.head
    text = io.StringIO()
    for key, value in zip(KEYS, (head.kind, head.model_sha256, head.seed, head.drawn), strict=True):
        text.write(f"# {key}: {value}\n")
    if head.files:
        text.write(f"# {OF_FILES}: {', '.join(map(' '.join, head.files))}\n")
    writer = csv.writer(text, lineterminator="\n")
    factors = members.factors
    columns = [
        [factor.name for factor in factors],
        [factor.apply.value for factor in factors],
        [_BETWEEN.join(_references(model, factor.constants)) for factor in factors],
    ]
    writer.writerows([first, *row] for first, row in zip(_DESCRIPTIONS, columns, strict=True))
    for member, row in zip(members.ids, members.values.tolist(), strict=True):
        writer.writerow([member, *(f"{value:.4g}" for value in row)])
    write_text(text.getvalue(), Path(path), force=force)


def _references(model: Model, constants: Sequence[str]) -> Iterator[str]:
    """Yield references to constants: an array all of whose elements are there by its name."""
    missing = set(constants)
    for constant in constants:
        name = split_name(constant)[0]
        cells = cells_of(model, model.variables[name])
        if missing.issuperset(cells):
            missing.difference_update(cells)
            yield name
        elif constant in missing:
            missing.remove(constant)
            yield constant
