"""A second hart that holds a copy of the first one's state, to ask the spec's functions without
consequences: which CSRs read as what, where an address leads, what the next instruction accesses.

It is made of the generated Python module whatever engine runs the guest. It reads the guest's RAM,
writes nothing, and reaches no device.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from drafthart.generator.spec.model import CSR
from drafthart.runtime.generated import engine_module
from drafthart.runtime.hart import EndInstruction
from drafthart.runtime.machine import Machine
from drafthart.runtime.state import read_state, write_state

_CHECK = "check_physical__"
"""Functions of the spec, by size, that every explicit access passes with its virtual address."""


class Refused(Exception):
    """The hart cannot do this: the exception that it would take."""

    def __init__(self, cause: str, code: int, value: int) -> None:
        super().__init__(cause)
        self.cause = cause
        self.code = code
        self.value = value


@dataclass(frozen=True, slots=True)
class Access:
    """An explicit access of an instruction: its kind by the spec's name, and the bytes."""

    kind: str
    address: int
    physical: int
    size: int


@dataclass(frozen=True, slots=True)
class TableRead:
    """A page-table entry that a translation read, and the spec's functions that led there."""

    physical: int
    value: int
    calls: tuple[str, ...]


class Shadow:
    """Answers questions about a hart of `machine`, from a copy.

    That is the one of this `number`, or the one whose turn it is. `number` may become that of
    another hart of the same revision.
    """

    def __init__(self, machine: Machine, number: int | None = None) -> None:
        self._machine = machine
        self.number = number
        self._isa = machine.isa if number is None else machine.isas[number]
        self.module = engine_module(self._isa)
        base = self.module["GeneratedHart"]
        ram = machine.bus.ram
        reads: list[tuple[int, int]] = []
        writes: list[tuple[int, int]] = []
        self._reads, self._writes = reads, writes
        self.on_read: Callable[[int, int], None] | None = None
        """Called with address and value of each read of RAM, if set."""

        class ShadowHart(base):  # type: ignore[misc,valid-type]
            """Reads RAM only, and writes nowhere."""

            __slots__ = ()

            def read_physical(hart, address: int, size: int) -> int:  # noqa: N805
                reads.append((address, size))
                if not ram.contains(address, size):
                    return 0
                value = int.from_bytes(ram.load(address, size), "little")
                if self.on_read is not None:
                    self.on_read(address, value)
                return value

            def write_physical(hart, address: int, size: int, value: int) -> None:  # noqa: N805
                writes.append((address, size))

        self.hart: Any = ShadowHart(machine.bus, machine.clock)
        self.hart.clear()
        self._kinds = {self.module[name]: name for name in ("LOAD", "STORE", "FETCH")}
        self._checked: list[Access] = []
        for name in [name for name in self.module if name.startswith(_CHECK)]:
            self.module[name] = self._checking(self.module[name], int(name.removeprefix(_CHECK)))

    @property
    def subject(self) -> Any:
        """The hart that is asked about."""
        machine = self._machine
        return machine.hart if self.number is None else machine.harts[self.number]

    def refresh(self) -> None:
        """Take the hart's present state."""
        hart = self.hart
        write_state(hart, self._isa, read_state(self.subject, self._isa))
        hart.next_pc = hart.pc
        hart.instruction = hart.expanded = 0
        self._reads.clear()
        self._writes.clear()
        self._checked.clear()

    # CSRs.

    def read_csr(self, csr: CSR) -> int:
        """What the CSR reads as, of one without number too; no privilege is asked for."""
        self.refresh()
        return int(self.module[f"_read_{csr.name}"](self.hart))

    def write_csr(self, csr: CSR, value: int) -> None:
        """Write the CSR as an instruction does, with its rules for fields, in the hart itself."""
        self.refresh()
        self.module[f"_write_{csr.name}"](self.hart, value & ((1 << csr.width) - 1))
        self._give_back()

    def _give_back(self) -> None:
        hart = self.subject
        write_state(hart, self._isa, read_state(self.hart, self._isa))
        self._machine.flush()
        hart.attention()

    # Addresses.

    def translate(self, address: int, access: str) -> int:
        """Where a LOAD, STORE or FETCH at this virtual address goes now; raises Refused."""
        self.refresh()
        module, hart = self.module, self.hart
        with self._refusing():
            if access == "FETCH":
                return int(module["translate_fetch"](hart, address))
            return int(module["translate_data"](hart, address, module[access]))
        raise AssertionError

    def trace(self, address: int, access: str) -> tuple[int | Refused, list[TableRead]]:
        """As `translate`, with the page-table entries that were read on the way."""
        reads: list[TableRead] = []

        def note(physical: int, value: int) -> None:
            reads.append(TableRead(physical, value, tuple(self._calls())))

        self.on_read = note
        try:
            return self.translate(address, access), reads
        except Refused as refused:
            return refused, reads
        finally:
            self.on_read = None

    def next_accesses(self) -> list[Access]:
        """What the instruction at pc would access if it ran now, up to what stops it."""
        self.refresh()
        hart, module = self.hart, self.module
        while (cause := module["pending_interrupt"](hart)) != module["NO_INTERRUPT"]:
            # The first instruction of the handler is next.
            module["take_interrupt"](hart, cause)
            hart.pc = hart.next_pc
        try:
            word = self._parcel(hart.pc)
            if word & 3 == 3:
                word |= self._parcel(hart.pc + 2 & (1 << 64) - 1) << 16
                expanded = word
            else:
                expanded = module["expand"](word) or 0
            found = module["decode"](expanded)
            if found is None:
                return []
            number, values = found
            hart.instruction, hart.expanded = word, expanded
            hart.next_pc = hart.pc + (4 if word & 3 == 3 else 2) & (1 << 64) - 1
            self._reads.clear()
            self._checked.clear()
            module["OPERATIONS"][number].run(hart, *values)
        except EndInstruction:
            pass
        read = {physical for physical, _ in self._reads}
        written = {physical for physical, _ in self._writes}
        return [
            Access(kind, it.address, it.physical, it.size)
            for it in self._checked
            for kind, done in (("LOAD", read), ("STORE", written))
            if it.kind != "FETCH" and it.physical in done
        ]

    def _parcel(self, address: int) -> int:
        physical = int(self.module["translate_fetch"](self.hart, address))
        return int(self.hart.read_physical(physical, 2))

    def _checking(self, function: Callable[..., None], size: int) -> Callable[..., None]:
        def check(hart: Any, physical: int, access: int, address: int, privilege: int) -> None:
            function(hart, physical, access, address, privilege)
            self._checked.append(Access(self._kinds.get(access, "LOAD"), address, physical, size))

        return check

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except EndInstruction:
            hart = self.hart
            cause = self._isa.causes.get(hart.trap_cause)
            name = cause.name if cause else f"exception {hart.trap_cause}"
            raise Refused(name, hart.trap_cause, hart.trap_value) from None

    def _calls(self) -> list[str]:
        """The spec's functions that are at work, outermost first, with the address they got."""
        calls: list[str] = []
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            if frame.f_globals is self.module:
                name = frame.f_code.co_name.partition("__")[0]
                first = frame.f_code.co_varnames[1:2]
                value = frame.f_locals.get(first[0]) if first else None
                calls.append(f"{name} {value:#x}" if isinstance(value, int) else name)
            frame = frame.f_back
        return calls[::-1]
