"""All groups of probes, and those of them that a user asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from drafthart.conformance.deltas import deltas
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

_DELTAS = "deltas"


def groups(isa: ISA, only: Sequence[str] = ()) -> list[Group]:
    """The probes of a revision.

    `only` are patterns: a group (`traps`), or a group and what its probes are of
    (`csr-values/csr:hstatus`, `*/insn:hlv.*`), or `deltas/CHANGE` for those that tell a change that
    the revision has from its absence. Raises `DrafthartError` for one without probes.
    """
    every = [generate(isa) for generate in GROUPS]
    if not only:
        return every
    chosen: dict[str, set[str]] = {group.name: set() for group in every}
    for pattern in only:
        find = _of_changes if pattern.partition("/")[0] == _DELTAS else _matching
        found = [(group.name, label) for group in every for label in find(group, isa, pattern)]
        if not found:
            names = ", ".join(group.name for group in every)
            raise DrafthartError(
                f"--only {pattern}: no probe of {isa.id} is of this; write GROUP, GROUP/ITEM, "
                f"*/ITEM or {_DELTAS}/CHANGE, with a group of {names}"
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


def _of_changes(group: Group, isa: ISA, pattern: str) -> list[str]:
    """Those that tell a change, as far as the revision has them: some are of earlier ones alone."""
    wanted = pattern.partition("/")[2] or "*"
    own = {it.id for it in isa.changes if fnmatchcase(it.id, wanted)}
    chosen = {it.label for id_ in own for it in deltas().get(id_, ()) if it.group == group.name}
    return [probe.label for probe in group.probes if probe.label in chosen]
