"""Which bits of the state an engine watches, and which ones an instruction writes.

Engines keep the answers of some functions (which interrupt is pending, say) until a bit that they
read is written. What writes other bits only, as floating point does that marks FS dirty, leaves
those answers as they are.
"""

from __future__ import annotations

from collections.abc import Iterable

from drafthart.generator.language.fold import ones
from drafthart.generator.language.ir import (
    Assign,
    Binary,
    Body,
    Call,
    Constant,
    Csr,
    Expression,
    Field,
    Program,
    Slice,
    State,
    TypedOperation,
    children,
    own_expressions,
    statements,
)

WATCHED = ("translation_context", "pending_interrupt", "wake", "next_timer")
"""Entry functions whose answers the engines keep until something that they read is written."""


def bits_read(program: Program, functions: Iterable[str]) -> dict[str, int]:
    """Masks of the bits of state and CSRs that the functions read, callees included, by name."""
    names = set(functions)
    for name in functions:
        names |= program.effects[name].functions
    found: dict[str, int] = {}
    for name in names:
        _body(program.functions[name].body, found)
    return found


def bits_written(program: Program, operation: TypedOperation) -> dict[str, int]:
    """Masks of the bits of state and CSRs that an operation may write, callees included, by name.

    Those of what memory accesses do on their way are among them.
    """
    bodies = [program.functions[name].body for name in operation.effects.functions]
    found: dict[str, int] = {}
    for body in (operation.body, *bodies):
        for statement in statements(body):
            if not isinstance(statement, Assign):
                continue
            match statement.target:
                case State(name, width=width) | Csr(name, width=width):
                    found[name] = found.get(name, 0) | ones(width)
                case Field(csr, low, width):
                    found[csr.name] = found.get(csr.name, 0) | ones(width) << low
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
