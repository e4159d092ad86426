"""Pieces of Python text that know when they need parentheses."""

from __future__ import annotations

from typing import NamedTuple

CHOICE, OR, AND, NOT, COMPARE, ARITHMETIC, UNARY, ATOM = range(8)


class Code(NamedTuple):
    """Python text, how tightly it binds, and its operator if that can be continued."""

    text: str
    level: int = ATOM
    operator: str = ""

    def within(self, level: int) -> str:
        """The text as an operand where `level` is needed."""
        return self.text if self.level >= level else f"({self.text})"


def number(value: int) -> Code:
    """A literal."""
    return Code(str(value) if value < 1024 else f"0x{value:X}")


def infix(operator: str, left: Code, right: Code) -> Code:
    """An arithmetic operator between its operands."""
    chained = left.operator == operator and operator in "+*&|^"
    first = left.text if chained else left.within(UNARY)
    return Code(f"{first} {operator} {right.within(UNARY)}", ARITHMETIC, operator)


def masked(code: Code, mask: int) -> Code:
    """The code with only the bits of the mask."""
    return infix("&", code, number(mask))


def comparison(left: Code, operator: str, right: Code) -> Code:
    """A comparison of two operands."""
    return Code(f"{left.within(UNARY)} {operator} {right.within(UNARY)}", COMPARE)


def signed_number(value: int) -> Code:
    """A literal that may be negative."""
    return number(value) if value >= 0 else Code(f"-{number(-value).text}", UNARY)
