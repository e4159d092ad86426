"""Guest RAM and the bus that reaches it and the devices.

Every address that arrives here was chosen by the guest and is treated as hostile: it is an
unbounded non-negative integer that is compared with a window before it indexes anything.
"""

import mmap
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from drafthart.generator.errors import DrafthartError

PAGE = 4096
_CHUNK = 1 << 16
"""Bytes that are cleared at a time."""


class BusError(Exception):
    """Nothing answers at this address, or not at this width: the access fault of the hart."""


class Device(Protocol):
    """A device behind a window of the bus."""

    def read(self, offset: int, size: int) -> int:
        """Return `size` bytes at `offset` of the window, little-endian; may raise BusError."""

    def write(self, offset: int, size: int, value: int) -> None:
        """Store the low `size` bytes of `value` at `offset`; may raise BusError."""


class Ram:
    """Guest memory: `size` bytes of zeros at guest physical address `base`.

    `data` is writable byte storage; `u8`, `u16`, `u32` and `u64` are views of the same bytes in
    the host's byte order, for engines on little-endian hosts. Raises DrafthartError if `size` or
    `base` is not a positive multiple of 4096, or the host has not that much memory.
    """

    def __init__(self, base: int, size: int) -> None:
        if size <= 0 or size % PAGE or base < 0 or base % PAGE:
            raise DrafthartError(
                f"RAM of {size:#x} bytes at {base:#x}: both must be multiples of {PAGE} bytes, "
                "and the size more than 0"
            )
        self.base = base
        self.size = size
        self.watched: set[int] = set()
        """Addresses of pages whose stores the machine wants to see at once (HTIF)."""
        self.listeners: list[Callable[[int, int], None]] = []
        """Told of what the host stores: address and size. Engines drop what they decoded there."""
        # An anonymous mapping and not a bytearray: the host hands out zero pages only when the
        # guest touches them, where a bytearray clears (and so occupies) all of them at once.
        try:
            self.data = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        except (OSError, OverflowError, ValueError) as error:
            raise DrafthartError(
                f"the host cannot provide {size >> 20} MiB of guest RAM: ask for less"
            ) from error
        # Guests reach all over their memory, and each page of the host's would cost it a walk.
        with suppress(OSError, AttributeError):
            self.data.madvise(mmap.MADV_HUGEPAGE)
        self.u8 = memoryview(self.data)
        self.u16 = self.u8.cast("H")
        self.u32 = self.u8.cast("I")
        self.u64 = self.u8.cast("Q")

    @property
    def end(self) -> int:
        """The guest physical address just past the last byte."""
        return self.base + self.size

    def contains(self, address: int, size: int) -> bool:
        """Whether all `size` bytes (at least 0) at `address` lie in this memory."""
        return self.base <= address and size >= 0 and address + size <= self.end

    def load(self, address: int, size: int) -> bytes:
        """Return `size` bytes at guest physical `address`; BusError unless all are in RAM."""
        if not self.contains(address, size):
            raise BusError(f"no RAM for {size} bytes at {address:#x}")
        offset = address - self.base
        return self.data[offset : offset + size]

    def store(self, address: int, content: bytes) -> None:
        """Store `content` at guest physical `address`; BusError unless all of it fits in RAM."""
        if not self.contains(address, len(content)):
            raise BusError(f"no RAM for {len(content)} bytes at {address:#x}")
        offset = address - self.base
        self.data[offset : offset + len(content)] = content
        for listener in self.listeners:
            listener(address, len(content))

    def clear(self, address: int, size: int) -> None:
        """Make `size` bytes at guest physical `address` zero; BusError unless all are in RAM."""
        if not self.contains(address, size):
            raise BusError(f"no RAM for {size} bytes at {address:#x}")
        start, end = address - self.base, address - self.base + size
        for offset in range(start, end, _CHUNK):
            last = min(offset + _CHUNK, end)
            # What is zero stays as it is: the host need not provide pages that nobody has used.
            if self.data[offset:last] != bytes(last - offset):
                self.data[offset:last] = bytes(last - offset)
        for listener in self.listeners:
            listener(address, size)


class Bus:
    """The physical address space: one RAM, and devices in windows beside it."""

    def __init__(self, ram: Ram) -> None:
        self.ram = ram
        self._windows: list[tuple[int, int, Device]] = []

    @property
    def windows(self) -> list[tuple[int, int]]:
        """Where the devices are: first address and the one behind the last, as attached."""
        return [(low, high) for low, high, _ in self._windows]

    def attach(self, base: int, size: int, device: Device) -> None:
        """Map `device` to the `size` bytes at `base`; ValueError if they are already in use."""
        end = base + size
        taken = [(self.ram.base, self.ram.end), *((low, high) for low, high, _ in self._windows)]
        if base < 0 or size <= 0 or any(base < high and low < end for low, high in taken):
            raise ValueError(f"bus window {base:#x}..{end:#x} is empty or already in use")
        self._windows.append((base, end, device))

    def exists(self, address: int, size: int) -> bool:
        """Whether `size` bytes (at least 1) lie entirely in RAM or in one device's window."""
        return size > 0 and (
            self.ram.contains(address, size) or self._find(address, size) is not None
        )

    def read(self, address: int, size: int) -> int:
        """Return `size` bytes at physical `address`, unsigned and little-endian.

        RAM takes any alignment. Raises BusError where nothing is, or a device refuses the width.
        """
        if size > 0:
            if self.ram.contains(address, size):
                return int.from_bytes(self.ram.load(address, size), "little")
            found = self._find(address, size)
            if found is not None:
                base, device = found
                return device.read(address - base, size) & ((1 << 8 * size) - 1)
        raise BusError(f"nothing to read: {size} bytes at {address:#x}")

    def write(self, address: int, size: int, value: int) -> None:
        """Store the low `size` bytes of `value` at physical `address`; raises as `read` does."""
        if size > 0:
            value &= (1 << 8 * size) - 1
            if self.ram.contains(address, size):
                self.ram.store(address, value.to_bytes(size, "little"))
                return
            found = self._find(address, size)
            if found is not None:
                base, device = found
                device.write(address - base, size, value)
                return
        raise BusError(f"nothing to write: {size} bytes at {address:#x}")

    def _find(self, address: int, size: int) -> tuple[int, Device] | None:
        for base, end, device in self._windows:
            if base <= address and address + size <= end:
                return base, device
        return None
