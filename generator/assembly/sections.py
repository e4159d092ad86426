"""Sections under construction, and where they come to lie."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from drafthart.generator.errors import DrafthartError

PAGE = 4096
LIMIT = 1 << 28
"""No program may be larger: a slip in a .space must not eat the machine's memory."""

_KNOWN_FLAGS = {".text": "ax", ".rodata": "a", ".srodata": "a", ".data": "aw", ".sdata": "aw"}
_ZEROED = (".bss", ".sbss", ".tbss")


@dataclass(eq=False, slots=True)
class Section:
    """A part of the program. `address` is None until the layout; zeroed ones have no `data`."""

    name: str
    allocated: bool = True
    writable: bool = False
    executable: bool = False
    zeroed: bool = False
    address: int | None = None
    alignment: int = 16
    size: int = 0
    data: bytearray = field(default_factory=bytearray)

    @property
    def rank(self) -> int:
        """Its place in the program: code, constants, data, zeroed data."""
        return 0 if self.executable else 1 if not self.writable else 2 if not self.zeroed else 3

    def grow(self, size: int, value: int = 0) -> None:
        """Add bytes of this value; zeroed sections only count them."""
        if not self.zeroed:
            self.data += bytes([value]) * size
        self.size += size


class Value(NamedTuple):
    """A number, or a place in a section that has no address yet."""

    section: Section | None
    number: int


def new_section(name: str, flags: str | None, zeroed: bool) -> Section:
    """A section with these flags (`a`, `w`, `x`), or with those that its name suggests."""
    stem = "." + name.removeprefix(".").partition(".")[0]
    if flags is None:
        flags = _KNOWN_FLAGS.get(stem, "aw")
        zeroed = zeroed or stem in _ZEROED
    return Section(name, "a" in flags, "w" in flags, "x" in flags, zeroed)


def lay_out(sections: Iterable[Section], base: int) -> None:
    """Give each allocated section an address: code, constants and data start pages of their own."""
    address, segment = base, -1
    for section in sorted((s for s in sections if s.allocated), key=lambda s: s.rank):
        # Zeroed data shares the pages of data: both are written.
        rank = min(section.rank, 2)
        new_page = segment not in (-1, rank)
        section.alignment = max(section.alignment, 16)
        alignment = max(section.alignment, PAGE if new_page else 1)
        address = (address + alignment - 1) // alignment * alignment
        section.address, segment = address, rank
        address += section.size
        if address - base > LIMIT or address > 1 << 64:
            raise DrafthartError(
                f"the program at {base:#x} reaches {address:#x}; keep it below {LIMIT >> 20} MiB "
                "and inside the address space"
            )
