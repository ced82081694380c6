"""Members: other plausible models, each a set of changes of constants, and the file of them.

The file is a table: a header of comments, three rows that describe the factors, then one member a
row. ``pandas.read_csv(path, comment="#")`` reads it, too::

    # kind: prior
    # model: 9f8c…
    # seed: 2006
    # drawn: 500 points of a Sobol sequence
    factor,market growth,deaths
    apply,add,multiply
    constants,external demand growth before|external demand growth after,mortality
    0,0.003142,0.9823
    1,-0.01137,1.094

A change is relative to the model's own value: 0.003142 more, or 0.9823 times as much. It moves what
a scenario sets by as much, except where policy sets it; see `Members.constants_under`.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from plansim.errors import Fault, InputError, Message, foreign, nearest
from plansim.files import write_text
from plansim.forms import noting
from plansim.model.records import Model, cells_of
from plansim.scenario.factors import (
    Apply,
    Factor,
    Floats,
    apart,
    constants_of,
    numbers_of,
    unit_of,
    varied,
)
from plansim.scenario.records import Scenario
from plansim.scenario.references import split_name

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FILE_NAME",
    "EnsembleKind",
    "Members",
    "MembersHead",
    "read_head",
    "read_members",
    "rounded",
    "write_members",
]

FILE_NAME = "ensemble.csv"
"""Name of the file beside the model."""
RENEW = "plansim model condition --prior --force"
"""The command that renews it."""
_BETWEEN = "|"
"""Stands between the constants of a factor: no name of Vensim's holds it."""
_KEYS = ("kind", "model", "seed", "drawn")
"""Keys of the header."""
_DESCRIPTIONS = ("factor", "apply", "constants")
"""First cells of the rows that describe the factors."""


class EnsembleKind(StrEnum):
    """How members were chosen."""

    PRIOR = "prior"  # from the ranges of the constants alone, by no observation of a run


@dataclass(frozen=True)
class MembersHead:
    """The header of a file of members."""

    kind: EnsembleKind
    model_sha256: str
    """`Model.equations_sha256` of the model that the members change."""
    seed: int
    drawn: str
    """How they were drawn, in words."""
    path: Path
    line: int
    """The line of the digest, for messages."""

    def misfit(self, model: Model) -> Fault | None:
        """Return a fault if the members are of other equations or ranges than the model's."""
        if self.model_sha256 == model.equations_sha256:
            return None
        return Fault(
            "the members are of a model with other equations, constants or ranges",
            self.path,
            self.line,
            expected=Message("{sha256}; '{command}' draws new ones",
                             sha256=model.equations_sha256, command=RENEW),
            found=self.model_sha256,
        )  # fmt: skip


@dataclass(frozen=True)
class Members:
    """Members of an ensemble of plausible models."""

    head: MembersHead
    factors: tuple[Factor, ...]
    """What members change; each adds to its constants or multiplies them."""
    ids: tuple[int, ...]
    """The number of each member."""
    values: Floats = field(repr=False, compare=False)
    """``(member, factor)``."""
    policy: frozenset[str] = field(default=frozenset(), repr=False)
    """Constants that policy moves, ``name`` or ``name[e1,e2]``: as a scenario sets them, so they
    stay."""

    def __len__(self) -> int:
        return len(self.ids)

    def constants_under(self, model: Model, scenario: Scenario) -> tuple[tuple[str, ...], Floats]:
        """Return the constants that members change under a scenario, and their values.

        A change acts on the value that the scenario sets, or else the model's own. What `policy`
        moves and the scenario sets does not change. A value that would leave its admissible range
        stops at the end of it.

        Returns:
            The constants, ``name`` or ``name[e1,e2]``, and ``(member, constant)`` in their units.
        """
        stays = self.policy & scenario.values.keys()
        factors = [
            replace(factor, constants=tuple(c for c in factor.constants if c not in stays))
            for factor in self.factors
        ]
        names = tuple(name for factor in factors for name in factor.constants)
        if not names:
            return (), np.empty((len(self), 0))
        values = constants_of(model, scenario.values, factors, self.values)
        ends = [model.variables[split_name(name)[0]].admissible for name in names]
        low, high = np.array(ends, dtype=np.float64).T  # None becomes NaN, which limits nothing
        return names, np.fmin(np.fmax(values, low), high)

    def frame(self) -> pd.DataFrame:
        """Return the changes as a table: a row a member, a column a factor."""
        import pandas as pd

        index = pd.Index(self.ids, name="member")
        return pd.DataFrame(self.values, index, [factor.name for factor in self.factors])


def rounded(values: Floats) -> Floats:
    """Return changes as the file holds them, at four significant digits; the shape stays.

    >>> rounded(np.array([0.123456, 1234567.0])).tolist()
    [0.1235, 1235000.0]
    """
    return np.array([float(f"{value:.4g}") for value in values.flat]).reshape(values.shape)


# --- reading --------------------------------------------------------------------------------------


def read_head(path: Path) -> MembersHead:
    """Read the header of a file of members, without the table.

    Raises:
        InputError: the file cannot be read, or its header is at fault.
    """
    try:
        with path.open(encoding="utf-8-sig") as stream:
            return _head(list(itertools.takewhile(_is_comment, stream)), path)
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None


def read_members(path: Path, model: Model, policy: Collection[str] = ()) -> Members:
    """Read a file of members of a model.

    ``policy`` are the constants that stay as a scenario sets them.

    Raises:
        InputError: with every fault of the file.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None
    comments = list(itertools.takewhile(_is_comment, lines))
    head = _head(comments, path)
    if misfit := head.misfit(model):  # its names and ranges are another model's
        raise InputError(misfit)
    try:
        reader = csv.reader(lines[len(comments) :], strict=True)
        rows = [(reader.line_num + len(comments), row) for row in reader if row]
    except csv.Error as error:
        raise InputError(Fault("the table is not a CSV file", path, found=str(error))) from None
    faults: list[Fault] = []
    factors: tuple[Factor, ...] = ()
    numbers = np.empty((0, 1))
    if described := _described(rows[: len(_DESCRIPTIONS)], faults):
        factors = _factors(described, model, faults)
        numbers = _numbers(rows[len(_DESCRIPTIONS) :], described[0][1][1:], faults)
    if faults:
        raise InputError(replace(fault, file=path, at=()) for fault in faults[:100])
    ids = tuple(map(int, numbers[:, 0]))
    return Members(head, factors, ids, numbers[:, 1:], frozenset(policy))


def _is_comment(line: str) -> bool:
    return line.startswith("#")


def _unreadable(path: Path, error: OSError | UnicodeDecodeError) -> InputError:
    why = foreign(error.strerror if isinstance(error, OSError) else error)
    return InputError(Fault("the members cannot be read: {why}", path, why=why))


def _head(comments: Sequence[str], path: Path) -> MembersHead:
    """Return the header that comments ``# key: value`` hold; other comments may stand beside."""
    entries: dict[str, tuple[int, str]] = {}
    for line, comment in enumerate(comments, start=1):
        key, colon, text = comment.lstrip("#").partition(":")
        if colon and key.strip() in _KEYS:
            entries[key.strip()] = line, text.strip()
    if missing := [key for key in _KEYS if key not in entries]:
        expected = Message("{keys}", keys=tuple(f"# {key}: …" for key in _KEYS))
        found = Message("no {names}", names=tuple(missing))
        raise InputError(Fault("the header of the members lacks a line", path, 1, expected, found))
    kinds = [kind.value for kind in EnsembleKind]
    line, kind = entries["kind"]
    if kind not in kinds:
        expected = Message("one of {names}", names=tuple(kinds))
        raise InputError(Fault("unknown kind of ensemble", path, line, expected, kind))
    line, seed = entries["seed"]
    if not seed.isdecimal():
        expected = Message("a whole number")
        raise InputError(Fault("the seed is not a number", path, line, expected, seed))
    line, sha256 = entries["model"]
    return MembersHead(EnsembleKind(kind), sha256, int(seed), entries["drawn"][1], path, line)


def _described(
    rows: Sequence[tuple[int, list[str]]], faults: list[Fault]
) -> tuple[tuple[int, list[str]], ...]:
    """Return the rows that describe the factors, with their lines; of a fault none."""
    firsts = [row[0] for _, row in rows]
    if firsts != list(_DESCRIPTIONS):
        expected = Message("rows that begin with {names}", names=_DESCRIPTIONS)
        found = Message("{names}", names=tuple(firsts)) if firsts else Message("nothing")
        line = rows[0][0] if rows else None
        faults.append(Fault("the factors are not described", None, line, expected, found))
        return ()
    width = len(rows[0][1])
    for line, row in rows:
        if len(row) != width:
            expected = Message("{count} cells", count=width)
            faults.append(Fault("a row of another length", None, line, expected, str(len(row))))
            return ()
    return tuple(rows)


def _factors(
    rows: Sequence[tuple[int, list[str]]], model: Model, faults: list[Fault]
) -> tuple[Factor, ...]:
    """Return the factors that the first rows of the table describe."""
    (names_line, names), (applies_line, applies), (constants_line, constants) = rows
    factors: list[Factor] = []
    changes = (Apply.ADD.value, Apply.MULTIPLY.value)
    for name, apply, listed in zip(names[1:], applies[1:], constants[1:], strict=True):
        if apply not in changes:
            expected = Message("one of {names}", names=changes)
            fault = Fault(
                "'{name}' is no change of constants",
                None,
                applies_line,
                expected,
                apply or Message("nothing"),
                nearest(apply, changes),
                name=name,
            )
            faults.append(fault)
            continue
        own: list[Fault] = []
        with noting(own):
            variables = varied(model, listed.split(_BETWEEN))
            unit = unit_of(name, Apply(apply), variables.values())
            factors.append(Factor(name, tuple(variables), Apply(apply), None, unit))
        faults += (replace(fault, line=constants_line) for fault in own)
    faults += (replace(fault, line=names_line) for fault in apart("factor", factors))
    return tuple(factors)


def _numbers(
    rows: Sequence[tuple[int, list[str]]], names: Sequence[str], faults: list[Fault]
) -> Floats:
    """Return the numbers of the members, ``(member, 1 + factor)``: first that of the member."""
    numbers = numbers_of(["member", *names], rows, faults)
    if not rows:
        faults.append(Fault("the table has no rows"))
    if faults:
        return numbers
    lines: dict[str | int | bytes, int] = {}
    for (line, row), changes in zip(rows, numbers[:, 1:], strict=True):
        if not row[0].isdecimal():
            expected = Message("a whole number")
            faults.append(Fault("a member has no number", None, line, expected, row[0]))
        first = lines.setdefault(int(row[0]) if row[0].isdecimal() else row[0], line)
        same = lines.setdefault(changes.tobytes(), line)
        if min(first, same) < line:
            known = Message("a first time on line {line}", line=min(first, same))
            message = Message("member {member} is given twice", member=row[0])
            faults.append(Fault(message, None, line, found=known))
    return numbers


# --- writing --------------------------------------------------------------------------------------


def write_members(members: Members, model: Model, path: Path, *, force: bool = False) -> None:
    """Write members to a file, whole or not at all.

    Raises:
        OutputError: as for `plansim.files.check_destination`, or the system refuses to write.
    """
    head = members.head
    text = io.StringIO()
    for key, value in zip(
        _KEYS, (head.kind, head.model_sha256, head.seed, head.drawn), strict=True
    ):
        text.write(f"# {key}: {value}\n")
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
    write_text(text.getvalue(), path, force=force)


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
