"""The state that probes start from, and what they commonly note."""

from __future__ import annotations

from drafthart.conformance.probes.probe import Names, Setup, Write, existing
from drafthart.generator.spec.model import ISA

DATA = 0x8100_0000
"""Physical address of a page to try things on. The programs lie below."""
NOWHERE = 0x1_0000_0000
"""A physical address with neither memory nor a device."""
CONTENT = 0x1122_3344_D5E6_F7A8
"""What the first doubleword of the page holds: some bytes and halfwords of it are negative."""

# What a trap must overwrite: values that no trap leaves.
_STALE = (
    ("sepc", 0x1110), ("stval", 0x2220), ("htval", 0x3330), ("htinst", 0),
    ("vsepc", 0x4440), ("vstval", 0x5550), ("mtval", 0x6660), ("mtval2", 0x7770), ("mtinst", 0),
    ("mcause", 0), ("scause", 0), ("vscause", 0), ("mscratch", 0), ("sscratch", 0),
    ("vsscratch", 0),
)  # fmt: skip
_VECTORS = (("stvec", "trap_to_hs"), ("vstvec", "trap_to_vs"))
_ZERO = (
    "satp", "vsatp", "hgatp", "medeleg", "mideleg", "hedeleg", "hideleg", "mie", "mip", "hvip",
    "hgeie", "hstatus", "vsstatus", "mcounteren", "hcounteren", "scounteren", "menvcfg", "henvcfg",
    "senvcfg", "htimedelta",
)  # fmt: skip

TRAP = (
    "mcause", "mepc", "mtval", "mtval2", "mtinst", "mstatus", "scause", "sepc", "stval", "htval",
    "htinst", "hstatus", "vscause", "vsepc", "vstval", "vsstatus",
)  # fmt: skip
"""All that a trap may write; what a trap into M-mode writes comes first."""


def baseline(names: Names, *more: Write) -> Setup:
    """Everything off, nothing delegated, and marks where traps write; then `more`."""
    zero = tuple((csr, 0) for csr in _ZERO)
    return existing(names, (*zero, *_STALE, *_VECTORS, *more))


def watched(isa: ISA, csrs: tuple[str, ...] = TRAP) -> tuple[str, ...]:
    """Those of the CSRs that the revision has."""
    names = Names(isa)
    return tuple(csr for csr in csrs if names.has(csr))
