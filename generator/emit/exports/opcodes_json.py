"""riscv-opcodes' dictionary of instructions, instr_dict.json."""

from __future__ import annotations

import json

from drafthart.generator.emit.exports.opcodes import extension_file
from drafthart.generator.emit.exports.opcodes_names import arguments
from drafthart.generator.emit.exports.tables import tabulate
from drafthart.generator.spec.model import ISA

_WIDTH = 32
"""Shorter encodings have `-` above their bits."""


def emit_opcodes_json(isa: ISA) -> str:
    """The dictionary's text. Each entry says its revision and status beside what readers expect."""
    tables = tabulate(isa)
    entries = {
        row.name: {
            "encoding": row.pattern.rjust(_WIDTH, "-"),
            "variable_fields": [it.name for it in arguments(row)],
            "extension": [extension_file(tables, row)],
            "match": hex(row.encoding.match),
            "mask": hex(row.encoding.mask),
            "revision": isa.id,
            "status": str(isa.status),
        }
        for row in tables.instructions
    }
    return json.dumps(entries, indent=4) + "\n"
