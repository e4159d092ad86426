"""Sequences of instructions with a handler of their own: no dispatches between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from drafthart.generator.emit.c_handlers import ALWAYS, Handler


@dataclass(frozen=True, slots=True)
class Fused:
    """A sequence with its handler."""

    name: str
    numbers: tuple[int, ...]
    lines: list[str]


def fuse(handlers: Sequence[Handler]) -> list[Fused]:
    """The handlers of all sequences whose instructions are there and have one in line."""
    known = {it.mnemonic: (number, it) for number, it in enumerate(handlers) if it.inline}
    found = []
    for sequence in sequences():
        if all(name in known for name in sequence):
            parts = [known[name] for name in sequence]
            if all(it.straight for _, it in parts[:-1]):
                found.append(_fused(parts))
    return found


@cache
def sequences() -> tuple[tuple[str, ...], ...]:
    """The mnemonics of each sequence."""
    text = files("drafthart.generator.emit").joinpath("fusion.yaml").read_text()
    lists: Mapping[str, Mapping[str, list[str]]] = yaml.safe_load(text)
    pairs = [(a, b) for a in lists["pairs"]["first"] for b in lists["pairs"]["second"]]
    return (*pairs, *(tuple(it) for it in lists["triples"]))


def _fused(parts: Sequence[tuple[int, Handler]]) -> Fused:
    name = "op_" + "__".join(it.name for _, it in parts)
    lines = [f"static void {name}(ARGUMENTS) {{"]
    for position, (_, it) in enumerate(parts):
        lines += ["    {", *(f"    {line}" for line in it.inline), "    }"]
        if position < len(parts) - 1:
            lines.append("    op++;")
    last = parts[-1][1]
    if last.straight:
        lines.append("    NEXT;")
    elif last.shape != ALWAYS:
        lines.append("    NEXT_BEHIND_LINK;")
    return Fused(name, tuple(number for number, _ in parts), [*lines, "}"])
