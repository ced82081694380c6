"""The form of a Vensim file: its entries and equations, where they stand, and faults of syntax.

The scan comes before any engine reads the file, since engines give no lines and stop at the first
fault. It takes time proportional to the file's length. What must hold between equations is for
`lint` to judge, what they say about variables for `build`.

Reference: https://www.vensim.com/documentation/ref_text_editor.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from plansim.errors import FaultLog, Message
from plansim.model.reading.entries import (
    RawEntry,
    SourceText,
    first_words,
    read_entries,
)
from plansim.model.reading.equations import (
    Equation,
    EquationForm,
    Equations,
    Macro,
    Range,
    Scan,
    short,
)
from plansim.model.reading.expression import (
    WORD,
    Call,
    EquationSyntaxError,
    Node,
    name_key,
    single_spaced,
    walk,
)
from plansim.model.reading.lookups import read_subscripts
from plansim.model.reading.ranges import NAMED, add_range, read_range, resolve_ranges
from plansim.model.reading.syntax import read_lookup, read_right_side

__all__ = ["scan_text"]

_MACRO = re.compile(r"^[ \t]*:MACRO:", re.IGNORECASE | re.MULTILINE)
_MACRO_HEAD = re.compile(rf"\s*({WORD}?)\s*\(([^()]*)\)")
_MACRO_END = re.compile(r":END OF MACRO:", re.IGNORECASE)
_AS_MACROS = {
    r"\bDELAYP\s*\(": """:MACRO: DELAYP(input, delay time : pipeline)
DELAYP= last/stay ~~|
pipeline= first + middle + last ~~|
first= INTEG(input - first/stay, last) ~~|
middle= INTEG((first - middle)/stay, last) ~~|
last= INTEG((middle - last)/stay, stay*input) ~~|
stay= delay time/3 ~~|
:END OF MACRO:
""",
    r"\bRANDOM[\s_]+PINK[\s_]+NOISE\s*\(": """
:MACRO: RANDOM PINK NOISE(mean, deviation, correlation time, stream)
RANDOM PINK NOISE= INTEG(
    (mean + deviation*SQRT(2/share - 1)*white - RANDOM PINK NOISE)/correlation time,
    mean + deviation*white) ~~|
share= TIME STEP$/correlation time ~~|
white= RANDOM NORMAL(-6, 6, 0, 1, stream) ~~|
:END OF MACRO:
""",
}
"""Functions by the equations of Vensim's manual, which a model has that calls them."""
_KEYWORD = re.compile(r":[A-Za-z ]+:")
_EXCEPT = re.compile(r":EXCEPT:", re.IGNORECASE)
_LIMIT = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_MARK = re.compile(r"(:=)|==?")


def scan_text(text: str, log: FaultLog, slips: FaultLog | None = None) -> Scan:
    """Scan the text of a Vensim file.

    Args:
        text: the whole file, with line feeds only.
        log: is given the faults of syntax.
        slips: is given those that hinder no run; by default as ``log``.

    Returns:
        All equations and ranges, those with a fault of syntax included as far as they go.
    """
    source = SourceText(text, log, log if slips is None else slips)
    called = (body for name, body in _AS_MACROS.items() if re.search(name, text, re.IGNORECASE))
    macros = dict(_macros(SourceText("".join(called), log, source.slips))) | dict(_macros(source))
    if _MACRO.search(source.text, 0, source.end):
        return Scan({}, {}, {})  # without its end a macro holds the rest of the file
    equations, raw_ranges = _read_all(source)
    ranges, elements = resolve_ranges(log, raw_ranges)
    macros = {
        key: replace(macro, equations=_with_outputs(log, macro.equations, macros))
        for key, macro in macros.items()
    }
    return Scan(
        equations=_with_outputs(log, equations, macros),
        ranges=ranges,
        elements=elements,
        groups=source.groups,
        unreadable=frozenset(source.unreadable),
        open_ended=source.open_ended or len(ranges) < len(raw_ranges),
        macros=macros,
    )


def _read_all(source: SourceText) -> tuple[dict[str, tuple[Equation, ...]], dict[str, Range]]:
    """Read all equations and ranges of a text; faults are noted."""
    equations: dict[str, list[Equation]] = {}
    raw_ranges: dict[str, Range] = {}
    log = source.log
    for entry in read_entries(source):
        item: Equation | Range | None = None
        left, is_read = None, False
        try:
            left = _read_left_side(source, entry)
            if entry.complete:
                item, is_read = _read_right_side(source, entry, *left), True
        except EquationSyntaxError as error:
            if entry.complete and _is_unfinished(source, entry, equations):
                continue
            if entry.complete:
                line = source.line(min(error.offset, max(entry.start, entry.end - 1)))
                log.fault(_about(source, entry, error), line, error.expected, error.found)
        if left and not is_read:
            item = _unread(source, *left)
        if isinstance(item, Equation):
            equations.setdefault(name_key(item.name), []).append(item)
        elif isinstance(item, Range):
            add_range(log, raw_ranges, item)
        if log.is_full:
            break
    return {key: _defined(group) for key, group in equations.items()}, raw_ranges


def _defined(group: Sequence[Equation]) -> tuple[Equation, ...]:
    """Return a variable's equations without the A FUNCTION OF that they replace."""
    written = tuple(one for one in group if "a_function_of" not in one.called)
    return written or tuple(group)


def _is_unfinished(
    source: SourceText, entry: RawEntry, equations: Mapping[str, Sequence[Equation]]
) -> bool:
    """Return whether an entry is the blank one that Vensim writes behind A FUNCTION OF."""
    name, _, right = source.text[entry.start : entry.end].partition("=")
    before = equations.get(name_key(name.strip()), ())
    return not right.strip() and any("a_function_of" in one.called for one in before)


def _macros(source: SourceText) -> Iterator[tuple[str, Macro]]:
    """Read the macros of a file, by key, and blank them, so that the rest is read without them."""
    for opening in list(_MACRO.finditer(source.text, 0, source.end)):
        line = source.line(opening.end() - 1)
        head = _MACRO_HEAD.match(source.text, opening.end(), source.end)
        closing = _MACRO_END.search(source.text, opening.end(), source.end)
        if (
            head is None
            or closing is None
            or _MACRO.search(source.text, opening.end(), closing.start())
        ):
            form = Message(":MACRO: name(input, …) … :END OF MACRO:")
            source.log.fault("a macro cannot be read", line, expected=form)
            return
        name, (inputs, _, outputs) = single_spaced(head[1]), head[2].partition(":")
        body = source.only(head.end(), closing.start())
        equations, _ = _read_all(body)
        source.blank(opening.start(), closing.end())
        keys, given = (
            tuple(name_key(word) for word in words.replace("\\", " ").split(",") if word.strip())
            for words in (inputs, outputs)
        )
        missing = [key for key in (name_key(name), *given) if key not in equations]
        for key in missing:
            source.log.fault(
                "no equation gives '{output}' of the macro '{name}'",
                line,
                output=short(key.replace("_", " ")),
                name=short(name),
            )
        if not missing:
            yield name_key(name), Macro(name, keys, equations, line, given)


def _with_outputs(
    log: FaultLog, equations: Equations, macros: Mapping[str, Macro]
) -> dict[str, tuple[Equation, ...]]:
    """Return equations, and one for each output of a macro that one of them calls."""
    found = dict(equations)
    calls = [
        (equation, node)
        for group in equations.values()
        for equation in group
        if equation.tree
        for node in walk(equation.tree)
        if isinstance(node, Call) and node.outputs
    ]
    for equation, call in calls:
        known = macros[call.key].outputs if call.key in macros else ()
        if len(known) != len(call.outputs):
            log.fault(
                "{name} has the wrong number of outputs",
                equation.line_of(call),
                expected=f"{len(known)}",
                found=f"{len(call.outputs)}",
                name=short(call.written[0]),
            )
            continue
        for output, part in zip(call.outputs, known, strict=True):
            if output.key == name_key(equation.name):
                continue  # the value of the call holds
            name, *subscripts = output.written
            new = replace(
                equation, name=name, subscripts=tuple(subscripts), form=EquationForm.OUTPUT,
                unit="", limits=(None, None), comment="",
                tree=replace(call, outputs=(), part=part),
            )  # fmt: skip
            found[output.key] = (*found.get(output.key, ()), new)
    return found


def _about(source: SourceText, entry: RawEntry, error: EquationSyntaxError) -> Message:
    match = NAMED.match(source.text, entry.start, entry.end)
    name = single_spaced(match[0]) if match else ""
    if not _can_name(name):
        return error.message
    return Message("{fault} in '{name}'", fault=error.message, name=short(name))


def _can_name(word: str) -> bool:
    """Return whether a word can be told from a number."""
    return word != "" and not word.isdecimal()


def _read_left_side(source: SourceText, entry: RawEntry) -> tuple[Equation, int]:
    """Read ``name [subscripts] :EXCEPT: [subscripts], …``.

    Returns:
        The equation as far as that, and the offset of what follows.
    """
    text, start, end = source.text, entry.start, _end(source, entry)
    match = NAMED.match(text, start, end)
    if not match or not _can_name(single_spaced(match[0])):
        raise EquationSyntaxError(
            start,
            Message("an equation does not begin with a name"),
            found=first_words(source, start),
        )
    subscripts: tuple[str, ...] = ()
    exceptions = []
    at = source.skip(match.end(), end)
    if text.startswith("[", at, end):
        subscripts, at = read_subscripts(text, at, end)
        at = source.skip(at, end)
    excepted = _EXCEPT.match(text, at, end)
    if excepted:
        at = source.skip(excepted.end(), end)
        while True:
            if not text.startswith("[", at, end):
                raise EquationSyntaxError(
                    min(at, end - 1), Message("no subscripts follow :EXCEPT:"), expected="'['"
                )
            exception, at = read_subscripts(text, at, end)
            exceptions.append(exception)
            at = source.skip(at, end)
            if not text.startswith(",", at, end):
                break
            at = source.skip(at + 1, end)
    unit, limits = _read_unit(source, entry)
    equation = Equation(
        name=single_spaced(match[0]),
        subscripts=subscripts,
        exceptions=tuple(exceptions),
        form=EquationForm.EQUATION,
        text=source.raw[start : entry.end].strip(),
        unit=unit,
        limits=limits,
        comment=entry.comment,
        group=entry.group,
        line=source.line(start),
        start=start,
        tree=None,
    )
    return equation, at


def _end(source: SourceText, entry: RawEntry) -> int:
    """Return the offset behind the last character of an entry's equation."""
    end = entry.end
    while end > entry.start and source.text[end - 1] in " \t\n\\":
        end -= 1
    return end


def _read_right_side(
    source: SourceText, entry: RawEntry, left: Equation, at: int
) -> Equation | Range | None:
    """Read an entry from ``at`` on, behind its left-hand side.

    Returns:
        What it defines; None if it is no part of the simulation (a Reality Check, a text).

    Raises:
        EquationSyntaxError: at the first place that cannot be read.
    """
    text, end = source.text, _end(source, entry)
    keyword = _KEYWORD.match(text, at, end)
    if keyword:
        if keyword[0].upper() in (":THE CONDITION:", ":TEST INPUT:", ":IS:"):
            return None
        at = source.skip(keyword.end(), end)
        if at < end and not text.startswith(":=", at):
            raise EquationSyntaxError(
                at,
                Message("nothing but data can follow {keyword}", keyword=keyword[0]),
                expected="':='",
            )
    if text.startswith("<->", at, end):
        copied = single_spaced(text[at + 3 : end])
        return Range(left.name, (copied,), entry.comment, left.line, ((copied, ()),))
    form, right = EquationForm.DATA, end
    if mark := _MARK.match(text, at, end):
        form = EquationForm.DATA if mark[1] else EquationForm.EQUATION
        right = source.skip(mark.end(), end)
    elif text.startswith("(", at, end):
        form, right = EquationForm.LOOKUP, at
    elif text.startswith(":", at, end):
        return read_range(source, left.name, at + 1, end, entry)
    elif at < end:
        raise EquationSyntaxError(
            at,
            Message("there is no equation"),
            expected=Message("'=' after the name"),
            found=Message("'{text}'", text=single_spaced(text[at : min(end, at + 20)])),
        )
    tree: Node | None = None
    if form is EquationForm.LOOKUP:
        tree = read_lookup(text, right, end)
    elif right < end:
        tree = read_right_side(text, right, end)
    elif form is not EquationForm.DATA:
        raise EquationSyntaxError(end - 1, Message("nothing follows the sign of equality"))
    return replace(left, form=form, tree=tree)


def _unread(source: SourceText, left: Equation, at: int) -> Equation | Range:
    """Keep the name of what cannot be read, lest all who use it be called faulty too."""
    if source.text.startswith(":", at) and not source.text.startswith(":=", at):
        source.open_ended = True
        return Range(left.name, (), left.comment, left.line)
    source.unreadable.add(name_key(left.name))
    return left


def _read_unit(
    source: SourceText, entry: RawEntry
) -> tuple[str, tuple[float | None, float | None]]:
    """Part ``unit [low, high]``."""
    unit, bracket, inside = single_spaced(entry.unit).partition("[")
    unit = unit.strip()
    if not bracket and not unit.endswith("]"):
        return unit, (None, None)
    bounds = [piece.strip() for piece in inside.removesuffix("]").split(",")]
    readable = all(bound == "?" or _LIMIT.fullmatch(bound) for bound in bounds)
    if inside.endswith("]") and readable and len(bounds) <= 3:
        low, high = (None if bound == "?" else float(bound) for bound in [*bounds, "?"][:2])
        if low is None or high is None or low <= high:
            return unit, (low, high)
    source.slips.fault(
        "the limits in the unit cannot be read: {words}",
        source.line(entry.start),
        expected=Message("'[lowest,highest]' with '?' for none"),
        found=Message("'{text}'", text=single_spaced(entry.unit)[-60:]),
        words=first_words(source, entry.start),
    )
    return unit, (None, None)
