"""What generated Python calls where one expression would not do. Operands are in range."""

from __future__ import annotations


def shift_left(value: int, amount: int, width: int) -> int:
    """Shift by an amount that may be huge."""
    return value << amount & (1 << width) - 1 if amount < width else 0


def divide(dividend: int, divisor: int, width: int) -> int:
    """Divide as signed toward zero; by zero: all ones."""
    sign = 1 << width - 1
    dividend = (dividend ^ sign) - sign
    divisor = (divisor ^ sign) - sign
    if divisor == 0:
        return (1 << width) - 1
    quotient = abs(dividend) // abs(divisor)
    return (-quotient if (dividend < 0) != (divisor < 0) else quotient) & (1 << width) - 1


def remainder(dividend: int, divisor: int, width: int) -> int:
    """The signed remainder, with the sign of the dividend; by zero: the dividend."""
    sign = 1 << width - 1
    dividend = (dividend ^ sign) - sign
    divisor = (divisor ^ sign) - sign
    if divisor == 0:
        return dividend & (1 << width) - 1
    rest = abs(dividend) % abs(divisor)
    return (-rest if dividend < 0 else rest) & (1 << width) - 1
