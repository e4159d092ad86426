"""Instructions as C: the operation itself, and the handler that runs it within a block.

A handler of plain arithmetic, a load, a store or a jump has the operation's text in it, over the
operands in the decoded `op`. Any other calls the operation and looks what it did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drafthart.generator.emit.python_decoder import operand_value
from drafthart.generator.errors import DrafthartError
from drafthart.generator.language.c import (
    CBodyWriter,
    Watched,
    comment,
    declarations,
    emit_operation,
    marker,
)
from drafthart.generator.language.c_names import c_name
from drafthart.generator.language.ir import (
    Assign,
    Body,
    Call,
    Effects,
    Evaluate,
    Expression,
    If,
    Local,
    Program,
    Register,
    Return,
    Special,
    Statement,
    TypedOperation,
    expressions,
    own_expressions,
    statements,
    walk,
)
from drafthart.generator.language.primitives import MEMORY_FUNCTIONS
from drafthart.generator.spec.model import ISA, Encoding, Instruction

STRAIGHT, JUMP, ALWAYS = "STRAIGHT", "SOMETIMES", "ALWAYS"
"""Shapes: goes on, may jump (a link is behind it), always leaves (a link, and the block ends)."""

_ENDINGS = {STRAIGHT: ["    NEXT;"], JUMP: ["    NEXT_BEHIND_LINK;"], ALWAYS: []}

_SMALL = ("a", "b", "c")


@dataclass(frozen=True, slots=True)
class Slots:
    """Where an instruction's operands are in a decoded `op`."""

    fill: list[str]
    """Statements of the decoder, over the word `w`."""
    text: Mapping[str, str]
    """What an operand is called, by its name."""


@dataclass(frozen=True, slots=True)
class Handler:
    """The C text for one instruction."""

    mnemonic: str
    name: str
    shape: str
    lines: list[str]
    inline: list[str]
    """The operation's text in line, up to the next one's beginning; empty if there is none."""
    operands: Mapping[str, str]
    """What each operand is called, by its name."""
    target: str = ""
    """Where it always jumps, over `op`; empty unless that never changes."""
    through: list[str] | None = None
    """What it does beside jumping there."""

    @property
    def straight(self) -> bool:
        """Does the next op always follow?"""
        return self.shape == STRAIGHT


def slots(isa: ISA, instruction: Instruction, operation: TypedOperation) -> Slots:
    """Places for the operands that the operation uses; an unused one gets none."""
    encoding = instruction.encoding
    assert encoding is not None
    used = _used(operation)
    small = [it for it in encoding.operands if it in used and _bits(isa, encoding, it) <= 8]
    wide = [it for it in encoding.operands if it in used and it not in small]
    fill: list[str] = []
    text: dict[str, str] = {}
    if len(wide) > 1 or len(small) > (3 if wide else 11):
        raise DrafthartError(
            f"{instruction.place}: {instruction.mnemonic} has more operands than the native engine "
            "has places for; use --engine python"
        )
    packed: list[str] = []
    for name in small:
        value = operand_value(encoding, isa.operands[name], isa.xlen)
        if name in _only_written(operation):
            # What would go to x0 goes where nobody looks.
            value = f"({value}) ? ({value}) : 32"
        if len(fill) < len(_SMALL):
            slot = _SMALL[len(fill)]
            fill.append(f"op->{slot} = (u8)({value});")
            text[name] = f"op->{slot}"
        else:
            at = 8 * len(packed)
            packed.append(f"(u64)({value}) << {at}")
            text[name] = f"(op->imm >> {at} & 0xff)"
    if packed:
        fill.append(f"op->imm = {' | '.join(packed)};")
    for name in wide:
        fill.append(f"op->imm = {operand_value(encoding, isa.operands[name], isa.xlen)};")
        text[name] = "op->imm"
    return Slots(fill, text)


def _bits(isa: ISA, encoding: Encoding, operand: str) -> int:
    return 64 if isa.operands[operand].signed else encoding.operand_bits(operand)


def _used(operation: TypedOperation) -> set[str]:
    names = {it.name for it in expressions(operation.body) if isinstance(it, Local)}
    return names & {local.name for local in operation.parameters}


def _only_written(operation: TypedOperation) -> set[str]:
    """Operands that name a register which is written, and are used for nothing else."""
    targets: list[str] = []
    for statement in statements(operation.body):
        if isinstance(statement, Assign):
            match statement.target:
                case Register(index=Local(name=name)):
                    targets.append(name)
    read = [it.name for it in expressions_of_values(operation.body) if isinstance(it, Local)]
    return {name for name in targets if name not in read}


def expressions_of_values(body: Body) -> list[Expression]:
    """All expressions but for the index of a register that is a target."""
    found: list[Expression] = []
    for statement in statements(body):
        match statement:
            case Assign(target=Register(index=Local()), value=value):
                found += walk(value)
            case _:
                for own in own_expressions(statement):
                    found += walk(own)
    return found


def handler(
    isa: ISA, program: Program, instruction: Instruction, places: Slots, watched: Watched
) -> Handler:
    """The operation of an instruction, its caller, and its handler."""
    operation = program.instructions[instruction.mnemonic]
    name = c_name(instruction.mnemonic.replace(".", "_"))
    parameters = [local for local in operation.parameters if local.name in places.text]
    lines = emit_operation(f"insn_{name}", parameters, operation, program.effects, watched)
    arguments = ", ".join(["h", *(places.text[local.name] for local in parameters)])
    lines += [
        f"static void call_{name}(Hart *h, const Op *op) {{",
        "    (void)op;",
        f"    insn_{name}({arguments});",
        "}",
    ]
    fast = _fast(operation, name, places, program.effects, watched)
    if fast is not None:
        shape, body, target, through = fast
        lines += [
            f"OUTLINE void slow_{name}(ARGUMENTS) {{ CALL(call_{name}); }}"
            if shape == STRAIGHT
            else f"OUTLINE void slow_{name}(ARGUMENTS) {{ CALL_AND_LEAVE(call_{name}); }}",
            *comment(instruction.doc),
            marker(operation.place),
            f"static void op_{name}(ARGUMENTS) {{",
            *body,
            *_ENDINGS[shape],
            "}",
        ]
        return Handler(instruction.mnemonic, name, shape, lines, body, places.text, target, through)
    leaves = "next_pc" in operation.effects.writes
    how = "CALL_AND_LEAVE" if leaves else "CALL"
    lines.append(f"static void op_{name}(ARGUMENTS) {{ {how}(call_{name}); }}")
    shape = ALWAYS if leaves else STRAIGHT
    return Handler(instruction.mnemonic, name, shape, lines, [], places.text)


def _fast(
    operation: TypedOperation,
    name: str,
    places: Slots,
    effects: Mapping[str, Effects],
    watched: Watched,
) -> tuple[str, list[str], str, list[str] | None] | None:
    """Shape, text, target and text without the jump, as in `Handler`; None if it is not in line."""
    body = operation.body
    if operation.kind == "system" or any(isinstance(it, Return) for it in statements(body)):
        return None
    if any(isinstance(it, Special) and it.name == "expanded" for it in expressions(body)):
        return None
    accesses = [it for it in expressions(body) if _is_access(it)]
    writer = _HandlerWriter(name, places, _only_written(operation), effects, watched)
    if accesses and (len(accesses) > 1 or not _access_first(body)):
        return None
    for declaration in declarations(body, operation.parameters):
        writer.line(declaration)
    if operation.kind == "jump":
        always = writer.jumping(body)
        if always is None:
            return None
        if always and writer.target:
            return ALWAYS, writer.lines, writer.target, writer.lines[:-1]
        return (ALWAYS if always else JUMP), writer.lines, "", None
    writer.body(body)
    return STRAIGHT, writer.lines, "", None


def through(handler: Handler) -> Handler:
    """The handler of a jump to a fixed address in a block that goes on there."""
    assert handler.through is not None
    name = f"{handler.name}_through"
    lines = [f"static void op_{name}(ARGUMENTS) {{", *handler.through, "    NEXT;", "}"]
    mnemonic = f"{handler.mnemonic}/through"
    return Handler(mnemonic, name, STRAIGHT, lines, handler.through, handler.operands)


def _is_access(node: Expression) -> bool:
    return isinstance(node, Call) and node.base in MEMORY_FUNCTIONS


def _access_first(body: Body) -> bool:
    """Does the access stand in the first statement, which can be run again from its start?"""
    first = body[0]
    return isinstance(first, Assign | Evaluate) and any(
        _is_access(node) for own in own_expressions(first) for node in walk(own)
    )


class _HandlerWriter(CBodyWriter):
    """Writes an operation over the operands in `op`, its access to memory in line."""

    def __init__(
        self,
        name: str,
        places: Slots,
        sinks: set[str],
        effects: Mapping[str, Effects],
        watched: Watched,
    ) -> None:
        super().__init__(effects, watched, "")
        self._name = name
        self._places = places
        self._sinks = sinks
        self.target = ""
        """Where the operation always jumps, if that never changes."""

    def local(self, node: Local) -> str:
        """A variable, or an operand where the decoder put it."""
        return self._places.text.get(node.name) or super().local(node)

    def special(self, node: Special) -> str:
        """What the decoded instruction knows of itself."""
        return {"pc": "op->pc", "next_pc": "NEXT_PC", "instruction": "(u64)op->word"}[node.name]

    def assign_register(self, index: Expression, value: Expression) -> None:
        """Write to a register; where x0 has a place of its own there is nothing to ask."""
        if isinstance(index, Local) and index.name in self._sinks:
            self.line(f"h->x[{self.local(index)}] = {self.strict(value)};")
        else:
            super().assign_register(index, value)

    # Memory

    def call(self, node: Call, tried: bool = True) -> str:
        """A load in line; the caller of `statement` has looked its translation up."""
        if _is_access(node) and node.base == "load":
            self._look_up(node, "reads")
            return f"ram_read((const u8 *)(uintptr_t)(_entry->host + _address), {node.statics[0]})"
        return super().call(node, tried)

    def evaluate(self, call: Call | object) -> None:
        """A store in line."""
        assert isinstance(call, Call)
        if _is_access(call) and call.base == "store":
            self._look_up(call, "writes")
            value = self.strict(call.arguments[1])
            at = "(u8 *)(uintptr_t)(_entry->host + _address)"
            self.line(f"ram_write({at}, {call.statics[0]}, {value});")
        elif _is_access(call):
            self._look_up(call, "reads")
        else:
            super().evaluate(call)

    def _look_up(self, node: Call, table: str) -> None:
        size = node.statics[0]
        self.line(f"u64 _address = {self.strict(node.arguments[0])};")
        self.line(f"const Translation *_entry = &{table}[entry_index(_address)];")
        self.line(f"if (UNLIKELY(_entry->page != page_and_alignment(_address, {size})))")
        self.line(f"    return slow_{self._name}(PASS(op));")

    # Jumps

    def jumping(self, body: Body) -> bool | None:
        """Write a body that sets next_pc once; does it always? None if it has another shape."""
        jumps = [at for at, it in enumerate(body) if _sets_next_pc((it,))]
        if len(jumps) != 1:
            return None
        before, jump, after = body[: jumps[0]], body[jumps[0]], body[jumps[0] + 1 :]
        if any(isinstance(it, Special) and it.name == "next_pc" for it in expressions(after)):
            return None
        condition: Expression | None
        match jump:
            case Assign(Special(), target):
                condition = None
            case If(condition, (Assign(Special(), target),), ()):
                pass
            case _:
                return None
        self.body(before)
        static = all(self._is_static(node) for node in walk(target))
        text = self.strict(target)
        if not static and after:
            text = self._kept(text, target.width)
        test = None
        if condition is not None:
            test = self.condition(condition)
            if after:
                test = self._kept(f"(u64){test}", 1)
        self.body(after)
        go = f"JUMP_LINKED({text});" if static else f"JUMP_TO({text});"
        if test is None:
            self.target = text if static else ""
            self.line(go)
            return True
        self.line(f"if ({test}) {go}")
        return False

    def _is_static(self, node: Expression) -> bool:
        """Is it the same each time the instruction runs?"""
        if isinstance(node, Local):
            return node.name in self._places.text
        return not isinstance(node, Register | Call) and not hasattr(node, "count")


def _sets_next_pc(body: tuple[Statement, ...]) -> bool:
    return any(isinstance(it, Assign) and isinstance(it.target, Special) for it in statements(body))
