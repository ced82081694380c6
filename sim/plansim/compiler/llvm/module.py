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

from collections.abc import Sequence
from dataclasses import dataclass

from plansim.compiler.integration import GIVEN_LEVELS
from plansim.compiler.ir import Op, Program
from plansim.compiler.llvm.body import FunctionBody
from plansim.compiler.llvm.layout import Batch, StepLayout, laid_out
from plansim.compiler.llvm.parts import COUNT, GIVEN, TABLEAU, RunParts
from plansim.compiler.llvm.random_numbers import random_function
from plansim.compiler.llvm.vector_math import math_functions
from plansim.compiler.llvm.writer import VECTOR, Shared, Writer
from plansim.compiler.native import Processor
from plansim.compiler.schedule import Schedule

__all__ = ["LlvmModule", "emit"]


@dataclass(frozen=True)
class LlvmModule:
    """LLVM's text of a program, and what it takes to call it."""

    text: str
    columns: int
    """Number of columns of the clock's table."""
    memory: int
    """Vectors of scratch, without the rings of pipes."""
    delays: tuple[int, ...]
    """By pipe, the column of the clock's table that holds its most steps."""


def emit(program: Program, plan: Schedule, processor: Processor = Processor.GENERIC) -> LlvmModule:
    """Return LLVM's text of a program, for a kind of processor and better ones."""
    layout = laid_out(program, plan)
    shared = Shared(permutes=processor is Processor.AVX512)
    parts = [
        math_functions(shared),
        _clock(program, plan, shared),
        _run(program, plan, layout, shared),
    ]
    if any(instruction.op is Op.RANDOM for instruction in program.instructions):
        parts.insert(0, random_function(shared))
    return LlvmModule(
        text="\n".join([*parts, shared.text()]),
        columns=len(plan.clock_kept) + len(program.pipes),
        memory=layout.size,
        delays=tuple(range(len(plan.clock_kept), len(plan.clock_kept) + len(program.pipes))),
    )


_CLOCK = """define void @clock(ptr noalias %table, ptr noalias readonly %tableau, double %start,
    double %final, double %step, double %saveper, i64 %steps, i64 %stages) {{
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next_i, %done ]
  %s = phi i64 [ 0, %entry ], [ %next_s, %done ]
  %row = phi ptr [ %table, %entry ], [ %next_row, %done ]
  %first = icmp eq i64 %s, 0
  %back = select i1 %first, i64 0, i64 -{columns}
  %row_before = getelementptr double, ptr %row, i64 %back
  %offset_at = getelementptr {tableau}, ptr %tableau, i64 %s
  %offset = load double, ptr %offset_at, align 8
  %whole = sitofp i64 %i to double
  %count = fadd double %whole, %offset
  %since = fmul double %count, %step
  %time = fadd double %start, %since
{body}
  br label %done
done:
  %next_row = getelementptr double, ptr %row, i64 {columns}
  %stage = add i64 %s, 1
  %through = icmp sge i64 %stage, %stages
  %next_s = select i1 %through, i64 0, i64 %stage
  %one = zext i1 %through to i64
  %next_i = add i64 %i, %one
  %over = icmp sgt i64 %next_i, %steps
  br i1 %over, label %exit, label %loop
exit:
  ret void
}}"""
_CLOCK_LEAVES = {
    Op.TIME: "%time",
    Op.INITIAL_TIME: "%start",
    Op.FINAL_TIME: "%final",
    Op.TIME_STEP: "%step",
    Op.SAVEPER: "%saveper",
}


def _clock(program: Program, plan: Schedule, shared: Shared) -> str:
    """Return the definition of ``@clock``, by vectors whose elements are all the same."""
    w = Writer(shared)
    leaves = {op: w.spread(name) for op, name in _CLOCK_LEAVES.items()}
    body = FunctionBody(w, program, lambda place, instruction: leaves.get(instruction.op))

    def freeze(place: int, value: str) -> str:
        column = plan.clock_kept[place]
        kept = w.spread_from(w.put(f"getelementptr double, ptr %row_before, i64 {column}"))
        number = body.number_of(place, value)
        return body.as_truth(place, w.put(f"select i1 %first, {VECTOR} {number}, {VECTOR} {kept}"))

    body.freeze = freeze
    body.write(plan.clock)
    columns = len(plan.clock_kept) + len(program.pipes)
    kept = [*plan.clock_kept, *(pipe.most for pipe in program.pipes)]
    for column, place in enumerate(kept):
        value = w.put(f"extractelement {VECTOR} {body.as_number(place)}, i32 0")
        address = w.put(f"getelementptr double, ptr %row, i64 {column}")
        w.lines.append(f"  store double {value}, ptr {address}")
    return _CLOCK.format(columns=columns, tableau=TABLEAU, body="\n".join(w.lines))


_RUN = """define void @run(ptr noalias readonly %table, ptr noalias readonly %tableau,
    ptr noalias readonly %inputs, ptr noalias %outputs, ptr noalias %bad_flags, ptr noalias %memory,
    ptr noalias readonly %places, ptr noalias readonly %rings,
    i64 %blocks, i64 %steps, i64 %stages, i64 %kept, i64 %stride, i64 %most) {{
entry:
  %out_size = mul i64 %kept, {outputs}
  %any = icmp sgt i64 %blocks, 0
  br i1 %any, label %group, label %exit
group:
  %b = phi i64 [ 0, %entry ], [ %b_next, %group_done ]
  %left = sub i64 %blocks, %b
  %few = icmp slt i64 %left, %most
  %vectors = select i1 %few, i64 %left, i64 %most
  %in_from = mul i64 %b, {inputs}
  %in = getelementptr {vector}, ptr %inputs, i64 %in_from
  %out_from = mul i64 %b, %out_size
  %out_all = getelementptr {vector}, ptr %outputs, i64 %out_from
  %bad = getelementptr {vector}, ptr %bad_flags, i64 %b
{once}
  br label %step
step:
  %i = phi i64 [ 0, %group ], [ %i_next, %step_done ]
  %start = phi i64 [ 0, %group ], [ %start_next, %step_done ]
  %other = phi i64 [ {levels}, %group ], [ %other_next, %step_done ]
  %first_number = mul i64 %i, %stages
  %first_from = mul i64 %first_number, {columns}
  %first_row = getelementptr double, ptr %table, i64 %first_from
  %place_at = getelementptr i64, ptr %places, i64 %i
  %place = load i64, ptr %place_at, align 8
  %wanted = icmp sge i64 %place, 0
  %place_from = mul i64 %place, {outputs}
  %out = getelementptr {vector}, ptr %out_all, i64 %place_from
  %ends = icmp eq i64 %i, %steps
  %count = select i1 %ends, i64 1, i64 %stages
  %single = icmp eq i64 %count, 1
  br label %stage
stage:
  %s = phi i64 [ 0, %step ], [ %s_next, %moved ]
  %now = phi i64 [ %start, %step ], [ %onto, %moved ]
  %row_from = mul i64 %s, {columns}
  %row = getelementptr double, ptr %first_row, i64 %row_from
  %first = icmp eq i64 %s, 0
  %s_next = add i64 %s, 1
  %last = icmp eq i64 %s_next, %count
  %given_at = getelementptr {tableau}, ptr %tableau, i64 %s, i64 {given}
  %given_number = load double, ptr %given_at, align 8
  %given = fptosi double %given_number to i64
  %buffer = mul i64 %s_next, {levels}
  %free = select i1 %first, i64 %other, i64 %buffer
  %closes = xor i1 %first, %last
  %returns = and i1 %closes, %last
  %onto = select i1 %returns, i64 %start, i64 %free
  %alone = icmp eq i64 %given, 0
  %base = select i1 %alone, i64 %start, i64 %onto
  switch i64 %given, label %parts [ {sums} ]
{add}
  br label %parts
parts:
{step_parts}
  %shows = and i1 %first, %wanted
  br i1 %shows, label %save, label %moved
save:
{save_parts}
  br label %moved
moved:
  br i1 %last, label %step_done, label %stage
step_done:
{renew}
  %start_next = select i1 %single, i64 %other, i64 %start
  %other_next = select i1 %single, i64 %start, i64 %other
  %i_next = add i64 %i, 1
  %over = icmp sgt i64 %i_next, %steps
  br i1 %over, label %group_done, label %step
group_done:
{end}
  %b_next = add i64 %b, %most
  %all_done = icmp sge i64 %b_next, %blocks
  br i1 %all_done, label %exit, label %group
exit:
  ret void
}}"""


def _run(program: Program, plan: Schedule, layout: StepLayout, shared: Shared) -> str:
    """Return the definitions of ``@run`` and of all that it calls."""
    parts = RunParts(program, plan, layout, shared)
    functions: list[str] = []

    def call(name: str, text: str, **given: str) -> str:
        functions.append(text)
        return _call(name, **given)

    before = {"row": "%table", "i": "0", "s": "0", "out": "%out_all"}
    once = [call(f"once_{i}", parts.once(i), **before) for i in range(len(layout.once))]
    once += [call(f"begin_{i}", text, **before) for i, text in enumerate(parts.begin())]
    step, save = [], []
    for i, part in enumerate(layout.step):
        step.append(call(f"step_{i}", parts.step(i), now="%now", base="%base", onto="%onto"))
        step += _powers(layout, part)
    for i, part in enumerate(layout.save):
        save.append(call(f"save_{i}", parts.save(i), now="%now"))
        save += _powers(layout, part)
    save += [call(f"show_{i}", text, now="%now") for i, text in enumerate(parts.show())]
    at_start = {"row": "%first_row", "s": "0", "now": "%start"}
    text = _RUN.format(
        vector=VECTOR,
        inputs=len(program.inputs),
        outputs=len(program.outputs),
        columns=len(plan.clock_kept) + len(program.pipes),
        levels=len(layout.level_of),
        tableau=TABLEAU,
        given=COUNT,
        sums=" ".join(f"i64 {given}, label %sum_{given}" for given in GIVEN_LEVELS),
        once="\n".join(once),
        step_parts="\n".join(step),
        save_parts="\n".join(save),
        add="\n  br label %parts\n".join(
            f"sum_{given}:\n" + call(f"add_{given}", parts.add(given), onto="%onto")
            for given in GIVEN_LEVELS
        ),
        renew=call("renew", parts.renew(), **at_start),
        end=call("end", parts.end(), **{**at_start, "now": "%start_next"}),
    )
    return "\n".join([*functions, text])


def _powers(layout: StepLayout, part: Sequence[Batch]) -> list[str]:
    """Write the call that computes the powers that end a part, if it has some, for all vectors."""
    if not part or len(part[-1]) == 1:
        return []
    rows = layout.rows[part[-1][0]], layout.exponents, len(part[-1])
    given = ", ".join(f"i64 {number}" for number in ("%vectors", "%stride", *rows))
    return [f"  call fastcc void @vector_pows(ptr %memory, {given})"]


def _call(name: str, **given: str) -> str:
    """Write a call in ``@run``; what is not given has the name that it has there."""
    names = {"now": "0", "base": "0", "onto": "0", **given}
    arguments = []
    for parameter in GIVEN.split(", "):
        kind, own = parameter.split(" ")[0], parameter.split(" ")[-1]
        arguments.append(f"{kind} {names.get(own[1:], own)}")
    return f"  call fastcc void @{name}({', '.join(arguments)})"
