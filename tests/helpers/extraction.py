"""The templates of all messages in the sources, extracted by Babel, and what is no template."""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

from babel.messages.extract import extract

import plansim.errors

__all__ = ["extracted", "has_words", "not_literal", "parts"]

ERRORS = [name for name in plansim.errors.__all__ if name.endswith("Error")]
KEYWORDS = dict.fromkeys(("Fault", "Message", "fault", *ERRORS), (1,))
"""Calls whose first argument is a template, `FaultLog.fault` among them, or else faults."""

MAKERS = {"errors.py"}
"""What makes messages of other people's texts and of stored ones."""

PHRASES = {"expected", "found"}
"""Arguments that are data, or else a `Message`."""

PHRASE = re.compile(r"\b[a-z]{2,} |^[a-z]{4,}$")
"""What looks like words of ours rather than like data."""


def extracted(root: Path) -> dict[str, str]:
    """Return every template below a folder, with a file and line where it stands."""
    logging.getLogger("babel").setLevel(logging.ERROR)  # f-strings are looked for below
    found = {}
    for path in sorted(root.rglob("*.py")):
        with path.open("rb") as source:
            for line, text, _, _ in extract("python", source, KEYWORDS):
                assert isinstance(text, str)
                found[text] = f"{path.relative_to(root)}:{line}"
    return found


def has_words(template: str) -> bool:
    """Return whether there are words between the parts of a template."""
    between = (literal for literal, *_ in Formatter().parse(template))
    return any(letter.isalpha() for letter in "".join(between))


def parts(template: str) -> set[str]:
    """Return the names of the parts of a template."""
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def not_literal(root: Path) -> list[str]:
    """Return where a text for users is put together before it becomes a message."""
    return [
        f"{path.relative_to(root)}:{line}: {why}"
        for path in sorted(root.rglob("*.py"))
        if path.name not in MAKERS
        for line, why in _odd(ast.parse(path.read_text("utf-8")))
    ]


def _odd(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in KEYWORDS and node.args:
            first = node.args[0]
            is_literal = isinstance(first, ast.Constant)
            if not is_literal and (name == "Message" or _literal(first)):
                yield node.lineno, "not a literal template"
        for keyword in node.keywords:
            if keyword.arg in PHRASES and name != "Message":
                text = _literal(keyword.value)
                if PHRASE.search(text):
                    yield node.lineno, f"'{text}' is not a Message"


def _literal(node: ast.expr) -> str:
    """Return the literal part of a text, on either side of a choice."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values) | ast.BoolOp(values=values):
            return "".join(map(_literal, values))
        case ast.BinOp(left=left, right=right) | ast.IfExp(body=left, orelse=right):
            return _literal(left) + _literal(right)
    return ""
