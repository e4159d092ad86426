"""The disassembler: decoding, text, shorthands and listings."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drafthart.generator.assembly import Disassembler, Program, assemble, flat
from drafthart.generator.spec.model import ISA


@pytest.fixture(scope="module")
def short(isa: ISA) -> Disassembler:
    return Disassembler(isa, shorthands=True)


def test_decoded(disassembler: Disassembler) -> None:
    decoded = disassembler.decode(0xFE051EE3)
    assert decoded is not None
    assert (decoded.mnemonic, decoded.width, decoded.hidden) == ("bne", 32, False)
    assert decoded.values == {"offset": -4, "rs1": 10, "rs2": 0}


def test_short_registers_have_their_numbers(disassembler: Disassembler) -> None:
    decoded = disassembler.decode(0x8D6D)
    assert decoded is not None
    assert (decoded.mnemonic, decoded.width) == ("c.and", 16)
    assert decoded.values == {"rd_c": 10, "rs2_c": 11}


def test_bits_above_a_short_instruction_do_not_matter(disassembler: Disassembler) -> None:
    assert disassembler.text(0xFFFF_8D6D) == disassembler.text(0x8D6D) == "c.and a0, a1"


def test_ordering_is_part_of_the_mnemonic(disassembler: Disassembler) -> None:
    decoded = disassembler.decode(0x06B6252F)
    assert decoded is not None
    assert (decoded.mnemonic, decoded.instruction.mnemonic) == ("amoadd.w.aqrl", "amoadd.w")


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (0, ".insn 2, 0x0000  # not in h@1.0"),
        (0xFFFFFFFF, ".insn 4, 0xffffffff  # not in h@1.0"),
        (0x8330000F, None),
        (0x0000008F, ".insn 4, 0x0000008f  # fence with reserved bits set"),
        (0x0005, ".insn 2, 0x0005  # c.nop with reserved bits set"),
        (0x7C001073, "csrrw zero, 0x7c0, zero"),
        (0xFE051EE3, "bne a0, zero, 0xffc <f+0x7fc>"),
    ],
)
def test_text(disassembler: Disassembler, word: int, text: str | None) -> None:
    found = disassembler.text(word, 0x1000, {"f": 0x800, "g": 0x1000})
    assert text is None or found == text


def test_targets_wrap_around(disassembler: Disassembler) -> None:
    assert disassembler.text(0xFE051EE3, 0) == "bne a0, zero, 0xfffffffffffffffc"


@pytest.mark.parametrize(
    "text",
    [
        "nop",
        "li a0, -5",
        "mv a0, a1",
        "ret",
        "jr a0",
        "not a0, a1",
        "neg a0, a1",
        "sext.w a0, a1",
        "seqz a0, a1",
        "beqz a0, 0x1000",
        "j 0x1000",
        "csrr a0, mepc",
        "csrw mepc, a0",
        "csrwi mie, 4",
        "rdcycle a0",
        "fence",
        "fence r, w",
        "sfence.vma",
        "blt a0, a1, 0x1000",
        "amoadd.w.aq a0, a1, (a2)",
        "jalr a0, 4(a1)",
    ],
)
def test_shorthands_come_back(isa: ISA, short: Disassembler, text: str) -> None:
    word = int.from_bytes(flat(assemble(text, isa, base=0x1000)), "little")
    assert short.text(word, 0x1000) == text


def test_listing(disassembler: Disassembler, build: Callable[[str], Program]) -> None:
    program = build("_start: j f\nc.nop\nf: g: ret\n.byte 1")
    code = program.sections[0]
    assert list(disassembler.listing(code.data, code.address, program.addresses)) == [
        "0000000000001000 <_start>:",
        "            1000:  0060006f   jal zero, 0x1006 <g>",
        "            1004:  0001       c.nop",
        "0000000000001006 <f>:",
        "0000000000001006 <g>:",
        "            1006:  00008067   jalr zero, 0(ra)",
        "            100a:  01         .byte 0x01",
    ]


@settings(deadline=None)
@given(st.binary(max_size=40), st.integers(0, (1 << 64) - 1))
def test_listings_of_anything(short: Disassembler, data: bytes, base: int) -> None:
    lines = list(short.listing(data, base))
    assert sum(len(line.split()[1]) // 2 for line in lines) == len(data)
