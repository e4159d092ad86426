"""Cells of encodings and CSRs, for every item of the real specs."""

from __future__ import annotations

import pytest
from spec_folder import Folder

from drafthart.generator.diff.drawing import csr_cells, encoding_cells, encoding_text
from drafthart.generator.spec.resolve import resolve, revisions

REVISIONS = [summary.id for summary in revisions()]


def test_texts_are_those_of_the_specs(folder: Folder) -> None:
    isa = folder.resolve()
    assert encoding_text(isa.instructions["addi"].encoding) == "imm rs1 000 rd 0010011"
    assert (
        encoding_text(isa.instructions["c.addi"].encoding) == "000 imm[5] rd imm[4:0] 01 (rd != 0)"
    )
    assert encoding_text(None) == "unassigned"


@pytest.mark.parametrize("name", REVISIONS)
def test_cells_cover_each_bit_once(name: str) -> None:
    isa = resolve(name)
    for instruction in isa.instructions.values():
        if instruction.encoding is not None:
            cells = encoding_cells(instruction.encoding)
            bits = [bit for cell in cells for bit in range(cell.high, cell.low - 1, -1)]
            assert bits == list(range(instruction.encoding.width))[::-1], instruction.mnemonic
    for csr in isa.csrs.values():
        bits = [bit for cell in csr_cells(csr) for bit in range(cell.high, cell.low - 1, -1)]
        assert bits == list(range(csr.width))[::-1], csr.name


@pytest.mark.parametrize("name", REVISIONS)
def test_fixed_bits_are_those_of_the_match(name: str) -> None:
    for instruction in resolve(name).instructions.values():
        if instruction.encoding is None:
            continue
        match = mask = 0
        for cell in encoding_cells(instruction.encoding):
            if set(cell.label) <= {"0", "1"}:
                match |= int(cell.label, 2) << cell.low
                mask |= ((1 << cell.width) - 1) << cell.low
        assert (match, mask) == (instruction.encoding.match, instruction.encoding.mask)
