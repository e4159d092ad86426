"""The devices of the machine, and the types they share.

Each module states where its device sits (BASE, SIZE in bytes, and its PLIC SOURCE), as QEMU's
`virt` machine has it; the machine and the device tree both take the map from there.
"""

from collections.abc import Callable
from dataclasses import dataclass

SetLine = Callable[[int, bool], None]
"""Drive interrupt line `number` to `level`. The numbers are the hart's (3 MSIP, 7 MTIP, 9 SEIP,
11 MEIP) for the CLINT and the PLIC, and PLIC sources for the devices behind the PLIC."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How the guest ended its run: exit `status` (0 is success), or a request to `reset`."""

    status: int
    reset: bool = False


OnExit = Callable[[Exit], None]
"""Told when the guest ends the run."""

Output = Callable[[bytes], object]
"""Takes the bytes that the guest prints."""
