"""A small reader of QEMU's decodetree language: as much of it as the export uses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

FUNCTIONS: dict[str, Callable[[int], int]] = {
    **{f"ex_shift_{n}": (lambda value, n=n: value << n) for n in (1, 2, 3, 4, 12)},  # type: ignore[misc]
    "ex_rvc_register": lambda value: value + 8,
}
"""What the translator of QEMU's RISC-V target makes of a field."""


@dataclass(frozen=True)
class Field:
    parts: tuple[tuple[int, int, bool], ...]
    function: str

    def value(self, word: int) -> int:
        total = 0
        for number, (at, width, signed) in enumerate(self.parts):
            bits = word >> at & ((1 << width) - 1)
            if number == 0 and signed and bits >> (width - 1):
                bits -= 1 << width
            total = total << width | bits
        return FUNCTIONS[self.function](total) if self.function else total


@dataclass(frozen=True)
class Pattern:
    name: str
    bits: str
    arguments: dict[str, Field]

    def fits(self, word: int) -> bool:
        width = len(self.bits)
        return all(
            it == "." or int(it) == word >> (width - 1 - at) & 1 for at, it in enumerate(self.bits)
        )

    def overlaps(self, other: Pattern) -> bool:
        return all(
            "." in pair or pair[0] == pair[1] for pair in zip(self.bits, other.bits, strict=True)
        )


@dataclass
class Decoder:
    groups: list[list[Pattern]]

    def candidates(self, word: int) -> Iterator[tuple[str, dict[str, int]]]:
        """Patterns that fit, in the order in which they are tried."""
        for group in self.groups:
            for it in group:
                if it.fits(word):
                    yield it.name, {name: field.value(word) for name, field in it.arguments.items()}


def read_decodetree(text: str) -> Decoder:
    """Raises for what the language does not allow: patterns that overlap outside of braces."""
    fields: dict[str, Field] = {}
    groups: list[list[Pattern]] = []
    inside = False
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if not words:
            continue
        if words == ["{"]:
            assert not inside
            inside = True
            groups.append([])
        elif words == ["}"]:
            assert inside
            assert groups[-1]
            inside = False
        elif words[0].startswith("%"):
            fields[words[0][1:]] = _field(words[1:])
        else:
            pattern = _pattern(words, fields)
            if inside:
                groups[-1].append(pattern)
            else:
                groups.append([pattern])
    for at, group in enumerate(groups):
        for other in groups[at + 1 :]:
            assert not any(a.overlaps(b) for a in group for b in other)
    return Decoder(groups)


def _field(words: list[str]) -> Field:
    parts = []
    function = ""
    for word in words:
        if word.startswith("!function="):
            function = word.partition("=")[2]
            continue
        found = re.fullmatch(r"(\d+):(s?)(\d+)", word)
        assert found, word
        parts.append((int(found[1]), int(found[3]), bool(found[2])))
    return Field(tuple(parts), function)


def _pattern(words: list[str], fields: dict[str, Field]) -> Pattern:
    bits = "".join(word for word in words[1:] if re.fullmatch("[01.]+", word))
    arguments = {}
    for word in words[1:]:
        if "=" in word:
            name, _, field = word.partition("=%")
            arguments[name] = fields[field]
    assert len(bits) in (16, 32), words
    return Pattern(words[0], bits, arguments)
