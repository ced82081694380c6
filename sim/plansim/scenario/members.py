"""Members: other plausible models, each a set of changes of constants.

A change is relative to the model's own value: 0.003 more, or 0.98 times as much. It moves what a
scenario sets by as much, except where policy sets it; see `Members.constants_under`. The file of
members is read and written by `members_file`.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from plansim.errors import Fault, InputError, Message
from plansim.files.reading import reason_of
from plansim.files.shipped import shipped_model
from plansim.model.records import Model
from plansim.scenario.factors import Apply, Factor, FloatArray, applied, default_of
from plansim.scenario.levers import added_part, constant_named, input_of
from plansim.scenario.records import Scenario
from plansim.scenario.references import split_name

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FILE_NAME",
    "KEYS",
    "LIMIT",
    "OF_FILES",
    "EnsembleKind",
    "Members",
    "MembersHead",
    "Moved",
    "When",
    "digests_of",
    "head_of",
    "read_head",
    "renewal",
]

FILE_NAME = "ensemble.csv"
"""Name of the file beside the model."""
LIMIT = 1e12
"""Magnitude of a value, in the model's unit, beyond which a member is unsound."""
KEYS = ("kind", "model", "seed", "drawn")
"""Keys of the header."""
OF_FILES = "files"
"""Key of the files that the members were drawn by, which a file by hand need not have."""


class EnsembleKind(StrEnum):
    """How members were chosen."""

    PRIOR = "prior"  # from the ranges of the constants alone, by no observation of a run
    CONDITIONED = "conditioned"  # and kept where the runs of the past fit what was observed


def renewal(model: Model, kind: EnsembleKind) -> str:
    """Return the command that draws new members of a kind for a model."""
    prior = " --prior" if kind is EnsembleKind.PRIOR else ""
    command = f"plansim model condition{prior} --force"
    path = (model.original or model).path
    is_ours = path.resolve() == shipped_model().resolve()
    return command if is_ours else f"{command} --model {shlex.quote(str(path))}"


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
    draws: int = 0
    """So many draws of the last wave it took; 0 where members are read from a file."""
    files: tuple[tuple[str, str], ...] = ()
    """What the members were drawn by, as `digests_of` gives it."""

    def misfit(self, model: Model) -> Fault | None:
        """Return a fault if model, design, observations or runs of the past have changed since.

        A file that is not there has not changed: a model may be copied without its scenarios.
        """
        message = Message("the members are of a model with other equations, constants or ranges")
        known = [(message, (model.original or model).equations_sha256, self.model_sha256)]
        for name, digest in self.files:
            path = self.path.parent / name
            message = Message("the members were drawn by another '{name}'", name=name)
            known.append((message, _digest(path) if path.is_file() else digest, digest))
        for message, now, then in known:
            if now != then:
                command = renewal(model, self.kind)
                expected = Message(
                    "{sha256}; '{command}' draws new ones", sha256=now, command=command
                )
                return Fault(message, self.path, self.line, expected, then)
        return None


@dataclass(frozen=True)
class Members:
    """Members of an ensemble of plausible models."""

    head: MembersHead
    factors: tuple[Factor, ...]
    """What members change; each adds to its constants or multiplies them."""
    ids: tuple[int, ...]
    """The number of each member."""
    values: FloatArray = field(repr=False, compare=False)
    """``(member, factor)``."""
    policy: frozenset[str] = field(default=frozenset(), repr=False)
    """Constants that policy moves, ``name`` or ``name[e1,e2]``: as a scenario sets them, so they
    stay."""

    def __len__(self) -> int:
        return len(self.ids)

    def constants_under(
        self, model: Model, scenario: Scenario, values: FloatArray | None = None
    ) -> tuple[tuple[str, ...], FloatArray]:
        """Return the constants that members change under a scenario, and their values.

        A change acts on the value that the scenario sets, or else the model's own. What `policy`
        moves and the scenario sets does not change. Where the scenario has a series of its own in
        place of a constant or lever, all of its points change. A value that would leave its
        admissible range stops at the end of it.

        Args:
            model: the model.
            scenario: the scenario.
            values: changes, ``(member, factor)``, in place of the members' own.

        Returns:
            The constants, ``name`` or ``name[e1,e2]``, and ``(member, constant)`` in their units.
        """
        changes = self.values if values is None else values
        rows = [
            (column, one.constant)
            for column, moved in enumerate(self.moved(model, scenario.values))
            for one in moved
            if one.when is not (When.UNSET if one.constant in scenario.values else When.SET)
        ]
        columns, names = [column for column, _ in rows], tuple(name for _, name in rows)
        still = np.array([default_of(model, scenario.values, name) for name in names])
        ends = [constant_named(model, split_name(name)[0]).admissible for name in names]
        # None becomes NaN, which limits nothing.
        low, high = np.array(ends, np.float64).reshape(-1, 2).T
        table = changes[:, columns]
        for apply in Apply:
            acting = [self.factors[column].apply is apply for column in columns]
            table[:, acting] = applied(apply, still[acting], table[:, acting])
        return names, np.fmin(np.fmax(table, low), high)

    def moved(self, model: Model, set_by: Iterable[str]) -> tuple[tuple[Moved, ...], ...]:
        """Return what each factor moves under scenarios that set some of ``set_by``, and when.

        Every constant and point of a series that may be set has to be named: ``name`` or
        ``name[e1,e2]``.
        """

        def acted_on(constant: str) -> str:
            name, bracket, cell = constant.partition("[")
            return input_of(model, name) + bracket + cell

        points: dict[str, list[str]] = {}  # of series, by the lever or constant in whose place
        for key in set_by:
            name, bracket, cell = key.partition("[")
            stem, part = added_part(name)
            if part.startswith("in "):
                points.setdefault(stem + bracket + cell, []).append(key)
        for decided in map(acted_on, self.policy if points else ()):
            points.pop(decided, None)

        def moved(constants: Iterable[str]) -> Iterator[Moved]:
            for constant in constants:
                yield Moved(constant, When.UNSET if constant in self.policy else When.ALWAYS)
                if points:
                    for point in points.pop(acted_on(constant), ()):
                        yield Moved(point, When.SET)

        return tuple(tuple(moved(factor.constants)) for factor in self.factors)

    def frame(self) -> pd.DataFrame:
        """Return the changes as a table: a row a member, a column a factor."""
        import pandas as pd

        index = pd.Index(self.ids, name="member")
        return pd.DataFrame(self.values, index, [factor.name for factor in self.factors])


class When(StrEnum):
    """Under which scenarios a member moves a constant."""

    ALWAYS = "always"
    UNSET = "unset"  # only where the scenario does not set it, since policy decides on it
    SET = "set"  # only where the scenario sets it: a point of a series of its own


@dataclass(frozen=True)
class Moved:
    """A constant that members move."""

    constant: str
    """``name`` or ``name[e1,e2]``."""
    when: When


# --- the header of the file -----------------------------------------------------------------------


def digests_of(files: Iterable[Path], folder: Path) -> tuple[tuple[str, str], ...]:
    """Return files by their path from a folder, each with the digest of what it says.

    Lines of comment do not count. Files that do not exist are left out.
    """
    known = dict.fromkeys(path.resolve() for path in files if path.is_file())
    return tuple(
        (Path(os.path.relpath(path, folder.resolve())).as_posix(), _digest(path)) for path in known
    )


def _digest(path: Path) -> str:
    lines = path.read_bytes().splitlines()
    content = b"\n".join(line for line in lines if not line.lstrip().startswith(b"#"))
    return hashlib.sha256(content).hexdigest()[:12]


def read_head(path: Path) -> MembersHead:
    """Read the header of a file of members, without the table.

    Raises:
        InputError: the file cannot be read, or its header is at fault.
    """
    try:
        with path.open(encoding="utf-8-sig") as stream:
            comments = itertools.takewhile(lambda line: line.startswith("#"), stream)
            return head_of(list(comments), path)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("the table cannot be read", path, found=reason_of(error)) from None


def head_of(comments: Sequence[str], path: Path) -> MembersHead:
    """Return the header that comments ``# key: value`` hold; other comments may stand beside.

    Raises:
        InputError: an entry is missing, or is not what it should be.
    """
    entries: dict[str, tuple[int, str]] = {}
    for line, comment in enumerate(comments, start=1):
        key, colon, text = comment.lstrip("#").partition(":")
        if colon and key.strip() in (*KEYS, OF_FILES):
            entries[key.strip()] = line, text.strip()
    if missing := [key for key in KEYS if key not in entries]:
        expected = Message("{keys}", keys=tuple(f"# {key}: …" for key in KEYS))
        found = Message("no {names}", names=tuple(missing))
        raise InputError("the header of the members lacks a line", path, 1, expected, found)
    kinds = tuple(kind.value for kind in EnsembleKind)
    for key, is_valid, expected in (
        ("kind", entries["kind"][1] in kinds, Message("one of {names}", names=kinds)),
        ("seed", entries["seed"][1].isdecimal(), Message("a whole number")),
    ):
        if not is_valid:
            line, text = entries[key]
            raise InputError("'{name}' has the wrong value", path, line, expected, text, name=key)
    pairs = filter(None, entries.get(OF_FILES, (0, ""))[1].split(", "))
    named = (pair.rpartition(" ") for pair in pairs)
    line, sha256 = entries["model"]
    kind, seed, drawn = (entries[key][1] for key in ("kind", "seed", "drawn"))
    files = tuple((name, digest) for name, _, digest in named)
    return MembersHead(EnsembleKind(kind), sha256, int(seed), drawn, path, line, files=files)
