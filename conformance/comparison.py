"""Where two runs of the same probes differ."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import cache

from drafthart.conformance.probes.probe import Group
from drafthart.conformance.probes.program import meaning, record_keys
from drafthart.generator.spec.model import ISA


@dataclass(frozen=True, slots=True)
class Difference:
    """One observation that differs: of which probe, what, and its value on either side."""

    probe: str
    what: str
    here: str
    there: str

    def __str__(self) -> str:
        return f"{self.probe} | {self.what} | {self.here} | {self.there}"

    def matches(self, pattern: str) -> bool:
        """Does `probe | what | here | there`, with wildcards, describe it?"""
        parts = _parts(pattern)
        own = (self.probe, self.what, self.here, self.there)
        return len(parts) == 4 and all(part(text) for part, text in zip(parts, own, strict=True))


@cache
def _parts(pattern: str) -> tuple[Callable[[str], object], ...]:
    return tuple(re.compile(translate(part)).match for part in pattern.split(" | "))


def compare(
    group: Group, isa: ISA, here: Sequence[int], there: Sequence[int]
) -> Iterator[Difference]:
    """The differences between two results of a group, in the order of its probes.

    Where the ends differ, so does what they leave: only the end counts. A probe without result on
    the other side ends `lost` there.
    """
    keys = record_keys(group)
    size = len(keys)
    for number, probe in enumerate(group.probes):
        one = here[number * size : (number + 1) * size]
        other = there[number * size : (number + 1) * size]
        if one != other:
            words = zip(keys, one, other, strict=False)  # the last record may be cut off
            differing = {key for key, *pair in words if pair[0] != pair[1]}
            yield from _differences(
                probe.label,
                meaning(group, isa, one, differing),
                meaning(group, isa, other, differing),
            )


def _differences(
    label: str, one: Mapping[str, str], other: Mapping[str, str]
) -> Iterator[Difference]:
    if one["end"] != other["end"]:
        yield Difference(label, "end", one["end"], other["end"])
        return
    for what, value in one.items():
        if value != other.get(what):
            yield Difference(label, what, value, other.get(what, "absent"))
