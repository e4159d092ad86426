"""The notation of encodings: `0110000 00000 rs1 100 rd 1110011` → fixed bits and operand pieces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from drafthart.generator.spec.model import Encoding, Operand, Piece, Place
from drafthart.generator.spec.nearest import did_you_mean
from drafthart.generator.spec.spec_error import SpecError
from drafthart.generator.spec.yaml_file import Node

UNASSIGNED = "unassigned"

_OPERAND = re.compile(r"([A-Za-z_]\w*'?)(?:\[([\d:|]+)\])?")
_CONSTRAINT = re.compile(r"\s*([A-Za-z_]\w*'?)\s*!=\s*(0x[0-9a-fA-F]{1,8}|[0-9]{1,10})\s*")


def parse_encoding(
    text: Node, constraints: Iterable[Node], operands: Mapping[str, Operand]
) -> Encoding | None:
    """The encoding that a node draws; None where the draft assigns none."""
    if text.text.strip() == UNASSIGNED:
        return None
    tokens = [
        (match.group(), _column(text.place, match.start()))
        for match in re.finditer(r"\S+", text.text)
    ]
    parts = [part for token, place in tokens for part in _parts(token, place, operands)]
    width = sum(len(part) if isinstance(part, str) else part.width for part in parts)
    if width not in (16, 32):
        raise SpecError(text.place, f"the encoding has {width} bits", "it must have 16 or 32")
    mask = match = 0
    pieces: list[Piece] = []
    at = width
    for part in parts:
        if isinstance(part, str):
            at -= len(part)
            mask |= ((1 << len(part)) - 1) << at
            match |= int(part, 2) << at
        else:
            at -= part.width
            pieces.append(Piece(part.operand, part.high, part.low, at))
    _check_low_bits(text.place, width, mask, match)
    _check_pieces(text.place, pieces)
    pairs = tuple(_constraint(node, pieces) for node in constraints)
    return Encoding(width, mask, match, tuple(pieces), pairs)


def _parts(token: str, place: Place, operands: Mapping[str, Operand]) -> list[str | Piece]:
    """Fixed bits, or an operand's pieces that have no position yet."""
    if re.fullmatch("[01]+", token):
        return [token]
    found = _OPERAND.fullmatch(token)
    if not found:
        raise SpecError(
            place, f"cannot read {token!r}", "write binary digits, a name or name[12|10:5]"
        )
    name, slices = found.groups()
    operand = operands.get(name)
    if operand is None:
        raise SpecError(place, f"unknown operand {name!r}", did_you_mean(name, operands))
    if slices is None:
        if operand.width is None:
            raise SpecError(
                place, f"the operand {name!r} has no width", f"write its bits: {name}[11:0]"
            )
        return [Piece(name, operand.width - 1, 0, 0)]
    pieces: list[str | Piece] = []
    for bits in slices.split("|"):
        if not re.fullmatch(r"\d{1,2}(:\d{1,2})?", bits):
            raise SpecError(place, f"cannot read the bits in {token!r}", "write them as [12|10:5]")
        high, _, low = bits.partition(":")
        piece = Piece(name, int(high), int(low or high), 0)
        if piece.high < piece.low:
            raise SpecError(
                place, f"the bits {bits} of {name!r} run upward", "write the high bit first"
            )
        if piece.high >= (operand.width or 32):
            most = operand.width or 32
            raise SpecError(place, f"{name!r} has no bit {piece.high}", f"it is {most} bits wide")
        pieces.append(piece)
    return pieces


def _check_low_bits(place: Place, width: int, mask: int, match: int) -> None:
    """The low two bits tell 16-bit instructions from 32-bit ones."""
    is_long = match & 3 == 3
    if mask & 3 != 3 or is_long != (width == 32):
        wanted = "be 11" if width == 32 else "be 00, 01 or 10"
        raise SpecError(
            place, f"the low two bits of a {width}-bit encoding are wrong", f"they must {wanted}"
        )


def _check_pieces(place: Place, pieces: list[Piece]) -> None:
    """Each bit of an operand has one place, without holes between the highest and the lowest."""
    seen: dict[str, int] = {}
    for piece in pieces:
        bits = ((1 << piece.width) - 1) << piece.low
        before = seen.get(piece.operand, 0)
        if before & bits:
            twice = (before & bits).bit_length() - 1
            raise SpecError(
                place, f"bit {twice} of {piece.operand!r} stands twice", "give each bit one place"
            )
        seen[piece.operand] = before | bits
    for name, bits in seen.items():
        lowest = bits & -bits
        if hole := ~bits & ((1 << bits.bit_length()) - 1) & ~(lowest - 1):
            missing = hole.bit_length() - 1
            raise SpecError(place, f"bit {missing} of {name!r} is missing", "give it a place")


def _constraint(node: Node, pieces: list[Piece]) -> tuple[str, int]:
    found = _CONSTRAINT.fullmatch(node.text)
    if not found:
        raise SpecError(
            node.place, f"cannot read the constraint {node.text!r}", "write it as rd != 0"
        )
    name, value = found.group(1), int(found.group(2), 0)
    names = dict.fromkeys(piece.operand for piece in pieces)
    if name not in names:
        raise SpecError(
            node.place, f"{name!r} is no operand of the encoding", did_you_mean(name, names)
        )
    possible = sum(((1 << it.width) - 1) << it.low for it in pieces if it.operand == name)
    if value & ~possible:
        raise SpecError(node.place, f"{name!r} can never be {value}", "correct the value")
    return name, value


def _column(place: Place, offset: int) -> Place:
    return Place(place.file, place.line, place.column + offset)
