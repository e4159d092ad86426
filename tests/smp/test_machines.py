"""Whole machines of several harts: firmware that starts them, snapshots, mixed revisions."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from bench import isa_of
from several_harts import FINISH, Screen, everything, load, machine, word

from drafthart.generator.assembly import assemble, write_elf
from drafthart.generator.errors import DrafthartError
from drafthart.runtime.boot import Images
from drafthart.runtime.devices.clint import BASE as CLINT
from drafthart.runtime.engines import EngineFactory, engine_named
from drafthart.runtime.gate import allow_unstable
from drafthart.runtime.machine import Machine
from drafthart.runtime.snapshot import read_snapshot, save_snapshot

OPENSBI = Path("/usr/lib/riscv64-linux-gnu/opensbi/generic")
STABLE = {"revision": "h@1.0", "status": "ratified", "opt_in": None}

# A supervisor's program: it starts hart 1 by the HSM extension, which answers by a remote fence and
# an IPI of its own; each says a letter by the console, in an order that the protocol decides.
STARTS_A_HART = """
    .equ HSM, 0x48534d
    .equ IPI, 0x735049
    .equ RFENCE, 0x52464e43
    _start:
        li   s0, 0
        la   s1, cell
        li   a7, HSM
        li   a6, 2
        li   a0, 1
        ecall                       # status of hart 1: 1, stopped
        sd   a1, 8(s1)
        li   a6, 0
        li   a0, 1
        la   a1, second
        mv   a2, s1
        ecall                       # start it
        bnez a0, bad
        csrsi sie, 2
    1:  csrr t0, sip                # it sends an IPI
        andi t0, t0, 2
        beqz t0, 1b
        csrci sip, 2
        li   a7, 1
        li   a0, 'a'
        ecall
        li   a7, RFENCE
        li   a6, 1
        li   a0, 2                  # of hart 1
        li   a1, 0
        li   a2, 0
        li   a3, -1
        ecall                       # remote sfence.vma: hart 1 takes it in M-mode
        bnez a0, bad
        sd   zero, 0(s1)
    2:  li   a7, HSM                # wait until it has stopped
        li   a6, 2
        li   a0, 1
        ecall
        li   t0, 1
        bne  a1, t0, 2b
        li   a7, 1
        li   a0, 'c'
        ecall
    bad:
        li   a7, 0x53525354
        li   a6, 0
        li   a0, 0
        li   a1, 0
        ecall
    3:  j    3b
    second:                         # a0: its number, a1: the cell
        mv   s1, a1
        sd   a0, 16(s1)
        li   t0, 1
        sd   t0, 0(s1)
        li   a7, IPI
        li   a6, 0
        li   a0, 1                  # to hart 0
        li   a1, 0
        ecall
    4:  ld   t0, 0(s1)
        bnez t0, 4b
        li   a7, 1
        li   a0, 'b'
        ecall
        li   a7, HSM
        li   a6, 1
        ecall                       # stop
        j    4b
    .align 3
    cell: .dword 0, 9, 9
"""


@pytest.mark.parametrize("engine", ["native", "both"])
def test_firmware_starts_a_hart(engine: str, tmp_path: Path) -> None:
    if not (OPENSBI / "fw_jump.bin").exists():
        pytest.skip("OpenSBI is absent: Debian's package opensbi has it")
    screen = Screen()
    it = machine(engine, terminal=screen, memory=64 << 20)
    payload = tmp_path / "payload.elf"
    payload.write_bytes(write_elf(assemble(STARTS_A_HART, it.isa, base=0x8020_0000)))
    it.boot(Images(bios=OPENSBI / "fw_jump.bin", kernel=payload))
    outcome = it.run(60_000_000)
    assert (outcome.reason, outcome.status) == ("exit", 0)
    text = screen.shown.decode()
    assert "Platform HART Count       : 2" in text
    assert text.endswith("abc")
    cell = it.symbols["cell"]
    assert (word(it, cell + 8), word(it, cell + 16)) == (1, 1)


def random_program(rng: random.Random, harts: int) -> str:
    """Each hart does anything to the same memory, interrupts the others, and sleeps."""
    lines = ["_start:", "la s0, data", "la t0, handler", "csrw mtvec, t0", f"li s1, {CLINT}"]
    lines += ["slli t0, a0, 3", "add t0, t0, s1", "li t1, 0x4000", "add t0, t0, t1"]
    lines += ["li t1, 50", "sd t1, 0(t0)"]  # mtimecmp
    lines += ["li t0, 136", "csrw mie, t0", "csrsi mstatus, 8", "li t6, 3"]
    lines += [f"li t0, {number}\nbeq a0, t0, hart{number}" for number in range(harts)]
    for number in range(harts):
        lines.append(f"hart{number}:")
        lines += [some(rng, harts, number, index) for index in range(60)]
        lines.append(f"j hart{number}")
    handler = """
        .align 2
        handler:
            csrr s6, mhartid
            slli s7, s6, 2
            add s7, s7, s1
            sw zero, 0(s7)             # msip
            csrr s8, time
            addi s8, s8, 97
            slli s7, s6, 3
            add s7, s7, s1
            li s9, 0x4000
            add s7, s7, s9
            sd s8, 0(s7)               # mtimecmp
            addi s5, s5, 1
            mret
    """
    return "\n".join([*lines, handler, FINISH, ".align 12", "data:", ".zero 256"])


def some(rng: random.Random, harts: int, hart: int, index: int) -> str:
    at, other = rng.randrange(4) * 8, rng.randrange(harts)
    a, b = rng.sample(["a1", "a2", "a3", "a4"], 2)
    return rng.choice(
        [
            f"ld {a}, {at}(s0)",
            f"sd {a}, {at}(s0)",
            f"add {a}, {a}, {b}\naddi {a}, {a}, {rng.randrange(1, 99)}",
            f"addi t3, s0, {at}\namoadd.d {a}, {b}, (t3)",
            f"addi t3, s0, {at}\namoswap.w {a}, {b}, (t3)",
            f"addi t3, s0, {at}\nlr.d {a}, (t3)\naddi {a}, {a}, 1\nsc.d {b}, {a}, (t3)",
            f"csrr {a}, time\nsd {a}, {at + 64}(s0)",
            f"csrr {a}, instret\nxor {b}, {b}, {a}",
            f"li t4, 1\nsw t4, {4 * other}(s1)",
            f"beqz {a}, 1f\naddi {b}, {b}, 1\n1:",
            "wfi" if rng.random() < 0.5 else "nop",
            f"li t5, {rng.randrange(1, 20)}\n2: addi t5, t5, -1\nbnez t5, 2b",
        ]
    )


@pytest.mark.parametrize("seed", range(6))
def test_engines_agree_on_random_guests(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    harts, quantum = rng.choice((2, 3)), rng.choice((100, 137, 1000))
    source = random_program(rng, harts)
    ends = []
    for engine in ("python", "native"):
        it = machine(engine, harts, quantum)
        load(it, tmp_path, source)
        ends.append((it.run(20_000), everything(it)))
    assert ends[0] == ends[1]
    assert all(hart["steps"] > 1000 for hart in ends[0][1]["harts"])


@pytest.mark.parametrize("seed", range(2))
def test_both_engines_in_lockstep(seed: int, tmp_path: Path) -> None:
    it = machine("both", 2, 200)
    load(it, tmp_path, random_program(random.Random(100 + seed), 2))
    it.run(5000)
    for engine in it.engines:
        engine.check_memory()  # type: ignore[attr-defined]
    assert it.steps == 5000


@pytest.mark.parametrize(("saved", "restored"), [("python", "native"), ("native", "python")])
def test_a_snapshot_in_the_middle(saved: str, restored: str, tmp_path: Path) -> None:
    source = random_program(random.Random(9), 3)
    whole, first, second = machine(saved, 3, 150), machine(saved, 3, 150), machine(restored, 3)
    for it in (whole, first):
        load(it, tmp_path, source)
    whole.run(12_000)
    first.run(7_777)
    path = tmp_path / "it.snap"
    with path.open("wb") as file:
        save_snapshot(first, file, STABLE)  # type: ignore[arg-type]
    read_snapshot(path).restore(second)
    second.run(12_000 - 7_777)
    assert everything(second) == everything(whole)


def test_a_snapshot_of_other_harts_is_refused(tmp_path: Path) -> None:
    it = machine("python", 3)
    load(it, tmp_path, "_start: j _start")
    path = tmp_path / "it.snap"
    with path.open("wb") as file:
        save_snapshot(it, file, STABLE)  # type: ignore[arg-type]
    with pytest.raises(DrafthartError, match="has 3 harts, and this machine 2"):
        read_snapshot(path).restore(machine("python", 2))
    with pytest.raises(DrafthartError, match="has 3 harts, and this machine 1"):
        read_snapshot(path).restore(machine("python", 1))


@pytest.mark.staged
@pytest.mark.parametrize("engine", ["python", "native", "both"])
def test_harts_of_two_revisions(engine: str, tmp_path: Path) -> None:
    """The CSR mtinst came with 0.5: in a hart of 0.4, its number is an illegal instruction."""
    allow_unstable("h@0.4")
    new, old = isa_of("h@1.0"), isa_of("h@0.4")
    made: dict[str, EngineFactory] = {it.id: engine_named(engine, it) for it in (new, old)}
    it = Machine(
        new,
        made[new.id],
        memory=16 << 20,
        terminal=Screen(),
        others=[(old, made[old.id]), (new, made[new.id])],
        quantum=100,
    )
    symbols = load(
        it,
        tmp_path,
        f"""
        _start:
            la t0, handler
            csrw mtvec, t0
            la s0, seen
            slli t0, a0, 3
            add s1, s0, t0
            la s2, function
            li s3, 40
        again:
            jalr ra, 0(s2)              # all run code that hart 0 goes on to change
            addi s3, s3, -1
            bnez s3, again
            csrr t1, 0x34a              # mtinst
            li t0, 1
            j told
            .align 2
        handler:
            csrr t0, mcause
        told:
            sd t0, 0(s1)
            addi t1, s0, 24
            li t2, 1
            amoadd.d t3, t2, (t1)
            bnez a0, park
        all:
            ld t3, 24(s0)
            li t2, 3
            bne t3, t2, all
        {FINISH}
        park:
            csrw mie, zero
            wfi
            j park
        function:
            addi a2, a2, 1
            ret
        .align 3
        seen: .dword 0, 0, 0, 0
        """,
    )
    assert it.run(200_000).reason == "exit"
    seen = [word(it, symbols["seen"] + 8 * hart) for hart in range(3)]
    assert seen == [1, 2, 1]
