"""Finds encodings that claim the same instruction words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from drafthart.generator.spec.model import Encoding, Instruction, Place
from drafthart.generator.spec.spec_error import SpecError


def check_overlaps(
    instructions: Iterable[Instruction], redrawn: Mapping[str, Place] | None = None
) -> None:
    """Every word must belong to one instruction at most.

    `redrawn` has the places of encodings that stand apart from their instructions, by mnemonic:
    such a one is to blame.
    """
    places = redrawn or {}
    seen: list[tuple[Instruction, Encoding]] = []
    for instruction in instructions:
        encoding = instruction.encoding
        if encoding is None:
            continue
        for other, its in seen:
            if (encoding.match ^ its.match) & encoding.mask & its.mask:
                continue
            if encoding.width == its.width and not separated(encoding, its):
                one, two = instruction, other
                if two.mnemonic in places and one.mnemonic not in places:
                    one, two = two, one
                what = f"{one.mnemonic} claims words of {two.mnemonic}, at {two.place}"
                place = places.get(one.mnemonic, one.place)
                raise SpecError(place, what, "fix more bits, or add constraints")
        seen.append((instruction, encoding))


def separated(one: Encoding, two: Encoding) -> bool:
    """Do constraints keep two encodings apart whose fixed bits agree?"""
    mask, match = one.mask | two.mask, one.match | two.match
    for encoding in (one, two):
        known, value = encoding.extract(mask), encoding.extract(match)
        possible = encoding.extract(~0)
        excluded: dict[str, set[int]] = {}
        for name, barred in encoding.constraints:
            if barred & known[name] == value[name] and barred & ~possible[name] == 0:
                excluded.setdefault(name, set()).add(barred)
        for name, values in excluded.items():
            free = (possible[name] & ~known[name]).bit_count()
            if len(values) == 1 << free:
                return True
    return False
