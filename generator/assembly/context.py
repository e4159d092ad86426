"""What directives work on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from drafthart.generator.assembly.expression_parser import parse_expression
from drafthart.generator.assembly.expressions import Expression
from drafthart.generator.assembly.macros import Macro
from drafthart.generator.assembly.reader import Reader
from drafthart.generator.assembly.state import State
from drafthart.generator.assembly.symbols import SymbolTable
from drafthart.generator.assembly.tokens import Cursor


@dataclass(slots=True)
class Context:
    """The parts of an assembler at work."""

    reader: Reader
    state: State
    symbols: SymbolTable
    include: Callable[[str], str] | None
    pad: Callable[[int, Cursor], None]
    """Fills so many bytes of code with instructions that do nothing."""
    macros: dict[str, Macro] = field(default_factory=dict)
    expansions: int = 0

    def expression(self, cursor: Cursor) -> Expression:
        """Read an expression."""
        return parse_expression(cursor, self.symbols)

    def number(self, cursor: Cursor) -> int:
        """Read an expression whose value must be known now."""
        return self.expression(cursor).number()

    def optional_number(self, cursor: Cursor) -> int | None:
        """Read a comma and a number, or a comma alone, or nothing."""
        if not cursor.accept(",") or cursor.at_end or cursor.peek().text == ",":
            return None
        return self.number(cursor)


Handler = Callable[[Context, Cursor, str], None]
"""Carries out a directive: the cursor stands behind the word, which comes last."""
