"""What random probes should try next: what leads to something that was seldom exercised."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from random import Random
from typing import TypeVar

from drafthart.conformance.probes.probe import Group
from drafthart.conformance.subjects import arranged, exercised
from drafthart.conformance.trace import traced
from drafthart.generator.diff.items import items
from drafthart.generator.spec.model import ISA

_T = TypeVar("_T")
_SPREAD = 16
"""So many times as much wanted as the least wanted is the most wanted, at most."""
_WORD = re.compile(r"[A-Za-z_]\w*")
_OWN = ("operation", "read", "write", "access")


class Weights:
    """How often items were exercised, and how much an item is wanted for that."""

    def __init__(self, isa: ISA) -> None:
        self._isa = isa
        self._counts: Counter[str] = Counter()
        self._reach = _reach(isa)

    def note(self, group: Group) -> None:
        """Count what a group's probes try and set beforehand, and what takes part as they run."""
        for probe in group.probes:
            self._counts.update((*exercised(probe, self._isa), *arranged(probe, self._isa)))
        self._counts.update(traced(group, self._isa))

    def of(self, item: str) -> float:
        """How much this item's id is wanted: by the rarest of what it leads to."""
        return max(1 / (1 + self._counts[id_]) for id_ in self._reach.get(item, (item,)))

    def pick(self, by_id: Mapping[str, _T], random: Random) -> _T:
        """One of these, by the ids of their items."""
        wanted = [self.of(id_) for id_ in by_id]
        least = max(wanted) / _SPREAD
        return random.choices(list(by_id.values()), [max(it, least) for it in wanted])[0]


def _reach(isa: ISA) -> dict[str, tuple[str, ...]]:
    """Id of an instruction or a CSR → itself, and the functions that its operations lead to."""
    every = items(isa)
    calls = {id_: set(_called(item, isa)) for id_, item in every.items()}

    def closure(id_: str) -> tuple[str, ...]:
        found: dict[str, None] = {}
        waiting = [id_]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found[one] = None
                waiting += sorted(calls.get(one, ()))
        return tuple(found)

    return {id_: closure(id_) for id_ in every if id_.startswith(("insn:", "csr:"))}


def _called(item: object, isa: ISA) -> Iterator[str]:
    for name in _OWN:
        source = getattr(item, name, None)
        if source is not None:
            words = _WORD.findall(source.text)
            yield from (f"fn:{word}" for word in words if word in isa.functions)
    for field in getattr(item, "fields", {}).values():
        if not isinstance(field, str):
            yield from _called(field, isa)
