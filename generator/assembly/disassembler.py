"""The disassembler: instruction words in, text out that assembles to the same words."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from drafthart.generator.assembly.operands import (
    fence_letters,
    operand_value,
    ordering_suffix,
    rounding_name,
)
from drafthart.generator.assembly.registers import ABI_NAMES, FLOAT_ABI_NAMES
from drafthart.generator.assembly.shorthands import shorthands_by_instruction
from drafthart.generator.assembly.templates import Slot, Template, instruction_template
from drafthart.generator.emit.decode_tree import build, find
from drafthart.generator.spec.model import ISA, Instruction

_ADDRESSES = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Decoded:
    """An instruction word taken apart.

    `values` are as operations see them: numbers of registers, signed immediates. `suffix` is what
    ordering bits add to the mnemonic. `hidden` tells of bits that the text has no place for.
    """

    instruction: Instruction
    word: int
    width: int
    suffix: str
    values: Mapping[str, int]
    hidden: bool

    @property
    def mnemonic(self) -> str:
        """With its ordering, such as `amoadd.w.aq`."""
        return self.instruction.mnemonic + self.suffix


class Disassembler:
    """Decodes for one ISA. With `shorthands` it prefers `ret` over `jalr zero, 0(ra)`."""

    def __init__(self, isa: ISA, *, shorthands: bool = False) -> None:
        self._isa = isa
        self._trees = {width: build(isa.instructions.values(), width) for width in (16, 32)}
        self._templates: dict[str, Template] = {}
        self._shorthands = shorthands_by_instruction(isa) if shorthands else {}

    def decode(self, word: int) -> Decoded | None:
        """What the low 16 or 32 bits of `word` are; None if no instruction of the ISA."""
        width = width_of(word)
        word &= (1 << width) - 1
        instruction = find(self._trees[width], word)
        if instruction is None or instruction.encoding is None:
            return None
        encoding = instruction.encoding
        raw = encoding.extract(word)
        shown = {slot.name: slot for slot in self._template(instruction).slots}
        values = dict(raw)
        hidden = False
        for name, bits in raw.items():
            operand = self._isa.operands.get(name)
            if name in shown:
                values[name] = operand_value(encoding, shown[name], bits)
                if shown[name].operand.kind == "rounding":
                    hidden |= rounding_name(bits) is None
            elif operand is None or operand.kind != "ordering":
                hidden |= bits != 0
        suffix = ordering_suffix(self._isa, encoding, raw)
        return Decoded(instruction, word, width, suffix, values, hidden)

    def text(self, word: int, pc: int = 0, symbols: Mapping[str, int] | None = None) -> str:
        """The instruction as assembly. Targets are absolute, with `<symbol+offset>` behind them.

        A word that is no instruction, or that holds more than its text could say, becomes `.insn`.
        """
        return self._text(word, pc, _Names(symbols or {}))

    def listing(
        self, data: bytes, base: int = 0, symbols: Mapping[str, int] | None = None
    ) -> Iterator[str]:
        """Lines of address, bits and text for a piece of code, with its labels between them."""
        names = _Names(symbols or {})
        offset = 0
        while offset < len(data):
            pc = base + offset
            for name in names.at(pc):
                yield f"{pc:016x} <{name}>:"
            rest = data[offset : offset + 4]
            size = min(width_of(rest[0]) // 8, len(rest))
            word = int.from_bytes(rest[:size], "little")
            if size < width_of(word) // 8:
                text = ".byte " + ", ".join(f"{byte:#04x}" for byte in rest)
            else:
                text = self._text(word, pc, names)
            yield f"{pc:16x}:  {word:0{2 * size}x}".ljust(30) + text
            offset += size

    def _template(self, instruction: Instruction) -> Template:
        template = self._templates.get(instruction.mnemonic)
        if template is None:
            template = instruction_template(self._isa, instruction)
            self._templates[instruction.mnemonic] = template
        return template

    def _text(self, word: int, pc: int, names: _Names) -> str:
        decoded = self.decode(word)
        if decoded is None or decoded.hidden:
            width = width_of(word)
            bits = word & (1 << width) - 1
            text = f".insn {width // 8}, {bits:#0{width // 4 + 2}x}"
            if decoded is None:
                return f"{text}  # not in {self._isa.id}"
            return f"{text}  # {decoded.mnemonic} with reserved bits set"
        mnemonic, template = decoded.mnemonic, self._template(decoded.instruction)
        sources = {slot.name: slot for slot in template.slots}
        if not decoded.suffix:
            for shorthand in self._shorthands.get(mnemonic, ()):
                if shorthand.fits(decoded.values):
                    mnemonic, template = shorthand.mnemonic, shorthand.template
                    sources = dict(shorthand.sources)
                    break
        shown = {
            name: self._operand(slot, decoded.values[slot.name], pc, names)
            for name, slot in sources.items()
            if slot.operand.default != decoded.values[slot.name]
        }
        return f"{mnemonic} {template.render(shown)}".rstrip()

    def _operand(self, slot: Slot, value: int, pc: int, names: _Names) -> str:
        operand = slot.operand
        if operand.kind == "register":
            return ABI_NAMES[value]
        if operand.kind == "float":
            return FLOAT_ABI_NAMES[value]
        if operand.kind == "rounding":
            return rounding_name(value) or str(value)
        if operand.kind == "csr":
            csr = self._isa.csr_at.get(value)
            return csr.name if csr is not None else f"{value:#x}"
        if operand.kind == "fence":
            return fence_letters(value)
        if operand.relative:
            target = pc + value & _ADDRESSES
            return f"{target:#x}{names.near(target)}"
        return f"{slot.shown(value):#x}" if slot.sliced else str(value)


class _Names:
    """Symbols by address."""

    def __init__(self, symbols: Mapping[str, int]) -> None:
        self._symbols = symbols

    @cached_property
    def _sorted(self) -> list[tuple[int, str]]:
        return sorted((address, name) for name, address in self._symbols.items())

    def at(self, address: int) -> list[str]:
        """The symbols of just this address."""
        first = bisect_right(self._sorted, (address, ""))
        last = bisect_right(self._sorted, (address + 1, ""))
        return [name for _, name in self._sorted[first:last]]

    def near(self, address: int) -> str:
        """` <symbol+offset>` for the nearest symbol at or before the address, if there is one."""
        position = bisect_right(self._sorted, (address + 1, ""))
        if position == 0:
            return ""
        start, name = self._sorted[position - 1]
        offset = f"+{address - start:#x}" if address > start else ""
        return f" <{name}{offset}>"


def width_of(word: int) -> int:
    """The length in bits that the low bits of an instruction tell."""
    return 32 if word & 3 == 3 else 16
