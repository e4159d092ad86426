"""The core-local interruptor: software interrupt and timer of each hart.

Source: SiFive's CLINT as QEMU virt and Spike lay it out. Hart n has its msip at 4n (32 bits, bit 0
counts) and its mtimecmp at 0x4000 + 8n; mtime is at 0xbff8 (both 64 bits, also as two halves).
Registers of absent harts read as zero and ignore writes.
"""

from drafthart.runtime.clock import Clock
from drafthart.runtime.devices import SetLine
from drafthart.runtime.devices.saved import Saved
from drafthart.runtime.memory import BusError

BASE = 0x200_0000
SIZE = 0x1_0000

MSIP, MTIMECMP, MTIME = 0x0, 0x4000, 0xBFF8
LINES = SOFTWARE_INTERRUPT, TIMER_INTERRUPT = 3, 7

_MASK = (1 << 64) - 1
# An event further away than this counts as never, so that engines can keep it in 64 bits.
_HORIZON = 1 << 63


class Clint:
    """Drives lines 3 (MSIP) and 7 (MTIP) of each hart; time comes from `clock`.

    `lines` has a function for each hart, in the order of their numbers.
    """

    def __init__(self, clock: Clock, *lines: SetLine) -> None:
        self._clock = clock
        self._lines = lines
        self._msip = [0] * len(lines)
        # All ones: no timer interrupt before software asks for one.
        self._mtimecmp = [_MASK] * len(lines)
        self.SAVED = (
            Saved("_msip", 1, exactly=len(lines)),
            Saved("_mtimecmp", 64, exactly=len(lines)),
        )

    def next_event(self) -> int | None:
        """Return the tick of mtime at which the next MTIP will rise.

        None if all are already pending, or more than 2**63 instructions away.
        """
        now = self._clock.now()
        found = min((tick for tick in self._mtimecmp if tick > now), default=None)
        if found is None or self._clock.instructions_until(found) >= _HORIZON:
            return None
        return found

    def update(self) -> None:
        """Set each MTIP to what the clock says now: mtime >= mtimecmp, both unsigned."""
        now = self._clock.now()
        for set_line, tick in zip(self._lines, self._mtimecmp, strict=True):
            set_line(TIMER_INTERRUPT, now >= tick)

    def read(self, offset: int, size: int) -> int:
        """Read a register; 4 or 8 bytes, aligned, else BusError."""
        _check(offset, size)
        mask = (1 << 8 * size) - 1
        if (register := self._timer(offset)) is not None:
            hart, byte = register
            return self._mtimecmp[hart] >> 8 * byte & mask
        if offset < MTIMECMP:
            return sum(
                self._msip[hart] << 32 * index
                for index, hart in enumerate(range(offset // 4, (offset + size) // 4))
                if hart < len(self._msip)
            )
        if MTIME <= offset < MTIME + 8:
            return self._clock.now() >> 8 * (offset - MTIME) & mask
        return 0

    def write(self, offset: int, size: int, value: int) -> None:
        """Write a register; 4 or 8 bytes, aligned, else BusError."""
        _check(offset, size)
        if (register := self._timer(offset)) is not None:
            hart, byte = register
            self._mtimecmp[hart] = _insert(self._mtimecmp[hart], byte, size, value)
            self.update()
        elif offset < MTIMECMP:
            for index, hart in enumerate(range(offset // 4, (offset + size) // 4)):
                if hart < len(self._msip):
                    self._msip[hart] = value >> 32 * index & 1
                    self._lines[hart](SOFTWARE_INTERRUPT, bool(self._msip[hart]))
        elif MTIME <= offset < MTIME + 8:
            self._clock.write(_insert(self._clock.now(), offset - MTIME, size, value))
            self.update()

    def _timer(self, offset: int) -> tuple[int, int] | None:
        """The hart whose mtimecmp this is, and the byte in it."""
        hart, byte = divmod(offset - MTIMECMP, 8)
        return (hart, byte) if 0 <= hart < len(self._lines) else None


def _check(offset: int, size: int) -> None:
    if size not in (4, 8) or offset % size:
        raise BusError(f"the CLINT has no {size}-byte register at {offset:#x}")


def _insert(register: int, byte: int, size: int, value: int) -> int:
    mask = ((1 << 8 * size) - 1) << 8 * byte
    return register & ~mask & _MASK | (value << 8 * byte) & mask
