"""Drafts 0.1 to 0.3: two-level translation and its faults, SPRV and MPRV, hgatp, fences.

Text: riscv-isa-manual, src/hypervisor.tex at 6a92b89b (0.1) and, where a test says so, at a94d4b05
(still 0.1), 015b13e0 (0.2) and a3d01b7b (0.3). Sections: "Two-Level Address Translation", "Trap
Value Register Discipline", "Hypervisor Status Register", "Guest Physical Address Translation".
"""

from __future__ import annotations

import pytest
from background import DRAFTS, FIRST, LATER, BackgroundBench, BackgroundGuest, after, before
from bench import (
    BASE,
    CODE,
    DATA,
    GUEST_PAGE,
    HANDLER,
    MODES,
    PAGE,
    RWX,
    SIZE,
    A,
    D,
    PageTable,
    R,
    Trap,
    U,
    V,
    W,
    X,
)

ALL = 0xFFFF & ~(1 << 11)
MAGIC = 0x1122_3344_5566_7788
NOWHERE = 0x5800_0000
"""A physical address without memory."""
UNMAPPED = 0x2_0000_0000
"""A guest physical address that the second level does not map."""

drafts = pytest.mark.parametrize("draft", DRAFTS)
early = pytest.mark.parametrize("draft", [FIRST, "h@0.1"])
later = pytest.mark.parametrize("draft", LATER)


def is_early(draft: str) -> bool:
    return "0.1" in draft.split("@", 2)[1]


def guest(
    draft: str, vs: int = RWX, g: int = RWX | U, parameters: dict[str, int] | None = None
) -> BackgroundGuest:
    bench = BackgroundGuest(draft, parameters)
    bench.page(vs, g)
    bench.poke(DATA, MAGIC).writes(medeleg=ALL)
    return bench


def outcome(bench: BackgroundGuest, mode: str, address: int = PAGE) -> int:
    """The cause of the fault of a load, or 0 if it loads what lies at DATA."""
    trap = bench.start(mode).load(address)
    if trap is None:
        assert bench.reg("a0") == MAGIC
        return 0
    return trap.cause


# The two levels.


@pytest.mark.rules("translation.stages", "mode.two-stage")
@drafts
@pytest.mark.parametrize("mode", ["VS", "VU"])
def test_two_levels(draft: str, mode: str) -> None:
    bench = guest(draft, vs=RWX | U if mode == "VU" else RWX)
    assert outcome(bench, mode) == 0


@pytest.mark.rules("mode.two-stage")
@drafts
def test_one_level_outside_a_guest(draft: str) -> None:
    """In HS- and U-mode the foreground satp alone counts, in M-mode nothing does."""
    bench = guest(draft)
    own = bench.table().identity()
    own.map(0x6000_0000, CODE, RWX)
    own.map(0x6000_1000, CODE, RWX | U)
    own.map(PAGE, DATA + 0x1000, RWX)
    own.map(PAGE + 0x1000, DATA + 0x1000, RWX | U)
    bench.poke(DATA + 0x1000, 7).write("satp", own.satp)
    for mode, pc, address in (("HS", 0x6000_0000, PAGE), ("U", 0x6000_1000, PAGE + 0x1000)):
        bench.mode(mode).hart.pc = pc
        assert bench.load(address) is None
        assert bench.reg("a0") == 7
    bench.mode("M").hart.pc = CODE
    assert bench.load(DATA) is None
    assert bench.reg("a0") == MAGIC


@pytest.mark.rules("translation.vs.bare")
@drafts
def test_bare_guest(draft: str) -> None:
    """Either level can be disabled by zeroing its register."""
    bench = guest(draft).writes(bsatp=0)
    assert outcome(bench, "VS", GUEST_PAGE) == 0


@pytest.mark.rules("translation.g.bare")
@drafts
def test_bare_second_level(draft: str) -> None:
    bench = guest(draft)
    bench.guest.map(PAGE, DATA)
    bench.write("hgatp" if bench.has_hgatp else "satp", 0)
    assert outcome(bench, "VS") == 0


@pytest.mark.rules("translation.g.u-bit")
@drafts
@pytest.mark.parametrize("mode", ["VS", "VU"])
def test_the_second_level_wants_user_pages(draft: str, mode: str) -> None:
    """All accesses with V=1 are considered user-level accesses; no SUM changes that."""
    bench = guest(draft, vs=RWX | U if mode == "VU" else RWX, g=RWX)
    bench.write("sstatus.SUM", 1).write("bsstatus.SUM", 1)
    assert outcome(bench, mode) == 13
    bench.page(bench.peek(bench.vs_pte) & 0xFF, RWX | U)
    assert outcome(bench, mode) == 0


@pytest.mark.rules("translation.g.root")
@early
def test_the_second_level_is_hs_modes_own_satp(draft: str) -> None:
    """HS-mode's loads and the guest's second level use one table; addresses are sign-extended."""
    bench = guest(draft)
    bench.host.map(0x7000_0000, DATA, RWX)
    assert outcome(bench, "HS", 0x7000_0000) == 0
    for address in (1 << 38, 1 << 40):
        bench.guest.map(PAGE, address)
        trap = bench.start("VS").load(PAGE)
        assert trap is not None
        assert (trap.cause, trap.tval, trap.tval2) == (13, address, PAGE)


@pytest.mark.rules("translation.g.root", "translation.g.high-bits")
@later
@pytest.mark.parametrize("levels", [3, 4])
def test_the_second_level_is_two_bits_wider(draft: str, levels: int) -> None:
    """015b13e0: 41 and 50 bits, zeros above, and a root of 16 KiB."""
    bench = BackgroundGuest(draft, host_levels=levels)
    bench.poke(DATA, MAGIC).writes(medeleg=ALL)
    width = 9 * levels + 14
    for bit in (width - 3, width - 2, width - 1):
        bench.guest.map(PAGE, 1 << bit)
        bench.host.map(1 << bit, DATA, RWX | U)
        assert outcome(bench, "VS") == 0
    bench.guest.map(PAGE, 1 << width)
    bench.host.map(0, DATA, RWX | U)
    assert outcome(bench, "VS") == 13
    assert bench.level_bit == 1


@pytest.mark.rules("background.hs-satp", "background.no-effect")
@later
def test_hs_modes_satp_is_not_the_guests(draft: str) -> None:
    """015b13e0: bsatp matters only to accesses made as though V were the opposite."""
    bench = guest(draft)
    bench.write("satp", bench.table().satp)
    assert outcome(bench, "VS") == 0


@pytest.mark.rules("translation.g.accessed-dirty")
@drafts
@pytest.mark.parametrize("hardware", [0, 1])
def test_accessed_and_dirty_at_the_second_level(draft: str, hardware: int) -> None:
    bench = guest(draft, g=V | R | W | U | A, parameters={"HARDWARE_AD": hardware})
    trap = bench.start("VS").here("sd a0, (a1)", a1=PAGE)
    assert (trap and trap.cause) == (None if hardware else 15)
    assert bool(bench.peek(bench.g_pte) & D) == bool(hardware)


@pytest.mark.rules("translation.pmp")
@drafts
def test_pmp_sees_the_final_address(draft: str) -> None:
    bench = guest(draft)
    bench.writes(pmpaddr0=DATA >> 2 | 0x1FF, pmpaddr1=(1 << 54) - 1, pmpcfg0=0x1F18)
    assert outcome(bench, "VS") == 5
    bench.write("pmpaddr0", PAGE >> 2 | 0x1FF)
    assert outcome(bench, "VS") == 0


# Permissions.


@pytest.mark.rules("translation.vs.sum")
@drafts
def test_the_guests_own_sum(draft: str) -> None:
    for host, own in ((0, 0), (1, 0), (0, 1)):
        bench = guest(draft, vs=RWX | U)
        bench.write("sstatus.SUM", host).write("bsstatus.SUM", own)
        assert outcome(bench, "VS") == (0 if own else 13)


@pytest.mark.rules("translation.sum", "translation.mxr")
@drafts
@pytest.mark.parametrize(("name", "bits"), [("SUM", RWX | U), ("MXR", V | X | A)])
def test_hs_modes_own_sum_and_mxr(draft: str, name: str, bits: int) -> None:
    for host, own in ((0, 0), (1, 0), (0, 1)):
        bench = guest(draft)
        table = bench.host if is_early(draft) else bench.table().identity()
        table.map(0x7000_0000, DATA, bits)
        bench.write("satp", table.satp)
        bench.write(f"sstatus.{name}", host).write(f"bsstatus.{name}", own)
        assert outcome(bench, "HS", 0x7000_0000) == (0 if host else 13)


EXECUTABLE = V | X | A | D


@pytest.mark.rules("translation.mxr.vs-level", "translation.mxr.hs-level")
@drafts
@pytest.mark.parametrize(
    ("vs", "g", "host", "own", "expected"),
    [
        (EXECUTABLE, RWX | U, 0, 0, 13),
        (EXECUTABLE, RWX | U, 0, 1, 0),
        (EXECUTABLE, RWX | U, 1, 0, 0),
        (RWX, EXECUTABLE | U, 0, 1, 13),
        (RWX, EXECUTABLE | U, 1, 0, 0),
        (EXECUTABLE, EXECUTABLE | U, 0, 1, 13),
        (EXECUTABLE, EXECUTABLE | U, 1, 0, 0),
    ],
)
def test_mxr_of_each_level(draft: str, vs: int, g: int, host: int, own: int, expected: int) -> None:
    """That of the guest overrides its own level only, that of HS-level both."""
    bench = guest(draft, vs=vs, g=g)
    bench.write("sstatus.MXR", host).write("bsstatus.MXR", own)
    assert outcome(bench, "VS") == expected


# What faults leave behind.


def left(bench: BackgroundBench, trap: Trap | None) -> tuple[str, int, int, int | None, int]:
    """Where a trap went, and its cause, trap value, virtual trap value and translation level."""
    assert trap is not None
    return trap.to, trap.cause, trap.tval, trap.tval2, bench.level_bit


LOADED = pytest.mark.parametrize(
    ("source", "page_fault", "access_fault"),
    [("ld a0, (a1)", 13, 5), ("sd a0, (a1)", 15, 7), ("jr a1", 12, 1)],
)
INTO = pytest.mark.parametrize("to", ["M", "HS"])


def faulting(
    draft: str, to: str, source: str, vs: int = RWX, g: int = RWX | U
) -> tuple[BackgroundGuest, Trap | None]:
    bench = guest(draft, vs, g).writes(medeleg=ALL if to == "HS" else 0)
    bench.start("VS")
    trap = bench.here(source, a1=PAGE + 8)
    if trap is None:
        trap = bench.steps(1)
    return bench, trap


@pytest.mark.rules("trap.value.guest-page-fault", "trap.virtual-address", "trap.translation-level")
@LOADED
@INTO
@drafts
def test_page_fault_of_the_second_level(
    draft: str, to: str, source: str, page_fault: int, access_fault: int
) -> None:
    """0.1: guest physical address in xtval, virtual one in xvtval, level 0; 015b13e0: level 1."""
    bench, trap = faulting(draft, to, source, g=0)
    if is_early(draft):
        assert left(bench, trap) == (to, page_fault, GUEST_PAGE + 8, PAGE + 8, 0)
    else:
        assert left(bench, trap) == (to, page_fault, PAGE + 8, None, 1)


@pytest.mark.rules("trap.value.other", "trap.virtual-address", "trap.translation-level")
@LOADED
@INTO
@drafts
def test_page_fault_of_the_guests_level(
    draft: str, to: str, source: str, page_fault: int, access_fault: int
) -> None:
    bench, trap = faulting(draft, to, source, vs=0)
    if is_early(draft):
        assert left(bench, trap) == (to, page_fault, PAGE + 8, PAGE + 8, 1)
    else:
        assert left(bench, trap) == (to, page_fault, PAGE + 8, None, 0)


@pytest.mark.rules("trap.value.access-fault", "trap.virtual-address", "trap.translation-level")
@LOADED
@INTO
@drafts
def test_access_fault(draft: str, to: str, source: str, page_fault: int, access_fault: int) -> None:
    bench = guest(draft).writes(medeleg=ALL if to == "HS" else 0)
    bench.host.map(GUEST_PAGE, NOWHERE, RWX | U)
    bench.start("VS")
    trap = bench.here(source, a1=PAGE + 8) or bench.steps(1)
    if is_early(draft):
        assert left(bench, trap) == (to, access_fault, GUEST_PAGE + 8, PAGE + 8, 0)
    else:
        assert left(bench, trap) == (to, access_fault, PAGE + 8, None, 0)


@pytest.mark.rules("trap.virtual-address")
@early
@INTO
def test_other_traps_leave_no_virtual_address(draft: str, to: str) -> None:
    """For other traps it is written with zero; a misaligned address counts as an address."""
    bench = guest(draft, parameters={"MISALIGNED": 0}).writes(medeleg=ALL if to == "HS" else 0)
    trap = bench.start("VS").load(PAGE + 1)
    assert left(bench, trap) == (to, 4, PAGE + 1, PAGE + 1, 1)
    trap = bench.start("VS").here("ecall")
    assert left(bench, trap) == (to, 10, 0, 0, 1)
    assert left(bench, bench.start("VS").load(PAGE + 1))[3] == PAGE + 1
    bench.mode("M").writes(mideleg=2 if to == "HS" else 0, mip=2, mie=2)
    assert left(bench, bench.start("VU").interrupt()) == (to, 1, 0, 0, 1)


@pytest.mark.rules("trap.translation-level")
@drafts
@pytest.mark.parametrize("mode", ["U", "HS", "VU", "VS"])
@INTO
def test_level_of_other_traps(draft: str, mode: str, to: str) -> None:
    """0.1: V as it was; 015b13e0: 0 for everything but faults of guest physical translation."""
    bench = BackgroundBench(draft).writes(medeleg=ALL if to == "HS" else 0)
    bench.write("hstatus.STL", 1).write("mstatus.MTL", 1)
    bench.mode(mode).hart.pc = CODE
    assert bench.run("ebreak") is not None
    assert bench.level_bit == (MODES[mode][0] if is_early(draft) else 0)


# Faults on the guest's page tables.


def with_lost_table(draft: str) -> tuple[BackgroundGuest, int]:
    """A guest with a page table where the second level has nothing; an address it is for."""
    bench = guest(draft)
    address = 0x1_0000_1000
    root = bench.guest.root + 8 * (address >> 30)
    bench.poke(root, UNMAPPED >> 12 << 10 | V)
    return bench, address


@pytest.mark.rules("translation.g.table-cause", "translation.g.original-access")
@LOADED
@pytest.mark.parametrize(
    "revision",
    [
        FIRST,
        before("table-fault-original-access"),
        after("table-fault-original-access"),
        *LATER,
    ],
)
def test_fault_on_the_guests_tables(
    revision: str, source: str, page_fault: int, access_fault: int
) -> None:
    """0.1: a load page fault; 015b13e0: always reported for the original access type."""
    bench, address = with_lost_table(revision)
    bench.start("VS")
    trap = bench.here(source, a1=address) or bench.steps(1)
    assert trap is not None
    original = revision in (after("table-fault-original-access"), *LATER)
    assert (trap.to, trap.cause) == ("HS", page_fault if original else 13)
    assert bench.level_bit == (revision in LATER)
    if revision in LATER:
        assert trap.tval == address
    else:
        assert (trap.tval, trap.tval2) == (UNMAPPED, address)


@pytest.mark.rules("translation.g.table-permission")
@pytest.mark.parametrize("revision", [FIRST, "h@0.1", *LATER])
def test_permission_for_the_guests_tables(revision: str) -> None:
    """Its tables are read and, to set A and D, written as user data at the second level."""
    for bits, expected in ((V | R | U | A | D, 15), (V | R | W | U | A | D, None)):
        bench = guest(revision, vs=V | R | W | A, parameters={"HARDWARE_AD": 1})
        bench.host.map(BASE + SIZE // 2, BASE + SIZE // 2, bits, level=1)
        trap = bench.start("VS").here("sd a0, (a1)", a1=PAGE)
        assert (trap and trap.cause) == expected
    for bits in (V | X | U | A | D, V | R | W | A | D):
        bench = guest(revision)
        bench.host.map(BASE + SIZE // 2, BASE + SIZE // 2, bits, level=1)
        trap = bench.start("VS").here("nop")
        assert trap is not None
        assert trap.cause == (13 if is_early(revision) else 12)


# Delegation of faults.


@pytest.mark.rules("translation.g.not-to-guest", "hedeleg.effect")
@LOADED
@drafts
def test_page_faults_and_hedeleg(
    draft: str, source: str, page_fault: int, access_fault: int
) -> None:
    """Of the guest's level they can go to the guest, of the second level they cannot."""
    for vs, g, to in ((0, RWX | U, "VS"), (RWX, 0, "HS")):
        bench = guest(draft, vs, g).writes(hedeleg=ALL)
        bench.start("VS")
        trap = bench.here(source, a1=PAGE) or bench.steps(1)
        assert trap is not None
        assert (trap.to, trap.cause) == (to, page_fault)
        if to == "VS":
            assert trap.tval == PAGE


@pytest.mark.rules("trap.value.access-fault", "hedeleg.effect")
@drafts
def test_access_faults_and_hedeleg(draft: str) -> None:
    """stval has the guest physical address if V=1 at the time of the trap, in the guest too."""
    bench = guest(draft).writes(hedeleg=ALL)
    bench.host.map(GUEST_PAGE, NOWHERE, RWX | U)
    trap = bench.start("VS").load(PAGE)
    assert trap is not None
    assert (trap.to, trap.cause) == ("VS", 5)
    assert trap.tval == (GUEST_PAGE if is_early(draft) else PAGE)


@pytest.mark.rules("translation.g.not-to-guest", "trap.translation-level")
@pytest.mark.parametrize(
    ("revision", "to", "level"),
    [
        (FIRST, "VS", 0),
        ("h@0.1", "VS", 0),
        (before("g-stage-access-fault-stays"), "VS", 0),
        (after("g-stage-access-fault-stays"), "HS", 1),
        ("h@0.2", "HS", 1),
        ("h@0.3", "HS", 1),
    ],
)
def test_access_fault_of_the_second_levels_tables(revision: str, to: str, level: int) -> None:
    """015b13e0: caused by guest physical address translation, so it stays with HS-mode."""
    bench = guest(revision).writes(hedeleg=ALL)
    root = bench.host.root + 8 * (GUEST_PAGE >> 30)
    bench.poke(root, NOWHERE >> 12 << 10 | V)
    trap = bench.start("VS").load(PAGE)
    assert trap is not None
    assert (trap.to, trap.cause) == (to, 5)
    if to == "HS":
        assert bench.level_bit == level


# MPRV and SPRV.


@pytest.mark.rules("translation.mprv.guest", "memory.mprv")
@drafts
def test_mprv_into_the_guest(draft: str) -> None:
    for mpv, mpp, vs, expected in (
        (1, 1, RWX, 0),
        (1, 0, RWX, 13),
        (1, 0, RWX | U, 0),
        (0, 3, RWX, 5),
        (1, 3, RWX, 5),
    ):
        bench = guest(draft, vs=vs).writes(medeleg=0)
        bench.write("mstatus.MPRV", 1).write("mstatus.MPV", mpv).write("mstatus.MPP", mpp)
        assert outcome(bench, "M") == expected, (mpv, mpp, vs)


@pytest.mark.rules("sprv.guest", "sprv.fetch")
@drafts
@pytest.mark.parametrize(
    ("spp", "sum_", "vs", "expected"),
    [(1, 0, RWX, 0), (1, 0, RWX | U, 13), (1, 1, RWX | U, 0), (0, 0, RWX | U, 0), (0, 0, RWX, 13)],
)
def test_sprv_into_the_guest(draft: str, spp: int, sum_: int, vs: int, expected: int) -> None:
    """SPV=1: two-level, with the privilege in SPP; the guest's SUM applies, not HS-level's."""
    bench = guest(draft, vs=vs)
    bench.write("hstatus.SPRV", 1).write("hstatus.SPV", 1).write("sstatus.SPP", spp)
    bench.write("sstatus.SUM", 1 - sum_).write("bsstatus.SUM", sum_)
    assert outcome(bench, "HS") == expected


@pytest.mark.rules("sprv.guest", "trap.value.guest-page-fault", "trap.translation-level")
@drafts
def test_fault_under_sprv(draft: str) -> None:
    """A fault of HS-mode has V=0: no guest physical address in 0.1, but its level in 0.2."""
    bench = guest(draft, g=0)
    bench.write("hstatus.SPRV", 1).write("hstatus.SPV", 1).write("sstatus.SPP", 1)
    trap = bench.start("HS").load(PAGE)
    assert left(bench, trap) == ("HS", 13, PAGE, *((PAGE, 0) if is_early(draft) else (None, 1)))
    assert bench.read("hstatus.SPV") == 0


@pytest.mark.rules("sprv.host")
@drafts
@pytest.mark.parametrize("mode", ["VS", "VU"])
def test_sprv_out_of_the_guest(draft: str, mode: str) -> None:
    """SPV=0: HS-level translation only, Bare for 0.2 here; it is in effect in a guest too."""
    bench = guest(draft).write("hstatus.SPRV", 1).write("hstatus.SPV", 0)
    assert outcome(bench, mode, GUEST_PAGE if is_early(draft) else DATA) == 0
    bench = guest(draft).write("hstatus.SPRV", 1).write("hstatus.SPV", 0)
    assert outcome(bench, mode, PAGE) != 0


@pytest.mark.rules("sprv.spp")
@pytest.mark.parametrize(
    ("revision", "of_guest"),
    [
        (FIRST, True),
        (before("sprv-hs-level-spp"), True),
        (after("sprv-hs-level-spp"), False),
        ("h@0.3", False),
    ],
)
@pytest.mark.parametrize("spp", [0, 1])
def test_whose_spp_counts_in_a_guest(revision: str, of_guest: bool, spp: int) -> None:
    """0.1: sstatus.SPP; 015b13e0: the HS-level SPP, bsstatus.SPP when V=1."""
    bench = guest(revision).write("hstatus.SPRV", 1).write("hstatus.SPV", 1)
    bench.write("bsstatus.SPP", spp).write("sstatus.SPP", 1 - spp)
    supervisor = spp if of_guest else 1 - spp
    assert outcome(bench, "VS") == (0 if supervisor else 13)


@pytest.mark.rules("sprv.machine-mode")
@pytest.mark.parametrize(
    ("revision", "acts"),
    [
        (FIRST, True),
        (before("sprv-not-in-m"), True),
        (after("sprv-not-in-m"), False),
        ("h@0.3", False),
    ],
)
def test_sprv_in_m_mode(revision: str, acts: bool) -> None:
    """Nothing in 6a92b89b exempts M-mode; a94d4b05: when not in M-mode."""
    bench = guest(revision).writes(medeleg=0)
    bench.write("hstatus.SPRV", 1).write("hstatus.SPV", 1).write("sstatus.SPP", 1)
    assert outcome(bench, "M") == (0 if acts else 5)


@pytest.mark.rules("sprv.over-mprv")
@drafts
def test_sprv_over_mprv(draft: str) -> None:
    """With MPP other than M SPV and SPP apply in place of MPV and MPP."""
    for mpp, expected in ((0, 0), (1, 0), (3, 5)):
        bench = guest(draft).writes(medeleg=0).write("sstatus.SPP", 1)
        bench.write("hstatus.SPRV", 1).write("hstatus.SPV", 1)
        bench.write("mstatus.MPRV", 1).write("mstatus.MPV", 0).write("mstatus.MPP", mpp)
        assert outcome(bench, "M") == expected


# hgatp.


@pytest.mark.rules("hgatp.tvm")
@later
@pytest.mark.parametrize("tvm", [0, 1])
def test_who_may_access_hgatp(draft: str, tvm: int) -> None:
    bench = BackgroundBench(draft).write("mstatus.TVM", tvm)
    expected = {"M": None, "HS": 2 if tvm else None, "U": 2, "VS": 2, "VU": 2}
    for mode, cause in expected.items():
        for source in "csrr a0, hgatp", "csrw hgatp, x0":
            bench.mode(mode).hart.pc = CODE
            trap = bench.run(source)
            assert (trap and trap.cause) == cause, mode


@pytest.mark.rules("hgatp.unsupported-mode", "hgatp.vmidlen")
@pytest.mark.parametrize("draft", [after("hgatp"), *LATER])
@pytest.mark.parametrize("vmidlen", [0, 7, 14])
def test_writes_to_hgatp(draft: str, vmidlen: int) -> None:
    """A write with an unsupported MODE is not ignored as it is for satp; bits 59:58 are zero."""
    bench = BackgroundBench(draft, {"VMIDLEN": vmidlen}).write("hgatp", 8 << 60)
    bench.write("hgatp", 5 << 60 | ((1 << 16) - 1) << 44 | 0x1234)
    assert bench.read("hgatp") == 8 << 60 | ((1 << vmidlen) - 1) << 44 | 0x1234
    for mode in range(16):
        bench.write("hgatp", 0).write("hgatp", mode << 60)
        assert bench.read("hgatp") >> 60 == (mode if mode in (8, 9) else 0)


@pytest.mark.rules("hgatp.root-alignment")
@pytest.mark.parametrize(
    ("revision", "kept"),
    [(after("hgatp"), 3), ("h@0.2", 3), (before("hgatp-root-bits-zero"), 3), ("h@0.3", 0)],
)
def test_lowest_bits_of_the_root(revision: str, kept: int) -> None:
    """015b13e0: ignored; a3d01b7b: always read as zeros."""
    bench = guest(revision)
    bench.write("hgatp", bench.read("hgatp") | 3)
    assert bench.read("hgatp") & 3 == kept
    assert outcome(bench, "VS") == 0


# Fences.


@pytest.mark.rules("hfence.allowed")
@later
@pytest.mark.parametrize("tvm", [0, 1])
@pytest.mark.parametrize("name", ["hfence.bvma", "hfence.gvma"])
def test_who_may_fence(draft: str, tvm: int, name: str) -> None:
    """Valid only in HS-mode when TVM=0, or in M-mode."""
    bench = BackgroundBench(draft).write("mstatus.TVM", tvm)
    expected = {"M": None, "HS": 2 if tvm else None, "U": 2, "VS": 2, "VU": 2}
    for mode, cause in expected.items():
        bench.mode(mode).hart.pc = CODE
        trap = bench.run(f"{name} a1, a2")
        assert (trap and trap.cause) == cause, mode


@later
def test_encodings_of_the_fences(draft: str) -> None:
    """src/priv-instr-table.tex at 0bfd3e17."""
    bench = BackgroundBench(draft)
    assert bench.place("hfence.bvma a1, a2\nhfence.gvma a1, a2", CODE) == 2
    assert bench.peek(CODE, 4) == 0b0010001 << 25 | 12 << 20 | 11 << 15 | 0x73
    assert bench.peek(CODE + 4, 4) == 0b1010001 << 25 | 12 << 20 | 11 << 15 | 0x73


def handler(bench: BackgroundGuest, fence: str) -> None:
    """HS-mode's handler clears the PTE in a5, fences and returns past the call."""
    source = f"sd x0, (a5)\n{fence}\ncsrr t0, sepc\naddi t0, t0, 4\ncsrw sepc, t0\nsret"
    bench.place(source, HANDLER + 0x400)


@pytest.mark.rules("hfence.bvma", "hfence.gvma")
@later
@pytest.mark.parametrize(("fence", "level"), [("hfence.bvma", 0), ("hfence.gvma", 1)])
def test_a_fence_ends_a_translation(draft: str, fence: str, level: int) -> None:
    """The guest reads a page, HS-mode takes it away and fences, and the next read faults."""
    bench = guest(draft)
    handler(bench, f"{fence} x0, x0")
    bench.start("VS")
    bench.place("ld a3, (a1)\necall\nld a4, (a1)", CODE)
    trap = bench.steps(2, a1=PAGE, a5=bench.g_pte if level else bench.vs_pte)
    assert trap is not None
    assert (trap.to, trap.cause, bench.reg("a3")) == ("HS", 10, MAGIC)
    trap = bench.steps(7)
    assert trap is not None
    assert (trap.to, trap.cause, trap.epc, trap.tval) == ("HS", 13, CODE + 8, PAGE)
    assert bench.level_bit == level


def test_tables_of_the_bench() -> None:
    """The bench's own: the root of the second level is wide only where hgatp is."""
    for draft, wide in ((FIRST, False), ("h@0.2", True)):
        host: PageTable = BackgroundGuest(draft).host
        assert host.wide is wide
