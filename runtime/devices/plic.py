"""The platform-level interrupt controller, with two contexts for each hart: M-mode and S-mode.

Source: the RISC-V Platform-Level Interrupt Controller Specification 1.0.0; sizes as QEMU virt has
them. Inputs are levels. A gateway that has sent its request waits for the completion before it
sends another, and a request once sent stays pending although the level falls.
"""

from drafthart.runtime.devices import SetLine
from drafthart.runtime.devices.saved import Saved
from drafthart.runtime.memory import BusError

BASE = 0xC00_0000
SIZE = 0x60_0000
SOURCES = 96
"""Interrupt sources including number 0, which does not exist."""

CONTEXT_LINES = (11, 9)
"""The interrupt lines that the contexts of a hart drive: MEIP and SEIP. Hart n has contexts 2n
and 2n + 1."""

PENDING, ENABLE, THRESHOLD = 0x1000, 0x2000, 0x20_0000
ENABLE_STRIDE, CONTEXT_STRIDE = 0x80, 0x1000

_PRIORITY_MASK = 7
_WORDS = SOURCES // 32
_WORD = (1 << 32) - 1


class Plic:
    """Drives lines 11 (MEIP) and 9 (SEIP) of each hart; devices call `set_source`.

    `lines` has a function for each hart, in the order of their numbers.
    """

    def __init__(self, *lines: SetLine) -> None:
        self._contexts = [(set_line, number) for set_line in lines for number in CONTEXT_LINES]
        count = len(self._contexts)
        self.SAVED = (
            Saved("_priority", 3, exactly=SOURCES),
            Saved("_level", SOURCES),
            Saved("_pending", SOURCES),
            Saved("_in_service", SOURCES),
            Saved("_enable", SOURCES, exactly=count),
            Saved("_threshold", 3, exactly=count),
        )
        self._priority = [0] * SOURCES
        # Sets of sources as integers: bit n stands for source n.
        self._level = 0
        self._pending = 0
        self._in_service = 0
        self._enable = [0] * count
        self._threshold = [0] * count

    def set_source(self, number: int, level: bool) -> None:
        """Drive the input of source `number` (1 to 95); ValueError for another number."""
        if not 0 < number < SOURCES:
            raise ValueError(f"the PLIC has no source {number}")
        bit = 1 << number
        self._level = self._level | bit if level else self._level & ~bit
        self._update()

    def read(self, offset: int, size: int) -> int:
        """Read a register; 4 bytes, aligned, else BusError. Reading a claim register claims."""
        _check(offset, size)
        if offset < 4 * SOURCES:
            return self._priority[offset // 4]
        if PENDING <= offset < PENDING + 4 * _WORDS:
            return self._pending >> 8 * (offset - PENDING) & _WORD
        if (enable := self._enable_word(offset)) is not None:
            context, word = enable
            return self._enable[context] >> 32 * word & _WORD
        if (register := self._context_register(offset)) is not None:
            context, index = register
            return self._threshold[context] if index == 0 else self._claim(context)
        return 0

    def write(self, offset: int, size: int, value: int) -> None:
        """Write a register; 4 bytes, aligned, else BusError. Pending bits are read-only."""
        _check(offset, size)
        if 0 < offset < 4 * SOURCES:
            self._priority[offset // 4] = value & _PRIORITY_MASK
        elif (enable := self._enable_word(offset)) is not None:
            context, word = enable
            kept = self._enable[context] & ~(_WORD << 32 * word)
            # Bit 0 is hardwired to zero: there is no source 0.
            self._enable[context] = (kept | (value & _WORD) << 32 * word) & ~1
        elif (register := self._context_register(offset)) is not None:
            context, index = register
            if index == 0:
                self._threshold[context] = value & _PRIORITY_MASK
            else:
                self._complete(context, value)
        self._update()

    def _best(self, context: int) -> int:
        """The enabled pending source of highest priority (lowest number of equals), or 0.

        Priority 0 means never. The threshold masks the notification only, not a claim.
        """
        best = 0
        candidates = self._pending & self._enable[context]
        while candidates:
            number = (candidates & -candidates).bit_length() - 1
            candidates &= candidates - 1
            if self._priority[number] > (self._priority[best] if best else 0):
                best = number
        return best

    def _claim(self, context: int) -> int:
        number = self._best(context)
        if number:
            self._pending &= ~(1 << number)
            self._in_service |= 1 << number
            self._update()
        return number

    def _complete(self, context: int, number: int) -> None:
        # As specified, a completion for a source not enabled here is ignored.
        if 0 < number < SOURCES and self._enable[context] >> number & 1:
            self._in_service &= ~(1 << number)

    def _update(self) -> None:
        self._pending |= self._level & ~self._in_service
        for context, (set_line, line) in enumerate(self._contexts):
            best = self._best(context)
            set_line(line, bool(best) and self._priority[best] > self._threshold[context])

    def _enable_word(self, offset: int) -> tuple[int, int] | None:
        context, byte = divmod(offset - ENABLE, ENABLE_STRIDE)
        known = 0 <= context < len(self._contexts) and byte < 4 * _WORDS
        return (context, byte // 4) if known else None

    def _context_register(self, offset: int) -> tuple[int, int] | None:
        context, byte = divmod(offset - THRESHOLD, CONTEXT_STRIDE)
        known = 0 <= context < len(self._contexts) and byte < 8
        return (context, byte // 4) if known else None


def _check(offset: int, size: int) -> None:
    if size != 4 or offset % 4:
        raise BusError(f"the PLIC has no {size}-byte register at {offset:#x}")
