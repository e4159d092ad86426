"""Every encoding decodes to itself and nothing else, in the tree and in the generated decoder."""

from __future__ import annotations

from typing import Any

import pytest
from bench import isa_of
from hypothesis import given
from hypothesis import strategies as st

from drafthart.generator.emit.decode_tree import build, example, find
from drafthart.generator.emit.expansion import expansion
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA, Encoding, Instruction
from drafthart.runtime.generated import engine_module

REVISIONS = ["priv@1.12", "h@0.6.1", "h@0.6.2", "h@1.0.0-rc", "h@1.0"]


def module_of(revision: str) -> dict[str, Any]:
    if revision not in MODULES:
        MODULES[revision] = engine_module(isa_of(revision))
    return MODULES[revision]


MODULES: dict[str, dict[str, Any]] = {}


def encoded(isa: ISA, width: int) -> list[tuple[Instruction, Encoding]]:
    return [
        (instruction, instruction.encoding)
        for instruction in isa.instructions.values()
        if instruction.encoding is not None and instruction.encoding.width == width
    ]


@pytest.mark.parametrize("revision", REVISIONS)
@given(data=st.data())
def test_an_encoding_is_itself_and_nothing_else(revision: str, data: st.DataObject) -> None:
    isa = isa_of(revision)
    module = module_of(revision)
    instruction, encoding = data.draw(st.sampled_from(encoded(isa, 32)))
    word = encoding.match | data.draw(st.integers(0, (1 << 32) - 1)) & ~encoding.mask
    accepting = [other.mnemonic for other, its in encoded(isa, 32) if its.accepts(word)]
    assert accepting == [instruction.mnemonic]
    number, values = module["decode"](word)
    operation = module["OPERATIONS"][number]
    assert operation.mnemonic == instruction.mnemonic
    raw = encoding.extract(word)
    for name, value in zip(operation.operands, values, strict=True):
        width = encoding.operand_bits(name)
        base = isa.operands[name].base
        assert (value - base) & ((1 << width) - 1) == raw[name]
        if isa.operands[name].signed:
            assert value >> (width - 1) in (0, (1 << 64 >> (width - 1)) - 1)
    assert encoding.insert(raw) == word


@pytest.mark.parametrize("revision", REVISIONS)
def test_no_other_word_decodes(revision: str) -> None:
    """A 16-bit word is decoded if and only if some encoding accepts it."""
    isa = isa_of(revision)
    module = module_of(revision)
    short = encoded(isa, 16)
    for word in range(1 << 16):
        if word & 3 == 3:
            continue
        accepting = [instruction for instruction, its in short if its.accepts(word)]
        assert len(accepting) <= 1
        expanded = module["expand"](word)
        assert (expanded is not None) == bool(accepting), hex(word)
        if accepting:
            target = expansion(isa, accepting[0]).target
            number, _ = module["decode"](expanded)
            assert module["OPERATIONS"][number].mnemonic == target.mnemonic


@given(word=st.integers(0, (1 << 32) - 1))
def test_random_words(word: int) -> None:
    isa = isa_of("h@1.0")
    accepting = [instruction for instruction, its in encoded(isa, 32) if its.accepts(word)]
    assert (module_of("h@1.0")["decode"](word) is None) == (not accepting)


@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize("width", [16, 32])
def test_the_tree_reaches_every_instruction(revision: str, width: int) -> None:
    isa = isa_of(revision)
    tree = build(isa.instructions.values(), width)
    for instruction, encoding in encoded(isa, width):
        assert find(tree, example(encoding)) is instruction


def test_an_encoding_that_another_hides_is_an_error() -> None:
    isa = isa_of("h@1.0")
    add = isa.instructions["add"]
    assert add.encoding is not None
    twin = Instruction(
        "add2", "I", add.encoding, add.assembly, add.operation, None, "", add.place, ""
    )
    with pytest.raises(DrafthartError, match=r"rv64i\.yaml:\d+:\d+: add2 can not be reached"):
        build([add, twin], 32)


# From the RISC-V ISA manual at Priv-v1.12, instruction tables; computed by hand from the figures.
KNOWN = {
    0x00B50533: "add",
    0xFE5FF06F: "jal",
    0x30200073: "mret",
    0x10200073: "sret",
    0x12000073: "sfence.vma",
    0x22B50073: "hfence.vvma",
    0x62B50073: "hfence.gvma",
    0x6005C573: "hlv.b",
    0x6435C573: "hlvx.hu",
    0x6C05C573: "hlv.d",
    0x6EA5C073: "hsv.d",
}


@pytest.mark.parametrize(("word", "mnemonic"), KNOWN.items())
def test_known_words(word: int, mnemonic: str) -> None:
    module = module_of("h@1.0")
    number, _ = module["decode"](word)
    assert module["OPERATIONS"][number].mnemonic == mnemonic
