"""Where values of a run are kept between the functions that a step consists of.

A step is cut into parts, each a function that takes one vector of runs after the other, since the
code of a whole step does not fit into a processor's cache of instructions. Powers that do not need
each other end a part: they go by way of memory anyway. What one part computes and a later one needs
is kept in memory, and so is what a step computes and outputs show.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from plansim.compiler.integration import STAGES
from plansim.compiler.ir import Op, Program
from plansim.compiler.llvm.vector_math import MOST_POWERS
from plansim.compiler.schedule import Schedule

__all__ = ["Batch", "StepLayout", "laid_out"]

_PART = 3000
"""Number of instructions of a part, unless powers end it."""
_WHOLE = 4000
"""Number of instructions before the first step, or of outputs, that make one function. Of longer
ones LLVM takes a time that grows with the square of their length."""

Batch = tuple[int, ...]
"""Places that are computed in one go: one, or several powers that do not need each other."""


@dataclass(frozen=True)
class StepLayout:
    """Rows of a vector's own memory, and the parts of a step."""

    levels: int
    """The first row of the levels at a step's start; further buffers of them follow."""
    level_of: Mapping[int, int]
    """By number of a state that is a level, its place among the levels."""
    flag: int
    memories: Mapping[int, int]
    """By number of a state that is a memory, its row."""
    frozen: int
    kept: Mapping[int, int]
    """By place, the row of what a later part needs; powers of a batch stand side by side."""
    exponents: int
    size: int
    step: Sequence[Sequence[Batch]]
    save: Sequence[Sequence[Batch]]
    shown: Sequence[Sequence[int]]
    """Places of outputs, in order, by the function that writes them."""
    once: Sequence[Sequence[int]]
    """Places that are computed before the first step, by function."""
    once_rows: Mapping[int, int]
    """By place, the row of what a later one of these functions needs, or a later phase."""


def _batches(program: Program, places: Iterable[int]) -> Iterator[Batch]:
    """Yield instructions in their order, powers that stand side by side in one go."""
    instructions = program.instructions
    powers: list[int] = []
    for place in places:
        instruction = instructions[place]
        if not instruction.operands:
            continue  # leaves are loaded where they are used
        beside = len(powers) < MOST_POWERS and not set(powers) & set(instruction.operands)
        if instruction.op is Op.POWER and beside:
            powers.append(place)
            continue
        if powers:
            yield tuple(powers)
        powers = [place] if instruction.op is Op.POWER else []
        if not powers:
            yield (place,)
    if powers:
        yield tuple(powers)


def _parts(program: Program, places: Iterable[int]) -> list[list[Batch]]:
    parts: list[list[Batch]] = [[]]
    for batch in _batches(program, places):
        if len(parts[-1]) >= _PART:
            parts.append([])
        parts[-1].append(batch)
        if len(batch) > 1:
            parts.append([])
    return parts


def laid_out(program: Program, plan: Schedule) -> StepLayout:
    """Cut a step into parts and give each value that outlives its part a row."""
    step, save = _parts(program, plan.step), _parts(program, plan.save)
    numbers = range(len(program.states))
    level_of = {i: at for at, i in enumerate(i for i in numbers if program.states[i].is_level)}
    levels = len(plan.once_kept)
    flag = levels + max(map(len, STAGES.values())) * len(level_of)
    memories = {i: row for row, i in enumerate((i for i in numbers if i not in level_of), flag + 1)}
    frozen = flag + 1 + len(memories)
    first = frozen + len(plan.frozen_kept)
    kept = {place: row for row, place in enumerate(_kept(program, plan, [*step, *save]), first)}
    exponents = first + len(kept)
    most = max((len(batch) for part in (*step, *save) for batch in part), default=0)
    once = _cut(plan.once)
    once_rows = _once_rows(program, plan, once, first)
    size = max([exponents + most, *(row + 1 for row in once_rows.values())])
    shown = _cut(list(program.outputs.values()))
    return StepLayout(
        levels, level_of, flag, memories, frozen, kept, exponents, size, step, save, shown, once,
        once_rows,
    )  # fmt: skip


def _cut(places: Sequence[int]) -> list[Sequence[int]]:
    """Cut many places into parts; a few stay in one."""
    if len(places) <= _WHOLE:
        return [places]
    return [places[i : i + _PART] for i in range(0, len(places), _PART)]


def _once_rows(
    program: Program, plan: Schedule, parts: Sequence[Sequence[int]], first: int
) -> dict[int, int]:
    """Assign rows to what is needed beyond its part; no step has begun that would use them."""
    rows = dict(plan.once_kept)
    home = {place: i for i, part in enumerate(parts) for place in part}
    for i, part in enumerate(parts):
        for operand in (o for place in part for o in program.instructions[place].operands):
            if home.get(operand, i) != i and program.instructions[operand].operands:
                rows.setdefault(operand, first + len(rows))
    return rows


def _kept(program: Program, plan: Schedule, parts: Sequence[Sequence[Batch]]) -> Iterator[int]:
    """Yield the places that are needed after their part, and all powers of a batch."""
    home = {place: i for i, part in enumerate(parts) for batch in part for place in batch}
    beyond = set(program.outputs.values())
    for place, part in home.items():
        beyond |= {o for o in program.instructions[place].operands if home.get(o, part) != part}
    for batch in (batch for part in parts for batch in part):
        if len(batch) > 1 or (batch[0] in beyond and batch[0] not in plan.frozen_kept):
            yield from batch
