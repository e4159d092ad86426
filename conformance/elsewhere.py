"""The labels of the series, and which of them do as a target does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from drafthart.conformance.expected import expected, program_of
from drafthart.conformance.groups import part
from drafthart.conformance.infer import choices_for
from drafthart.conformance.observe import Track
from drafthart.conformance.probes.probe import Group
from drafthart.conformance.probes.program import Platform, meaning
from drafthart.conformance.verdicts import Finding
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.resolve import revisions
from drafthart.runtime.resolved import resolved


@cache
def labels(extension: str = "h") -> tuple[str, ...]:
    """The named revisions of an extension, oldest first."""
    return tuple(it.id for it in revisions() if it.id.partition("@")[0] == extension)


def find_elsewhere(
    findings: Sequence[Finding],
    groups: Mapping[str, Group],
    isa: ISA,
    platform: Platform,
    parameters: Mapping[str, int],
    track: Track,
) -> None:
    """Fill in `as_in` of these findings: the same program under each label, other than `isa`'s."""
    wanted: dict[str, list[Finding]] = {}
    for finding in findings:
        wanted.setdefault(finding.group, []).append(finding)
    if not wanted:
        return
    programs = {}
    for name, some in wanted.items():
        group = part(groups[name], [it.probe for it in some])
        programs[name] = group, program_of(group, isa, platform)
    extension = isa.id.partition("@")[0]
    others = [label for label in labels(extension) if label != isa.id]
    for label in track(others, "looking for it in other revisions"):
        under = resolved(label, parameters=choices_for(label, parameters))
        for name, (group, program) in programs.items():
            left = expected(group, program, under)
            told = {
                probe.label: meaning(group, isa, record or [])
                for probe, record in zip(group.probes, left, strict=True)
            }
            for finding in wanted[name]:
                if told[finding.probe].get(finding.first.what) == finding.first.there:
                    finding.as_in.append(label)
