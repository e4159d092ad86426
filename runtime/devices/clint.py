"""The core-local interruptor of hart 0: software interrupt and timer.

Source: SiFive's CLINT as QEMU virt and Spike lay it out. msip is at 0x0 (32 bits, bit 0 counts),
mtimecmp at 0x4000 and mtime at 0xbff8 (64 bits, also as two halves). Registers of absent harts
read as zero and ignore writes.
"""

from typing import ClassVar

from drafthart.runtime.clock import Clock
from drafthart.runtime.devices import SetLine
from drafthart.runtime.devices.saved import Saved
from drafthart.runtime.memory import BusError

BASE = 0x200_0000
SIZE = 0x1_0000

MSIP, MTIMECMP, MTIME = 0x0, 0x4000, 0xBFF8
SOFTWARE_INTERRUPT, TIMER_INTERRUPT = 3, 7

_MASK = (1 << 64) - 1
# An event further away than this counts as never, so that engines can keep it in 64 bits.
_HORIZON = 1 << 63


class Clint:
    """Drives lines 3 (MSIP) and 7 (MTIP) through `set_line`; time comes from `clock`."""

    SAVED: ClassVar[tuple[Saved, ...]] = (Saved("_msip", 1), Saved("_mtimecmp", 64))

    def __init__(self, clock: Clock, set_line: SetLine) -> None:
        self._clock = clock
        self._set_line = set_line
        self._msip = False
        # All ones: no timer interrupt before software asks for one.
        self._mtimecmp = _MASK

    def next_event(self) -> int | None:
        """Return the tick of mtime at which MTIP will rise.

        None if it is already pending, or more than 2**63 instructions away.
        """
        if not 0 < self._clock.instructions_until(self._mtimecmp) < _HORIZON:
            return None
        return self._mtimecmp

    def update(self) -> None:
        """Set MTIP to what the clock says now: mtime >= mtimecmp, both unsigned."""
        self._set_line(TIMER_INTERRUPT, self._clock.now() >= self._mtimecmp)

    def read(self, offset: int, size: int) -> int:
        """Read a register; 4 or 8 bytes, aligned, else BusError."""
        _check(offset, size)
        if offset == MSIP:
            return int(self._msip)
        mask = (1 << 8 * size) - 1
        if MTIMECMP <= offset < MTIMECMP + 8:
            return self._mtimecmp >> 8 * (offset - MTIMECMP) & mask
        if MTIME <= offset < MTIME + 8:
            return self._clock.now() >> 8 * (offset - MTIME) & mask
        return 0

    def write(self, offset: int, size: int, value: int) -> None:
        """Write a register; 4 or 8 bytes, aligned, else BusError."""
        _check(offset, size)
        if offset == MSIP:
            self._msip = bool(value & 1)
            self._set_line(SOFTWARE_INTERRUPT, self._msip)
        elif MTIMECMP <= offset < MTIMECMP + 8:
            self._mtimecmp = _insert(self._mtimecmp, offset - MTIMECMP, size, value)
            self.update()
        elif MTIME <= offset < MTIME + 8:
            self._clock.write(_insert(self._clock.now(), offset - MTIME, size, value))
            self.update()


def _check(offset: int, size: int) -> None:
    if size not in (4, 8) or offset % size:
        raise BusError(f"the CLINT has no {size}-byte register at {offset:#x}")


def _insert(register: int, byte: int, size: int, value: int) -> int:
    mask = ((1 << 8 * size) - 1) << 8 * byte
    return register & ~mask & _MASK | (value << 8 * byte) & mask
