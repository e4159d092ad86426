"""Guest time: mtime as a function of the instructions run, so that every run is repeatable.

RealTime is for runs that shall keep up with the host's clock instead.
"""

import time
from collections.abc import Callable

FREQUENCY = 10_000_000
"""Ticks of mtime a second, as the device tree's timebase-frequency states it (QEMU virt's)."""

_MASK = (1 << 64) - 1


class Clock:
    """mtime (64 bits, ticks of 1/FREQUENCY s) = offset + instructions run / rate, wrapping.

    `instret` returns the engine's own count of instructions, which never falls: not the minstret
    CSR, which the guest can write. The engine sets it; each method calls it where no count is
    passed.
    """

    def __init__(
        self, instructions_per_tick: int = 10, instret: Callable[[], int] = lambda: 0
    ) -> None:
        if instructions_per_tick <= 0:
            raise ValueError("instructions_per_tick must be at least 1")
        self.instructions_per_tick = instructions_per_tick
        self.instret = instret
        self.offset = 0
        """Ticks ahead of the instruction count; changed by skip_to and write only."""

    def now(self, instret: int | None = None) -> int:
        """Return mtime, in ticks."""
        return (self.offset + self._count(instret) // self.instructions_per_tick) & _MASK

    def instructions_until(self, tick: int, instret: int | None = None) -> int:
        """Return how many more instructions must run until mtime reaches `tick` (0: it has).

        The result is not bounded by 64 bits.
        """
        count = self._count(instret)
        ticks = tick - self.now(count)
        if ticks <= 0:
            return 0
        return ticks * self.instructions_per_tick - count % self.instructions_per_tick

    def skip_to(self, tick: int, instret: int | None = None) -> None:
        """Advance mtime to `tick` without running anything, for WFI; never moves it back."""
        self.offset += max(0, tick - self.now(instret))

    def write(self, mtime: int, instret: int | None = None) -> None:
        """Set mtime, as a guest's store to the CLINT's register does."""
        self.offset = (mtime & _MASK) - self._count(instret) // self.instructions_per_tick

    def _count(self, instret: int | None) -> int:
        return self.instret() if instret is None else instret


REALTIME_RATE = 1000
"""Instructions per tick where the host's clock leads: more than any engine runs in that time."""


class RealTime:
    """Moves a clock on so that it keeps up with the host's, from the first `advance` on.

    Between two calls the clock follows the instructions run, at a rate that is too slow to get
    ahead: REALTIME_RATE.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._start: float | None = None
        """The host's time at which mtime was 0."""

    @property
    def epoch(self) -> int:
        """The date at mtime 0, in nanoseconds since 1970, as of now."""
        return time.time_ns()

    def advance(self) -> None:
        """Bring the clock up to date."""
        now = time.monotonic()
        if self._start is None:
            self._start = now - self._clock.now() / FREQUENCY
        self._clock.skip_to(int((now - self._start) * FREQUENCY))

    def wait(self, tick: int, most: float = 0.01) -> None:
        """Sleep until mtime is `tick`, for `most` seconds at the longest."""
        if self._start is not None:
            left = self._start + tick / FREQUENCY - time.monotonic()
            time.sleep(min(max(left, 0), most))
