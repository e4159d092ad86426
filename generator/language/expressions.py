"""Check the expressions of an operation and give every part its width."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from drafthart.generator.errors import DrafthartError
from drafthart.generator.language import fold, parse
from drafthart.generator.language.ir import (
    Call,
    Constant,
    Csr,
    Expression,
    Local,
    Primitive,
    Register,
    Special,
    State,
)
from drafthart.generator.language.library import (
    BUILTINS,
    MAX_SPECIALISATIONS,
    SPECIALS,
    Callee,
    Library,
    Storage,
    check_width,
    nearest,
)
from drafthart.generator.language.parse import BINARY_OPERATORS, COMPARISONS, MAX_BITS
from drafthart.generator.language.primitives import PRIMITIVES
from drafthart.generator.language.values import INDEX_WIDTH, Flexible, Number, Value
from drafthart.generator.spec.model import Field, Source


@dataclass(slots=True)
class Scope:
    """The variables of one operation: those it was given, and its locals so far."""

    owner: str
    """The function that this is about, or another name for it."""
    statics: dict[str, int] = field(default_factory=dict)
    variables: dict[str, Local] = field(default_factory=dict)
    loops: dict[str, Local] = field(default_factory=dict)
    fixed: set[str] = field(default_factory=set)
    """Variables that no one may assign."""
    assigned: set[str] = field(default_factory=set)
    """Variables that have a value on every path to here."""

    def names(self) -> Iterable[str]:
        """Every variable."""
        return (*self.statics, *self.variables, *self.loops)


class ExpressionChecker:
    """Types the expressions of one source."""

    def __init__(self, library: Library, source: Source, scope: Scope) -> None:
        self.library = library
        self.source = source
        self.scope = scope

    def error(self, node: ast.AST, found: str, expected: str) -> DrafthartError:
        """The error to raise about a node."""
        return parse.error(self.source, node, found, expected)

    # What callers ask for

    def typed(self, node: ast.expr, width: int) -> Expression:
        """The expression, which must have this width."""
        return self.adopt(self.value(node), width, node)

    def known(self, node: ast.expr) -> Expression:
        """The expression, which must have a width of its own."""
        value = self.value(node)
        if isinstance(value, Number | Flexible):
            raise self.error(
                node,
                "a number without a width",
                "a width: `zext(number, width)`, or `name: width = number`",
            )
        return value

    def condition(self, node: ast.expr) -> Expression:
        """The expression, which must be one bit."""
        value = self.value(node)
        if not isinstance(value, Number | Flexible) and value.width != 1:
            raise self.error(
                node, f"a condition of {value.width} bits", "1 bit: a comparison, such as `!= 0`"
            )
        return self.adopt(value, 1, node)

    def number(self, node: ast.expr, what: str) -> int:
        """The expression, which must be known now."""
        value = self.value(node)
        if isinstance(value, Number | Constant):
            return value.value
        raise self.error(node, f"{what} that is not constant", "numbers and named numbers only")

    def width(self, node: ast.expr) -> int:
        """The expression as a width."""
        width = self.number(node, "a width")
        if not check_width(width):
            raise self.error(node, f"a width of {width} bits", f"1 to {MAX_BITS}")
        return width

    def index(self, node: ast.expr) -> Expression:
        """The expression as an index or amount: of any width."""
        value = self.value(node)
        if isinstance(value, Number):
            if not 0 <= value.value <= MAX_BITS:
                raise self.error(node, f"{value.value}", f"0 to {MAX_BITS}")
            return Constant(value.value, max(value.value.bit_length(), 1))
        if isinstance(value, Flexible):
            if value.default is None:
                return self.known(node)
            return self.adopt(value, value.default, node)
        return value

    def adopt(self, value: Value, width: int, node: ast.AST, signed: bool = False) -> Expression:
        """The value in this width, which a number takes if it fits."""
        if isinstance(value, Flexible):
            return value.build(width)
        if isinstance(value, Number):
            top = width - 1 if signed else width
            if not -(1 << (width - 1)) <= value.value < 1 << top:
                kind = "signed bits" if signed else "bits"
                raise self.error(
                    node, f"the number {_show(value.value)}", f"one that fits in {width} {kind}"
                )
            return fold.constant(value.value, width)
        if value.width != width:
            remedy = "widen with zext or sext" if value.width < width else "slice to narrow"
            raise self.error(
                node, f"a value of {value.width} bits", f"one of {width} bits ({remedy})"
            )
        return value

    # Expressions by kind

    def value(self, node: ast.expr) -> Value:
        """The expression, with a width or without."""
        match node:
            case ast.Constant(value=bool(flag)):
                return Constant(int(flag), 1)
            case ast.Constant(value=int(value)):
                return Number(value)
            case ast.Name(id=name):
                return self._name(node, name)
            case ast.Attribute(value=base, attr=name):
                return self._attribute(node, base, name)
            case ast.Subscript(value=base, slice=index):
                return self._subscript(node, base, index)
            case ast.UnaryOp(op=op, operand=operand):
                return self._unary(node, op, operand)
            case ast.BinOp():
                return self._binary(node)
            case ast.BoolOp(op=op, values=values):
                return self._logic("and" if isinstance(op, ast.And) else "or", values)
            case ast.Compare():
                return self._compare(node)
            case ast.IfExp():
                return self._choice(node)
            case ast.Call():
                return self._call(node)
            case ast.Tuple():
                raise self.error(node, "a tuple", "one value; tuples stand after `in` only")
        raise self.error(node, "a slice", "one value")

    def _name(self, node: ast.expr, name: str) -> Value:
        library, scope = self.library, self.scope
        if name in scope.statics:
            return Number(scope.statics[name])
        if name in scope.loops:
            return self._loop_variable(node, scope.loops[name])
        if name in scope.variables:
            if name not in scope.assigned:
                raise self.error(
                    node, f"`{name}`, which may have no value here", "an assignment on every path"
                )
            return scope.variables[name]
        if name in library.numbers:
            return Number(library.numbers[name])
        if name in SPECIALS:
            xlen = library.isa.xlen
            return Special(name, 32 if name in ("instruction", "expanded") else xlen)
        if name == "X":
            raise self.error(node, "`X` alone", "a register: `X[number]`")
        if name in library.isa.state:
            state = library.isa.state[name]
            if state.count:
                raise self.error(node, f"the array `{name}` alone", f"an element: `{name}[index]`")
            return State(name, None, 0, state.width)
        if name in library.storage:
            if library.storage[name].is_array:
                raise self.error(node, f"the array `{name}` alone", f"an element: `{name}[index]`")
            return self.stored(node, library.storage[name], None)
        raise self.unknown(node, name)

    def unknown(self, node: ast.AST, name: str) -> DrafthartError:
        """The error for a name that nothing has."""
        if name in BUILTINS or name in self.library.isa.functions or name in PRIMITIVES:
            return self.error(node, f"the function `{name}` as a value", f"a call: `{name}(…)`")
        hint = nearest(name, (*self.scope.names(), *self.library.names()))
        return self.error(
            node,
            f"unknown name `{name}`{hint}",
            "a variable, a named number, state of the hart or a CSR of this revision",
        )

    def _loop_variable(self, node: ast.expr, variable: Local) -> Flexible:
        def build(width: int) -> Expression:
            if variable.most >> width:
                raise self.error(
                    node,
                    f"`{variable.name}`, which reaches {variable.most}",
                    f"a value that fits in {width} bits",
                )
            return Local(variable.name, width, variable.most)

        return Flexible(build, INDEX_WIDTH)

    def stored(self, node: ast.AST, storage: Storage, index: Expression | None) -> Expression:
        """The stored value of a CSR, if it has one."""
        csr = storage.first
        name = storage.name
        if csr.view is not None:
            example = next(iter(csr.view.fields.values()), "…")
            raise self.error(
                node,
                f"`{name}`, which is a view and stores nothing",
                f"the CSR behind it, such as `{csr.view.of}.{example}`",
            )
        if name in PRIMITIVES:
            raise self.error(
                node, f"the CSR `{name}`, which stores nothing", f"the primitive `{name}()`"
            )
        if csr.constant is not None and not storage.is_array:
            return fold.constant(csr.constant, csr.width)
        return Csr(name, index, storage.count, csr.width)

    def element(self, node: ast.expr) -> tuple[Storage, Expression | None] | None:
        """The CSR that a node names, with its index; None if it names something else."""
        match node:
            case ast.Name(id=name) if self._is_csr(name):
                storage = self.library.storage[name]
                return None if storage.is_array else (storage, None)
            case ast.Subscript(value=ast.Name(id=name), slice=index) if self._is_csr(name):
                storage = self.library.storage[name]
                if storage.is_array:
                    known = {*storage.instances}
                    return storage, self._array_index(index, storage.count, known)
        return None

    def _is_csr(self, name: str) -> bool:
        hidden = name in self.scope.names() or name in self.library.numbers
        return name in self.library.storage and not hidden

    def _array_index(self, node: ast.expr, count: int, known: set[int] | None) -> Expression:
        if isinstance(node, ast.Slice):
            raise self.error(node, "a slice of an array", "one index")
        index = self.index(node)
        if isinstance(index, Constant) and (
            index.value >= count or (known is not None and index.value not in known)
        ):
            raise self.error(node, f"the index {index.value}", f"one that exists, below {count}")
        return index

    def _attribute(self, node: ast.Attribute, base: ast.expr, name: str) -> Value:
        found = self.element(base)
        if found is None:
            if isinstance(base, ast.Name) and self.library.describe(base.id) is None:
                raise self.unknown(base, base.id)
            raise self.error(node, f"`.{name}`", "a field, which only a CSR has")
        storage, index = found
        field = self.field(node, storage, index, name)
        if field.read is not None:
            if storage.is_array:
                raise self.error(node, "a computed field of an array", "a stored one")
            function = self.library.field_function(storage.name, field, self.scope.owner)
            return Call(function, function, (), (), field.width)
        return fold.slice_bits(self.stored(node, storage, index), field.high, field.low)

    def field(self, node: ast.AST, storage: Storage, index: Expression | None, name: str) -> Field:
        """A field of a CSR that is no view."""
        view = storage.first.view
        if view is not None:
            raise self.error(
                node,
                f"`{storage.name}`, which is a view and stores nothing",
                f"`{view.of}.{view.fields.get(name, name)}`",
            )
        constant = index.value if isinstance(index, Constant) else None
        field = self.library.field(storage, name, constant)
        if isinstance(field, str):
            raise self.error(node, field, "a field of the CSR")
        return field

    def _subscript(self, node: ast.Subscript, base: ast.expr, index: ast.expr) -> Value:
        if isinstance(base, ast.Name) and base.id not in self.scope.names():
            if base.id == "X":
                if isinstance(index, ast.Slice):
                    raise self.error(index, "a slice of the registers", "a register number")
                return Register(self.typed(index, 5), self.library.isa.xlen)
            state = self.library.isa.state.get(base.id)
            if state is not None and state.count:
                element = self._array_index(index, state.count, None)
                return State(state.name, element, state.count, state.width)
            found = self.element(base if not self._is_array(base.id) else node)
            if found is not None and self._is_array(base.id):
                return self.stored(node, *found)
        value = self.value(base)
        if isinstance(value, Flexible) or (isinstance(value, Number) and value.value < 0):
            raise self.error(base, "a number without a width", "`zext(number, width)`")
        if isinstance(index, ast.Slice):
            return self._slice(node, value, index)
        if isinstance(value, Number):
            value = Constant(value.value, MAX_BITS)
        position = self.index(index)
        if isinstance(position, Constant) and position.value >= value.width:
            raise self.error(index, f"bit {position.value}", f"0 to {value.width - 1}")
        return fold.bit(value, position)

    def _is_array(self, name: str) -> bool:
        return self._is_csr(name) and self.library.storage[name].is_array

    def _slice(self, node: ast.expr, value: Expression | Number, index: ast.Slice) -> Expression:
        if index.lower is None or index.upper is None or index.step is not None:
            raise self.error(index, "an incomplete slice", "`[high:low]`, both inclusive")
        high = self.number(index.lower, "a slice's high bit")
        low = self.number(index.upper, "a slice's low bit")
        limit = MAX_BITS if isinstance(value, Number) else value.width
        if not 0 <= low <= high < limit:
            raise self.error(
                index.lower,
                f"the slice [{high}:{low}] of {limit} bits",
                f"high bit first, at most [{limit - 1}:0]",
            )
        if isinstance(value, Number):
            return fold.constant(value.value >> low, high - low + 1)
        return fold.slice_bits(value, high, low)

    # Operators

    def _unary(self, node: ast.expr, op: ast.unaryop, operand: ast.expr) -> Value:
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
                raise self.error(node, f"{len(args)} arguments", "1: `signed(value)`")
        return False, node

    def _binary(self, node: ast.BinOp) -> Value:
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
                f"{widths[0]} bits `{operator}` {widths[1]} bits",
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

    def _logic(self, operator: str, values: list[ast.expr]) -> Expression:
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

    def _compare(self, node: ast.Compare) -> Expression:
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

    def _choice(self, node: ast.IfExp) -> Value:
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

    # Calls

    def _call(self, node: ast.Call) -> Value:
        if not isinstance(node.func, ast.Name):
            raise self.error(node.func, "a call of an expression", "the name of a function")
        name = node.func.id
        match name:
            case "zext" | "sext":
                return self._extend(node, name == "sext")
            case "cat":
                return self._concat(node)
            case "signed":
                raise self.error(
                    node, "signed() alone", "signed values only in comparisons, `>>`, `//` and `%`"
                )
            case "range":
                raise self.error(node, "range()", "it after `for … in` only")
        call, _ = self.invoke(node)
        if call.width == 0:
            raise self.error(node, f"`{name}`, which returns nothing", "a value")
        return call

    def _extend(self, node: ast.Call, signed: bool) -> Expression:
        name = "sext" if signed else "zext"
        if len(node.args) != 2:
            raise self.error(node, f"{len(node.args)} arguments", f"2: `{name}(value, width)`")
        width = self.width(node.args[1])
        value = self.value(node.args[0])
        if isinstance(value, Number | Flexible):
            return self.adopt(value, width, node.args[0])
        if value.width > width:
            raise self.error(
                node,
                f"{name} of {value.width} bits to {width} bits",
                "at least the width of the value (a slice narrows)",
            )
        return fold.extend(value, signed, width)

    def _concat(self, node: ast.Call) -> Expression:
        parts = [self.known(part) for part in node.args]
        width = sum(part.width for part in parts)
        if not check_width(width):
            raise self.error(node, f"cat() of {width} bits", f"1 to {MAX_BITS} bits")
        return fold.concat(parts)

    def invoke(self, node: ast.Call) -> tuple[Call | Primitive, Callee]:
        """A call of a spec function or a primitive."""
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        library = self.library
        if name not in library.isa.functions and name not in PRIMITIVES:
            hint = nearest(name, (*BUILTINS, *library.isa.functions, *PRIMITIVES))
            raise self.error(
                node.func, f"unknown function `{name}`{hint}", "a function or primitive"
            )
        is_static = library.statics(name)
        if len(node.args) != len(is_static):
            raise self.error(node, f"{len(node.args)} arguments for `{name}`", f"{len(is_static)}")
        statics = []
        for argument, static in zip(node.args, is_static, strict=True):
            if static:
                statics.append(self._static(argument, name))
        callee = library.callee(name, statics, self.scope.owner)
        if library.specialisations(name) > MAX_SPECIALISATIONS:
            library.order()
            raise self.error(
                node, f"too many different calls of `{name}`", f"{MAX_SPECIALISATIONS} at most"
            )
        widths = iter(callee.parameters.values())
        arguments = [
            self.typed(argument, next(widths))
            for argument, static in zip(node.args, is_static, strict=True)
            if not static
        ]
        if name not in PRIMITIVES:
            returns = callee.returns or 0
            call = Call(callee.name, name, tuple(statics), tuple(arguments), returns)
            return call, callee
        remaining, fixed = iter(arguments), iter(statics)
        every = [
            Constant(value := next(fixed), max(value.bit_length(), 1))
            if static
            else next(remaining)
            for static in is_static
        ]
        return Primitive(name, tuple(every), callee.returns or 0), callee

    def _static(self, node: ast.expr, name: str) -> int:
        value = self.number(node, f"a static argument of `{name}`")
        sizes = PRIMITIVES[name].sizes if name in PRIMITIVES else range(MAX_BITS + 1)
        if value not in sizes:
            legal = f"0 to {MAX_BITS}" if isinstance(sizes, range) else f"one of {sizes}"
            raise self.error(node, f"{_show(value)} as a static argument of `{name}`", legal)
        return value


def _default(left: Value, right: Value) -> int | None:
    """The width for two values of which neither has one: that of a loop variable, if one is."""
    defaults = [value.default for value in (left, right) if isinstance(value, Flexible)]
    return None if not defaults or None in defaults else defaults[0]


def _show(value: int) -> str:
    return f"{value}" if abs(value) < 1024 else f"{value:#x}"
