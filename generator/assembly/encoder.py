"""Instruction statements: which instruction a mnemonic and its operands are, and its bits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from drafthart.generator.assembly.constants import load_constant
from drafthart.generator.assembly.expressions import NotYetKnown, signed64
from drafthart.generator.assembly.lines import Line
from drafthart.generator.assembly.operands import (
    OperandValue,
    bind,
    ordering_bits,
    raw_bits,
    read_operands,
)
from drafthart.generator.assembly.symbols import SymbolTable
from drafthart.generator.assembly.templates import (
    Template,
    instruction_template,
    parse_template,
)
from drafthart.generator.assembly.tokens import Cursor, Mismatch, Token, tokenise
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA, Instruction
from drafthart.generator.spec.nearest import did_you_mean

_DEPTH = 8

# Shorthands that no fixed lines of the specs can tell; li's lines depend on its constant.
# In a second line, `.` is 4 bytes after the auipc.
_COMPUTED: dict[str, tuple[str, tuple[str, ...] | None]] = {
    "la": ("rd, symbol", ("auipc rd, %hi(symbol - .)", "addi rd, rd, %lo(symbol - . + 4)")),
    "lla": ("rd, symbol", ("la rd, symbol",)),
    "call": ("symbol", ("auipc ra, %hi(symbol - .)", "jalr ra, %lo(symbol - . + 4)(ra)")),
    "li": ("rd, value", None),
    "tail": ("symbol", ("auipc t1, %hi(symbol - .)", "jalr zero, %lo(symbol - . + 4)(t1)")),
}


@dataclass(frozen=True, slots=True)
class PendingInstruction:
    """An instruction whose operands may await the layout."""

    line: Line
    offset: int
    instruction: Instruction
    template: Template
    values: Mapping[str, OperandValue]
    ordering: Mapping[str, int]

    @property
    def size(self) -> int:
        """Its length in bytes."""
        assert self.instruction.encoding is not None
        return self.instruction.encoding.width // 8

    def resolve(self, address: int) -> bytes:
        """The bits at this address."""
        encoding = self.instruction.encoding
        assert encoding is not None
        raw = dict.fromkeys(encoding.operands, 0) | dict(self.ordering)
        for slot in self.template.slots:
            given = self.values[slot.name]
            value = given if isinstance(given, int) else given.number()
            if slot.operand.relative:
                value = signed64(value - address)
            try:
                raw[slot.name] = raw_bits(encoding, slot, value)
            except ValueError as error:
                far = "; go there by la and jr, or by call" if slot.operand.relative else ""
                raise self._error(f"{self.instruction.mnemonic}: {error}{far}", given) from None
        word = encoding.insert(raw)
        for name, excluded in encoding.constraints:
            if raw[name] == excluded:
                raise self._error(
                    f"{self.instruction.mnemonic}: {name} must not be {excluded}",
                    self.values.get(name, 0),
                )
        return word.to_bytes(self.size, "little")

    def _error(self, message: str, value: OperandValue) -> DrafthartError:
        """At the operand if it is an expression, else at the mnemonic."""
        if isinstance(value, int):
            return self.line.error(message, self.offset)
        return value.error(message)


@dataclass(frozen=True, slots=True)
class _Form:
    """One way to write the operands of a mnemonic: an instruction's, or those of a shorthand.

    `lines` are what the shorthand stands for; None for li, whose lines depend on the constant.
    """

    template: Template
    instruction: Instruction | None
    lines: tuple[str, ...] | None = ()


class Encoder:
    """Reads the instructions and shorthands of one ISA; `emit` takes them in their order."""

    def __init__(
        self, isa: ISA, symbols: SymbolTable, emit: Callable[[PendingInstruction], None]
    ) -> None:
        self._isa = isa
        self._symbols = symbols
        self._emit = emit
        self._shorthands: dict[str, list[_Form]] = {}
        for shorthand in isa.pseudoinstructions.values():
            self._add_shorthand(
                shorthand.mnemonic.partition("/")[0], shorthand.assembly, shorthand.expands
            )
        for mnemonic, (operands, lines) in _COMPUTED.items():
            if mnemonic not in self._shorthands:
                self._add_shorthand(mnemonic, operands, lines)
        self._instructions: dict[str, _Form] = {}

    def _add_shorthand(self, mnemonic: str, operands: str, lines: tuple[str, ...] | None) -> None:
        form = _Form(parse_template(self._isa, operands), None, lines)
        self._shorthands.setdefault(mnemonic, []).append(form)

    def read(self, cursor: Cursor, depth: int = 0) -> None:
        """Read a statement from its mnemonic on."""
        token = cursor.next()
        mnemonic, ordering = self._split(token.text)
        forms = self._forms(mnemonic, token, cursor)
        start, furthest = cursor.position, -1
        problem = ""
        for form in forms:
            cursor.position = start
            try:
                values = read_operands(form.template, cursor, self._symbols, self._isa)
            except Mismatch as error:
                # Of several forms, the one that fits longest is the one that was meant.
                if cursor.position > furthest:
                    furthest, problem = cursor.position, str(error)
            else:
                if form.instruction is None:
                    self._expand(form, values, cursor, depth)
                else:
                    self._emit(self._pending(form, values, ordering, cursor, token))
                return
        shapes = [f"{mnemonic} {form.template}".rstrip() for form in forms]
        raise DrafthartError(f"{problem}; write `{'` or `'.join(shapes)}`")

    def _pending(
        self,
        form: _Form,
        values: Mapping[str, OperandValue],
        suffix: str,
        cursor: Cursor,
        token: Token,
    ) -> PendingInstruction:
        assert form.instruction is not None
        assert form.instruction.encoding is not None
        ordering = ordering_bits(self._isa, form.instruction.encoding, suffix)
        return PendingInstruction(
            cursor.line, token.offset, form.instruction, form.template, values, ordering
        )

    def _split(self, mnemonic: str) -> tuple[str, str]:
        """Take `.aq`, `.rl` or `.aqrl` off the mnemonic of an instruction that has orderings."""
        if mnemonic in self._isa.instructions or mnemonic in self._shorthands:
            return mnemonic, ""
        stem, _, suffix = mnemonic.rpartition(".")
        instruction = self._isa.instructions.get(stem)
        if instruction is None or instruction.encoding is None:
            return mnemonic, ""
        known = suffix in ("aq", "rl", "aqrl") and ordering_bits(
            self._isa, instruction.encoding, suffix
        )
        return (stem, suffix) if known else (mnemonic, "")

    def _forms(self, mnemonic: str, token: Token, cursor: Cursor) -> list[_Form]:
        instruction = self._isa.instructions.get(mnemonic)
        forms = list(self._shorthands.get(mnemonic, ()))
        if instruction is not None and instruction.encoding is not None:
            form = self._instructions.get(mnemonic)
            if form is None:
                form = _Form(instruction_template(self._isa, instruction), instruction)
                self._instructions[mnemonic] = form
            forms.insert(0, form)
        if forms:
            return forms
        if instruction is not None:
            raise cursor.error(
                f"{self._isa.id} assigns no encoding to {mnemonic}; write the bits with .insn, "
                "or give it one in an overlay",
                token,
            )
        known = [*self._isa.instructions, *self._shorthands]
        hint = did_you_mean(mnemonic, known, 4)
        raise cursor.error(f"{mnemonic} is not in {self._isa.id}; {hint}", token)

    def _expand(
        self, form: _Form, values: Mapping[str, OperandValue], cursor: Cursor, depth: int
    ) -> None:
        line, offset = cursor.line, cursor.tokens[0].offset
        if depth > _DEPTH:
            raise cursor.error("this shorthand expands to itself; mend the spec", cursor.tokens[0])
        bound = {slot.name: bind(slot, values[slot.name], offset) for slot in form.template.slots}
        lines = form.lines
        if lines is None:
            lines = tuple(load_constant(_constant(values["value"]), self._isa.xlen))
        for text in lines:
            tokens = [
                bound.get(token.text) or replace(token, offset=offset)
                for token in tokenise(Line(text, line.file, line.number)).tokens
            ]
            self.read(Cursor(line, tokens), depth + 1)


def _constant(value: OperandValue) -> int:
    try:
        return value if isinstance(value, int) else value.number()
    except NotYetKnown as error:
        raise DrafthartError(f"{error}; li needs a constant, take la for an address") from None
