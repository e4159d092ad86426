"""The decoder as C: `decode` fills an `Op` from a 32-bit word, `expand` turns 16 bits into 32."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from drafthart.generator.emit.decode_tree import Branch, Candidate, Leaf, build
from drafthart.generator.emit.python_decoder import expanded_word
from drafthart.generator.spec.model import ISA

Render = Callable[[Candidate], list[str]]


def decode_function(isa: ISA, index: Mapping[str, int], fill: Mapping[str, list[str]]) -> list[str]:
    """`decode(w, op)` → number of the instruction, or -1. `fill`: what to set in `op`, by name."""

    def leaf(candidate: Candidate) -> list[str]:
        mnemonic = candidate.instruction.mnemonic
        return [*fill[mnemonic], f"return {index[mnemonic]}; /* {mnemonic} */"]

    tree = build(isa.instructions.values(), 32)
    lines = ["static int decode(u32 word, Op *op) {", "    u64 w = word;"]
    _render(tree, leaf, lines, "    ")
    return [*lines, "    return -1;", "}"]


def expand_function(isa: ISA) -> list[str]:
    """`expand(half)` → 32-bit word, or 0."""

    def leaf(candidate: Candidate) -> list[str]:
        values, word = expanded_word(isa, candidate, "_")
        lines = [f"u64 {name} = {text};" for name, text in values.items()]
        return [*lines, f"return (u32)({word}); /* {candidate.instruction.mnemonic} */"]

    tree = build(isa.instructions.values(), 16)
    lines = ["static u32 expand(u16 half) {", "    u64 w = half;"]
    _render(tree, leaf, lines, "    ")
    return [*lines, "    (void)w;", "    return 0;", "}"]


def _render(node: Branch | Leaf, render: Render, lines: list[str], indent: str) -> None:
    if isinstance(node, Leaf):
        for candidate in node.candidates:
            encoding = candidate.encoding
            tests = [f"(w & {encoding.mask:#x}) == {encoding.match:#x}"]
            for operand, value in encoding.constraints:
                raw = " | ".join(
                    f"(w >> {piece.at} & {(1 << piece.width) - 1:#x}) << {piece.low}"
                    for piece in encoding.pieces
                    if piece.operand == operand
                )
                tests.append(f"({raw}) != {value}")
            lines.append(f"{indent}if ({' && '.join(tests)}) {{")
            lines.extend(f"{indent}    {line}" for line in render(candidate))
            lines.append(f"{indent}}}")
        return
    lines.append(f"{indent}switch (w & {node.mask:#x}) {{")
    for value, child in node.branches:
        lines.append(f"{indent}case {value:#x}:")
        _render(child, render, lines, indent + "    ")
        lines.append(f"{indent}    break;")
    lines.append(f"{indent}}}")
