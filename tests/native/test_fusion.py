"""Sequences with one dispatch do what their parts do, whatever registers they share."""

from __future__ import annotations

import random
import re
from functools import cache

import pytest
from bench import CODE, DATA, HANDLER, Bench

from drafthart.generator.assembly.registers import ABI_NAMES
from drafthart.generator.emit.c_fusion import Part, Pattern, patterns
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.resolve import resolve

TRIES = 4
FAR = CODE - 0x800
"""Where jumps and branches lead that leave the block."""
POINTER, INDEX, ANY = (5, 6, 7), (10, 11, 12), (13, 14, 15, 0)
"""Registers that hold addresses of data, small numbers and anything, before each sequence."""


@cache
def isa() -> ISA:
    return resolve("h@1.0")


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench("h@1.0", engine="native")


def written(part: Part, sources: dict[str, int], rd: int, dice: random.Random) -> str:
    """The instruction in assembly."""
    mnemonic = part.mnemonic.removesuffix("/through")
    instruction = isa().instructions[mnemonic]
    assert instruction.encoding is not None
    assert instruction.assembly is not None
    values = {"rd": rd, **sources}
    text = instruction.assembly
    for name in instruction.encoding.operands:
        if name in ("rd", "rs1", "rs2"):
            value = ABI_NAMES[values[name]]
        elif name == "offset":
            # A block goes on behind a jump forward within the page.
            value = "1f" if "/through" in part.mnemonic else f"{FAR:#x}"
        elif name == "shamt":
            value = str(dice.choice((0, 1, 3, 8, 31)))
        elif name == "imm" and mnemonic in ("lui", "auipc"):
            value = f"{dice.choice((0, 1, 0x80, 0xFFFFF)):#x}"
        else:
            value = str(dice.choice((0, 8, 16, 16, 24, -8, 3)))
        text = re.sub(rf"\b{name}\b(\[.*?\])?", value, text)
    return f"{mnemonic} {text}\n1:"


def source(part: Part, operand: str, dice: random.Random) -> int:
    """A register of the kind that this operand makes sense with."""
    encoding = isa().instructions[part.mnemonic.removesuffix("/through")].encoding
    assert encoding is not None
    reads_memory = encoding.match & 0x7F in (0x03, 0x23)
    if operand == "rs1" and reads_memory:
        return dice.choice(POINTER)
    return dice.choice(POINTER + INDEX + ANY if operand == "rs1" else INDEX + ANY + POINTER)


def example(sequence: Pattern, dice: random.Random, *, follow: bool) -> str:
    """Assembly of the sequence; its parts take registers as it says, or as chance has it."""
    lines, rd = [], 0
    for part in sequence:
        encoding = isa().instructions[part.mnemonic.removesuffix("/through")].encoding
        assert encoding is not None
        sources = {
            name: source(part, name, dice) for name in ("rs1", "rs2") if name in encoding.operands
        }
        if part.takes and follow:
            sources[part.takes] = rd
        rd = dice.choice((*POINTER, *INDEX, *ANY, 28, 1))
        if part is not sequence[-1] and follow and rd == 0:
            rd = 28
        lines.append(written(part, sources, rd, dice))
    return "\n".join(lines)


def after(bench: Bench, dice: random.Random, *, stepped: bool) -> tuple[object, ...]:
    """The hart and its data after the sequence at CODE, entered in a certain state."""
    hart = bench.hart
    for register in range(1, 32):
        hart.x[register] = dice.getrandbits(64)
    for register in POINTER:
        hart.x[register] = DATA + 64 + dice.randrange(32) * 8
    for register in INDEX:
        hart.x[register] = dice.choice((0, 1, 8, 16, (1 << 64) - 1))
    bench.bus.ram.store(DATA, dice.randbytes(512))
    hart.pc = CODE
    steps = hart.steps
    ends = {HANDLER, FAR}
    if stepped:
        while hart.pc not in ends:
            bench.engine.step()
    else:
        bench.engine.breakpoints = ends
        bench.engine.run(lambda: (steps + 1000, True))
    return (
        hart.pc, hart.steps - steps, list(hart.x[:32]), bench.read("mcause"), bench.read("mtval"),
        bytes(bench.bus.ram.data[DATA - bench.bus.ram.base :][:1024]),
    )  # fmt: skip


@pytest.mark.parametrize("sequence", patterns(), ids=lambda it: " ".join(map(str, it)))
def test_a_sequence_does_what_its_parts_do(bench: Bench, sequence: Pattern) -> None:
    dice = random.Random(str(sequence))
    for turn in range(TRIES):
        text = example(sequence, dice, follow=turn % 2 == 1)
        bench.place(f"{text}\nj {FAR:#x}", CODE)
        seed = dice.random()
        results = []
        for stepped in (True, False):
            bench.engine.flush()
            results.append(after(bench, random.Random(seed), stepped=stepped))
        assert results[0] == results[1], text
