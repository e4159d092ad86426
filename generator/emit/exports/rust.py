"""A Rust module with the numbers of a revision as constants."""

from __future__ import annotations

import json

from drafthart.generator.emit.exports.constants import constants
from drafthart.generator.emit.exports.header import commented
from drafthart.generator.emit.exports.tables import tabulate
from drafthart.generator.spec.model import ISA, Status

_TYPES = {8: "u32", 12: "u16", 16: "u16", 32: "u32", 64: "u64"}


def emit_rust(isa: ISA) -> str:
    """The module's text, for `mod` or `include!`; it needs neither std nor a crate."""
    unstable = "false" if isa.status is Status.RATIFIED else "true"
    lines = [
        commented(isa, "//"),
        f"pub const REVISION: &str = {json.dumps(isa.id)};\n",
        f"pub const STATUS: &str = {json.dumps(str(isa.status))};\n",
        f"pub const UNSTABLE: bool = {unstable};\n",
    ]
    for group in constants(tabulate(isa)):
        lines.append(f"\n// {group.title}\n")
        lines += [f"pub const {it.name}: {_TYPES[it.bits]} = {it.text};\n" for it in group.numbers]
    return "".join(lines)
