"""Differences sorted by what they mean: deviation, legal choice, not implemented, known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from drafthart.conformance.comparison import Difference
from drafthart.conformance.known import Case, explanation
from drafthart.conformance.observe import Observed
from drafthart.conformance.probes.probe import Probe
from drafthart.conformance.probes.program import end_of
from drafthart.conformance.subjects import exercised, observed
from drafthart.generator.spec.model import CSR, ISA, Field

_REFUSED = re.compile(r"\w+ 2")
"""The end of a probe whose first trap is an illegal instruction."""
_KEEPS = re.compile(r"csr:(\S+) keeps .*")


class Verdict(StrEnum):
    """What a difference is, the gravest first."""

    DEVIATION = "deviation"
    NOT_IMPLEMENTED = "not implemented"
    INCONCLUSIVE = "inconclusive"
    KNOWN = "known"
    CHOICE = "choice"


@dataclass(slots=True)
class Finding:
    """Differences of one kind: the one that needs least to show, and the labels of all probes.

    `items` begin with what is most likely at fault. `why` is a reason where the verdict has one.
    `as_in` are the revisions that do as the target does. `key` names the kind: it is the same
    however many probes show it, and whichever shows it first.
    """

    verdict: Verdict
    group: str
    first: Difference
    probes: list[str]
    items: list[str]
    why: str = ""
    section: str = ""
    rules: list[str] = field(default_factory=list)
    as_in: list[str] = field(default_factory=list)
    key: str = ""
    differences: list[Difference] = field(default_factory=list)

    @property
    def probe(self) -> str:
        """The label of the probe that needs least to show it."""
        return self.first.probe


def findings(
    observations: Sequence[Observed],
    isa: ISA,
    cases: Sequence[Case] = (),
    among: Sequence[Observed] | None = None,
) -> list[Finding]:
    """All differences of some observations as findings, the gravest first.

    What is not implemented is told from all `among` which they are, if they are not all.
    """
    absent = set(not_implemented(among or observations, isa))
    named = {case.id: case for case in cases}
    kinds: dict[tuple[str, ...], Finding] = {}
    weights: dict[tuple[str, ...], int] = {}
    for one in observations:
        probes = {probe.label: probe for probe in one.group.probes}
        for difference in one.differences(isa):
            probe = probes[difference.probe]
            verdict, why = _verdict(difference, probe, isa, absent, named)
            items = _items(difference, probe, isa)
            kind = _kind(one.group.name, difference, items, why)
            key = (verdict, *kind)
            finding = kinds.get(key)
            if finding is None:
                finding = kinds[key] = Finding(verdict, one.group.name, difference, [], [], why)
                finding.key = _key(verdict, kind, why)
                weights[key] = _weight(probe)
            finding.differences.append(difference)
            if finding.probes[-1:] != [probe.label]:
                finding.probes.append(probe.label)
            if _weight(probe) < weights[key]:
                finding.group, finding.first = one.group.name, difference
                finding.items = [*items, *(it for it in finding.items if it not in items)]
                weights[key] = _weight(probe)
            finding.items += [it for it in items if it not in finding.items]
        if one.lost:
            lost = Difference(one.lost[0], "end", "an end", "lost")
            key = (Verdict.INCONCLUSIVE, one.group.name)
            why = "the target died or took too long"
            items = list(exercised(probes[one.lost[0]], isa))
            finding = Finding(Verdict.INCONCLUSIVE, one.group.name, lost, one.lost, items, why)
            finding.key = _key(Verdict.INCONCLUSIVE, key[1:], "")
            kinds[key] = finding
    order = list(Verdict)
    return sorted(kinds.values(), key=lambda it: (order.index(it.verdict), -len(it.probes)))


def not_implemented(observations: Iterable[Observed], isa: ISA) -> Iterator[str]:
    """Ids of the instructions and CSRs that the target refuses wherever the revision has them."""
    chances: dict[str, list[bool]] = {}
    for one in observations:
        size = len(one.group.probes)
        for number in range(size):
            here, there = one.here[number], one.there[number]
            if here is None or there is None:
                continue
            items = exercised(one.group.probes[number], isa)
            if len(items) == 1 and end_of(one.group, here) == "complete":
                refused = _REFUSED.fullmatch(end_of(one.group, there))
                chances.setdefault(items[0], []).append(refused is not None)
    return (item for item, refused in chances.items() if all(refused))


def _verdict(
    difference: Difference,
    probe: Probe,
    isa: ISA,
    absent: set[str],
    cases: Mapping[str, Case],
) -> tuple[Verdict, str]:
    case = cases.get(explanation(difference, list(cases.values())))
    if case is not None:
        verdict = Verdict.CHOICE if case.verdict == "choice" else Verdict.KNOWN
        return verdict, f"{case.id}: {case.why}"
    if missing := [it for it in exercised(probe, isa) if it in absent]:
        return Verdict.NOT_IMPLEMENTED, f"{missing[0]} is refused wherever it is legal"
    if why := _legal(difference, probe, isa):
        return Verdict.CHOICE, why
    return Verdict.DEVIATION, ""


def _legal(difference: Difference, probe: Probe, isa: ISA) -> str:
    """Why a CSR may keep this of what was written to it; "" if it may not."""
    parsed = _KEEPS.fullmatch(difference.probe)
    csr = isa.csrs.get(parsed[1]) if parsed else None
    if csr is None or difference.what != "a0" or difference.there == "absent":
        return ""
    written = probe.registers[0]
    here, there = int(difference.here, 16), int(difference.there, 16)
    reasons = [
        _free(field_, written, there)
        for field_ in csr.fields.values()
        if (here ^ there) & field_.mask
    ]
    if not reasons or (here ^ there) & ~_covered(csr) or not all(reasons):
        return ""
    return reasons[0]


def _covered(csr: CSR) -> int:
    return sum(field_.mask for field_ in csr.fields.values())


def _free(field_: Field, written: int, seen: int) -> str:
    """Why a field may hold what it does after this write; "" if it may not."""
    if field_.legal is None:
        return ""
    value = (written & field_.mask) >> field_.low
    left = (seen & field_.mask) >> field_.low
    if value in field_.legal:
        return ""
    if field_.kind == "WLRL":
        return f"{field_.name} is WLRL: what it holds after an illegal value is left open"
    if field_.kind == "WARL" and left in field_.legal:
        return f"{field_.name} is WARL: any legal value may follow an illegal one"
    return ""


def _items(difference: Difference, probe: Probe, isa: ISA) -> list[str]:
    """What was observed, if that is an item, and what the probe tried."""
    seen = observed(difference.what, isa)
    return list(dict.fromkeys([*([seen] if seen else []), *exercised(probe, isa)]))


def _kind(group: str, difference: Difference, items: Sequence[str], why: str) -> tuple[str, ...]:
    """What two differences have in common that are one finding."""
    if why:
        return (why,)
    if difference.what in ("end", "setup traps") or "." in difference.what:
        return (group, difference.what, difference.here, difference.there)
    return (group, difference.what, *items[:1])


def _key(verdict: Verdict, kind: Sequence[str], why: str) -> str:
    """What names a finding in reports. Of a reason only the first part: the rest is prose."""
    if verdict is Verdict.DEVIATION:
        return " | ".join(kind)
    return " | ".join([verdict, *([why.partition(": ")[0]] if why else kind)])


def _weight(probe: Probe) -> int:
    """How much a probe needs to show something: what it sets up, its action, its gates."""
    return 100 * len(probe.setup) + len(probe.action) + 20 * probe.mstatus.bit_count()
