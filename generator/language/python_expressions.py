"""Python text for typed expressions, short because it has to be fast.

Every value is a non-negative `int` below 2**width. Where an operation only looks at the low bits
of an operand, the operand is written `loose`: congruent, but perhaps too large or negative.
"""

from __future__ import annotations

from drafthart.generator.language.fold import as_signed, maximum, ones, silent
from drafthart.generator.language.ir import (
    Binary,
    Bit,
    Call,
    Choice,
    Compare,
    Concat,
    Constant,
    Csr,
    Expression,
    Extend,
    Local,
    Logic,
    Member,
    Primitive,
    Register,
    Slice,
    Special,
    State,
    Unary,
)
from drafthart.generator.language.python_code import (
    AND,
    ARITHMETIC,
    CHOICE,
    COMPARE,
    NOT,
    OR,
    UNARY,
    Code,
    comparison,
    infix,
    masked,
    number,
    signed_number,
)
from drafthart.generator.language.python_forms import (
    MAX_SHIFT,
    is_arithmetic_shift,
    is_bool,
    is_loose,
    is_plain,
    maximum_of_ring,
)


class Writer:
    """Writes expressions; subclasses say how names and calls are spelled."""

    def __init__(self) -> None:
        self._temporaries = 0

    # Spelling

    def temporary(self) -> str:
        """A new name that no operation can have."""
        self._temporaries += 1
        return f"_{self._temporaries}"

    def local(self, node: Local) -> Code:
        """A variable."""
        return Code("_h" if node.name == "h" else node.name)

    def registers(self) -> str:
        """The list of integer registers."""
        return "h.x"

    def special(self, node: Special) -> Code:
        """`pc` and the like."""
        return Code(f"h.{node.name}")

    def call(self, node: Call) -> Code:
        """A call of a spec function."""
        arguments = ["h", *(self.value(argument).text for argument in node.arguments)]
        return Code(f"{node.function}({', '.join(arguments)})")

    # Forms

    def value(self, node: Expression) -> Code:
        """An `int` in range, to be stored or passed on."""
        match node:
            case Unary(operator="not", operand=operand):
                return Code(f"0 if {self.condition(operand).within(OR)} else 1", CHOICE)
            case Choice(condition, then, otherwise):
                return self._choice(condition, self.value(then), self.value(otherwise))
            case Extend(value=value, signed=False):
                return self.value(value)
            case _ if is_bool(node):
                return Code(f"1 if {self.condition(node).within(OR)} else 0", CHOICE)
        return self.strict(node)

    def condition(self, node: Expression) -> Code:
        """Anything that is true or false as the bit is."""
        match node:
            case Slice(value=value, low=low, width=1):
                return masked(self.loose(value), 1 << low)
            case Unary(operator="not", operand=operand):
                return Code(f"not {self.condition(operand).within(COMPARE)}", NOT)
            case Logic(operator, parts):
                level = AND if operator == "and" else OR
                texts = [self.condition(part).within(level + 1) for part in parts]
                return Code(f" {operator} ".join(texts), level)
            case Compare("!=" | ">", left, Constant(0), signed=False):
                return self._in_place(left)
            case Compare("==", left, Constant(0)):
                return Code(f"not {self._in_place(left).within(COMPARE)}", NOT)
        return self.strict(node)

    def strict(self, node: Expression) -> Code:
        """A value in range; a bit may be a `bool`."""
        mask = ones(node.width)
        match node:
            case Constant(value=value):
                return number(value)
            case Local():
                return self.local(node)
            case Register(index):
                return Code(f"{self.registers()}[{self.strict(index).text}]")
            case State(name, index, count) | Csr(name, index, count):
                return self._stored(name, index, count)
            case Special():
                return self.special(node)
            case Call():
                return self.call(node)
            case Primitive():
                return self.primitive(node)
            case Unary(operator, operand):
                return self._unary(operator, operand, mask)
            case Binary():
                return self._binary(node, mask)
            case Compare():
                return self._compare(node)
            case Member(value, members):
                texts = ", ".join(number(member).text for member in members)
                comma = "," if len(members) == 1 else ""
                left = self.strict(value).within(ARITHMETIC)
                return Code(f"{left} in ({texts}{comma})", COMPARE)
            case Logic():
                return Code(f"1 if {self.condition(node).within(OR)} else 0", CHOICE)
            case Choice(condition, then, otherwise):
                return self._choice(condition, self.strict(then), self.strict(otherwise))
            case Slice():
                return self._placed(node, 0)
            case Bit(value, index):
                shifted = infix(">>", self.strict(value), self.strict(index))
                return masked(shifted, 1)
            case Extend(value, signed):
                if not signed or maximum(value) <= ones(value.width - 1):
                    return self.strict(value)
                if is_arithmetic_shift(value):
                    return masked(self.signed(value), mask)
                return self._sign_adjusted(value, "+", mask ^ ones(value.width))
            case Concat():
                return self._concat(node)

    def loose(self, node: Expression) -> Code:
        """An `int` congruent to the value modulo 2**width."""
        if not is_loose(node):
            return self.strict(node)
        match node:
            case Binary("+" | "-" | "*" as operator, left, right):
                return self._ring(operator, left, right)
            case Binary("|" | "^" as operator, left, right):
                return infix(operator, self.loose(left), self.loose(right))
            case Binary("<<", left, right):
                return infix("<<", self.loose(left), self.strict(right))
            case Unary(operator, operand):
                return Code(f"{operator}{self.loose(operand).within(UNARY)}", UNARY)
            case Slice(value=value):
                return self.loose(value)
            case Choice(condition, then, otherwise):
                return self._choice(condition, self.loose(then), self.loose(otherwise))
        return self.signed(node)

    def signed(self, node: Expression) -> Code:
        """The value as two's complement: an `int` that may be negative."""
        match node:
            case Constant(value=value, width=width):
                return signed_number(as_signed(value, width))
            case Extend(value=value, signed=True):
                return self.signed(value)
            case _ if maximum(node) <= ones(node.width - 1):
                return self.strict(node)
            case Binary(operator=">>", left=left, right=right, signed=True):
                return infix(">>", self.signed(left), self.strict(right))
        return self._sign_adjusted(node, "-", 1 << node.width)

    # Parts

    def primitive(self, node: Primitive) -> Code:
        """A call of the engine."""
        arguments = [self.value(argument).text for argument in node.arguments]
        return Code(f"h.{node.name}({', '.join(arguments)})")

    def _stored(self, name: str, index: Expression | None, count: int) -> Code:
        if index is None:
            return Code(f"h.{name}")
        if maximum(index) < count:
            return Code(f"h.{name}[{self.strict(index).text}]")
        first, again = self.shared(index)
        test = f"{first.within(ARITHMETIC)} < {count}"
        return Code(f"h.{name}[{again.text}] if {test} else 0", CHOICE)

    def shared(self, node: Expression) -> tuple[Code, Code]:
        """Text for the first evaluation, and text for further ones."""
        code = self.value(node)
        if isinstance(node, Constant | Local):
            return code, code
        name = self.temporary()
        return Code(f"({name} := {code.text})"), Code(name)

    def _sign_adjusted(self, node: Expression, operator: str, amount: int) -> Code:
        """The value, adjusted if its sign is set; three times as fast as with masks alone."""
        first, again = self.shared(node)
        adjusted = infix(operator, again, number(amount))
        sign = number(1 << (node.width - 1))
        test = comparison(first, "<", sign)
        return Code(f"{again.text} if {test.text} else {adjusted.text}", CHOICE)

    def _choice(self, condition: Expression, then: Code, otherwise: Code) -> Code:
        test = self.condition(condition).within(OR)
        return Code(f"{then.within(OR)} if {test} else {otherwise.text}", CHOICE)

    def _unary(self, operator: str, operand: Expression, mask: int) -> Code:
        if operator == "not":
            return Code(f"not {self.condition(operand).within(COMPARE)}", NOT)
        if operator == "~" and not is_loose(operand):
            return infix("^", self.strict(operand), number(mask))
        loose = Code(f"{operator}{self.loose(operand).within(UNARY)}", UNARY)
        return masked(loose, mask)

    def _binary(self, node: Binary, mask: int) -> Code:
        left, right = node.left, node.right
        match node.operator:
            case "&":
                if is_loose(right):
                    return infix("&", self.strict(left), self.loose(right))
                return infix("&", self.loose(left), self.strict(right))
            case "|" | "^":
                if is_loose(node):
                    return masked(self.loose(node), mask)
                return infix(node.operator, self.strict(left), self.strict(right))
            case "<<" if maximum(right) > MAX_SHIFT:
                arguments = f"{self.strict(left).text}, {self.strict(right).text}, {node.width}"
                return Code(f"_shift_left({arguments})")
            case "+" | "-" | "*" | "<<":
                if maximum_of_ring(node) is not None:
                    return infix(node.operator, self.strict(left), self.strict(right))
                return masked(self.loose(node), mask)
            case ">>" if node.signed:
                return masked(self.signed(node), mask)
            case ">>":
                return infix(">>", self.strict(left), self.strict(right))
        return self._division(node, mask)

    def _ring(self, operator: str, left: Expression, right: Expression) -> Code:
        if operator in "+-" and isinstance(right, Constant):
            # A constant such as 2**64 - 8 is shorter, and faster, the other way round.
            value = as_signed(right.value, right.width)
            if value < 0:
                operator, value = "-" if operator == "+" else "+", -value
            return infix(operator, self._term(left), number(value))
        return infix(operator, self._term(left), self._term(right))

    def _term(self, node: Expression) -> Code:
        """An operand of `+ - *`: small negative numbers are faster than huge positive ones."""
        if isinstance(node, Extend) and node.signed:
            return self.signed(node)
        return self.loose(node)

    def _division(self, node: Binary, mask: int) -> Code:
        left, right = node.left, node.right
        if node.signed:
            name = "_divide" if node.operator == "//" else "_remainder"
            arguments = f"{self.strict(left).text}, {self.strict(right).text}, {node.width}"
            return Code(f"{name}({arguments})")
        if isinstance(right, Constant) and right.value:
            return infix(node.operator, self.strict(left), self.strict(right))
        # The divisor is tested first, so take care that each is evaluated once and in order.
        once = node.operator == "//" and silent(left)
        if (once or is_plain(left)) and silent(right):
            dividend = self.strict(left)
            divisor, again = self.shared(right)
            test = divisor.within(OR)
        else:
            first, dividend = self.shared(left)
            divisor, again = self.shared(right)
            test = f"({first.text}, {divisor.text})[1]"
        otherwise = number(mask) if node.operator == "//" else dividend
        result = infix(node.operator, dividend, again)
        return Code(f"{result.text} if {test} else {otherwise.text}", CHOICE)

    def _compare(self, node: Compare) -> Code:
        left, right, operator = node.left, node.right, node.operator
        if node.signed:
            return self._compare_signed(node)
        match left, right:
            case Slice(low=low), Constant(value=number_) if low and operator in ("==", "!="):
                return comparison(self._in_place(left), operator, number(number_ << low))
        return comparison(self.strict(left), operator, self.strict(right))

    def _in_place(self, node: Expression) -> Code:
        """A slice that is not shifted down, which saves time where only its bits matter."""
        if isinstance(node, Slice) and node.low:
            return masked(self.loose(node.value), ones(node.width) << node.low)
        return self.strict(node)

    def _compare_signed(self, node: Compare) -> Code:
        left, right, operator, width = node.left, node.right, node.operator, node.left.width
        sign = 1 << (width - 1)
        if right == Constant(0, width) and operator in ("<", ">="):
            inverse = ">=" if operator == "<" else "<"
            return comparison(self.strict(left), inverse, number(sign))
        if any(isinstance(side, Extend) or is_arithmetic_shift(side) for side in (left, right)):
            return comparison(self.signed(left), operator, self.signed(right))
        sides = [
            number(side.value ^ sign)
            if isinstance(side, Constant)
            else infix("^", self.strict(side), number(sign))
            for side in (left, right)
        ]
        return comparison(sides[0], operator, sides[1])

    def _concat(self, node: Concat) -> Code:
        at = node.width
        code: Code | None = None
        for part in node.parts:
            at -= part.width
            if isinstance(part, Constant) and part.value == 0:
                continue
            placed = self._placed(part, at)
            code = placed if code is None else infix("|", code, placed)
        return code or number(0)

    def _placed(self, part: Expression, at: int) -> Code:
        """The value shifted left by a constant, a slice without moving it twice."""
        if isinstance(part, Constant):
            return number(part.value << at)
        if not isinstance(part, Slice):
            code = self.strict(part)
            return infix("<<", code, number(at)) if at else code
        value, low, width = part.value, part.low, part.width
        mask = ones(width) << at
        exact = not is_loose(value) and maximum(value) >> (low + width) == 0
        if low > at:
            shifted = infix(">>", self.loose(value), number(low - at))
            # Bits below are gone only if nothing stays beneath `at`.
            return shifted if exact and at == 0 else masked(shifted, mask)
        if low < at:
            if exact and low == 0:
                return infix("<<", self.loose(value), number(at))
            bits = masked(self.loose(value), ones(width) << low)
            return infix("<<", bits, number(at - low))
        return self.loose(value) if exact and at == 0 else masked(self.loose(value), mask)
