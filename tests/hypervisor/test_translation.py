"""Two-stage address translation.

From riscv-isa-manual, src/hypervisor.tex at cc43c1fe: "Two-Stage Address Translation", "Guest
Physical Address Translation", "Guest-Page Faults", "Memory-Management Fences" and, for MPRV, SUM
and MXR, "Machine Status Registers (mstatus and mstatush)"; 599429be (the G bit), 31bc179b (reserved
bits), 652ddfd4 with the corrections 534b8927 and c9a172ff (Sv57x4), ca16943e and ba8d1247 (satp),
1c6a1402 (reset). What is permitted follows the algorithm of src/supervisor.tex, "Virtual Address
Translation Process", which `refused` spells out.
"""

import pytest
from bench import (
    BASE,
    CODE,
    DATA,
    GUEST_PAGE,
    PAGE,
    REVISIONS,
    RWX,
    SIZE,
    TABLES,
    A,
    Bench,
    D,
    G,
    GuestBench,
    R,
    Trap,
    U,
    V,
    W,
    X,
    since,
)

revisions = pytest.mark.parametrize("revision", REVISIONS)
ACCESSES = ("load", "store", "fetch")
PAGE_FAULT = {"load": 13, "store": 15, "fetch": 12}
GUEST_PAGE_FAULT = {"load": 21, "store": 23, "fetch": 20}
ACCESS_FAULT = {"load": 5, "store": 7, "fetch": 1}
SOURCE = {"load": "ld a0, (a1)", "store": "sd a0, (a1)"}
NOP = 0x13
FREE = 0x55AA_0000_0000_0013
"""What DATA holds: a number to load that starts with a NOP to fetch."""


def access(bench: Bench, kind: str, address: int) -> Trap | None:
    """Load, store or fetch at an address, in the mode that the bench is in."""
    if kind == "fetch":
        bench.hart.pc = address
        return bench.steps(1)
    bench.hart.pc = CODE
    return bench.run(SOURCE[kind], a0=FREE, a1=address)


def cause_of(trap: Trap | None) -> int | None:
    return trap and trap.cause


def refused(pte: int, kind: str, *, user: bool, user_too: bool = False, mxr: bool = False) -> bool:
    """Does the algorithm refuse this PTE of the last level? No hardware update of A and D."""
    if not pte & V or (pte & W and not pte & R) or not pte & (R | X):
        return True
    if user and not pte & U:
        return True
    if not user and pte & U and (kind == "fetch" or not user_too):
        return True
    granted = {"load": pte & R or (mxr and pte & X), "store": pte & W, "fetch": pte & X}
    return not granted[kind] or not pte & A or (kind == "store" and not pte & D)


def levels_of(revision: str) -> tuple[int, ...]:
    return (3, 4, 5) if revision in since("h@1.0.0-rc") else (3, 4)


# Both stages


@revisions
@pytest.mark.parametrize("mode", ["VS", "VU"])
@pytest.mark.rules("translation.stages", "mode.two-stage")
def test_both_stages(revision: str, mode: str) -> None:
    for guest in levels_of(revision):
        for host in levels_of(revision):
            bench = GuestBench(revision, guest_levels=guest, host_levels=host)
            bench.page(RWX | (U if mode == "VU" else 0)).poke(DATA, FREE).start(mode)
            assert access(bench, "load", PAGE) is None
            assert bench.reg("a0") == FREE
            assert bench.run("sw a2, 8(a1)", a1=PAGE, a2=0x77) is None
            assert bench.peek(DATA + 8) == 0x77
            assert access(bench, "fetch", PAGE) is None
            assert bench.hart.pc == PAGE + 4
            # The guest physical address is no virtual address.
            assert cause_of(access(bench.start(mode), "load", GUEST_PAGE)) == 13


@revisions
@pytest.mark.parametrize("mode", ["M", "HS", "U"])
@pytest.mark.rules("translation.stages", "mode.two-stage")
def test_no_stage_outside_a_guest(revision: str, mode: str) -> None:
    bench = GuestBench(revision).poke(DATA, FREE)
    for kind in ACCESSES:
        assert access(bench.start(mode), kind, DATA) is None
        for address in PAGE, GUEST_PAGE:
            assert cause_of(access(bench.start(mode), kind, address)) == ACCESS_FAULT[kind]


@revisions
@pytest.mark.parametrize("mode", ["VS", "VU"])
@pytest.mark.rules("translation.vs.bare")
def test_vs_stage_bare(revision: str, mode: str) -> None:
    bench = GuestBench(revision).poke(DATA, FREE).write("vsatp", 0)
    for kind in ACCESSES:
        assert access(bench.start(mode), kind, GUEST_PAGE) is None
        trap = access(bench.start(mode), kind, PAGE)
        assert trap is not None
        assert (trap.cause, trap.tval, trap.tval2) == (GUEST_PAGE_FAULT[kind], PAGE, PAGE >> 2)


@revisions
@pytest.mark.rules("translation.g.bare")
def test_g_stage_bare(revision: str) -> None:
    bench = GuestBench(revision).poke(DATA, FREE).write("hgatp", 0)
    for mode, bits in (("VS", RWX), ("VU", RWX | U)):
        bench.guest.map(PAGE, DATA, bits)
        for kind in ACCESSES:
            assert access(bench.start(mode), kind, PAGE) is None
        # Beyond 41 and 50 bits, too, a guest physical address is just a physical one.
        for bit in 41, 50, 55:
            bench.guest.map(PAGE + 0x1000, 1 << bit, bits)
            trap = access(bench.start(mode), "load", PAGE + 0x1000)
            assert trap is not None
            assert (trap.cause, trap.tval, trap.tval2) == (5, PAGE + 0x1000, 0)
    bench.write("vsatp", 0)
    for mode in "VS", "VU":
        for kind in ACCESSES:
            assert access(bench.start(mode), kind, DATA) is None


# Permissions: every combination of the low eight bits of a PTE, at either stage


@revisions
@pytest.mark.parametrize("mode", ["VS", "VU"])
@pytest.mark.rules("translation.vs.page-fault")
def test_every_leaf_of_the_vs_stage(revision: str, mode: str) -> None:
    bench = GuestBench(revision).poke(DATA, FREE).start(mode)
    for kind in ACCESSES:
        for bits in range(256):
            bench.poke(bench.vs_pte, GUEST_PAGE >> 2 | bits)
            trap = access(bench.mode(mode), kind, PAGE)
            expected = PAGE_FAULT[kind] if refused(bits, kind, user=mode == "VU") else None
            assert cause_of(trap) == expected, (kind, bin(bits))
            assert trap is None or (trap.tval, trap.tval2) == (PAGE, 0)


@revisions
@pytest.mark.parametrize("mode", ["VS", "VU"])
@pytest.mark.rules(
    "translation.g.u-bit", "translation.g.guest-page-fault", "translation.g.accessed-dirty"
)
def test_every_leaf_of_the_g_stage(revision: str, mode: str) -> None:
    bench = GuestBench(revision).page(RWX | (U if mode == "VU" else 0)).poke(DATA, FREE)
    bench.start(mode)
    for kind in ACCESSES:
        for bits in range(256):
            if bits & G and revision not in since("h@0.6.1"):
                continue  # The root says nothing about G.
            bench.poke(bench.g_pte, DATA >> 2 | bits)
            trap = access(bench.mode(mode), kind, PAGE)
            expected = GUEST_PAGE_FAULT[kind] if refused(bits, kind, user=True) else None
            assert cause_of(trap) == expected, (kind, bin(bits))
            assert trap is None or (trap.tval, trap.tval2) == (PAGE, GUEST_PAGE >> 2)


LEAVES = [(R, R), (X, R), (R, X), (X, X), (R | X, X), (X, R | X), (R | W, R | W), (W | R, X)]


@revisions
@pytest.mark.parametrize("mode", ["VS", "VU"])
@pytest.mark.rules(
    "translation.mxr.vs-level", "translation.mxr.hs-level", "translation.vs.page-fault"
)
def test_mxr(revision: str, mode: str) -> None:
    bench = GuestBench(revision).poke(DATA, FREE).start(mode)
    user = U if mode == "VU" else 0
    for vs, g in LEAVES:
        bench.page(V | A | D | vs | user, V | A | D | U | g)
        for vs_level in 0, 1:
            for hs_level in 0, 1:
                bench.write("vsstatus.MXR", vs_level).write("sstatus.MXR", hs_level)
                for kind in ACCESSES:
                    trap = access(bench.mode(mode), kind, PAGE)
                    readable = vs & R or (vs & X and (vs_level or hs_level))
                    granted = {"load": readable, "store": vs & W, "fetch": vs & X}
                    on = {"load": g & R or (g & X and hs_level), "store": g & W, "fetch": g & X}
                    expected = None
                    if not granted[kind]:
                        expected = PAGE_FAULT[kind]
                    elif not on[kind]:
                        expected = GUEST_PAGE_FAULT[kind]
                    assert cause_of(trap) == expected, (kind, vs, g, vs_level, hs_level)


@revisions
@pytest.mark.rules("translation.vs.sum")
def test_sum(revision: str) -> None:
    bench = GuestBench(revision).page(RWX | U).poke(DATA, FREE)
    for vs_level in 0, 1:
        for hs_level in 0, 1:
            bench.write("vsstatus.SUM", vs_level).write("sstatus.SUM", hs_level)
            for kind in ACCESSES:
                permitted = vs_level and kind != "fetch"
                trap = access(bench.start("VS"), kind, PAGE)
                assert cause_of(trap) == (None if permitted else PAGE_FAULT[kind])
                assert access(bench.start("VU"), kind, PAGE) is None


@revisions
@pytest.mark.rules("translation.sum", "translation.mxr")
def test_sum_and_mxr_of_hs_mode(revision: str) -> None:
    """With V=0 the HS-level fields decide alone."""
    bench = Bench(revision).poke(DATA, FREE)
    table = bench.table().identity()
    bench.write("satp", table.satp)
    bench.mode("HS")
    for hs_level in 0, 1:
        bench.writes(vsstatus=0 if hs_level else 3 << 18)
        bench.write("sstatus.SUM", hs_level).write("sstatus.MXR", hs_level)
        table.map(PAGE, DATA, RWX | U)
        for kind in ACCESSES:
            permitted = hs_level and kind != "fetch"
            trap = access(bench.mode("HS"), kind, PAGE)
            assert cause_of(trap) == (None if permitted else PAGE_FAULT[kind])
        table.map(PAGE, DATA, V | A | D | X)
        for kind in ACCESSES:
            permitted = kind == "fetch" or (hs_level and kind == "load")
            trap = access(bench.mode("HS"), kind, PAGE)
            assert cause_of(trap) == (None if permitted else PAGE_FAULT[kind])


# The shape of the G-stage's tables


def with_bare_vs_stage(revision: str, levels: int) -> GuestBench:
    bench = GuestBench(revision, host_levels=levels).poke(DATA, FREE)
    bench.write("vsatp", 0)
    return bench


@revisions
@pytest.mark.rules("translation.g.root", "translation.g.sv57x4")
def test_the_root_has_two_more_bits(revision: str) -> None:
    """Every guest physical bit picks its own entry: of 11 bits in the root, of 9 below."""
    for levels in levels_of(revision):
        bench = with_bare_vs_stage(revision, levels)
        width = 14 + 9 * levels
        table = bench.host.root
        for bit in range(12, width):
            address = 1 << bit
            if address == BASE:
                continue
            bench.host.map(address, DATA)
            root_index = address >> width - 11
            assert 0 <= root_index < 2048
            entry = bench.peek(table + 8 * root_index)
            assert entry & V, (levels, bit)
            bench.host.map(address, DATA, RWX | U)
            for kind in ACCESSES:
                assert access(bench.start("VS"), kind, address) is None, (levels, bit)
            bench.host.map(address, 0, 0)
            trap = access(bench.start("VS"), "load", address)
            assert trap is not None
            assert (trap.cause, trap.tval2) == (21, address >> 2)
        last = (1 << width) - 0x1000
        bench.host.map(last, DATA, RWX | U)
        assert bench.peek(table + 0x3FF8) & V
        assert access(bench.start("VS"), "load", last) is None
        assert bench.reg("a0") == FREE


@revisions
@pytest.mark.rules("translation.g.high-bits", "translation.g.sv57x4")
def test_guest_physical_addresses_that_are_too_long(revision: str) -> None:
    """All bits above 41, 50 or 59 must be zero; no copies of a sign."""
    for levels, width in zip(levels_of(revision), (41, 50, 59), strict=False):
        bench = with_bare_vs_stage(revision, levels)
        last = (1 << width) - 0x1000
        for low in DATA, last:
            bench.host.map(low, DATA, RWX | U)
            assert access(bench.start("VS"), "load", low) is None
            beyond = [1 << bit for bit in range(width, 64)] + [(1 << 64) - (1 << width)]
            for high in beyond:
                for kind in ACCESSES:
                    trap = access(bench.start("VS"), kind, high | low)
                    assert trap is not None
                    assert (trap.cause, trap.tval) == (GUEST_PAGE_FAULT[kind], high | low)
                    assert trap.tval2 == (high | low) >> 2


@revisions
@pytest.mark.rules("translation.g.high-bits", "translation.g.original-access")
def test_a_vs_stage_entry_that_leads_too_far(revision: str) -> None:
    bench = GuestBench(revision)
    for bit in range(41, 56):
        bench.page().guest.map(PAGE, 1 << bit)
        for kind in ACCESSES:
            trap = access(bench.start("VS"), kind, PAGE)
            assert trap is not None
            assert (trap.cause, trap.tval, trap.tval2) == (
                GUEST_PAGE_FAULT[kind],
                PAGE,
                1 << bit >> 2,
            )
        # As the address of a page table.
        bench.poke(entry(bench, PAGE, 1), 1 << bit >> 2 | V)
        for kind in ACCESSES:
            trap = access(bench.start("VS"), kind, PAGE)
            assert trap is not None
            assert (trap.cause, trap.tval, trap.tval2) == (
                GUEST_PAGE_FAULT[kind],
                PAGE,
                1 << bit >> 2,
            )
        bench.poke(entry(bench, PAGE, 1), 0)


def entry(bench: GuestBench, address: int, level: int) -> int:
    """The address of the entry that a VS-stage walk reads at a level."""
    table = bench.guest.root
    for at in range(bench.guest.levels - 1, -1, -1):
        found = table + 8 * (address >> (12 + 9 * at) & 0x1FF)
        if at == level:
            return found
        table = bench.peek(found) >> 10 << 12
    raise AssertionError(level)


@revisions
@pytest.mark.rules("translation.g.guest-page-fault", "translation.stages")
def test_superpages_of_the_g_stage(revision: str) -> None:
    """A leaf above the last level must be aligned to its size."""
    for levels in levels_of(revision):
        bench = GuestBench(revision, host_levels=levels).poke(DATA, FREE)
        bench.host.map(GUEST_PAGE, BASE, RWX | U, level=1)
        bench.guest.map(PAGE, GUEST_PAGE + (DATA - BASE))
        assert access(bench.start("VS"), "load", PAGE) is None
        assert bench.reg("a0") == FREE
        bench.host.map(GUEST_PAGE, BASE, RWX | U, level=2)
        assert access(bench.start("VS"), "load", PAGE) is None
        # The width of the table does not matter: all levels in the narrowest, one in the others.
        for level in range(1, levels if levels == 3 else 2):
            for bit in range(12, 12 + 9 * level):
                bench = GuestBench(revision, host_levels=levels)
                bench.guest.map(PAGE, (far := 1 << 40))
                bench.host.map(far, 1 << bit, RWX | U, level=level)
                trap = access(bench.start("VS"), "store", PAGE)
                assert trap is not None
                assert (trap.cause, trap.tval2) == (23, far >> 2)


@revisions
@pytest.mark.rules("translation.g.guest-page-fault")
def test_a_pointer_at_the_last_level(revision: str) -> None:
    bench = GuestBench(revision).page(RWX, V)
    for kind in ACCESSES:
        assert cause_of(access(bench.start("VS"), kind, PAGE)) == GUEST_PAGE_FAULT[kind]


@pytest.mark.parametrize("revision", since("h@0.6.1"))
@pytest.mark.rules("translation.g.global")
def test_the_g_bit_of_the_g_stage(revision: str) -> None:
    bench = GuestBench(revision).poke(DATA, FREE)
    pointer = bench.host.root + 8 * (GUEST_PAGE >> 30)
    middle = bench.peek(pointer) >> 10 << 12
    for marked in ([bench.g_pte], [pointer], [middle], [bench.g_pte, pointer, middle]):
        for address in marked:
            bench.poke(address, bench.peek(address) | G)
        for kind in ACCESSES:
            assert access(bench.start("VS"), kind, PAGE) is None
        # It does not outlive a change of tables either.
        other = bench.table(wide=True).identity(RWX | U)
        bench.write("hgatp", other.satp)
        assert cause_of(access(bench.start("VS"), "load", PAGE)) == 21
        bench.write("hgatp", bench.host.satp)
        for address in marked:
            bench.poke(address, bench.peek(address) & ~G)


@pytest.mark.parametrize("revision", since("h@1.0.0-rc"))
@pytest.mark.rules("translation.g.reserved")
def test_reserved_bits_of_the_g_stage(revision: str) -> None:
    bench = GuestBench(revision).poke(DATA, FREE)
    pointer = bench.host.root + 8 * (GUEST_PAGE >> 30)
    middle = bench.peek(pointer) >> 10 << 12
    bad = {bench.g_pte: [1 << bit for bit in range(54, 64)]}
    for address in pointer, middle:
        # D, A and U of a pointer are reserved as well.
        bad[address] = [1 << bit for bit in range(54, 64)] + [D, A, U]
    for address, masks in bad.items():
        good = bench.peek(address)
        for mask in masks:
            bench.poke(address, good | mask)
            for kind in ACCESSES:
                trap = access(bench.start("VS"), kind, PAGE)
                assert trap is not None
                assert (trap.cause, trap.tval) == (GUEST_PAGE_FAULT[kind], PAGE), hex(mask)
                assert trap.tval2 == GUEST_PAGE >> 2
        bench.poke(address, good)
        for mask in 1 << 8, 1 << 9, G:  # RSW is software's
            bench.poke(address, good | mask)
            assert access(bench.start("VS"), "load", PAGE) is None
        bench.poke(address, good)
    for kind in ACCESSES:
        bench.poke(bench.g_pte, DATA >> 2 | V | W | X | A | D | U)
        assert cause_of(access(bench.start("VS"), kind, PAGE)) == GUEST_PAGE_FAULT[kind]


# Page tables of the VS-stage are guest physical

ALIAS = 0x2_0000_0000


def with_tables_elsewhere(revision: str, bits: int, **parameters: int) -> GuestBench:
    """The VS-stage's tables lie at ALIAS in guest physical memory, mapped with these bits."""
    bench = GuestBench(revision, parameters).poke(DATA, FREE)
    tables = [bench.pages(1) for _ in range(4)]
    root, low, leaf, code = tables

    def pointer(table: int) -> int:
        return table - TABLES + ALIAS >> 2 | V

    bench.poke(root + 8 * (PAGE >> 30), pointer(low))
    bench.poke(low + 8 * (PAGE >> 21 & 0x1FF), pointer(leaf))
    bench.poke(leaf + 8 * (PAGE >> 12 & 0x1FF), GUEST_PAGE >> 2 | RWX)
    bench.poke(root + 8 * (BASE >> 30), pointer(code))
    bench.poke(code, BASE >> 2 | RWX)
    bench.vs_pte = leaf + 8 * (PAGE >> 12 & 0x1FF)
    bench.host.map(ALIAS, TABLES, bits, level=1)
    # At their own address the guest has no such memory.
    bench.host.map(TABLES, 0, 0, level=1)
    bench.write("vsatp", 8 << 60 | root - TABLES + ALIAS >> 12)
    bench.mode("VS").hart.pc = CODE
    return bench


@revisions
@pytest.mark.rules("translation.vs.tables")
def test_tables_are_found_through_the_g_stage(revision: str) -> None:
    bench = with_tables_elsewhere(revision, RWX | U)
    for kind in ACCESSES:
        assert access(bench.mode("VS"), kind, PAGE) is None
    # With the G-stage off their addresses are physical, and there is nothing.
    bench.write("hgatp", 0)
    trap = access(bench.mode("VS"), "fetch", CODE)
    assert trap is not None
    assert (trap.cause, trap.tval, trap.tval2) == (1, CODE, 0)


@revisions
@pytest.mark.rules("translation.g.table-permission", "translation.g.original-access")
def test_permission_to_walk(revision: str) -> None:
    """Tables need R alone, whatever the access, and U=1 and A=1 as any leaf of the G-stage."""
    bench = with_tables_elsewhere(revision, RWX | U)
    for bits in range(256):
        if bits & G:
            continue
        expected = refused(bits, "load", user=True)
        bench.host.map(ALIAS, TABLES, bits, level=1)
        for kind in ACCESSES:
            bench.write("hstatus.SPVP", 1)
            trap = walk_as(bench, kind)
            assert cause_of(trap) == (GUEST_PAGE_FAULT[kind] if expected else None), bin(bits)
            if trap is not None:
                root = bench.read("vsatp.PPN") << 12
                assert (trap.tval, trap.tval2) == (PAGE, root + 8 >> 2)


def walk_as(bench: GuestBench, kind: str) -> Trap | None:
    if kind == "fetch":
        bench.mode("VS").hart.pc = PAGE
        return bench.steps(1)
    bench.mode("HS").hart.pc = CODE
    return bench.run({"load": "hlv.d a0, (a1)", "store": "hsv.d a0, (a1)"}[kind], a0=NOP, a1=PAGE)


@revisions
@pytest.mark.rules("translation.g.table-permission", "translation.g.accessed-dirty")
def test_permission_to_update_a_table(revision: str) -> None:
    """Setting A or D in a VS-stage leaf is a store to the G-stage: W=1, and D=1 or set it, too."""
    for bits, writable in ((R | A | U | V, False), (R | W | A | D | U | V, True)):
        for kind in ACCESSES:
            bench = with_tables_elsewhere(revision, bits, HARDWARE_AD=1).write("hstatus.SPVP", 1)
            assert isinstance(bench, GuestBench)
            assert walk_as(bench, kind) is None  # nothing to set
            bench.poke(bench.vs_pte, GUEST_PAGE >> 2 | RWX & ~A & ~D)
            trap = walk_as(bench, kind)
            assert cause_of(trap) == (None if writable else GUEST_PAGE_FAULT[kind])
            new = (A | D if kind == "store" else A) if writable else 0
            assert bench.peek(bench.vs_pte) & (A | D) == new


@revisions
@pytest.mark.rules("translation.g.accessed-dirty")
def test_accessed_and_dirty(revision: str) -> None:
    for bits in RWX & ~A, RWX & ~D, RWX & ~A & ~D:
        for kind in ACCESSES:
            needed = A | (D if kind == "store" else 0)
            for hardware in 0, 1:
                bench = GuestBench(revision, {"HARDWARE_AD": hardware}).poke(DATA, FREE)
                bench.page(RWX, bits | U)
                trap = access(bench.start("VS"), kind, PAGE)
                if hardware:
                    assert trap is None
                    assert bench.peek(bench.g_pte) & (A | D) == (bits | needed) & (A | D)
                else:
                    missing = needed & ~bits
                    assert cause_of(trap) == (GUEST_PAGE_FAULT[kind] if missing else None)
                    assert bench.peek(bench.g_pte) & (A | D) == bits & (A | D)


# Physical memory


def deny(bench: Bench, address: int, size: int = 4096, permissions: int = 0) -> None:
    """PMP entry 0 gives an area these permissions; entry 1 opens all else."""
    bench.write("pmpaddr0", (address | size // 2 - 1) >> 2)
    bench.write("pmpaddr1", (1 << 54) - 1)
    bench.write("pmpcfg0", 0x1F00 | 0x18 | permissions)


@revisions
@pytest.mark.parametrize("mode", ["VS", "VU"])
@pytest.mark.rules("translation.pmp")
def test_pmp_sees_supervisor_physical_addresses(revision: str, mode: str) -> None:
    bench = GuestBench(revision).page(RWX | (U if mode == "VU" else 0)).poke(DATA, FREE)
    for denied in PAGE, GUEST_PAGE:
        deny(bench, denied)
        for kind in ACCESSES:
            assert access(bench.start(mode), kind, PAGE) is None
    deny(bench, DATA)
    for kind in ACCESSES:
        trap = access(bench.start(mode), kind, PAGE)
        assert trap is not None
        assert (trap.cause, trap.tval, trap.tval2) == (ACCESS_FAULT[kind], PAGE, 0)
    deny(bench, DATA, permissions=1)  # R
    for kind in ACCESSES:
        expected = None if kind == "load" else ACCESS_FAULT[kind]
        assert cause_of(access(bench.start(mode), kind, PAGE)) == expected
    # Without stages, too.
    bench.writes(vsatp=0, hgatp=0)
    assert cause_of(access(bench.start(mode), "store", DATA)) == 7


@revisions
@pytest.mark.rules("translation.g.walk-fault", "translation.g.original-access", "translation.pmp")
def test_page_tables_that_are_not_there(revision: str) -> None:
    """Tables of either stage in missing or forbidden memory: an access fault of the access."""
    for kind in ACCESSES:
        bench = GuestBench(revision).poke(DATA, FREE)
        pointer = bench.host.root + 8 * (GUEST_PAGE >> 30)
        good = bench.peek(pointer)
        for target in BASE - 0x1000, BASE + SIZE, 1 << 55:
            bench.poke(pointer, target >> 2 | V)
            trap = access(bench.start("VS"), kind, PAGE)
            assert trap is not None
            assert (trap.cause, trap.tval, trap.tval2) == (ACCESS_FAULT[kind], PAGE, 0)
        bench.poke(pointer, good)
        assert access(bench.start("VS"), kind, PAGE) is None
        for table in bench.g_pte & -4096, bench.vs_pte & -4096:
            deny(bench, table)
            trap = access(bench.start("VS"), kind, PAGE)
            assert trap is not None
            assert (trap.cause, trap.tval, trap.tval2) == (ACCESS_FAULT[kind], PAGE, 0)
            deny(bench, table, permissions=1)  # R is enough for a walk
            assert access(bench.start("VS"), kind, PAGE) is None
        # A VS-stage table that the G-stage puts where nothing is.
        bench.host.map(GUEST_PAGE + 0x7000, BASE - 0x1000, RWX | U)
        bench.poke(entry(bench, PAGE, 1), GUEST_PAGE + 0x7000 >> 2 | V)
        trap = access(bench.start("VS"), kind, PAGE)
        assert trap is not None
        assert (trap.cause, trap.tval, trap.tval2) == (ACCESS_FAULT[kind], PAGE, 0)


# MPRV


@revisions
@pytest.mark.parametrize("mprv", [0, 1])
@pytest.mark.parametrize("mpv", [0, 1])
@pytest.mark.parametrize("mpp", [0, 1, 3])
@pytest.mark.rules("translation.mprv.guest", "translation.mprv.machine", "memory.mprv")
def test_mprv(revision: str, mprv: int, mpv: int, mpp: int) -> None:
    """Four places that only one of the five ways to access memory finds."""
    bench = GuestBench(revision)
    supervisor = bench.table().identity()
    bench.write("satp", supervisor.satp)
    hs, hu, vs, vu = (0x4100_0000 + n * 0x1000 for n in range(4))
    supervisor.map(hs, DATA)
    supervisor.map(hu, DATA, RWX | U)
    bench.guest.map(vs, GUEST_PAGE)
    bench.guest.map(vu, GUEST_PAGE, RWX | U)
    finds = {
        (0, 0): hu,
        (0, 1): hs,
        (1, 0): vu,
        (1, 1): vs,
    }.get((mpv, mpp) if mprv else (0, 3), DATA)
    for address in hs, hu, vs, vu, DATA:
        for kind in "load", "store":
            bench.start("M").write("mstatus.MPRV", mprv)
            bench.write("mstatus.MPP", mpp).write("mstatus.MPV", mpv)
            found = access(bench, kind, address) is None
            # RAM is mapped to itself for HS- and VS-mode.
            expected = address == finds or (address == DATA and finds in (hs, vs))
            assert found == expected, (hex(address), kind)
    # Fetches are not lent: CODE has no mapping for user modes.
    bench.start("M").write("mstatus.MPRV", mprv).write("mstatus.MPP", mpp)
    assert bench.write("mstatus.MPV", mpv).run("nop") is None


@revisions
@pytest.mark.parametrize("mpp", [0, 1])
@pytest.mark.rules("translation.mprv.guest")
def test_mprv_goes_by_the_guests_sum_and_mxr(revision: str, mpp: int) -> None:
    user = 0 if mpp else U
    for vs, g in LEAVES:
        bench = GuestBench(revision).page(V | A | D | vs | user, V | A | D | U | g)
        for vs_level in 0, 1:
            for hs_level in 0, 1:
                bench.write("vsstatus.MXR", vs_level).write("sstatus.MXR", hs_level)
                bench.start("M").write("mstatus.MPRV", 1)
                bench.write("mstatus.MPP", mpp).write("mstatus.MPV", 1)
                expected = None
                if not (vs & R or (vs & X and (vs_level or hs_level))):
                    expected = 13
                elif not (g & R or (g & X and hs_level)):
                    expected = 21
                assert cause_of(access(bench, "load", PAGE)) == expected
    bench = GuestBench(revision).page(RWX | U)
    for vs_level in 0, 1:
        for hs_level in 0, 1:
            bench.write("vsstatus.SUM", vs_level).write("sstatus.SUM", hs_level)
            bench.start("M").write("mstatus.MPRV", 1)
            bench.write("mstatus.MPP", mpp).write("mstatus.MPV", 1)
            refuses = mpp and not vs_level
            assert cause_of(access(bench, "store", PAGE)) == (15 if refuses else None)


# Modes of the registers


@revisions
@pytest.mark.rules("translation.g.sv57x4", "vsatp.sv57", "satp.paged")
def test_modes(revision: str) -> None:
    """Modes 8 and 9 of all three, and 10 since 652ddfd4, which brought Sv57 for satp as well."""
    later = revision in since("h@1.0.0-rc")
    for name in "satp", "vsatp", "hgatp":
        for mode in range(16):
            bench = Bench(revision)
            bench.write(name, mode << 60)
            known = mode in (0, 8, 9) or (mode == 10 and later)
            assert bench.read(f"{name}.MODE") == (mode if known else 0), (name, mode)
    # The guest sets its own through satp.
    for mode in range(16):
        bench = Bench(revision).mode("VS")
        assert bench.run("csrw satp, a0", a0=mode << 60) is None
        known = mode in (0, 8, 9) or (mode == 10 and later)
        assert bench.read("vsatp.MODE") == (mode if known else 0)


@pytest.mark.parametrize("revision", since("h@1.0.0-rc"))
@pytest.mark.parametrize(("sv48", "sv57"), [(0, 0), (1, 0), (1, 1)])
@pytest.mark.rules("vsatp.sv57", "satp.paged", "translation.g.sv57x4")
def test_modes_are_a_choice(revision: str, sv48: int, sv57: int) -> None:
    """vsatp has what satp has; of hgatp each is free. satp has Sv39 at least."""
    parameters = {"SV48": sv48, "SV57": sv57, "SV57X4": 1 - sv57, "SV48X4": 1 - sv48}
    bench = Bench(revision, parameters)
    for mode, known in ((8, 1), (9, sv48), (10, sv57)):
        for name in "satp", "vsatp":
            bench.write(name, 0).write(name, mode << 60)
            assert bench.read(f"{name}.MODE") == (mode if known else 0)
    for mode, known in ((8, 1), (9, 1 - sv48), (10, 1 - sv57)):
        bench.write("hgatp", 0).write("hgatp", mode << 60)
        assert bench.read("hgatp.MODE") == (mode if known else 0)


@pytest.mark.parametrize("revision", since("h@0.6.2"))
@pytest.mark.rules("satp.paged")
def test_satp_must_offer_paging(revision: str) -> None:
    with pytest.raises(Exception, match="SV39"):
        Bench(revision, {"SV39": 0})
    table = (bench := Bench(revision)).table().identity()
    bench.write("satp", table.satp).mode("HS")
    table.map(PAGE, DATA)
    assert access(bench, "load", PAGE) is None


@pytest.mark.parametrize("revision", since("h@1.0"))
@pytest.mark.rules("translation.reset")
def test_reset_turns_translation_off(revision: str) -> None:
    bench = GuestBench(revision)
    assert bench.read("hgatp.MODE") == bench.read("vsatp.MODE") == 8
    bench.engine.reset()
    assert bench.read("hgatp.MODE") == bench.read("vsatp.MODE") == 0
    fresh = Bench(revision)
    assert fresh.read("hgatp.MODE") == fresh.read("vsatp.MODE") == 0


@revisions
@pytest.mark.rules("translation.vs.sum", "translation.mxr.vs-level")
def test_sum_and_mxr_take_effect_without_a_fence(revision: str) -> None:
    for bits, field in ((RWX | U, 1 << 18), (V | A | D | X, 1 << 19)):
        bench = GuestBench(revision).page(bits).start("VS")
        source = "csrs sstatus, a2\nld a0, (a1)\ncsrc sstatus, a2\nld a0, (a1)"
        trap = bench.run(source, a1=PAGE, a2=field)
        assert trap is not None
        assert (trap.cause, trap.epc) == (13, CODE + 12)
