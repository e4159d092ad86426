"""What was probed of a revision, in which mode, and how much of it came out as expected."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from drafthart.conformance.comparison import Difference
from drafthart.conformance.observe import Observed
from drafthart.conformance.probes.probe import Group
from drafthart.conformance.probes.program import end_of
from drafthart.conformance.subjects import exercised, observed
from drafthart.conformance.validate import Validation
from drafthart.conformance.verdicts import Finding, Verdict
from drafthart.generator.diff.items import items
from drafthart.generator.spec.model import ISA

_END = re.compile(r"\w+(?: \w+)*? (interrupt )?(\d+)")
"""How a probe ended whose first trap is known: its handlers, and the cause."""


class Part(StrEnum):
    """The parts of the matrix: what an item is, and what the probes look at of it."""

    INSTRUCTIONS = "instructions"
    CSRS = "CSRs, accessed"
    LEFT = "CSRs, as instructions and traps leave them"
    CAUSES = "exceptions and interrupts"


_ITEMS_OF = {"insn": Part.INSTRUCTIONS, "csr": Part.CSRS}


@dataclass(slots=True)
class Cell:
    """The probes of an item in a mode: how many there are, and those that differ.

    `verdicts` counts a probe once, by the gravest verdict on it. `findings` are the places of the
    findings in the outcome, the gravest first.
    """

    probes: int = 0
    verdicts: dict[Verdict, int] = field(default_factory=dict)
    findings: list[int] = field(default_factory=list)

    @property
    def agreed(self) -> int:
        """The probes without any difference."""
        return self.probes - self.differing

    @property
    def differing(self) -> int:
        """The probes with a difference."""
        return sum(self.verdicts.values())

    @property
    def gravest(self) -> Verdict | None:
        """The gravest verdict; None if all agreed."""
        return next((it for it in Verdict if it in self.verdicts), None)


Row = dict[str, Cell]
"""Mode → what was probed there."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Part → item → its row, in the order of the revision's items, and the items without probe."""

    rows: Mapping[Part, Mapping[str, Row]]
    left: tuple[str, ...]


def matrix(outcome: Validation) -> Matrix:
    """All that the probes of an outcome are of."""
    isa = outcome.isa
    rows: dict[Part, dict[str, Row]] = {part: {} for part in Part}
    tried, left = _differing(outcome)
    ends = _ends(outcome.seen)
    parted = {it.probe for finding in outcome.findings for it in _ended(finding)}
    for group in outcome.groups.values():
        watched = _watched(group, isa)
        for probe in group.probes:
            of_probe = tried.get(probe.label, set())
            for item in exercised(probe, isa):
                _count(rows[_ITEMS_OF[item.partition(":")[0]]], item, probe.mode, of_probe, outcome)
            if cause := ends.get(probe.label):
                _count(rows[Part.CAUSES], cause, probe.mode, of_probe, outcome)
            for item in () if probe.label in parted else watched:
                found = left.get((probe.label, item), set())
                _count(rows[Part.LEFT], item, probe.mode, found, outcome)
    order = {item: number for number, item in enumerate(items(isa))}
    known = {
        part: dict(sorted(some.items(), key=lambda it: order[it[0]])) for part, some in rows.items()
    }
    probed = {item for some in known.values() for item in some}
    return Matrix(known, tuple(it for it in order if _has_row(it) and it not in probed))


def _ended(finding: Finding) -> Iterator[Difference]:
    """Where probes ended otherwise: what they left is then nothing to compare."""
    yield from (it for it in (finding.first, *finding.differences) if it.what == "end")


def _has_row(item: str) -> bool:
    """Has this item a row of its own? A field shares its CSR's."""
    kind, _, name = item.partition(":")
    return kind in ("insn", "cause", "interrupt") or (kind == "csr" and "." not in name)


def _count(
    rows: dict[str, Row], item: str, mode: str, found: Collection[int], outcome: Validation
) -> None:
    cell = rows.setdefault(item, {}).setdefault(mode, Cell())
    cell.probes += 1
    if found:
        verdict = outcome.findings[min(found)].verdict  # findings are sorted, the gravest first
        cell.verdicts[verdict] = cell.verdicts.get(verdict, 0) + 1
        cell.findings = sorted({*cell.findings, *found})


def _ends(seen: Iterable[Observed]) -> dict[str, str]:
    """Probe → the id of the exception or interrupt by which it has to end."""
    found = {}
    for one in seen:
        for probe, record in zip(one.group.probes, one.here, strict=True):
            if record and (parsed := _END.fullmatch(end_of(one.group, record))):
                found[probe.label] = f"{'interrupt' if parsed[1] else 'cause'}:{parsed[2]}"
    return found


def _watched(group: Group, isa: ISA) -> list[str]:
    names = [what for what in group.watch if isinstance(what, str)]
    return [f"csr:{name}" for name in names if name in isa.csrs]


def _differing(
    outcome: Validation,
) -> tuple[dict[str, set[int]], dict[tuple[str, str], set[int]]]:
    """The places of findings by probe; and by probe and CSR, where it is that which differs."""
    tried: dict[str, set[int]] = {}
    left: dict[tuple[str, str], set[int]] = {}
    for number, finding in enumerate(outcome.findings):
        for label in finding.probes:
            tried.setdefault(label, set()).add(number)
        for it in finding.differences:
            if seen := observed(it.what, outcome.isa):
                left.setdefault((it.probe, seen.partition(".")[0]), set()).add(number)
    return tried, left
