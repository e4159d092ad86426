"""The delta probes as few programs: one for each revision that they are made for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from drafthart.conformance.deltas import deltas
from drafthart.conformance.groups import GROUPS, part
from drafthart.conformance.merge import merged
from drafthart.conformance.probes.probe import Group
from drafthart.generator.spec.model import ISA
from drafthart.runtime.resolved import resolved


def group_of(isa: ISA, chosen: Mapping[str, set[str]]) -> Group:
    """These probes (group → labels) of a revision as one group, which notes all that any does."""
    every = (generate(isa) for generate in GROUPS)
    parts = [part(it, sorted(chosen.get(it.name, ()))) for it in every]
    group = merged("deltas", parts)
    # WFI may wait for good where its interrupt does not exist: nothing is to be lost with it.
    order = sorted(group.probes, key=lambda probe: probe.label.startswith("insn:wfi"))
    return replace(group, probes=tuple(order))


@cache
def delta_groups() -> Mapping[str, Group]:
    """All of them, as one group for each revision that they are made for."""
    chosen: dict[str, dict[str, set[str]]] = {}
    for found in deltas().values():
        for it in found:
            chosen.setdefault(it.made_for, {}).setdefault(it.group, set()).add(it.label)
    return {made_for: group_of(resolved(made_for), some) for made_for, some in chosen.items()}
