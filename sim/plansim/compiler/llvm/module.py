"""From a program to LLVM: one function for the clock, one that runs blocks of eight.

``clock(table, tableau, start, final, step, saveper, steps, stages)`` computes what depends on the
time only, once for all runs: ``table[step, stage, column]``.

``run(table, tableau, inputs, outputs, bad, memory, places, rings, blocks, steps, stages, kept,
stride, most)`` simulates ``blocks`` times ``LANES`` runs. ``inputs`` is ``(block, input, lane)``,
``outputs`` ``(block, kept, output, lane)``, ``bad`` ``(block, lane)``: zero, or NaN for a run with
a value that is not finite. ``places[step]`` says which of the ``kept`` times a step is, or -1.
``memory`` is scratch: ``stride`` vectors for each of the ``most`` blocks that take a part of a step
in turn before they take the next part, see `layout`. ``tableau[stage]`` holds a stage, see
`integration.tableau`: the method of integration is no part of the code. After the last step only
the first stage is computed.

A pipe of n steps is a ring of n numbers in the memory of a block; ``rings[2 i]`` is where it begins
(in vectors), ``rings[2 i + 1]`` how long it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from plansim.compiler.ir import Op, Program
from plansim.compiler.llvm.clock import clock
from plansim.compiler.llvm.layout import laid_out
from plansim.compiler.llvm.random_numbers import random_function
from plansim.compiler.llvm.run import run
from plansim.compiler.llvm.vector_math import math_functions
from plansim.compiler.llvm.writer import LANES, Shared
from plansim.compiler.native import Processor
from plansim.compiler.schedule import Schedule

__all__ = ["LlvmModule", "emit"]


@dataclass(frozen=True)
class LlvmModule:
    """LLVM's text of a program, and what it takes to call it."""

    text: str
    columns: int
    """Of the clock's table."""
    memory: int
    """Vectors of scratch, without the rings of pipes."""
    delays: tuple[int, ...]
    """Of each pipe, the column of the clock's table that holds its most steps."""


def emit(program: Program, plan: Schedule, processor: Processor = Processor.GENERIC) -> LlvmModule:
    """Return LLVM's text of a program, for a kind of processor and better ones."""
    layout = laid_out(program, plan)
    shared = Shared(permutes=processor is Processor.AVX512)
    parts = [
        math_functions(1, shared),
        math_functions(LANES, shared),
        *(random_function(width, shared) for width in (1, LANES) if _is_random(program)),
        clock(program, plan, shared),
        run(program, plan, layout, shared),
    ]
    return LlvmModule(
        text="\n".join([*parts, shared.text()]),
        columns=len(plan.clock_kept) + len(program.pipes),
        memory=layout.size,
        delays=tuple(range(len(plan.clock_kept), len(plan.clock_kept) + len(program.pipes))),
    )


def _is_random(program: Program) -> bool:
    return any(instruction.op is Op.RANDOM for instruction in program.instructions)
