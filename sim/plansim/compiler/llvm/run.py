"""The function that simulates blocks of runs: it calls the parts of a step, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from plansim.compiler.integration import GIVEN_LEVELS
from plansim.compiler.ir import Program
from plansim.compiler.llvm.clock import COUNT, TABLEAU
from plansim.compiler.llvm.layout import Batch, StepLayout
from plansim.compiler.llvm.parts import GIVEN, RunParts
from plansim.compiler.llvm.writer import LANES, Shared
from plansim.compiler.schedule import Schedule

__all__ = ["run"]

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
  %start = phi i64 [ {levels}, %group ], [ %start_next, %step_done ]
  %other = phi i64 [ {second}, %group ], [ %other_next, %step_done ]
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
  %buffer_from = mul i64 %s_next, {states}
  %buffer = add i64 {levels}, %buffer_from
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


def run(program: Program, plan: Schedule, layout: StepLayout, shared: Shared) -> str:
    """Return the definitions of ``@run`` and of all that it calls."""
    parts = RunParts(program, plan, layout, shared)
    states = len(program.states)
    functions: list[str] = []

    def call(name: str, text: str, **given: str) -> str:
        functions.append(text)
        return _call(name, **given)

    def several(name: str, texts: Sequence[str], **given: str) -> str:
        calls = (call(f"{name}_{i}", text, **given) for i, text in enumerate(texts))
        return "".join(f"\n{one}" for one in calls)

    before = {"row": "%table", "i": "0", "s": "0", "out": "%out_all"}
    levels = {"now": "%now", "base": "%base", "onto": "%onto"}
    at_start = {"row": "%first_row", "s": "0", "now": "%start"}
    steps, saves = len(layout.step), len(layout.save)
    text = _RUN.format(
        vector=f"<{LANES} x double>",
        inputs=len(program.inputs),
        outputs=len(program.outputs),
        columns=len(plan.clock_kept) + len(program.pipes),
        levels=layout.levels,
        states=states,
        second=layout.levels + states,
        tableau=TABLEAU,
        given=COUNT,
        sums=" ".join(f"i64 {given}, label %sum_{given}" for given in GIVEN_LEVELS),
        once="\n".join(call(f"once_{i}", parts.once(i), **before) for i in range(len(layout.once)))
        + several("begin", parts.begin(), **before),
        step_parts="\n".join(
            call(f"step_{i}", parts.step(i, last=i == steps - 1), **levels)
            + _powers(layout, layout.step[i])
            for i in range(steps)
        ),
        save_parts="\n".join(
            call(f"save_{i}", parts.save(i, last=i == saves - 1), now="%now")
            + _powers(layout, layout.save[i])
            for i in range(saves)
        )
        + several("show", parts.show(), now="%now"),
        add="\n  br label %parts\n".join(
            f"sum_{given}:\n" + call(f"add_{given}", parts.add(given), onto="%onto")
            for given in GIVEN_LEVELS
        ),
        renew=call("renew", parts.renew(), **at_start),
        end=call("end", parts.end(), **{**at_start, "now": "%start_next"}),
    )
    return "\n".join([*functions, text])


def _powers(layout: StepLayout, part: Sequence[Batch]) -> str:
    """Write the call that computes the powers that end a part, if it has some, for all vectors."""
    if not part or len(part[-1]) == 1:
        return ""
    rows = layout.kept[part[-1][0]], layout.exponents, len(part[-1])
    given = ", ".join(f"i64 {number}" for number in ("%vectors", "%stride", *rows))
    return f"\n  call fastcc void @pows_{LANES}(ptr %memory, {given})"


def _call(name: str, **given: str) -> str:
    """Write a call in ``@run``; what is not given has the name that it has there."""
    names = {"now": "0", "base": "0", "onto": "0", **given}
    arguments = []
    for parameter in GIVEN.split(", "):
        kind, own = parameter.split(" ")[0], parameter.split(" ")[-1]
        arguments.append(f"{kind} {names.get(own[1:], own)}")
    return f"  call fastcc void @{name}({', '.join(arguments)})"
