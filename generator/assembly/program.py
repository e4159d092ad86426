"""An assembled program: bytes at addresses, and names for addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProgramSection:
    """A section at its address; `data` is empty where the section is zeroed memory."""

    name: str
    address: int
    size: int
    alignment: int
    data: bytes
    writable: bool
    executable: bool
    zeroed: bool


@dataclass(frozen=True, slots=True)
class ProgramSymbol:
    """A name for a number; `section` is None where that is no address."""

    name: str
    value: int
    section: str | None
    exported: bool
    kind: str
    """`function`, `object`, or nothing."""
    size: int


@dataclass(frozen=True, slots=True)
class Program:
    """What `assemble` returns. `isa` and `status` name the revision it was made for."""

    isa: str
    status: str
    extensions: tuple[str, ...]
    entry: int
    sections: tuple[ProgramSection, ...]
    symbols: Mapping[str, ProgramSymbol]
    compressed: bool
    """Has it 16-bit instructions?"""

    @property
    def addresses(self) -> dict[str, int]:
        """The symbols that name addresses."""
        return {s.name: s.value for s in self.symbols.values() if s.section is not None}


def flat(program: Program) -> bytes:
    """The memory from the first byte of the program to its last that is not zeroed memory."""
    stored = [section for section in program.sections if not section.zeroed]
    content = bytearray()
    for section in stored:
        content += bytes(section.address - stored[0].address - len(content))
        content += section.data
    return bytes(content)
