"""When each instruction of a program is to be computed, and which are not needed at all.

=========  ===================================  ==================================
phase      depends on                           computed
=========  ===================================  ==================================
clock      time and controls                    once a step, for all runs together
once       inputs (and controls)                once a run, before the first step
step       states, or inputs and the time       at each step of each run
save       as step, but no state needs it       only at steps whose values are kept
=========  ===================================  ==================================

A step may have several stages (`integration`): what is of the clock or of a step is computed at
each stage, but for what is frozen, which later stages read back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from plansim.compiler.ir import Depends, Instruction, Op, Program

__all__ = ["Schedule", "schedule"]


@dataclass(frozen=True)
class Schedule:
    """The places of a program's instructions by phase, operands first."""

    clock: tuple[int, ...]
    once: tuple[int, ...]
    step: tuple[int, ...]
    save: tuple[int, ...]
    clock_kept: Mapping[int, int]
    """By place, the column of what other phases need of the clock."""


def schedule(program: Program) -> Schedule:
    """Order a program's instructions by phase, without those that nothing needs."""
    instructions, depends = program.instructions, program.depends
    running = [state.change for state in program.states]
    running += [pipe.entering for pipe in program.pipes]
    running += [pipe.steps for pipe in program.pipes if pipe.steps != pipe.most]
    starting = [state.initial for state in program.states]
    starting += [pipe.initial for pipe in program.pipes]
    outputs = list(program.outputs.values())
    lengths = [pipe.most for pipe in program.pipes]

    both = Depends.INPUTS | Depends.TIME
    moving = {kind for kind in set(depends) if kind & Depends.STATE or kind & both == both}
    needed = _postorder(instructions, [*_powers(instructions, running), *running])
    step = tuple(place for place in needed if depends[place] in moving)
    in_step = set(step)
    shown = _postorder(instructions, outputs)
    save = tuple(place for place in shown if depends[place] in moving and place not in in_step)
    everything = [*needed, *shown, *_postorder(instructions, [*starting, *lengths])]
    rest = [place for place in dict.fromkeys(everything) if depends[place] not in moving]
    of_runs = {kind for kind in set(depends) if kind & Depends.INPUTS}
    clock = tuple(place for place in rest if depends[place] and depends[place] not in of_runs)
    once = tuple(place for place in rest if depends[place] in of_runs)
    used = {*outputs, *running, *starting, *lengths}
    used |= {place for index in (*once, *step, *save) for place in instructions[index].operands}
    used |= {place for place in clock if instructions[place].op is Op.FROZEN}
    kept = [place for place in clock if place in used]
    return Schedule(clock, once, step, save, {place: column for column, place in enumerate(kept)})


def _powers(instructions: tuple[Instruction, ...], roots: Iterable[int]) -> list[int]:
    """Return what powers need, then those powers, layer by layer: a layer is computed in one go."""
    layer: dict[int, int] = {}
    found: dict[int, list[int]] = {}
    for place in _postorder(instructions, roots):
        instruction = instructions[place]
        layer[place] = max((layer[operand] for operand in instruction.operands), default=0)
        if instruction.op is Op.POWER:
            layer[place] += 1
            found.setdefault(layer[place], []).append(place)
    order: list[int] = []
    for _, powers in sorted(found.items()):
        order += (operand for power in powers for operand in instructions[power].operands)
        order += powers
    return order


def _postorder(instructions: tuple[Instruction, ...], roots: Iterable[int]) -> list[int]:
    """Return roots and all that they need, each after its operands and close before its use."""
    done: set[int] = set()
    order: list[int] = []
    for root in roots:
        stack = [(root, False)]
        while stack:
            place, finished = stack.pop()
            if finished:
                order.append(place)
            elif place not in done:
                done.add(place)
                stack.append((place, True))
                stack += [(operand, False) for operand in reversed(instructions[place].operands)]
    return order
