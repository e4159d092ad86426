"""What an ISA shows of itself, as plain texts: item → aspect → text.

A surface needs no ISA behind it: it can be kept in a file, or be made of another's header.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeAlias

from drafthart.generator.diff.aspects import TEXTS, aspects
from drafthart.generator.diff.items import items
from drafthart.generator.spec.model import ISA

Surface: TypeAlias = Mapping[str, Mapping[str, str]]

PUBLIC = ("insn", "csr", "cause", "interrupt", "rule", "param")
"""The kinds of items that users rely on."""

_INNER = (*TEXTS, "view", "by", "default")
"""Aspects that say how the specs do it, or what Drafthart chooses."""


def surface(isa: ISA, kinds: Collection[str] = PUBLIC) -> Surface:
    """The items of these kinds with all that can be observed of each but what it does."""
    return {
        id_: {name: text for name, text in aspects(item).items() if name not in _INNER}
        for id_, item in items(isa).items()
        if id_.partition(":")[0] in kinds
    }
