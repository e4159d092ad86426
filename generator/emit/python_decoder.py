"""The decoder as Python: `decode` for 32-bit words, `expand` from 16-bit ones to those."""

from __future__ import annotations

from collections.abc import Callable

from drafthart.generator.emit.decode_tree import Branch, Candidate, Leaf, build
from drafthart.generator.emit.expansion import expansion
from drafthart.generator.spec.model import ISA, Encoding, Operand

Render = Callable[[Candidate], list[str]]


def decode_function(isa: ISA, index: dict[str, int]) -> list[str]:
    """`decode(w) -> (number of the instruction, operand values) | None`."""

    def leaf(candidate: Candidate) -> list[str]:
        encoding = candidate.encoding
        values = [
            operand_value(encoding, isa.operands[name], isa.xlen) for name in encoding.operands
        ]
        inner = ", ".join(values) + ("," if len(values) == 1 else "")
        mnemonic = candidate.instruction.mnemonic
        return [f"return {index[mnemonic]}, ({inner})  # {mnemonic}"]

    return _function(isa, "decode", 32, leaf, f"A 32-bit instruction word of {isa.id}.")


def expand_function(isa: ISA) -> list[str]:
    """`expand(w) -> 32-bit word | None`."""

    def leaf(candidate: Candidate) -> list[str]:
        values, word = expanded_word(isa, candidate)
        lines = [f"{name} = {text}" for name, text in values.items()]
        return [*lines, f"return {word}  # {candidate.instruction.mnemonic}"]

    return _function(isa, "expand", 16, leaf, f"What a 16-bit word of {isa.id} stands for.")


def expanded_word(isa: ISA, candidate: Candidate, prefix: str = "") -> tuple[dict[str, str], str]:
    """What a 16-bit word `w` expands to, as Python and C write it.

    First the operands' values by the names, with `prefix`, that the word is put together from.
    """
    expanded = expansion(isa, candidate.instruction)
    target = expanded.target.encoding
    assert target is not None
    values: dict[str, str] = {}
    fixed: dict[str, int] = {}
    terms: list[str] = []
    for name, value in expanded.values:
        if isinstance(value, int):
            fixed[name] = value
            continue
        variable = f"{prefix}{value}"
        values[variable] = operand_value(candidate.encoding, isa.operands[value], isa.xlen)
        for piece in target.pieces:
            if piece.operand == name:
                mask = (1 << piece.width) - 1
                terms.append(f"({variable} >> {piece.low} & {mask:#x}) << {piece.at}")
    constant = target.insert({name: fixed.get(name, 0) for name in target.operands})
    return values, " | ".join([f"{constant:#x}", *terms])


def operand_value(encoding: Encoding, operand: Operand, xlen: int) -> str:
    """A Python expression for the operand's value in the word `w`."""
    terms = []
    for piece in encoding.pieces:
        if piece.operand == operand.name:
            mask = (1 << piece.width) - 1
            shift = f" << {piece.low}" if piece.low else ""
            terms.append(f"(w >> {piece.at} & {mask:#x}){shift}")
    raw = " | ".join(terms)
    if operand.kind in ("register", "float"):
        return f"{operand.base} + ({raw})" if operand.base else raw
    if operand.signed:
        sign = 1 << (encoding.operand_bits(operand.name) - 1)
        return f"((({raw}) ^ {sign:#x}) - {sign:#x}) & {(1 << xlen) - 1:#x}"
    return raw


def _function(isa: ISA, name: str, width: int, render: Render, doc: str) -> list[str]:
    tree = build(isa.instructions.values(), width)
    lines = [f"def {name}(w):", f'    """{doc}"""']
    _render(tree, render, lines, "    ")
    return [*lines, "    return None"]


def _render(node: Branch | Leaf, render: Render, lines: list[str], indent: str) -> None:
    if isinstance(node, Leaf):
        for candidate in node.candidates:
            encoding = candidate.encoding
            tests = [f"w & {encoding.mask:#x} == {encoding.match:#x}"]
            for operand, value in encoding.constraints:
                raw = " | ".join(
                    f"(w >> {piece.at} & {(1 << piece.width) - 1:#x}) << {piece.low}"
                    for piece in encoding.pieces
                    if piece.operand == operand
                )
                tests.append(f"({raw}) != {value}")
            lines.append(f"{indent}if {' and '.join(tests)}:")
            lines.extend(f"{indent}    {line}" for line in render(candidate))
        return
    lines.append(f"{indent}s = w & {node.mask:#x}")
    for value, child in node.branches:
        lines.append(f"{indent}if s == {value:#x}:")
        _render(child, render, lines, indent + "    ")
        lines.append(f"{indent}    return None")
