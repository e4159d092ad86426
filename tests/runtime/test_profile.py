"""Which functions take the instructions, counted by hand beside each program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from bench import isa_of

from drafthart.generator.assembly import assemble, write_elf
from drafthart.runtime import loader
from drafthart.runtime.boot import Images
from drafthart.runtime.engines import engine_named, has_compiler
from drafthart.runtime.machine import Machine
from drafthart.runtime.memory import Bus, Ram
from drafthart.runtime.profile import Row, Sampler, Tracer


class Nobody:
    quit = False
    at_end = True

    def poll(self) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        pass


Boot = Callable[..., Machine]


@pytest.fixture(params=["python", "native"])
def boot(tmp_path: Path, request: pytest.FixtureRequest) -> Boot:
    if request.param == "native" and not has_compiler():
        pytest.skip("no C compiler is installed")

    def build(source: str, revision: str = "h@1.0") -> Machine:
        isa = isa_of(revision)
        path = tmp_path / "program.elf"
        text = f"    .option norvc\n    .option norelax\n{source}"
        path.write_bytes(write_elf(assemble(text, isa, base=0x8000_0000)))
        machine = Machine(isa, engine_named(request.param, isa), memory=8 << 20, terminal=Nobody())
        machine.boot(Images(program=path))
        return machine

    return build


CALLS = """
_start:
    li      s0, 10          # 1
outer:                      # 10 times: 3
    jal     ra, f
    addi    s0, s0, -1
    bnez    s0, outer
    jal     ra, g           # 1
stop:
    j       stop
f:                          # 11 times: 3
    addi    a0, a0, 1
    addi    a0, a0, 1
    ret
g:                          # once: 2 before the call, 2 behind it
    mv      t0, ra
    jal     ra, f
    mv      ra, t0
    jr      t0
"""
RETIRED = 1 + 10 * 3 + 1 + 11 * 3 + 4


def test_each_instruction_is_counted_for_the_calls_that_led_to_it(boot: Boot) -> None:
    machine = boot(CALLS)
    tracer = Tracer(machine)
    machine.run(RETIRED)
    assert machine.symbols["stop"] == machine.hart.pc
    # The label `outer` begins a function of its own: nothing tells an assembler's labels apart.
    assert dict(tracer.stacks()) == {
        ("M", "_start"): 1,
        ("M", "outer"): 31,
        ("M", "outer", "f"): 30,
        ("M", "outer", "g"): 4,
        ("M", "outer", "g", "f"): 3,
    }
    assert tracer.rows() == [Row("f", "M", 33), Row("outer", "M", 31), Row("g", "M", 4),
                             Row("_start", "M", 1)]  # fmt: skip


def sampled(machine: Machine, every: int, times: int) -> list[Row]:
    sampler = Sampler(machine, every)
    for _ in range(times):
        machine.run(every)
        sampler.sample()
    return sampler.rows()


def test_samples_are_the_same_each_time(boot: Boot) -> None:
    runs = [sampled(boot(LOOP), 1001, 200) for _ in range(2)]
    assert runs[0] == runs[1]
    counts = {row.function: row.instructions for row in runs[0]}
    assert sum(counts.values()) == 1001 * 200
    # 4 of 12 instructions are in light, 8 in heavy.
    assert counts["heavy"] / counts["light"] == pytest.approx(2, rel=0.15)


LOOP = f"""
_start:
    j       light
light:
    addi    a0, a0, 1
    addi    a0, a0, 1
    addi    a0, a0, 1
    addi    a0, a0, 1
heavy:
    {"addi a0, a0, 1" + chr(10) + "    "}
    {("addi a0, a0, 1" + chr(10) + "    ") * 6}
    j       light
"""


TRAPS = """
_start:
    la      t0, handler
    csrw    mtvec, t0
    li      s0, 4
work:                       # 4 times: 3, and the trap
    nop
    ecall
    addi    s0, s0, -1
    bnez    s0, work
stop:
    j       stop
    .balign 4
handler:                    # 4 times: 1 and 4
    jal     ra, count
    csrr    t1, mepc
    addi    t1, t1, 4
    csrw    mepc, t1
    mret
count:                      # 4 times: 2
    addi    s1, s1, 1
    ret
"""


def test_a_trap_lies_above_what_it_interrupts(boot: Boot) -> None:
    machine = boot(TRAPS)
    tracer = Tracer(machine)
    machine.run(4 + 4 * (4 + 5 + 2))
    assert machine.symbols["stop"] == machine.hart.pc
    assert dict(tracer.stacks()) == {
        ("M", "_start"): 4,
        ("M", "work"): 12,
        ("M", "work", "handler"): 20,
        ("M", "work", "handler", "count"): 8,
    }


GUEST = """
_start:
    la      t0, handler
    csrw    mtvec, t0
    li      t0, -1
    csrw    pmpaddr0, t0
    li      t0, 0x1f
    csrw    pmpcfg0, t0
    la      t0, root
    srli    t0, t0, 12
    li      t1, 8
    slli    t1, t1, 60
    or      t0, t0, t1
    csrw    vsatp, t0
    li      t0, 1 << 11
    csrw    mstatus, t0
    li      t0, 1
    slli    t0, t0, 39
    csrs    mstatus, t0
    la      t0, guest
    li      t1, 0x40000000
    sub     t0, t0, t1
    csrw    mepc, t0
    mret
guest:                      # at 0x40000000 and up: a name by where that leads
    li      s0, 20
round:
    addi    s0, s0, -1
    bnez    s0, round
    ecall
handler:
    j       handler
    .data
    .balign 4096
root:
    .dword  0, 0x200000cf, 0, 0
"""


def test_a_guest_s_functions_are_found_where_its_addresses_lead(boot: Boot) -> None:
    machine = boot(GUEST)
    tracer = Tracer(machine)
    machine.run(200)
    counts = {(row.mode, row.function): row.instructions for row in tracer.rows()}
    assert counts["VS", "guest"] == 1
    assert counts["VS", "round"] == 40
    assert counts["M", "handler"] > 50
    assert {mode for mode, _ in counts} == {"M", "VS"}
    again = sampled(boot(GUEST), 1, 200)
    # A sample sees what is to run next, the trapping ecall included.
    assert Row("round", "VS", 41) in again


def test_other_watchers_are_kept(boot: Boot) -> None:
    machine = boot(CALLS)
    seen: list[int] = []
    machine.engine.watcher = lambda retired: seen.append(retired.pc)
    Tracer(machine)
    machine.run(RETIRED)
    assert len(seen) == RETIRED


def test_labels_of_an_assembler_end_where_the_next_begins(tmp_path: Path) -> None:
    isa = isa_of("h@1.0")
    path = tmp_path / "a.elf"
    source = "_start: nop\nnop\nlater: nop\n.data\nnumber: .dword 1\n"
    path.write_bytes(write_elf(assemble(f".option norvc\n{source}", isa, base=0x8000_0000)))
    image = loader.load_image(path, Bus(Ram(0x8000_0000, 1 << 20)), default_address=0)
    assert [(it.name, it.address, it.size) for it in image.functions] == [
        ("_start", 0x8000_0000, 8),
        ("later", 0x8000_0008, 4),
    ]
