"""YAML files after RISC-V's unified database: one for each CSR and each instruction."""

from __future__ import annotations

from typing import Any

from drafthart.generator.diff.aspects import bits
from drafthart.generator.emit.exports.header import MANIFEST, commented, manifest
from drafthart.generator.emit.exports.names import line
from drafthart.generator.emit.exports.tables import CSRRow, FieldRow, InstructionRow, tabulate
from drafthart.generator.spec.model import ISA, Piece

_PRIVILEGE = {"HS": "S"}
"""Modes that the database does not tell apart."""
_EXTENSIONS = {"M": "Sm", "S": "S", "HS": "H", "VS": "H", "U": "Zicsr"}
"""What a CSR of a mode belongs to, as far as the mode tells."""
_XLENS = {"M": "MXLEN", "S": "SXLEN", "HS": "SXLEN", "VS": "VSXLEN", "U": "XLEN"}


def emit_udb(isa: ISA) -> dict[str, str]:
    """The files by name. Behaviour is not among what they say: that is the specs' own language."""
    tables = tabulate(isa)
    files = {}
    for csr in tables.csrs:
        data = _csr(isa, csr)
        files[f"csr/{csr.name}.yaml"] = _text(isa, data)
    for row in tables.instructions:
        folder = row.instruction.extension
        files[f"inst/{folder}/{row.instruction.mnemonic}.yaml"] = _text(isa, _instruction(isa, row))
    return {**files, MANIFEST: manifest(isa)}


def _text(isa: ISA, data: dict[str, Any]) -> str:
    import yaml

    body = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)
    return commented(isa, "#") + "\n" + body


def _csr(isa: ISA, row: CSRRow) -> dict[str, Any]:
    csr = row.csr
    found: dict[str, Any] = {
        "$schema": "csr_schema.json#",
        "kind": "csr",
        "name": csr.name,
        "long_name": line(csr.doc) or csr.name,
        "address": row.address,
        "writable": not csr.read_only,
        "priv_mode": _PRIVILEGE.get(csr.mode, csr.mode),
    }
    if csr.mode == "VS":
        replaced = isa.csrs.get(csr.substitutes or "")
        seen = replaced.address if replaced else None
        found["virtual_address"] = row.address if seen is None else seen
    same = csr.width == isa.xlen
    return found | {
        "length": _XLENS[csr.mode] if same else csr.width,
        "description": line(csr.doc),
        "definedBy": {"extension": {"name": _EXTENSIONS[csr.mode]}},
        "fields": {it.name: _field(csr.name, it, row) for it in row.fields},
    }


def _field(csr: str, row: FieldRow, of: CSRRow) -> dict[str, Any]:
    field = of.csr.fields[row.name]
    found: dict[str, Any] = {
        "location": _location(row.high, row.low),
        "description": row.doc,
        "type": "RO" if row.kind == "RO" else "RW",
        "reset_value": row.reset,
    }
    if field.legal is not None and row.kind != "RO":
        name = f"csr_value.{row.name}"
        legal = field.legal
        if isinstance(legal, range) and legal.step == 1:
            test = f"{name} >= {legal.start} && {name} <= {legal[-1]}"
        else:
            test = " || ".join(f"{name} == {it}" for it in legal)
        found["type"] = "RW-R"
        found["sw_write(csr_value)"] = f"return ({test}) ? {name} : CSR[{csr}].{row.name};\n"
    return found


def _instruction(isa: ISA, row: InstructionRow) -> dict[str, Any]:
    instruction = row.instruction
    return {
        "$schema": "inst_schema.json#",
        "kind": "instruction",
        "name": instruction.mnemonic,
        "long_name": line(instruction.doc) or instruction.mnemonic,
        "description": line(instruction.doc),
        "definedBy": {"extension": {"name": instruction.extension}},
        "assembly": instruction.assembly,
        "encoding": {
            "match": row.pattern,
            "variables": [_variable(isa, row, name) for name in row.encoding.operands],
        },
    }


def _variable(isa: ISA, row: InstructionRow, name: str) -> dict[str, Any]:
    pieces = sorted(
        (it for it in row.encoding.pieces if it.operand == name), key=lambda it: -it.high
    )
    found: dict[str, Any] = {
        "name": name,
        "location": "|".join(str(_location(*_bits(it))) for it in pieces),
    }
    if shift := pieces[-1].low:
        found["left_shift"] = shift
    if isa.operands[name].signed:
        found["sign_extend"] = True
    excluded = [value for operand, value in row.encoding.constraints if operand == name]
    if excluded:
        found["not"] = excluded[0] if len(excluded) == 1 else excluded
    return found


def _bits(piece: Piece) -> tuple[int, int]:
    return piece.at + piece.width - 1, piece.at


def _location(high: int, low: int) -> str | int:
    """As the database writes bits: 12, or 33-32."""
    return high if high == low else bits(high, low).replace(":", "-")
