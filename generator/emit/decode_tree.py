"""The decode tree: which instruction a word is, by as few tests as its fixed bits allow.

At each node the bits that every remaining candidate fixes select a branch; where the candidates
fix no further bit in common, they are tried in turn, the most specific first. Back ends render the
tree; it holds no text of any language.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import Encoding, Instruction


@dataclass(frozen=True, slots=True)
class Candidate:
    """An instruction and its encoding at a leaf."""

    instruction: Instruction
    encoding: Encoding


@dataclass(frozen=True, slots=True)
class Leaf:
    """Candidates to try in turn; the first that accepts the word is the instruction."""

    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """Select by `word & mask`; words that select no branch are no instruction."""

    mask: int
    branches: tuple[tuple[int, Branch | Leaf], ...]


def build(instructions: Iterable[Instruction], width: int) -> Branch | Leaf:
    """The tree of all instructions of `width` bits (16 or 32) that have an encoding.

    Raises `DrafthartError` if the tree leads some encoding elsewhere than to itself.
    """
    candidates = tuple(
        Candidate(instruction, instruction.encoding)
        for instruction in instructions
        if instruction.encoding is not None and instruction.encoding.width == width
    )
    tree = _split(candidates, 0)
    for candidate in candidates:
        _check_reachable(tree, candidate)
    return tree


def find(tree: Branch | Leaf, word: int) -> Instruction | None:
    """The instruction that `word` is, or None."""
    node = tree
    while isinstance(node, Branch):
        selected = word & node.mask
        for value, child in node.branches:
            if value == selected:
                node = child
                break
        else:
            return None
    for candidate in node.candidates:
        if candidate.encoding.accepts(word):
            return candidate.instruction
    return None


def _split(candidates: tuple[Candidate, ...], tested: int) -> Branch | Leaf:
    common = ~tested
    for candidate in candidates:
        common &= candidate.encoding.mask
    if len(candidates) <= 1 or common == 0:
        by_specificity = sorted(
            candidates,
            key=lambda c: (-c.encoding.mask.bit_count(), -len(c.encoding.constraints)),
        )
        return Leaf(tuple(by_specificity))
    groups: dict[int, list[Candidate]] = {}
    for candidate in candidates:
        groups.setdefault(candidate.encoding.match & common, []).append(candidate)
    return Branch(
        common,
        tuple(
            (value, _split(tuple(group), tested | common))
            for value, group in sorted(groups.items())
        ),
    )


def _check_reachable(tree: Branch | Leaf, candidate: Candidate) -> None:
    word = example(candidate.encoding)
    found = find(tree, word)
    if found is not candidate.instruction:
        other = "nothing" if found is None else found.mnemonic
        raise DrafthartError(
            f"{candidate.instruction.place}: {candidate.instruction.mnemonic} can not be reached: "
            f"{word:#x} decodes as {other}; give it a constraint or other fixed bits"
        )


def example(encoding: Encoding) -> int:
    """A word that carries the encoding: operands all zero, or all ones where zero is excluded."""
    forbidden: dict[str, set[int]] = {}
    for operand, value in encoding.constraints:
        forbidden.setdefault(operand, set()).add(value)
    values = {}
    for operand in encoding.operands:
        placed = sum(
            ((1 << piece.width) - 1) << piece.low
            for piece in encoding.pieces
            if piece.operand == operand
        )
        excluded = forbidden.get(operand, set())
        # Only values whose bits all have a place in the encoding can be told apart by it.
        choices = (0, placed, placed & -placed, placed & ~(placed & -placed))
        values[operand] = next(choice for choice in choices if choice not in excluded)
    return encoding.insert(values)
