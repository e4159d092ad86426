"""Which of several synchronous exceptions of one instruction is taken.

From riscv-isa-manual, src/hypervisor.tex, "Trap Cause Codes": the table at 3bf08168 (2021-08-17),
and the one that replaced it at fcbcb958 (2021-08-18), which follows the steps of the translation.
"""

from itertools import combinations

import pytest
from bench import (
    BASE,
    CODE,
    DATA,
    GUEST_PAGE,
    PAGE,
    RWX,
    TABLES,
    GuestBench,
    Trap,
    U,
    since,
)

later = pytest.mark.parametrize("revision", since("h@0.6.2"))
DAY_OF_THE_FIRST_TABLE = "h@0.6.2@2021-08-17"
VIRTUAL = 22

SOURCES = {"load": "hlv.d a0, (a1)", "execute": "hlvx.wu a0, (a1)", "store": "hsv.d a0, (a1)"}
PAGE_FAULT = {"load": 13, "execute": 13, "store": 15, "fetch": 12}
GUEST_PAGE_FAULT = {"load": 21, "execute": 21, "store": 23, "fetch": 20}
ACCESS_FAULT = {"load": 5, "execute": 5, "store": 7, "fetch": 1}


class Walk:
    """A bench whose translation of PAGE can be broken at every step."""

    def __init__(self, revision: str) -> None:
        self.bench = bench = GuestBench(revision)
        bench.host.map(TABLES, 0, 0, level=1)
        for offset in range(0, 32 << 12, 1 << 12):
            bench.host.map(TABLES + offset, TABLES + offset, RWX | U)
        self.entries, table = [], bench.guest.root
        for level in 2, 1, 0:
            self.entries.append(table + 8 * (PAGE >> (12 + 9 * level) & 0x1FF))
            table = bench.peek(self.entries[-1]) >> 10 << 12
        # The pages of the G-stage's leaves for the three tables and for the page itself.
        self.leaves = [bench.host.map(entry, entry, RWX | U) for entry in self.entries]
        bench.poke(DATA, 0x13)
        bench.write("hstatus.SPVP", 1)
        bench.write("pmpaddr0", (DATA | 0x7FF) >> 2).write("pmpaddr1", (1 << 54) - 1)

    STEPS = 8
    """In the order of the walk: G-stage and entry of each of three tables, G-stage, memory."""

    def breaking(self, steps: set[int], *, missing: bool = False) -> None:
        """Break these steps; with `missing` the G-stage puts a table where no memory is."""
        bench = self.bench
        bench.page()
        for number, (entry, leaf) in enumerate(zip(self.entries, self.leaves, strict=True)):
            broken = BASE - 0x1000 >> 2 | RWX | U if missing else 0
            page = entry & -4096
            bench.poke(leaf, broken if 2 * number in steps else page >> 2 | RWX | U)
            good = (
                page_after(self.entries, number) >> 2 | 1 if number < 2 else GUEST_PAGE >> 2 | RWX
            )
            bench.poke(entry, 0 if 2 * number + 1 in steps else good)
        bench.poke(bench.g_pte, 0 if 6 in steps else DATA >> 2 | RWX | U)
        bench.write("pmpcfg0", 0x1F18 | (0 if 7 in steps else 7))

    def expected(self, step: int, kind: str, *, missing: bool) -> tuple[int, int]:
        """The cause and the guest physical address (divided by 4) of an exception at a step."""
        if step == 7 or (missing and step in (0, 2, 4)):
            return ACCESS_FAULT[kind], 0
        if step in (1, 3, 5):
            return PAGE_FAULT[kind], 0
        return GUEST_PAGE_FAULT[kind], (GUEST_PAGE if step == 6 else self.entries[step // 2]) >> 2

    def run(self, kind: str) -> Trap | None:
        bench = self.bench
        if kind == "fetch":
            bench.mode("VS").hart.pc = PAGE
            return bench.steps(1)
        bench.mode("HS").hart.pc = CODE
        return bench.run(SOURCES[kind], a1=PAGE)


def page_after(entries: list[int], number: int) -> int:
    return entries[number + 1] & -4096


@later
@pytest.mark.parametrize("kind", [*SOURCES, "fetch"])
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.rules("trap.priority.translation", "trap.priority.physical")
def test_the_first_fault_of_a_translation(revision: str, kind: str, missing: bool) -> None:
    walk = Walk(revision)
    walk.breaking(set(), missing=missing)
    assert walk.run(kind) is None
    broken = [set(steps) for n in (1, 2, 3) for steps in combinations(range(Walk.STEPS), n)]
    for steps in [*broken, set(range(Walk.STEPS))]:
        walk.breaking(steps, missing=missing)
        trap = walk.run(kind)
        assert trap is not None
        cause, guest = walk.expected(min(steps), kind, missing=missing)
        assert (trap.cause, trap.tval, trap.tval2) == (cause, PAGE, guest), steps


@pytest.mark.parametrize("kind", [*SOURCES, "fetch"])
@pytest.mark.rules("trap.priority.guest-page-fault")
def test_the_first_table(kind: str) -> None:
    """Page fault, guest-page fault, access fault: what the last entry, its page and PMP refuse."""
    walk = Walk(DAY_OF_THE_FIRST_TABLE)
    assert "trap.priority.guest-page-fault" in walk.bench.isa.rules
    for steps in {5, 6, 7}, {5, 6}, {5, 7}, {6, 7}, {5}, {6}, {7}:
        walk.breaking(steps)
        trap = walk.run(kind)
        assert trap is not None
        cause, guest = walk.expected(min(steps), kind, missing=False)
        assert (trap.cause, trap.tval, trap.tval2) == (cause, PAGE, guest), steps


@later
@pytest.mark.rules("trap.priority.translation", "trap.priority.physical")
def test_misaligned_addresses_come_first_or_last(revision: str) -> None:
    bench = GuestBench(revision, {"MISALIGNED": 0})
    bench.guest.map(PAGE + 0x1000, GUEST_PAGE + 0x1000)
    for source, misaligned in (
        ("ld a0, (a1)", 4),
        ("sd a0, (a1)", 6),
        ("amoadd.w a0, a2, (a1)", 6),
    ):
        for address, causes in ((PAGE + 0x1001, (21, 23)), (PAGE + 0x2001, (13, 15))):
            trap = bench.start("VS").run(source, a1=address)
            assert trap is not None
            assert trap.cause in (misaligned, causes[misaligned == 6])
        # Where nothing else is wrong it is the one.
        trap = bench.start("VS").run(source, a1=PAGE + 1)
        assert trap is not None
        assert trap.cause == misaligned


@later
@pytest.mark.parametrize("mode", ["VS", "VU"])
@pytest.mark.parametrize(
    "source",
    ["hlv.d a0, (a1)", "hsv.d a0, (a1)", "hlvx.wu a0, (a1)", "hfence.gvma", "csrr a0, hstatus"],
)
@pytest.mark.rules("trap.priority.virtual-instruction")
def test_virtual_instruction_ranks_with_illegal(revision: str, mode: str, source: str) -> None:
    """After all that a fetch can raise, before all that a data access can."""
    bench = GuestBench(revision, {"MISALIGNED": 0})
    for address in (PAGE, PAGE + 1, PAGE + 0x5001, 1 << 50):
        trap = bench.page(RWX, 0).start(mode).run(source, a1=address)
        assert trap is not None
        assert (trap.cause, trap.epc) == (VIRTUAL, CODE)
    user = U if mode == "VU" else 0
    for vs, g, cause in ((0, RWX | U, 12), (RWX | user, 0, 20), (RWX | user, RWX | U, 1)):
        bench.page(vs, g).start(mode).place(source, DATA)
        if cause == 1:
            bench.write("pmpaddr0", (DATA | 0x7FF) >> 2).write("pmpaddr1", (1 << 54) - 1)
            bench.write("pmpcfg0", 0x1F18)
        bench.hart.pc = PAGE
        trap = bench.steps(1)
        assert trap is not None
        assert (trap.cause, trap.tval) == (cause, PAGE)
