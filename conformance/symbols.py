"""Where a program's symbols are."""

from __future__ import annotations

import io

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection


def symbols_of(content: bytes) -> dict[str, int]:
    """The symbols of an ELF file, and their addresses."""
    table = ELFFile(io.BytesIO(content)).get_section_by_name(".symtab")
    assert isinstance(table, SymbolTableSection)  # programs of ours have one
    return {symbol.name: int(symbol["st_value"]) for symbol in table.iter_symbols()}
