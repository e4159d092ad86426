"""A hart on a bench: put it into a state, run a few instructions, look at what happened.

Tests say what a draft's text promises; the bench has no opinion of its own. All addresses are
physical unless a page table is installed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from drafthart.generator.assembly.assembler import assemble
from drafthart.generator.assembly.program import flat
from drafthart.generator.assembly.registers import REGISTERS
from drafthart.generator.spec.model import ISA, Field
from drafthart.generator.spec.resolve import resolve
from drafthart.runtime.clock import Clock
from drafthart.runtime.engines import EngineFactory, engine_named
from drafthart.runtime.memory import Bus, Ram

ENGINE = os.environ.get("DRAFTHART_TEST_ENGINE", "python")
"""The engine that the bench's harts run on: python, native or both."""

BASE = 0x8000_0000
SIZE = 4 << 20
CODE = BASE + 0x1000
DATA = BASE + 0x10_0000
TABLES = BASE + 0x20_0000
HANDLER = BASE + 0x8000
"""Where all trap vectors point: the three modes at 0x000, 0x400 and 0x800 from here."""

ROOT = "h@0.6.1@2020-05-05"
"""Draft 0.6.1 as it began, at cc43c1fe."""

REVISIONS = (ROOT, "h@0.6.1", "h@0.6.2", "h@1.0.0-rc", "h@1.0")
"""The revisions of H from 0.6.1 on, oldest first; `since` gives the later ones."""

MODES = {"U": (0, 0), "HS": (0, 1), "S": (0, 1), "M": (0, 3), "VU": (1, 0), "VS": (1, 1)}

# PTE bits.
V, R, W, X, U, G, A, D = (1 << bit for bit in range(8))
RWX = V | R | W | X | A | D
"""A leaf that permits all but U-mode."""


@dataclass(frozen=True, slots=True)
class Trap:
    """A trap as its handler finds it; `to` is M, HS or VS. What the mode does not have is None."""

    to: str
    interrupt: bool
    cause: int
    epc: int
    tval: int
    tval2: int | None
    tinst: int | None


class Bench:
    """A hart of `revision` in M-mode, PMP open, every trap vector pointing at its own handler."""

    def __init__(
        self,
        revision: str,
        parameters: Mapping[str, int] | None = None,
        *,
        engine: str = ENGINE,
    ) -> None:
        self._revision = revision, tuple(sorted((parameters or {}).items()))
        self.isa = isa_of(*self._revision)
        self.bus = Bus(Ram(BASE, SIZE))
        self.clock = Clock(1)
        self.engine: Any = engine_of(engine, *self._revision)(self.bus, self.clock)
        self.module = self.engine.module
        self.hart: Any = self.engine.hart
        self.clock.instret = lambda: self.hart.steps
        self._next_table = TABLES
        self.hart.pc = CODE
        if "pmpaddr0" in self.isa.csrs:
            self.write("pmpaddr0", (1 << 54) - 1)
            self.write("pmpcfg0", 0x1F)
        self.write("mtvec", HANDLER)
        self.write("stvec", HANDLER + 0x400)
        if "vstvec" in self.isa.csrs:
            self.write("vstvec", HANDLER + 0x800)

    # State.

    def mode(self, name: str) -> Bench:
        """Put the hart into M, HS (S), U, VS or VU; returns the bench."""
        virtual, privilege = MODES[name]
        self.hart.mode = privilege
        if "V" in self.isa.state:
            self.hart.V = virtual
        else:
            assert not virtual
        return self

    @property
    def mode_name(self) -> str:
        """The mode the hart is in: M, HS, U, VS or VU."""
        virtual = getattr(self.hart, "V", 0)
        return {(0, 0): "U", (0, 1): "HS", (0, 3): "M", (1, 0): "VU", (1, 1): "VS"}[
            virtual, self.hart.mode
        ]

    def read(self, name: str) -> int:
        """A CSR as a read by number gives it, or a field of that value ("hstatus.SPV")."""
        csr, _, field = name.partition(".")
        value = int(self.module[f"_read_{csr}"](self.hart))
        if field:
            found = self._field(csr, field)
            return value >> found.low & ((1 << found.width) - 1)
        return value

    def write(self, name: str, value: int) -> Bench:
        """Write a CSR as an instruction does, or one field of it, leaving the others."""
        csr, _, field = name.partition(".")
        if field:
            found = self._field(csr, field)
            old = int(self.module[f"_read_{csr}"](self.hart))
            value = old & ~found.mask | value << found.low
        self.module[f"_write_{csr}"](self.hart, value)
        return self

    def writes(self, **values: int) -> Bench:
        """Write several CSRs (`medeleg=…`), in the order given."""
        for name, value in values.items():
            self.write(name, value)
        return self

    def _field(self, csr: str, field: str) -> Field:
        return self.isa.csrs[csr].fields[field]

    # Running.

    def run(self, source: str, **registers: int) -> Trap | None:
        """Assemble `source` at the current pc and run it to its end or its first trap.

        Registers are named as in assembly (`a0=1`). The code lies at the physical address
        CODE or wherever pc points if translation is off there; `place` puts it elsewhere.
        """
        count = self.place(source, self.hart.pc)
        return self.steps(count, **registers)

    def place(self, source: str, address: int) -> int:
        """Put assembled code at a physical address; returns the number of instructions."""
        code = _machine_code(*self._revision, source, address)
        self.bus.ram.store(address, code)
        self.hart.flush_instructions()
        count = offset = 0
        while offset < len(code):
            offset += 4 if code[offset] & 3 == 3 else 2
            count += 1
        return count

    def steps(self, count: int, **registers: int) -> Trap | None:
        """Run `count` instructions, or up to the first trap (an interrupt before one included)."""
        for name, value in registers.items():
            self.hart.x[REGISTERS[name]] = value & ((1 << 64) - 1)
        hart = self.hart
        # The test may have changed page tables behind the hart's back: the fence is ours to do.
        hart.flush_translations()
        for _ in range(count):
            trapped = hart.trapped
            pc = hart.pc
            if interrupt := self.interrupt():
                return interrupt
            self.engine._select_context()
            self.engine.step()
            if hart.trapped != trapped:
                assert self.trap().epc == pc
                return self.trap()
        return None

    def interrupt(self) -> Trap | None:
        """Take the pending interrupt, if one is deliverable now, without running an instruction."""
        cause = self.module["pending_interrupt"](self.hart)
        if cause == self.module["NO_INTERRUPT"]:
            return None
        self.hart.next_pc = self.hart.pc
        self.module["take_interrupt"](self.hart, cause)
        self.hart.pc = self.hart.next_pc
        return self.trap()

    def trap(self) -> Trap:
        """The trap whose handler the hart is about to enter."""
        mode = self.mode_name
        prefix = {"M": "m", "HS": "s", "VS": "vs"}[mode]
        cause = self.read(f"{prefix}cause")
        second = {"M": "mtval2", "HS": "htval"}.get(mode)
        inst = {"M": "mtinst", "HS": "htinst"}.get(mode)
        return Trap(
            to=mode,
            interrupt=bool(cause >> 63),
            cause=cause & ((1 << 63) - 1),
            epc=self.read(f"{prefix}epc"),
            tval=self.read(f"{prefix}tval"),
            tval2=self.read(second) if second in self.isa.csrs else None,
            tinst=self.read(inst) if inst in self.isa.csrs else None,
        )

    def reg(self, name: str) -> int:
        """An integer register by its assembly name."""
        return int(self.hart.x[REGISTERS[name]])

    # Memory.

    def poke(self, address: int, value: int, size: int = 8) -> Bench:
        """Store `value` at a physical address."""
        self.bus.write(address, size, value)
        return self

    def peek(self, address: int, size: int = 8) -> int:
        """Load from a physical address."""
        return self.bus.read(address, size)

    def table(self, *, levels: int = 3, wide: bool = False) -> PageTable:
        """A new, empty page table; `wide` has the 16 KiB root of the G-stage."""
        return PageTable(self, levels, wide)

    def pages(self, count: int) -> int:
        """Allocate `count` zeroed pages, aligned to their total size; the address of the first."""
        size = count * 4096
        self._next_table = (self._next_table + size - 1) & -size
        address = self._next_table
        self._next_table += size
        return address

    def two_stages(self, *, guest: PageTable | None = None, host: PageTable | None = None) -> Bench:
        """Install a VS-stage (vsatp) and a G-stage (hgatp) table, either of which may be absent."""
        if guest is not None:
            self.write("vsatp", guest.satp)
        if host is not None:
            self.write("hgatp", host.satp)
        return self


class PageTable:
    """A page table in the bench's RAM, of 3 (Sv39), 4 or 5 levels."""

    def __init__(self, bench: Bench, levels: int, wide: bool) -> None:
        self.bench = bench
        self.levels = levels
        self.wide = wide
        self.root = bench.pages(4 if wide else 1)

    @property
    def satp(self) -> int:
        """The value for satp, vsatp or hgatp that installs the table (ASID or VMID 0)."""
        return (self.levels + 5) << 60 | self.root >> 12

    def map(self, address: int, target: int, bits: int = RWX, *, level: int = 0) -> int:
        """Map the page (or superpage at `level`) of `address` to `target`; the PTE's address."""
        table = self.root
        for at in range(self.levels - 1, level, -1):
            entry = self._entry(table, address, at)
            pte = self.bench.peek(entry)
            if not pte & V:
                pte = self.bench.pages(1) >> 12 << 10 | V
                self.bench.poke(entry, pte)
            table = pte >> 10 << 12
        entry = self._entry(table, address, level)
        self.bench.poke(entry, target >> 12 << 10 | bits)
        return entry

    def identity(self, bits: int = RWX) -> PageTable:
        """Map the bench's RAM to itself in 2 MiB pages."""
        for offset in range(0, SIZE, 2 << 20):
            self.map(BASE + offset, BASE + offset, bits, level=1)
        return self

    def _entry(self, table: int, address: int, level: int) -> int:
        extra = 2 if self.wide and level == self.levels - 1 else 0
        index = address >> (12 + 9 * level) & ((1 << (9 + extra)) - 1)
        return table + 8 * index


PAGE = 0x4000_0000
"""Virtual address of the page that a GuestBench has to try things on."""
GUEST_PAGE = 0x1_0000_0000
"""Guest physical address of that page; it lies at DATA."""


class GuestBench(Bench):
    """A bench with both stages of translation on.

    They map RAM to itself, and the page to try things on from PAGE to GUEST_PAGE to DATA.
    """

    def __init__(
        self,
        revision: str,
        parameters: Mapping[str, int] | None = None,
        *,
        guest_levels: int = 3,
        host_levels: int = 3,
    ) -> None:
        super().__init__(revision, parameters)
        self.guest = self.table(levels=guest_levels).identity()
        self.host = self.table(levels=host_levels, wide=True).identity(RWX | U)
        self.page()
        self.two_stages(guest=self.guest, host=self.host)

    def page(self, vs: int = RWX, g: int = RWX | U) -> GuestBench:
        """Give the page these permissions at the two stages; their PTEs: `vs_pte`, `g_pte`."""
        self.vs_pte = self.guest.map(PAGE, GUEST_PAGE, vs)
        self.g_pte = self.host.map(GUEST_PAGE, DATA, g)
        return self

    def start(self, mode: str) -> GuestBench:
        """Put the hart at CODE in this mode, with code that the mode may execute."""
        self.guest.map(BASE, BASE, RWX | U if mode == "VU" else RWX, level=1)
        self.mode(mode)
        self.hart.pc = CODE
        return self


def since(revision: str) -> tuple[str, ...]:
    """The revision and all later ones, oldest first."""
    return REVISIONS[REVISIONS.index(revision) :]


def before(revision: str) -> tuple[str, ...]:
    """All revisions older than this one, oldest first."""
    return REVISIONS[: REVISIONS.index(revision)]


@cache
def isa_of(revision: str, parameters: tuple[tuple[str, int], ...] = ()) -> ISA:
    """The resolved revision, made once."""
    return resolve(revision, parameters=dict(parameters))


@cache
def engine_of(
    name: str, revision: str, parameters: tuple[tuple[str, int], ...] = ()
) -> EngineFactory:
    """An engine by name, built once."""
    return engine_named(name, isa_of(revision, parameters))


@cache
def _machine_code(
    revision: str, parameters: tuple[tuple[str, int], ...], source: str, address: int
) -> bytes:
    """The instructions of `source` at this address, assembled once."""
    base = address & -16
    skip = f".zero {address - base}" if address > base else ""
    isa = isa_of(revision, parameters)
    program = assemble(f".text\n{skip}\n{source}\n", isa, base=base)
    return bytes(flat(program)[address - base :])
