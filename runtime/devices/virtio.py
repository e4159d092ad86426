"""virtio-mmio slots. All are empty for now: a driver that probes one finds no device.

Source: Virtual I/O Device (VIRTIO) 1.2, section 4.2.2 (device id 0 is a placeholder).
"""

from drafthart.runtime.memory import BusError

BASE = 0x1000_1000
SIZE = 0x1000
"""Bytes of one slot, and the distance to the next."""

SLOTS = 8
FIRST_SOURCE = 1
"""PLIC source of slot 0; slot n has FIRST_SOURCE + n."""

_REGISTERS = {0x0: 0x7472_6976, 0x4: 2, 0x8: 0}  # magic "virt", version, device id


class EmptySlot:
    """A slot without a device: identifies itself as such, and ignores writes."""

    def read(self, offset: int, size: int) -> int:
        """Read a 32-bit register; other widths read single bytes of the zero config space."""
        if size > 4 or offset % size:
            raise BusError(f"a virtio slot has no {size}-byte register at {offset:#x}")
        return _REGISTERS.get(offset, 0) if size == 4 else 0

    def write(self, offset: int, size: int, value: int) -> None:
        """Ignore the write; BusError for a width or alignment that no register has."""
        if size > 4 or offset % size:
            raise BusError(f"a virtio slot has no {size}-byte register at {offset:#x}")
