"""Several harts: whose turn it is, what they share, and that runs are the same each time."""

from __future__ import annotations

from pathlib import Path

import pytest
from several_harts import ENGINES, FINISH, everything, load, machine, word

COUNT = 300

PARK = """
park:
    wfi
    j park
"""


def spin(lock: str, unlock: str, harts: int) -> str:
    """Each hart increments a counter under a lock, in two instructions that must not be torn."""
    return f"""
    _start:
        la s0, lock
        la s1, counter
        li s2, {COUNT}
    again:
    {lock}
        ld t0, 0(s1)
        addi t0, t0, 1
        sd t0, 0(s1)
    {unlock}
        addi s2, s2, -1
        bnez s2, again
        la s3, ready
        li t0, 1
        amoadd.w t1, t0, (s3)
        bnez a0, park
    all:
        lw t0, 0(s3)
        li t1, {harts}
        bne t0, t1, all
    {FINISH}
    {PARK}
    .align 3
    lock: .dword 0
    counter: .dword 0
    ready: .dword 0
    """


BY_RESERVATION = """
    take:
        lr.w t0, (s0)
        bnez t0, take
        li t0, 1
        sc.w t0, t0, (s0)
        bnez t0, take
"""
BY_AMO = """
        li t1, 1
    take:
        amoswap.w t0, t1, (s0)
        bnez t0, take
"""
UNLOCK = "amoswap.w zero, zero, (s0)"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("take", [BY_RESERVATION, BY_AMO], ids=["lr-sc", "amo"])
@pytest.mark.parametrize(("harts", "quantum"), [(2, 100), (3, 137), (4, 1000)])
def test_a_lock_keeps_the_others_out(
    engine: str, take: str, harts: int, quantum: int, tmp_path: Path
) -> None:
    it = machine(engine, harts, quantum)
    symbols = load(it, tmp_path, spin(take, UNLOCK, harts))
    outcome = it.run(2_000_000)
    assert (outcome.reason, outcome.status) == ("exit", 0)
    assert word(it, symbols["counter"]) == harts * COUNT


def test_without_the_lock_increments_are_lost(tmp_path: Path) -> None:
    # So the test above would notice a lock that does not hold.
    it = machine("python", 2, 101)
    symbols = load(it, tmp_path, spin("", "", 2))
    assert it.run(1_000_000).reason == "exit"
    assert word(it, symbols["counter"]) < 2 * COUNT


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.rules("atomic.sc-needs-reservation")
def test_a_store_by_another_hart_breaks_a_reservation(engine: str, tmp_path: Path) -> None:
    # Hart 1 changes the word and changes it back: its value alone would not show that.
    it = machine(engine, 2, 100)
    symbols = load(
        it,
        tmp_path,
        f"""
        _start:
            la s0, cell
            bnez a0, other
            lr.d t0, (s0)
            sd s0, 8(s0)
        1:  ld t1, 16(s0)
            beqz t1, 1b
            sc.d t2, t0, (s0)
            sd t2, 24(s0)
        {FINISH}
        other:
            ld t1, 8(s0)
            beqz t1, other
            li t1, 5
            sd t1, 0(s0)
            sd zero, 0(s0)
            sd t1, 16(s0)
        {PARK}
        .align 3
        cell: .dword 0, 0, 0, 7
        """,
    )
    assert it.run(100_000).reason == "exit"
    assert word(it, symbols["cell"] + 24) == 1


PING_PONG = f"""
    .equ CLINT, 0x2000000
    _start:
        la t0, handler
        csrw mtvec, t0
        csrr s0, mhartid
        bne s0, a0, wrong
        li s1, CLINT
        slli t0, s0, 2
        add s2, s1, t0         # my msip
        xori t1, s0, 1
        slli t1, t1, 2
        add s3, s1, t1         # the other's
        la s4, count
        li s5, 0
        li t0, 8
        csrw mie, t0
        csrsi mstatus, 8
        bnez s0, wait
        li t0, 1
        sw t0, 0(s3)
    wait:
        wfi
        j wait
    handler:
        sw zero, 0(s2)
        ld t0, 0(s4)
        addi t0, t0, 1
        sd t0, 0(s4)
        addi s5, s5, 1
        li t1, {COUNT}
        bge t0, t1, over
        li t0, 1
        sw t0, 0(s3)
        mret
    over:
        {FINISH}
    wrong:
        j wrong
    .align 3
    count: .dword 0
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_harts_interrupt_each_other(engine: str, tmp_path: Path) -> None:
    it = machine(engine)
    symbols = load(it, tmp_path, PING_PONG)
    outcome = it.run(1_000_000)
    assert (outcome.reason, outcome.status) == ("exit", 0)
    assert word(it, symbols["count"]) == COUNT
    assert [hart.x[21] for hart in it.harts] == [COUNT // 2] * 2
    # Each interrupt took a dozen instructions, so nobody waited for the end of a quantum.
    assert outcome.steps < 20 * COUNT


@pytest.mark.parametrize("engine", ENGINES)
def test_each_hart_has_a_timer(engine: str, tmp_path: Path) -> None:
    # Hart n sleeps until tick 1000 * (n + 1), all together; then time must be just that.
    it = machine(engine, 3)
    symbols = load(
        it,
        tmp_path,
        f"""
        _start:
            li s1, 0x2004000
            slli t0, a0, 3
            add s1, s1, t0
            addi s0, a0, 1
            li t1, 1000
            mul s0, s0, t1
            sd s0, 0(s1)
            li t0, 128
            csrw mie, t0
            wfi
            csrr t1, time
            la s2, times
            slli t0, a0, 3
            add s2, s2, t0
            sd t1, 0(s2)
            li t0, 2
            bne a0, t0, park
        {FINISH}
        park:
            csrw mie, zero
            wfi
            j park
        .align 3
        times: .dword 0, 0, 0
        """,
    )
    assert it.run(100_000).reason == "exit"
    times = [word(it, symbols["times"] + 8 * hart) for hart in range(3)]
    assert [time // 1000 for time in times] == [1, 2, 3]
    assert all(time % 1000 <= 10 for time in times)


@pytest.mark.parametrize("engine", ENGINES)
def test_time_never_goes_back(engine: str, tmp_path: Path) -> None:
    # Each hart compares the time with the latest one that any hart saw.
    it = machine(engine, 3, 137)
    symbols = load(
        it,
        tmp_path,
        f"""
        _start:
            la s0, lock
            li s2, 400
        again:
        {BY_AMO}
            ld t2, 8(s0)
            csrr t3, time
            bltu t3, t2, back
            sd t3, 8(s0)
        {UNLOCK}
            addi s2, s2, -1
            bnez s2, again
            li t0, 1
            addi s1, s0, 16
            amoadd.d t1, t0, (s1)
            li t0, 2
            beq t1, t0, finish
        {PARK}
        back:
            j back
        {FINISH}
        .align 3
        lock: .dword 0, 0, 0
        """,
    )
    outcome = it.run(1_000_000)
    assert outcome.reason == "exit"
    # All harts together have so many instructions a tick as each of them.
    assert word(it, symbols["lock"] + 8) == pytest.approx(outcome.steps / 30, rel=0.1)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("own", [False, True], ids=["by-hart-0", "by-hart-1"])
def test_code_that_another_hart_wrote_runs_after_a_fence(
    engine: str, own: bool, tmp_path: Path
) -> None:
    # Both run the function; one writes a new one, the other fences and runs it, again and again.
    runner = "beqz" if own else "bnez"
    it = machine(engine, 2, 200)
    symbols = load(
        it,
        tmp_path,
        f"""
        _start:
            la s0, turn
            la s1, function
            li s2, 100
            li s4, 0
            li s5, 0x00150513         # addi a0, a0, 1
            li s6, 0x100000           # one more
            {runner} a0, run
        write:
            mv a0, zero
            jalr ra, 0(s1)
            sw s5, 0(s1)
            fence.i
            add s4, s4, a0
            add s5, s5, s6
            li t0, 1
            sd t0, 0(s0)
        1:  ld t0, 0(s0)
            bnez t0, 1b
            addi s2, s2, -1
            bnez s2, write
        {FINISH}
        run:
        1:  ld t0, 0(s0)
            beqz t0, 1b
            fence.i
            mv a0, zero
            jalr ra, 0(s1)
            add s4, s4, a0
            sd s4, 8(s0)
            sd zero, 0(s0)
            j run
        .align 12
        turn: .dword 0, 0
        .align 12
        function:
            nop
            ret
        """,
    )
    assert it.run(1_000_000).reason == "exit"
    assert word(it, symbols["turn"] + 8) == sum(range(1, 101))


@pytest.mark.parametrize("engine", ENGINES)
def test_the_devices_interrupt_the_hart_that_asks(engine: str, tmp_path: Path) -> None:
    # The UART's transmitter is empty: its interrupt goes to the S context of hart 1, context 3.
    it = machine(engine)
    symbols = load(
        it,
        tmp_path,
        f"""
        _start:
            beqz a0, park
            li s0, 0xc000000
            li t0, 1
            sw t0, 40(s0)              # priority of source 10
            li s1, 0xc002180
            li t0, 1024
            sw t0, 0(s1)               # enable it in context 3
            li s2, 0x10000000
            li t0, 2
            sb t0, 1(s2)               # IER: transmitter empty
            csrr t1, mip
            la s3, seen
            sd t1, 0(s3)
            li s4, 0xc203004
            lw t2, 0(s4)               # claim
            sd t2, 8(s3)
        {FINISH}
        {PARK}
        .align 3
        seen: .dword 0, 0
        """,
    )
    assert it.run(100_000).reason == "exit"
    assert word(it, symbols["seen"]) & 1 << 9
    assert word(it, symbols["seen"] + 8) == 10
    assert not it.harts[0].interrupt_lines & 1 << 9


@pytest.mark.parametrize("engine", ENGINES)
def test_all_asleep_with_nothing_to_wake_them_is_an_end(engine: str, tmp_path: Path) -> None:
    it = machine(engine, 3)
    load(it, tmp_path, f"_start: csrw mie, zero\n{PARK}")
    assert it.run(100_000).reason == "asleep"


@pytest.mark.parametrize("quantum", [100, 1000, 10_000])
def test_the_engines_agree_and_runs_repeat(quantum: int, tmp_path: Path) -> None:
    ends = []
    for engine in ("python", "python", "native", "native"):
        it = machine(engine, 3, quantum)
        load(it, tmp_path, spin(BY_RESERVATION, UNLOCK, 3))
        outcome = it.run(12_345)
        ends.append((outcome, everything(it)))
    assert ends[0] == ends[1] == ends[2] == ends[3]


@pytest.mark.parametrize("engine", ["python", "native"])
def test_stops_on_the_way_change_nothing(engine: str, tmp_path: Path) -> None:
    whole, parts = machine(engine, 2, 150), machine(engine, 2, 150)
    for it in (whole, parts):
        load(it, tmp_path, PING_PONG)
    steps = 3 * 1009
    whole.run(steps)
    for part in (1, 149, 150, 1, 299, 410, 1009, 1008):
        parts.run(part)
    assert parts.steps == whole.steps == steps
    assert everything(parts) == everything(whole)
