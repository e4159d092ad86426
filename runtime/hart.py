"""The part of a hart that is the same in every revision: registers, counters, primitives.

The generated engine module derives from `Hart` and adds the state and the CSRs of its revision.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar

from drafthart.runtime.clock import Clock
from drafthart.runtime.floats import FloatUnit
from drafthart.runtime.memory import PAGE, Bus, BusError


class EndInstruction(Exception):
    """An operation ended before its end: an exception is to be taken."""


class Deoptimise(Exception):
    """A compiled block met a device: the instruction must run again with an exact step count."""


class Hart(FloatUnit):
    """Registers and primitives; see "Primitives" in docs/format.md for what each promises."""

    __slots__ = (
        "bus",
        "clock",
        "deadline",
        "elsewhere",
        "exact",
        "expanded",
        "flush_listener",
        "instruction",
        "instructions_listener",
        "interrupt_lines",
        "memory_reads",
        "memory_writes",
        "next_pc",
        "pc",
        "sleeping",
        "steps",
        "trapped",
        "written",
        "x",
    )

    CSR_READ: ClassVar[dict[int, Callable[[Hart], int]]]
    CSR_WRITE: ClassVar[dict[int, Callable[[Hart, int], None]]]
    CSR_CHECK: ClassVar[dict[int, Callable[[Hart, int], None]]]

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self.bus = bus
        self.clock = clock
        self.x = [0] * 32
        self.pc = 0
        self.next_pc = 0
        self.instruction = 0
        self.expanded = 0
        self.steps = 0
        """Instructions begun since reset: those retired and those that trapped."""
        self.trapped = 0
        self.elsewhere = 0
        """Instructions that the machine's other harts began, which time counts as well."""
        self.deadline = 0
        """The step count at which compiled code returns to the engine's loop."""
        self.sleeping = False
        self.exact = True
        """False while compiled code runs, whose step count lags: devices must not be touched."""
        self.interrupt_lines = 0
        """Levels of the wires into the hart: bit n is interrupt n."""
        self.written: list[tuple[int, int]] | None = None
        """CSR writes (number, value) of the current instruction, if someone watches."""
        self.memory_reads: list[tuple[int, int]] | None = None
        """Physical reads (address, size) of the current instruction, if someone watches."""
        self.memory_writes: list[tuple[int, int, int]] | None = None
        """Physical writes (address, size, value), likewise."""
        self.flush_listener: Callable[[], None] = _nothing
        self.instructions_listener: Callable[[], None] = _nothing

    def attention(self) -> None:
        """Have the engine look at interrupts, mode and deadlines after this instruction."""
        self.deadline = 0

    def set_line(self, number: int, level: bool) -> None:
        """Drive the wire of interrupt `number`."""
        if level:
            lines = self.interrupt_lines | 1 << number
        else:
            lines = self.interrupt_lines & ~(1 << number)
        if lines != self.interrupt_lines:
            self.interrupt_lines = lines
            self.deadline = 0

    # Primitives of the operation language.

    def read_physical(self, address: int, size: int) -> int:
        """Load from the bus; what is not there reads as zeros."""
        if self.memory_reads is not None:
            self.memory_reads.append((address, size))
        ram = self.bus.ram
        offset = address - ram.base
        if 0 <= offset <= ram.size - size:
            return int.from_bytes(ram.data[offset : offset + size], "little")
        if not self.exact:
            raise Deoptimise
        # A device that refuses the width answers as an undriven bus does: with zeros.
        with suppress(BusError):
            return self.bus.read(address, size)
        return 0

    def write_physical(self, address: int, size: int, value: int) -> None:
        """Store to the bus."""
        if self.memory_writes is not None:
            self.memory_writes.append((address, size, value))
        ram = self.bus.ram
        offset = address - ram.base
        if 0 <= offset <= ram.size - size:
            if ram.watched and address & -PAGE in ram.watched:
                if not self.exact:
                    raise Deoptimise
                self.deadline = 0
            ram.data[offset : offset + size] = value.to_bytes(size, "little")
            return
        if not self.exact:
            raise Deoptimise
        with suppress(BusError):
            self.bus.write(address, size, value)
        self.deadline = 0

    def physical_exists(self, address: int, size: int) -> bool:
        """Is there memory or a device?"""
        return self.bus.exists(address, size)

    def csr_exists(self, number: int) -> bool:
        """Has the revision a CSR of this number?"""
        return number in self.CSR_READ

    def csr_check(self, number: int, write: int) -> None:
        """Run the CSR's `access`, which raises where it may not be accessed."""
        check = self.CSR_CHECK.get(number)
        if check is not None:
            check(self, write)

    def csr_read(self, number: int) -> int:
        """The CSR's value."""
        return self.CSR_READ[number](self)

    def csr_write(self, number: int, value: int) -> None:
        """Write the CSR."""
        self.CSR_WRITE[number](self, value)
        if self.written is not None:
            self.written.append((number, self.CSR_READ[number](self)))

    def time(self) -> int:
        """The value of mtime."""
        return self.clock.now(self.steps + self.elsewhere)

    def retired(self) -> int:
        """Instructions retired so far."""
        return self.steps - self.trapped

    def flush_translations(self) -> None:
        """Drop cached translations."""
        self.flush_listener()

    def fence_translations(self, owner: int, mask: int, address: int, every_address: int) -> None:
        """Drop cached translations of some owners, of one address or all: here, all of them."""
        self.flush_listener()

    def note_leaf(self, level: int) -> None:
        """Hear at which level of its table a translation ended; fences here drop more anyway."""

    def flush_instructions(self) -> None:
        """Drop cached instructions."""
        self.instructions_listener()

    def wait_for_interrupt(self) -> None:
        """Sleep until the spec's `wake` says otherwise."""
        self.sleeping = True

    def clear(self) -> None:
        """Give all state of the revision its reset value; generated."""
        raise AssertionError("the generated hart overrides this")


def _nothing() -> None:
    pass
