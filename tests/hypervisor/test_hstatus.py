"""misa.H, the modes, and the control bits of hstatus.

Text: riscv-isa-manual cc43c1fe, src/hypervisor.tex, "Hypervisor Extension", "Privilege Modes" and
"Hypervisor Status Register (hstatus)"; 62e022fa for what VU-mode raises.
"""

from __future__ import annotations

import pytest
from bench import CODE, DATA, REVISIONS, ROOT, RWX, Bench, Trap, U, since

ILLEGAL, VIRTUAL = 2, 22
VIRTUAL_ADDRESS = 0x4000_0000


def run(bench: Bench, mode: str, source: str, **registers: int) -> Trap | None:
    bench.mode(mode).hart.pc = CODE
    return bench.run(source, **registers)


def cause(bench: Bench, mode: str, source: str, **registers: int) -> int | None:
    trap = run(bench, mode, source, **registers)
    return None if trap is None else trap.cause


@pytest.mark.rules("misa.h")
@pytest.mark.parametrize("revision", REVISIONS)
def test_misa_shows_the_extension(revision: str) -> None:
    """After reset misa shows all there is; bit 7 may be writable, but is set while H is in use."""
    bench = Bench(revision)
    assert bench.read("misa") >> 7 & 1
    assert cause(bench, "HS", "csrr a0, 0x600") is None
    assert "misa.H" not in Bench("priv@1.12").isa.csrs
    assert not Bench("priv@1.12").read("misa") >> 7 & 1


@pytest.mark.rules("mode.v-reset")
@pytest.mark.parametrize("revision", REVISIONS)
def test_reset_leaves_the_guest(revision: str) -> None:
    bench = Bench(revision)
    assert bench.mode_name == "M"
    bench.mode("VU")
    bench.engine.reset()
    assert bench.mode_name == "M"


# Which modes translate in two stages.


def two_stages(revision: str) -> Bench:
    """VS-stage, G-stage and HS-level tables that send one address to different places.

    0x4000_0000 goes by the VS-stage to itself, and by the G-stage to DATA + 0x1000; by satp it goes
    to DATA + 0x2000.
    """
    bench = Bench(revision)
    guest, host, own = bench.table(), bench.table(wide=True), bench.table()
    for table, bits in ((guest, RWX), (host, RWX | U), (own, RWX)):
        table.identity(bits)
    guest.map(VIRTUAL_ADDRESS, VIRTUAL_ADDRESS)
    guest.map(VIRTUAL_ADDRESS + 0x1000, VIRTUAL_ADDRESS, RWX | U)
    # The guest's user mode needs code of its own: 0x8000 there is its CODE.
    guest.map(0x8000, CODE & -4096, RWX | U)
    own.map(0x8000, CODE & -4096, RWX | U)
    host.map(VIRTUAL_ADDRESS, DATA + 0x1000, RWX | U)
    own.map(VIRTUAL_ADDRESS, DATA + 0x2000)
    own.map(VIRTUAL_ADDRESS + 0x1000, DATA + 0x2000, RWX | U)
    bench.poke(DATA + 0x1000, 0x11).poke(DATA + 0x2000, 0x22)
    bench.two_stages(guest=guest, host=host).write("satp", own.satp)
    bench.place("ld a1, (a0)", CODE)
    return bench


@pytest.mark.rules("mode.two-stage")
@pytest.mark.parametrize(
    ("mode", "pc", "address", "expected"),
    [
        ("VS", CODE, VIRTUAL_ADDRESS, 0x11),
        ("VU", 0x8000 | CODE & 0xFFF, VIRTUAL_ADDRESS + 0x1000, 0x11),
        ("HS", CODE, VIRTUAL_ADDRESS, 0x22),
        ("U", 0x8000 | CODE & 0xFFF, VIRTUAL_ADDRESS + 0x1000, 0x22),
        ("M", CODE, DATA + 0x2000, 0x22),
    ],
)
@pytest.mark.parametrize("revision", REVISIONS)
def test_two_stages_only_in_a_guest(
    revision: str, mode: str, pc: int, address: int, expected: int
) -> None:
    bench = two_stages(revision).mode(mode)
    bench.hart.pc = pc
    assert bench.steps(1, a0=address) is None
    assert bench.reg("a1") == expected


@pytest.mark.rules("mode.two-stage")
@pytest.mark.parametrize("mode", ["HS", "U", "M"])
@pytest.mark.parametrize("revision", REVISIONS)
def test_an_empty_g_stage_harms_nobody_outside_a_guest(revision: str, mode: str) -> None:
    bench = Bench(revision)
    bench.two_stages(guest=bench.table(), host=bench.table(wide=True))
    assert cause(bench, mode, "ld a1, (a0)", a0=DATA) is None
    assert cause(bench, "VS", "ld a1, (a0)", a0=DATA) == 20


# Fields.


@pytest.mark.rules("hstatus.vsxl")
@pytest.mark.parametrize("revision", REVISIONS)
def test_vsxl_holds_a_width(revision: str) -> None:
    """The encoding of misa.MXL: 1 for 32 bits, 2 for 64. Drafthart's guests have 64."""
    bench = Bench(revision)
    assert bench.read("hstatus.VSXL") == 2
    for value in range(4):
        bench.write("hstatus", value << 32)
        assert bench.read("hstatus.VSXL") == 2
    assert cause(bench, "VS", "li a0, -1\nsrli a0, a0, 32") is None
    assert bench.reg("a0") == 0xFFFF_FFFF


@pytest.mark.rules("hstatus.vsbe")
@pytest.mark.parametrize("mode", ["VS", "VU"])
@pytest.mark.parametrize("revision", REVISIONS)
def test_vsbe_is_that_of_hs_mode(revision: str, mode: str) -> None:
    """VSBE may be fixed to the byte order of HS-mode, mstatus.SBE, here little-endian."""
    bench = Bench(revision)
    bench.write("hstatus", 1 << 5)
    assert bench.read("hstatus.VSBE") == bench.read("mstatus") >> 36 & 1 == 0
    bench.poke(DATA, 0x0102_0304_0506_0708)
    assert cause(bench, mode, "lw a1, (a0)", a0=DATA) is None
    assert bench.reg("a1") == 0x0506_0708


@pytest.mark.rules("hstatus.vgein")
@pytest.mark.parametrize("geilen", [0, 1, 4, 63])
@pytest.mark.parametrize("revision", REVISIONS)
def test_vgein_holds_0_to_geilen(revision: str, geilen: int) -> None:
    bench = Bench(revision, {"GEILEN": geilen})
    for number in [*range(geilen + 1), 0]:
        bench.write("hstatus.VGEIN", number)
        assert bench.read("hstatus.VGEIN") == number
        assert bench.read("hstatus") >> 12 & 63 == number


@pytest.mark.rules("hstatus.vtsr")
@pytest.mark.parametrize("tsr", [0, 1])
@pytest.mark.parametrize("revision", REVISIONS)
def test_vtsr_traps_sret_of_vs_mode(revision: str, tsr: int) -> None:
    bench = Bench(revision).write("mstatus.TSR", tsr).writes(vsepc=DATA, sepc=DATA)
    assert cause(bench, "VS", "sret") is None
    assert bench.mode_name == "VU"
    bench.write("hstatus.VTSR", 1)
    assert cause(bench, "VS", "sret") == VIRTUAL
    # TSR is for HS-mode, and VTSR is not.
    bench.write("sstatus", 0)
    assert cause(bench, "HS", "sret") == (ILLEGAL if tsr else None)
    assert cause(bench, "M", "sret") is None


@pytest.mark.rules("hstatus.vtvm-sfence")
@pytest.mark.parametrize("operands", ["x0, x0", "a0, x0", "a0, a1"])
@pytest.mark.parametrize("tvm", [0, 1])
@pytest.mark.parametrize("revision", REVISIONS)
def test_vtvm_traps_sfence_of_vs_mode(revision: str, tvm: int, operands: str) -> None:
    bench = Bench(revision).write("mstatus.TVM", tvm)
    source = f"sfence.vma {operands}"
    assert cause(bench, "VS", source) is None
    bench.write("hstatus.VTVM", 1)
    assert cause(bench, "VS", source) == VIRTUAL
    assert cause(bench, "HS", source) == (ILLEGAL if tvm else None)
    assert cause(bench, "M", source) is None


@pytest.mark.rules("hstatus.vtvm-satp")
@pytest.mark.parametrize("source", ["csrr a0, satp", "csrw satp, zero", "csrrs a0, satp, zero"])
@pytest.mark.parametrize("tvm", [0, 1])
@pytest.mark.parametrize("revision", REVISIONS)
def test_vtvm_traps_satp_of_vs_mode(revision: str, tvm: int, source: str) -> None:
    bench = Bench(revision).write("mstatus.TVM", tvm)
    assert cause(bench, "VS", source) is None
    bench.write("hstatus.VTVM", 1)
    assert cause(bench, "VS", source) == VIRTUAL
    assert cause(bench, "HS", source) == (ILLEGAL if tvm else None)
    assert cause(bench, "M", source) is None
    # vsatp by its own number is the hypervisor's.
    assert cause(bench, "HS", "csrr a0, vsatp") is None


ACCESSES = ["hlv.b a1, (a0)", "hlv.d a1, (a0)", "hlvx.hu a1, (a0)", "hsv.w a1, (a0)"]


@pytest.mark.rules("hstatus.hu")
@pytest.mark.parametrize("source", ACCESSES)
@pytest.mark.parametrize("revision", REVISIONS)
def test_hu_lets_user_mode_access_the_guest(revision: str, source: str) -> None:
    bench = Bench(revision)
    assert cause(bench, "U", source, a0=DATA) == ILLEGAL
    bench.write("hstatus.HU", 1)
    assert cause(bench, "U", source, a0=DATA) is None
    # HU says nothing about the other modes.
    for hu in (0, 1):
        bench.write("hstatus.HU", hu)
        assert cause(bench, "HS", source, a0=DATA) is None
        assert cause(bench, "M", source, a0=DATA) is None
        assert cause(bench, "VS", source, a0=DATA) == VIRTUAL
        assert cause(bench, "VU", source, a0=DATA) == VIRTUAL


@pytest.mark.rules("hstatus.hu")
@pytest.mark.parametrize("revision", REVISIONS)
def test_hu_does_not_reach_the_fences(revision: str) -> None:
    """ "Hypervisor User mode" is about HLV, HLVX and HSV alone."""
    bench = Bench(revision).write("hstatus.HU", 1)
    for source in ("hfence.vvma x0, x0", "hfence.gvma x0, x0"):
        assert cause(bench, "U", source) == ILLEGAL


RESERVED = (1 << 64) - 1 ^ sum(1 << bit for bit in (5, 6, 7, 8, 9, 20, 22)) ^ 63 << 12 ^ 3 << 32


@pytest.mark.rules("hstatus.vsxl", "hstatus.vsbe", "hstatus.vgein")
@pytest.mark.parametrize("revision", REVISIONS)
def test_the_other_bits_of_hstatus_do_nothing(revision: str) -> None:
    """VTW takes bit 21 with 6248b128; no other bit is ever assigned up to 1.0."""
    bench = Bench(revision).write("hstatus", (1 << 64) - 1)
    vtw = 1 << 21 if revision in since("h@0.6.1") else 0
    assert bench.read("hstatus") & RESERVED == vtw
    assert revision != ROOT or "VTW" not in bench.isa.csrs["hstatus"].fields
    for bit in (6, 7, 8, 9, 20, 22):
        assert bench.read("hstatus") >> bit & 1
