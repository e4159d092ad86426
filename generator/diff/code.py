"""The instructions of a program: the executable sections of an ELF file, or plain bytes."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import NamedTuple

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from drafthart.generator.errors import DrafthartError

_MAGIC = b"\x7fELF"
_EXECUTE_SECTION = 4  # SHF_EXECINSTR
_EXECUTE_SEGMENT = 1  # PF_X
_ADDRESS_TYPES = ("STT_NOTYPE", "STT_FUNC", "STT_OBJECT")


class Section(NamedTuple):
    """A stretch of instructions."""

    name: str
    address: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Code:
    """All instructions of a program, and its symbols by name."""

    sections: list[Section]
    symbols: dict[str, int]


def code_of(content: bytes, name: str, base: int) -> Code:
    """The code in a file's `content`. What is no ELF file is plain code at `base`.

    Raises `DrafthartError`, with `name` for the file, for a damaged or foreign ELF file.
    """
    if not content.startswith(_MAGIC):
        return Code([Section("", base, content)], {})
    # pyelftools raises whatever its parser stumbled over, so any exception means a damaged file.
    try:
        elf = ELFFile(io.BytesIO(content))
        machine = str(elf.header["e_machine"])
        code = Code(_sections(elf) or _segments(elf), _symbols(elf))
    except Exception as error:
        raise DrafthartError(f"{name}: damaged ELF file; build or copy it again") from error
    if machine != "EM_RISCV":
        raise DrafthartError(
            f"{name}: is for the machine {machine.removeprefix('EM_')}; name a RISC-V program"
        )
    if not code.sections:
        raise DrafthartError(f"{name}: has no executable sections; name a program with code")
    return code


def _sections(elf: ELFFile) -> list[Section]:
    return [
        Section(section.name, section["sh_addr"], section.data())
        for section in elf.iter_sections("SHT_PROGBITS")
        if section["sh_flags"] & _EXECUTE_SECTION and section["sh_size"]
    ]


def _segments(elf: ELFFile) -> list[Section]:
    """For a stripped program."""
    return [
        Section("", segment["p_vaddr"], segment.data())
        for segment in elf.iter_segments("PT_LOAD")
        if segment["p_flags"] & _EXECUTE_SEGMENT and segment["p_filesz"]
    ]


def _symbols(elf: ELFFile) -> dict[str, int]:
    return {
        symbol.name: symbol["st_value"]
        for table in elf.iter_sections()
        if isinstance(table, SymbolTableSection)
        for symbol in table.iter_symbols()
        if symbol.name
        # $x and $d mark code and data, and .L names are the compiler's own.
        and not symbol.name.startswith(("$", ".L"))
        and symbol["st_info"]["type"] in _ADDRESS_TYPES
        and symbol["st_shndx"] not in ("SHN_UNDEF", "SHN_ABS")
    }
