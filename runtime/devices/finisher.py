"""The test finisher: one 32-bit register through which software ends the run.

Source: SiFive's test device as QEMU virt has it. The low 16 bits say how, the high 16 the code.
"""

from drafthart.runtime.devices import Exit, OnExit
from drafthart.runtime.memory import BusError

BASE = 0x10_0000
SIZE = 0x1000

PASS, FAIL, RESET = 0x5555, 0x3333, 0x7777


class Finisher:
    """Reports Exit(0) for PASS, Exit(code) for FAIL, Exit(0, reset=True) for RESET to `on_exit`.

    A FAIL with code 0 exits with status 1: a failure must not look like success. Other values and
    other registers are ignored.
    """

    def __init__(self, on_exit: OnExit) -> None:
        self._on_exit = on_exit

    def read(self, offset: int, size: int) -> int:
        """Return 0, for any register of 2 or 4 bytes, aligned, else BusError."""
        _check(offset, size)
        return 0

    def write(self, offset: int, size: int, value: int) -> None:
        """End the run if `value` at offset 0 says so; 2 or 4 bytes, aligned, else BusError."""
        _check(offset, size)
        if offset:
            return
        how, code = value & 0xFFFF, value >> 16 & 0xFFFF
        if how == PASS:
            self._on_exit(Exit(0))
        elif how == FAIL:
            self._on_exit(Exit(code or 1))
        elif how == RESET:
            self._on_exit(Exit(0, reset=True))


def _check(offset: int, size: int) -> None:
    if size not in (2, 4) or offset % size:
        raise BusError(f"the test finisher has no {size}-byte register at {offset:#x}")
