"""Reading expressions: C's operators and precedence over numbers and symbols."""

from __future__ import annotations

from drafthart.generator.assembly.expressions import (
    BINARY,
    FUNCTIONS,
    UNARY,
    Expression,
    Operator,
    PcrelLow,
    Step,
    signed64,
)
from drafthart.generator.assembly.registers import REGISTERS
from drafthart.generator.assembly.symbols import SymbolTable
from drafthart.generator.assembly.tokens import Cursor, number, unquote

# Deeper nesting is refused long before Python's own stack ends.
_NESTING = 24
_PERCENT = ("hi", "lo", "pcrel_hi", "pcrel_lo")


def parse_expression(cursor: Cursor, symbols: SymbolTable) -> Expression:
    """Read the longest expression that starts here."""
    return _Parser(cursor, symbols).parse()


class _Parser:
    def __init__(self, cursor: Cursor, symbols: SymbolTable) -> None:
        self.cursor = cursor
        self.symbols = symbols
        self.start = cursor.peek().offset
        self.steps: list[Step] = []
        self.nesting = 0

    def parse(self) -> Expression:
        self.binary(1)
        return self.expression(self.steps)

    def expression(self, steps: list[Step]) -> Expression:
        return Expression(tuple(steps), self.cursor.line, self.start)

    def binary(self, least: int) -> None:
        self.unary()
        while True:
            token = self.cursor.peek()
            if token.kind != "operator" or token.text not in BINARY:
                return
            precedence, apply = BINARY[token.text]
            if precedence < least:
                return
            self.cursor.next()
            self.binary(precedence + 1)
            self.steps.append(Operator(token.text, 2, apply))

    def unary(self) -> None:
        operators: list[Operator] = []
        while (token := self.cursor.peek()).kind == "operator" and token.text in UNARY:
            self.cursor.next()
            operators.append(Operator("unary " + token.text, 1, UNARY[token.text]))
        self.primary()
        self.steps += reversed(operators)

    def primary(self) -> None:
        cursor, token = self.cursor, self.cursor.peek()
        if token.kind == "operator" and token.text in ("(", "%"):
            self.nesting += 1
            if self.nesting > _NESTING:
                raise cursor.error("the expression is nested too deep; use .equ for its parts")
            cursor.next()
            if token.text == "(":
                self.binary(1)
                cursor.expect(")")
            else:
                self.percent()
            self.nesting -= 1
        elif token.kind == "number":
            self.steps.append(signed64(number(cursor.next(), cursor.line)))
        elif token.kind == "character":
            self.steps.append(int.from_bytes(unquote(cursor.next(), cursor.line)[:8], "big"))
        elif token.kind == "local":
            symbol = self.symbols.numeric(token.text)
            if symbol is None:
                raise cursor.error(f"no label {token.text[:-1]} is before; {token.text[:-1]}f?")
            self.steps.append(symbol)
            cursor.next()
        elif token.kind == "bound":
            value = cursor.next().value
            if isinstance(value, Expression):
                # Errors point at what the user wrote, not at the shorthand's line around it.
                self.start = value.offset
                self.steps += value.steps
            else:
                self.steps.append(value)
        elif token.kind == "name" and token.text not in REGISTERS:
            self.name()
        else:
            raise cursor.mismatch("a number or symbol")

    def name(self) -> None:
        name = self.cursor.next().text
        if name in ("shift", "defined") and self.is_call():
            self.cursor.next()
            if name == "shift":
                self.binary(1)
                self.steps.append(Operator(name, 1, FUNCTIONS[name]))
            else:
                asked = self.cursor.name("the name that is perhaps defined")
                self.steps.append(int(self.symbols.is_defined(asked)))
            self.cursor.expect(")")
        else:
            self.steps.append(self.symbols.reference(name))

    def is_call(self) -> bool:
        """`shift(x)`; but `shift(sp)` is the symbol `shift` and a base register."""
        bracket, argument = self.cursor.peek(), self.cursor.peek(1)
        return bracket.text == "(" and argument.text not in REGISTERS

    def percent(self) -> None:
        """What follows the `%` of `%hi(…)`."""
        token = self.cursor.peek()
        name = self.cursor.name(f"one of {', '.join(_PERCENT)}")
        if name not in _PERCENT:
            raise self.cursor.error(f"%{name} is unknown; take {' or '.join(_PERCENT)}", token)
        self.cursor.expect("(")
        if name == "pcrel_lo":
            token = self.cursor.peek()
            self.binary(1)
            label = self.steps.pop()
            if isinstance(label, (int, Operator, PcrelLow)):
                raise self.cursor.error("%pcrel_lo needs the label of a %pcrel_hi", token)
            self.steps.append(PcrelLow(label, self.symbols.targets))
        else:
            first = len(self.steps)
            self.binary(1)
            if name == "pcrel_hi":
                here = self.symbols.reference(".")
                self.steps += [here, Operator("-", 2, BINARY["-"][1])]
                self.symbols.targets[self.symbols.here] = self.expression(self.steps[first:])
                name = "hi"
            self.steps.append(Operator(name, 1, FUNCTIONS[name]))
        self.cursor.expect(")")
