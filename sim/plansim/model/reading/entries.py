"""The text of a Vensim file and its entries, ``equation ~ unit ~ comment |``, with their lines."""

from __future__ import annotations

import copy
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from plansim.errors import FaultLog, Message
from plansim.model.reading.expression import LETTER, single_spaced

__all__ = [
    "SKETCH",
    "RawEntry",
    "SourceText",
    "around_sketch",
    "first_words",
    "read_entries",
]

SKETCH = "\\\\\\---///"
"""Where the drawings begin, after the equations."""
_AFTER_SKETCH = re.compile(rb"^(?:///---\\\\\\|:L\x7f?<%\^E!@)", re.MULTILINE)
"""Where the drawings end, or without such a line the settings begin."""
_SEPARATOR = re.compile(r'"(?:\\"|[^"\n])*"|[~|{]')
_CURLY = re.compile(r"[{}]")
_COMMENT_SEPARATOR = re.compile(r"[~|]")
_SPACE = re.compile(r"[\s\\]*")
_NO_BREAK = re.compile(r"[^\n]")
_ENCODING = re.compile(r"\s*\{[^{}\n]*\}")
_NEXT_ENTRY = re.compile(rf"\n(?=\*{{3}}|[0-9{LETTER}\"][^\n~|]*[=(:])")


@dataclass(frozen=True)
class RawEntry:
    """The parts of an entry; the equation as offsets."""

    start: int
    end: int
    unit: str
    comment: str
    group: str
    complete: bool  # else only its left-hand side is of use


class SourceText:
    """The text of a file with its lines."""

    def __init__(self, text: str, log: FaultLog, slips: FaultLog) -> None:
        self.raw = text
        self.slips = slips
        # A backslash at the end of a line continues it: spaces keep every offset.
        self.text = text.replace("\\\n", "  ")
        sketch = text.find(SKETCH)
        self.end = sketch if sketch >= 0 else len(text)
        self.log = log
        self.unreadable: set[str] = set()
        self.open_ended = False
        self.groups: dict[str, str] = {}
        self._newlines = [match.start() for match in re.finditer("\n", text)]

    def line(self, offset: int) -> int:
        """Return the line of an offset, counted from 1."""
        return bisect_right(self._newlines, offset - 1) + 1

    def blank(self, start: int, end: int) -> None:
        """Put spaces in the place of a part of the text, which keeps every offset."""
        kept = self.text[:start] + _NO_BREAK.sub(" ", self.text[start:end])
        self.text = kept + self.text[end:]

    def only(self, start: int, end: int) -> SourceText:
        """Return a source of a part of the text; it shares what is noted."""
        part = copy.copy(self)
        part.blank(0, start)
        part.end = end
        return part

    def skip(self, offset: int, end: int) -> int:
        """Return the next place that is no white space."""
        match = _SPACE.match(self.text, offset, end)
        return match.end() if match else offset


def around_sketch(data: bytes) -> tuple[bytes, bytes]:
    """Return what is in a Vensim file before its drawings and what is after them.

    Before are the equations, after are the settings, from the line on that ends the drawings.
    """
    start = data.find(SKETCH.encode())
    if start < 0:
        return data, b""
    end = _AFTER_SKETCH.search(data, start)
    return data[:start], data[end.start() :] if end else b""


def _remark_end(source: SourceText, start: int) -> int:
    """Return where a remark ends, within which others may stand; where it began if it does not."""
    depth = 0
    for found in _CURLY.finditer(source.text, start, source.end):
        depth += 1 if found[0] == "{" else -1
        if not depth:
            return found.end()
    return start + 1


def read_entries(source: SourceText) -> Iterator[RawEntry]:
    """Cut the text at its separators; group headings are read and passed over."""
    group = ""
    at = 0
    encoding = _ENCODING.match(source.text)
    if encoding:
        at = encoding.end()
    while (start := source.skip(at, source.end)) < source.end:
        cuts, ended = _cuts(source, start)
        at = cuts[-1] + 1
        parts = list(zip([start, *(cut + 1 for cut in cuts[:-1])], cuts, strict=True))
        if source.text.startswith("*", start):
            heading = source.text[slice(*parts[0])]
            group = single_spaced(heading.strip("*\\ \t\n")).lstrip(".")
            said = source.text[slice(*parts[1])] if len(parts) > 1 else ""
            source.groups[group] = source.groups.get(group) or said
            if not ended or len(parts) != 2:
                source.log.fault(
                    "the heading of a group cannot be read",
                    source.line(start),
                    expected=Message("name ~ comment |"),
                    found=_marks(len(parts) - 1, ended),
                )
                following = _NEXT_ENTRY.search(source.text, parts[0][1], at)
                at = following.end() if following else at
            continue
        flagged = len(parts) == 4 and source.text[slice(*parts[3])].strip()[:1] in ("", ":")
        if ended and len(parts) == 2:  # without a comment
            parts.append((cuts[-1], cuts[-1]))
            _report_form(source, start, 1, ended, None)
        complete = len(parts) >= 3
        if not (ended and (len(parts) == 3 or flagged)):
            following = _NEXT_ENTRY.search(source.text, *parts[2]) if complete else None
            if following:  # it was taken for a part of this one's comment
                at = following.end()
                parts[2] = (parts[2][0], following.start())
            _report_form(source, start, len(parts) - 1, ended, following)
        unit, comment = (source.text[slice(*part)] for part in parts[1:3]) if complete else ("", "")
        yield RawEntry(start, parts[0][1], unit.strip(), comment, group, complete)


def _report_form(
    source: SourceText, start: int, tildes: int, ended: bool, following: re.Match[str] | None
) -> None:
    """Return what is wrong with the form of an entry."""
    name, line = first_words(source, start), source.line(start)
    if following:
        source.log.fault(
            "an equation has no '|' at its end: {words}",
            line,
            expected=Message("'|' before {words}", words=first_words(source, following.end())),
            words=name,
        )
        return
    # A '~' within a comment hinders no run, if the end is where it should; nor that there is none.
    log = source.slips if ended and tildes else source.log
    form = Message("equation ~ unit ~ comment |")
    found = _marks(tildes, ended)
    log.fault("an equation has not three parts: {words}", line, form, found, words=name)


def _marks(tildes: int, ended: bool) -> Message:
    """Count the marks of an entry."""
    if ended:
        return Message("{count} '~'", count=tildes)
    return Message("{count} '~' and no '|'", count=tildes)


def _cuts(source: SourceText, start: int) -> tuple[list[int], bool]:
    """Return the places of an entry's ``~`` and of its end, and whether ``|`` is there.

    Remarks in curly brackets within the equation are blanked, which keeps every offset.
    """
    cuts: list[int] = []
    at = start
    while True:
        # A quoted name may hold a separator, but a comment may hold a single quotation mark.
        pattern = _COMMENT_SEPARATOR if len(cuts) == 2 else _SEPARATOR
        match = pattern.search(source.text, at, source.end)
        if not match:
            return [*cuts, source.end], False
        at = match.end()
        if match[0] == "|":
            return [*cuts, match.start()], True
        if match[0] == "{":
            at = _remark_end(source, match.start())
            if not cuts and at > match.end():  # within the equation
                source.blank(match.start(), at)
        if match[0] == "~":
            cuts.append(match.start())
            if len(cuts) > 4:  # far beyond what an entry has: its end was forgotten
                return cuts, False


def first_words(source: SourceText, start: int) -> Message:
    """Quote how an entry begins."""
    line = single_spaced(source.text[start : start + 60].split("\n")[0])
    return Message("'{text}'", text=line[:40].strip())
