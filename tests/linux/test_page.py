"""The page of code that examples/kvm/exits.c runs as guest: each of its exits, as HS-mode sees it.

From riscv-isa-manual, src/hypervisor.tex: guest-page faults, htval, htinst; an ECALL from VS-mode.
What is expected of the exits is what exits.c expects.
"""

from __future__ import annotations

import re

import pytest
from bench import DATA, GUEST_PAGE, GuestBench, Trap, since

from drafthart.generator.assembly.assembler import assemble
from drafthart.generator.assembly.program import flat
from drafthart.generator.assembly.registers import REGISTERS
from drafthart.linux.programs import sources

LOAD_FAULT, STORE_FAULT, CALL = 21, 23, 10
DEVICE = 0x1000_0000
# Which register the guest's loads go to, in their order.
LOADED = ("s1", "s2", "a3")


def expected(table: str) -> list[tuple[int, int, bool, int]]:
    """Offset, size, whether it is a write, and value: a table of exits.c."""
    text = (sources() / "exits.c").read_text(encoding="utf-8")
    found = re.search(rf"{table}\[\] = \{{\n(.*?)\n\}}", text, re.DOTALL)
    assert found is not None
    return [
        (int(offset), int(size), write == "1", int(value, 0))
        for offset, size, write, value in re.findall(r"\{(\d+), (\d), (\d), (\w+)\}", found[1])
    ]


class Guest:
    """The page on a bench, in VS-mode; the G-stage maps nothing but RAM and the page."""

    def __init__(self, revision: str) -> None:
        self.bench = bench = GuestBench(revision)
        # Without translation of the guest's own: its addresses are guest-physical.
        bench.write("vsatp", 0)
        bench.writes(medeleg=1 << CALL | 1 << LOAD_FAULT | 1 << STORE_FAULT, hedeleg=0)
        name = "page.S"
        source = (sources() / name).read_text(encoding="utf-8")
        code = flat(assemble(source, bench.isa, name=name, base=GUEST_PAGE))
        bench.bus.ram.store(self.physical(GUEST_PAGE), code)
        bench.hart.flush_instructions()
        bench.mode("VS").hart.pc = GUEST_PAGE

    def physical(self, address: int) -> int:
        return address - GUEST_PAGE + DATA

    def run(self) -> Trap:
        """Run to the next trap."""
        trap = self.bench.steps(20)
        assert trap is not None
        assert trap.to == "HS"
        return trap

    def instruction_size(self, trap: Trap) -> int:
        low = self.bench.peek(self.physical(trap.epc), 2)
        return 4 if low & 3 == 3 else 2

    def resume(self, trap: Trap) -> None:
        """Go on behind the instruction that trapped."""
        self.bench.mode("VS").hart.pc = trap.epc + self.instruction_size(trap)

    def expect_access(self, offset: int, size: int, write: bool) -> Trap:
        trap = self.run()
        assert trap.cause == (STORE_FAULT if write else LOAD_FAULT)
        assert trap.tval == DEVICE + offset
        assert trap.tval2 == (DEVICE + offset) >> 2
        assert trap.tinst is not None
        if trap.tinst:
            # The transformed instruction: bit 1 tells a 16-bit one, bits 13:12 the size.
            assert trap.tinst & 3 == (3 if self.instruction_size(trap) == 4 else 1)
            assert 1 << (trap.tinst >> 12 & 3) == size
        return trap


@pytest.mark.parametrize("revision", since("h@0.6.1"))
def test_every_exit_is_as_expected(revision: str) -> None:
    guest = Guest(revision)
    bench = guest.bench
    loaded = iter(LOADED)
    for offset, size, write, value in expected("BEFORE"):
        trap = guest.expect_access(offset, size, write)
        if write:
            source = bench.peek(guest.physical(trap.epc), 4) >> 20 & 31
            assert bench.hart.x[source] & ((1 << 8 * size) - 1) == value
        else:
            bench.hart.x[REGISTERS[next(loaded)]] = value
        guest.resume(trap)
    trap = guest.run()
    assert trap.cause == CALL
    assert [bench.reg(it) for it in ("a7", "a6", "a0", "a1")] == [0x0800_0001, 7, 0x111, 0x222]
    bench.hart.x[10], bench.hart.x[11] = 0, 0x333
    guest.resume(trap)
    for (offset, size, write, value), source in zip(expected("AFTER"), ("a0", "a1"), strict=True):
        trap = guest.expect_access(offset, size, write)
        assert bench.reg(source) == value
        guest.resume(trap)
    trap = guest.run()
    assert trap.cause == CALL
    assert [bench.reg(it) for it in ("a7", "a6", "a0", "a1")] == [0x5352_5354, 0, 0, 0]
