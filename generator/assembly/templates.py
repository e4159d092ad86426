"""Operand lists as the specs write them, such as `rd, imm(rs1)`."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from drafthart.generator.assembly.registers import REGISTERS
from drafthart.generator.spec.model import ISA, Instruction, Operand, Place

_PART = re.compile(r"\s*(?:(?P<word>-?[\w.']+)(?:\[(?P<high>\d+):(?P<low>\d+)\])?|(?P<sign>\S))")


@dataclass(frozen=True, slots=True)
class Slot:
    """An operand in a template. With `[high:low]` the text shows just those bits."""

    operand: Operand
    high: int = 0
    low: int = 0

    @property
    def name(self) -> str:
        """The operand's name."""
        return self.operand.name

    @property
    def sliced(self) -> bool:
        """Does the text show a part of the value?"""
        return self.high > 0

    def shown(self, value: int) -> int:
        """The number that the text shows for the operand's value."""
        return value >> self.low & (1 << self.high - self.low + 1) - 1 if self.sliced else value


Part = Slot | str


@dataclass(frozen=True)
class Template:
    """Slots, and what stands between and beside them: punctuation, registers, numbers."""

    parts: tuple[Part, ...]

    def __str__(self) -> str:
        return self.render({slot.name: slot.name for slot in self.slots})

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """The operands, in the order of the text."""
        return tuple(part for part in self.parts if isinstance(part, Slot))

    def render(self, shown: dict[str, str]) -> str:
        """The text with these texts for the operands; one without a text is left out."""
        parts: list[str] = []
        for part in self.parts:
            if isinstance(part, str):
                parts.append(", " if part == "," else part)
            elif part.name in shown:
                parts.append(shown[part.name])
            elif parts:
                parts.pop()
        return "".join(parts)


def parse_template(isa: ISA, text: str, operands: Collection[str] | None = None) -> Template:
    """Cut an operand list. `operands` are the names it may use; without, any but registers'."""
    parts: list[Part] = []
    for match in _PART.finditer(text.strip()):
        word = match["word"]
        if word is None or not _is_operand(word, operands):
            parts.append(match[0].strip())
        elif match["high"]:
            operand = _operand(isa, word)
            parts.append(Slot(operand, int(match["high"]), int(match["low"])))
        else:
            parts.append(Slot(_operand(isa, word)))
    return Template(tuple(parts))


def instruction_template(isa: ISA, instruction: Instruction) -> Template:
    """The operand list of an instruction that has an encoding."""
    assert instruction.encoding is not None
    return parse_template(isa, instruction.assembly, instruction.encoding.operands)


def _is_operand(word: str, operands: Collection[str] | None) -> bool:
    if operands is not None:
        return word in operands
    return word not in REGISTERS and (word[0].isalpha() or word[0] == "_")


def _operand(isa: ISA, name: str) -> Operand:
    """As the ISA says. A name that only a shorthand uses stands for any expression."""
    known = isa.operands.get(name)
    return known or Operand(name, "immediate", None, 0, True, False, None, "", Place("", 0, 0))
