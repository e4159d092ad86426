"""Breakpoints stop before their instruction, in compiled blocks as in steps."""

from __future__ import annotations

import pytest
from bench import CODE, HANDLER, Bench

LOOP = """
    li   s0, 100
loop:
    addi s1, s1, 1
    addi s2, s2, 1
    andi t0, s0, 1
    beqz t0, even
    addi s3, s3, 1
even:
    addi s0, s0, -1
    bnez s0, loop
end:
    j    end
"""


@pytest.mark.parametrize("stepped", [False, True])
@pytest.mark.parametrize("at", [4, 8, 16, 20, 24, 28])
def test_each_time_round(at: int, stepped: bool) -> None:
    bench = Bench("h@1.0")
    bench.place(f".option norvc\n{LOOP}", CODE)
    if stepped:
        bench.engine.watcher = lambda retired: None
    # Warm, so that there are compiled blocks to break into.
    bench.engine.run(lambda: (300, True))
    bench.engine.breakpoints = {CODE + at}
    stops = []
    while True:
        stop = bench.engine.run(lambda: (5000, True))
        if stop.reason != "breakpoint":
            break
        assert bench.hart.pc == CODE + at
        stops.append((bench.reg("s0"), bench.reg("s1")))
        bench.engine.step()
    rounds = [s0 for s0, _ in stops]
    first = rounds[0]
    expected = {20: range(first, 0, -2), 28: range(first, -1, -1)}.get(at, range(first, 0, -1))
    assert rounds == list(expected)
    assert first > 50
    assert at != 20 or first % 2 == 1
    done = 0 if at in (4, 28) else 1
    assert all(s1 == 100 - s0 + done for s0, s1 in stops)


def test_an_interrupt_comes_first() -> None:
    bench = Bench("h@1.0")
    bench.place("nop\nnop\nnop\n", CODE)
    bench.place("csrw mie, zero\nmret", HANDLER)
    bench.write("mie", 1 << 7).write("mstatus.MIE", 1)
    bench.hart.set_line(7, True)
    bench.engine.breakpoints = {CODE}
    assert bench.engine.run(lambda: (100, True)).reason == "breakpoint"
    assert (bench.hart.pc, bench.hart.steps) == (CODE, 2)


def test_none_any_more() -> None:
    bench = Bench("h@1.0")
    bench.place(LOOP, CODE)
    bench.engine.breakpoints = {CODE + 4}
    assert bench.engine.run(lambda: (3000, True)).reason == "breakpoint"
    bench.engine.breakpoints = set()
    assert bench.engine.run(lambda: (3000, True)).reason == "limit"
