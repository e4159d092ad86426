"""The assembler: source text and an ISA in, a program out."""

from __future__ import annotations

from collections.abc import Callable

from drafthart.generator.assembly.conditionals import CONDITIONALS, Conditionals
from drafthart.generator.assembly.context import Context
from drafthart.generator.assembly.directives import DIRECTIVES, assign, rest_of
from drafthart.generator.assembly.encoder import Encoder, PendingInstruction
from drafthart.generator.assembly.lines import Line, statements
from drafthart.generator.assembly.linking import link
from drafthart.generator.assembly.program import Program
from drafthart.generator.assembly.reader import Reader, first_word
from drafthart.generator.assembly.registers import REGISTERS
from drafthart.generator.assembly.state import State
from drafthart.generator.assembly.symbols import SymbolTable, predefined
from drafthart.generator.assembly.tokens import Cursor, Token, tokenise
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.nearest import did_you_mean


def assemble(
    text: str,
    isa: ISA,
    *,
    name: str = "<text>",
    base: int = 0x8000_0000,
    include: Callable[[str], str] | None = None,
) -> Program:
    """Assemble a source text for an ISA, to lie at `base`.

    `name` stands for the file in errors; `include` gives the text of a file that the source
    names. Raises `DrafthartError` with file, line and column for whatever is wrong with the text.
    """
    if base < 0 or base >> 64 or base % 16:
        raise DrafthartError(f"{base:#x} is no base address; take a multiple of 16 below 2**64")
    assembler = _Assembler(text, isa, name, include)
    assembler.run()
    return link(assembler.state, isa, base)


class _Assembler:
    """The first pass: reads each statement once and fixes all sizes."""

    def __init__(
        self, text: str, isa: ISA, name: str, include: Callable[[str], str] | None
    ) -> None:
        self.isa = isa
        self.symbols = SymbolTable(predefined(isa))
        self.state = State(self.symbols)
        self.encoder = Encoder(isa, self.symbols, self._place)
        self.conditionals = Conditionals(self.symbols)
        reader = Reader(statements(text, name))
        self.context = Context(reader, self.state, self.symbols, include, self._pad)

    def run(self) -> None:
        """Read all statements."""
        while (line := self.context.reader.next()) is not None:
            word = first_word(line)
            if word in CONDITIONALS:
                if self.conditionals.active:
                    self._labels(tokenise(line))
                self.conditionals.read(word, line)
            elif self.conditionals.active:
                if word == ".end":
                    break
                self._statement(tokenise(line))
        self.conditionals.finish()

    def _statement(self, cursor: Cursor) -> None:
        self._labels(cursor)
        if cursor.at_end:
            return
        line, word = cursor.line, cursor.name("a label, a directive or an instruction")
        if cursor.accept("="):
            assign(self.context, cursor, word)
        elif word in self.context.macros:
            macro, count = self.context.macros[word], self.context.expansions
            body = macro.expand(rest_of(cursor), line, count)
            self.context.expansions += 1
            self.context.reader.expand(body, line)
        elif word in DIRECTIVES:
            DIRECTIVES[word](self.context, cursor, word)
        elif word.startswith(".cfi_"):
            return
        elif word.startswith("."):
            hint = did_you_mean(word, DIRECTIVES, 4)
            raise cursor.error(f"the directive {word} is unknown; {hint}", cursor.tokens[0])
        else:
            cursor.position -= 1
            self.encoder.read(cursor)
            return
        cursor.expect_end()

    def _labels(self, cursor: Cursor) -> None:
        while cursor.peek(1).text == ":" and cursor.peek().kind in ("name", "number"):
            self._label(cursor)

    def _label(self, cursor: Cursor) -> None:
        token = cursor.next()
        cursor.expect(":")
        if token.kind == "number" and not (token.text.isdigit() and len(token.text) < 10):
            raise cursor.error(f"`{token.text[:40]}` is no label; take a name or digits", token)
        if token.text in REGISTERS:
            raise cursor.error(f"`{token.text}` is a register; choose another name", token)
        problem = self.symbols.define_label(token.text)
        if problem:
            raise cursor.error(problem, token)

    def _place(self, instruction: PendingInstruction) -> None:
        self.state.compressed |= instruction.size == 2
        self.state.place(instruction.size, instruction.resolve, instruction.line)

    def _pad(self, gap: int, cursor: Cursor) -> None:
        """Fill with instructions that do nothing, as far as the ISA has them."""
        odd = gap % 2
        self.state.fill(odd, 0, cursor.line)
        if gap & 2:
            self._nop("c.nop", 2, cursor.line)
        for _ in range(gap // 4):
            self._nop("nop", 4, cursor.line)

    def _nop(self, mnemonic: str, size: int, line: Line) -> None:
        if mnemonic in self.isa.instructions or mnemonic in self.isa.pseudoinstructions:
            self.encoder.read(Cursor(line, [Token("name", mnemonic, 0)]))
        else:
            self.state.fill(size, 0, line)
