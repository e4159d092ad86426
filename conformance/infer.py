"""Which values of the spec's parameters a target chose: those under which differences vanish."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from drafthart.conformance.comparison import Difference
from drafthart.conformance.expected import Record, expected, program_of
from drafthart.conformance.groups import part
from drafthart.conformance.observe import Observed, Track, differing
from drafthart.conformance.probes.probe import Group
from drafthart.conformance.target import Target
from drafthart.conformance.trace import idle, traced
from drafthart.conformance.verdicts import Finding
from drafthart.generator.diff.items import items, operations_of
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA, Parameter
from drafthart.runtime.resolved import resolved

_OF_EACH = 3
"""Probes to look at of each finding."""
_MOST = 150
_AGREEING = 16
"""Probes of each group that agree, which a better choice must leave so."""
_WORD = re.compile(r"[A-Za-z_]\w*")
_PAGE_BITS = 12
"""A page number has so many bits less than the address."""


@dataclass(frozen=True, slots=True)
class _Sample:
    """A few probes of a group, their program, and what they left on the target."""

    group: Group
    program: bytes
    there: list[Record]


def infer(
    observations: Sequence[Observed],
    unexplained: Sequence[Finding],
    isa: ISA,
    expression: str,
    target: Target,
    track: Track,
) -> dict[str, int]:
    """Parameter → value, for those that explain some of these findings and were not told."""
    samples = list(_samples(observations, unexplained, isa, target))
    if not samples:
        return {}
    relevant = _relevant(samples, isa, target.parameters)
    seen = [it for sample in samples for it in differing(*_sides(sample, isa), sample.there)]
    trials = [(it.name, value) for it in relevant for value in values_to_try(it, seen, isa)]
    start = len(seen)
    gains = []
    for name, value in track(trials, "looking for its choices"):
        left = _left(samples, isa, expression, {**target.parameters, name: value})
        if left < start:
            gains.append((left, name, value))
    chosen: dict[str, int] = {}
    for _, name, value in sorted(gains):
        if name not in chosen:
            left = _left(samples, isa, expression, {**target.parameters, **chosen, name: value})
            if left < start:
                chosen[name] = value
                start = left
    return chosen


def choices_for(expression: str, wanted: Mapping[str, int]) -> dict[str, int]:
    """Those of the values that a revision has a parameter for, and allows."""
    known = resolved(expression).parameters
    return {
        name: value
        for name, value in wanted.items()
        if name in known and value in known[name].legal
    }


def _samples(
    observations: Sequence[Observed], unexplained: Sequence[Finding], isa: ISA, target: Target
) -> Iterator[_Sample]:
    wanted: dict[str, None] = {}
    for number in range(_OF_EACH):
        for finding in unexplained:
            labels = [finding.probe, finding.probes[0], finding.probes[-1]]
            if len(wanted) < _MOST:
                wanted[labels[number]] = None
    for one in observations:
        different = {probe.label for probe in one.group.probes if probe.label in wanted}
        if not different:
            continue
        labels = [probe.label for probe in one.group.probes]
        there = dict(zip(labels, one.there, strict=True))
        here = dict(zip(labels, one.here, strict=True))
        same = [label for label in labels if here[label] == there[label] is not None]
        agreeing = same[:: max(1, len(same) // _AGREEING)]
        group = part(one.group, [*different, *agreeing])
        left = [there[probe.label] for probe in group.probes]
        yield _Sample(group, program_of(group, isa, target.platform), left)


def _sides(sample: _Sample, under: ISA) -> tuple[Group, ISA, list[Record]]:
    return sample.group, under, expected(sample.group, sample.program, under)


def _left(
    samples: Sequence[_Sample], isa: ISA, expression: str, parameters: Mapping[str, int]
) -> int:
    """The observations that still differ under these parameters."""
    try:
        under = resolved(expression, parameters=parameters)
    except DrafthartError:
        return 1 << 30  # not together with the others
    return sum(
        1
        for it in samples
        for _ in differing(it.group, isa, expected(it.group, it.program, under), it.there)
    )


def _relevant(samples: Sequence[_Sample], isa: ISA, told: Mapping[str, int]) -> list[Parameter]:
    """The parameters of which something speaks that takes part in these probes."""
    every = items(isa)
    waiting = {id_ for sample in samples for id_ in _taking_part(sample, isa)}
    reached: set[str] = set()
    words: set[str] = set()
    while waiting:
        id_ = waiting.pop()
        reached.add(id_)
        said = {word for text in operations_of(every.get(id_)) for word in _WORD.findall(text)}
        words |= said
        # A function that depends on parameters alone is no function of the engine any more.
        waiting |= {f"fn:{word}" for word in said if word in isa.functions} - reached
    return [
        it
        for it in isa.parameters.values()
        if it.name not in told and len(it.legal) > 1 and it.name in words
    ]


def _taking_part(sample: _Sample, isa: ISA) -> set[str]:
    """What these probes need and an idle one does not; also where nothing is set up beforehand."""
    found = set()
    different = [
        probe.label
        for probe, one, other in zip(
            sample.group.probes,
            expected(sample.group, sample.program, isa),
            sample.there,
            strict=True,
        )
        if one != other
    ]
    for baseline in (sample.group.baseline, ()):
        group = replace(part(sample.group, different), baseline=baseline)
        found |= traced(group, isa) - idle(group, isa)
    return found


def values_to_try(parameter: Parameter, seen: Sequence[Difference], isa: ISA) -> list[int]:
    """Values to try: all if they are few, else the ends, and widths of what was seen."""
    if len(parameter.legal) <= 4:
        values = set(parameter.legal)
    else:
        values = {parameter.legal[0], parameter.legal[-1]}
        for difference in seen:
            values |= set(_widths(difference, isa))
    return sorted(values.intersection(parameter.legal) - {parameter.value})


def _widths(difference: Difference, isa: ISA) -> Iterator[int]:
    """How many bits the differing fields of a CSR kept."""
    if not difference.there.startswith("0x"):
        return
    there = int(difference.there, 16)
    csr = isa.csrs.get(difference.probe.split()[0].removeprefix("csr:"))
    masks = [field.mask for field in csr.fields.values()] if csr else [(1 << 64) - 1]
    for mask in (*masks, (1 << 64) - 1):
        count = (there & mask).bit_count()
        yield count
        yield count + _PAGE_BITS
