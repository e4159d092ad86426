"""ELF files, read back with pyelftools and with GNU readelf."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from drafthart.generator.assembly import Program, assemble, flat, write_elf
from drafthart.generator.spec.model import ISA

SOURCE = """
    .globl _start
    .type _start, @function
_start:
    la a0, words
    ret
    .size _start, . - _start
.Lhidden:
    .equ seven, 7
    .rodata
words: .dword 1, 2
    .data
    .byte 3
    .bss
room: .zero 5000
end:
"""


@pytest.fixture(scope="module")
def program(isa: ISA) -> Program:
    return assemble(SOURCE, isa)


@pytest.fixture(scope="module")
def elf(program: Program) -> ELFFile:
    return ELFFile(io.BytesIO(write_elf(program)))


def test_header(elf: ELFFile) -> None:
    header = elf.header
    assert (elf.elfclass, elf.little_endian) == (64, True)
    assert (header["e_type"], header["e_machine"]) == ("ET_EXEC", "EM_RISCV")
    assert header["e_entry"] == 0x8000_0000
    assert header["e_flags"] == 0


def test_flag_of_compressed_programs(isa: ISA) -> None:
    for text, flags in (("c.nop", 1), ("nop", 0), (".insn 2, 1", 1), (".data\n.half 1", 0)):
        elf = ELFFile(io.BytesIO(write_elf(assemble(text, isa))))
        assert elf.header["e_flags"] == flags


def test_segments(elf: ELFFile) -> None:
    found = [
        (s["p_vaddr"], s["p_paddr"], s["p_filesz"], s["p_memsz"], s["p_flags"])
        for s in elf.iter_segments("PT_LOAD")
    ]
    assert found == [
        (0x8000_0000, 0x8000_0000, 12, 12, 5),
        (0x8000_1000, 0x8000_1000, 16, 16, 4),
        (0x8000_2000, 0x8000_2000, 1, 16 + 5000, 6),
    ]
    for segment in elf.iter_segments("PT_LOAD"):
        assert (segment["p_offset"] - segment["p_vaddr"]) % segment["p_align"] == 0


def test_sections_hold_the_bytes(elf: ELFFile, program: Program) -> None:
    for section in program.sections:
        found = elf.get_section_by_name(section.name)
        assert found["sh_addr"] == section.address
        assert found["sh_size"] == section.size
        if not section.zeroed:
            assert found.data() == section.data
    assert elf.get_section_by_name(".bss")["sh_type"] == "SHT_NOBITS"


def test_symbols(elf: ELFFile) -> None:
    table = elf.get_section_by_name(".symtab")
    symbols = {symbol.name: symbol for symbol in table.iter_symbols()}
    assert set(symbols) == {"", "_start", "words", "room", "end", "seven"}
    start = symbols["_start"]
    assert (start["st_value"], start["st_size"]) == (0x8000_0000, 12)
    assert (start["st_info"]["bind"], start["st_info"]["type"]) == ("STB_GLOBAL", "STT_FUNC")
    assert symbols["words"]["st_info"]["bind"] == "STB_LOCAL"
    assert symbols["seven"]["st_shndx"] == "SHN_ABS"
    assert elf.get_section(symbols["room"]["st_shndx"]).name == ".bss"
    bindings = [symbol["st_info"]["bind"] for symbol in table.iter_symbols()]
    assert bindings.index("STB_GLOBAL") == table["sh_info"]


def test_the_note_names_the_revision(elf: ELFFile) -> None:
    (note,) = elf.get_section_by_name(".note.drafthart").iter_notes()
    assert note["n_name"] == "Drafthart"
    assert note["n_descdata"] == b"h@1.0 (ratified)\0"


def test_flat_is_the_memory_as_loaded(program: Program) -> None:
    content = flat(program)
    assert len(content) == 0x2001
    assert content[0x1000:0x1010] == program.sections[1].data


@pytest.mark.parametrize("text", ["", ".bss\n.zero 4", ".data\n.byte 1", "x = 5", "nop\n.bss\nb:"])
def test_odd_programs(isa: ISA, text: str) -> None:
    elf = ELFFile(io.BytesIO(write_elf(assemble(text, isa))))
    assert elf.get_section_by_name(".symtab").num_symbols() >= 1


@pytest.mark.skipif(
    shutil.which("riscv64-unknown-elf-readelf") is None, reason="GNU readelf is absent"
)
def test_readelf_has_no_complaint(program: Program, tmp_path: Path) -> None:
    (tmp_path / "a.elf").write_bytes(write_elf(program))
    result = subprocess.run(
        ["riscv64-unknown-elf-readelf", "-aW", "--lint", str(tmp_path / "a.elf")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr == ""
    assert 'Tag_RISCV_arch: "rv64imafdch_zicsr_zifencei"' in result.stdout
