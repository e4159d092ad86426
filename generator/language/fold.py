"""Build typed expressions, simplified where the result is known or shorter.

Callers have checked the widths. Nothing with a call in it is ever dropped or moved.
"""

from __future__ import annotations

from drafthart.generator.language.ir import (
    Binary,
    Bit,
    Call,
    Choice,
    Compare,
    Concat,
    Constant,
    Expression,
    Extend,
    Local,
    Logic,
    Member,
    Primitive,
    Slice,
    Unary,
    walk,
)

_INVERSE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_MIRROR = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


def ones(width: int) -> int:
    """The largest value of a width."""
    return (1 << width) - 1


def as_signed(value: int, width: int) -> int:
    """The value as two's complement."""
    return value - (1 << width) if value >> (width - 1) else value


def constant(value: int, width: int) -> Constant:
    """The value, wrapped at the width."""
    return Constant(value & ones(width), width)


def silent(node: Expression) -> bool:
    """Is there no call in it?"""
    return not any(isinstance(part, Call | Primitive) for part in walk(node))


def maximum(node: Expression) -> int:
    """A bound of the value, at most that of its width."""
    limit = ones(node.width)
    match node:
        case Constant(value=value):
            return value
        case Local(most=most):
            return most
        case Extend(value=value, signed=False):
            return maximum(value)
        case Choice(then=then, otherwise=otherwise):
            return max(maximum(then), maximum(otherwise))
        case Slice(value=value, low=low):
            return min(limit, maximum(value) >> low)
        case Concat(parts=(first, *rest)):
            return (maximum(first) + 1 << sum(part.width for part in rest)) - 1
        case Binary(operator="&", left=left, right=right):
            return min(maximum(left), maximum(right))
        case Binary(operator="|" | "^", left=left, right=right):
            return ones(max(maximum(left).bit_length(), maximum(right).bit_length()))
        case Binary(operator="+", left=left, right=right):
            return total if (total := maximum(left) + maximum(right)) <= limit else limit
        case Binary(operator="*", left=left, right=right):
            return total if (total := maximum(left) * maximum(right)) <= limit else limit
        case Binary(operator="<<", left=left, right=Constant(value=amount)) if (
            amount < node.width and maximum(left) << amount <= limit
        ):
            return maximum(left) << amount
        case Binary(operator=">>", left=left, right=Constant(value=amount), signed=False):
            return maximum(left) >> amount
        case Binary(operator="//", left=left, right=Constant(value=divisor), signed=False) if (
            divisor
        ):
            return maximum(left) // divisor
        case Binary(operator="%", left=left, right=Constant(value=divisor), signed=False) if (
            divisor
        ):
            return min(maximum(left), divisor - 1)
    return limit


def evaluate(operator: str, left: int, right: int, signed: bool, width: int) -> int:
    """The value of a `Binary` of two constants."""
    mask = ones(width)
    match operator:
        case "+":
            return left + right & mask
        case "-":
            return left - right & mask
        case "*":
            return left * right & mask
        case "&":
            return left & right
        case "|":
            return left | right
        case "^":
            return left ^ right
        case "<<":
            return left << right & mask if right < width else 0
    if signed:
        left = as_signed(left, width)
    if operator == ">>":
        return left >> min(right, width) & mask
    if signed:
        right = as_signed(right, width)
    if right == 0:
        return mask if operator == "//" else left & mask
    quotient = abs(left) // abs(right)
    if (left < 0) != (right < 0):
        quotient = -quotient
    return (quotient if operator == "//" else left - quotient * right) & mask


def compare_values(operator: str, left: int, right: int) -> bool:
    """Compare two integers."""
    match operator:
        case "==":
            return left == right
        case "!=":
            return left != right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case _:
            return left >= right


def binary(operator: str, left: Expression, right: Expression, signed: bool = False) -> Expression:
    """A `Binary`; `signed` is dropped where it makes no difference."""
    width = left.width
    signed = signed and operator in (">>", "//", "%")
    match left, right:
        case Constant(value=a), Constant(value=b):
            return Constant(evaluate(operator, a, b, signed, width), width)
        case Constant(), _ if operator in "+*&|^":
            left, right = right, left
    if isinstance(right, Constant):
        simpler = _with_constant(operator, left, right.value, signed)
        if simpler is not None:
            return simpler
    return Binary(operator, left, right, signed, width)


def _with_constant(operator: str, left: Expression, value: int, signed: bool) -> Expression | None:
    width = left.width
    if value == 0 and operator in ("+", "-", "|", "^", "<<", ">>"):
        return left
    if value == 0 and operator in ("*", "&") and silent(left):
        return Constant(0, width)
    if value == ones(width) and operator == "&":
        return left
    if value == 1 and operator in ("*", "//") and not (signed and width == 1):
        return left
    if operator in ("<<", ">>") and value >= width and not signed and silent(left):
        return Constant(0, width)
    match left:
        case Binary(operator=">>", left=inner, right=Constant(value=amount)) if (
            operator == "<<" and amount == value < width
        ):
            return binary("&", inner, constant(-1 << value, width))
    if operator in ("//", "%") and not signed and value and value & (value - 1) == 0:
        if operator == "%":
            return binary("&", left, Constant(value - 1, width))
        shift = value.bit_length() - 1
        return Binary(">>", left, Constant(shift, shift.bit_length()), False, width)
    return None


def unary(operator: str, operand: Expression) -> Expression:
    """A `Unary` of `~` or `-`."""
    if isinstance(operand, Constant):
        return constant(~operand.value if operator == "~" else -operand.value, operand.width)
    if isinstance(operand, Unary) and operand.operator == operator:
        return operand.operand
    return Unary(operator, operand, operand.width)


def negate(condition: Expression) -> Expression:
    """Whether the condition does not hold."""
    match condition:
        case Constant(value=value):
            return Constant(value ^ 1, 1)
        case Unary(operator="not" | "~", operand=operand):
            return operand
        case Compare(operator, left, right, signed):
            return Compare(_INVERSE[operator], left, right, signed)
    return Unary("not", condition, 1)


def compare(operator: str, left: Expression, right: Expression, signed: bool) -> Expression:
    """A `Compare`; a comparison of one bit with a constant is the bit itself or its negation."""
    signed = signed and operator not in ("==", "!=")
    match left, right:
        case Constant(value=a, width=width), Constant(value=b):
            if signed:
                a, b = as_signed(a, width), as_signed(b, width)
            return Constant(int(compare_values(operator, a, b)), 1)
        case Constant(), _:
            return compare(_MIRROR[operator], right, left, signed)
        case _, Constant(value=value, width=1) if operator in ("==", "!="):
            return left if value == (operator == "==") else negate(left)
    return Compare(operator, left, right, signed)


def member(value: Expression, members: tuple[int, ...]) -> Expression:
    """Whether the value is one of the members."""
    if isinstance(value, Constant):
        return Constant(int(value.value in members), 1)
    return Member(value, members)


def logic(operator: str, parts: list[Expression]) -> Expression:
    """`and` or `or` of conditions, of which only the last may be constant."""
    if not parts:
        return Constant(int(operator == "and"), 1)
    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[-1], Constant) and all(map(silent, parts)):
        return parts[-1]
    return Logic(operator, tuple(parts))


def slice_bits(value: Expression, high: int, low: int) -> Expression:
    """Bits high..low of a value that has them."""
    width = high - low + 1
    match value:
        case Constant(value=number):
            return constant(number >> low, width)
        case _ if width == value.width:
            return value
        case Slice(value=inner, low=start):
            return slice_bits(inner, high + start, low + start)
        case Extend(value=inner) if high < inner.width:
            return slice_bits(inner, high, low)
        case Extend(value=inner, signed=False) if low >= inner.width and silent(inner):
            return Constant(0, width)
        case Concat(parts=parts) if silent(value):
            start = value.width
            for part in parts:
                start -= part.width
                if start <= low and high < start + part.width:
                    return slice_bits(part, high - start, low - start)
    return Slice(value, low, width)


def bit(value: Expression, index: Expression) -> Expression:
    """One bit; zero where there is none."""
    if isinstance(index, Constant) and index.value < value.width:
        return slice_bits(value, index.value, index.value)
    return Bit(value, index)


def extend(value: Expression, signed: bool, width: int) -> Expression:
    """The value in `width` bits, at least its own."""
    match value:
        case _ if width == value.width:
            return value
        case Constant(value=number):
            return constant(as_signed(number, value.width) if signed else number, width)
        case Extend(value=inner, signed=inner_signed) if inner_signed == signed or not inner_signed:
            return Extend(inner, inner_signed, width)
    return Extend(value, signed, width)


def concat(parts: list[Expression]) -> Expression:
    """The parts side by side, neighbouring constants joined."""
    joined: list[Expression] = []
    for part in parts:
        last = joined[-1] if joined else None
        if isinstance(part, Constant) and isinstance(last, Constant):
            value = last.value << part.width | part.value
            joined[-1] = Constant(value, last.width + part.width)
        else:
            joined.append(part)
    if len(joined) == 1:
        return joined[0]
    width = sum(part.width for part in joined)
    if isinstance(joined[0], Constant) and joined[0].value == 0:
        return extend(concat(joined[1:]), False, width)
    return Concat(tuple(joined), width)


def choice(condition: Expression, then: Expression, otherwise: Expression) -> Expression:
    """A `Choice` on a condition that is not constant."""
    if then == otherwise and silent(condition):
        return then
    match then, otherwise:
        case Constant(value=1, width=1), Constant(value=0):
            return condition
        case Constant(value=0, width=1), Constant(value=1):
            return negate(condition)
    return Choice(condition, then, otherwise, then.width)
