"""Blocks, compiled or not, must show in nothing but speed: the same runs, stepped and in blocks."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass
from typing import Any

import pytest
from bench import BASE, CODE, DATA, HANDLER, Bench
from hypothesis import given, settings
from hypothesis import strategies as st

from drafthart.generator.emit.decode_tree import example
from drafthart.runtime.devices.clint import Clint

STEPS = 3000
FS_INITIAL, FS_DIRTY = 1 << 13, 3 << 13


@dataclass(frozen=True)
class Result:
    steps: int
    trapped: int
    pc: int
    state: tuple[Any, ...]
    memory: int


def outcome(bench: Bench) -> Result:
    """All that a guest could tell two runs apart by."""
    hart = bench.hart
    names = [name for cls in type(hart).__mro__ for name in getattr(cls, "__slots__", ())]
    hidden = {"bus", "clock", "deadline", "exact", "flush_listener", "instructions_listener"}
    # What an instruction left behind in these is set anew before anyone reads it.
    hidden |= {"next_pc", "instruction", "expanded", "memory_reads", "memory_writes", "written"}
    state = tuple((name, repr(getattr(hart, name))) for name in sorted(set(names) - hidden))
    return Result(
        hart.steps, hart.trapped, hart.pc, state, hash(bytes(bench.bus.ram.data[: 4 << 20]))
    )


def run(bench: Bench, steps: int, *, stepped: bool) -> Result:
    bench.engine.watcher = (lambda decoded: None) if stepped else None
    bench.engine.run(lambda: (steps, True))
    return outcome(bench)


def both(make: Any, steps: int = STEPS) -> Result:
    """Run what `make` builds in both ways; they must agree."""
    in_steps = run(make(), steps, stepped=True)
    in_blocks = run(make(), steps, stepped=False)
    assert in_blocks == in_steps
    assert in_steps.steps == steps
    return in_steps


LOOP = """
    li   s0, 200
    li   s1, 0x80100000
loop:
    ld   t0, 0(s1)
    add  t0, t0, s0
    sd   t0, 0(s1)
    lw   t1, 4(s1)
    amoadd.d t2, s0, (s1)
    andi t3, s0, 7
    beqz t3, skip
    mul  t0, t0, s0
    jal  ra, leaf
skip:
    addi s0, s0, -1
    bnez s0, loop
end:
    j    end
leaf:
    div  t4, t0, t3
    ret
"""


def test_a_hot_loop() -> None:
    def make() -> Bench:
        bench = Bench("h@1.0")
        bench.place(LOOP, CODE)
        return bench

    result = both(make)
    assert result.trapped == 0


def test_what_is_decoded_ahead_leaves_no_trace() -> None:
    def make() -> Bench:
        bench = Bench("h@1.0")
        # The branch is always taken: nobody executes what is behind it, which is no instruction.
        bench.place("loop: addi s0, s0, 1\nbnez s0, loop\n.half 0x9190", CODE)
        return bench

    result = both(make)
    assert result.trapped == 0
    assert ("trap_value", "0") in result.state


def test_limits_are_exact() -> None:
    for steps in (*range(2995, 3005), 1, 63, 64, 65):

        def make() -> Bench:
            bench = Bench("h@1.0")
            bench.place(LOOP, CODE)
            return bench

        both(make, steps)


def test_exceptions_out_of_a_hot_block() -> None:
    """The handler counts in s2 and goes on behind the load that faults each time round."""

    def make() -> Bench:
        bench = Bench("h@1.0")
        bench.place(
            """
            li s0, 300
            loop:
            addi s3, s3, 1
            ld   t0, 0(s4)
            addi s3, s3, 2
            addi s0, s0, -1
            bnez s0, loop
            end: j end
            """,
            CODE,
        )
        bench.place("addi s2, s2, 1\ncsrr t0, mepc\naddi t0, t0, 4\ncsrw mepc, t0\nmret", HANDLER)
        bench.hart.x[20] = 0x4000_0000
        return bench

    result = both(make)
    assert result.trapped == 300


FLOAT_LOOP = """
    loop:
    fld    ft0, 0(s1)
    fmadd.d ft1, ft0, ft1, ft0
    fdiv.d ft2, ft1, ft0
    fsd    ft2, 8(s1)
    feq.d  t0, ft1, ft2
    addi   s0, s0, -1
    bnez   s0, loop
    end: j end
"""


def float_bench() -> Bench:
    bench = Bench("h@1.0")
    bench.place(f"li s0, 200\nli s1, {DATA}\n{FLOAT_LOOP}", CODE)
    return bench.poke(DATA, int.from_bytes(struct.pack("<d", 0.3), "little"))


def test_floating_point_in_a_hot_block() -> None:
    def make() -> Bench:
        return float_bench().write("mstatus", FS_INITIAL)

    result = both(make)
    assert result.trapped == 0
    bench = make()
    run(bench, STEPS, stepped=False)
    assert bench.read("mstatus") & FS_DIRTY == FS_DIRTY
    assert bench.read("fflags") == 1
    # All of the loop is one block.
    traces = [
        [it.operation.mnemonic for it in each.trace] for each in bench.engine._compiled.values()
    ]
    loop = ["fld", "fmadd.d", "fdiv.d", "fsd", "feq.d", "addi", "bne"]
    assert loop in [trace[:7] for trace in traces]


def test_floating_point_that_is_off_ends_a_hot_block() -> None:
    """FS goes off behind the loop's back, at the end of a limit; the handler turns it on again."""

    def finish(*, stepped: bool) -> tuple[Result, int]:
        bench = float_bench().write("mstatus", FS_INITIAL)
        bench.place("csrr s3, mtval\nli t1, 0x6000\ncsrs mstatus, t1\nmret", HANDLER)
        run(bench, 1000, stepped=stepped)
        bench.write("mstatus", 0)
        run(bench, STEPS, stepped=stepped)
        return outcome(bench), bench.reg("s3")

    in_steps, in_blocks = finish(stepped=True), finish(stepped=False)
    assert in_blocks == in_steps
    result, word = in_steps
    assert result.trapped == 1
    # An instruction of the loop is at fault, and mtval has its bits: one of the five of F and D.
    assert word & 0x7F in (0x07, 0x27, 0x43, 0x53)


@pytest.mark.parametrize("revision", ["h@0.1", "h@0.6.1", "h@1.0"])
def test_what_may_stand_within_a_block(revision: str) -> None:
    """All of F and D: the engine's loop looks at nothing that they write; CSRs and such cannot."""
    bench = Bench(revision, engine="python")
    kinds = {it.mnemonic: it.kind for it in bench.engine.operations}
    floats = {name: kind for name, kind in kinds.items() if name.startswith("f")}
    assert {name for name, kind in floats.items() if kind == "system"} == {"fence.i"}
    for name in ("csrrw", "csrrs", "mret", "sret", "wfi", "sfence.vma"):
        assert kinds[name] == "system"


def test_a_device_read_in_a_hot_block_sees_the_exact_time() -> None:
    def make() -> Bench:
        bench = Bench("h@1.0")
        clint = Clint(bench.clock, bench.hart.set_line)
        bench.bus.attach(0x200_0000, 0x1_0000, clint)
        bench.place(
            """
            li s1, 0x200bff8
            li s2, 0x80100000
            loop:
            ld   t0, 0(s1)
            sd   t0, 0(s2)
            xor  s3, s3, t0
            slli s3, s3, 1
            j    loop
            """,
            CODE,
        )
        return bench

    both(make)


def test_code_that_changes_itself_is_honoured_after_fence_i() -> None:
    def make() -> Bench:
        bench = Bench("h@1.0")
        bench.place(
            """
            li   s0, 100
            la   s1, target
            la   t0, other
            lw   s2, 0(t0)
            loop:
            target:
            addi a0, a0, 1
            addi s0, s0, -1
            bnez s0, loop
            bnez s5, end
            li   s5, 1
            li   s0, 100
            sw   s2, 0(s1)
            fence.i
            j    loop
            end: j end
            other: addi a0, a0, 16
            """,
            CODE,
        )
        return bench

    both(make)
    bench = make()
    run(bench, STEPS, stepped=False)
    assert bench.reg("a0") == 100 * 1 + 100 * 16


@pytest.mark.parametrize("revision", ["h@0.6.1", "h@1.0"])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1 << 32))
def test_random_programs(revision: str, seed: int) -> None:
    """Random instructions in random modes, handlers included: both ways the same."""

    def make() -> Bench:
        rng = random.Random(seed)
        bench = Bench(revision)
        words = [
            example(instruction.encoding) | rng.getrandbits(32) & ~instruction.encoding.mask
            for instruction in bench.isa.instructions.values()
            if instruction.encoding is not None and instruction.encoding.width == 32
        ]
        code = b"".join(rng.choice(words).to_bytes(4, "little") for _ in range(512))
        for at in (CODE, HANDLER, HANDLER + 0x400, HANDLER + 0x800):
            bench.bus.ram.store(at, code[: 0x400 if at != CODE else None])
        for number in range(1, 32):
            bench.hart.x[number] = rng.choice(
                (rng.getrandbits(64), DATA + rng.getrandbits(16), BASE + rng.getrandbits(20), 0)
            )
        bench.write("medeleg", rng.getrandbits(64)).write("hedeleg", rng.getrandbits(64))
        bench.write("mstatus", rng.choice((0, FS_INITIAL)))
        bench.mode(rng.choice(("M", "HS", "VS", "VU", "U")))
        return bench

    in_steps = run(make(), STEPS, stepped=True)
    in_blocks = run(make(), STEPS, stepped=False)
    assert in_blocks == in_steps
