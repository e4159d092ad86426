"""Mutants: a resolved revision with one fault planted in what the suite is for.

That is what H defines or changes, and the privileged architecture below it: traps, interrupts,
CSRs, translation, memory protection. Arithmetic, floating point and compressed encodings are not:
other suites test those.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from drafthart.conformance.mutation.operations import Fault, Neighbours, faults
from drafthart.conformance.mutation.tables import cause_faults, csr_faults, instruction_faults
from drafthart.generator.spec.model import (
    CSR,
    ISA,
    Cause,
    Function,
    Instruction,
    Place,
    Source,
)

Item = Function | Instruction | CSR | Cause

_BASE = (
    "causes", "counters", "interrupts", "machine", "memory", "pmp", "supervisor", "translation",
    "traps", "zicsr",
)  # fmt: skip
"""The files of the base that are about privilege."""
_TABLES_EVERY = 3
"""One mutant of so many is of a table, the others of operations."""
_OF_OWN = 3
"""How much more often an item of H is chosen than one of the base."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault: in `section` of the ISA, `key` is `replacement`.

    `id` names it for good: revision, item, kind, what became what.
    """

    id: str
    revision: str
    item: str
    kind: str
    what: str
    section: str
    key: str | int
    replacement: Item

    def of(self, isa: ISA) -> ISA:
        """The revision with the fault. Its `content` does not tell."""
        of_code = self.section in ("causes", "interrupts")
        changed: dict[Any, Any] = {}
        for key, item in getattr(isa, self.section).items():
            if key != self.key:
                changed[key] = item
            else:
                code = getattr(self.replacement, "code", key)
                changed[code if of_code else key] = self.replacement
        new: dict[str, Any] = {self.section: changed}
        return replace(isa, **new)


def sample(isa: ISA, seed: int) -> Iterator[Mutant]:
    """All mutants, in a random order that is spread over the items and the kinds.

    The caller takes as many as are of use: some do not compile, some change nothing.
    """
    chance = random.Random(f"{seed} {isa.id}")
    tables = _spread(_of_tables(isa), chance, isa)
    operations = _spread(_of_operations(isa), chance, isa)
    while True:
        some = [*islice(tables, 1), *islice(operations, _TABLES_EVERY - 1)]
        if not some:
            return
        yield from some


def _spread(mutants: Iterable[Mutant], chance: random.Random, isa: ISA) -> Iterator[Mutant]:
    """One of each item in turn, in a random order, those of H more often; of any kind alike."""
    waiting: dict[str, dict[str, list[Mutant]]] = {}
    for mutant in _numbered(mutants):
        waiting.setdefault(mutant.item, {}).setdefault(mutant.kind, []).append(mutant)
    while waiting:
        turns = [item for item in waiting for _ in range(_OF_OWN if _is_own(item, isa) else 1)]
        chance.shuffle(turns)
        for item in turns:
            if item not in waiting:
                continue
            kind = chance.choice(list(waiting[item]))
            some = waiting[item][kind]
            yield some.pop(chance.randrange(len(some)))
            if not some:
                del waiting[item][kind]
            if not waiting[item]:
                del waiting[item]


def _numbered(mutants: Iterable[Mutant]) -> Iterator[Mutant]:
    """With a number behind the ids that several have."""
    seen: Counter[str] = Counter()
    for mutant in mutants:
        seen[mutant.id] += 1
        number = seen[mutant.id]
        yield replace(mutant, id=f"{mutant.id} ({number})") if number > 1 else mutant


def _is_own(item: str, isa: ISA) -> bool:
    kind, _, name = item.partition(":")
    sections = {"fn": isa.functions, "csr": isa.csrs, "insn": isa.instructions}
    found: Mapping[str, Any] = sections.get(kind, {})
    return name in found and _file(found[name].place).startswith("h/")


def _file(place: Place) -> str:
    return place.file.rpartition("specs/")[2]


def concerns(place: Place) -> bool:
    """Is what stands here of those that the suite is for?"""
    file = _file(place)
    own = file.startswith(("h/", "priv/1.1"))
    return own or file.removeprefix("priv/").removesuffix(".yaml") in _BASE


def _of_tables(isa: ISA) -> Iterator[Mutant]:
    for name, csr in isa.csrs.items():
        if concerns(csr.place) and csr.array is None:
            for of_csr in csr_faults(csr, isa):
                yield _mutant(isa, f"csr:{name}", of_csr.kind, of_csr.what, of_csr.item)
    for name, instruction in isa.instructions.items():
        if concerns(instruction.place):
            for row in instruction_faults(instruction):
                yield _mutant(isa, f"insn:{name}", row.kind, row.what, row.item)
    for section, kind in (("causes", "cause"), ("interrupts", "interrupt")):
        among = getattr(isa, section)
        for code, cause in among.items():
            for of_cause in cause_faults(cause, among):
                yield _mutant(isa, f"{kind}:{code}", of_cause.kind, of_cause.what, of_cause.item)


def _of_operations(isa: ISA) -> Iterator[Mutant]:
    neighbours = Neighbours(isa)
    for name, function in isa.functions.items():
        if concerns(function.place) or concerns(function.operation.place):
            for fault, source in _sources(function.operation, neighbours):
                changed = replace(function, operation=source)
                yield _mutant(isa, f"fn:{name}", fault.kind, fault.what, changed)
    for name, instruction in isa.instructions.items():
        if instruction.operation is not None and concerns(instruction.place):
            for fault, source in _sources(instruction.operation, neighbours):
                other = replace(instruction, operation=source)
                yield _mutant(isa, f"insn:{name}", fault.kind, fault.what, other)
    for csr in isa.csrs.values():
        if concerns(csr.place) and csr.array is None:
            yield from _of_csr(isa, csr, neighbours)


def _of_csr(isa: ISA, csr: CSR, neighbours: Neighbours) -> Iterator[Mutant]:
    for part in ("read", "write", "access"):
        for fault, source in _sources(getattr(csr, part), neighbours):
            new: dict[str, Any] = {part: source}
            changed = replace(csr, **new)
            yield _mutant(isa, f"csr:{csr.name}", fault.kind, f"{part}: {fault.what}", changed)
    for field in csr.fields.values():
        for part in ("read", "write"):
            for fault, source in _sources(getattr(field, part), neighbours):
                new = {part: source}
                fields = {**csr.fields, field.name: replace(field, **new)}
                what = f"{field.name} {part}: {fault.what}"
                yield _mutant(isa, f"csr:{csr.name}", fault.kind, what, replace(csr, fields=fields))


def _sources(source: Source | None, neighbours: Neighbours) -> Iterator[tuple[Fault, Source]]:
    if source is not None:
        for fault in faults(source.text, neighbours):
            yield fault, Source(fault.text, source.place)


_SECTIONS = {
    "fn": "functions", "insn": "instructions", "csr": "csrs", "cause": "causes",
    "interrupt": "interrupts",
}  # fmt: skip


def _mutant(isa: ISA, item: str, kind: str, what: str, replacement: Item) -> Mutant:
    section, _, name = item.partition(":")
    key = int(name) if section in ("cause", "interrupt") else name
    return Mutant(
        f"{isa.id} {item}, {kind}: {what}",
        isa.id,
        item,
        kind,
        what,
        _SECTIONS[section],
        key,
        replacement,
    )
