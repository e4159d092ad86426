"""All groups of probes, and those of them that a user asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from drafthart.conformance.probes import (
    csrs,
    fences,
    floating_state,
    guest_accesses,
    instructions,
    interrupts,
    memory,
    protection,
    translation,
    traps,
)
from drafthart.conformance.probes.probe import Generator, Group
from drafthart.conformance.subjects import exercised
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA

GROUPS: tuple[Generator, ...] = (
    instructions.instructions,
    instructions.opcodes,
    traps.exceptions,
    traps.returns,
    translation.permissions,
    translation.overrides,
    translation.shapes,
    guest_accesses.guest_accesses,
    fences.fences,
    protection.protection,
    memory.memory,
    floating_state.floating_state,
    interrupts.interrupts,
    csrs.csr_access,
    csrs.csr_values,
    csrs.csr_aliases,
)


def groups(isa: ISA, only: Sequence[str] = ()) -> list[Group]:
    """The probes of a revision.

    `only` are patterns: a group (`traps`), or a group and what its probes are of
    (`csr-values/csr:hstatus`, `*/insn:hlv.*`). Raises `DrafthartError` for one without probes.
    """
    every = [generate(isa) for generate in GROUPS]
    if not only:
        return every
    chosen: dict[str, set[str]] = {group.name: set() for group in every}
    for pattern in only:
        found = [(group.name, probe) for group in every for probe in _matching(group, isa, pattern)]
        if not found:
            raise DrafthartError(
                f"--only {pattern}: no probe of {isa.id} is of this; write GROUP, GROUP/ITEM or "
                f"*/ITEM, with a group of {', '.join(group.name for group in every)}"
            )
        for name, label in found:
            chosen[name].add(label)
    return [
        part(group, [probe.label for probe in group.probes if probe.label in chosen[group.name]])
        for group in every
        if chosen[group.name]
    ]


def part(group: Group, labels: Sequence[str]) -> Group:
    """A group with these of its probes only, in its own order."""
    wanted = set(labels)
    return replace(group, probes=tuple(it for it in group.probes if it.label in wanted))


def _matching(group: Group, isa: ISA, pattern: str) -> list[str]:
    name, slash, item = pattern.partition("/")
    if not fnmatchcase(group.name, name):
        return []
    return [
        probe.label
        for probe in group.probes
        if not slash or any(fnmatchcase(it, item) for it in exercised(probe, isa))
    ]
