"""Probes of several groups as one group: one program, and all that any of them notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from drafthart.conformance.probes.probe import Group, Setup


def merged(name: str, groups: Sequence[Group]) -> Group:
    """The probes of these groups, in their order.

    Each starts from the baseline of its own group: what is not common to all becomes its setup.
    Raises `ValueError` if two have the same label.
    """
    shared = _common([group.baseline for group in groups])
    probes = [
        replace(probe, setup=(*group.baseline[len(shared) :], *probe.setup))
        for group in groups
        for probe in group.probes
    ]
    watch = dict.fromkeys(what for group in groups for what in group.watch)
    prologue = dict.fromkeys(write for group in groups for write in group.prologue)
    return Group(name, tuple(probes), shared, tuple(watch), tuple(prologue))


def _common(setups: Sequence[Setup]) -> Setup:
    """What all begin with."""
    common: Setup = setups[0] if setups else ()
    for setup in setups[1:]:
        same = 0
        for one, other in zip(common, setup, strict=False):
            if one != other:
                break
            same += 1
        common = common[:same]
    return common
