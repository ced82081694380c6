"""Functions with a memory: INTEG, SMOOTH, DELAY, TREND, SAMPLE IF TRUE and the like.

Their states are those of PySD's `statefuls.py`. What keeps its value through the stages of a step
is frozen; see `integration`. Initial values ask for values of the initial phase, so that nothing
but what runs need is lowered.
"""

from __future__ import annotations

import math
from dataclasses import replace

from plansim.compiler.functions.numbers import SMALL, stages, zidz
from plansim.compiler.integration import DISCRETE, LEVELS
from plansim.compiler.ir import Depends, Op, Pipe, State
from plansim.compiler.lower.context import Context
from plansim.compiler.lower.scope import KnownError, RefusedError, Scope, at_start, running
from plansim.errors import Message
from plansim.model.reading.expression import MISSING, Call, Node, Number
from plansim.model.reading.ranges import UnboundError

__all__ = ["STATEFUL", "finish_states", "stateful"]

MAX_STAGES = 1000
MOST_VARYING = 50
"""Stages of an order that varies from run to run."""
LONGEST_VARYING = 1000
"""Steps of a fixed delay that varies from run to run."""
_INITIALLY_INPUT = frozenset({"smooth", "smooth3", "delay1", "delay3"})
STATEFUL = LEVELS | DISCRETE
"""The functions with a memory, by `name_key`."""


def stateful(low: Context, tree: Call, scope: Scope) -> int:
    """Return the value of a function with a memory; its states are finished later."""
    if scope.initial:
        return _initially(low, tree, scope)
    key, arguments = tree.key, tree.arguments
    g = low.graph
    match key:
        case "integ" | "sinteg":
            return _state(low, tree, scope, 0)
        case "delay_fixed" | "delay_information" | "delay_material":
            return _pipe(low, tree, scope)
        case "depreciate_straightline":
            held = _held(low, tree, scope, _state(low, tree, scope, 0))
            return g.divide(held, low.number(arguments[1], at_start(scope)))
        case "sample_if_true":
            return _sampled(low, tree, scope)
        case "trend" | "forecast":
            return _trend(low, tree, scope, _state(low, tree, scope, 0))
        case "npv" | "npve":
            return _present(low, tree, scope, *(_state(low, tree, scope, i) for i in (0, 1)))
    count = _stages(low, tree, scope)
    order, last = _order(low, tree, scope, count), _state(low, tree, scope, 0)
    for stage in range(1, count):
        reached = g.make(Op.LESS, g.number(stage), order)
        last = g.select(reached, _state(low, tree, scope, stage), last)
    last = g.select(g.make(Op.LESS_EQUAL, order, g.number(count)), last, g.number(math.nan))
    if key.startswith("smooth"):
        return last
    if key == "delay_n" and not _steady(low, arguments[1], scope):
        return g.divide(last, _state(low, tree, scope, count))
    return g.divide(last, low.node(arguments[1], scope))


def _sampled(low: Context, tree: Call, scope: Scope) -> int:
    """Return the value of SAMPLE IF TRUE, which is what it remembers for the next step.

    Where its arguments refer to itself, they mean what it remembers.
    """
    state = _state(low, tree, scope, 0)
    inner = replace(scope, itself=state if low.equation_of(scope).tree == tree else None)
    condition, actual = [low.node(argument, inner) for argument in tree.arguments[:2]]
    return low.graph.freeze(low.graph.select(condition, actual, state))


def _initially(low: Context, tree: Call, scope: Scope) -> int:
    key, arguments = tree.key, tree.arguments
    g = low.graph
    match key:
        case "integ":
            return low.node(arguments[1], scope)
        case "sinteg":
            return _bounded(low, tree, scope, low.number(arguments[1], scope))
        case "depreciate_straightline":
            held = _held(low, tree, scope, g.number(0.0))
            return g.divide(held, low.number(arguments[1], scope))
        case "trend" | "forecast":
            return _trend(low, tree, scope, _first_mean(low, tree, scope))
        case "npv" | "npve":
            discount = _first_discount(low, tree, scope)
            return _present(low, tree, scope, discount, low.number(arguments[2], scope))
        case "sample_if_true":
            otherwise = low.node(arguments[2], scope)
            inner = replace(scope, itself=otherwise)
            condition, actual = [low.node(argument, inner) for argument in arguments[:2]]
            return g.select(condition, actual, otherwise)
    initial = arguments[0 if key in _INITIALLY_INPUT else 2]
    return low.node(initial, scope)


def _bounded(low: Context, tree: Call, scope: Scope, value: int) -> int:
    """Return what SINTEG makes of a value: within its bounds, or the number that it is close to."""
    g = low.graph
    lowest, highest, unit, special, near = (
        None if node == Number(MISSING) else low.number(node, scope) for node in tree.arguments[2:]
    )
    if unit is not None:
        message = Message("multiples of a quantity are not supported: write :NA: for it")
        raise RefusedError(message, tree.key)
    if special is not None and near is not None:
        gap = g.make(Op.ABSOLUTE, g.subtract(value, special))
        value = g.select(g.make(Op.LESS, gap, near), special, value)
    if lowest is not None:
        value = g.make(Op.MAXIMUM, lowest, value)
    return value if highest is None else g.make(Op.MINIMUM, highest, value)


def _held(low: Context, tree: Call, scope: Scope, before: int) -> int:
    """Return what DEPRECIATE STRAIGHTLINE writes off: all that came in while it lasts."""
    g, (stream, _, period, first) = low.graph, tree.arguments
    start = at_start(scope)
    if low.graph.value(low.number(first, start)) != 0:
        raise RefusedError(Message("an initial amount other than 0 is not supported"), tree.key)
    span, step = low.number(period, start), g.leaf(Op.TIME_STEP)
    length = low.graph.value(span)
    if span != step and length != low.model.time.step:
        message = Message("a fiscal period other than TIME STEP is not supported")
        raise RefusedError(message, tree.key)
    entering = low.number(stream, scope)
    if not scope.initial:
        entering = g.subtract(entering, _pipe(low, tree, scope))
    return g.freeze(g.add(before, g.multiply(step, entering)))


def _trend(low: Context, tree: Call, scope: Scope, mean: int) -> int:
    g = low.graph
    now, time = [low.node(argument, scope) for argument in tree.arguments[:2]]
    gap = g.subtract(now, mean)
    if tree.key == "trend":
        return zidz(g, gap, g.multiply(time, g.make(Op.ABSOLUTE, mean)))
    growth = g.multiply(zidz(g, gap, g.multiply(time, mean)), low.node(tree.arguments[2], scope))
    return g.multiply(now, g.add(g.number(1.0), growth))


def _first_mean(low: Context, tree: Call, scope: Scope) -> int:
    g = low.graph
    start = at_start(scope)
    now = low.node(tree.arguments[0], start)
    if tree.key == "forecast":
        return now
    time, trend = [low.node(argument, start) for argument in tree.arguments[1:3]]
    return g.divide(now, g.add(g.number(1.0), g.multiply(trend, time)))


def _present(low: Context, tree: Call, scope: Scope, discount: int, value: int) -> int:
    """Return the node of NPV: what is discounted so far, and the stream of the present step."""
    g = low.graph
    stream, factor = (low.number(tree.arguments[i], scope) for i in (0, 3))
    step = g.multiply(g.multiply(stream, g.leaf(Op.TIME_STEP)), discount)
    return g.multiply(g.add(value, step), factor)


def _step_factor(low: Context, rate: int) -> int:
    g = low.graph
    return g.add(g.number(1.0), g.multiply(rate, g.leaf(Op.TIME_STEP)))


def _first_discount(low: Context, tree: Call, scope: Scope) -> int:
    """Return the first discount factor: that of a period's end for NPVE."""
    g = low.graph
    if tree.key == "npv":
        return g.number(1.0)
    return g.divide(g.number(1.0), _step_factor(low, low.number(tree.arguments[1], scope)))


def _steady(low: Context, tree: Node, scope: Scope) -> bool:
    moving = Depends.TIME | Depends.STATE
    return not low.graph.depends[low.node(tree, scope)] & moving


def _stages(low: Context, tree: Call, scope: Scope) -> int:
    """Return how many stages there are at most: the order is what it is at the start of a run."""
    count = stages(tree.key)
    if count is not None:
        return count
    place = low.node(tree.arguments[3], at_start(scope))
    number = low.highest(place)
    if number is None or (low.graph.value(place) is None and number > MOST_VARYING):
        number = low.structural(place, tree.key, Message("the order"))
    if not 1 <= int(number) <= MAX_STAGES:
        raise RefusedError(
            Message("the order is {number:g}: it has to be 1 or more", number=number), tree.key
        )
    return int(number)


def _order(low: Context, tree: Call, scope: Scope, count: int) -> int:
    """Return the order, NaN beyond ``count``; that of DELAY N falls until a stage lasts a step."""
    g, order = low.graph, low.graph.number(count)
    if stages(tree.key) is None:
        place = g.make(Op.TRUNCATE, low.node(tree.arguments[3], at_start(scope)))
        if g.value(place) is None and not low.pinned:
            possible = g.make(
                Op.AND,
                g.make(Op.LESS_EQUAL, g.number(1.0), place),
                g.make(Op.LESS_EQUAL, place, order),
            )
            order = g.select(possible, place, g.number(math.nan))
    if tree.key != "delay_n":
        return order
    lasts = low.node(tree.arguments[1], at_start(scope))
    steps = g.make(Op.TRUNCATE, g.divide(lasts, g.leaf(Op.TIME_STEP)))
    within = g.make(Op.MINIMUM, order, steps)
    return g.make(Op.MAXIMUM, g.number(1.0), within)


def _state(low: Context, tree: Call, scope: Scope, stage: int) -> int:
    """Return the node of a state; note that it is to be finished."""
    memo = (scope.key, tree.start, scope.cell, tuple(scope.bound.items()), stage)
    if memo not in low.memory:
        low.memory[memo] = len(low.states)
        low.states.append(None)
        low.later.append((tree, running(scope), stage, len(low.states) - 1))
    return low.graph.leaf(Op.STATE, low.memory[memo])


def _pipe(low: Context, tree: Call, scope: Scope) -> int:
    memo = (scope.key, tree.start, scope.cell, tuple(scope.bound.items()), "pipe")
    if memo not in low.memory:
        low.memory[memo] = len(low.pipes)
        low.pipes.append(None)
        low.later.append((tree, running(scope), -1, len(low.pipes) - 1))
    return low.graph.leaf(Op.PIPE, low.memory[memo])


def finish_states(low: Context) -> None:
    """Lower first and following values; more states may come up on the way."""
    while low.later:
        tree, scope, stage, index = low.later.pop()
        low.open.clear()
        try:
            if stage < 0:
                low.pipes[index] = _finished_pipe(low, tree, scope)
            else:
                low.states[index] = _finished(low, tree, scope, stage)
        except KnownError:
            continue
        except (RefusedError, UnboundError) as error:
            low.note(scope.key, scope.cell, error)


def _finished_pipe(low: Context, tree: Call, scope: Scope) -> Pipe:
    start = at_start(scope)
    delay = low.node(tree.arguments[1], start)
    must_stay = tree.key in ("delay_information", "delay_material")
    if must_stay and not _steady(low, tree.arguments[1], scope):
        raise RefusedError(Message("its delay varies within a run"), tree.key)
    first = low.graph.number(0.0)
    if tree.key != "depreciate_straightline":
        first = low.number(tree.arguments[2], start)
    longest = delay
    if low.graph.depends[delay] & Depends.INPUTS:
        known, most = low.longest(delay), low.highest(delay)
        if known is None or most is None or not most <= LONGEST_VARYING * low.model.time.step:
            low.pin(delay)
        longest = delay if known is None else known
    return Pipe(
        low.spoken(scope.key, scope.cell),
        initial=first,
        entering=low.graph.freeze(low.number(tree.arguments[0], scope)),
        steps=_steps(low, delay),
        most=_steps(low, longest),
    )


def _steps(low: Context, delay: int) -> int:
    """Return the whole number of steps that is closest to a delay, and not less than one."""
    g = low.graph
    count = g.make(Op.MAXIMUM, g.divide(delay, g.leaf(Op.TIME_STEP)), g.number(1.0))
    return g.make(Op.TRUNCATE, g.add(count, g.number(0.5 + SMALL)))


def _finished(low: Context, tree: Call, scope: Scope, stage: int) -> State:
    g = low.graph
    name = low.spoken(scope.key, scope.cell)
    start = at_start(scope)
    arguments = tree.arguments
    me = _state(low, tree, scope, stage)
    match tree.key:
        case "integ":
            initial = _initial_stock(low, scope, low.number(arguments[1], start))
            return State(name, initial, low.number(arguments[0], scope), True)
        case "sinteg":
            first = low.number(arguments[1], start)
            initial = _bounded(low, tree, start, _initial_stock(low, scope, first))
            rate = low.number(arguments[0], scope)
            following = g.add(me, g.multiply(g.leaf(Op.TIME_STEP), rate))
            following = g.freeze(_bounded(low, tree, scope, following))
            return State(name, initial, following, False)
        case "depreciate_straightline":
            return State(name, g.number(0.0), _held(low, tree, scope, me), False)
        case "sample_if_true":
            initial = low.number(arguments[2], start)
            return State(name, initial, _sampled(low, tree, scope), False)
        case "npv" | "npve":
            stream, rate = [low.number(argument, scope) for argument in arguments[:2]]
            discount = _state(low, tree, scope, 0)
            if stage == 0:
                lost = g.divide(g.multiply(discount, rate), _step_factor(low, rate))
                initial = _first_discount(low, tree, start)
                return State(name, initial, g.make(Op.NEGATE, lost), True)
            initial = low.number(arguments[2], start)
            return State(name, initial, g.multiply(stream, discount), True)
        case "trend" | "forecast":
            now, time = [low.node(argument, scope) for argument in arguments[:2]]
            change = g.divide(g.subtract(now, me), time)
            return State(name, _first_mean(low, tree, start), change, True)
    count = _stages(low, tree, scope)
    order = _order(low, tree, scope, count)
    first = low.node(arguments[0 if tree.key in _INITIALLY_INPUT else 2], start)
    time = low.node(arguments[1], scope)
    if tree.key.startswith("smooth"):
        before = (
            low.node(arguments[0], scope) if stage == 0 else _state(low, tree, scope, stage - 1)
        )
        change = g.divide(g.multiply(g.subtract(before, me), order), time)
        return State(name, g._as_number(first), change, True)
    if stage >= count:  # of DELAY N: the delay time that went into a stage
        following = time if stage == count else _state(low, tree, scope, stage - 1)
        return State(name, low.node(arguments[1], start), g.freeze(following), False)
    steady = tree.key != "delay_n" or _steady(low, arguments[1], scope)

    def outflow(number: int) -> int:
        lasts = time if steady or not number else _state(low, tree, scope, count + number - 1)
        return g.divide(_state(low, tree, scope, number), lasts)

    entering = low.node(arguments[0], scope) if stage == 0 else outflow(stage - 1)
    change = g.multiply(g.subtract(entering, outflow(stage)), order)
    change = g.select(g.make(Op.LESS, g.number(stage), order), change, g.number(0.0))
    initial = g.multiply(first, low.node(arguments[1], start))
    return State(name, initial, change, True)


def _initial_stock(low: Context, scope: Scope, initial: int) -> int:
    """Return a stock's initial value, which may be an input in its own name."""
    label = "" if scope.frame else low.label(low.variables[scope.key], scope.cell)
    if not low.varies(label):
        return initial
    default = low.graph.value(initial)
    return low.input(label, math.nan if default is None else default)
