"""The typed form of operations, which back ends translate without thinking about types.

Every expression has a `width` in bits and a value below 2**width; a condition has one bit. All
references are resolved and all functions specialised. Operand order is evaluation order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from drafthart.generator.spec.model import Place

Kind: TypeAlias = Literal["straight", "jump", "system"]


@dataclass(frozen=True, slots=True)
class Constant:
    """A number known now."""

    value: int
    width: int


@dataclass(frozen=True, slots=True)
class Local:
    """A local, a parameter, an operand or a loop variable; never above `most`."""

    name: str
    width: int
    most: int


@dataclass(frozen=True, slots=True)
class Register:
    """The integer register `X[index]`; register 0 reads as zero and ignores writes."""

    index: Expression
    width: int


@dataclass(frozen=True, slots=True)
class State:
    """State of the hart; an element of an array of `count` if `index` is given.

    An index of `count` or more reads zero, and a write there is ignored.
    """

    name: str
    index: Expression | None
    count: int
    width: int


@dataclass(frozen=True, slots=True)
class Csr:
    """The stored value of a CSR; of an array of CSRs as for `State`."""

    name: str
    index: Expression | None
    count: int
    width: int


@dataclass(frozen=True, slots=True)
class Special:
    """`pc`, `next_pc`, `instruction` or `expanded`."""

    name: str
    width: int


@dataclass(frozen=True, slots=True)
class Unary:
    """`~`, `-`, or `not` (of one bit)."""

    operator: str
    operand: Expression
    width: int


@dataclass(frozen=True, slots=True)
class Binary:
    """`+ - * & | ^ << >> // %` as Python writes them; `signed` matters to `>> // %`.

    The operands have the width of the result, but for a shift's amount, which has its own: an
    amount of the width or more shifts everything out. Division is as RISC-V has it.
    """

    operator: str
    left: Expression
    right: Expression
    signed: bool
    width: int


@dataclass(frozen=True, slots=True)
class Compare:
    """`== != < <= > >=` of two values of one width."""

    operator: str
    left: Expression
    right: Expression
    signed: bool
    width: int = 1


@dataclass(frozen=True, slots=True)
class Member:
    """Whether the value is one of `members`."""

    value: Expression
    members: tuple[int, ...]
    width: int = 1


@dataclass(frozen=True, slots=True)
class Logic:
    """`and` or `or` of conditions, short circuit."""

    operator: str
    parts: tuple[Expression, ...]
    width: int = 1


@dataclass(frozen=True, slots=True)
class Choice:
    """`then if condition else otherwise`."""

    condition: Expression
    then: Expression
    otherwise: Expression
    width: int


@dataclass(frozen=True, slots=True)
class Slice:
    """Bits `low` to `low + width - 1` of the value."""

    value: Expression
    low: int
    width: int


@dataclass(frozen=True, slots=True)
class Bit:
    """One bit of the value; zero at an index of its width or more."""

    value: Expression
    index: Expression
    width: int = 1


@dataclass(frozen=True, slots=True)
class Extend:
    """The value in more bits."""

    value: Expression
    signed: bool
    width: int


@dataclass(frozen=True, slots=True)
class Concat:
    """The parts side by side, the first highest."""

    parts: tuple[Expression, ...]
    width: int


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the specialised function `function`; `base` and `statics` say of which.

    The width is 0 where nothing is returned.
    """

    function: str
    base: str
    statics: tuple[int, ...]
    arguments: tuple[Expression, ...]
    width: int


@dataclass(frozen=True, slots=True)
class Primitive:
    """A call of what the engine provides; a static argument is a constant in its position."""

    name: str
    arguments: tuple[Expression, ...]
    width: int


Expression: TypeAlias = (
    Constant
    | Local
    | Register
    | State
    | Csr
    | Special
    | Unary
    | Binary
    | Compare
    | Member
    | Logic
    | Choice
    | Slice
    | Bit
    | Extend
    | Concat
    | Call
    | Primitive
)


@dataclass(frozen=True, slots=True)
class Field:
    """A target only: bits `low` to `low + width - 1` of a stored CSR."""

    csr: Csr
    low: int
    width: int


Target: TypeAlias = Local | Register | State | Csr | Field | Special


@dataclass(frozen=True, slots=True)
class Assign:
    """The value is evaluated first, then the target's index.

    A change of any CSR bit in `flush` makes cached translations stale.
    """

    target: Target
    value: Expression
    flush: int = 0


@dataclass(frozen=True, slots=True)
class Evaluate:
    """A call for its effect."""

    call: Call | Primitive


@dataclass(frozen=True, slots=True)
class If:
    """A branch on a condition that is not constant."""

    condition: Expression
    then: Body
    otherwise: Body


@dataclass(frozen=True, slots=True)
class For:
    """A loop over constant values; the body uses the variable at any width that holds them."""

    variable: Local
    values: range
    body: Body


@dataclass(frozen=True, slots=True)
class Return:
    """Leave the function or operation."""

    value: Expression | None


@dataclass(frozen=True, slots=True)
class Break:
    """Leave the innermost loop."""


@dataclass(frozen=True, slots=True)
class Continue:
    """Go on with the innermost loop's next value."""


Statement: TypeAlias = Assign | Evaluate | If | For | Return | Break | Continue
Body: TypeAlias = tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Effects:
    """What may happen, calls included.

    `reads` and `writes` name places: `X`, `pc`, `next_pc`, `instruction`, `expanded`,
    `state:mode`, `csr:mstatus`, `memory` (through the entry functions load and store), and what
    primitives touch: `physical`, `csrs`, `translations`, `instructions`, `time`, `wait`.
    """

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    primitives: frozenset[str] = frozenset()
    may_end: bool = False

    @property
    def pure(self) -> bool:
        """Can a call be left out if nobody uses its result?"""
        return not self.writes and not self.may_end


@dataclass(frozen=True, slots=True)
class TypedFunction:
    """A function of the spec, specialised for the values of its static parameters."""

    name: str
    base: str
    statics: tuple[int, ...]
    parameters: tuple[Local, ...]
    returns: int | None
    body: Body
    ends: bool
    entry: bool
    doc: str
    place: Place


@dataclass(frozen=True, slots=True)
class TypedOperation:
    """What an instruction, or an access to a CSR, does; `parameters` are its variables."""

    parameters: tuple[Local, ...]
    returns: int | None
    body: Body
    doc: str
    place: Place
    effects: Effects
    kind: Kind


@dataclass(frozen=True, slots=True)
class TypedExpression:
    """What a field reads as, or becomes when written."""

    parameters: tuple[Local, ...]
    value: Expression
    place: Place


@dataclass(frozen=True)
class Program:
    """All operations of an ISA. `functions` stand callees first."""

    xlen: int
    functions: Mapping[str, TypedFunction]
    instructions: Mapping[str, TypedOperation]
    csr_read: Mapping[str, TypedOperation]
    csr_write: Mapping[str, TypedOperation]
    csr_access: Mapping[str, TypedOperation]
    field_read: Mapping[tuple[str, str], TypedExpression]
    field_write: Mapping[tuple[str, str], TypedExpression]
    effects: Mapping[str, Effects] = field(repr=False)
    """By function name."""


def children(node: Expression) -> tuple[Expression, ...]:
    """The operands of an expression, in the order of evaluation."""
    match node:
        case Constant() | Local() | Special():
            return ()
        case Register(index):
            return (index,)
        case State(index=index) | Csr(index=index):
            return () if index is None else (index,)
        case Unary(operand=operand):
            return (operand,)
        case Binary(left=left, right=right) | Compare(left=left, right=right):
            return (left, right)
        case Member(value=value) | Slice(value=value) | Extend(value=value):
            return (value,)
        case Logic(parts=parts) | Concat(parts=parts):
            return parts
        case Choice(condition, then, otherwise):
            return (condition, then, otherwise)
        case Bit(value, index):
            return (value, index)
        case Call(arguments=arguments) | Primitive(arguments=arguments):
            return arguments


def walk(node: Expression) -> Iterator[Expression]:
    """The expression and everything within it."""
    yield node
    for child in children(node):
        yield from walk(child)


def target_operands(target: Target) -> tuple[Expression, ...]:
    """What an assignment to the target evaluates beside the value."""
    return children(target.csr if isinstance(target, Field) else target)


def own_expressions(statement: Statement) -> tuple[Expression, ...]:
    """The expressions of a statement itself, not those of statements within it."""
    match statement:
        case Assign(target, value):
            return (value, *target_operands(target))
        case Evaluate(call):
            return (call,)
        case If(condition=condition):
            return (condition,)
        case Return(value) if value is not None:
            return (value,)
        case _:
            return ()


def statements(body: Body) -> Iterator[Statement]:
    """All statements, nested ones included, in the order of the text."""
    for statement in body:
        yield statement
        match statement:
            case If(then=then, otherwise=otherwise):
                yield from statements(then)
                yield from statements(otherwise)
            case For(body=inner):
                yield from statements(inner)


def expressions(body: Body) -> Iterator[Expression]:
    """All expressions, nested ones included."""
    for statement in statements(body):
        for expression in own_expressions(statement):
            yield from walk(expression)
