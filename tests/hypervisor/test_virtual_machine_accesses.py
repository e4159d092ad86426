"""HLV, HLVX and HSV.

From riscv-isa-manual, src/hypervisor.tex at cc43c1fe, "Hypervisor Virtual-Machine Load and Store
Instructions", hstatus.HU and SPVP, "Trap Cause Codes" and, for MPRV, "Machine Status Registers";
cc8b9e04 for what HLVX needs of physical memory.
"""

import pytest
from bench import (
    BASE,
    CODE,
    DATA,
    GUEST_PAGE,
    PAGE,
    REVISIONS,
    ROOT,
    RWX,
    A,
    Bench,
    D,
    GuestBench,
    R,
    Trap,
    U,
    V,
    W,
    X,
)

revisions = pytest.mark.parametrize("revision", REVISIONS)
ILLEGAL, VIRTUAL = 2, 22

# Name → bytes, and whether the value is sign-extended.
LOADS = {
    "hlv.b": (1, True),
    "hlv.bu": (1, False),
    "hlv.h": (2, True),
    "hlv.hu": (2, False),
    "hlvx.hu": (2, False),
    "hlv.w": (4, True),
    "hlv.wu": (4, False),
    "hlvx.wu": (4, False),
    "hlv.d": (8, True),
}
STORES = {"hsv.b": 1, "hsv.h": 2, "hsv.w": 4, "hsv.d": 8}
NAMES = [*LOADS, *STORES]
KINDS = {"read": "hlv.d", "execute": "hlvx.wu", "write": "hsv.d"}
PAGE_FAULT = {"read": 13, "execute": 13, "write": 15}
GUEST_PAGE_FAULT = {"read": 21, "execute": 21, "write": 23}
ACCESS_FAULT = {"read": 5, "execute": 5, "write": 7}
PATTERN = 0x8182_8384_8586_8788


def attempt(bench: Bench, name: str, address: int = PAGE, value: int = PATTERN) -> Trap | None:
    bench.hart.pc = CODE
    return bench.run(f"{name} a0, (a1)", a0=value, a1=address)


def cause_of(trap: Trap | None) -> int | None:
    return trap and trap.cause


def modes(bench: GuestBench, mode: str) -> GuestBench:
    bench.write("hstatus.HU", 1)
    return bench.start(mode)


# Who may


@revisions
@pytest.mark.parametrize("mode", ["VS", "VU"])
@pytest.mark.parametrize("hu", [0, 1])
@pytest.mark.rules("hlv.guest")
def test_in_a_guest(revision: str, mode: str, hu: int) -> None:
    bench = GuestBench(revision).page(RWX | U).write("hstatus.HU", hu)
    assert isinstance(bench, GuestBench)
    for name in NAMES:
        trap = attempt(bench.start(mode), name)
        assert trap is not None
        assert (trap.cause, trap.tval) == (VIRTUAL, bench.peek(CODE, 4)), name


@revisions
@pytest.mark.parametrize("hu", [0, 1])
@pytest.mark.rules("hlv.user", "hstatus.hu")
def test_outside_a_guest(revision: str, hu: int) -> None:
    bench = GuestBench(revision).write("hstatus.HU", hu).write("hstatus.SPVP", 1)
    assert isinstance(bench, GuestBench)
    for name in NAMES:
        for mode in "M", "HS", "U":
            expected = ILLEGAL if mode == "U" and not hu else None
            assert cause_of(attempt(bench.start(mode), name)) == expected, (name, mode)


# What they do


@revisions
@pytest.mark.parametrize("mode", ["M", "HS", "U"])
@pytest.mark.rules("hlv.privilege")
def test_values(revision: str, mode: str) -> None:
    bench = modes(GuestBench(revision), mode).write("hstatus.SPVP", 1)
    for name, (size, signed) in LOADS.items():
        for pattern in PATTERN, 0x7172_7374_7576_7778:
            bench.poke(DATA, pattern)
            assert attempt(bench, name) is None
            value = pattern & ((1 << 8 * size) - 1)
            if signed and value >> 8 * size - 1:
                value |= (1 << 64) - (1 << 8 * size)
            assert bench.reg("a0") == value, name
    for name, size in STORES.items():
        bench.poke(DATA, 0x1111_1111_1111_1111)
        assert attempt(bench, name) is None
        mask = (1 << 8 * size) - 1
        assert bench.peek(DATA) == PATTERN & mask | 0x1111_1111_1111_1111 & ~mask, name


@revisions
@pytest.mark.parametrize("mode", ["M", "HS", "U"])
@pytest.mark.parametrize("spvp", [0, 1])
@pytest.mark.rules("hlv.privilege")
def test_spvp_is_the_privilege(revision: str, mode: str, spvp: int) -> None:
    bench = modes(GuestBench(revision), mode).write("hstatus.SPVP", spvp)
    assert isinstance(bench, GuestBench)
    # SPP, SPV, MPP and MPV say nothing.
    for others in 0, 1:
        bench.write("sstatus.SPP", others).write("hstatus.SPV", others)
        bench.write("mstatus.MPP", others).write("mstatus.MPV", others)
        for user in 0, 1:
            bench.page(RWX | (U if user else 0))
            for kind, name in KINDS.items():
                permitted = user != spvp
                expected = None if permitted else PAGE_FAULT[kind]
                assert cause_of(attempt(bench, name)) == expected
    # Both stages are on: not the guest physical address, and not an HS-level page.
    supervisor = bench.table().identity()
    supervisor.map(PAGE + 0x1000, DATA)
    bench.write("satp", supervisor.satp if mode != "U" else 0)
    for kind, name in KINDS.items():
        assert cause_of(attempt(bench, name, GUEST_PAGE)) == PAGE_FAULT[kind]
    bench.page(RWX | (0 if spvp else U), 0)
    for kind, name in KINDS.items():
        trap = attempt(bench, name)
        assert trap is not None
        assert (trap.cause, trap.tval, trap.tval2) == (
            GUEST_PAGE_FAULT[kind],
            PAGE,
            GUEST_PAGE >> 2,
        )


@revisions
@pytest.mark.rules("hlv.privilege")
def test_stages_that_are_off(revision: str) -> None:
    bench = GuestBench(revision).start("HS").poke(DATA, PATTERN)
    for spvp in 0, 1:
        bench.write("hstatus.SPVP", spvp)
        bench.writes(vsatp=0)
        for name in KINDS.values():
            assert attempt(bench, name, GUEST_PAGE) is None
        bench.writes(hgatp=0)
        for name in KINDS.values():
            assert attempt(bench, name, DATA) is None
        bench.two_stages(host=bench.host)
    # The tables of HS-mode play no part.
    bench.write("satp", bench.table().satp)
    bench.write("vsatp", bench.guest.satp).mode("M")
    assert attempt(bench, "hlv.d") is None


@revisions
@pytest.mark.parametrize("mode", ["M", "HS", "U"])
@pytest.mark.rules("hlv.sum")
def test_sum(revision: str, mode: str) -> None:
    bench = modes(GuestBench(revision).page(RWX | U), mode).write("hstatus.SPVP", 1)
    for vs_level in 0, 1:
        for hs_level in 0, 1:
            bench.write("vsstatus.SUM", vs_level).write("sstatus.SUM", hs_level)
            for kind, name in KINDS.items():
                trap = attempt(bench, name)
                # HLVX is a load that swaps one permission for another: SUM helps it, too.
                assert cause_of(trap) == (None if vs_level else PAGE_FAULT[kind])
    # For SPVP=0 SUM does not matter.
    bench.write("hstatus.SPVP", 0).write("vsstatus.SUM", 0)
    for name in KINDS.values():
        assert attempt(bench, name) is None


@revisions
@pytest.mark.parametrize("mpv", [0, 1])
@pytest.mark.parametrize("mpp", [0, 1, 3])
@pytest.mark.rules("hlv.mprv")
def test_mprv(revision: str, mpv: int, mpp: int) -> None:
    bench = GuestBench(revision).start("M")
    bench.write("mstatus.MPP", mpp).write("mstatus.MPV", mpv).poke(DATA, PATTERN)
    for spvp in 0, 1:
        bench.page(RWX | (0 if spvp else U)).write("hstatus.SPVP", spvp)
        for mprv in 0, 1:
            bench.write("mstatus.MPRV", mprv)
            for name in NAMES:
                assert attempt(bench, name) is None, name
            bench.write("hstatus.SPVP", 1 - spvp)
            assert cause_of(attempt(bench, "hlv.d")) == 13
            bench.mode("M").write("hstatus.SPVP", spvp)
            bench.write("mstatus.MPP", mpp).write("mstatus.MPV", mpv)


# Permissions


@revisions
@pytest.mark.parametrize("spvp", [0, 1])
@pytest.mark.rules("hlvx.execute", "hlvx.cause", "hlv.privilege")
def test_permissions(revision: str, spvp: int) -> None:
    """All legal R, W and X at both stages, with all settings of MXR."""
    bench = GuestBench(revision).start("HS").write("hstatus.SPVP", spvp)
    assert isinstance(bench, GuestBench)
    user = 0 if spvp else U
    leaves = [bits for bits in range(0, 16, 2) if bits and not (bits & W and not bits & R)]
    assert len(leaves) == 5
    for vs in leaves:
        for g in leaves:
            bench.page(V | A | D | vs | user, V | A | D | U | g)
            for mxr in range(4):
                vs_level, hs_level = mxr & 1, mxr >> 1
                bench.write("vsstatus.MXR", vs_level).write("sstatus.MXR", hs_level)
                first = {
                    "read": vs & R or (vs & X and mxr),
                    "execute": vs & X,
                    "write": vs & W,
                }
                second = {"read": g & R or (g & X and hs_level), "execute": g & X, "write": g & W}
                for kind, name in KINDS.items():
                    expected = None
                    if not first[kind]:
                        expected = PAGE_FAULT[kind]
                    elif not second[kind]:
                        expected = GUEST_PAGE_FAULT[kind]
                    assert cause_of(attempt(bench.mode("HS"), name)) == expected, (kind, vs, g, mxr)


@revisions
@pytest.mark.parametrize("mode", ["M", "HS", "U"])
@pytest.mark.rules("hlvx.cause")
def test_hlvx_raises_the_exceptions_of_a_load(revision: str, mode: str) -> None:
    bench = modes(GuestBench(revision), mode).write("hstatus.SPVP", 1)
    assert isinstance(bench, GuestBench)
    bench.guest.map(PAGE + 0x1000, GUEST_PAGE + 0x1000)
    bench.guest.map(PAGE + 0x2000, GUEST_PAGE + 0x2000)
    bench.host.map(GUEST_PAGE + 0x2000, BASE - 0x1000, RWX | U)
    for name in "hlvx.hu", "hlvx.wu":
        for address, cause in (
            (PAGE + 0x3000, 13),
            (PAGE + 0x1000, 21),
            (PAGE + 0x2000, 5),
            (1 << 62, 13),
        ):
            trap = attempt(bench.mode(mode), name, address)
            assert trap is not None
            assert (trap.cause, trap.tval) == (cause, address)
    bench = modes(GuestBench(revision, {"MISALIGNED": 0}), mode)
    bench.write("hstatus.SPVP", 1)
    trap = attempt(bench, "hlvx.wu", PAGE + 2)
    assert cause_of(trap) == 4


# Where physical memory protection permits R, W and X so, do reads, executes and writes succeed?
# The root forbids HLVX on memory that may only be executed; cc8b9e04 wants R and X of it. Memory
# with R and without X the root did not rule out.
PMP = {0: "", R: "r", R | W: "rw", X: "", R | X: "rx", R | W | X: "rwx"}


@revisions
@pytest.mark.parametrize("mode", ["M", "HS", "U"])
@pytest.mark.rules("hlvx.pmp", "hlvx.cause")
def test_physical_memory_protection(revision: str, mode: str) -> None:
    bench = modes(GuestBench(revision).page(RWX, RWX | U), mode).write("hstatus.SPVP", 1)
    for spvp in 0, 1:
        bench.page(RWX | (0 if spvp else U)).write("hstatus.SPVP", spvp)
        for pte, found in PMP.items():
            bench.write("pmpaddr0", (DATA | 0x7FF) >> 2).write("pmpaddr1", (1 << 54) - 1)
            bench.write("pmpcfg0", 0x1F00 | 0x18 | pte >> 1)
            permitted = {"read": "r" in found, "write": "w" in found}
            permitted["execute"] = (
                "r" in found if revision == ROOT else "rx" in found.replace("w", "")
            )
            for kind, name in KINDS.items():
                trap = attempt(bench.mode(mode), name)
                assert cause_of(trap) == (None if permitted[kind] else ACCESS_FAULT[kind])
                assert trap is None or (trap.tval, trap.tval2) == (PAGE, 0)
