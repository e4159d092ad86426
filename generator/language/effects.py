"""What operations may do, calls included, and so how an engine may run them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from drafthart.generator.language.ir import (
    Assign,
    Body,
    Call,
    Csr,
    Effects,
    Expression,
    Field,
    Kind,
    Local,
    Primitive,
    Register,
    Special,
    State,
    expressions,
    statements,
    walk,
)
from drafthart.generator.language.primitives import MEMORY_FUNCTIONS, PRIMITIVES

_CURRENT = frozenset({"pc", "next_pc", "instruction", "expanded"})
"""What only the hart knows while it runs one instruction at a time."""


def effects_of(body: Body | Expression, functions: Mapping[str, Effects]) -> Effects:
    """The effects of statements or of an expression; `functions` has those of all callees."""
    own = direct_effects(body)
    called = [functions[name] for name in own.functions]
    called += [PRIMITIVES[name].effects for name in own.primitives]
    memory = {name for name in own.functions if name.partition("__")[0] in MEMORY_FUNCTIONS}
    result = _union([own, *called])
    return Effects(
        result.reads | ({"memory"} if memory else set()),
        result.writes | {"memory" for name in memory if name.startswith("store")},
        result.functions,
        result.primitives,
        result.may_end,
    )


def direct_effects(body: Body | Expression) -> Effects:
    """The effects but for those of the functions and primitives that are called."""
    reads: set[str] = set()
    writes: set[str] = set()
    functions: set[str] = set()
    primitives: set[str] = set()
    for node in expressions(body) if isinstance(body, tuple) else walk(body):
        match node:
            case Call(function=function):
                functions.add(function)
            case Primitive(name=name):
                primitives.add(name)
            case Register() | State() | Csr() | Special():
                reads.add(_place(node))
    for statement in statements(body) if isinstance(body, tuple) else ():
        if isinstance(statement, Assign) and not isinstance(statement.target, Local):
            target = statement.target
            writes.add(_place(target.csr if isinstance(target, Field) else target))
            if statement.flush:
                primitives.add("flush_translations")
    return Effects(frozenset(reads), frozenset(writes), frozenset(functions), frozenset(primitives))


def _place(node: Register | State | Csr | Special) -> str:
    match node:
        case Register():
            return "X"
        case State(name=name):
            return f"state:{name}"
        case Csr(name=name):
            return f"csr:{name}"
        case Special(name=name):
            return name


def _union(all_effects: Iterable[Effects]) -> Effects:
    every = list(all_effects)
    return Effects(
        frozenset().union(*(one.reads for one in every)),
        frozenset().union(*(one.writes for one in every)),
        frozenset().union(*(one.functions for one in every)),
        frozenset().union(*(one.primitives for one in every)),
        any(one.may_end for one in every),
    )


def classify(body: Body, functions: Mapping[str, Effects]) -> Kind:
    """How free an engine is with an operation.

    `straight`: writes nothing but X and locals, and raises only through the entry functions load
    and store, so that an engine can put it in a row with others. `jump`: that, and it writes
    next_pc. `system`: anything else. Functions without effects count as part of the operation,
    unless they look at the instruction being run.
    """
    own = direct_effects(body)
    if own.primitives or "expanded" in own.reads or own.writes - {"X", "next_pc"}:
        return "system"
    for name in own.functions:
        callee = functions[name]
        if name.partition("__")[0] not in MEMORY_FUNCTIONS and (
            not callee.pure or callee.reads & _CURRENT
        ):
            return "system"
    return "jump" if "next_pc" in own.writes else "straight"
