"""Drafts 0.1 to 0.3: background CSRs, traps and returns, delegation, interrupts, who may do what.

Text: riscv-isa-manual, src/hypervisor.tex at 6a92b89b (0.1) and, where a test says so, at be663aeb
(still 0.1), 015b13e0 (0.2) and a3d01b7b (0.3); CSR numbers src/priv-csrs.tex at 516b9ed1. Sections:
"Hypervisor CSRs", "Hypervisor Instructions", "Machine-Level CSRs", "Traps", "Trap Return".
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import bench as bench_module
import pytest
from background import DRAFTS, FIRST, LATER, NUMBERED, BackgroundBench, after, before
from bench import CODE, HANDLER, Trap

from drafthart.generator.spec.resolve import resolve
from drafthart.generator.spec.texts import SPECS

ILLEGAL = 2
ALL = 0xFFFF & ~(1 << 11)
"""For medeleg: everything but environment calls from M-mode."""
SUPERVISOR = 0x222
"""The bits of sip, sie and mideleg."""

drafts = pytest.mark.parametrize("draft", DRAFTS)


def run(bench: BackgroundBench, mode: str, source: str, **registers: int) -> Trap | None:
    bench.mode(mode).hart.pc = CODE
    return bench.run(source, **registers)


def cause(bench: BackgroundBench, mode: str, source: str, **registers: int) -> int | None:
    trap = run(bench, mode, source, **registers)
    return None if trap is None else trap.cause


def fields(revision: str, csr: str) -> dict[str, tuple[int, int]]:
    """Field → its lowest bit and its width."""
    return {
        name: (field.low, field.width) for name, field in resolve(revision).csrs[csr].fields.items()
    }


# What the figures and tables say.


@pytest.mark.rules("misa.h", "mode.v-reset")
@drafts
def test_extension_and_reset(draft: str) -> None:
    """misa[7] tells the extension; reset leaves the guest, as every hart starts in M-mode."""
    bench = BackgroundBench(draft)
    assert bench.read("misa") >> 7 & 1
    bench.mode("VU")
    bench.engine.reset()
    assert bench.mode_name == "M"


@pytest.mark.parametrize(
    ("revision", "bits"),
    [
        (FIRST, {"STL": 9, "SPV": 10, "SPRV": 17, "VTVM": 20, "VTW": 21, "VTSR": 22}),
        ("h@0.1", {"STL": 9, "SPV": 10, "SPRV": 17, "VTVM": 20, "VTW": 21, "VTSR": 22}),
        (
            "h@0.2",
            {"SPRV": 0, "SP2V": 7, "SP2P": 8, "STL": 9, "SPV": 10}
            | {"VTVM": 20, "VTW": 21, "VTSR": 22},
        ),
        ("h@0.3", {"SPRV": 0, "STL": 6, "SPV": 7, "SP2P": 8, "SP2V": 9, "VTVM": 20, "VTSR": 22}),
    ],
)
def test_figure_of_hstatus(revision: str, bits: dict[str, int]) -> None:
    assert fields(revision, "hstatus") == {name: (bit, 1) for name, bit in bits.items()}
    bench = BackgroundBench(revision).write("hstatus", (1 << 64) - 1)
    assert bench.read("hstatus") == sum(1 << bit for bit in bits.values())


@pytest.mark.parametrize(
    ("revision", "mtl", "mpv"),
    [(FIRST, 9, 10), ("h@0.1", 9, 10), ("h@0.2", 9, 10), ("h@0.3", 38, 39)],
)
def test_figure_of_mstatus(revision: str, mtl: int, mpv: int) -> None:
    found = fields(revision, "mstatus")
    assert (found["MTL"], found["MPV"]) == ((mtl, 1), (mpv, 1))
    bench = BackgroundBench(revision).write("mstatus", 1 << mpv)
    assert bench.read("mstatus.MPV") == 1
    assert bench.read("sstatus") >> mpv & 1 == 0


@drafts
def test_figure_of_bsstatus(draft: str) -> None:
    expected = {"SIE": (1, 1), "SPIE": (5, 1), "SPP": (8, 1), "FS": (13, 2), "SUM": (18, 1)}
    assert fields(draft, "bsstatus") == expected | {"MXR": (19, 1), "UXL": (32, 2)}


OWN = ("hstatus", "hedeleg", "hideleg")
BACKGROUND = (
    "bsstatus", "bsip", "bsie", "bstvec", "bsscratch", "bsepc", "bscause", "bstval", "bsatp",
)  # fmt: skip


@pytest.mark.parametrize("revision", [FIRST, "h@0.1", "h@0.2@2018-12-31"])
def test_no_numbers_at_first(revision: str) -> None:
    """What priv-csrs.tex has for a hypervisor is commented out, and of another H-mode."""
    isa = resolve(revision)
    added = {name for name in isa.csrs if name not in resolve("priv@1.12").csrs}
    assert {*OWN, *BACKGROUND} <= added
    assert {isa.csrs[name].address for name in added} == {None}
    named = [isa.instructions[it] for it in isa.instructions if it.startswith("h")]
    assert [it.encoding for it in named if it.extension == "H"] in ([None], [None, None])
    assert cause(BackgroundBench(revision), "M", "csrr a0, 0xa00") == ILLEGAL


@pytest.mark.parametrize("revision", LATER)
def test_numbers_of_the_csrs(revision: str) -> None:
    expected = {"hstatus": 0xA00, "hedeleg": 0xA02, "hideleg": 0xA03, "hgatp": 0xA80}
    expected |= {"bsstatus": 0x200, "bsie": 0x204, "bstvec": 0x205, "bsscratch": 0x240}
    expected |= {"bsepc": 0x241, "bscause": 0x242, "bstval": 0x243, "bsip": 0x244, "bsatp": 0x280}
    found = resolve(revision).csrs
    assert {name: found[name].address for name in expected} == expected


@pytest.mark.rules("hedeleg.layout")
@drafts
def test_layout_of_delegation(draft: str) -> None:
    """Their layout is the same as medeleg and mideleg."""
    bench = BackgroundBench(draft)
    for name in ("medeleg", "mideleg", "hedeleg", "hideleg"):
        bench.write(name, (1 << 64) - 1)
    assert bench.read("hedeleg") == bench.read("medeleg")
    assert bench.read("medeleg") >> 10 & 1
    assert bench.read("hideleg") == bench.read("mideleg") == SUPERVISOR


@pytest.mark.rules("csr.privilege", "csr.hs.access")
@pytest.mark.parametrize("revision", NUMBERED)
@pytest.mark.parametrize("name", [*OWN, *BACKGROUND])
def test_who_may_access_what(revision: str, name: str) -> None:
    """Accessible to HS-mode, but not to S-mode with V=1, nor to any user mode."""
    bench = BackgroundBench(revision)
    for mode, expected in {"M": None, "HS": None, "U": 2, "VS": 2, "VU": 2}.items():
        assert cause(bench, mode, f"csrr a0, {name}") == expected, mode
        assert cause(bench, mode, f"csrw {name}, x0") == expected, mode
    assert cause(bench, "VS", "csrr a0, sscratch") is None
    assert cause(bench, "VU", "csrr a0, sscratch") == ILLEGAL
    assert cause(bench, "VS", "csrr a0, mscratch") == ILLEGAL


# The swap.

HOST = {
    "sscratch": 0x1111, "sepc": 0x8000_3000, "scause": 13, "stval": 0x1234,
    "stvec": HANDLER + 0x400, "satp": 5 << 44 | 0x123, "sip": 0x2, "sie": 0x200,
}  # fmt: skip
GUEST = {
    "sscratch": 0x2222, "sepc": 0x8000_5000, "scause": 1 << 63 | 5, "stval": 0x5678,
    "stvec": HANDLER + 0x800, "satp": 7 << 44 | 0x456, "sip": 0x220, "sie": 0x2,
}  # fmt: skip
STATUS = {"SIE": (0, 1), "SPIE": (1, 0), "SPP": (0, 1), "SUM": (1, 0), "MXR": (0, 1)}
"""Fields of sstatus, HS-mode's and the guest's."""


def two_contexts(draft: str) -> BackgroundBench:
    """Outside the guest: HS-mode's registers in the foreground, the guest's in the background."""
    bench = BackgroundBench(draft).writes(mideleg=SUPERVISOR, medeleg=ALL)
    for name, value in HOST.items():
        bench.write(name, value)
    for name, value in GUEST.items():
        bench.write(f"b{name}", value)
    for name, (host, guest) in STATUS.items():
        bench.write(f"sstatus.{name}", host).write(f"bsstatus.{name}", guest)
    return bench


def contexts(bench: BackgroundBench) -> tuple[dict[str, int], dict[str, int]]:
    """Foreground and background."""
    return {it: bench.read(it) for it in HOST}, {it: bench.read(f"b{it}") for it in HOST}


@pytest.mark.rules(
    "background.swap.enter", "background.trap-registers", "background.satp",
    "background.interrupts", "trap.mret.mpv",
)  # fmt: skip
@drafts
def test_mret_brings_the_guest_to_the_foreground(draft: str) -> None:
    bench = two_contexts(draft)
    bench.write("mstatus.MPV", 1).write("mstatus.MPP", 1).write("mepc", CODE + 64)
    assert run(bench, "M", "mret") is None
    assert (bench.mode_name, bench.hart.pc) == ("VS", CODE + 64)
    assert contexts(bench) == (GUEST, HOST)
    for name, (host, guest) in STATUS.items():
        assert bench.read(f"sstatus.{name}") == bench.read(f"mstatus.{name}") == guest, name
        assert bench.read(f"bsstatus.{name}") == host, name


@pytest.mark.rules("background.swap.leave", "background.status")
@drafts
@pytest.mark.parametrize("medeleg", [0, ALL])
def test_a_trap_brings_hs_mode_back(draft: str, medeleg: int) -> None:
    """First the swap, then what the trap writes: the guest's registers keep what they had."""
    bench = two_contexts(draft).write("medeleg", medeleg)
    trap = run(bench, "VS", "ecall")
    assert trap is not None
    assert (trap.to, trap.cause, trap.epc) == ("HS" if medeleg else "M", 10, CODE)
    foreground, background = contexts(bench)
    assert background == GUEST
    if medeleg:
        assert foreground == HOST | {"sepc": CODE, "scause": 10, "stval": 0}
    else:
        assert foreground == HOST
    for name, (_, guest) in STATUS.items():
        assert bench.read(f"bsstatus.{name}") == guest
    assert (bench.read("sstatus.SUM"), bench.read("sstatus.MXR")) == (1, 0)
    assert bench.read("sstatus.SPIE") == (0 if medeleg else 1)


@pytest.mark.rules("background.swap.enter", "trap.sret.spv")
@drafts
@pytest.mark.parametrize("mode", ["M", "HS"])
def test_sret_brings_the_guest_to_the_foreground(draft: str, mode: str) -> None:
    bench = two_contexts(draft).write("hstatus.SPV", 1).write("sstatus.SPP", 1)
    assert run(bench, mode, "sret") is None
    assert (bench.mode_name, bench.hart.pc) == ("VS", HOST["sepc"])
    assert contexts(bench) == (GUEST, HOST)
    # Of sstatus, SRET had set SIE=SPIE and SPIE=1 before the swap.
    assert (bench.read("bsstatus.SIE"), bench.read("bsstatus.SPIE")) == (1, 1)
    assert (bench.read("sstatus.SIE"), bench.read("sstatus.SPIE")) == (1, 0)


@pytest.mark.rules("background.swap.stay", "trap.vs.hs-untouched")
@drafts
@pytest.mark.parametrize(("mode", "to"), [("U", "HS"), ("HS", "HS"), ("VU", "VS"), ("VS", "VS")])
def test_no_swap_while_v_stays(draft: str, mode: str, to: str) -> None:
    bench = two_contexts(draft).write("hedeleg", ALL)
    before_trap = contexts(bench.mode(mode))[1]
    status = bench.read("bsstatus"), bench.read("hstatus")
    trap = run(bench, mode, "ebreak")
    assert trap is not None
    assert (trap.to, trap.cause) == (to, 3)
    assert contexts(bench)[1] == before_trap
    assert bench.read("bsstatus") == status[0]
    if to == "VS":
        assert bench.read("hstatus") == status[1]


@pytest.mark.rules("background.status")
@drafts
def test_other_fields_of_status_stay(draft: str) -> None:
    others = ["MIE", "MPIE", "MPRV", "TVM", "TW", "TSR"]
    bench = BackgroundBench(draft)
    for name in others:
        bench.write(f"mstatus.{name}", 1)
    bench.mode("VS")
    assert [bench.read(f"mstatus.{name}") for name in others] == [1] * len(others)


@pytest.mark.rules("background.interrupts")
@drafts
def test_interrupts_that_are_not_delegated_stay(draft: str) -> None:
    """They are no fields of sip and sie, which show what mideleg delegates."""
    bench = BackgroundBench(draft).writes(mideleg=0x200, mip=0x22, mie=0x22, bsip=0x200)
    bench.writes(bsie=0x200).mode("VS")
    assert (bench.read("mie"), bench.read("mip")) == (0x222, 0x222)
    assert (bench.read("sie"), bench.read("sip")) == (0x200, 0x200)
    assert (bench.read("bsip"), bench.read("bsie")) == (0, 0)


@pytest.mark.rules("background.mstatus")
@drafts
def test_mstatus_contains_the_foreground(draft: str) -> None:
    bench = BackgroundBench(draft)
    assert run(bench, "VS", "csrs sstatus, a0", a0=1 << 18) is None
    assert (bench.read("mstatus.SUM"), bench.read("bsstatus.SUM")) == (1, 0)
    bench.mode("HS")
    assert (bench.read("mstatus.SUM"), bench.read("bsstatus.SUM")) == (0, 1)


@pytest.mark.rules("bsatp.unsupported-mode")
@pytest.mark.parametrize(
    ("revision", "taken"),
    [(FIRST, False), (before("bsatp-unsupported-mode"), False), ("h@0.3", True)],
)
def test_bsatp_with_an_unsupported_mode(revision: str, taken: bool) -> None:
    """0.1: the fields are as those of satp; a3d01b7b: WARL, and not ignored as for satp."""
    bench = BackgroundBench(revision).write("bsatp", 8 << 60 | 3 << 44 | 0x55)
    bench.write("bsatp", 5 << 60 | 4 << 44 | 0x66)
    assert bench.read("bsatp") == (8 << 60 | (4 << 44 | 0x66 if taken else 3 << 44 | 0x55))
    bench.write("satp", 5 << 60 | 4 << 44 | 0x66)
    assert bench.read("satp") == 0


# Who may run what.


def outcomes(bench: BackgroundBench, source: str) -> dict[str, int | None]:
    return {mode: cause(bench, mode, source) for mode in ("M", "HS", "U", "VS", "VU")}


def refused(*modes: str) -> dict[str, int | None]:
    return {it: ILLEGAL if it in modes else None for it in ("M", "HS", "U", "VS", "VU")}


@pytest.mark.rules("trap.tsr", "hstatus.vtsr")
@drafts
@pytest.mark.parametrize(("tsr", "vtsr"), [(0, 0), (1, 0), (0, 1)])
def test_who_may_sret(draft: str, tsr: int, vtsr: int) -> None:
    """TSR and TVM only affect HS-mode; VTSR is its like for the guest's S-mode."""
    bench = BackgroundBench(draft)
    bench.write("mstatus.TSR", tsr).write("hstatus.VTSR", vtsr)
    expected = refused("U", "VU", *["HS"] * tsr, *["VS"] * vtsr)
    assert {mode: cause(bench, mode, "sret") for mode in expected} == expected


@pytest.mark.rules("satp.tvm", "hstatus.vtvm-sfence", "hstatus.vtvm-satp")
@drafts
@pytest.mark.parametrize(("tvm", "vtvm"), [(0, 0), (1, 0), (0, 1)])
def test_who_may_manage_memory(draft: str, tvm: int, vtvm: int) -> None:
    bench = BackgroundBench(draft)
    bench.write("mstatus.TVM", tvm).write("hstatus.VTVM", vtvm)
    expected = refused("U", "VU", *["HS"] * tvm, *["VS"] * vtvm)
    for source in ("sfence.vma", "csrr a0, satp", "csrw satp, x0"):
        assert outcomes(bench, source) == expected, source


@pytest.mark.rules("sfence.tsr")
@pytest.mark.parametrize(
    ("revision", "counts"),
    [
        (FIRST, True),
        (before("sfence-tvm-not-tsr"), True),
        (after("sfence-tvm-not-tsr"), False),
        ("h@0.3", False),
    ],
)
def test_sfence_and_tsr(revision: str, counts: bool) -> None:
    """Until be663aeb the section on fences made TSR and VTSR forbid SFENCE.VMA."""
    bench = BackgroundBench(revision).write("mstatus.TSR", 1)
    assert outcomes(bench, "sfence.vma") == refused("U", "VU", *["HS"] * counts)
    bench = BackgroundBench(revision).write("hstatus.VTSR", 1)
    assert outcomes(bench, "sfence.vma") == refused("U", "VU", *["VS"] * counts)


@pytest.mark.rules("wfi.tw", "wfi.vtw")
@pytest.mark.parametrize("revision", [FIRST, "h@0.1", "h@0.2", before("vtw-gone")])
@pytest.mark.parametrize(("tw", "vtw"), [(0, 0), (1, 0), (0, 1)])
def test_who_may_wait(revision: str, tw: int, vtw: int) -> None:
    """TW affects HS-mode and the guest's S-mode, VTW only the latter; U-mode may not wait."""
    bench = BackgroundBench(revision)
    bench.write("mstatus.TW", tw).write("hstatus.VTW", vtw)
    expected = refused("U", "VU", *["HS", "VS"] * tw, *["VS"] * vtw)
    assert outcomes(bench, "wfi") == expected


@pytest.mark.rules("wfi.guest", "wfi.tw")
@pytest.mark.parametrize("revision", [after("vtw-gone"), "h@0.3"])
@pytest.mark.parametrize("tw", [0, 1])
def test_a_guest_may_not_wait(revision: str, tw: int) -> None:
    """a3d01b7b: an illegal instruction in VS- and VU-mode, unless it completes in time."""
    assert "VTW" not in resolve(revision).csrs["hstatus"].fields
    bench = BackgroundBench(revision).write("mstatus.TW", tw)
    assert outcomes(bench, "wfi") == refused("U", "VS", "VU", *["HS"] * tw)


# Trap entry.

ENTRIES = {"U": (0, 0), "HS": (0, 1), "M": (0, 3), "VU": (1, 0), "VS": (1, 1)}
"""Previous mode → MPV and MPP, of which SPV and SPP are the first four."""
CALLS = {"U": 8, "HS": 9, "M": 11, "VU": 8, "VS": 10}


@pytest.mark.rules("trap.m.mpv", "trap.cause.ecall-vs", "trap.delegation")
@drafts
@pytest.mark.parametrize("mode", ENTRIES)
def test_trap_into_m_mode(draft: str, mode: str) -> None:
    bench = BackgroundBench(draft)
    trap = run(bench, mode, "ecall")
    assert trap is not None
    assert (trap.to, trap.cause, trap.epc) == ("M", CALLS[mode], CODE)
    assert (bench.read("mstatus.MPV"), bench.read("mstatus.MPP")) == ENTRIES[mode]
    assert bench.mode_name == "M"


@pytest.mark.rules("trap.hs.spv", "trap.cause.ecall-vs", "hedeleg.not-from-hs")
@drafts
@pytest.mark.parametrize("mode", ["U", "HS", "VU", "VS"])
def test_trap_into_hs_mode(draft: str, mode: str) -> None:
    bench = BackgroundBench(draft).write("medeleg", ALL)
    bench.write("hedeleg", 0 if mode in ("VU", "VS") else ALL)
    trap = run(bench, mode, "ecall")
    assert trap is not None
    assert (trap.to, trap.cause) == ("HS", CALLS[mode])
    assert bench.hart.pc == HANDLER + 0x400
    assert (bench.read("hstatus.SPV"), bench.read("sstatus.SPP")) == ENTRIES[mode]


@pytest.mark.rules("trap.vs.entry", "hedeleg.effect", "trap.vs.hs-untouched")
@drafts
@pytest.mark.parametrize(("mode", "spp"), [("VU", 0), ("VS", 1)])
@pytest.mark.parametrize("spv", [0, 1])
def test_trap_into_the_guest(draft: str, mode: str, spp: int, spv: int) -> None:
    """SPP of the foreground tells the mode; SPV is not modified and V remains 1."""
    bench = BackgroundBench(draft).writes(medeleg=ALL, hedeleg=ALL)
    bench.write("hstatus.SPV", spv).write("sstatus.SPP", 1 - spp).write("bsstatus.SIE", 1)
    trap = run(bench, mode, "ecall")
    assert trap is not None
    assert (trap.to, trap.cause, trap.epc) == ("VS", CALLS[mode], CODE)
    assert bench.hart.pc == HANDLER + 0x800
    assert (bench.read("sstatus.SPP"), bench.read("bsstatus.SPP")) == (spp, 1 - spp)
    assert (bench.read("sstatus.SPIE"), bench.read("sstatus.SIE")) == (1, 0)
    assert bench.read("hstatus.SPV") == spv


@pytest.mark.rules("hedeleg.needs-medeleg", "trap.delegation")
@drafts
def test_hedeleg_needs_medeleg(draft: str) -> None:
    bench = BackgroundBench(draft).writes(medeleg=ALL & ~(1 << 3), hedeleg=ALL)
    trap = run(bench, "VS", "ebreak")
    assert trap is not None
    assert trap.to == "M"


# Interrupts.


def with_interrupts(draft: str, hideleg: int = 0) -> BackgroundBench:
    bench = BackgroundBench(draft)
    return bench.writes(mideleg=SUPERVISOR, hideleg=hideleg)


@pytest.mark.rules("interrupt.background", "interrupt.s-enable", "trap.hs.spv")
@drafts
@pytest.mark.parametrize("mode", ["VS", "VU"])
@pytest.mark.parametrize("hideleg", [0, SUPERVISOR])
def test_interrupt_of_hs_mode_while_a_guest_runs(draft: str, mode: str, hideleg: int) -> None:
    """Any bit set in both bsip and bsie: an interrupt will be taken, whatever SIE says."""
    bench = with_interrupts(draft, hideleg).writes(mip=0x20, mie=0x20, bsie=SUPERVISOR)
    bench.write("sstatus.SIE", 0).mode(mode)
    trap = bench.interrupt()
    assert trap is not None
    assert (trap.to, trap.interrupt, trap.cause) == ("HS", True, 5)
    assert bench.read("hstatus.SPV") == 1


@pytest.mark.rules("hideleg.effect", "hideleg.clear", "interrupt.vs-enable")
@drafts
@pytest.mark.parametrize("bit", [1, 5, 9])
@pytest.mark.parametrize(("mode", "sie"), [("VS", 0), ("VS", 1), ("VU", 0)])
def test_interrupt_of_the_guest(draft: str, bit: int, mode: str, sie: int) -> None:
    """Its own sip and sie are in the foreground: hideleg passes on, or the trap is HS-mode's."""
    for hideleg in (0, SUPERVISOR):
        bench = with_interrupts(draft, hideleg).writes(bsip=1 << bit, bsie=1 << bit)
        bench.write("bsstatus.SIE", sie).mode(mode)
        trap = bench.interrupt()
        if hideleg and mode == "VS" and not sie:
            assert trap is None
        else:
            assert trap is not None
            assert (trap.to, trap.cause) == ("VS" if hideleg else "HS", bit)


@pytest.mark.rules("background.no-effect", "interrupt.vs-enable")
@drafts
def test_interrupts_of_the_guest_wait_outside(draft: str) -> None:
    """When V=0, bsip and bsie do not affect the behavior of the machine."""
    bench = with_interrupts(draft, SUPERVISOR).writes(bsip=SUPERVISOR, bsie=SUPERVISOR)
    bench.write("sstatus.SIE", 1)
    for mode in ("HS", "U", "M"):
        assert bench.mode(mode).interrupt() is None
        assert bench.read("sip") == 0


@pytest.mark.rules("interrupt.background-line")
@drafts
def test_the_controller_is_not_wired_to_the_guest(draft: str) -> None:
    """The note: the PLIC should not be wired into the guest's SEIP, a plain storage bit."""
    bench = with_interrupts(draft, SUPERVISOR).writes(bsie=SUPERVISOR)
    bench.hart.interrupt_lines = 1 << 9
    assert bench.mode("HS").read("sip") == 0x200
    assert bench.mode("VU").read("sip") == 0
    assert bench.interrupt() is None
    bench.mode("HS").write("mie", 0x200)
    trap = bench.mode("VU").interrupt()
    assert trap is not None
    assert (trap.to, trap.cause) == ("HS", 9)


@pytest.mark.rules("interrupt.delegation", "interrupt.s-enable")
@drafts
@pytest.mark.parametrize("mode", ["HS", "VS", "VU"])
def test_interrupt_that_m_mode_keeps(draft: str, mode: str) -> None:
    bench = BackgroundBench(draft).writes(mideleg=0x20, hideleg=SUPERVISOR, mip=0x2, mie=0x2)
    trap = bench.mode(mode).interrupt()
    assert trap is not None
    assert (trap.to, trap.cause) == ("M", 1)


@drafts
def test_what_ends_a_wait(draft: str) -> None:
    bench = with_interrupts(draft).writes(mip=0x2, mie=0x2).mode("VS")
    assert bench.module["wake"](bench.hart)
    bench = with_interrupts(draft).writes(mip=0x2, mie=0x20).mode("VS")
    assert not bench.module["wake"](bench.hart)


# Returns.


@pytest.mark.rules("trap.mret.mpv", "trap.mret.mpv-after")
@pytest.mark.parametrize(
    ("revision", "left"),
    [(FIRST, 1), (before("mret-clears-mpv"), 1), (after("mret-clears-mpv"), 0), ("h@0.3", 0)],
)
@pytest.mark.parametrize("mode", ["VU", "VS", "M"])
def test_mret(revision: str, left: int, mode: str) -> None:
    """MPV is ignored when MPP=3. Only since 015b13e0 is it among what MRET clears."""
    bench = BackgroundBench(revision).write("mepc", CODE + 16).write("mstatus.MPV", 1)
    bench.write("mstatus.MPP", ENTRIES[mode][1]).write("mstatus.MPIE", 1)
    assert run(bench, "M", "mret") is None
    assert (bench.mode_name, bench.hart.pc) == (mode, CODE + 16)
    status = [bench.read(f"mstatus.{it}") for it in ("MPV", "MPP", "MIE", "MPIE")]
    assert status == [left, 0, 1, 1]


@pytest.mark.rules("trap.sret.spv", "trap.sret.spv-after")
@pytest.mark.parametrize("revision", [FIRST, "h@0.1", before("sp2v-sp2p")])
@pytest.mark.parametrize("mode", ["U", "HS", "VU", "VS"])
def test_sret_leaves_spv(revision: str, mode: str) -> None:
    spv, spp = ENTRIES[mode]
    bench = BackgroundBench(revision).write("sepc", CODE + 16).write("hstatus.SPV", spv)
    bench.write("sstatus.SPP", spp)
    assert run(bench, "HS", "sret") is None
    assert (bench.mode_name, bench.hart.pc) == (mode, CODE + 16)
    assert bench.read("hstatus.SPV") == spv
    assert bench.read("bsstatus.SPP" if spv else "sstatus.SPP") == 0


@pytest.mark.rules("trap.sret.spv", "trap.sret.spv-after")
@pytest.mark.parametrize("revision", [after("sp2v-sp2p"), *LATER])
@pytest.mark.parametrize("mode", ["U", "HS", "VU", "VS"])
@pytest.mark.parametrize("second", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_sret_pops_the_stack(revision: str, mode: str, second: tuple[int, int]) -> None:
    """015b13e0: SPV=SP2V, SPP=SP2P, SP2V=0, SP2P=0."""
    spv, spp = ENTRIES[mode]
    bench = BackgroundBench(revision).write("hstatus.SPV", spv).write("sstatus.SPP", spp)
    bench.write("hstatus.SP2V", second[0]).write("hstatus.SP2P", second[1])
    assert run(bench, "HS", "sret") is None
    assert bench.mode_name == mode
    left = bench.read("hstatus.SPV"), bench.read("bsstatus.SPP" if spv else "sstatus.SPP")
    assert left == second
    assert (bench.read("hstatus.SP2V"), bench.read("hstatus.SP2P")) == (0, 0)


@pytest.mark.rules("trap.hs.sp2v")
@pytest.mark.parametrize("revision", [after("sp2v-sp2p"), *LATER])
@pytest.mark.parametrize("mode", ["U", "HS", "VU", "VS"])
@pytest.mark.parametrize("old", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_trap_pushes_the_stack(revision: str, mode: str, old: tuple[int, int]) -> None:
    """SP2V and SP2P get what SPV and HS-level SPP were, be that in sstatus or in bsstatus."""
    bench = BackgroundBench(revision).writes(medeleg=ALL).write("hstatus.SPV", old[0])
    bench.write("sstatus.SPP", old[1]).write("bsstatus.SPP", 1 - old[1])
    assert cause(bench, mode, "ebreak") == 3
    assert (bench.read("hstatus.SP2V"), bench.read("hstatus.SP2P")) == old
    assert (bench.read("hstatus.SPV"), bench.read("sstatus.SPP")) == ENTRIES[mode]


@pytest.mark.rules("trap.hs.sp2v", "trap.sret.spv-after")
@pytest.mark.parametrize(("revision", "back"), [("h@0.1", "U"), ("h@0.2", "VS"), ("h@0.3", "VS")])
def test_a_trap_within_a_trap(revision: str, back: str) -> None:
    """A guest traps into HS-mode, which traps once more; two SRETs lead back only since 0.2."""
    bench = BackgroundBench(revision).writes(medeleg=ALL)
    assert cause(bench, "VS", "ecall") == 10
    assert cause(bench, "HS", "ebreak") == 3
    assert run(bench, "HS", "sret") is None
    assert bench.mode_name == "HS"
    assert run(bench, "HS", "sret") is None
    assert bench.mode_name == back


@pytest.mark.rules("trap.sret.vs")
@drafts
@pytest.mark.parametrize(("spp", "mode"), [(0, "VU"), (1, "VS")])
def test_sret_in_the_guest(draft: str, spp: int, mode: str) -> None:
    bench = BackgroundBench(draft).write("bsepc", CODE + 16).write("hstatus.SPV", 0)
    bench.write("bsstatus.SPP", spp).write("bsstatus.SPIE", 1).write("sstatus.SPP", 1)
    assert run(bench, "VS", "sret") is None
    assert (bench.mode_name, bench.hart.pc) == (mode, CODE + 16)
    status = [bench.read(f"sstatus.{it}") for it in ("SPP", "SIE", "SPIE")]
    assert status == [0, 1, 1]
    assert (bench.read("bsstatus.SPP"), bench.read("hstatus.SPV")) == (1, 0)


# HRET, which never got an encoding.

NUMBERS = """
revision: h@0.1-bound
title: Draft 0.1 with numbers for HRET and hvtval, made up for this test
status: draft
date: 2018-09-23
commit: 7f0b39ad
parent: h@0.1
changes:
  - id: made-up-numbers
    commit: 7f0b39ad
    date: 2018-09-23
    section: None
    breaks: []
    summary: Numbers for what has none.
    replace:
      instructions.hret.encoding: 001000000010 00000 000 00000 1110011
      csrs.hstatus.address: 0xA00
      csrs.hvtval.address: 0xA43
      csrs.mvtval.address: 0x7C0
"""


@pytest.fixture
def bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], BackgroundBench]:
    """Makes benches of draft 0.1 on which HRET can run."""
    specs = tmp_path / "specs"
    shutil.copytree(SPECS, specs)
    (specs / "bound.yaml").write_text(NUMBERS)
    isa = resolve("h@0.1-bound", specs=specs)
    monkeypatch.setattr(bench_module, "isa_of", lambda revision, parameters=(): isa)
    return lambda: BackgroundBench("h@0.1-bound")


@pytest.mark.rules("hret.effect", "background.swap.enter")
@pytest.mark.parametrize("mode", ["M", "HS"])
@pytest.mark.parametrize("spp", [0, 1])
def test_hret(bound: Callable[[], BackgroundBench], mode: str, spp: int) -> None:
    """HRET sets hstatus.SPV=1, then performs an SRET."""
    bench = bound().writes(sepc=CODE + 16, sscratch=1, bsscratch=2).write("sstatus.SPP", spp)
    assert run(bench, mode, "hret") is None
    assert (bench.mode_name, bench.hart.pc) == ("VS" if spp else "VU", CODE + 16)
    assert (bench.read("hstatus.SPV"), bench.read("sscratch")) == (1, 2)


@pytest.mark.rules("hret.allowed")
@pytest.mark.parametrize("tsr", [0, 1])
def test_who_may_hret(bound: Callable[[], BackgroundBench], tsr: int) -> None:
    """Valid only in HS-mode when TSR=0, or in M-mode."""
    for mode, expected in refused("U", "VS", "VU", *["HS"] * tsr).items():
        assert cause(bound().write("mstatus.TSR", tsr), mode, "hret") == expected, mode


def test_hret_was_never_encoded_and_went() -> None:
    assert resolve("h@0.1").instructions["hret"].encoding is None
    assert "hret" in resolve(before("hret-gone")).instructions
    assert "hret" not in resolve(after("hret-gone")).instructions
