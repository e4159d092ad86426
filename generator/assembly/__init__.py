"""Assembler and disassembler for any revision, made from its resolved ISA."""

from drafthart.generator.assembly.assembler import assemble
from drafthart.generator.assembly.disassembler import Decoded, Disassembler
from drafthart.generator.assembly.elf import write_elf
from drafthart.generator.assembly.program import Program, ProgramSection, ProgramSymbol, flat

__all__ = [
    "Decoded",
    "Disassembler",
    "Program",
    "ProgramSection",
    "ProgramSymbol",
    "assemble",
    "flat",
    "write_elf",
]
