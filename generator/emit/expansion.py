"""What a 16-bit instruction expands to, resolved to operands."""

from __future__ import annotations

import re
from dataclasses import dataclass

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA, Instruction

_TOKEN = re.compile(r"-?[\w.']+(?:\[\d+:\d+\])?")
_REGISTER = re.compile(r"x(\d+)$")
_SLICE = re.compile(r"([\w']+)\[(\d+):(\d+)\]$")


@dataclass(frozen=True, slots=True)
class Expansion:
    """The 32-bit instruction; for each of its operands, an operand of the short one or a number."""

    target: Instruction
    values: tuple[tuple[str, str | int], ...]


def expansion(isa: ISA, short: Instruction) -> Expansion:
    """Resolve `short.expands`. Raises `DrafthartError` where the line does not fit its target."""
    assert short.expands is not None
    assert short.encoding is not None
    mnemonic, _, line = short.expands.partition(" ")
    target = isa.instructions.get(mnemonic)
    if target is None or target.encoding is None or target.encoding.width != 32:
        raise DrafthartError(
            f"{short.place}: {short.mnemonic} expands to {mnemonic}, which is no 32-bit instruction"
        )
    names = _TOKEN.findall(target.assembly)
    given = _TOKEN.findall(line)
    if len(names) != len(given):
        raise DrafthartError(f"{short.place}: {mnemonic} takes {target.assembly!r}, not {line!r}")
    values = {_plain(name): _value(short, word) for name, word in zip(names, given, strict=True)}
    for operand in target.encoding.operands:
        values.setdefault(operand, 0)
    return Expansion(target, tuple(values.items()))


def _plain(name: str) -> str:
    """The operand behind `imm[31:12]`."""
    sliced = _SLICE.match(name)
    return sliced[1] if sliced else name


def _value(short: Instruction, word: str) -> str | int:
    assert short.encoding is not None
    name = _plain(word)
    if name in short.encoding.operands:
        return name
    register = _REGISTER.match(word)
    if register:
        return int(register[1])
    try:
        return int(word, 0)
    except ValueError:
        raise DrafthartError(
            f"{short.place}: {short.mnemonic} has no operand {word!r}; "
            f"it has {', '.join(short.encoding.operands)}"
        ) from None
