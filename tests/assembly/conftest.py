"""What the tests of the assembler share: the newest revision, and short ways to use it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from drafthart.generator.assembly import Disassembler, Program, assemble
from drafthart.generator.spec.model import ISA, Encoding, Instruction
from drafthart.generator.spec.resolve import resolve


@pytest.fixture(scope="session")
def isa() -> ISA:
    return resolve("h@1.0")


@pytest.fixture(scope="session")
def disassembler(isa: ISA) -> Disassembler:
    return Disassembler(isa)


@pytest.fixture(scope="session")
def build(isa: ISA) -> Callable[[str], Program]:
    return lambda text: assemble(text, isa, base=0x1000)


@pytest.fixture(scope="session")
def data(build: Callable[[str], Program]) -> Callable[[str], bytes]:
    """The bytes that lines in the section .data make."""

    def assembled(text: str) -> bytes:
        sections = build(".data\n" + text).sections
        return sections[0].data if sections else b""

    return assembled


@pytest.fixture(scope="session")
def lines(isa: ISA, build: Callable[[str], Program]) -> Callable[[str], list[str]]:
    """The instructions that a text makes, disassembled."""
    plain = Disassembler(isa)

    def assembled(text: str) -> list[str]:
        code = build(text).sections[0]
        return [line[30:] for line in plain.listing(code.data, code.address)]

    return assembled


Samples = Callable[[Instruction, int], Iterator[int]]


@pytest.fixture(scope="session")
def samples(isa: ISA) -> Samples:
    """Words of an instruction that its text can tell: each operand's extremes, then random ones."""

    def words(instruction: Instruction, count: int) -> Iterator[int]:
        encoding = instruction.encoding
        assert encoding is not None
        shown = [
            name
            for name in encoding.operands
            if name in instruction.assembly or isa.operands[name].kind == "ordering"
        ]
        middle = {name: 1 << encoding.operand_bits(name) - 1 for name in shown}
        drawn = random.Random(instruction.mnemonic)
        choices = [dict.fromkeys(shown, 0), dict.fromkeys(shown, -1), middle]
        for name in shown:
            choices += [
                _drawn(drawn, encoding, shown) | {name: extreme}
                for extreme in (0, 1, -1, middle[name], middle[name] - 1)
            ]
        choices += [_drawn(drawn, encoding, shown) for _ in range(count)]
        nothing = dict.fromkeys(encoding.operands, 0)
        for choice in choices:
            word = encoding.insert(nothing | choice)
            if encoding.accepts(word):
                yield word

    return words


def _drawn(drawn: random.Random, encoding: Encoding, names: list[str]) -> dict[str, int]:
    return {name: drawn.getrandbits(encoding.operand_bits(name)) for name in names}
