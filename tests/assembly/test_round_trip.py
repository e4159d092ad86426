"""Properties of every instruction: text and word say the same, and no other instruction does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drafthart.generator.assembly import Disassembler, assemble, flat
from drafthart.generator.spec.model import ISA, Encoding, Instruction
from drafthart.generator.spec.resolve import resolve, revisions

PC = 0x8000_0000


@pytest.fixture(scope="module")
def short(isa: ISA) -> Disassembler:
    return Disassembler(isa, shorthands=True)


Assembled = Callable[[str], int]


@pytest.fixture(scope="module")
def assembled(isa: ISA) -> Assembled:
    """The word of a text as if it stood at PC. Fixtures keep the ISA out of hypothesis' reports."""
    return lambda text: int.from_bytes(flat(assemble(text, isa, base=PC)), "little")


@pytest.fixture(scope="module")
def encodings(isa: ISA) -> list[Encoding]:
    return [i.encoding for i in isa.instructions.values() if i.encoding is not None]


@settings(deadline=None)
@given(st.data())
def test_any_word_of_any_instruction(
    encodings: list[Encoding],
    assembled: Assembled,
    disassembler: Disassembler,
    short: Disassembler,
    data: st.DataObject,
) -> None:
    encoding = encodings[data.draw(st.integers(0, len(encodings) - 1))]
    raw = {
        name: data.draw(st.integers(0, (1 << encoding.operand_bits(name)) - 1), label=name)
        for name in encoding.operands
    }
    word = encoding.insert(raw)
    assert assembled(disassembler.text(word, PC)) == word
    assert assembled(short.text(word, PC)) == word


def test_all_instructions_come_back(
    isa: ISA,
    disassembler: Disassembler,
    samples: Callable[[Instruction, int], Iterator[int]],
) -> None:
    for instruction in isa.instructions.values():
        if instruction.encoding is None:
            continue
        words = list(samples(instruction, 10))
        assert words
        source = "\n".join(relative(disassembler.text(word, PC)) for word in words)
        size = instruction.encoding.width // 8
        expected = b"".join(word.to_bytes(size, "little") for word in words)
        assert flat(assemble(source, isa)) == expected
        for word in words:
            decoded = disassembler.decode(word)
            assert decoded is not None
            others = [
                other.mnemonic
                for other in isa.instructions.values()
                if other.encoding is not None
                and other.encoding.width == decoded.width
                and other.encoding.accepts(word)
            ]
            assert others == [instruction.mnemonic]


@settings(deadline=None)
@given(st.integers(0, (1 << 32) - 1))
def test_any_word(assembled: Assembled, disassembler: Disassembler, word: int) -> None:
    width = 32 if word & 3 == 3 else 16
    assert assembled(disassembler.text(word, PC)) == word & (1 << width) - 1


def test_every_short_word(isa: ISA, disassembler: Disassembler) -> None:
    words = [word for word in range(1 << 16) if word & 3 != 3]
    lines = [relative(disassembler.text(word, PC)) for word in words]
    code = flat(assemble("\n".join(lines), isa, base=PC))
    assert code == b"".join(word.to_bytes(2, "little") for word in words)


def relative(text: str) -> str:
    """The same target seen from wherever the line comes to stand."""
    return re.sub(r"0x(7f|80)[0-9a-f]{6}$", lambda found: f".{int(found[0], 16) - PC:+d}", text)


def test_every_revision_has_a_disassembler() -> None:
    for revision in revisions():
        isa = resolve(revision.id)
        assert Disassembler(isa, shorthands=True).text(0x13) == "nop"
        assert flat(assemble("nop", isa)) == bytes([0x13, 0, 0, 0])
