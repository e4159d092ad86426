"""The code of programs, whole and damaged."""

from __future__ import annotations

import pytest

from drafthart.generator.assembly import assemble, write_elf
from drafthart.generator.diff.code import code_of
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.resolve import resolve

SOURCE = "_start: nop\n.Lhidden: nop\nend: nop\n.data\nvalue: .dword 1\n"


@pytest.fixture(scope="module")
def elf() -> bytes:
    return write_elf(assemble(SOURCE, resolve("priv@1.12")))


def test_executable_sections_and_symbols(elf: bytes) -> None:
    code = code_of(elf, "it", 0)
    assert [(it.name, it.address) for it in code.sections] == [(".text", 0x8000_0000)]
    assert code.symbols["_start"] == 0x8000_0000
    assert code.symbols["end"] == 0x8000_0008
    assert ".Lhidden" not in code.symbols


def test_plain_bytes_lie_at_the_base() -> None:
    code = code_of(b"\x13\0\0\0", "it", 0x1000)
    assert [tuple(it) for it in code.sections] == [("", 0x1000, b"\x13\0\0\0")]


def test_a_stripped_program_has_its_segments(elf: bytes) -> None:
    stripped = bytearray(elf)
    stripped[0x28:0x30] = bytes(8)  # the section table's place
    stripped[0x3A:0x40] = bytes(6)  # its sizes
    code = code_of(bytes(stripped), "it", 0)
    assert code.sections[0].address == 0x8000_0000
    assert code.sections[0].data[:4] == b"\x13\0\0\0"


def test_every_truncation_is_one_clear_error(elf: bytes) -> None:
    for length in range(4, len(elf), 61):
        try:
            code_of(elf[:length], "it", 0)
        except DrafthartError as error:
            assert str(error).startswith("it: ")  # noqa: PT017 - some cuts are harmless


def test_a_foreign_program(elf: bytes) -> None:
    foreign = bytearray(elf)
    foreign[0x12:0x14] = (62).to_bytes(2, "little")
    with pytest.raises(DrafthartError, match=r"it: is for the machine X86_64"):
        code_of(bytes(foreign), "it", 0)
