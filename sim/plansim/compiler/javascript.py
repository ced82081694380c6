"""From a program to JavaScript: an object that the functions of ``runtime.js`` run.

The text of a program is an expression, an object with

``inputs``, ``defaults``, ``outputs``  their names, and what the model says for each input
``memory``       one array of numbers for everything that outlives a function
``once``         computes what depends on inputs and controls only
``step``         computes a stage of a step, from the states and the time; what is frozen is
                 computed at the first one and stays in ``memory``
``save``         computes what outputs need beside
``states``       of each state, where its first value and its net flow or next value stand, and
                 whether it is a level
``pipes``        of each pipe, where its first, its entering value and its steps stand
``shown``        where each output stands

A phase is cut into functions of some hundred instructions: an engine optimises those, and gives up
on one of thousands. What is used once, and in its own function, is written where it is used; what
other functions use goes by way of ``memory``. Nothing is reordered, so that results differ from
those of LLVM by the rounding of ``exp``, ``log``, ``pow`` and the like alone.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from plansim.compiler.integration import STAGES
from plansim.compiler.ir import Op, PiecewiseLinear, Program, is_truth
from plansim.compiler.schedule import Schedule

__all__ = ["emit_javascript", "runtime"]

_AT_ONCE = 400
"""Instructions in a function."""
_DEEPEST = 24
"""Brackets within brackets."""

_CLOCK = {Op.TIME: 0, Op.INITIAL_TIME: 1, Op.FINAL_TIME: 2, Op.TIME_STEP: 3, Op.SAVEPER: 4}
"""Where the runtime puts the clock."""

_INFIX = {
    Op.ADD: "+",
    Op.SUBTRACT: "-",
    Op.MULTIPLY: "*",
    Op.DIVIDE: "/",
    Op.LESS: "<",
    Op.LESS_EQUAL: "<=",
    Op.EQUAL: "===",
    Op.NOT_EQUAL: "!==",
    Op.AND: "&&",
    Op.OR: "||",
}
_CALLS = {
    Op.POWER: "power",
    Op.REMAINDER: "remainder",
    Op.MINIMUM: "Math.min",
    Op.MAXIMUM: "Math.max",
    Op.ABSOLUTE: "Math.abs",
    Op.TRUNCATE: "Math.trunc",
    Op.EXP: "Math.exp",
    Op.LN: "Math.log",
    Op.SQRT: "Math.sqrt",
    Op.SIN: "Math.sin",
    Op.COS: "Math.cos",
    Op.TAN: "Math.tan",
    Op.ARCSIN: "Math.asin",
    Op.ARCCOS: "Math.acos",
    Op.ARCTAN: "Math.atan",
    Op.SINH: "Math.sinh",
    Op.COSH: "Math.cosh",
    Op.TANH: "Math.tanh",
}


def runtime() -> str:
    """Return the text of the functions that run programs: ``simulate`` and ``evaluate``."""
    functions = files(__package__).joinpath("runtime.js").read_text("utf-8")
    return f"const STAGES = {json.dumps(dict(STAGES))};\n{functions}"


def emit_javascript(program: Program, plan: Schedule) -> str:
    """Return the text of a program, an expression; the text of `runtime` has to come before it."""
    chunks = list(_chunks(program, plan))
    memory = _laid_out(program, chunks)
    bodies: dict[str, list[str]] = {"once": [], "step": [], "save": []}
    for chunk in chunks:
        bodies[chunk[0]].append(_statements(program, memory, chunk))
    states = [[memory.at[s.initial], memory.at[s.change], s.is_level] for s in program.states]
    pipes = [
        {name: memory.at[getattr(pipe, name)] for name in ("initial", "entering", "steps")}
        for pipe in program.pipes
    ]
    parts = [
        f"inputs: {json.dumps(program.inputs, ensure_ascii=False)}",
        f"defaults: {_numbers(program.defaults)}",
        f"outputs: {json.dumps([*program.outputs], ensure_ascii=False)}",
        f"memory: new Float64Array({memory.size})",
        f"at: {json.dumps(memory.regions)}",
        f"shown: {json.dumps([memory.at[output] for output in program.outputs.values()])}",
        f"states: {json.dumps(states)}",
        f"pipes: {json.dumps(pipes)}",
    ]
    functions = []
    for phase, texts in bodies.items():
        given = "M, first" if phase == "step" else "M"
        functions += [f"function {phase}{i}({given}) {{\n{text}}}" for i, text in enumerate(texts)]
        calls = "".join(f" {phase}{i}({given});" for i in range(len(texts)))
        numbers = memory.numbers if phase == "once" else {}
        fixed = "".join(f" M[{at}] = {_number(value)};" for value, at in numbers.items())
        parts.append(f"{phase}({given}) {{{fixed}{calls} }}")
    tables = [f"const table{i} = {_table(table)};" for i, table in enumerate(program.tables)]
    lines = [*tables, *functions, "return {\n  " + ",\n  ".join(parts) + ",\n};"]
    return '(() => {\n"use strict";\n' + "\n".join(lines) + "\n})()"


# --- What goes where ------------------------------------------------------------------------------


Chunk = tuple[str, Sequence[int]]
"""A phase, and places of instructions that make one function of it."""


def _chunks(program: Program, plan: Schedule) -> Iterator[Chunk]:
    """Cut phases into chunks. What depends on the clock alone is computed where it is needed."""
    phases = {
        "once": [*plan.clock, *plan.once],
        "step": [*plan.clock, *plan.step],
        "save": plan.save,
    }
    for phase, places in phases.items():
        wanted = [place for place in places if program.instructions[place].operands]
        for start in range(0, len(wanted), _AT_ONCE):
            yield phase, wanted[start : start + _AT_ONCE]


@dataclass(frozen=True)
class _Memory:
    """Where in the array each thing stands that outlives a function."""

    at: Mapping[int, int]
    """By place of an instruction."""
    numbers: Mapping[float, int]
    """Numbers that are a state's value or an output as they are."""
    regions: Mapping[str, int]
    """Where these begin: inputs, states, pipes, and what states are at the start of a step and then
    what each of its stages gives."""
    size: int


def _laid_out(program: Program, chunks: Sequence[Chunk]) -> _Memory:
    inputs = len(_CLOCK)
    states = inputs + len(program.inputs)
    pipes = states + len(program.states)
    given = pipes + len(program.pipes)
    free = given + (1 + max(map(len, STAGES.values()))) * len(program.states)
    begins = {Op.INPUT: inputs, Op.STATE: states, Op.PIPE: pipes}
    at: dict[int, int] = {}
    numbers: dict[float, int] = {}
    for place, instruction in enumerate(program.instructions):
        if instruction.op in _CLOCK:
            at[place] = _CLOCK[instruction.op]
        elif instruction.op in begins:
            at[place] = begins[instruction.op] + instruction.index
    ends = set(_ends(program))
    crossing = set(ends)
    for _, places in chunks:
        here = set(places)
        crossing |= {place for place in here if program.instructions[place].op is Op.FROZEN}
        crossing |= {o for place in here for o in program.instructions[place].operands} - here
    for place in sorted(crossing - at.keys()):
        instruction = program.instructions[place]
        if instruction.op is not Op.NUMBER:
            at[place] = free
            free += 1
        elif place in ends:
            at[place] = numbers.setdefault(instruction.number, free)
            free = max(free, at[place] + 1)
    regions = {"inputs": inputs, "states": states, "pipes": pipes, "given": given}
    return _Memory(at, numbers, regions, free)


def _ends(program: Program) -> Iterable[int]:
    """Yield what the runtime reads."""
    yield from program.outputs.values()
    for state in program.states:
        yield from (state.initial, state.change)
    for pipe in program.pipes:
        yield from (pipe.initial, pipe.entering, pipe.steps)


# --- The text -------------------------------------------------------------------------------------


def _statements(program: Program, memory: _Memory, chunk: Chunk) -> str:
    """Return what a function does; what is used once in it is written where it is used."""
    instructions, (phase, places) = program.instructions, chunk
    uses = Counter(operand for place in places for operand in instructions[place].operands)
    written: dict[int, tuple[str, int]] = {}  # text and depth, of what it contains
    lines = []

    def value(place: int) -> tuple[str, int]:
        if place in written:
            return written[place]
        if instructions[place].op is Op.NUMBER:
            return _number(instructions[place].number), 0
        text = f"M[{memory.at[place]}]"
        return (f"({text} !== 0)" if is_truth(instructions, place) else text), 0

    for place in places:
        op = instructions[place].op
        operands, depths = zip(*map(value, instructions[place].operands), strict=True)
        text = _written(op, operands, instructions[place].index)
        kept = place in memory.at
        if not kept and uses[place] == 1 and max(depths) < _DEEPEST:
            written[place] = text if op in _CALLS else f"({text})", max(depths) + 1
            continue
        once = op is Op.FROZEN and phase == "step"
        if uses[place] and not once:
            lines.append(f"const v{place} = {text};")
            text = f"v{place}"
            written[place] = text, 0
        if kept:
            stored = f"({text}) ? 1 : 0" if is_truth(instructions, place) else text
            lines.append(f"{'if (first) ' if once else ''}M[{memory.at[place]}] = {stored};")
    return "".join(f"{line}\n" for line in lines)


def _written(op: Op, operands: Sequence[str], index: int) -> str:
    if op in _INFIX:
        return f"{operands[0]} {_INFIX[op]} {operands[1]}"
    if op in _CALLS:
        return f"{_CALLS[op]}({', '.join(operands)})"
    match op:
        case Op.NEGATE:
            return f"-{operands[0]}"
        case Op.NOT:
            return f"!{operands[0]}"
        case Op.FROZEN:
            return operands[0]
        case Op.SELECT:
            return f"{operands[0]} ? {operands[1]} : {operands[2]}"
        case Op.LOOKUP:
            return f"lookup(table{index}, {operands[0]})"
        case Op.RANDOM:
            return f"random({', '.join(operands)}, {index})"
    raise AssertionError(op)


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "(-Infinity)"
    text = repr(value).removesuffix(".0")
    return text if value >= 0 else f"({text})"


def _numbers(values: Iterable[float]) -> str:
    return f"[{', '.join(map(_number, values))}]"


def _table(table: PiecewiseLinear) -> str:
    x, y = table.x, table.y
    slopes = [(y[i + 1] - y[i]) / (x[i + 1] - x[i]) for i in range(len(x) - 1)]
    return f"{{ x: {_numbers(x)}, y: {_numbers(y)}, slope: {_numbers(slopes)} }}"
