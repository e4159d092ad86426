"""A program under construction: sections, what awaits the layout, what names are said to be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drafthart.generator.assembly.expressions import Expression
from drafthart.generator.assembly.lines import Line
from drafthart.generator.assembly.sections import LIMIT, Section, Value, new_section
from drafthart.generator.assembly.symbols import SymbolTable


@dataclass(frozen=True, slots=True)
class Fixup:
    """Bytes in a section that are known once all addresses are."""

    section: Section
    offset: int
    resolve: Callable[[int], bytes]


class State:
    """Everything that statements change."""

    def __init__(self, symbols: SymbolTable) -> None:
        self.symbols = symbols
        self.sections: dict[str, Section] = {}
        self.fixups: list[Fixup] = []
        self.compressed = False
        self.exported: set[str] = set()
        self.kinds: dict[str, str] = {}
        self.sizes: dict[str, Expression] = {}
        self.options: list[str] = []
        self._stack: list[Section] = []
        self.section = self.switch(".text")
        self.previous = self.section

    def switch(self, name: str, flags: str | None = None, zeroed: bool = False) -> Section:
        """Go on in this section, a new one if the name is."""
        if name not in self.sections:
            self.sections[name] = new_section(name, flags, zeroed)
        self.enter(self.sections[name])
        return self.section

    def enter(self, section: Section) -> None:
        """Go on in a section that exists."""
        self.previous = getattr(self, "section", section)
        self.section = section
        self._move()

    def push(self) -> None:
        """Remember the section."""
        self._stack.append(self.section)

    def pop(self, line: Line) -> None:
        """Return to the section that was remembered last."""
        if not self._stack:
            raise line.error(".popsection without .pushsection; remove it")
        self.enter(self._stack.pop())

    def place(self, size: int, resolve: Callable[[int], bytes], line: Line) -> None:
        """Leave room for bytes that are known later."""
        if self.section.zeroed:
            raise line.error(
                f"{self.section.name} holds only zeros; put what has a value into .data"
            )
        self.fixups.append(Fixup(self.section, self.section.size, resolve))
        self.fill(size, 0, line)

    def fill(self, size: int, value: int, line: Line) -> None:
        """Place `size` bytes of this value."""
        if not 0 <= size <= LIMIT - self.section.size:
            raise line.error(
                f"{size} bytes more do not fit; a section has at most {LIMIT >> 20} MiB"
            )
        if value and self.section.zeroed:
            raise line.error(f"{self.section.name} holds only zeros; use .data")
        self.section.grow(size, value)
        self._move()

    def place_bytes(self, content: bytes, line: Line) -> None:
        """Place bytes that are known now."""
        self.place(len(content), lambda _: content, line)

    def _move(self) -> None:
        self.symbols.here = Value(self.section, self.section.size)
