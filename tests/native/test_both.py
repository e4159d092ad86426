"""Lockstep: it follows whatever a machine does, and stops at the first difference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bench import BASE, CODE, DATA, Bench, isa_of

from drafthart.cli import main
from drafthart.generator.assembly import assemble, write_elf
from drafthart.runtime.boot import Images
from drafthart.runtime.both_engine import BothEngine, EngineDifferenceError
from drafthart.runtime.devices.clint import Clint
from drafthart.runtime.engines import both_engines, engine_named, has_compiler
from drafthart.runtime.machine import Machine
from drafthart.runtime.state import read_state

pytestmark = pytest.mark.skipif(not has_compiler(), reason="no C compiler is installed")

LOOP = "li s0, 0x80100000\n1: addi a0, a0, 1\nsd a0, 0(s0)\nadd a1, a1, a0\nj 1b"


def looping(every: int = 1) -> Bench:
    bench = Bench("h@1.0", engine="both")
    bench.place(LOOP, CODE)
    bench.engine.every = every
    return bench


def spoil(bench: Bench, at: int, how: Callable[[Any], None]) -> None:
    """Run, and change the native side behind the scenes when it has come to a step count."""
    native = bench.engine._native
    run = native.run

    def spoiled(horizon: Any) -> Any:
        stop = run(horizon)
        if native.hart.steps == at:
            how(native)
        return stop

    native.run = spoiled


def test_no_difference() -> None:
    bench = looping(1000)
    bench.engine.run(lambda: (20_000, True))
    bench.engine.check_memory()
    assert bench.hart.steps == bench.engine._other.steps == 20_000
    assert bench.peek(DATA) == bench.engine._other_ram.u64[(DATA - BASE) // 8] > 4000


def test_a_register_that_differs() -> None:
    bench = looping()
    spoil(bench, 50, lambda native: native.hart.x.__setitem__(10, 0xBAD))
    with pytest.raises(EngineDifferenceError) as found:
        bench.engine.run(lambda: (1000, True))
    lines = str(found.value).splitlines()
    assert (
        lines[0]
        == "the engines differ after 50 instructions of h@1.0: this is a bug of Drafthart's"
    )
    assert lines[1].startswith("  they agreed in M-mode at 0x800010")
    assert lines[1].endswith("after 49 instructions")
    assert any(line.startswith("  python: the last instruction was ") for line in lines)
    rows = [line.split() for line in lines if line.startswith("  x[10]")]
    assert rows == [["x[10]", f"{bench.reg('a0'):#x}", "0xbad"]]
    assert bench.hart.steps == 50


def test_a_csr_that_differs_at_a_coarser_grain() -> None:
    bench = looping(500)
    spoil(bench, 1500, lambda native: setattr(native.hart, "hstatus", 1 << 20))
    with pytest.raises(EngineDifferenceError, match=r"--lockstep-every 1 tells") as found:
        bench.engine.run(lambda: (5000, True))
    assert "hstatus" in str(found.value)


def test_memory_that_differs() -> None:
    bench = looping(500)
    bench.engine.run(lambda: (1000, True))
    bench.engine._other_ram.u64[5] ^= 1
    with pytest.raises(EngineDifferenceError, match="RAM at 0x80000028  0x0     0x1"):
        bench.engine.check_memory()


def test_what_the_native_engine_writes_to_devices() -> None:
    bench = Bench("h@1.0", engine="both")
    bench.bus.attach(0x200_0000, 0x1_0000, Clint(bench.clock, bench.hart.set_line))
    bench.place("li s0, 0x2004000\n1: addi a0, a0, 1\nsd a0, 0(s0)\nj 1b", CODE)
    bench.engine.run(lambda: (60, True))
    recorder = bench.engine._recorder
    record = recorder._record
    recorder._record = lambda kind, at, size, value: record(kind, at, size, value ^ 1)
    with pytest.raises(EngineDifferenceError, match=r"write of 0x\w+, 8 bytes at 0x2004000"):
        bench.engine.run(lambda: (120, True))


def spoil_late(bench: Bench, how: Callable[[Any], None]) -> None:
    """Change the native side once, as soon as it has run 21234 instructions."""
    native = bench.engine._native
    run, done = native.run, False

    def spoiled(horizon: Any) -> Any:
        nonlocal done
        stop = run(horizon)
        if native.hart.steps >= 21_234 and not done:
            done = True
            how(native)
        return stop

    native.run = spoiled


CLOCK = "li s0, 0x200bff8\n1: ld a0, 0(s0)\naddi a1, a1, 1\nsd a0, -8(s0)\nj 1b"


@pytest.mark.parametrize("source", [LOOP, CLOCK])
def test_the_instruction_is_told_at_a_coarse_grain(source: str) -> None:
    bench = Bench("h@1.0", engine="both")
    bench.bus.attach(0x200_0000, 0x1_0000, Clint(bench.clock, bench.hart.set_line))
    bench.place(source, CODE)
    bench.engine.every = 500
    spoil_late(bench, lambda native: native.hart.x.__setitem__(31, 0xBAD))
    with pytest.raises(EngineDifferenceError) as found:
        bench.engine.run(lambda: (30_000, True))
    lines = str(found.value).splitlines()
    assert lines[0].startswith("the engines differ after 21234 instructions of h@1.0")
    assert lines[1].endswith("after 21233 instructions")
    assert "--lockstep-every" not in lines[-1]
    assert bench.hart.steps == 21_500


def test_the_instruction_is_told_where_memory_differs() -> None:
    bench = looping(500)
    spoil_late(bench, lambda native: bench.engine._other_ram.u64.__setitem__(5, 1))
    bench.engine.run(lambda: (23_000, True))
    with pytest.raises(EngineDifferenceError, match="after 21234 instructions") as found:
        bench.engine.check_memory()
    assert "RAM at 0x80000028" in str(found.value)


def test_what_single_steps_do_not_show() -> None:
    bench = looping(500)
    native = bench.engine._native
    run = native.run

    def spoiled(horizon: Any) -> Any:
        before = native.hart.steps
        stop = run(horizon)
        if before > 20_000 and native.hart.steps > before + 1:
            native.hart.x[31] = 0xBAD
        return stop

    native.run = spoiled
    with pytest.raises(EngineDifferenceError, match=r"x\[31\]") as found:
        bench.engine.run(lambda: (30_000, True))
    assert str(found.value).endswith("in single steps they agree: it is in how blocks are run")


class Quiet:
    quit = False
    at_end = True

    def __init__(self) -> None:
        self.text = b""

    def poll(self) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        self.text += data


TIMER = """
    .globl _start
_start:
    la   t0, handler
    csrw mtvec, t0
    li   s0, 0x2004000
    li   s1, 0x200bff8
    li   t0, 0x80
    csrw mie, t0
    li   s3, 20
1:  ld   t0, 0(s1)
    addi t0, t0, 100
    sd   t0, 0(s0)
    csrsi mstatus, 8
    wfi
    addi s3, s3, -1
    bnez s3, 1b
    li   t0, 0x10000000
    li   t1, 'k'
    sb   t1, 0(t0)
    li   t0, 0x100000
    li   t1, 0x5555
    sw   t1, 0(t0)
2:  j    2b
    .balign 4
handler:
    li   t2, -1
    sd   t2, 0(s0)
    addi s4, s4, 1
    csrr s5, mcause
    mret
"""


@pytest.mark.parametrize("every", [1, 10, 10_000])
def test_timers_sleep_and_devices(tmp_path: Path, every: int) -> None:
    isa = isa_of("h@1.0")
    path = tmp_path / "timer.elf"
    path.write_bytes(write_elf(assemble(TIMER, isa, base=0x8000_0000)))
    ends = []
    for factory in (both_engines(isa, every=every), engine_named("python", isa)):
        terminal = Quiet()
        machine = Machine(isa, factory, memory=16 << 20, terminal=terminal)
        machine.boot(Images(program=path))
        outcome = machine.run(100_000)
        if isinstance(machine.engine, BothEngine):
            machine.engine.check_memory()
        assert (outcome.reason, terminal.text, machine.hart.x[20]) == ("exit", b"k", 20)
        ends.append((outcome, read_state(machine.hart, isa), machine.clock.offset))
    assert ends[0] == ends[1]


def test_breakpoints_and_steps() -> None:
    bench = looping()
    bench.engine.breakpoints = {CODE + 8}
    assert bench.engine.run(lambda: (1000, True)).reason == "breakpoint"
    steps = bench.hart.steps
    bench.engine.step()
    assert bench.hart.steps == bench.engine._other.steps == steps + 1


def test_the_command_stops_with_status_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "timer.elf"
    path.write_bytes(write_elf(assemble(TIMER, isa_of("h@1.0"), base=0x8000_0000)))
    follow = BothEngine._follow

    def spoiled(engine: Any, start: Any, run: Any) -> Any:
        result = follow(engine, start, run)
        engine._other.x[31] = 0x600D
        return result

    monkeypatch.setattr(BothEngine, "_follow", spoiled)
    status = main(["run", "--revision", "h@1.0", "--engine", "both", str(path)])
    told = capfd.readouterr().err
    assert status == 3
    assert told.startswith("drafthart: the engines differ after ")
    assert "x[31]" in told
    assert "0x600d" in told
