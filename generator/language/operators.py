"""Operators, comparisons and conditions."""

from __future__ import annotations

import ast

from drafthart.generator.language import fold, parse
from drafthart.generator.language.ir import Constant, Expression
from drafthart.generator.language.parse import BINARY_OPERATORS, COMPARISONS, MAX_BITS
from drafthart.generator.language.typer import Typer, bits, count
from drafthart.generator.language.values import Flexible, Number, Value


class Operators(Typer):
    """Types what combines values."""

    def unary(self, node: ast.expr, op: ast.unaryop, operand: ast.expr) -> Value:
        """`~`, `-` or `not`."""
        operator = parse.UNARY_OPERATORS[type(op)]
        if operator == "not":
            return fold.negate(self.condition(operand))
        value = self.value(operand)
        match value:
            case Number(value=number):
                return Number(~number if operator == "~" else -number)
            case Flexible(build=build, default=default):
                return Flexible(lambda width: fold.unary(operator, build(width)), default)
        return fold.unary(operator, value)

    def _operand(self, node: ast.expr) -> tuple[bool, ast.expr]:
        """Whether the node is `signed(…)`, and what it is about."""
        match node:
            case ast.Call(func=ast.Name(id="signed"), args=[value]):
                return True, value
            case ast.Call(func=ast.Name(id="signed"), args=args):
                raise self.error(node, count(len(args), "argument"), "1: `signed(value)`")
        return False, node

    def binary(self, node: ast.BinOp) -> Value:
        """An arithmetic operator."""
        operator = BINARY_OPERATORS[type(node.op)]
        signed, left_node = self._operand(node.left)
        right_signed, right_node = self._operand(node.right)
        if (signed or right_signed) and operator not in (">>", "//", "%"):
            raise self.error(
                node.left if signed else node.right,
                f"signed() before `{operator}`",
                "the value alone: the result is the same",
            )
        if operator in ("<<", ">>"):
            if right_signed:
                raise self.error(node.right, "a signed amount", "an unsigned one")
            return self._shift(node, operator, left_node, signed)
        left, right = self.value(left_node), self.value(right_node)
        if signed != right_signed:
            plain, plain_node = (right, right_node) if signed else (left, left_node)
            if not isinstance(plain, Number | Flexible):
                raise self.error(plain_node, "an unsigned operand beside a signed one", "`signed`")
        if isinstance(left, Number) and isinstance(right, Number):
            return Number(self._number_operation(node, operator, left.value, right.value))
        width = self._common_width(node, operator, left, right)
        if isinstance(width, int):
            return fold.binary(
                operator,
                self.adopt(left, width, left_node),
                self.adopt(right, width, right_node),
                signed or right_signed,
            )
        return Flexible(
            lambda width: fold.binary(
                operator,
                self.adopt(left, width, left_node),
                self.adopt(right, width, right_node),
                signed or right_signed,
            ),
            _default(left, right),
        )

    def _common_width(self, node: ast.AST, operator: str, left: Value, right: Value) -> int | None:
        """The width both shall have; None if neither has one."""
        widths = [
            value.width for value in (left, right) if not isinstance(value, Number | Flexible)
        ]
        if len(widths) == 2 and widths[0] != widths[1]:
            raise self.error(
                node,
                f"{bits(widths[0])} `{operator}` {bits(widths[1])}",
                "equal widths (zext and sext widen, a slice narrows)",
            )
        return widths[0] if widths else None

    def _shift(self, node: ast.BinOp, operator: str, left_node: ast.expr, signed: bool) -> Value:
        left = self.value(left_node)
        if isinstance(left, Number):
            right = self.value(node.right)
            if isinstance(right, Number | Constant):
                shifted = self._number_operation(node, operator, left.value, right.value)
                return Number(shifted)
        amount = self.index(node.right)
        if isinstance(left, Number | Flexible):
            return Flexible(
                lambda width: fold.binary(
                    operator, self.adopt(left, width, left_node), amount, signed
                ),
                left.default if isinstance(left, Flexible) else None,
            )
        return fold.binary(operator, left, amount, signed)

    def _number_operation(self, node: ast.BinOp, operator: str, left: int, right: int) -> int:
        if operator in ("<<", ">>") and not 0 <= right <= MAX_BITS:
            raise self.error(node.right, f"a shift by {right}", f"0 to {MAX_BITS}")
        if operator in (">>", "//", "%") and (left < 0 or right < 0):
            raise self.error(
                node, f"`{operator}` of a negative number", "a width: `zext(number, width)`"
            )
        if operator in ("//", "%") and right == 0:
            raise self.error(node.right, "a division of numbers by zero", "another divisor")
        # At this width nothing wraps.
        width = 2 * MAX_BITS + 2
        wrapped = fold.evaluate(
            operator, left & fold.ones(width), right & fold.ones(width), False, width
        )
        result = fold.as_signed(wrapped, width)
        if result.bit_length() > MAX_BITS:
            raise self.error(node, f"a number of {result.bit_length()} bits", f"at most {MAX_BITS}")
        return result

    def logic(self, operator: str, values: list[ast.expr]) -> Expression:
        """`and` or `or`."""
        parts: list[Expression] = []
        for node in values:
            part = self.condition(node)
            if isinstance(part, Constant):
                if part.value == (operator == "or"):
                    # Decided: what follows is not looked at, as it may name what is absent.
                    parts.append(part)
                    break
            else:
                parts.append(part)
        return fold.logic(operator, parts)

    def compare(self, node: ast.Compare) -> Expression:
        """A comparison, or `in`."""
        operator = COMPARISONS[type(node.ops[0])]
        if operator in ("in", "not in"):
            found = self._member(node.left, node.comparators[0])
            return found if operator == "in" else fold.negate(found)
        signed, left_node = self._operand(node.left)
        right_signed, right_node = self._operand(node.comparators[0])
        left, right = self.value(left_node), self.value(right_node)
        if isinstance(left, Number) and isinstance(right, Number):
            return Constant(int(fold.compare_values(operator, left.value, right.value)), 1)
        if signed != right_signed:
            plain, plain_node = (right, right_node) if signed else (left, left_node)
            if not isinstance(plain, Number | Flexible):
                raise self.error(
                    plain_node, "an unsigned value compared with a signed one", "signed(…)"
                )
        signed = signed or right_signed
        width = self._common_width(node, operator, left, right) or _default(left, right)
        if width is None:
            return fold.compare(operator, self.known(left_node), self.known(right_node), signed)
        for value, place in ((left, left_node), (right, right_node)):
            negative = isinstance(value, Number) and value.value < 0
            if negative and not signed and operator not in ("==", "!="):
                raise self.error(place, "a negative number in an unsigned comparison", "signed(…)")
        return fold.compare(
            operator,
            self.adopt(left, width, left_node, signed),
            self.adopt(right, width, right_node, signed),
            signed,
        )

    def _member(self, left: ast.expr, right: ast.expr) -> Expression:
        value = self.value(left)
        if not isinstance(right, ast.Tuple) or not right.elts:
            raise self.error(right, "no tuple after `in`", "constants: `in (1, 2)`")
        numbers = [self.number(element, "a member") for element in right.elts]
        if isinstance(value, Number):
            return Constant(int(value.value in numbers), 1)
        if isinstance(value, Flexible):
            if value.default is None:
                raise self.error(left, "a number without a width", "`zext(number, width)`")
            value = value.build(value.default)
        members = [
            self.adopt(Number(number), value.width, element)
            for number, element in zip(numbers, right.elts, strict=True)
        ]
        return fold.member(
            value, tuple(member.value for member in members if isinstance(member, Constant))
        )

    def choice(self, node: ast.IfExp) -> Value:
        """`then if condition else otherwise`."""
        condition = self.condition(node.test)
        if isinstance(condition, Constant):
            return self.value(node.body if condition.value else node.orelse)
        then, otherwise = self.value(node.body), self.value(node.orelse)

        def build(width: int) -> Expression:
            return fold.choice(
                condition,
                self.adopt(then, width, node.body),
                self.adopt(otherwise, width, node.orelse),
            )

        width = self._common_width(node, "else", then, otherwise)
        return Flexible(build, _default(then, otherwise)) if width is None else build(width)


def _default(left: Value, right: Value) -> int | None:
    """The width for two values of which neither has one: that of a loop variable, if one is."""
    defaults = [value.default for value in (left, right) if isinstance(value, Flexible)]
    return None if not defaults or None in defaults else defaults[0]
