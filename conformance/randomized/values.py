"""Random values of CSRs: what may be written without leaving anything open."""

from __future__ import annotations

from random import Random

from drafthart.conformance.probes.probe import Names
from drafthart.generator.spec.model import CSR, ISA, Field

_WAY_OUT = ("ECALL_FROM_U", "ECALL_FROM_S", "ECALL_FROM_VS", "BREAKPOINT")
"""Exceptions by which probes end: not to be delegated by M-mode."""
_COUNTERS = ("cycle", "time", "instret", "hpm", "mcycle", "minstret", "mhpm")
_IDENTITY = ("mvendorid", "marchid", "mimpid", "mconfigptr")
_KEPT = ("mtvec", "misa", "pmpcfg", "pmpaddr", *_COUNTERS, *_IDENTITY)
"""Never written: the way out, what is probed, and what differs from run to run."""
_LEADING = ("tvec", "epc", "atp", "timecmp")
"""Ends of names of CSRs that lead somewhere: written only with values that are safe."""
_TRAP_VALUES = ("tval", "tval2", "badaddr")


def varies(csr: CSR) -> bool:
    """Is its value nothing to compare?"""
    return csr.name.startswith(_COUNTERS) or csr.name in _IDENTITY


def leads(csr: CSR) -> bool:
    """Does it hold an address that the hart itself uses, or a time?"""
    return csr.name.endswith(_LEADING)


def writable(isa: ISA) -> list[CSR]:
    """The CSRs that probes may write anything legal to."""
    return [
        csr
        for csr in isa.csrs.values()
        if csr.address is not None
        and not csr.read_only
        and not csr.name.startswith(_KEPT)
        and not leads(csr)
        and csr.array is None
    ]


def _fixed(csr: CSR, field: Field) -> bool:
    """Must probes leave this field zero?"""
    if field.kind == "RO" or (csr.name == "medeleg" and field.name in _WAY_OUT):
        return True
    return csr.name == "mstatus" and field.name == "MPRV"


def random_value(csr: CSR, names: Names, random: Random) -> int:
    """A value all of whose fields are legal; often with few bits set, or with few clear."""
    if not csr.fields:
        return 0
    density = random.choice((0.5, 0.85, 1) if csr.name.endswith("deleg") else (0.15, 0.5, 0.85))
    return sum(
        _field_value(csr, field, names, random, density) << field.low
        for field in csr.fields.values()
        if not _fixed(csr, field)
    )


def random_mask(csr: CSR, names: Names, random: Random) -> int:
    """Bits to set or clear: of fields that may hold anything."""
    mask = 0
    for field in csr.fields.values():
        if field.legal is None and field.kind == "WARL" and not _fixed(csr, field):
            mask |= field.mask if random.random() < 0.3 else 0
    return mask if not _of_trap(csr) else 0


def _of_trap(csr: CSR) -> bool:
    """Need it hold only what traps write?"""
    return csr.name.endswith((*_TRAP_VALUES, "tinst"))


def _field_value(csr: CSR, field: Field, names: Names, random: Random, density: float) -> int:
    if field.legal is not None:
        return _one_of(field.legal, random)
    if field.kind == "WLRL":
        code = random.choice(list(names.isa.causes))
        return code if field.name == "CODE" else 0
    if field.name == "INTERRUPT":
        return 0
    if _of_trap(csr):
        return 0 if csr.name.endswith("tinst") else random.choice((0, 0x1000, 0x8000_0010))
    if field.width == 1:
        return int(random.random() < density)
    every = (1 << field.width) - 1
    return random.choice(
        (0, every, 1 << random.randrange(field.width), random.getrandbits(field.width))
    )


def _one_of(legal: tuple[int, ...] | range, random: Random) -> int:
    if len(legal) <= 4:
        return random.choice(legal)
    return random.choice((legal[0], legal[-1], random.choice(legal)))
