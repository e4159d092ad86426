"""Zimop and Zcmop, small extensions that are not H, through their drafts.

Text: riscv-isa-manual, src/zimop.adoc at 2463e2a9 (both 0.1), f98344f3 (Zcmop 0.1, other numbers),
8bba6156 (Zcmop 0.2), c732a4f3 (both 1.0). Encodings also: riscv-opcodes, unratified/rv_zimop at
37dbe83, unratified/rv_zcmop at 7dc124e and 19e3ddc.
"""

from __future__ import annotations

from functools import cache

import pytest
from bench import Bench

from drafthart.generator.assembly.assembler import assemble
from drafthart.generator.assembly.disassembler import disassemble
from drafthart.generator.assembly.program import flat
from drafthart.generator.diff.differences import compare
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA, Instruction, Status
from drafthart.generator.spec.resolve import resolve

ILLEGAL = 2
BOTH = "zcmop@0.2,zimop@0.1,h@1.0"
"""Both, and below them H, so that guests have them too."""
FIRST = "zcmop@0.1@2023-09-19"
"""Zcmop before f98344f3."""

modes = pytest.mark.parametrize("mode", ["M", "HS", "U", "VS", "VU"])
engines = pytest.mark.parametrize("engine", ["python", "native"])


def one_source(number: int, rd: int = 0, rs1: int = 0) -> int:
    """MOP.R.n: bits 31, 25 to 22, funct3 and opcode as rv_zimop has them; n in 30, 27:26, 21:20."""
    fixed = 1 << 31 | 7 << 22 | 4 << 12 | 0x1C << 2 | 3
    places = (number >> 4) << 30 | (number >> 2 & 3) << 26 | (number & 3) << 20
    return fixed | places | rs1 << 15 | rd << 7


def two_sources(number: int, rd: int = 0, rs1: int = 0, rs2: int = 0) -> int:
    """MOP.RR.n: bit 31, 25, funct3 and opcode; n in 30, 27:26."""
    fixed = 1 << 31 | 1 << 25 | 4 << 12 | 0x1C << 2 | 3
    return fixed | (number >> 2) << 30 | (number & 3) << 26 | rs2 << 20 | rs1 << 15 | rd << 7


def compressed(register: int) -> int:
    """C.LUI of a register, with an immediate of zero: 1..0=1, 12=0, 15..13=3."""
    return 3 << 13 | register << 7 | 1


@cache
def bench(engine: str) -> Bench:
    return Bench(BOTH, engine=engine)


def code(isa: ISA, source: str) -> bytes:
    return flat(assemble(isa, source + "\n", "test.S")).data


# What the text says of encodings and names.


def of(isa: ISA, extension: str) -> dict[str, Instruction]:
    return {it.name: it for it in isa.instructions.values() if it.extension == extension}
