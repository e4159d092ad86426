"""Split virtqueues in guest RAM, from the device's side.

Source: Virtual I/O Device (VIRTIO) 1.2, section 2.7. All of a queue is the guest's to write, so
nothing in it is trusted: an index or address that is out of range raises `QueueError`, and a chain
has at most as many buffers as the queue.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from drafthart.runtime.memory import BusError, Ram

MOST = 256
"""Descriptors in a queue at most."""

DESCRIPTOR = struct.Struct("<QIHH")  # address, length, flags, next
_USED = struct.Struct("<II")  # index of the chain's head, bytes written
_HEAD = 4  # bytes of flags and index before either ring
NEXT, WRITE, INDIRECT = 1, 2, 4
_NO_INTERRUPT = 1
_INDICES = 1 << 16


class QueueError(Exception):
    """The driver broke the rules: the device needs a reset."""


@dataclass(frozen=True, slots=True)
class Buffer:
    """Guest memory that a descriptor names; the device may write to it, or else only read."""

    address: int
    length: int
    writable: bool


@dataclass(frozen=True, slots=True)
class Chain:
    """A request: its buffers in order, those to read before those to write.

    How a driver splits the bytes among them means nothing (section 2.7.4).
    """

    head: int
    buffers: tuple[Buffer, ...]

    def length(self, *, writable: bool) -> int:
        """Bytes to write, or to read."""
        return sum(it.length for it in self.buffers if it.writable == writable)

    def load(self, ram: Ram) -> bytes:
        """All bytes to read."""
        parts = (ram.load(it.address, it.length) for it in self.buffers if not it.writable)
        return b"".join(parts)

    def store(self, ram: Ram, content: bytes, at: int = 0) -> None:
        """Write to the bytes to write, from number `at` of them on, as far as they reach."""
        left = memoryview(content)
        for buffer in self.buffers:
            if not buffer.writable:
                continue
            if at < buffer.length and left:
                part = left[: buffer.length - at]
                ram.store(buffer.address + at, bytes(part))
                left = left[len(part) :]
            at = max(0, at - buffer.length)


@dataclass(slots=True)
class Queue:
    """One virtqueue. Addresses are guest physical; indices count up modulo 65536."""

    size: int = 0
    ready: bool = False
    descriptors: int = 0
    available: int = 0
    used: int = 0
    next_available: int = 0
    next_used: int = 0

    def make_sound(self) -> None:
        """Be ready only with a size that a queue can have: a power of 2, up to MOST."""
        self.ready = bool(self.ready) and 0 < self.size <= MOST and not self.size & self.size - 1
        self.next_available %= _INDICES
        self.next_used %= _INDICES

    def take(self, ram: Ram) -> Iterator[Chain]:
        """Take the chains that the driver has made available by now, at most a queue full."""
        made = _half(ram, self.available + 2)
        if (made - self.next_available) % _INDICES > self.size:
            raise QueueError("more chains available than the queue has room for")
        while self.next_available != made:
            slot = self.next_available % self.size
            head = _half(ram, self.available + _HEAD + 2 * slot)
            self.next_available = (self.next_available + 1) % _INDICES
            yield self._chain(ram, head)

    def put(self, ram: Ram, chain: Chain, written: int) -> None:
        """Give a chain back, with the number of bytes written to it."""
        slot = self.next_used % self.size
        _store(ram, self.used + _HEAD + _USED.size * slot, _USED.pack(chain.head, written))
        self.next_used = (self.next_used + 1) % _INDICES
        _store(ram, self.used + 2, self.next_used.to_bytes(2, "little"))

    def wants_interrupt(self, ram: Ram) -> bool:
        """Does the driver want to hear of chains that are given back?"""
        return not _half(ram, self.available) & _NO_INTERRUPT

    def _chain(self, ram: Ram, head: int) -> Chain:
        buffers: list[Buffer] = []
        index, more = head, True
        while more:
            if index >= self.size:
                raise QueueError(f"descriptor {index} of {self.size}")
            if len(buffers) == self.size:
                raise QueueError("a chain of descriptors without end")
            entry = _load(ram, self.descriptors + DESCRIPTOR.size * index, DESCRIPTOR.size)
            address, length, flags, index = DESCRIPTOR.unpack(entry)
            if flags & INDIRECT:
                raise QueueError("an indirect descriptor, which was not negotiated")
            if not ram.contains(address, length):
                raise QueueError(f"a buffer of {length} bytes at {address:#x}, outside RAM")
            buffer = Buffer(address, length, bool(flags & WRITE))
            if buffers and buffers[-1].writable and not buffer.writable:
                raise QueueError("a buffer to read behind one to write")
            buffers.append(buffer)
            more = bool(flags & NEXT)
        return Chain(head, tuple(buffers))


def _load(ram: Ram, address: int, size: int) -> bytes:
    try:
        return ram.load(address, size)
    except BusError as error:
        raise QueueError(str(error)) from None


def _store(ram: Ram, address: int, content: bytes) -> None:
    try:
        ram.store(address, content)
    except BusError as error:
        raise QueueError(str(error)) from None


def _half(ram: Ram, address: int) -> int:
    return int.from_bytes(_load(ram, address, 2), "little")
