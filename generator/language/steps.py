"""A bound on how long an operation can run: loops and calls multiply."""

from __future__ import annotations

from collections.abc import Mapping

from drafthart.generator.errors import DrafthartError
from drafthart.generator.language.ir import (
    Body,
    Call,
    Expression,
    For,
    If,
    own_expressions,
    walk,
)
from drafthart.generator.spec.model import Place

MAX_STEPS = 1 << 22


def steps(body: Body, functions: Mapping[str, int]) -> int:
    """At most how many statements run; `functions` has the same of all callees."""
    total = 0
    for statement in body:
        total += 1 + sum(_calls(node, functions) for node in own_expressions(statement))
        match statement:
            case If(then=then, otherwise=otherwise):
                total += max(steps(then, functions), steps(otherwise, functions))
            case For(values=values, body=inner):
                total += len(values) * steps(inner, functions)
    return total


def _calls(expression: Expression, functions: Mapping[str, int]) -> int:
    return sum(functions[node.function] for node in walk(expression) if isinstance(node, Call))


def check_steps(body: Body, functions: Mapping[str, int], place: Place) -> int:
    """The steps of the body; too many are an error."""
    total = steps(body, functions)
    if total > MAX_STEPS:
        raise DrafthartError(
            f"{place}: loops and calls of up to {total} steps; expected at most {MAX_STEPS}"
        )
    return total
