"""henvcfg, hgatp and the registers that the guest sees as its own: vsatp, vsstatus, vsepc.

Text: riscv-isa-manual cc43c1fe, src/hypervisor.tex, "Hypervisor Guest Address Translation and
Protection Register (hgatp)", "Virtual Supervisor Status Register (vsstatus)", "Virtual Supervisor
Address Translation and Protection Register (vsatp)", "Virtual Supervisor Exception Program Counter
(vsepc)"; cb528b63, 9876f979, 80532969, f864c377 and f88f6b88 for henvcfg; 652ddfd4 for MODE 10;
aea8b05e for vsstatus.VS. That a guest's write to satp with an unsupported MODE has no effect is
src/supervisor.tex, "Supervisor Address Translation and Protection (satp) Register".
"""

from __future__ import annotations

import pytest
from bench import CODE, DATA, REVISIONS, RWX, Bench, since

ILLEGAL, VIRTUAL = 2, 22
ONES = (1 << 64) - 1
BARE, SV39, SV48, SV57 = 0, 8, 9, 10


def cause(bench: Bench, mode: str, source: str, **registers: int) -> int | None:
    bench.mode(mode).hart.pc = CODE
    trap = bench.run(source, **registers)
    return None if trap is None else trap.cause


# henvcfg.


@pytest.mark.rules("henvcfg.fiom")
@pytest.mark.parametrize("revision", since("h@0.6.2"))
def test_fiom_of_henvcfg(revision: str) -> None:
    bench = Bench(revision)
    for mode in ("HS", "M"):
        for value in (1, 0, 1):
            assert cause(bench, mode, "csrw 0x60A, a0\ncsrr a1, 0x60A", a0=value) is None
            assert bench.reg("a1") & 1 == value
    # A fence does the same work and more; this hart performs all accesses in order anyway.
    for mode in ("VS", "VU"):
        for source in ("fence iorw, iorw", "fence o, w", "amoadd.w.aqrl a0, a0, (a1)"):
            assert cause(bench, mode, source, a1=DATA) is None


@pytest.mark.rules("henvcfg.absent-extensions")
@pytest.mark.parametrize("revision", since("h@0.6.2"))
def test_fields_of_henvcfg_for_other_extensions(revision: str) -> None:
    """Sstc (63), Svpbmt (62, since f88f6b88), Zicboz (7), Zicbom (6, 5:4), or reserved."""
    bench = Bench(revision).write("henvcfg", ONES)
    assert bench.read("henvcfg") == 1
    assert cause(bench, "HS", "csrs 0x60A, a0\ncsrr a1, 0x60A", a0=ONES) is None
    assert bench.reg("a1") == 1
    for name in ("CBIE", "CBCFE", "CBZE", "VSTCE"):
        assert bench.read(f"henvcfg.{name}") == 0


@pytest.mark.rules("henvcfg.pbmte")
@pytest.mark.parametrize("revision", since("h@1.0"))
def test_pbmte_of_henvcfg(revision: str) -> None:
    bench = Bench(revision).writes(menvcfg=ONES, henvcfg=1 << 62)
    assert bench.read("henvcfg.PBMTE") == 0
    assert bench.read("henvcfg") >> 62 & 1 == 0
    # Bits 62 and 61 of a guest's page-table entries stay reserved.
    table = bench.table()
    for pbmt in (0, 1, 2):
        bench.poke(table.map(0x4000, DATA), DATA >> 12 << 10 | RWX | pbmt << 61)
        bench.writes(vsatp=table.satp)
        bench.write("hstatus.SPVP", 1)
        assert cause(bench, "HS", "hlv.b a1, (a0)", a0=0x4000) == (13 if pbmt else None)


# hgatp.


@pytest.mark.rules("hgatp.tvm")
@pytest.mark.parametrize("source", ["csrr a0, hgatp", "csrw hgatp, zero", "csrrs a0, hgatp, x0"])
@pytest.mark.parametrize("revision", REVISIONS)
def test_tvm_withholds_hgatp(revision: str, source: str) -> None:
    bench = Bench(revision)
    for tvm in (0, 1):
        bench.write("mstatus.TVM", tvm)
        assert cause(bench, "HS", source) == (ILLEGAL if tvm else None)
        assert cause(bench, "M", source) is None


def hgatp(mode: int, vmid: int, ppn: int) -> int:
    return mode << 60 | vmid << 44 | ppn


@pytest.mark.rules("hgatp.unsupported-mode")
@pytest.mark.parametrize("mode", [1, 2, 7, 10, 11, 13, 15])
@pytest.mark.parametrize("writer", ["HS", "M"])
@pytest.mark.parametrize("revision", REVISIONS)
def test_unsupported_modes_of_hgatp(revision: str, writer: str, mode: int) -> None:
    """The other fields change; MODE is WARL, so it becomes some legal value."""
    bench = Bench(revision).write("hgatp", hgatp(SV39, 3, 0x80200))
    value = hgatp(mode, 5, 0x80204)
    assert cause(bench, writer, "csrw hgatp, a0\ncsrr a1, hgatp", a0=value) is None
    assert bench.reg("a1") & (1 << 60) - 1 == hgatp(0, 5, 0x80204)
    supported = {BARE, SV39, SV48} | ({SV57} if revision in since("h@1.0.0-rc") else set())
    assert (bench.reg("a1") >> 60 == mode) == (mode in supported)
    assert bench.reg("a1") >> 60 in supported


@pytest.mark.rules("hgatp.unsupported-mode")
@pytest.mark.parametrize(("parameter", "mode"), [("SV39X4", SV39), ("SV48X4", SV48)])
@pytest.mark.parametrize("revision", REVISIONS)
def test_modes_of_hgatp_are_a_choice(revision: str, parameter: str, mode: int) -> None:
    for supported in (0, 1):
        bench = Bench(revision, {parameter: supported})
        bench.write("hgatp", hgatp(mode, 1, 4))
        assert bench.read("hgatp") == hgatp(mode if supported else BARE, 1, 4)


@pytest.mark.rules("hgatp.root-alignment")
@pytest.mark.parametrize("mode", [SV39, SV48])
@pytest.mark.parametrize("revision", REVISIONS)
def test_low_bits_of_the_root_read_as_zero(revision: str, mode: int) -> None:
    bench = Bench(revision)
    for low in range(4):
        bench.write("hgatp", hgatp(mode, 0, 0x80200 | low))
        assert bench.read("hgatp") == hgatp(mode, 0, 0x80200)


@pytest.mark.rules("hgatp.vmidlen")
@pytest.mark.parametrize("vmidlen", [0, 1, 7, 14])
@pytest.mark.parametrize("revision", REVISIONS)
def test_vmid_has_vmidlen_bits(revision: str, vmidlen: int) -> None:
    bench = Bench(revision, {"VMIDLEN": vmidlen})
    for mode in (BARE, SV39):
        for vmid in (0x3FFF, 0x1555, 0x2AAA, 1, 0):
            bench.write("hgatp", hgatp(mode, vmid, 0))
            assert bench.read("hgatp.VMID") == vmid & (1 << vmidlen) - 1
    # Neither of the bits above VMID is ever set.
    bench.write("hgatp", 3 << 58)
    assert bench.read("hgatp") == 0


# vsatp.


def vsatp(mode: int, asid: int, ppn: int) -> int:
    return mode << 60 | asid << 44 | ppn


@pytest.mark.rules("vsatp.unsupported-mode")
@pytest.mark.parametrize("mode", [1, 7, 11, 14, 15])
@pytest.mark.parametrize("writer", ["HS", "M"])
@pytest.mark.parametrize("revision", REVISIONS)
def test_unsupported_modes_of_vsatp_outside_a_guest(revision: str, writer: str, mode: int) -> None:
    bench = Bench(revision).write("vsatp", vsatp(SV39, 3, 0x80200))
    value = vsatp(mode, 5, 0x80301)
    assert cause(bench, writer, "csrw vsatp, a0\ncsrr a1, vsatp", a0=value) is None
    assert bench.reg("a1") & (1 << 60) - 1 == vsatp(0, 5, 0x80301)
    assert bench.reg("a1") >> 60 in (BARE, SV39, SV48, SV57)


@pytest.mark.rules("vsatp.unsupported-mode-guest")
@pytest.mark.parametrize("mode", [1, 7, 11, 14, 15])
@pytest.mark.parametrize("revision", REVISIONS)
def test_unsupported_modes_of_satp_in_a_guest(revision: str, mode: int) -> None:
    old = vsatp(BARE, 3, 0x80200)
    bench = Bench(revision).write("vsatp", old)
    value = vsatp(mode, 5, 0x80301)
    assert cause(bench, "VS", "csrw satp, a0\ncsrr a1, satp", a0=value) is None
    assert bench.reg("a1") == bench.read("vsatp") == old
    supported = vsatp(BARE, 5, 0x80301)
    assert cause(bench, "VS", "csrw satp, a0\ncsrr a1, satp", a0=supported) is None
    assert bench.reg("a1") == bench.read("vsatp") == supported


@pytest.mark.rules("vsatp.unsupported-mode", "vsatp.unsupported-mode-guest")
@pytest.mark.parametrize("revision", [r for r in REVISIONS if r not in since("h@1.0.0-rc")])
def test_sv57_is_none_of_the_first_modes_of_vsatp(revision: str) -> None:
    """At cc43c1fe Bare, Sv39 and Sv48; 10 is reserved until 652ddfd4."""
    bench = Bench(revision).write("vsatp", vsatp(SV57, 1, 2))
    assert bench.read("vsatp") == vsatp(BARE, 1, 2)
    assert cause(bench, "VS", "csrw satp, a0", a0=vsatp(SV57, 3, 4)) is None
    assert bench.read("vsatp") == vsatp(BARE, 1, 2)


@pytest.mark.rules("vsatp.sv57")
@pytest.mark.parametrize("largest", [SV39, SV48, SV57])
@pytest.mark.parametrize("revision", since("h@1.0.0-rc"))
def test_vsatp_has_the_modes_of_satp(revision: str, largest: int) -> None:
    bench = Bench(revision, {"SV48": int(largest >= SV48), "SV57": int(largest >= SV57)})
    for mode in range(16):
        bench.writes(satp=0, vsatp=0)
        bench.writes(satp=vsatp(mode, 1, 2), vsatp=vsatp(mode, 1, 2))
        supported = mode == BARE or SV39 <= mode <= largest
        assert bench.read("satp") == (vsatp(mode, 1, 2) if supported else 0)
        assert bench.read("vsatp") == vsatp(mode if supported else BARE, 1, 2)


@pytest.mark.rules("vsatp.sv57")
@pytest.mark.parametrize("revision", since("h@1.0.0-rc"))
def test_sv57_translates_for_the_guest(revision: str) -> None:
    bench = Bench(revision)
    table = bench.table(levels=5)
    address = 0x00AB_CDEF_0123_4000  # 56 bits: more than Sv48 has
    table.map(address, DATA)
    bench.poke(DATA, 0x77).writes(vsatp=table.satp)
    bench.write("hstatus.SPVP", 1)
    assert cause(bench, "HS", "hlv.d a1, (a0)", a0=address) is None
    assert bench.reg("a1") == 0x77
    assert cause(bench, "HS", "hlv.d a1, (a0)", a0=address | 1 << 57) == 13


@pytest.mark.rules("vsatp.tvm")
@pytest.mark.parametrize("source", ["csrr a0, vsatp", "csrw vsatp, zero"])
@pytest.mark.parametrize("revision", REVISIONS)
def test_tvm_does_not_withhold_vsatp(revision: str, source: str) -> None:
    """Neither by its own number nor as the guest's satp, which VTVM alone withholds."""
    bench = Bench(revision).write("mstatus.TVM", 1)
    for mode in ("HS", "M"):
        assert cause(bench, mode, source) is None
    assert cause(bench, "VS", source.replace("vsatp", "satp")) is None
    assert cause(bench, "HS", source.replace("vsatp", "satp")) == ILLEGAL


# vsstatus.

FLOAT_LOAD, FLOAT_ADD, FLOAT_CSR = ".word 0x00052007", ".word 0x00000053", "csrr a1, 0x001"
VECTOR_LOAD, VECTOR_SETUP = ".word 0x02050007", ".word 0x0C007057"


@pytest.mark.rules("vsstatus.summary-bits")
@pytest.mark.parametrize("revision", REVISIONS)
def test_summary_bits_of_vsstatus(revision: str) -> None:
    """SD and XS are read-only and tell of what VS-mode sees."""
    bench = Bench(revision).writes(mstatus=ONES, sstatus=ONES)
    for value in (ONES, 1 << 63 | 3 << 15, 0):
        bench.write("vsstatus", value)
        assert bench.read("vsstatus") >> 15 & 3 == 0
        fs = bench.read("vsstatus") >> 13 & 3
        vs = bench.read("vsstatus") >> 9 & 3
        assert bench.read("vsstatus") >> 63 == (3 in (fs, vs))
    # Nor is there anything in the bits that are reserved.
    bench.write("vsstatus", ONES)
    known = 1 << 63 | 3 << 32 | 1 << 19 | 1 << 18 | 3 << 15 | 3 << 13 | 3 << 9 | 0x162
    assert bench.read("vsstatus") & ~known == 0


@pytest.mark.parametrize("mode", ["VS", "VU"])
@pytest.mark.parametrize("source", [FLOAT_LOAD, FLOAT_ADD, FLOAT_CSR])
@pytest.mark.parametrize("revision", REVISIONS)
def test_without_floating_point_both_fields_are_off(revision: str, source: str, mode: str) -> None:
    """Either FS being Off makes it an illegal instruction, not a virtual one."""
    bench = Bench(revision, {"FLEN": 0}).writes(mstatus=3 << 13, vsstatus=3 << 13)
    assert bench.read("vsstatus") >> 13 & 3 == bench.read("sstatus") >> 13 & 3 == 0
    assert cause(bench, mode, source, a0=DATA) == ILLEGAL
    assert bench.read("vsstatus") >> 13 & 3 == bench.read("sstatus") >> 13 & 3 == 0


@pytest.mark.rules("vsstatus.both-vs")
@pytest.mark.parametrize("mode", ["VS", "VU"])
@pytest.mark.parametrize("source", [VECTOR_LOAD, VECTOR_SETUP, "csrr a1, 0xC20"])
@pytest.mark.parametrize("revision", since("h@1.0.0-rc"))
def test_vectors_are_off_in_both_fields(revision: str, source: str, mode: str) -> None:
    bench = Bench(revision).writes(mstatus=3 << 9, vsstatus=3 << 9)
    assert bench.read("vsstatus.VS") == bench.read("sstatus") >> 9 & 3 == 0
    assert cause(bench, mode, source, a0=DATA) == ILLEGAL
    assert bench.read("vsstatus.VS") == bench.read("sstatus") >> 9 & 3 == 0


# vsepc.


@pytest.mark.rules("vsepc.even")
@pytest.mark.parametrize("value", [0, 1, 2, 3, CODE, CODE | 1, ONES, 0x1234_5678_9ABC_DEF1])
@pytest.mark.parametrize("revision", REVISIONS)
def test_vsepc_holds_what_sepc_can(revision: str, value: int) -> None:
    bench = Bench(revision)
    assert cause(bench, "HS", "csrw vsepc, a0\ncsrr a1, vsepc", a0=value) is None
    assert cause(bench, "HS", "csrw sepc, a0\ncsrr a2, sepc", a0=value) is None
    assert bench.reg("a1") == bench.reg("a2")
    assert bench.reg("a1") & 1 == 0
    assert cause(bench, "VS", "csrw sepc, a0\ncsrr a3, sepc", a0=value) is None
    assert bench.reg("a3") == bench.reg("a1")
    # All addresses of the bench's memory fit, at 16 bits' alignment, since there is C.
    if value <= CODE | 1:
        assert bench.reg("a1") == value & ~1
