"""An expression as text again, in Vensim's language: what `compiler.expression_tree` takes apart.

For variants of a model, in which an equation is changed and no other is touched.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from plansim.compiler.expression_tree import Call, Name, Node, Number, Operation, Table

__all__ = ["unparse"]


def unparse(node: Node, named: Callable[[Name], str] | None = None) -> str:
    """Write a tree as text that reads as the same tree.

    Args:
        node: the tree.
        named: what stands for a variable; by default its name with its subscripts.

    >>> from plansim.compiler.expression_tree import read_operand
    >>> unparse(read_operand("a[x!] - b*MAX(c, -2)^d"))
    '(a[x!]-(b*(max(c,(-2.0))^d)))'
    """
    write = named or _name
    match node:
        case Number(value):
            return ":NA:" if math.isnan(value) else repr(value)
        case Name():
            return write(node)
        case Call(key, subscripts, arguments):
            head = _name(Name(key, subscripts)) if subscripts else key.replace("_", " ")
            return f"{head}({','.join(unparse(each, named) for each in arguments)})"
        case Operation(operator, (operand,)):
            return f"({'-' if operator == 'negative' else operator}{unparse(operand, named)})"
        case Operation(operator, (left, right)):
            return f"({unparse(left, named)}{operator}{unparse(right, named)})"
        case Table(x, y):
            return "(" + ",".join(f"({a!r},{b!r})" for a, b in zip(x, y, strict=True)) + ")"
    raise AssertionError(node)


def _name(name: Name) -> str:
    """Give a name; one that needs quotes keeps them in its key."""
    return name.key + (f"[{','.join(name.subscripts)}]" if name.subscripts else "")
