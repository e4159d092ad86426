"""C text for typed expressions.

Values of up to 64 bits are `u64` below 2**width, wider ones `u128`. A call that may end the
instruction is wrapped in `TRY`, a macro of the runtime that leaves the function around it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from drafthart.generator.errors import DrafthartError
from drafthart.generator.language.c_names import c_name
from drafthart.generator.language.fold import maximum, ones, silent
from drafthart.generator.language.ir import (
    Binary,
    Bit,
    Call,
    Choice,
    Compare,
    Concat,
    Constant,
    Csr,
    Effects,
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
from drafthart.generator.language.primitives import (
    CACHED_FUNCTIONS,
    FLOAT_PRIMITIVES,
    PRIMITIVES,
)

WIDEST = 128
"""Bits of the widest value that the native engine has."""


def c_type(width: int) -> str:
    """The C type of a value. Raises `DrafthartError` beyond `WIDEST` bits."""
    if width > WIDEST:
        raise DrafthartError(
            f"a value of {width} bits: the native engine has values of up to {WIDEST}; "
            "use --engine python"
        )
    return "u64" if width <= 64 else "u128"


def literal(value: int) -> str:
    """A number."""
    if value >> 64:
        return f"((u128){literal(value >> 64)} << 64 | {literal(value & ones(64))})"
    # The suffix matters even to small ones: an `int` shifted left would overflow.
    return f"{value}ull" if value < 1024 else f"{value:#x}ull"


def masked(text: str, width: int, within: int) -> str:
    """Only the low `width` bits of an atom's value of `within` bits."""
    if width == within:
        return text
    if width == 64:
        return f"(u64){text}"
    if width in (8, 16, 32):
        # Without the outer cast C would go on in `int`.
        return f"(u64)(u{width}){text}"
    return f"({text} & {literal(ones(width))})"


class CWriter:
    """Writes expressions; subclasses say how names are spelled.

    `effects` are those of the functions by name, and `leave` is what `return` takes when an
    instruction ends within a call: nothing, or a number.
    """

    def __init__(self, effects: Mapping[str, Effects], leave: str = "0") -> None:
        self._effects = effects
        self._leave = leave
        self._temporaries = 0

    # Spelling

    def temporary(self) -> str:
        """A new name that no operation can have."""
        self._temporaries += 1
        return f"_{self._temporaries}"

    def local(self, node: Local) -> str:
        """A variable."""
        return c_name(node.name)

    def special(self, node: Special) -> str:
        """`pc` and the like; the 32-bit equivalent is found again when it is wanted."""
        return "expand_instruction(h)" if node.name == "expanded" else f"h->{node.name}"

    def call(self, node: Call, tried: bool = True) -> str:
        """A call of a spec function; `tried`: it leaves the function around it if it ended."""
        prefix, arguments = self._operands(node.arguments)
        # Loads and stores look for a cached translation before they run the spec's functions.
        name = "" if node.base in CACHED_FUNCTIONS else "fn_"
        text = f"{name}{node.function}({', '.join(['h', *arguments])})"
        return _compound(prefix, self._tried(text, tried and self._effects[node.function].may_end))

    def primitive(self, node: Primitive, tried: bool = True) -> str:
        """A call of the engine, whose functions are inlined for static arguments."""
        if node.name in FLOAT_PRIMITIVES:
            return self._float(node)
        prefix, arguments = self._operands(node.arguments)
        text = f"{node.name}({', '.join(['h', *arguments])})"
        may_end = tried and PRIMITIVES[node.name].effects.may_end
        return _compound(prefix, self._tried(text, may_end))

    def _tried(self, text: str, may_end: bool) -> str:
        return f"TRY({self._leave}, {text})" if may_end else text

    def _float(self, node: Primitive) -> str:
        """Arithmetic of floats: the sizes are part of the name, and the flags of the hart."""
        widths = PRIMITIVES[node.name].signature.parameters.values()
        sizes = ""
        values: list[Expression] = []
        for argument, width in zip(node.arguments, widths, strict=True):
            if width == "static":
                assert isinstance(argument, Constant)
                sizes += f"_{argument.value}"
            else:
                values.append(argument)
        prefix, texts = self._operands(values)
        arguments = ", ".join(["(u8 *)&h->float_flags", *texts])
        return _compound(prefix, f"{node.name}{sizes}({arguments})")

    def _operands(self, nodes: Sequence[Expression]) -> tuple[list[str], list[str]]:
        """Texts of operands, and what to do first so that they are evaluated in order."""
        heavy = [node for node in nodes if not isinstance(node, Constant | Local)]
        if len(heavy) < 2 or all(map(silent, nodes)):
            return [], [self.strict(node) for node in nodes]
        prefix: list[str] = []
        texts: list[str] = []
        for node in nodes:
            text = self.strict(node)
            if not isinstance(node, Constant):
                name = self.temporary()
                prefix.append(f"{c_type(node.width)} {name} = {text};")
                text = name
            texts.append(text)
        return prefix, texts

    # Forms

    def condition(self, node: Expression) -> str:
        """Anything that is zero or not as the bit is."""
        match node:
            case Slice(value=value, low=low, width=1) if value.width <= 64:
                return f"({self.loose(value)} & {literal(1 << low)})"
            case Unary(operator="not", operand=operand):
                return f"!{self.condition(operand)}"
            case Logic(operator, parts):
                sign = " && " if operator == "and" else " || "
                return f"({sign.join(self.condition(part) for part in parts)})"
        return self.strict(node)

    def strict(self, node: Expression) -> str:
        """A value in range: an atom of C, in parentheses if need be."""
        c_type(node.width)
        match node:
            case Constant(value=value):
                wide = c_type(node.width) == "u128" and not value >> 64
                return f"((u128){literal(value)})" if wide else literal(value)
            case Local():
                return self.local(node)
            case Register(index):
                return f"h->x[{self.strict(index)}]"
            case State(name, index, count) | Csr(name, index, count):
                return self._stored(name, index, count)
            case Special():
                return self.special(node)
            case Call():
                return self.call(node)
            case Primitive():
                return self.primitive(node)
            case Unary(operator="not", operand=operand):
                return f"(u64)!{self.condition(operand)}"
            case Compare():
                return self._compare(node)
            case Member(value, members):
                name = self.temporary()
                tests = " || ".join(f"{name} == {literal(member)}" for member in members)
                return _compound([f"{c_type(value.width)} {name} = {self.strict(value)};"], tests)
            case Logic():
                return f"(u64){self.condition(node)}"
            case Choice(condition, then, otherwise):
                test = self.condition(condition)
                return f"({test} ? {self.strict(then)} : {self.strict(otherwise)})"
            case Bit(value, index):
                return self._bit(value, index)
            case Slice(value=value, low=0) if node.width == value.width:
                return self.strict(value)
            case Slice(value=value, low=low, width=width):
                inner = self.strict(value) if low else self.loose(value)
                if low:
                    inner = f"({inner} >> {low})"
                if low and maximum(value) >> low <= ones(width):
                    return f"(u64){inner}" if value.width > 64 >= width else inner
                return masked(inner, width, max(value.width, 64) if low else 0)
            case Extend(value, signed):
                return self._extend(value, signed, node.width)
            case Concat():
                return self._concat(node)
        loose = self.loose(node)
        if _in_range(node):
            return loose
        return masked(loose, node.width, 64 if node.width <= 64 else 128)

    def loose(self, node: Expression) -> str:
        """The value, with anything in the bits above its width."""
        c_type(node.width)
        match node:
            case Unary("~" | "-" as operator, operand):
                return f"({operator}{self.loose(operand)})"
            case Binary("+" | "-" | "*" | "&" | "|" | "^" as operator, left, right):
                prefix, (first, second) = self._pair(left, right, self.loose)
                return _compound(prefix, f"({first} {operator} {second})")
            case Binary("<<" | ">>"):
                return self._shift(node)
            case Binary():
                return self._division(node)
            case Slice(value=value, low=0, width=width) if (value.width > 64) == (width > 64):
                return self.loose(value)
        return self.strict(node)

    def signed(self, node: Expression) -> str:
        """The value as two's complement, in `i64` or `i128`."""
        whole = 64 if node.width <= 64 else 128
        if isinstance(node, Extend) and node.signed and node.value.width <= 64:
            inner = self.signed(node.value)
            return f"(i{whole}){inner}" if whole == 128 else inner
        if node.width == whole:
            return f"(i{whole}){self.strict(node)}"
        if node.width in (8, 16, 32):
            return f"(i64)(i{node.width}){self.loose(node)}"
        gap = whole - node.width
        return f"((i{whole})({self.loose(node)} << {gap}) >> {gap})"

    # Parts

    def _pair(
        self, left: Expression, right: Expression, form: Callable[[Expression], str]
    ) -> tuple[list[str], list[str]]:
        if silent(left) and silent(right):
            return [], [form(left), form(right)]
        return self._operands((left, right))

    def _stored(self, name: str, index: Expression | None, count: int) -> str:
        place = f"h->{c_name(name)}"
        if index is None:
            return place
        text = self.strict(index)
        if maximum(index) < count:
            return f"{place}[{text}]"
        if isinstance(index, Constant | Local):
            return f"({text} < {count} ? {place}[{text}] : 0)"
        at = self.temporary()
        return _compound(
            [f"{c_type(index.width)} {at} = {text};"], f"{at} < {count} ? {place}[{at}] : 0"
        )

    def _bit(self, value: Expression, index: Expression) -> str:
        prefix, (bits, at) = self._pair(value, index, self.strict)
        if maximum(index) < value.width:
            return _compound(prefix, f"(({bits} >> {at}) & 1)")
        if not isinstance(index, Constant | Local) and not prefix:
            name = self.temporary()
            prefix.append(f"{c_type(index.width)} {name} = {at};")
            at = name
        return _compound(prefix, f"({at} < {value.width} ? ({bits} >> {at}) & 1 : 0)")

    def _extend(self, value: Expression, signed: bool, width: int) -> str:
        if not signed or maximum(value) <= ones(value.width - 1):
            text = self.strict(value)
            return f"(u128){text}" if width > 64 >= value.width else text
        whole = 64 if width <= 64 else 128
        text = f"(u{whole}){self.signed(value)}"
        return masked(text, width, whole)

    def _shift(self, node: Binary) -> str:
        left, right, width = node.left, node.right, node.width
        whole = 64 if width <= 64 else 128
        in_range = maximum(right) < width
        if node.operator == "<<":
            prefix, (value, amount) = self._pair(left, right, self.loose)
            if not silent(right) or not isinstance(right, Constant):
                prefix, (value, amount) = self._operands((left, right))
            if in_range:
                return _compound(prefix, f"({value} << {amount})")
            amount = _amount(amount, right)
            return _compound(prefix, f"shift_left_{whole}({value}, {amount})")
        if not node.signed:
            prefix, (value, amount) = self._operands((left, right))
            if in_range:
                return _compound(prefix, f"({value} >> {amount})")
            amount = _amount(amount, right)
            return _compound(prefix, f"shift_right_{whole}({value}, {amount})")
        if silent(left) and silent(right):
            value, amount = self.signed(left), self.strict(right)
            prefix = []
        else:
            prefix, (value, amount) = self._operands((left, right))
            gap = whole - width
            value = f"((i{whole})({value} << {gap}) >> {gap})" if gap else f"(i{whole}){value}"
        if in_range:
            return _compound(prefix, f"(u{whole})({value} >> {amount})")
        amount = _amount(amount, right)
        return _compound(prefix, f"shift_right_signed_{whole}({value}, {amount})")

    def _division(self, node: Binary) -> str:
        left, right, width = node.left, node.right, node.width
        whole = 64 if width <= 64 else 128
        prefix, (dividend, divisor) = self._operands((left, right))
        name = "divide" if node.operator == "//" else "remainder"
        if node.signed:
            return _compound(prefix, f"{name}_signed_{whole}({dividend}, {divisor}, {width})")
        if isinstance(right, Constant) and right.value:
            operator = "/" if node.operator == "//" else "%"
            return _compound(prefix, f"({dividend} {operator} {divisor})")
        return _compound(prefix, f"{name}_{whole}({dividend}, {divisor}, {width})")

    def _compare(self, node: Compare) -> str:
        if not node.signed:
            prefix, (left, right) = self._operands((node.left, node.right))
            return _compound(prefix, f"(u64)({left} {node.operator} {right})")
        if silent(node.left) and silent(node.right):
            return f"(u64)({self.signed(node.left)} {node.operator} {self.signed(node.right)})"
        prefix, (left, right) = self._operands((node.left, node.right))
        width = node.left.width
        whole = 64 if width <= 64 else 128
        gap = whole - width
        sides = [f"(i{whole})({side} << {gap})" for side in (left, right)]
        return _compound(prefix, f"(u64)({sides[0]} {node.operator} {sides[1]})")

    def _concat(self, node: Concat) -> str:
        prefix, texts = self._operands(node.parts)
        at = node.width
        placed = []
        for part, text in zip(node.parts, texts, strict=True):
            at -= part.width
            if isinstance(part, Constant) and part.value == 0:
                continue
            wide = f"(u128){text}" if node.width > 64 >= part.width else text
            placed.append(f"{wide} << {at}" if at else wide)
        return _compound(prefix, f"({' | '.join(placed) or '0'})")


def _in_range(node: Expression) -> bool:
    """Is what `loose` writes for a binary or unary operation in range as it is?"""
    if node.width in (64, 128):
        return True
    match node:
        case Binary("&" | "|" | "^", left, right):
            if node.operator == "&":
                return _in_range(left) or _in_range(right)
            return _in_range(left) and _in_range(right)
        case Binary(">>", signed=False) | Binary("//" | "%"):
            return True
        case Binary("+", left, right):
            fits = maximum(left) + maximum(right) <= ones(node.width)
            return fits and _in_range(left) and _in_range(right)
        case Binary("*", left, right):
            fits = maximum(left) * maximum(right) <= ones(node.width)
            return fits and _in_range(left) and _in_range(right)
        case Binary("<<", left, Constant(value=amount)):
            return _in_range(left) and maximum(left) << min(amount, 128) <= ones(node.width)
        case Binary() | Unary():
            return False
        case Slice(value=value, low=0):
            return maximum(value) <= ones(node.width) and _in_range(value)
    return True


def _amount(text: str, node: Expression) -> str:
    """An amount to shift by as `u64`, where a wide one shifts everything out all the same."""
    return f"narrow_amount({text})" if node.width > 64 else text


def _compound(prefix: list[str], text: str) -> str:
    """A value that needs statements before it."""
    return f"({{ {' '.join(prefix)} {text}; }})" if prefix else text
