"""The way back from an instruction to the shorthand that it could have been written as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drafthart.generator.assembly.operands import fence_bits
from drafthart.generator.assembly.registers import FLOAT_REGISTERS, REGISTERS
from drafthart.generator.assembly.templates import (
    Slot,
    Template,
    instruction_template,
    parse_template,
)
from drafthart.generator.spec.model import ISA

# The assembler computes what li expands to; of all that, only this line stands for itself.
_LOAD_CONSTANT = ("li", "rd, imm", "addi rd, zero, imm")


@dataclass(frozen=True, slots=True)
class Shorthand:
    """A mnemonic for some of the words of an instruction."""

    mnemonic: str
    template: Template
    fixed: Mapping[str, int]
    """The instruction's operands that have one value."""
    sources: Mapping[str, Slot]
    """The shorthand's operands, each with the operand of the instruction that it is."""

    def fits(self, values: Mapping[str, int]) -> bool:
        """Do these operand values of the instruction have this short form?"""
        return all(values[name] == value for name, value in self.fixed.items())


def shorthands_by_instruction(isa: ISA) -> dict[str, list[Shorthand]]:
    """Shorthands of one line that are shorter than their instruction, the shortest first."""
    known: dict[str, list[Shorthand]] = {}
    singles = [
        (shorthand.mnemonic.partition("/")[0], shorthand.assembly, shorthand.expands[0])
        for shorthand in isa.pseudoinstructions.values()
        if len(shorthand.expands) == 1
    ]
    for mnemonic, assembly, line in (_LOAD_CONSTANT, *singles):
        target, _, operands = line.partition(" ")
        shorthand = _shorthand(isa, mnemonic, parse_template(isa, assembly), target, operands)
        if shorthand is not None:
            known.setdefault(target, []).append(shorthand)
    for forms in known.values():
        forms.sort(key=lambda form: len(form.sources))
    return known


def _shorthand(
    isa: ISA, mnemonic: str, template: Template, target: str, line: str
) -> Shorthand | None:
    instruction = isa.instructions.get(target)
    if instruction is None or instruction.encoding is None:
        return None
    whole = instruction_template(isa, instruction)
    given = parse_template(isa, line, [slot.name for slot in template.slots])
    if len(given.parts) != len(whole.parts) or len(template.slots) >= len(whole.slots):
        return None
    fixed: dict[str, int] = {}
    sources: dict[str, Slot] = {}
    for part, slot in zip(given.parts, whole.parts, strict=True):
        if isinstance(slot, str):
            if part != slot:
                return None
        elif isinstance(part, Slot):
            if part.name in sources:
                return None
            sources[part.name] = slot
        else:
            number = _literal(isa, part, slot)
            if number is None:
                return None
            fixed[slot.name] = number
    return Shorthand(mnemonic, template, fixed, sources)


def _literal(isa: ISA, text: str, slot: Slot) -> int | None:
    """What a word in a shorthand's line stands for as this operand."""
    kind = slot.operand.kind
    if kind == "register":
        return REGISTERS.get(text)
    if kind == "float":
        return FLOAT_REGISTERS.get(text)
    if kind == "csr" and text in isa.csrs:
        return isa.csrs[text].address
    if kind == "fence":
        return fence_bits(text)
    try:
        return int(text, 0)
    except ValueError:
        return None
