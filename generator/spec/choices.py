"""What depends on XLEN and on parameters: conditions, legal values, the parameters themselves."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.items import Items
from drafthart.generator.spec.model import Parameter, Place
from drafthart.generator.spec.nearest import did_you_mean
from drafthart.generator.spec.spec_error import SpecError
from drafthart.generator.spec.yaml_file import Node

_COMPARISONS: dict[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_NUMBER = re.compile(r"-?(0x[0-9a-fA-F]{1,16}|[0-9]{1,20})")
_LONGEST_CONDITION = 200  # far below what exhausts the parser's stack

Legal = range | tuple[int, ...]


@dataclass(frozen=True)
class Choices:
    """The numbers that conditions and legal values may name, for one implementation."""

    xlen: int
    parameters: Mapping[str, Parameter]
    constants: Mapping[str, int]

    def exists(self, node: Node, **names: int) -> bool:
        """Is the item there: its `xlen` is ours, and its `exists` holds?"""
        if node.number_of("xlen", self.xlen) != self.xlen:
            return False
        condition = node.get("exists")
        if condition is None:
            return True
        known = {name: parameter.value for name, parameter in self.parameters.items()}
        return bool(evaluate(condition, known | {"XLEN": self.xlen} | names))

    def legal(self, node: Node | None) -> Legal | None:
        """The values that a field's `legal` allows; None for all."""
        if node is None:
            return None
        if isinstance(node.value, str) and ".." not in node.value:
            parameter = self.parameters.get(node.value)
            if parameter is None:
                remedy = did_you_mean(node.value, self.parameters)
                raise SpecError(node.place, f"unknown parameter {node.value!r}", remedy)
            return parameter.legal
        return parse_legal(node, self.number)

    def number(self, text: str, place: Place) -> int:
        """A number, or the value of a constant or parameter."""
        if _NUMBER.fullmatch(text):
            return int(text, 0 if "x" in text else 10)
        if text in self.parameters:
            return self.parameters[text].value
        if text in self.constants:
            return self.constants[text]
        known = [*self.parameters, *self.constants]
        raise SpecError(
            place, f"{text!r} is no number, parameter or constant", did_you_mean(text, known)
        )


def literal(text: str, place: Place) -> int:
    """A number written out."""
    if not _NUMBER.fullmatch(text):
        raise SpecError(place, f"{text!r} is no number", "write the number out")
    return int(text, 0 if "x" in text else 10)


def parse_legal(node: Node, number: Callable[[str, Place], int]) -> Legal:
    """`[0, 8]` or `"0..63"` (both ends included)."""
    if isinstance(node.value, list):
        return tuple(number(item.text, item.place) for item in node.value)
    low, _, high = node.text.partition("..")
    values = range(number(low, node.place), number(high, node.place) + 1)
    if not values:
        raise SpecError(node.place, f"the range {node.text} is empty", "write the lower end first")
    return values


def build_parameters(items: Items, chosen: Mapping[str, int]) -> dict[str, Parameter]:
    """The parameters with their defaults, or the values chosen for this implementation."""
    parameters: dict[str, Parameter] = {}
    for name, node in items.sections["parameters"].items():
        legal = parse_legal(node.entries["legal"], literal)
        default = node.number_of("default")
        if default not in legal:
            where = node.entries["default"].place
            raise SpecError(
                where, f"the default {default} is not legal", f"use one of {shown_legal(legal)}"
            )
        value = chosen.get(name, default)
        if value not in legal:
            raise DrafthartError(
                f"parameter {name}={value} is not legal; use one of {shown_legal(legal)}"
            )
        parameters[name] = Parameter(
            name=name,
            value=int(value),
            default=default,
            legal=legal,
            doc=node.text_of("doc"),
            place=node.key,
            origin=items.origin("parameters", name),
        )
    for name in chosen:
        if name not in parameters:
            raise DrafthartError(f"unknown parameter {name!r}; {did_you_mean(name, parameters)}")
    return parameters


def shown_legal(legal: Legal) -> str:
    """Legal values as the specs write them."""
    if isinstance(legal, range):
        return f"{legal.start}..{legal.stop - 1}"
    return ", ".join(str(value) for value in legal)


def evaluate(condition: Node, names: Mapping[str, int]) -> int:
    """The value of an `exists` condition: names, numbers, comparisons, and, or, not."""
    text = condition.text.strip()
    if len(text) > _LONGEST_CONDITION:
        most = f"use at most {_LONGEST_CONDITION} characters"
        raise SpecError(condition.place, "the condition is too long", most)
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise SpecError(
            condition.place, f"cannot read {condition.text!r}", "write it as GEILEN > 0"
        ) from None
    return _value(tree.body, condition.place, names)


def _value(node: ast.expr, place: Place, names: Mapping[str, int]) -> int:
    match node:
        case ast.Constant(value=int(value)):
            return value
        case ast.Name(id=name):
            if name not in names:
                raise SpecError(place, f"unknown parameter {name!r}", did_you_mean(name, names))
            return names[name]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, place, names)
        case ast.BoolOp(op=op, values=operands):
            # All are evaluated, so that an unknown name never hides behind a short cut.
            numbers = [_value(operand, place, names) for operand in operands]
            return all(numbers) if isinstance(op, ast.And) else any(numbers)
        case ast.Compare(left=left, ops=ops, comparators=others) if all(
            type(op) in _COMPARISONS for op in ops
        ):
            numbers = [_value(operand, place, names) for operand in (left, *others)]
            pairs = zip(ops, pairwise(numbers), strict=True)
            return all(_COMPARISONS[type(op)](*pair) for op, pair in pairs)
    remedy = "use parameters, numbers, comparisons, and, or, not"
    raise SpecError(place, f"a condition cannot hold {ast.unparse(node)!r}", remedy)
