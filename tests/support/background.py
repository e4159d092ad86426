"""Benches for the drafts 0.1 to 0.3, whose background CSRs change places with the foreground's.

A test gives registers of the guest by their background names while the hart is outside the guest;
`mode` swaps as the draft's own function does.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from bench import CODE, HANDLER, MODES, RWX, Bench, GuestBench, PageTable, Trap

from drafthart.generator.spec.resolve import resolve

FIRST = "h@0.1@2017-11-09"
"""Draft 0.1 on its first day."""

DRAFTS = (FIRST, "h@0.1", "h@0.2", "h@0.3")
LATER = ("h@0.2", "h@0.3")
NUMBERED = ("h@0.1+csr-numbers", "h@0.2", "h@0.3")
"""With CSR numbers, which the manual gave these CSRs while the label was 0.2."""

HOST_CODE = 0x5000_0000
"""Where HS-mode finds the code at CODE while its own page tables are the guest's second level."""


@cache
def _order() -> tuple[str, ...]:
    return tuple(change.id for change in resolve("h@0.3").changes)


def after(change: str) -> str:
    """The state of the series that ends with this change."""
    return f"h@0.3~{len(_order()) - 1 - _order().index(change)}"


def before(change: str) -> str:
    """The state of the series that ends before this change."""
    return f"h@0.3~{len(_order()) - _order().index(change)}"


class BackgroundBench(Bench):
    """A bench whose trap handlers are those of M-mode, HS-mode and, in the background, VS-mode."""

    def __init__(self, revision: str, parameters: Mapping[str, int] | None = None) -> None:
        super().__init__(revision, parameters)
        self.write("bstvec", HANDLER + 0x800)

    def mode(self, name: str) -> BackgroundBench:
        """Put the hart into a mode, with the right CSRs in the foreground."""
        virtual, privilege = MODES[name]
        if virtual != self.hart.V:
            self.module["swap_supervisor_registers"](self.hart)
        self.hart.V = virtual
        self.hart.mode = privilege
        return self

    def trap(self) -> Trap:
        """The trap whose handler the hart is about to enter; `tval2` is hvtval or mvtval."""
        mode = self.mode_name
        prefix = "m" if mode == "M" else "s"
        cause = self.read(f"{prefix}cause")
        second = {"M": "mvtval", "HS": "hvtval"}.get(mode)
        return Trap(
            to=mode,
            interrupt=bool(cause >> 63),
            cause=cause & ((1 << 63) - 1),
            epc=self.read(f"{prefix}epc"),
            tval=self.read(f"{prefix}tval"),
            tval2=self.read(second) if second in self.isa.csrs else None,
            tinst=None,
        )

    @property
    def level_bit(self) -> int:
        """MTL or STL after a trap."""
        return self.read("mstatus.MTL" if self.mode_name == "M" else "hstatus.STL")

    @property
    def has_hgatp(self) -> bool:
        """Does the second level have a register of its own?"""
        return "hgatp" in self.isa.csrs

    def table(self, *, levels: int = 3, wide: bool = False) -> PageTable:
        """A page table; the 16 KiB root came with hgatp."""
        return super().table(levels=levels, wide=wide and self.has_hgatp)

    def two_stages(
        self, *, guest: PageTable | None = None, host: PageTable | None = None
    ) -> BackgroundBench:
        """Install the guest's table and that of the second level; the hart is outside the guest."""
        if guest is not None:
            self.write("bsatp", guest.satp)
        if host is not None:
            self.write("hgatp" if self.has_hgatp else "satp", host.satp)
        return self


class BackgroundGuest(GuestBench, BackgroundBench):
    """The GuestBench of these drafts. Where satp is the second level, HS-mode runs at HOST_CODE."""

    def start(self, mode: str) -> BackgroundGuest:
        """Put the hart at CODE in this mode, with code that the mode may execute."""
        super().start(mode)
        if mode == "HS" and not self.has_hgatp:
            self.host.map(HOST_CODE, self.hart.pc & -4096, RWX)
            self.hart.pc = HOST_CODE | self.hart.pc & 4095
        return self

    def load(self, address: int) -> Trap | None:
        """Load a doubleword from this address into a0."""
        return self.here("ld a0, (a1)", a1=address)

    def here(self, source: str, **registers: int) -> Trap | None:
        """Put code at CODE, where pc points by way of some translation, and run it."""
        return self.steps(self.place(source, CODE), **registers)
