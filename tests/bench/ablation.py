"""What the work of a step consists of: what it would cost if it had one kind of operation twice.

To leave operations out would change the course of a run, and with it what the rest costs. So each
operation of a kind is done a second time with its sign turned, and zero times the result is added
to the first: runs stay the same to the last bit. From the time that this takes, the time is taken
off of a kernel in which nothing but the turned sign stands in the place of the second result.

This tells what dear operations cost. Of products and sums it tells nothing: there are a thousand of
each, so that what keeps the second result costs more than the result, and where machine code comes
to lie in memory decides on the sign of the difference.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from plansim.compiler.ir import BOOLEAN, Depends, Instruction, Op, Program
from plansim.compiler.lower import lower
from plansim.compiler.native import host_platform
from plansim.compiler.order import schedule
from plansim.engine.batch import simulate_ensemble
from plansim.engine.kernel import kernel_of
from plansim.model.records import Model, TimeSpec
from plansim.scenario.factors import FloatArray

__all__ = ["KINDS", "ablated"]

COPIES = 5
TURN = 512
"""Number of runs of a turn: short, so that what else the machine does hits all kernels alike."""

KINDS: dict[str, frozenset[Op]] = {
    "powers": frozenset({Op.POWER}),
    "exp and ln": frozenset({Op.EXP, Op.LN}),
    "lookups": frozenset({Op.LOOKUP}),
    "divisions": frozenset({Op.DIVIDE}),
    "square roots": frozenset({Op.SQRT}),
}


def _rewritten(program: Program, chosen: Sequence[int], twice: bool) -> Program:
    """Give a program that computes the same, with the chosen places done twice or not."""
    instructions: list[Instruction] = []
    depends: list[Depends] = []
    moved: dict[int, int] = {}
    doubled = frozenset(chosen)

    def add(instruction: Instruction, on: Depends) -> int:
        instructions.append(instruction)
        depends.append(on)
        return len(instructions) - 1

    zero = add(Instruction(Op.NUMBER, number=0.0), Depends.NOTHING)
    for place, instruction in enumerate(program.instructions):
        on = program.depends[place]
        operands = tuple(moved[each] for each in instruction.operands)
        first = add(replace(instruction, operands=operands), on)
        moved[place] = first
        if place not in doubled:
            continue
        turned = add(Instruction(Op.NEGATE, (operands[-1],)), on)
        second = turned
        if twice:
            # A power's exponent and a function's argument may turn their sign; a root's may not.
            again = operands[0] if instruction.op in (Op.SQRT, Op.LN) else None
            if again is not None:
                lifted = add(Instruction(Op.MAXIMUM, (turned, again)), on)
                second = add(replace(instruction, operands=(lifted,)), on)
            else:
                second = add(replace(instruction, operands=(*operands[:-1], turned)), on)
        none = add(Instruction(Op.MULTIPLY, (second, zero)), on)
        moved[place] = add(Instruction(Op.ADD, (first, none)), on)
    return replace(
        program,
        instructions=tuple(instructions),
        depends=tuple(depends),
        states=tuple(replace(each, initial=moved[each.initial], change=moved[each.change])
                     for each in program.states),
        pipes=tuple(replace(each, initial=moved[each.initial], entering=moved[each.entering],
                            steps=moved[each.steps], most=moved[each.most])
                    for each in program.pipes),
        outputs={name: moved[place] for name, place in program.outputs.items()},
    )  # fmt: skip


def _cpu(work: Callable[[], object]) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start


def ablated(
    model: Model,
    vary: Sequence[str],
    outputs: Sequence[str],
    values: dict[str, float],
    clock: TimeSpec,
    keep: Sequence[float],
    inputs: FloatArray,
    rounds: int,
) -> dict[str, tuple[int, float, float]]:
    """Return, by kind, how many of it a step has, what share of its time they cost, and its error.

    In processor time of one thread. Code is compiled `COPIES` times, since where it comes to lie in
    memory matters; of each copy the median is taken of paired differences in rounds, in which each
    kernel has its turn of `TURN` runs. The result is the mean over copies with its standard error.
    """
    program = lower(model, vary, outputs, values)
    step = schedule(program).step
    found: dict[str, tuple[int, float, float]] = {}
    for kind, ops in KINDS.items():
        chosen = [place for place in step if program.instructions[place].op in ops
                  and program.instructions[place].op not in BOOLEAN]  # fmt: skip
        if not chosen:
            found[kind] = (0, 0.0, 0.0)
            continue
        variants = [program, *(_rewritten(program, chosen, twice) for twice in (False, True))]
        shares = []
        for _ in range(COPIES):
            kernels = [kernel_of(v, model.sha256, host_platform()) for v in variants]
            first, _, last = (
                simulate_ensemble(k, inputs[:64], clock, keep=keep).values for k in kernels
            )
            assert np.array_equal(first, last, equal_nan=True), kind
            took = [
                [_cpu(partial(simulate_ensemble, k, inputs[:TURN], clock, keep=keep))
                 for k in kernels]
                for _ in range(rounds)
            ]  # fmt: skip
            shares.append(statistics.median((both - one) / base for base, one, both in took))
        error = statistics.stdev(shares) / COPIES**0.5
        found[kind] = (len(chosen), statistics.mean(shares), error)
    return found
