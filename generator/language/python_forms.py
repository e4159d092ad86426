"""What the Python text of an expression gives: an `int` in range, a `bool`, or something looser."""

from __future__ import annotations

from drafthart.generator.language.fold import maximum, ones
from drafthart.generator.language.ir import (
    Binary,
    Choice,
    Compare,
    Constant,
    Csr,
    Expression,
    Extend,
    Local,
    Member,
    Register,
    Slice,
    Special,
    State,
    Unary,
)

MAX_SHIFT = 4096
"""Amounts up to this are left to Python; a larger one could exhaust memory."""


def is_bool(node: Expression) -> bool:
    """Can the text give a Python `bool`?"""
    match node:
        case Compare() | Member() | Unary(operator="not"):
            return True
        case Extend(value=value, signed=False):
            return is_bool(value)
        case Choice(then=then, otherwise=otherwise):
            return is_bool(then) or is_bool(otherwise)
        case Binary(operator="&" | "|" | "^", left=left, right=right):
            return is_bool(left) and is_bool(right)
    return False


def is_loose(node: Expression) -> bool:
    """Does `loose` save a mask?"""
    match node:
        case Binary(operator="+" | "-" | "*"):
            return maximum_of_ring(node) is None
        case Binary(operator="<<", right=right):
            return maximum(right) <= MAX_SHIFT and maximum_of_ring(node) is None
        case Binary(operator="|" | "^", left=left, right=right):
            return is_loose(left) or is_loose(right)
        case Binary(operator=">>", signed=True) | Unary(operator="-"):
            return True
        case Choice(then=then, otherwise=otherwise):
            return is_loose(then) or is_loose(otherwise)
        case Slice(value=value, low=0, width=width):
            return is_loose(value) or maximum(value) > ones(width)
        case Unary(operator="~", operand=operand):
            return is_loose(operand)
    return False


def maximum_of_ring(node: Binary) -> int | None:
    """A bound of `+ * <<` that does not wrap; None if it may."""
    left, right, limit = maximum(node.left), maximum(node.right), ones(node.width)
    match node.operator:
        case "+":
            total = left + right
        case "*":
            total = left * right
        case "<<" if isinstance(node.right, Constant):
            total = left << min(right, node.width)
        case _:
            return None
    return total if total <= limit else None


def is_arithmetic_shift(node: Expression) -> bool:
    """Is it an arithmetic shift, whose signed form is the shorter one?"""
    return isinstance(node, Binary) and node.operator == ">>" and node.signed


def is_plain(node: Expression) -> bool:
    """May the text stand twice, as it is short and has no effect?"""
    match node:
        case Constant() | Local() | Special():
            return True
        case Slice(value=value) | Extend(value=value, signed=False):
            return is_plain(value)
        case Register(index=index) | State(index=index) | Csr(index=index):
            return index is None or isinstance(index, Constant | Local)
    return False
