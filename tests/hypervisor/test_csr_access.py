"""Who may access which CSR, and which exception refuses it.

Text: riscv-isa-manual, src/hypervisor.tex, "Hypervisor and Virtual Supervisor CSRs" and "Trap Cause
Codes", src/priv-csrs.tex for the numbers. At cc43c1fe only VS-mode's accesses raise virtual
instruction; VU-mode's join at 62e022fa; f436300f wants the same access (read or write) to be
allowed in HS-mode; a95fbcef takes mstatus.TVM as zero for that and makes high halves illegal at
XLEN=64.
"""

from __future__ import annotations

import pytest
from bench import CODE, DATA, HANDLER, REVISIONS, ROOT, RWX, Bench, since

ILLEGAL, VIRTUAL = 2, 22

HYPERVISOR = {
    "hstatus": 0x600, "hedeleg": 0x602, "hideleg": 0x603, "hie": 0x604, "htimedelta": 0x605,
    "hcounteren": 0x606, "hgeie": 0x607, "htval": 0x643, "hip": 0x644, "hvip": 0x645,
    "htinst": 0x64A, "hgatp": 0x680,
}  # fmt: skip
HGEIP = 0xE12
HENVCFG = 0x60A
VIRTUAL_SUPERVISOR = {
    "vsstatus": 0x200, "vsie": 0x204, "vstvec": 0x205, "vsscratch": 0x240, "vsepc": 0x241,
    "vscause": 0x242, "vstval": 0x243, "vsip": 0x244, "vsatp": 0x280,
}  # fmt: skip
SUPERVISOR = {
    "sstatus": 0x100, "sie": 0x104, "stvec": 0x105, "scounteren": 0x106, "sscratch": 0x140,
    "sepc": 0x141, "scause": 0x142, "stval": 0x143, "sip": 0x144, "satp": 0x180,
}  # fmt: skip
MACHINE = {
    "mvendorid": 0xF11, "mstatus": 0x300, "misa": 0x301, "medeleg": 0x302, "mie": 0x304,
    "mtvec": 0x305, "mscratch": 0x340, "mepc": 0x341, "mcause": 0x342, "mip": 0x344,
    "mtinst": 0x34A, "mtval2": 0x34B, "pmpcfg0": 0x3A0, "mcycle": 0xB00,
}  # fmt: skip
MISSING = (
    0x101,  # nothing
    0x14D, 0x15D,  # stimecmp and stimecmph, without Sstc
    0x201, 0x202, 0x203, 0x206,  # there are no vsedeleg, vsideleg and vscounteren
    0x601, 0x640, 0x681, 0x6C0,  # nothing
    0x6A8,  # hcontext, of the debug specification
    0xE10, 0xE13,  # nothing, read-only
)  # fmt: skip
HIGH_HALVES = (
    0x615, 0x61A, 0x15D,  # htimedeltah, henvcfgh, stimecmph
    0xC80, 0xC81, 0xC82, 0xC83, 0xC9F,  # cycleh, timeh, instreth, hpmcounter3h, hpmcounter31h
)  # fmt: skip


def hypervisor_csrs(revision: str) -> list[int]:
    """The numbers of those hypervisor CSRs that can be written."""
    later = [HENVCFG] if revision in since("h@0.6.2") else []
    return [*HYPERVISOR.values(), *later]


def access(bench: Bench, mode: str, number: int, *, write: bool = False) -> int | None:
    """Read or write a CSR in this mode; the cause of the exception."""
    bench.mode(mode)
    bench.hart.pc = CODE
    source = f"csrw {number:#x}, a0" if write else f"csrr a0, {number:#x}"
    trap = bench.run(source, a0=0)
    assert trap is None or (not trap.interrupt and trap.epc == CODE)
    return None if trap is None else trap.cause


def all_accesses(bench: Bench, mode: str, numbers: list[int]) -> set[tuple[int, int | None]]:
    """The outcomes of reading and of writing each of the CSRs: number and cause."""
    return {(n, access(bench, mode, n, write=write)) for n in numbers for write in (False, True)}


def uniform(numbers: list[int], cause: int | None) -> set[tuple[int, int | None]]:
    return {(number, cause) for number in numbers}


@pytest.mark.rules("csr.hs.access", "csr.privilege")
@pytest.mark.parametrize("mode", ["HS", "M"])
@pytest.mark.parametrize("revision", REVISIONS)
def test_hs_and_m_mode_access_hypervisor_and_vs_csrs(revision: str, mode: str) -> None:
    numbers = [*hypervisor_csrs(revision), *VIRTUAL_SUPERVISOR.values()]
    assert all_accesses(Bench(revision), mode, numbers) == uniform(numbers, None)


@pytest.mark.rules("csr.hs.access")
@pytest.mark.parametrize("mode", ["HS", "M"])
@pytest.mark.parametrize("revision", REVISIONS)
def test_hs_and_m_mode_read_and_do_not_write_hgeip(revision: str, mode: str) -> None:
    bench = Bench(revision)
    assert access(bench, mode, HGEIP) is None
    assert access(bench, mode, HGEIP, write=True) == ILLEGAL


@pytest.mark.rules("csr.hs.access", "csr.vs.no-effect")
@pytest.mark.parametrize("revision", REVISIONS)
def test_hs_mode_reads_back_what_it_wrote_to_vs_csrs(revision: str) -> None:
    bench = Bench(revision).mode("HS")
    for name in ("vsscratch", "vsepc", "vstval"):
        bench.hart.pc = CODE
        assert bench.run(f"csrw {name}, a0\ncsrr a1, {name}", a0=0x1234_5678_9ABC) is None
        assert bench.reg("a1") == 0x1234_5678_9ABC
        assert bench.read("s" + name[2:]) == 0


@pytest.mark.rules("csr.hs.user", "csr.privilege")
@pytest.mark.parametrize("revision", REVISIONS)
def test_user_mode_gets_illegal_instruction(revision: str) -> None:
    numbers = [*hypervisor_csrs(revision), HGEIP, *VIRTUAL_SUPERVISOR.values()]
    bench = Bench(revision).write("hstatus.HU", 1)
    assert all_accesses(bench, "U", numbers) == uniform(numbers, ILLEGAL)


@pytest.mark.rules("csr.hs.vs-mode", "csr.privilege")
@pytest.mark.parametrize("revision", REVISIONS)
def test_vs_mode_gets_virtual_instruction(revision: str) -> None:
    numbers = [*hypervisor_csrs(revision), *VIRTUAL_SUPERVISOR.values()]
    bench = Bench(revision)
    assert all_accesses(bench, "VS", numbers) == uniform(numbers, VIRTUAL)
    assert access(bench, "VS", HGEIP) == VIRTUAL


@pytest.mark.rules("csr.hs.vu-mode", "csr.privilege")
@pytest.mark.parametrize("revision", REVISIONS)
def test_vu_mode_gets_illegal_instruction_at_first_and_then_virtual(revision: str) -> None:
    expected = ILLEGAL if revision == ROOT else VIRTUAL
    numbers = [*hypervisor_csrs(revision), *VIRTUAL_SUPERVISOR.values()]
    bench = Bench(revision)
    assert all_accesses(bench, "VU", numbers) == uniform(numbers, expected)
    assert access(bench, "VU", HGEIP) == expected


@pytest.mark.rules("csr.hs.vs-mode-write")
@pytest.mark.parametrize("revision", REVISIONS)
def test_a_guest_that_writes_hgeip(revision: str) -> None:
    bench = Bench(revision)
    later = revision in since("h@0.6.2")
    assert access(bench, "VS", HGEIP) == VIRTUAL
    assert access(bench, "VS", HGEIP, write=True) == (ILLEGAL if later else VIRTUAL)
    if later:
        assert access(bench, "VU", HGEIP) == VIRTUAL
        assert access(bench, "VU", HGEIP, write=True) == ILLEGAL


@pytest.mark.rules("csr.hs.vs-mode-write")
@pytest.mark.parametrize("revision", REVISIONS)
def test_setting_no_bits_of_hgeip_is_a_read(revision: str) -> None:
    """Zicsr: CSRRS and CSRRC with rs1=x0 do not write at all."""
    bench = Bench(revision)
    for source in ("csrrs a0, 0xE12, x0", "csrrc a0, 0xE12, x0", "csrrsi a0, 0xE12, 0"):
        bench.mode("VS").hart.pc = CODE
        trap = bench.run(source)
        assert trap is not None
        assert trap.cause == VIRTUAL
        bench.mode("HS").hart.pc = CODE
        assert bench.run(source) is None


@pytest.mark.rules("csr.s.vu-mode", "csr.privilege")
@pytest.mark.parametrize("revision", REVISIONS)
def test_supervisor_csrs_in_vu_mode(revision: str) -> None:
    expected = ILLEGAL if revision == ROOT else VIRTUAL
    numbers = list(SUPERVISOR.values())
    bench = Bench(revision)
    assert all_accesses(bench, "VU", numbers) == uniform(numbers, expected)
    assert all_accesses(bench, "U", numbers) == uniform(numbers, ILLEGAL)
    for mode in ("VS", "HS", "M"):
        assert all_accesses(bench, mode, numbers) == uniform(numbers, None)


@pytest.mark.rules("csr.m.guest", "csr.privilege")
@pytest.mark.parametrize("mode", ["VS", "VU"])
@pytest.mark.parametrize("revision", REVISIONS)
def test_machine_csrs_are_illegal_in_a_guest(revision: str, mode: str) -> None:
    numbers = list(MACHINE.values())
    assert all_accesses(Bench(revision), mode, numbers) == uniform(numbers, ILLEGAL)


@pytest.mark.rules("csr.missing.guest")
@pytest.mark.parametrize("mode", ["VS", "VU", "U", "HS", "M"])
@pytest.mark.parametrize("revision", REVISIONS)
def test_missing_csrs_are_illegal_in_every_mode(revision: str, mode: str) -> None:
    later = [] if revision in since("h@0.6.2") else [HENVCFG]
    numbers = [*MISSING, *later]
    assert all_accesses(Bench(revision), mode, numbers) == uniform(numbers, ILLEGAL)


@pytest.mark.rules("csr.high-half.guest")
@pytest.mark.parametrize("mode", ["VS", "VU"])
@pytest.mark.parametrize("revision", since("h@0.6.2"))
def test_high_halves_are_illegal_in_a_guest_of_64_bits(revision: str, mode: str) -> None:
    """Whether or not hcounteren would have refused the low half as virtual instruction."""
    bench = Bench(revision)
    numbers = list(HIGH_HALVES)
    for enabled in (0, 0xFFFF_FFFF):
        bench.writes(mcounteren=0xFFFF_FFFF, hcounteren=enabled, scounteren=enabled)
        assert all_accesses(bench, mode, numbers) == uniform(numbers, ILLEGAL)
    bench.writes(hcounteren=0)
    assert access(bench, mode, 0x605) == VIRTUAL
    assert access(bench, mode, 0xC00) == VIRTUAL


@pytest.mark.rules("csr.hs.guest-tvm")
@pytest.mark.parametrize("mode", ["VS", "VU"])
@pytest.mark.parametrize("tvm", [0, 1])
@pytest.mark.parametrize("revision", since("h@0.6.2"))
def test_hgatp_in_a_guest_whatever_tvm_says(revision: str, tvm: int, mode: str) -> None:
    bench = Bench(revision).write("mstatus.TVM", tvm)
    assert all_accesses(bench, mode, [0x680]) == {(0x680, VIRTUAL)}
    assert access(bench, "HS", 0x680) == (ILLEGAL if tvm else None)


@pytest.mark.rules("csr.s.vu-tvm")
@pytest.mark.parametrize("tvm", [0, 1])
@pytest.mark.parametrize("vtvm", [0, 1])
@pytest.mark.parametrize("revision", since("h@0.6.2"))
def test_satp_in_vu_mode_whatever_tvm_says(revision: str, tvm: int, vtvm: int) -> None:
    bench = Bench(revision).write("mstatus.TVM", tvm).write("hstatus.VTVM", vtvm)
    assert all_accesses(bench, "VU", [0x180]) == {(0x180, VIRTUAL)}
    assert access(bench, "HS", 0x180) == (ILLEGAL if tvm else None)


@pytest.mark.rules("csr.hs.guest-tvm", "csr.s.vu-tvm")
@pytest.mark.parametrize(("mode", "number"), [("VS", 0x680), ("VU", 0x680), ("VU", 0x180)])
def test_tvm_made_them_illegal_between_f436300f_and_a95fbcef(mode: str, number: int) -> None:
    """f436300f counts only accesses that "would be allowed in HS-mode", which TVM forbids."""
    bench = Bench("h@0.6.2@2021-08-05")
    assert access(bench, mode, number) == VIRTUAL
    bench.write("mstatus.TVM", 1)
    assert access(bench, mode, number) == ILLEGAL
    bench.write("mstatus.TVM", 0)
    assert access(bench, mode, number, write=True) == VIRTUAL


# The replicas.

SAMPLES = {
    "sscratch": 0x1122_3344_5566_7788,
    "stvec": HANDLER + 0x100,
    "sepc": 0x1234_5678,
    "scause": 5,
    "stval": 0xABCD_EF01,
    "satp": 7 << 44 | 0x123,  # MODE Bare; the bench runs on physical addresses
    "sstatus": 1 << 5 | 1 << 8 | 1 << 18 | 1 << 19,  # SPIE, SPP, SUM, MXR
}


@pytest.mark.rules("csr.vs.substitute", "csr.vs.hs-keeps-value")
@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("revision", REVISIONS)
def test_a_supervisor_number_reaches_the_replica_in_vs_mode(revision: str, name: str) -> None:
    bench = Bench(revision).mode("VS")
    value, replica = SAMPLES[name], "vs" + name[1:]
    before_write = bench.read(name)
    assert bench.run(f"csrw {name}, a0\ncsrr a1, {name}", a0=value) is None
    constant = 2 << 32 if name == "sstatus" else 0  # UXL: 64 bits
    assert bench.read(replica) == value | constant
    assert bench.reg("a1") == value | constant
    assert bench.read(name) == before_write
    # The way back: what HS-mode has there is not what VS-mode reads.
    bench.write(replica, 0)
    bench.write(name, value)
    bench.hart.pc = CODE
    assert bench.run(f"csrr a1, {name}") is None
    assert bench.reg("a1") == constant


@pytest.mark.rules("csr.vs.substitute", "csr.vs.hs-keeps-value")
@pytest.mark.parametrize("revision", REVISIONS)
def test_sie_and_sip_of_vs_mode_are_vsie_and_vsip(revision: str) -> None:
    bench = Bench(revision).writes(mideleg=0x222, hideleg=0x444).mode("VS")
    assert bench.run("csrw sie, a0\ncsrw sip, a0\ncsrr a1, sie\ncsrr a2, sip", a0=0x222) is None
    assert bench.read("vsie") == bench.reg("a1") == 0x222
    assert bench.read("vsip") == bench.reg("a2") == 0x002
    assert bench.read("sie") == bench.read("sip") == 0
    assert bench.read("hie") == 0x444


@pytest.mark.rules("csr.vs.substitute")
@pytest.mark.parametrize("mode", ["HS", "M"])
@pytest.mark.parametrize("revision", REVISIONS)
def test_a_supervisor_number_is_itself_outside_a_guest(revision: str, mode: str) -> None:
    bench = Bench(revision).mode(mode)
    for name in ("sscratch", "sepc", "stval"):
        bench.write("vs" + name[1:], 0x40)
        bench.hart.pc = CODE
        assert bench.run(f"csrw {name}, a0\ncsrr a1, {name}", a0=0x1234_5678) is None
        assert bench.reg("a1") == bench.read(name) == 0x1234_5678
        assert bench.read("vs" + name[1:]) == 0x40


@pytest.mark.rules("csr.vs.hs-keeps-value")
@pytest.mark.parametrize("mode", ["VS", "VU"])
@pytest.mark.parametrize("revision", REVISIONS)
def test_hs_level_csrs_have_no_effect_in_a_guest(revision: str, mode: str) -> None:
    """Neither satp, of an unmapped table, nor stvec and sstatus when a trap goes to VS-mode."""
    bench = Bench(revision)
    broken = bench.table()
    bench.writes(medeleg=1 << 3, hedeleg=1 << 3, stvec=HANDLER + 0x300, satp=broken.satp)
    bench.writes(sepc=0x10, scause=7, stval=0x30, sscratch=0x40)
    kept = ("sstatus", "sepc", "scause", "stval", "sscratch", "stvec", "satp")
    values = {name: bench.read(name) for name in kept}
    bench.mode(mode)
    bench.poke(DATA, 0x55)
    assert bench.run("ld a1, (a0)", a0=DATA) is None
    assert bench.reg("a1") == 0x55
    trap = bench.run("ebreak")
    assert trap is not None
    assert (trap.to, trap.cause) == ("VS", 3)
    assert bench.hart.pc == HANDLER + 0x800
    assert {name: bench.read(name) for name in kept} == values


@pytest.mark.rules("csr.vs.no-effect")
@pytest.mark.parametrize("mode", ["M", "HS", "U"])
@pytest.mark.parametrize("revision", REVISIONS)
def test_vs_csrs_have_no_effect_outside_a_guest(revision: str, mode: str) -> None:
    """Neither vsatp, of an unmapped table, nor vstvec, nor vsstatus.SIE and a pending VSSI."""
    bench = Bench(revision)
    broken = bench.table()
    bench.writes(vsatp=broken.satp, vstvec=HANDLER + 0x900, vsstatus=1 << 1 | 3 << 18)
    bench.writes(medeleg=1 << 3, hedeleg=1 << 3, hideleg=0x444, mie=0x444, hvip=0x444)
    kept = ("vsstatus", "vsepc", "vscause", "vstval", "vstvec", "vsatp")
    values = {name: bench.read(name) for name in kept}
    bench.mode(mode)
    bench.write("sstatus", 1 << 1)
    bench.poke(DATA, 0x55)
    assert bench.interrupt() is None
    assert bench.run("ld a1, (a0)", a0=DATA) is None
    assert bench.reg("a1") == 0x55
    trap = bench.run("ebreak")
    assert trap is not None
    assert (trap.to, trap.cause) == ("M" if mode == "M" else "HS", 3)
    assert bench.hart.pc == HANDLER + (0 if mode == "M" else 0x400)
    assert {name: bench.read(name) for name in kept} == values


@pytest.mark.rules("csr.vs.no-effect")
@pytest.mark.parametrize("revision", REVISIONS)
def test_vs_csrs_count_for_accesses_made_as_though_in_a_guest(revision: str) -> None:
    bench = Bench(revision).mode("HS")
    table = bench.table()
    table.map(0x4000, DATA, RWX)
    bench.writes(vsatp=table.satp)
    bench.write("hstatus.SPVP", 1)
    bench.poke(DATA, 0x66)
    assert bench.run("hlv.d a1, (a0)", a0=0x4000) is None
    assert bench.reg("a1") == 0x66
    trap = bench.run("hlv.d a1, (a0)", a0=0x5000)
    assert trap is not None
    assert trap.cause == 13


@pytest.mark.rules("csr.vs.without-replica")
@pytest.mark.parametrize("revision", REVISIONS)
def test_scounteren_has_no_replica(revision: str) -> None:
    bench = Bench(revision).writes(mcounteren=7, hcounteren=7, scounteren=2).mode("VS")
    assert bench.run("csrr a1, scounteren\ncsrw scounteren, a0", a0=5) is None
    assert bench.reg("a1") == 2
    assert bench.read("scounteren") == 5
    for mode in ("U", "VU"):
        assert access(bench, mode, 0xC00) is None
        assert access(bench, mode, 0xC01) is not None


@pytest.mark.rules("csr.vs.without-replica")
@pytest.mark.parametrize("revision", since("h@0.6.2"))
def test_senvcfg_has_no_replica(revision: str) -> None:
    bench = Bench(revision).writes(senvcfg=1).mode("VS")
    assert bench.run("csrr a1, senvcfg\ncsrw senvcfg, a0", a0=0) is None
    assert bench.reg("a1") == 1
    assert bench.read("senvcfg") == 0
    assert access(bench, "VU", 0x10A) == VIRTUAL
