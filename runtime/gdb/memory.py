"""Guest memory as the hart reaches it, for a debugger: nothing changes on the way.

An address is translated as a load of the hart's present mode would be, or where that is refused as
an instruction fetch. A debugger may write wherever the hart may read. Devices are left alone:
reading a device can change it.
"""

from __future__ import annotations

from collections.abc import Iterator

from drafthart.runtime.machine import Machine
from drafthart.runtime.memory import PAGE
from drafthart.runtime.shadow import Refused, Shadow

_MASK = (1 << 64) - 1


class Memory:
    """The guest's memory by the hart's present addresses; raises Refused where there is none."""

    def __init__(self, machine: Machine, shadow: Shadow) -> None:
        self._machine = machine
        self._ram = machine.bus.ram
        self._shadow = shadow

    def physical(self, address: int) -> int:
        """Where this address leads now."""
        try:
            return self._shadow.translate(address, "LOAD")
        except Refused as refused:
            try:
                return self._shadow.translate(address, "FETCH")
            except Refused:
                raise refused from None

    def read(self, address: int, size: int) -> bytes:
        """`size` bytes, or fewer where a page further on cannot be reached."""
        content = b""
        try:
            for physical, length in self._pages(address, size):
                content += self._ram.load(physical, length)
        except Refused:
            if not content:
                raise
        return content

    def write(self, address: int, content: bytes) -> None:
        """Store all bytes or none."""
        at = 0
        for physical, length in list(self._pages(address, len(content))):
            self._ram.store(physical, content[at : at + length])
            at += length
        self._machine.flush()

    def _pages(self, address: int, size: int) -> Iterator[tuple[int, int]]:
        """The physical address and length of each part that lies in one page."""
        while size > 0:
            length = min(size, PAGE - address % PAGE)
            physical = self.physical(address)
            if not self._ram.contains(physical, length):
                raise Refused("no RAM there", 0, address)
            yield physical, length
            address = address + length & _MASK
            size -= length
