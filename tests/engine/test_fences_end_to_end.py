"""Fences seen from within: one uninterrupted run in which a hypervisor changes a guest's tables.

Whatever the engine caches, a guest's load after the fence sees the new tables. From the sections
Hypervisor Memory-Management Fence Instructions of src/hypervisor.tex at Priv-v1.12.
"""

from __future__ import annotations

import pytest
from bench import BASE, CODE, DATA, HANDLER, RWX, Bench, U

REVISIONS = ["h@0.6.1", "h@0.6.2", "h@1.0.0-rc", "h@1.0"]
WARM = 60
"""Rounds before the change: more than it takes for a block to be compiled."""

GUEST = BASE + 0x4000
PAGE = 0x7000_0000

# The guest loads from PAGE over and over, then calls the hypervisor, and once more.
LOADS = f"""
again:
    li   s0, {WARM}
1:  ld   a0, 0(s1)
    addi s0, s0, -1
    bnez s0, 1b
    ecall
    j    again
"""

# The first call: store s3 to the entry at s2, fence, go on. The second: stop, a1 has the new value.
CHANGE = """
    bnez s5, stop
    li   s5, 1
    mv   a1, a0
    sd   s3, 0(s2)
    {fence}
    csrr t0, sepc
    addi t0, t0, 4
    csrw sepc, t0
    sret
stop:
    j    stop
"""


@pytest.mark.rules("hfence.vvma", "hfence.gvma")
@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize(
    ("stage", "fence"),
    [("g", "hfence.gvma"), ("g", "hfence.gvma x0, s7"), ("vs", "hfence.vvma"),
     ("vs", "hfence.vvma s1, x0")],
)  # fmt: skip
def test_a_guest_sees_tables_changed_before_the_fence(
    revision: str, stage: str, fence: str
) -> None:
    bench = Bench(revision).mode("VS")
    host = bench.table(wide=True).identity(RWX | U)
    guest = bench.table().identity()
    if stage == "g":
        guest.map(PAGE, PAGE)
        entry = host.map(PAGE, DATA, RWX | U)
        replacement = (DATA + 0x1000) >> 12 << 10 | RWX | U
    else:
        entry = guest.map(PAGE, DATA)
        replacement = (DATA + 0x1000) >> 12 << 10 | RWX
    bench.two_stages(guest=guest, host=host)
    bench.write("medeleg", (1 << 64) - 1)
    bench.poke(DATA, 11).poke(DATA + 0x1000, 22)
    bench.place(LOADS, GUEST)
    if " " not in fence:
        fence += " x0, x0"
    bench.place(CHANGE.format(fence=fence), HANDLER + 0x400)
    hart = bench.hart
    hart.pc = GUEST
    hart.x[9], hart.x[18], hart.x[19] = PAGE, entry, replacement
    hart.flush_translations()
    bench.engine.run(lambda: (WARM * 8 + 60, True))
    assert bench.mode_name == "HS"
    assert (bench.reg("a1"), bench.reg("a0")) == (11, 22)


@pytest.mark.rules("sfence.guest")
@pytest.mark.parametrize("revision", REVISIONS)
def test_a_guest_sees_its_own_change_after_sfence(revision: str) -> None:
    bench = Bench(revision).mode("VS")
    host = bench.table(wide=True).identity(RWX | U)
    guest = bench.table().identity()
    entry = guest.map(PAGE, DATA)
    bench.two_stages(guest=guest, host=host)
    bench.poke(DATA, 11).poke(DATA + 0x1000, 22)
    source = f"""
        li   s0, {WARM}
    1:  ld   a0, 0(s1)
        addi s0, s0, -1
        bnez s0, 1b
        mv   a1, a0
        sd   s3, 0(s2)
        sfence.vma x0, x0
        ld   a0, 0(s1)
    end: j   end
    """
    bench.place(source, CODE)
    hart = bench.hart
    hart.x[9], hart.x[18], hart.x[19] = PAGE, entry, (DATA + 0x1000) >> 12 << 10 | RWX
    hart.flush_translations()
    bench.engine.run(lambda: (WARM * 4 + 20, True))
    assert (bench.reg("a1"), bench.reg("a0")) == (11, 22)
