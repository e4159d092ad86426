"""Lines for blocks of instructions that the python engine compiles as one.

A template is text for `str.format` with the operands' values, `pc`, `next` (the address behind
the instruction) and `instruction`; all are non-negative decimal constants. Registers are `x[…]`.
A load or store looks its page up first and calls the spec's function only on a miss.
"""

from __future__ import annotations

from dataclasses import dataclass

from drafthart.generator.language.fold import silent
from drafthart.generator.language.ir import (
    Assign,
    Body,
    Call,
    Choice,
    Constant,
    Csr,
    Evaluate,
    Expression,
    If,
    Local,
    Logic,
    Primitive,
    Register,
    Return,
    Special,
    State,
    Statement,
    TypedOperation,
    children,
    expressions,
    own_expressions,
    statements,
    walk,
)
from drafthart.generator.language.primitives import MEMORY_FUNCTIONS
from drafthart.generator.language.python import BodyWriter
from drafthart.generator.language.python_code import ARITHMETIC, CHOICE, Code, infix, number


@dataclass(frozen=True, slots=True)
class Template:
    """What to put in a block for one instruction.

    Run `lines` first. A jump then goes to `target` if `condition` holds (None: always); without
    a target it is none. `static`: the target depends on nothing but the operands and `pc`.
    """

    lines: tuple[str, ...]
    condition: str | None = None
    target: str | None = None
    static: bool = False


class _Unsuitable(Exception):
    """The operation has a shape that a template cannot take."""


def emit_template(operation: TypedOperation, *, rd_zero: bool) -> Template | None:
    """The template of a straight or jump operation, if it has a suitable shape.

    `rd_zero` says whether `rd` is x0: then nothing is written to it, but loads still happen.
    """
    if operation.kind == "system":
        return None
    try:
        return _template(operation, rd_zero)
    except _Unsuitable:
        return None


def _template(operation: TypedOperation, rd_zero: bool) -> Template:
    body = operation.body
    if any(isinstance(statement, Return) for statement in statements(body)):
        raise _Unsuitable
    writer = _TemplateWriter({local.name for local in operation.parameters}, rd_zero)
    jumps = [index for index, statement in enumerate(body) if _jumps((statement,))]
    if not jumps:
        writer.statements(body)
        return Template(tuple(writer.lines))
    if len(jumps) > 1:
        raise _Unsuitable
    before, jump, after = body[: jumps[0]], body[jumps[0]], body[jumps[0] + 1 :]
    condition, target = _parts(jump)
    if any(isinstance(node, Special) and node.name == "next_pc" for node in expressions(after)):
        # It would have to see the new value.
        raise _Unsuitable
    writer.statements(before)
    static = all(writer.is_static(node) for node in walk(target))
    condition_text = None
    if condition is not None:
        condition_text = writer.held(condition, bool(after), is_condition=True)
    target_text = writer.held(target, bool(after) and not static)
    writer.statements(after)
    return Template(tuple(writer.lines), condition_text, target_text, static)


def _jumps(body: Body) -> bool:
    return any(
        isinstance(statement, Assign) and isinstance(statement.target, Special)
        for statement in statements(body)
    )


def _parts(statement: Statement) -> tuple[Expression | None, Expression]:
    """The condition and the target of a jump."""
    match statement:
        case Assign(Special(), target):
            return None, target
        case If(condition, (Assign(Special(), target),), ()) if silent(target):
            return condition, target
    raise _Unsuitable


class _TemplateWriter(BodyWriter):
    def __init__(self, operands: set[str], rd_zero: bool) -> None:
        super().__init__()
        self._operands = operands
        self._rd_zero = rd_zero
        self._names: dict[str, str] = {}
        self._inline = False

    def statements(self, body: Body) -> None:
        """Write statements, none for none."""
        for statement in body:
            self.statement(statement)

    def statement(self, statement: Statement) -> None:
        """Write one statement, a single access to memory in line."""
        nodes = [node for own in own_expressions(statement) for node in walk(own)]
        accesses = sum(_is_access(node) for node in nodes)
        # Lines before the statement suit one access; more would change places.
        self._inline = accesses == 1 and isinstance(statement, Assign | Evaluate)
        super().statement(statement)

    def is_static(self, node: Expression) -> bool:
        """Is it the same each time the instruction runs?"""
        if isinstance(node, Local):
            return node.name in self._operands
        return not isinstance(node, Register | State | Csr | Call | Primitive)

    def held(self, node: Expression, keep: bool, is_condition: bool = False) -> str:
        """Text to be evaluated after all lines; `keep` the value of now if it could change."""
        self._inline = False
        keep = keep or not silent(node)
        code = self.condition(node) if is_condition and not keep else self.value(node)
        return self._kept(code).text if keep else code.text

    # Spelling

    def local(self, node: Local) -> Code:
        if node.name in self._operands:
            return Code(f"{{{node.name}}}")
        if node.name not in self._names:
            self._names[node.name] = self.temporary()
        return Code(self._names[node.name])

    def registers(self) -> str:
        return "x"

    def special(self, node: Special) -> Code:
        return Code({"next_pc": "{next}"}.get(node.name, f"{{{node.name}}}"))

    # Registers

    def assign_register(self, index: Expression, value: Expression) -> None:
        match index:
            case Local(name="rd") if "rd" in self._operands:
                if not self._rd_zero:
                    self.line(f"x[{{rd}}] = {self.value(value).text}")
                    return
            case Constant(value=register):
                if register:
                    self.line(f"x[{register}] = {self.value(value).text}")
                    return
            case _:
                raise _Unsuitable
        self._discard(value)

    def _discard(self, node: Expression) -> None:
        """Evaluate only what has an effect."""
        match node:
            case Call() if _is_access(node) and self._inline:
                miss = self._access(node)
                self.line("if _d is None:")
                self.line(f"    {miss}")
            case Call() | Primitive():
                self.line(self.strict(node).text)
            case _ if not silent(node):
                parts = [child for child in children(node) if not silent(child)]
                if len(parts) == 1 and not isinstance(node, Choice | Logic):
                    self._discard(parts[0])
                else:
                    self.line(self.value(node).text)

    # Memory

    def call(self, node: Call) -> Code:
        if not (self._inline and _is_access(node) and node.base == "load"):
            return super().call(node)
        miss = self._access(node)
        return Code(f"{_cell(node.statics[0])} if _d is not None else {miss}", CHOICE)

    def evaluate(self, call: Call | Primitive) -> None:
        if not (self._inline and isinstance(call, Call) and _is_access(call)):
            super().evaluate(call)
        elif call.base == "load":
            self._discard(call)
        else:
            miss = self._access(call)
            self.line("if _d is None:")
            self.line(f"    {miss}")
            self.line("else:")
            self.line(f"    {_cell(call.statics[0])} = {self.value(call.arguments[1]).text}")

    def _access(self, node: Call) -> str:
        """Look the page up; returns the call for a miss."""
        lookup = "rget" if node.base == "load" else "wget"
        self.line(f"_a = {self.value(node.arguments[0]).text}")
        self.line(f"_d = {lookup}(_a & PAGE_{node.statics[0]})")
        values = ["_a", *(self.value(argument).text for argument in node.arguments[1:])]
        return f"{node.function}(h, {', '.join(values)})"


def _is_access(node: Expression) -> bool:
    return isinstance(node, Call) and node.base in MEMORY_FUNCTIONS


def _cell(size: int) -> str:
    """The bytes at `_a` in RAM."""
    offset = Code("_a + _d", ARITHMETIC, "+")
    shift = size.bit_length() - 1
    index = infix(">>", offset, number(shift)) if shift else offset
    return f"ram{8 * size}[{index.text}]"
