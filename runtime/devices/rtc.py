"""The real-time clock: Google's goldfish RTC, as QEMU virt has it.

Source: Linux's include/clocksource/timer-goldfish.h and the binding google,goldfish-rtc.
Nanoseconds since 1970, as two halves; the low one is read or written so that it takes the high one
along. Its time follows mtime from a fixed day, so that runs are repeatable.
"""

from typing import ClassVar

from drafthart.runtime.clock import FREQUENCY, Clock
from drafthart.runtime.devices import SetLine
from drafthart.runtime.devices.saved import Saved
from drafthart.runtime.memory import BusError

BASE = 0x10_1000
SIZE = 0x1000
SOURCE = 11

EPOCH = 1_577_836_800 * 1_000_000_000
"""The time at mtime 0: 2020-01-01 00:00 UTC, in nanoseconds since 1970."""

_TICK = 1_000_000_000 // FREQUENCY
_WORD, _MASK = (1 << 32) - 1, (1 << 64) - 1


class Register:
    """Offsets of the registers, 32 bits each."""

    TIME_LOW, TIME_HIGH, ALARM_LOW, ALARM_HIGH = 0x0, 0x4, 0x8, 0xC
    IRQ_ENABLED, CLEAR_ALARM, ALARM_STATUS, CLEAR_INTERRUPT = 0x10, 0x14, 0x18, 0x1C


class Rtc:
    """Tells the time by `clock`, from `epoch` on, and drives `SOURCE` for its alarm."""

    SAVED: ClassVar[tuple[Saved, ...]] = (
        Saved("_offset", 64),
        Saved("_latched", 32),
        Saved("_high", 32),
        Saved("_alarm", 64),
        Saved("_armed", 1),
        Saved("_enabled", 1),
        Saved("_pending", 1),
    )

    def __init__(self, clock: Clock, set_line: SetLine, epoch: int = EPOCH) -> None:
        self._clock = clock
        self._set_line = set_line
        self._offset = epoch
        # The high half of the time as of the last read of the low one.
        self._latched = 0
        # The high half that the next write of a low one takes along.
        self._high = 0
        self._alarm = 0
        self._armed = self._enabled = self._pending = False

    def next_event(self) -> int | None:
        """Return the tick of mtime at which the alarm goes off; None without one."""
        if not self._armed:
            return None
        return self._clock.now() + max(0, -(-(self._alarm - self._now()) // _TICK))

    def update(self) -> None:
        """Let the alarm go off if it is time."""
        if self._armed and self._now() >= self._alarm:
            self._armed, self._pending = False, True
            self._drive()

    def read(self, offset: int, size: int) -> int:
        """Read a register; 4 bytes, aligned, else BusError."""
        _check(offset, size)
        match offset:
            case Register.TIME_LOW:
                now = self._now()
                self._latched = now >> 32
                return now & _WORD
            case Register.TIME_HIGH:
                return self._latched
            case Register.ALARM_LOW:
                return self._alarm & _WORD
            case Register.ALARM_HIGH:
                return self._alarm >> 32
            case Register.IRQ_ENABLED:
                return int(self._enabled)
            case Register.ALARM_STATUS:
                return int(self._armed)
        return 0

    def write(self, offset: int, size: int, value: int) -> None:
        """Write a register; 4 bytes, aligned, else BusError."""
        _check(offset, size)
        match offset:
            case Register.TIME_HIGH | Register.ALARM_HIGH:
                self._high = value
            case Register.TIME_LOW:
                self._offset = (self._offset + (self._high << 32 | value) - self._now()) & _MASK
            case Register.ALARM_LOW:
                self._alarm = self._high << 32 | value
                self._armed = True
                self.update()
            case Register.IRQ_ENABLED:
                self._enabled = bool(value & 1)
                self._drive()
            case Register.CLEAR_ALARM:
                self._armed = False
            case Register.CLEAR_INTERRUPT:
                self._pending = False
                self._drive()

    def _now(self) -> int:
        return (self._offset + self._clock.now() * _TICK) & _MASK

    def _drive(self) -> None:
        self._set_line(SOURCE, self._pending and self._enabled)


def _check(offset: int, size: int) -> None:
    if size != 4 or offset % 4:
        raise BusError(f"the clock has no {size}-byte register at {offset:#x}")
