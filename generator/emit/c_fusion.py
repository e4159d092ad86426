"""Sequences of instructions with a handler of their own: no dispatches between them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from drafthart.generator.emit.c_handlers import ALWAYS, Handler

LONGEST = 5
"""Instructions in a sequence, at most."""

_WRITE = re.compile(r"h->x\[(op->[abc])\] = (.*);")


@dataclass(frozen=True, slots=True)
class Part:
    """One instruction of a sequence.

    `takes` is the operand that names the register which the part before it has just written: its
    value is at hand, and reading it back would wait for the store. "" if it takes none.
    """

    mnemonic: str
    takes: str

    def __str__(self) -> str:
        return f"{self.mnemonic}<{self.takes}" if self.takes else self.mnemonic


Pattern = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Fused:
    """A sequence with its handler; `condition`, over `ops`, says whether its parts take so."""

    name: str
    numbers: tuple[int, ...]
    lines: list[str]
    condition: str

    @property
    def length(self) -> int:
        """How many instructions it has."""
        return len(self.numbers)

    @property
    def key(self) -> str:
        """Its instructions as one number, in C."""
        return " | ".join(f"{n}ull << {10 * at}" for at, n in enumerate(self.numbers))


def fuse(handlers: Sequence[Handler]) -> list[Fused]:
    """The handlers of all sequences whose instructions are there and have one in line.

    Of the same instructions, that which takes most comes first.
    """
    known = {it.mnemonic: (number, it) for number, it in enumerate(handlers) if it.inline}
    found = []
    for pattern in sorted(patterns(), key=lambda it: -sum(bool(part.takes) for part in it)):
        if all(part.mnemonic in known for part in pattern):
            numbers, parts = zip(*(known[part.mnemonic] for part in pattern), strict=True)
            if all(it.shape != ALWAYS for it in parts[:-1]):
                found.append(_fused(numbers, parts, pattern))
    return found


@cache
def patterns() -> tuple[Pattern, ...]:
    """What fusion.yaml lists."""
    text = files("drafthart.generator.emit").joinpath("fusion.yaml").read_text()
    lines: list[str] = yaml.safe_load(text)
    return tuple(pattern(line) for line in lines)


def pattern(line: str) -> Pattern:
    """A pattern from its text, such as `slli add<rs2 lw<rs1`."""
    return tuple(Part(*it.partition("<")[::2]) for it in line.split())


def _fused(numbers: tuple[int, ...], parts: tuple[Handler, ...], pattern: Pattern) -> Fused:
    name = "op_" + "__".join(
        f"{it.name}_{part.takes}" if part.takes else it.name
        for it, part in zip(parts, pattern, strict=True)
    )
    conditions = []
    lines = [f"static void {name}(ARGUMENTS) {{"]
    for at, it in enumerate(parts):
        body = it.inline
        if takes := pattern[at].takes:
            source = it.operands[takes]
            body = [_replaced(line, f"h->x[{source}]", f"result_{at - 1}") for line in body]
            result = _WRITE.fullmatch(parts[at - 1].inline[-1].strip())
            assert result is not None, f"{pattern[at - 1]} writes no register for {pattern[at]}"
            conditions.append(f"{_of(result[1], at - 1)} == {_of(source, at)}")
        if at < len(parts) - 1 and pattern[at + 1].takes:
            lines.append(f"    u64 result_{at};")
            body = [*body[:-1], body[-1].replace(" = ", f" = result_{at} = ", 1)]
        lines += ["    {", *(f"    {line}" for line in body), "    }"]
        if at < len(parts) - 1:
            lines.append("    op++;" if it.straight else "    op += 2;")
    if parts[-1].straight:
        lines.append("    NEXT;")
    elif parts[-1].shape != ALWAYS:
        lines.append("    NEXT_BEHIND_LINK;")
    return Fused(name, numbers, [*lines, "}"], " && ".join(conditions))


def _of(operand: str, at: int) -> str:
    return operand.replace("op", f"ops[{at}]")


def _replaced(line: str, register: str, value: str) -> str:
    """The line with what it reads of a register replaced; what it writes stays."""
    write = _WRITE.fullmatch(line.strip())
    if not write:
        return line.replace(register, value)
    return line[: line.index(" = ")] + " = " + write[2].replace(register, value) + ";"
