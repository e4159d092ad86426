"""Which bits of the state decide what a function answers.

The native engine keeps the answers of some functions (which interrupt is pending, say) until a bit
that they read is written.
"""

from __future__ import annotations

from collections.abc import Iterable

from drafthart.generator.language.fold import ones
from drafthart.generator.language.ir import (
    Binary,
    Body,
    Call,
    Constant,
    Csr,
    Expression,
    Program,
    Slice,
    State,
    children,
    own_expressions,
    statements,
)


def bits_read(program: Program, functions: Iterable[str]) -> dict[str, int]:
    """Masks of the bits of state and CSRs that the functions read, callees included, by name."""
    names = set(functions)
    for name in functions:
        names |= program.effects[name].functions
    found: dict[str, int] = {}
    for name in names:
        _body(program.functions[name].body, found)
    return found


def _body(body: Body, found: dict[str, int]) -> None:
    for statement in statements(body):
        for expression in own_expressions(statement):
            _expression(expression, -1, found)


def _expression(node: Expression, mask: int, found: dict[str, int]) -> None:
    """`mask`: the bits of the node's value that anyone looks at."""
    match node:
        case State(name, index) | Csr(name, index):
            found[name] = found.get(name, 0) | mask & ones(node.width)
            if index is not None:
                _expression(index, -1, found)
        case Slice(value=value, low=low, width=width):
            _expression(value, (mask & ones(width)) << low, found)
        case Binary("&", left, Constant(value=value)):
            _expression(left, mask & value, found)
        case Call(arguments=arguments):
            for argument in arguments:
                _expression(argument, -1, found)
        case _:
            for child in children(node):
                _expression(child, -1, found)
