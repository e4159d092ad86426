"""Instruction words as the 32-bit instructions that they are or expand to, of either revision."""

from __future__ import annotations

from collections.abc import Mapping

from drafthart.generator.assembly import Disassembler
from drafthart.generator.assembly.disassembler import width_of
from drafthart.generator.emit.expansion import Expansion, expansion
from drafthart.generator.impact.flow import Step
from drafthart.generator.spec.model import ISA


class Decoder:
    """Remembers each word that it was asked for."""

    def __init__(self, *isas: ISA) -> None:
        self._isas = isas
        self._plain = [Disassembler(isa) for isa in isas]
        self._words: dict[int, tuple[str, Mapping[str, int]]] = {}
        self._expansions: dict[str, Expansion] = {}
        self._shorthands: dict[str, Disassembler] = {}

    def steps(self, code: bytes, start: int, end: int, base: int) -> list[Step]:
        """The instructions from one offset to another; `base` is the address of offset 0."""
        found = []
        at = start
        while at + 2 <= end:
            word = int.from_bytes(code[at : at + 4], "little")
            length = width_of(word) // 8
            if at + length > end:
                break
            mnemonic, values = self._decoded(word & (1 << 8 * length) - 1)
            found.append(Step(base + at, length, mnemonic, values))
            at += length
        return found

    def text(self, word: int, address: int, symbols: Mapping[str, int]) -> str:
        """As assembly, by the first revision that knows the word."""
        for isa, plain in zip(self._isas, self._plain, strict=True):
            if plain.decode(word) is not None:
                return self._shown(isa).text(word, address, symbols)
        return self._plain[0].text(word, address)

    def _shown(self, isa: ISA) -> Disassembler:
        if isa.id not in self._shorthands:
            self._shorthands[isa.id] = Disassembler(isa, shorthands=True)
        return self._shorthands[isa.id]

    def _decoded(self, word: int) -> tuple[str, Mapping[str, int]]:
        known = self._words.get(word)
        if known is None:
            known = self._words[word] = self._decode(word)
        return known

    def _decode(self, word: int) -> tuple[str, Mapping[str, int]]:
        for isa, plain in zip(self._isas, self._plain, strict=True):
            decoded = plain.decode(word)
            if decoded is None:
                continue
            if decoded.instruction.expands is None:
                return decoded.instruction.mnemonic, decoded.values
            name = decoded.instruction.mnemonic
            if name not in self._expansions:
                self._expansions[name] = expansion(isa, decoded.instruction)
            long = self._expansions[name]
            values = {
                operand: decoded.values[value] if isinstance(value, str) else value
                for operand, value in long.values
            }
            return long.target.mnemonic, values
        return "", {}
