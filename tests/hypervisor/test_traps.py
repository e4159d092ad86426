"""Entering and leaving traps, and what a trap leaves in hstatus, htval, mtval2 and the trap values.

From riscv-isa-manual, src/hypervisor.tex at cc43c1fe: "Trap Entry" (the tables of MPV/MPP, SPV/SPP
and vsstatus.SPP), "Trap Return", "Hypervisor Trap Value Register (htval)", "Machine Second Trap
Value Register (mtval2)", hstatus.GVA, "Trap Cause Codes"; changes to it at 62e022fa (VU-mode),
03624345 and 37545752 (GVA), 955126c5 (mtval).
"""

import pytest
from bench import (
    BASE,
    CODE,
    GUEST_PAGE,
    HANDLER,
    PAGE,
    REVISIONS,
    ROOT,
    RWX,
    TABLES,
    Bench,
    GuestBench,
    U,
)

drafts = pytest.mark.parametrize("draft", REVISIONS)

EBREAK, LOAD_PAGE_FAULT, ILLEGAL, VIRTUAL = 3, 13, 2, 22

# Mode → V and nominal privilege, as the tables of "Trap Entry" have them.
MODES = {"U": (0, 0), "HS": (0, 1), "M": (0, 3), "VU": (1, 0), "VS": (1, 1)}
BELOW_M = [mode for mode in MODES if mode != "M"]


# Entry


@drafts
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.rules("trap.m.mpv")
def test_a_trap_to_m_notes_mode_and_v(draft: str, mode: str) -> None:
    virtual, privilege = MODES[mode]
    bench = Bench(draft).mode(mode)
    bench.write("mstatus.MPV", 1 - virtual).write("mstatus.MPP", 0 if privilege else 3)
    bench.write("mstatus.MIE", 1).write("mstatus.MPIE", 0)
    trap = bench.run("ebreak")
    assert trap is not None
    assert (trap.to, trap.cause, trap.interrupt, trap.epc) == ("M", EBREAK, False, CODE)
    assert bench.mode_name == "M"
    assert bench.read("mstatus.MPV") == virtual
    assert bench.read("mstatus.MPP") == privilege
    assert (bench.read("mstatus.MIE"), bench.read("mstatus.MPIE")) == (0, 1)
    assert bench.hart.pc == HANDLER


@drafts
@pytest.mark.parametrize("mode", BELOW_M)
@pytest.mark.parametrize("spvp", [0, 1])
@pytest.mark.rules("trap.hs.spv", "trap.hs.spvp", "trap.hs.spvp-kept")
def test_a_trap_to_hs_notes_mode_and_v(draft: str, mode: str, spvp: int) -> None:
    virtual, privilege = MODES[mode]
    bench = Bench(draft).mode(mode).write("medeleg", 1 << EBREAK)
    bench.write("hstatus.SPV", 1 - virtual).write("sstatus.SPP", 1 - privilege)
    bench.write("hstatus.SPVP", spvp)
    bench.write("sstatus.SIE", 1).write("sstatus.SPIE", 0)
    guest = [bench.read(name) for name in ("vsstatus", "vsepc", "vscause", "vstval")]
    trap = bench.run("ebreak")
    assert trap is not None
    assert (trap.to, trap.cause, trap.interrupt, trap.epc) == ("HS", EBREAK, False, CODE)
    assert bench.mode_name == "HS"
    assert bench.read("hstatus.SPV") == virtual
    assert bench.read("sstatus.SPP") == privilege
    assert bench.read("hstatus.SPVP") == (privilege if virtual else spvp)
    assert (bench.read("sstatus.SIE"), bench.read("sstatus.SPIE")) == (0, 1)
    assert bench.hart.pc == HANDLER + 0x400
    assert guest == [bench.read(name) for name in ("vsstatus", "vsepc", "vscause", "vstval")]


@drafts
@pytest.mark.parametrize("mode", ["VS", "VU"])
@pytest.mark.parametrize("enabled", [0, 1])
@pytest.mark.rules("trap.vs.entry", "trap.vs.hs-untouched")
def test_a_trap_to_vs_stays_in_the_guest(draft: str, mode: str, enabled: int) -> None:
    bench = Bench(draft).mode(mode).writes(medeleg=1 << EBREAK, hedeleg=1 << EBREAK)
    bench.write("vsstatus.SPP", mode == "VU").write("vsstatus.SIE", enabled)
    bench.write("vsstatus.SPIE", 1 - enabled)
    # Values that a trap into HS-mode would change.
    bench.writes(sepc=0x1234, scause=7, stval=0x5678, htval=0x99, htinst=0x3000)
    bench.write("hstatus.SPVP", mode == "VU").write("hstatus.GVA", 1)
    bench.write("sstatus.SIE", 1).write("sstatus.SPP", mode == "VU")
    names = ("hstatus", "sstatus", "mstatus", "sepc", "scause", "stval", "htval", "htinst", "mepc")
    before = [bench.read(name) for name in names]
    trap = bench.run("nop\nebreak")
    assert trap is not None
    assert (trap.to, trap.cause, trap.interrupt, trap.epc) == ("VS", EBREAK, False, CODE + 4)
    assert bench.mode_name == "VS"
    assert trap.tval == CODE + 4
    assert bench.read("vsstatus.SPP") == (mode == "VS")
    assert (bench.read("vsstatus.SIE"), bench.read("vsstatus.SPIE")) == (0, enabled)
    assert bench.hart.pc == HANDLER + 0x800
    assert before == [bench.read(name) for name in names]


@drafts
@pytest.mark.parametrize(("vectored", "offset"), [(0, 0), (1, 4)])
@pytest.mark.rules("trap.vs.entry", "trap.vs.hs-untouched")
def test_an_interrupt_to_vs_goes_by_vstvec(draft: str, vectored: int, offset: int) -> None:
    bench = Bench(draft).mode("VS").writes(hideleg=4, hie=4, hvip=4)
    bench.write("vsstatus.SIE", 1).write("vstvec", HANDLER | vectored)
    bench.writes(vstval=0x77, sepc=0x1234)
    names = ("hstatus", "sstatus", "sepc", "scause")
    before = [bench.read(name) for name in names]
    trap = bench.interrupt()
    assert trap is not None
    assert (trap.to, trap.interrupt, trap.cause, trap.tval) == ("VS", True, 1, 0)
    assert bench.mode_name == "VS"
    assert bench.hart.pc == HANDLER + offset
    assert before == [bench.read(name) for name in names]


@drafts
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("medeleg", [0, 1])
@pytest.mark.parametrize("hedeleg", [0, 1])
@pytest.mark.rules(
    "trap.delegation", "hedeleg.effect", "hedeleg.not-from-hs", "hedeleg.needs-medeleg"
)
def test_where_an_exception_goes(draft: str, mode: str, medeleg: int, hedeleg: int) -> None:
    bench = Bench(draft).mode(mode).writes(medeleg=medeleg << EBREAK, hedeleg=hedeleg << EBREAK)
    trap = bench.run("ebreak")
    assert trap is not None
    expected = "M"
    if mode != "M" and medeleg:
        expected = "VS" if mode in ("VS", "VU") and hedeleg else "HS"
    assert trap.to == expected


@drafts
@pytest.mark.parametrize(("mode", "cause"), [("U", 8), ("HS", 9), ("M", 11), ("VU", 8), ("VS", 10)])
@pytest.mark.rules("trap.cause.ecall-vs")
def test_ecall_tells_its_mode(draft: str, mode: str, cause: int) -> None:
    trap = Bench(draft).mode(mode).run("ecall")
    assert trap is not None
    assert (trap.to, trap.cause) == ("M", cause)
    if mode != "M":
        trap = Bench(draft).mode(mode).write("medeleg", 1 << cause).run("ecall")
        assert trap is not None
        assert (trap.to, trap.cause) == ("HS", cause)


# Return


@drafts
@pytest.mark.parametrize("mpv", [0, 1])
@pytest.mark.parametrize("mpp", [0, 1, 3])
@pytest.mark.rules("trap.mret.mpv")
def test_mret(draft: str, mpv: int, mpp: int) -> None:
    bench = Bench(draft).write("mstatus.MPV", mpv).write("mstatus.MPP", mpp)
    bench.write("mstatus.MPIE", 1).write("mepc", CODE + 0x100)
    assert bench.run("mret") is None
    to = {(0, 0): "U", (0, 1): "HS", (1, 0): "VU", (1, 1): "VS"}.get((mpv, mpp), "M")
    assert bench.mode_name == to
    assert (bench.read("mstatus.MPV"), bench.read("mstatus.MPP")) == (0, 0)
    assert (bench.read("mstatus.MIE"), bench.read("mstatus.MPIE")) == (1, 1)
    assert bench.hart.pc == CODE + 0x100


@drafts
@pytest.mark.parametrize("mode", ["M", "HS"])
@pytest.mark.parametrize("spv", [0, 1])
@pytest.mark.parametrize("spp", [0, 1])
@pytest.mark.parametrize("spvp", [0, 1])
@pytest.mark.rules("trap.sret.spv", "trap.sret.spvp-kept")
def test_sret_outside_a_guest(draft: str, mode: str, spv: int, spp: int, spvp: int) -> None:
    bench = Bench(draft).mode(mode)
    bench.write("hstatus.SPV", spv).write("sstatus.SPP", spp).write("hstatus.SPVP", spvp)
    bench.write("sstatus.SPIE", 1).write("sepc", CODE + 0x100).write("vsepc", CODE + 0x200)
    bench.write("vsstatus.SPP", 1 - spp)
    guest = bench.read("vsstatus")
    assert bench.run("sret") is None
    assert bench.mode_name == {(0, 0): "U", (0, 1): "HS", (1, 0): "VU", (1, 1): "VS"}[spv, spp]
    assert (bench.read("hstatus.SPV"), bench.read("sstatus.SPP")) == (0, 0)
    assert (bench.read("sstatus.SIE"), bench.read("sstatus.SPIE")) == (1, 1)
    assert bench.read("hstatus.SPVP") == spvp
    assert bench.hart.pc == CODE + 0x100
    assert bench.read("vsstatus") == guest


@drafts
@pytest.mark.parametrize("spp", [0, 1])
@pytest.mark.parametrize("spv", [0, 1])
@pytest.mark.rules("trap.sret.vs", "trap.sret.spvp-kept")
def test_sret_in_vs(draft: str, spp: int, spv: int) -> None:
    bench = Bench(draft).mode("VS").write("vsstatus.SPP", spp)
    bench.write("vsstatus.SPIE", 1).write("vsepc", CODE + 0x200).write("sepc", CODE + 0x100)
    bench.write("hstatus.SPV", spv).write("hstatus.SPVP", 1 - spp).write("sstatus.SPP", 1 - spp)
    before = [bench.read("hstatus"), bench.read("sstatus")]
    assert bench.run("sret") is None
    assert bench.mode_name == ("VS" if spp else "VU")
    assert bench.read("vsstatus.SPP") == 0
    assert (bench.read("vsstatus.SIE"), bench.read("vsstatus.SPIE")) == (1, 1)
    assert bench.hart.pc == CODE + 0x200
    assert before == [bench.read("hstatus"), bench.read("sstatus")]


@drafts
@pytest.mark.rules("trap.sret.vu-mode")
def test_sret_in_vu(draft: str) -> None:
    # 62e022fa made it a virtual instruction.
    for vtsr in 0, 1:
        trap = Bench(draft).mode("VU").write("hstatus.VTSR", vtsr).run("sret")
        assert trap is not None
        assert trap.cause == (ILLEGAL if draft == ROOT else VIRTUAL)
    trap = Bench(draft).mode("U").run("sret")
    assert trap is not None
    assert trap.cause == ILLEGAL


@drafts
@pytest.mark.parametrize("tsr", [0, 1])
@pytest.mark.parametrize("vtsr", [0, 1])
@pytest.mark.rules("trap.tsr", "hstatus.vtsr")
def test_what_withholds_sret(draft: str, tsr: int, vtsr: int) -> None:
    causes = {"M": None, "HS": ILLEGAL if tsr else None, "VS": VIRTUAL if vtsr else None}
    for mode, cause in causes.items():
        bench = Bench(draft).mode(mode).write("mstatus.TSR", tsr).write("hstatus.VTSR", vtsr)
        trap = bench.run("sret")
        assert (trap and trap.cause) == cause


# htval and mtval2

TO = pytest.mark.parametrize("to", ["M", "HS"])
KINDS = {"load": ("ld a0, (a1)", 21), "store": ("sd a0, (a1)", 23), "fetch": ("jr a1", 20)}


def delegate(bench: Bench, to: str) -> None:
    if to == "HS":
        bench.write("medeleg", (1 << 24) - 1)


@drafts
@TO
@pytest.mark.parametrize("mode", ["VS", "VU"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reported", [0, 1])
@pytest.mark.rules("htval.guest-address", "mtval2.guest-address", "trap.guest-page-fault-tval")
def test_guest_page_fault_reports_both_addresses(
    draft: str, to: str, mode: str, kind: str, reported: int
) -> None:
    source, cause = KINDS[kind]
    bench = GuestBench(draft, {"HTVAL_ADDRESS": reported})
    bench.page(RWX | (U if mode == "VU" else 0), 0).start(mode)
    delegate(bench, to)
    trap = bench.run(source, a1=PAGE + 0x128) or bench.steps(1)
    assert trap is not None
    assert (trap.to, trap.cause, trap.tval) == (to, cause, PAGE + 0x128)
    assert trap.tval2 == (GUEST_PAGE + 0x128 >> 2 if reported else 0)


def after_a_guest_page_fault(bench: GuestBench) -> None:
    """Nothing of an earlier trap may linger."""
    bench.guest.map(PAGE + 0x4000, GUEST_PAGE + 0x4000)
    trap = bench.start("VS").run("ld a0, (a1)", a1=PAGE + 0x4000)
    assert trap is not None
    assert (trap.cause, trap.tval2) == (21, GUEST_PAGE + 0x4000 >> 2)


@drafts
@TO
@pytest.mark.rules("htval.other", "mtval2.other")
def test_other_traps_clear_the_guest_address(draft: str, to: str) -> None:
    programs = [
        ("VS", "ebreak", 3),
        ("VS", "mret", ILLEGAL),
        ("VS", "csrr a0, hstatus", VIRTUAL),
        ("VS", "ecall", 10),
        ("VU", "ecall", 8),
        ("VS", "ld a0, (a1)", 13),
        ("VS", "sd a0, (a1)", 15),
        ("VS", "ld a0, (a2)", 5),
        ("VS", "sd a0, (a2)", 7),
        ("U", "mret", ILLEGAL),
        ("HS", "mret", ILLEGAL),
    ]
    bench = GuestBench(draft)
    bench.host.map(GUEST_PAGE + 0x1000, BASE - 0x1000, RWX | U)
    bench.guest.map(PAGE + 0x1000, GUEST_PAGE + 0x1000)
    delegate(bench, to)
    for mode, source, cause in programs:
        after_a_guest_page_fault(bench)
        bench.start(mode).writes(mtval2=0x55, htval=0x66)
        trap = bench.run(source, a1=PAGE + 0x2000, a2=PAGE + 0x1000)
        assert trap is not None
        assert (trap.to, trap.cause, trap.tval2) == (to, cause, 0), source
        other = "htval" if to == "M" else "mtval2"
        assert bench.read(other) == (0x66 if to == "M" else 0x55)


@drafts
@pytest.mark.rules("htval.other", "mtval2.other")
def test_interrupts_clear_the_guest_address(draft: str) -> None:
    bench = GuestBench(draft)
    after_a_guest_page_fault(bench)
    bench.mode("VS").writes(hie=4, hvip=4, htval=0x66, mtval2=0x55)
    trap = bench.interrupt()
    assert trap is not None
    assert (trap.to, trap.cause, trap.tval2, trap.tval) == ("HS", 2, 0, 0)
    assert bench.read("mtval2") == 0x55
    bench = GuestBench(draft)
    after_a_guest_page_fault(bench)
    bench.mode("VS").writes(mie=2, mip=2, htval=0x66, mtval2=0x55)
    trap = bench.interrupt()
    assert trap is not None
    assert (trap.to, trap.cause, trap.tval2, trap.tval) == ("M", 1, 0, 0)
    assert bench.read("htval") == 0x66


def small_pages_for_tables(bench: GuestBench) -> None:
    """Map the tables' RAM in the G-stage page by page."""
    bench.host.map(TABLES, 0, 0, level=1)
    for offset in range(0, 64 << 12, 1 << 12):
        bench.host.map(TABLES + offset, TABLES + offset, RWX | U)


def vs_walk(bench: GuestBench, address: int) -> list[int]:
    """The addresses of the entries that a VS-stage walk reads, the root's first."""
    entries, table = [], bench.guest.root
    for level in 2, 1, 0:
        entries.append(table + 8 * (address >> (12 + 9 * level) & 0x1FF))
        table = bench.peek(entries[-1]) >> 10 << 12
    return entries


@drafts
@TO
@pytest.mark.parametrize("level", [2, 1, 0])
@pytest.mark.parametrize("kind", ["load", "store", "execute"])
@pytest.mark.rules("htval.implicit", "trap.guest-page-fault-tval", "mtval2.guest-address")
def test_a_fault_of_the_walk_reports_the_entry(draft: str, to: str, level: int, kind: str) -> None:
    source, cause = {
        "load": ("hlv.d a0, (a1)", 21),
        "store": ("hsv.d a0, (a1)", 23),
        "execute": ("hlvx.wu a0, (a1)", 21),
    }[kind]
    bench = GuestBench(draft).start("HS").write("hstatus.SPVP", 1)
    assert isinstance(bench, GuestBench)
    small_pages_for_tables(bench)
    entry = vs_walk(bench, PAGE)[2 - level]
    bench.host.map(entry, 0, 0)
    delegate(bench, to)
    trap = bench.run(source, a1=PAGE + 0x128)
    assert trap is not None
    assert (trap.to, trap.cause, trap.tval) == (to, cause, PAGE + 0x128)
    assert trap.tval2 == entry >> 2


@drafts
@pytest.mark.rules("htval.implicit", "trap.guest-page-fault-tval")
def test_a_fetch_whose_walk_fails_reports_the_entry(draft: str) -> None:
    bench = GuestBench(draft).start("VS")
    small_pages_for_tables(bench)
    entry = vs_walk(bench, CODE)[0]
    bench.host.map(entry, 0, 0)
    delegate(bench, "HS")
    trap = bench.run("nop")
    assert trap is not None
    assert (trap.to, trap.cause, trap.tval, trap.tval2) == ("HS", 20, CODE, entry >> 2)


@drafts
@TO
@pytest.mark.parametrize(("source", "cause"), [("ld a0, (a1)", 21), ("sd a0, (a1)", 23)])
@pytest.mark.rules("htval.misaligned", "trap.guest-page-fault-tval")
def test_misaligned_access_reports_the_part_that_failed(
    draft: str, to: str, source: str, cause: int
) -> None:
    bench = GuestBench(draft)
    far = GUEST_PAGE + 0x5000
    bench.guest.map(PAGE + 0x1000, far)
    bench.start("VS")
    delegate(bench, to)
    trap = bench.run(source, a1=PAGE + 0xFFC)
    assert trap is not None
    assert (trap.cause, trap.tval, trap.tval2) == (cause, PAGE + 0x1000, far >> 2)
    # The first page fails: the low two bits are left to the trap value.
    bench.page(RWX, 0).start("VS")
    trap = bench.run(source, a1=PAGE + 0xFFB)
    assert trap is not None
    assert (trap.cause, trap.tval, trap.tval2) == (cause, PAGE + 0xFFB, GUEST_PAGE + 0xFFB >> 2)


# Trap values


@drafts
@pytest.mark.parametrize("reported", [0, 1])
@pytest.mark.parametrize("to", ["M", "HS"])
@pytest.mark.rules("trap.virtual-instruction-tval")
def test_virtual_instruction_has_the_trap_value_of_illegal(
    draft: str, reported: int, to: str
) -> None:
    # csrrs a0, hstatus, x0 = 0x60002573; mret = 0x30200073
    for source, cause, bits in (
        ("csrr a0, hstatus", VIRTUAL, 0x60002573),
        ("mret", ILLEGAL, 0x30200073),
    ):
        bench = Bench(draft, {"TVAL_INSTRUCTION": reported}).mode("VS")
        delegate(bench, to)
        trap = bench.run(source)
        assert trap is not None
        assert (trap.to, trap.cause, trap.tval) == (to, cause, bits if reported else 0)


@pytest.mark.parametrize("draft", REVISIONS[2:])
@pytest.mark.rules("mtval.nonzero")
def test_mtval_holds_more_than_zero(draft: str) -> None:
    bench = Bench(draft)
    assert bench.run("csrw mtval, a0\ncsrr a1, mtval", a0=0x8123_4560) is None
    assert bench.reg("a1") == 0x8123_4560
    trap = bench.mode("VS").run("ld a0, (a1)", a1=BASE - 16)
    assert trap is not None
    assert (trap.to, trap.tval) == ("M", BASE - 16)


# GVA


def gva(bench: Bench, to: str) -> int:
    return bench.read("mstatus.GVA" if to == "M" else "hstatus.GVA")


# Program, cause, and whether it is a fault of a memory access, which set GVA from the root on.
CAUSES = [
    ("mret", 2, False),
    ("ld a0, (a1)", 13, True),
    ("sd a0, (a1)", 15, True),
    ("jr a1", 12, True),
    ("ld a0, (a2)", 5, True),
    ("sd a0, (a2)", 7, True),
    ("jr a2", 1, True),
]
GUEST_CAUSES = [
    ("ld a0, (a3)", 21, True),
    ("sd a0, (a3)", 23, True),
    ("jr a3", 20, True),
    ("csrr a0, hstatus", 22, False),
    ("ecall", 10, False),
]


def gva_bench(draft: str, to: str, **parameters: int) -> GuestBench:
    """Faults at a1 (page), a2 (nothing there) and a3 (G-stage), for the guest and for HS-mode."""
    bench = GuestBench(draft, parameters)
    bench.guest.map(PAGE + 0x1000, GUEST_PAGE + 0x1000)
    bench.host.map(GUEST_PAGE + 0x1000, BASE - 0x1000, RWX | U)
    bench.guest.map(PAGE + 0x2000, GUEST_PAGE + 0x2000)
    supervisor = bench.table().identity()
    supervisor.map(PAGE + 0x1000, BASE - 0x1000)
    bench.write("satp", supervisor.satp)
    delegate(bench, to)
    return bench


FAULTS = {"a1": PAGE + 0x3000, "a2": PAGE + 0x1000, "a3": PAGE + 0x2000}


@drafts
@TO
@pytest.mark.rules("trap.gva")
def test_gva_tells_a_guest_virtual_address(draft: str, to: str) -> None:
    bench = gva_bench(draft, to)
    for mode, causes in (("VS", CAUSES + GUEST_CAUSES), ("HS", CAUSES)):
        for source, cause, fault in causes:
            bench.start(mode)
            expected = int(fault and mode == "VS")
            bench.write("hstatus.GVA", 1 - expected).write("mstatus.GVA", 1 - expected)
            trap = bench.run(source, **FAULTS) or bench.steps(1)
            assert trap is not None
            assert (trap.to, trap.cause) == (to, cause)
            assert gva(bench, to) == expected, (mode, source)


@drafts
@pytest.mark.rules("trap.gva")
def test_an_interrupt_clears_gva(draft: str) -> None:
    bench = Bench(draft).mode("VS").writes(hie=4, hvip=4).write("hstatus.GVA", 1)
    trap = bench.interrupt()
    assert trap is not None
    assert (trap.to, bench.read("hstatus.GVA")) == ("HS", 0)


@drafts
@TO
@pytest.mark.parametrize("mode", ["VS", "VU", "HS", "U"])
@pytest.mark.rules("trap.gva-misaligned", "trap.gva")
def test_gva_after_a_misaligned_address(draft: str, to: str, mode: str) -> None:
    # 03624345 added the misaligned address; the end of label 0.6.1 has it.
    bench = GuestBench(draft, {"MISALIGNED": 0}).page(RWX | (U if mode == "VU" else 0))
    delegate(bench, to)
    for source, cause in (
        ("ld a0, (a1)", 4),
        ("sd a0, (a1)", 6),
        ("lr.d a0, (a1)", 4),
        ("amoadd.d a0, a2, (a1)", 6),
    ):
        bench.start(mode)
        trap = bench.run(source, a1=PAGE + 4 if mode in ("VS", "VU") else BASE + 0x1004)
        assert trap is not None
        assert (trap.to, trap.cause) == (to, cause)
        assert gva(bench, to) == (draft != ROOT and mode in ("VS", "VU"))


@drafts
@TO
@pytest.mark.parametrize("mode", ["VS", "VU", "HS", "U"])
@pytest.mark.parametrize("reported", [0, 1])
@pytest.mark.rules("trap.gva-breakpoint", "trap.gva")
def test_gva_after_a_breakpoint(draft: str, to: str, mode: str, reported: int) -> None:
    # 37545752 added the breakpoint, unless it leaves 0 in the trap value.
    bench = GuestBench(draft, {"TVAL_BREAKPOINT": reported}).start(mode)
    delegate(bench, to)
    trap = bench.run("ebreak")
    assert trap is not None
    assert (trap.to, trap.tval) == (to, CODE if reported else 0)
    assert gva(bench, to) == (draft != ROOT and mode in ("VS", "VU") and reported)


@drafts
@TO
@pytest.mark.rules("trap.gva-hlv")
def test_gva_after_a_fault_of_hlv(draft: str, to: str) -> None:
    bench = gva_bench(draft, to)
    for source, address, cause in (
        ("hlv.d a0, (a1)", "a1", 13),
        ("hsv.d a0, (a1)", "a1", 15),
        ("hlv.d a0, (a2)", "a2", 5),
        ("hsv.w a0, (a2)", "a2", 7),
        ("hlv.d a0, (a3)", "a3", 21),
        ("hsv.b a0, (a3)", "a3", 23),
        ("hlvx.hu a0, (a3)", "a3", 21),
    ):
        bench.start("HS").write("hstatus.SPVP", 1).write("hstatus.GVA", 0)
        trap = bench.run(source, **FAULTS)
        assert trap is not None
        assert (trap.to, trap.cause, trap.tval) == (to, cause, FAULTS[address])
        assert gva(bench, to) == 1
        assert bench.read("mstatus.MPV" if to == "M" else "hstatus.SPV") == 0


@drafts
@pytest.mark.parametrize("mpp", [0, 1])
@pytest.mark.parametrize("mpv", [0, 1])
@pytest.mark.rules("trap.gva-mprv")
def test_gva_after_a_fault_of_mprv(draft: str, mpp: int, mpv: int) -> None:
    bench = gva_bench(draft, "M")
    for source, cause in (("ld a0, (a1)", 13), ("sd a0, (a1)", 15)):
        bench.start("M")
        bench.write("mstatus.MPRV", 1).write("mstatus.MPP", mpp).write("mstatus.MPV", mpv)
        trap = bench.run(source, **FAULTS)
        assert trap is not None
        assert (trap.to, trap.cause, trap.tval) == ("M", cause, FAULTS["a1"])
        assert bench.read("mstatus.GVA") == mpv
        assert bench.read("mstatus.MPV") == 0
