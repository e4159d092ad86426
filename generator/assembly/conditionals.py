"""`.if` and its kin: which statements count."""

from __future__ import annotations

from dataclasses import dataclass

from drafthart.generator.assembly.expression_parser import parse_expression
from drafthart.generator.assembly.lines import Line
from drafthart.generator.assembly.symbols import SymbolTable
from drafthart.generator.assembly.tokens import Cursor, tokenise

_OPENERS = (".if", ".ifdef", ".ifndef", ".ifeq", ".ifne")
CONDITIONALS = (*_OPENERS, ".else", ".elseif", ".endif")


@dataclass(slots=True)
class _Block:
    opener: Line
    enclosed: bool
    """Is the block itself in a part that counts?"""
    active: bool
    done: bool
    """Was a part active before?"""
    otherwise: bool = False
    """Was there an .else?"""


class Conditionals:
    """The blocks that are open."""

    def __init__(self, symbols: SymbolTable) -> None:
        self._symbols = symbols
        self._blocks: list[_Block] = []

    @property
    def active(self) -> bool:
        """Does the next statement count?"""
        return not self._blocks or self._blocks[-1].active

    def read(self, word: str, line: Line) -> None:
        """Read one of the conditional directives. In parts that do not count, none is evaluated."""
        if word in _OPENERS:
            enclosed = self.active
            active = enclosed and self._holds(word, line)
            self._blocks.append(_Block(line, enclosed, active, active))
            return
        if not self._blocks:
            raise line.error(f"{word} without .if; remove it")
        block = self._blocks[-1]
        if word == ".endif":
            self._blocks.pop()
            return
        if block.otherwise:
            raise line.error(f"{word} after .else; close the block with .endif")
        block.otherwise = word == ".else"
        block.active = (
            block.enclosed and not block.done and (word == ".else" or self._holds(".if", line))
        )
        block.done |= block.active

    def finish(self) -> None:
        """All blocks must be closed at the end."""
        if self._blocks:
            raise self._blocks[-1].opener.error("this .if has no end; close it with .endif")

    def _holds(self, word: str, line: Line) -> bool:
        cursor = tokenise(line)
        _after_labels(cursor)
        if word in (".ifdef", ".ifndef"):
            result = self._symbols.is_defined(cursor.name("a name")) == (word == ".ifdef")
        else:
            number = parse_expression(cursor, self._symbols).number()
            result = (number == 0) == (word == ".ifeq")
        cursor.expect_end()
        return result


def _after_labels(cursor: Cursor) -> None:
    """Skip to what follows the directive."""
    while cursor.peek(1).text == ":":
        cursor.position += 2
    cursor.next()
