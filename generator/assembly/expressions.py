"""Expressions over numbers and symbols, kept in postfix order until all symbols are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from drafthart.generator.assembly.lines import Line
from drafthart.generator.assembly.sections import Value
from drafthart.generator.errors import DrafthartError

_DEPTH = 32


class NotYetKnown(DrafthartError):
    """The expression needs something that only later source lines or the layout tell."""


def signed64(value: int) -> int:
    """All arithmetic wraps at 64 bits, signed."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


@dataclass(eq=False, slots=True)
class Symbol:
    """A name and what it stands for; `value` is None as long as nothing defines it.

    A name that `.set` gives a new value gets a new symbol, so what was read before keeps the old.
    """

    name: str
    value: Value | Expression | None = None
    predefined: int | None = None
    label: bool = False
    used_predefined: bool = False

    def evaluate(self, user: Expression, depth: int) -> Value:
        """The value now, for an expression: relative to a section until the layout is done."""
        if self.value is None:
            if self.predefined is None:
                raise NotYetKnown(str(user.error(f"`{self.name}` is not defined; define it")))
            self.used_predefined = True
            return Value(None, self.predefined)
        section, number = self.resolve(depth)
        if section is None or section.address is None:
            return Value(section, number)
        return Value(None, signed64(section.address + number))

    def resolve(self, depth: int = 0) -> Value:
        """The value of a symbol that has one, not made absolute."""
        assert self.value is not None
        if isinstance(self.value, Expression):
            self.value = self.value.evaluate(depth + 1)
        return self.value


@dataclass(frozen=True, slots=True)
class Operator:
    """Takes `arity` values from the stack."""

    name: str
    arity: int
    apply: Callable[..., int]


@dataclass(frozen=True, slots=True)
class PcrelLow:
    """`%pcrel_lo(label)`: the low part of what the instruction there has the high part of."""

    label: Symbol
    targets: Mapping[Value, Expression] = field(repr=False)


Step = int | Symbol | Operator | PcrelLow


@dataclass(frozen=True, slots=True)
class Expression:
    """Steps of a stack machine, and the place where the expression stands."""

    steps: tuple[Step, ...]
    line: Line
    offset: int

    def error(self, message: str) -> DrafthartError:
        """A user's mistake in this expression."""
        return self.line.error(message, self.offset)

    def number(self) -> int:
        """The value, which must not depend on where a section comes to lie."""
        value = self.evaluate()
        if value.section is not None:
            raise NotYetKnown(
                str(self.error("an address is not known here; only a difference of addresses is"))
            )
        return value.number

    def evaluate(self, depth: int = 0) -> Value:
        """The value with what is known now; raises `NotYetKnown` if that is not enough."""
        if depth > _DEPTH:
            raise self.error("a symbol depends on itself, or on too many others; give it a number")
        stack: list[Value] = []
        for step in self.steps:
            if isinstance(step, int):
                stack.append(Value(None, step))
            elif isinstance(step, Symbol):
                stack.append(step.evaluate(self, depth))
            elif isinstance(step, PcrelLow):
                stack.append(Value(None, self._pcrel_low(step, depth)))
            else:
                arguments = stack[-step.arity :]
                del stack[-step.arity :]
                stack.append(self._apply(step, arguments))
        return stack.pop()

    def _apply(self, operator: Operator, arguments: list[Value]) -> Value:
        sections = [value.section for value in arguments if value.section is not None]
        numbers = [value.number for value in arguments]
        section = None
        if sections:
            if operator.name == "+" and len(sections) == 1:
                section = sections[0]
            elif operator.name == "-" and arguments[0].section is not None:
                # A difference within a section is a number; a place less a number is a place.
                if len(sections) == 1:
                    section = sections[0]
                elif sections[0] is not sections[1]:
                    raise self._needs_layout(operator)
            else:
                raise self._needs_layout(operator)
        try:
            return Value(section, signed64(operator.apply(*numbers)))
        except ZeroDivisionError:
            raise self.error("division by zero; test the divisor with .if") from None
        except ValueError as error:
            raise self.error(str(error)) from None

    def _needs_layout(self, operator: Operator) -> NotYetKnown:
        return NotYetKnown(
            str(self.error(f"`{operator.name}` needs an address that is not known here"))
        )

    def _pcrel_low(self, step: PcrelLow, depth: int) -> int:
        label = step.label
        target = step.targets.get(label.value) if isinstance(label.value, Value) else None
        if target is None:
            raise self.error(
                f"`{label.name}` is no label of a %pcrel_hi, which %pcrel_lo needs; put it there"
            )
        return FUNCTIONS["lo"](target.evaluate(depth + 1).number)


def _high(value: int) -> int:
    if not -(1 << 31) - 0x800 <= value < (1 << 31) - 0x800:
        raise ValueError(f"{value:#x} is beyond 32 signed bits; use la, or li for a number")
    return (value + 0x800) >> 12 & 0xFFFFF


def _low(value: int) -> int:
    return (value & 0xFFF ^ 0x800) - 0x800


def _shift(mask: int) -> int:
    if mask == 0:
        raise ValueError("shift() needs a mask with a bit set, not 0")
    return (mask & -mask).bit_length() - 1


def _divide(left: int, right: int) -> int:
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _shift_left(left: int, right: int) -> int:
    return left << right if 0 <= right < 64 else 0


def _shift_right(left: int, right: int) -> int:
    return (left & (1 << 64) - 1) >> right if 0 <= right < 64 else 0


FUNCTIONS: dict[str, Callable[[int], int]] = {"hi": _high, "lo": _low, "shift": _shift}

UNARY: dict[str, Callable[[int], int]] = {
    "-": lambda a: -a,
    "+": lambda a: a,
    "~": lambda a: ~a,
    "!": lambda a: int(not a),
}

BINARY: dict[str, tuple[int, Callable[[int, int], int]]] = {
    "||": (1, lambda a, b: int(bool(a) or bool(b))),
    "&&": (2, lambda a, b: int(bool(a) and bool(b))),
    "|": (3, lambda a, b: a | b),
    "^": (4, lambda a, b: a ^ b),
    "&": (5, lambda a, b: a & b),
    "==": (6, lambda a, b: int(a == b)),
    "!=": (6, lambda a, b: int(a != b)),
    "<": (7, lambda a, b: int(a < b)),
    "<=": (7, lambda a, b: int(a <= b)),
    ">": (7, lambda a, b: int(a > b)),
    ">=": (7, lambda a, b: int(a >= b)),
    "<<": (8, _shift_left),
    ">>": (8, _shift_right),
    "+": (9, lambda a, b: a + b),
    "-": (9, lambda a, b: a - b),
    "*": (10, lambda a, b: a * b),
    "/": (10, _divide),
    "%": (10, lambda a, b: a - b * _divide(a, b)),
}
"""Binary operators with their precedence, as in C."""
