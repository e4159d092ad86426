"""Entering traps: each exception, from each mode, delegated or not; and the returns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from drafthart.conformance.probes.probe import Group, Names, Probe, Setup, existing
from drafthart.conformance.probes.state import CONTENT, DATA, NOWHERE, baseline, watched
from drafthart.generator.spec.model import ISA

_MODES = ("M", "HS", "U", "VS", "VU")
_ALL = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class _Event:
    """Something that raises an exception: what to run, with which address in a0, in which modes."""

    name: str
    action: str
    address: int = 0
    modes: tuple[str, ...] = _MODES
    ecall: bool = False


_GUEST = ("VS", "VU")
_LOADS = {
    "load": "ld a1, 0(a0)",
    "lbu": "lbu a1, 0(a0)",
    "lr": "lr.d a1, (a0)",
    "lw": "lw t3, -16(a0)",
}
_STORES = {
    "store": "sd a1, 0(a0)",
    "sb": "sb a1, 0(a0)",
    "sc": "lr.d t0, (t1)\nsc.d a1, a1, (a0)",
    "amo": "amoadd.w a1, a1, (a0)",
    "sh": "sh t3, 2046(a0)",
}
_FETCHES = {"fetch": "jalr a0"}
_COMPRESSED = {
    "c.ld": "c.ld a1, 0(a0)\nc.nop",
    "c.sw": "c.sw a1, 4(a0)\nc.nop",
    "c.lw": "c.nop\nc.lw a1, 0(a0)",
}


def _events(names: Names) -> Iterator[_Event]:
    accesses = {**_LOADS, **_STORES, **_FETCHES, **_COMPRESSED}
    accesses["sc"] = "sc.d a1, a1, (a0)"
    for name, action in accesses.items():
        yield _Event(f"{name} nowhere", action, NOWHERE)
    for name, action in (
        ("lr", "lr.d a1, (a0)"),
        ("amo", "amoadd.w a1, a1, (a0)"),
        ("sc", "sc.w a1, a1, (a0)"),
    ):
        yield _Event(f"{name} misaligned", action, DATA + 2)
    yield _Event("illegal zero", ".insn 4, 0xffffffff")
    yield _Event("illegal 16 bits", ".insn 2, 0\n.insn 2, 1")
    yield _Event("illegal csr write", "csrw cycle, a0")
    yield _Event("mret", "mret", modes=("HS", "U", "VS", "VU"))
    yield _Event("ecall", "ecall")
    yield _Event("ebreak", "ebreak", ecall=True)
    yield _Event("c.ebreak", "c.ebreak\nc.nop", ecall=True)
    for name in ("hstatus", "vsstatus", "sstatus", "mstatus"):
        if names.has(name):
            yield _Event(f"csrr {name}", f"csrr a1, {name}")
    if "hfence.gvma" in names.isa.instructions:
        yield _Event("hfence.gvma", "hfence.gvma x0, x0")
    for text in ("hlv.w a1", "hsv.b a1", "hlvx.hu a1"):
        name = text.split()[0]
        if name in names.isa.instructions:
            yield _Event(f"{name} nowhere", f"{text}, (a0)", NOWHERE)


def exceptions(isa: ISA) -> Group:
    """Exceptions without translation: from each mode, over delegation and what was before."""
    names = Names(isa)
    probes = []
    for event in _events(names):
        for mode in event.modes:
            for (down, setup), (before, hstatus, mstatus, vsstatus) in product(
                _delegations(names, event.ecall), _before(names)
            ):
                probes.append(
                    Probe(
                        f"{event.name} in {mode}, {down}, {before}",
                        event.action,
                        mode,
                        existing(names, (*setup, ("hstatus", hstatus), ("vsstatus", vsstatus))),
                        mstatus,
                        (event.address, 0),
                        ecall=event.ecall,
                    )
                )
    start = baseline(names, (DATA, CONTENT))
    return Group("exceptions", tuple(probes), start, (*watched(isa), ("data", DATA)))


def _delegations(names: Names, ecall: bool) -> Iterator[tuple[str, Setup]]:
    """Nothing, to HS, to VS where possible; the way out stays with M-mode."""
    out = "ECALL_FROM_U ECALL_FROM_S ECALL_FROM_VS" if ecall else "BREAKPOINT"
    keep = names.mask(*(f"medeleg.{name}" for name in out.split()))
    yield "undelegated", ()
    yield "medeleg", (("medeleg", _ALL & ~keep),)
    yield "medeleg hedeleg", (("medeleg", _ALL & ~keep), ("hedeleg", _ALL & ~keep))
    yield "hedeleg", (("hedeleg", _ALL & ~keep),)


def _before(names: Names) -> Iterator[tuple[str, int, int, int]]:
    """What the trap finds in hstatus, mstatus and vsstatus; no interrupt is enabled in mie."""
    hstatus = names.mask("hstatus.SPV", "hstatus.SPVP", "hstatus.GVA")
    enables = names.mask("mstatus.SIE", "mstatus.MPIE")
    stale = names.mask("mstatus.SPP", "mstatus.SPIE", "mstatus.GVA")
    of_guest = names.mask("vsstatus.SPP", "vsstatus.SPIE")
    yield "all clear", 0, 0, 0
    yield "enables set", hstatus, enables, names.mask("vsstatus.SIE")
    yield "stale set", hstatus, stale, of_guest
    if hstatus:
        guest = of_guest | names.mask("vsstatus.SIE")
        yield "SPVP set", names.mask("hstatus.SPVP"), enables | stale, guest


def returns(isa: ISA) -> Group:
    """MRET and SRET from the modes that may use them, over what they restore."""
    names = Names(isa)
    probes = []
    for mode in ("M", "HS", "VS", "U", "VU"):
        for bits in product((0, 1), repeat=6):
            for name in ("sret", "mret"):
                fields = ("SPP", "SPIE", "SIE", "MPRV", "MPIE")
                mstatus = sum(
                    names.value(f"mstatus.{f}", b) for f, b in zip(fields, bits, strict=False)
                )
                spv = bits[5]
                vsstatus = sum(
                    names.value(f"vsstatus.{f}", 1 - b)
                    for f, b in zip(fields[:3], bits, strict=False)
                )
                for guest in (0, 1):
                    setup = existing(
                        names,
                        (
                            ("sepc", "done"),
                            ("vsepc", "done"),
                            (
                                "hstatus",
                                # Early drafts lend privilege by SPRV too, until a return.
                                names.value("hstatus.SPV", spv)
                                | names.value("hstatus.SPRV", bits[3]),
                            ),
                            ("vsstatus", vsstatus ^ (0 if guest else names.mask("vsstatus.SPP"))),
                        ),
                    )
                    text = " ".join(
                        f"{f}={b}"
                        for f, b in zip((*fields, "SPV", "guest"), (*bits, guest), strict=True)
                    )
                    probes.append(Probe(f"{name} from {mode}: {text}", name, mode, setup, mstatus))
        if mode == "M":
            probes += _mrets(names)
    return Group("returns", tuple(probes), baseline(names), watched(isa))


def _mrets(names: Names) -> Iterator[Probe]:
    """MRET in M-mode to each mode: mstatus is written by the action, as MRET enters it."""
    for mpp, mpv, mpie, mie, mprv in product((0, 1, 2, 3), (0, 1), (0, 1), (0, 1), (0, 1)):
        value = sum(
            names.value(f"mstatus.{field}", bit)
            for field, bit in (
                ("MPP", mpp),
                ("MPV", mpv),
                ("MPIE", mpie),
                ("MIE", mie),
                ("MPRV", mprv),
                ("GVA", 1),
            )
        )
        action = "la t0, done\ncsrw mepc, t0\ncsrw mstatus, a0\nmret"
        label = f"mret from M: MPP={mpp} MPV={mpv} MPIE={mpie} MIE={mie} MPRV={mprv}"
        yield Probe(label, action, registers=(value, 0))
