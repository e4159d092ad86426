"""virtio-mmio slots: the transport between a driver and a virtio device, and an empty one.

Source: Virtual I/O Device (VIRTIO) 1.2, sections 2.1 to 2.4 and 4.2, version 2 of the register
layout with split virtqueues. A device does its work within the store that notifies it, so that
runs are deterministic. A driver that breaks the rules finds DEVICE_NEEDS_RESET in the status.
"""

from collections.abc import Callable
from dataclasses import fields
from typing import ClassVar, Protocol

from drafthart.runtime.devices import SetLine
from drafthart.runtime.devices.saved import Saved
from drafthart.runtime.devices.virtqueue import MOST, Chain, Queue, QueueError
from drafthart.runtime.memory import BusError, Ram

BASE = 0x1000_1000
SIZE = 0x1000
"""Bytes of one slot, and the distance to the next."""

SLOTS = 8
FIRST_SOURCE = 1
"""PLIC source of slot 0; slot n has FIRST_SOURCE + n."""

MAGIC = 0x7472_6976
VERSION = 2
VENDOR = 0x4852_4844
"""What identifies the maker of a device; drivers show it at most."""
CONFIG = 0x100
VERSION_1 = 1 << 32
"""The feature bit that every device and driver of this transport has."""


class Register:
    """Offsets of the registers."""

    MAGIC, VERSION, DEVICE_ID, VENDOR_ID = 0x0, 0x4, 0x8, 0xC
    DEVICE_FEATURES, DEVICE_FEATURES_SEL = 0x10, 0x14
    DRIVER_FEATURES, DRIVER_FEATURES_SEL = 0x20, 0x24
    QUEUE_SEL, QUEUE_NUM_MAX, QUEUE_NUM, QUEUE_READY, QUEUE_NOTIFY = 0x30, 0x34, 0x38, 0x44, 0x50
    INTERRUPT_STATUS, INTERRUPT_ACK, STATUS = 0x60, 0x64, 0x70
    QUEUE_DESC, QUEUE_DRIVER, QUEUE_DEVICE = 0x80, 0x90, 0xA0  # two halves each
    SHM_LENGTH_LOW, SHM_BASE_HIGH, CONFIG_GENERATION = 0xB0, 0xBC, 0xFC


ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK, NEEDS_RESET, FAILED = 1, 2, 4, 8, 64, 128
USED_BUFFER, CONFIG_CHANGED = 1, 2

_WORD = (1 << 32) - 1
_QUEUE_STATE = tuple(field.name for field in fields(Queue))


class EmptySlot:
    """A slot without a device: identifies itself as such, and ignores writes."""

    def read(self, offset: int, size: int) -> int:
        """Read a 32-bit register; other widths read single bytes of the zero config space."""
        _check(offset, size)
        present = {Register.MAGIC: MAGIC, Register.VERSION: VERSION}
        return present.get(offset, 0) if size == 4 else 0

    def write(self, offset: int, size: int, value: int) -> None:
        """Ignore the write; BusError for a width or alignment that no register has."""
        _check(offset, size)


class VirtioDevice(Protocol):
    """What a slot holds: the part that differs between kinds of devices."""

    DEVICE_ID: ClassVar[int]
    QUEUES: ClassVar[int]

    @property
    def features(self) -> int:
        """The feature bits that it offers, beside VERSION_1."""

    @property
    def config(self) -> bytes:
        """The configuration space; drivers only read it."""

    def wants(self, queue: int) -> bool:
        """Has it a use for a chain of this queue now? Else the chain waits."""

    def serve(self, queue: int, chain: Chain, ram: Ram) -> int:
        """Do what a chain asks for, and return how many bytes were written to it."""


class Slot:
    """A slot with `device`, which reaches `ram`; drives PLIC source `source` by `set_line`."""

    def __init__(self, device: VirtioDevice, ram: Ram, set_line: SetLine, source: int) -> None:
        self.SAVED = (
            Saved("_status", 8),
            Saved("_interrupts", 2),
            Saved("_selected", 32, exactly=3),
            Saved("_driver_features", 64),
            Saved("_queue_state", 64, exactly=len(_QUEUE_STATE) * device.QUEUES),
        )
        self._device = device
        self._ram = ram
        self._drive: Callable[[bool], None] = lambda level: set_line(source, level)
        self._features = device.features | VERSION_1
        self._status = 0
        self._interrupts = 0
        # Which half of the device's and the driver's features, and which queue, registers show.
        self._selected = [0, 0, 0]
        self._driver_features = 0
        self._queues = [Queue() for _ in range(device.QUEUES)]

    def read(self, offset: int, size: int) -> int:
        """Read a 32-bit register, or 1, 2 or 4 bytes of the configuration; BusError else."""
        _check(offset, size)
        if offset >= CONFIG:
            start = offset - CONFIG
            return int.from_bytes(self._device.config[start : start + size], "little")
        if size != 4:
            raise BusError(f"a virtio slot has no {size}-byte register at {offset:#x}")
        if Register.SHM_LENGTH_LOW <= offset <= Register.SHM_BASE_HIGH:
            return _WORD  # a length of -1: there is no shared memory
        queue = self._queue()
        match offset:
            case Register.MAGIC:
                return MAGIC
            case Register.VERSION:
                return VERSION
            case Register.DEVICE_ID:
                return self._device.DEVICE_ID
            case Register.VENDOR_ID:
                return VENDOR
            case Register.DEVICE_FEATURES:
                half = self._selected[0]
                return self._features >> 32 * half & _WORD if half < 2 else 0
            case Register.QUEUE_NUM_MAX:
                return MOST if queue else 0
            case Register.QUEUE_READY:
                return int(queue.ready) if queue else 0
            case Register.INTERRUPT_STATUS:
                return self._interrupts
            case Register.STATUS:
                return self._status
        return 0

    def write(self, offset: int, size: int, value: int) -> None:
        """Write a 32-bit register; the configuration ignores it; BusError for other widths."""
        _check(offset, size)
        if offset >= CONFIG:
            return
        if size != 4:
            raise BusError(f"a virtio slot has no {size}-byte register at {offset:#x}")
        match offset:
            case Register.DEVICE_FEATURES_SEL:
                self._selected[0] = value
            case Register.DRIVER_FEATURES_SEL:
                self._selected[1] = value
            case Register.QUEUE_SEL:
                self._selected[2] = value
            case Register.DRIVER_FEATURES:
                half = self._selected[1]
                # Once FEATURES_OK stands, both sides go by what was agreed on.
                if half < 2 and not self._status & FEATURES_OK:
                    kept = self._driver_features & ~(_WORD << 32 * half)
                    self._driver_features = kept | value << 32 * half
            case Register.QUEUE_NOTIFY:
                self.offer(value)
            case Register.INTERRUPT_ACK:
                self._interrupt(self._interrupts & ~value)
            case Register.STATUS:
                self._set_status(value & 0xFF)
            case _:
                self._configure(offset, value)

    def _set_status(self, status: int) -> None:
        if status == 0:
            self._driver_features = 0
            self._queues[:] = [Queue() for _ in self._queues]
            self._interrupt(0)
            self._status = 0
            return
        if status & FEATURES_OK and not self._status & FEATURES_OK:
            offered = self._driver_features & ~self._features == 0
            if not (offered and self._driver_features & VERSION_1):
                status &= ~FEATURES_OK
        self._status = status | self._status & NEEDS_RESET

    def _queue(self) -> Queue | None:
        number = self._selected[2]
        return self._queues[number] if number < len(self._queues) else None

    def _configure(self, offset: int, value: int) -> None:
        """Write to a register of the selected queue."""
        queue = self._queue()
        if queue is None:
            return
        if offset == Register.QUEUE_READY:
            queue.ready = bool(value & 1)
            queue.make_sound()
        elif queue.ready:
            return  # where it is must not change under the device
        elif offset == Register.QUEUE_NUM:
            queue.size = value if value <= MOST else 0
        else:
            low = offset & ~4
            for register, name in (
                (Register.QUEUE_DESC, "descriptors"),
                (Register.QUEUE_DRIVER, "available"),
                (Register.QUEUE_DEVICE, "used"),
            ):
                if low == register:
                    shift = 32 if offset & 4 else 0
                    kept = getattr(queue, name) & ~(_WORD << shift)
                    setattr(queue, name, kept | value << shift)

    @property
    def running(self) -> bool:
        """Is there a driver that has set the device up?"""
        return bool(self._status & DRIVER_OK) and not self._status & (NEEDS_RESET | FAILED)

    def offer(self, number: int) -> None:
        """Offer the device the chains of a queue: the driver, or the device's host, has news."""
        if not self.running or number >= len(self._queues) or not self._queues[number].ready:
            return
        queue, ram = self._queues[number], self._ram
        served = 0
        try:
            chains = queue.take(ram)
            while self._device.wants(number) and (chain := next(chains, None)):
                queue.put(ram, chain, self._device.serve(number, chain, ram))
                served += 1
            if served and queue.wants_interrupt(ram):
                self._interrupt(self._interrupts | USED_BUFFER)
        except QueueError:
            self._status |= NEEDS_RESET
            self._interrupt(self._interrupts | CONFIG_CHANGED)

    def _interrupt(self, reasons: int) -> None:
        self._interrupts = reasons
        self._drive(reasons != 0)

    @property
    def _queue_state(self) -> list[int]:
        return [int(getattr(queue, name)) for queue in self._queues for name in _QUEUE_STATE]

    @_queue_state.setter
    def _queue_state(self, numbers: list[int]) -> None:
        count = len(_QUEUE_STATE)
        for at, queue in enumerate(self._queues):
            for name, number in zip(_QUEUE_STATE, numbers[count * at :], strict=False):
                setattr(queue, name, number)
            queue.make_sound()


def _check(offset: int, size: int) -> None:
    if size > 4 or offset % size:
        raise BusError(f"a virtio slot has no {size}-byte register at {offset:#x}")
