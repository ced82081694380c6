"""Where values of a run are kept between the functions that a step consists of.

A step is cut into parts, each a function that takes one vector of runs after the other, since the
code of a whole step does not fit into a processor's cache of instructions. Powers that do not need
each other end a part: they go by way of memory anyway. What one part computes and a later one needs
is kept in memory, and so is what a step computes and outputs show.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

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

Listed = TypeVar("Listed")
Batch = tuple[int, ...]
"""Places that are computed in one go: one, or several powers that do not need each other."""


@dataclass(frozen=True)
class StepLayout:
    """Rows of a vector's own memory, and the parts of a step."""

    level_of: Mapping[int, int]
    """By number of a state that is a level, its row at a step's start; further buffers follow."""
    flag: int
    memories: Mapping[int, int]
    """By number of a state that is a memory, its row."""
    rows: Mapping[int, int]
    """By place, the row of what is needed after the function that computes it; those of the powers
    of a batch stand side by side."""
    exponents: int
    size: int
    once: Sequence[Sequence[Batch]]
    """What is computed before the first step, by function."""
    step: Sequence[Sequence[Batch]]
    save: Sequence[Sequence[Batch]]
    copied: Mapping[int, int]
    """Of many outputs, the numbers of those that have rows, which a loop copies, with the rows."""
    shown: Sequence[Sequence[tuple[int, int]]]
    """Numbers and places of the other outputs, by the function that writes them."""


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
    """Cut a run into parts and give each value that outlives its part a row."""
    once = [[(place,) for place in part] for part in _cut(plan.once)]
    step, save = _parts(program, plan.step), _parts(program, plan.save)
    numbers = range(len(program.states))
    level_of = {i: row for row, i in enumerate(i for i in numbers if program.states[i].is_level)}
    flag = max(map(len, STAGES.values())) * len(level_of)
    memories = {i: row for row, i in enumerate((i for i in numbers if i not in level_of), flag + 1)}
    first = flag + 1 + len(memories)
    rows = {place: row for row, place in enumerate(_kept(program, once, step, save), first)}
    exponents = first + len(rows)
    most = max((len(batch) for part in (*step, *save) for batch in part), default=0)
    outputs = list(enumerate(program.outputs.values()))
    copied = {i: rows[place] for i, place in outputs if place in rows}
    copied = copied if len(outputs) > _WHOLE else {}  # a few are copied faster one by one
    shown = _cut([output for output in outputs if output[0] not in copied])
    return StepLayout(
        level_of, flag, memories, rows, exponents, exponents + most, once, step, save,
        copied, shown,
    )  # fmt: skip


def _cut(places: Sequence[Listed]) -> list[Sequence[Listed]]:
    """Cut many places into parts; a few stay in one."""
    if len(places) <= _WHOLE:
        return [places]
    return [places[i : i + _PART] for i in range(0, len(places), _PART)]


def _kept(
    program: Program,
    once: Sequence[Sequence[Batch]],
    step: Sequence[Sequence[Batch]],
    save: Sequence[Sequence[Batch]],
) -> Iterator[int]:
    """Yield the places that are needed after their part; leaves are loaded from where they are."""
    instructions, parts = program.instructions, [*once, *step, *save]
    home = {place: i for i, part in enumerate(parts) for batch in part for place in batch}
    needed = {*program.outputs.values(), *(state.initial for state in program.states)}
    for state in program.states:  # a flow of the step moves its level at once
        if not state.is_level or home.get(state.change, 0) < len(once):
            needed.add(state.change)
    for pipe in program.pipes:
        needed |= {pipe.initial, pipe.entering, pipe.steps}
    for place, own in home.items():
        needed |= {o for o in instructions[place].operands if home.get(o, own) != own}
    for i, part in enumerate(parts):
        in_step = len(once) <= i < len(once) + len(step)
        for batch in part:
            frozen = in_step and instructions[batch[0]].op is Op.FROZEN  # for later stages
            if instructions[batch[0]].operands and (len(batch) > 1 or batch[0] in needed or frozen):
                yield from batch
