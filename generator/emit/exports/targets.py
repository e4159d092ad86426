"""The exports by the names that the command line gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from drafthart.generator.emit.exports.asciidoc import emit_asciidoc
from drafthart.generator.emit.exports.decodetree import emit_decodetree
from drafthart.generator.emit.exports.encoding_h import emit_encoding_h
from drafthart.generator.emit.exports.go import emit_go
from drafthart.generator.emit.exports.latex import emit_latex
from drafthart.generator.emit.exports.opcodes import emit_opcodes
from drafthart.generator.emit.exports.opcodes_json import emit_opcodes_json
from drafthart.generator.emit.exports.rust import emit_rust
from drafthart.generator.emit.exports.systemverilog import emit_systemverilog
from drafthart.generator.emit.exports.udb import emit_udb
from drafthart.generator.spec.model import ISA

FILES: Mapping[str, Callable[[ISA], str]] = {
    "encoding-h": emit_encoding_h,
    "opcodes-json": emit_opcodes_json,
    "systemverilog": emit_systemverilog,
    "rust": emit_rust,
    "go": emit_go,
    "latex": emit_latex,
    "asciidoc": emit_asciidoc,
}
"""What is one file: its text."""

FOLDERS: Mapping[str, Callable[[ISA], dict[str, str]]] = {
    "opcodes": emit_opcodes,
    "decodetree": emit_decodetree,
    "udb": emit_udb,
}
"""What is a folder: its files' texts by their paths in it."""
