"""For each kind of deviation of random probes, the shortest probe found that still shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from drafthart.conformance.bounded import run_bounded
from drafthart.conformance.comparison import Difference
from drafthart.conformance.expected import expected, program_of
from drafthart.conformance.known import Case
from drafthart.conformance.observe import Observed, Track, differing
from drafthart.conformance.probes.probe import Group, Probe
from drafthart.conformance.randomized.generate import group_of
from drafthart.conformance.randomized.reduce import Cuts, cost, cut, cuts_of, named, told
from drafthart.conformance.subjects import exercised
from drafthart.conformance.target import Target
from drafthart.conformance.verdicts import Finding, Verdict, findings
from drafthart.generator.spec.model import ISA
from drafthart.runtime.engines import EngineFactory

NAME = "random-shrunk"
"""The group of the shortest probes."""
_ROUNDS = 8
_WAVES = 4
"""How often probes of a kind whose shortest one they do not contain are looked at by themselves."""
_MOST = 20
"""Kinds at a time."""


@dataclass(slots=True)
class _Kind:
    """Differences that look the same: all probes that show it, and the shortest so far."""

    what: tuple[str, ...]
    labels: list[str]
    probe: Probe
    done: bool = False
    failed: set[tuple[tuple[str, str, int], ...]] = field(default_factory=set)
    """What could not be left out: it is not tried again from a shorter probe."""


@dataclass(frozen=True, slots=True)
class Bench:
    """Both sides."""

    isa: ISA
    target: Target
    engine: EngineFactory

    def differences(self, probes: Sequence[Probe]) -> dict[str, list[Difference]]:
        """Label → what differs."""
        one = self.observed(probes)
        found: dict[str, list[Difference]] = {probe.label: [] for probe in probes}
        for it in differing(one.group, self.isa, one.here, one.there):
            found[it.probe].append(it)
        return found

    def observed(self, probes: Sequence[Probe]) -> Observed:
        """These probes on both sides."""
        group = group_of(NAME, probes, self.isa)
        program = program_of(group, self.isa, self.target.platform)
        here = expected(group, program, self.isa, self.engine)
        return Observed(group, tuple(here), tuple(run_bounded(group, self.isa, self.target)))


def shrink(
    found: Sequence[Finding],
    seen: Sequence[Observed],
    bench: Bench,
    cases: Sequence[Case],
    track: Track,
) -> tuple[list[Finding], Group]:
    """The findings with the deviations as their shortest probes show them, and these probes."""
    probes = {probe.label: probe for one in seen for probe in one.group.probes}
    deviations = [it for it in found if it.verdict is Verdict.DEVIATION]
    waiting = _kinds(deviations, probes)
    shortest: list[_Kind] = []
    for _ in range(_WAVES):
        kinds, waiting = waiting[:_MOST], waiting[_MOST:]
        for _ in track(range(_ROUNDS), "shrinking"):
            if not _round([kind for kind in kinds if not kind.done], bench):
                break
        shortest += kinds
        waiting += [rest for kind in kinds if (rest := _unexplained(kind, probes, bench.isa))]
        if not waiting:
            break
    shortest = _merged([*shortest, *waiting])
    others = [it for it in found if it.verdict is not Verdict.DEVIATION]
    if not shortest:
        return list(found), group_of(NAME, (), bench.isa)
    one = bench.observed(_labelled(shortest))
    mine = [
        finding
        for number, kind in enumerate(shortest)
        for finding in _judged(one, number, kind, bench.isa, cases, seen)
    ]
    order = list(Verdict)
    mine.sort(key=lambda it: -len(it.probes))
    return sorted([*mine, *others], key=lambda it: order.index(it.verdict)), one.group


def _what(difference: Difference) -> tuple[str, ...]:
    """What two differences have in common that are of one kind."""
    if difference.what in ("end", "setup traps") or "." in difference.what:
        return (difference.what, difference.here, difference.there)
    return (difference.what,)


def _kinds(found: Iterable[Finding], probes: Mapping[str, Probe]) -> list[_Kind]:
    labels: dict[tuple[str, ...], list[str]] = {}
    for finding in found:
        labels.setdefault(_what(finding.first), []).extend(finding.probes)
    return [_kind(what, some, probes) for what, some in labels.items()]


def _kind(what: tuple[str, ...], labels: list[str], probes: Mapping[str, Probe]) -> _Kind:
    labels = sorted(labels, key=lambda label: cost(probes[label]))
    return _Kind(what, labels, probes[labels[0]])


def _round(kinds: Sequence[_Kind], bench: Bench) -> bool:
    """Make each a step shorter, as far as it can be; is there anything left to do?"""
    wanted = [_fresh(kind, bench.isa) for kind in kinds]
    passed = _showing(kinds, wanted, bench)
    for kind, some, good in zip(kinds, wanted, passed, strict=True):
        kind.failed.update(named(kind.probe, cuts) for cuts in some if cuts not in good)
    both = _showing(kinds, [_unions(some) for some in passed], bench)
    for kind, one, several in zip(kinds, passed, both, strict=True):
        best = min((cut(kind.probe, cuts) for cuts in (*one, *several)), key=cost, default=None)
        if best is None or cost(best) >= cost(kind.probe):
            kind.done = True
        else:
            kind.probe = best
    return not all(kind.done for kind in kinds)


def _fresh(kind: _Kind, isa: ISA) -> list[Cuts]:
    return [
        it
        for it in cuts_of(kind.probe, isa)
        if named(kind.probe, it) not in kind.failed and cost(cut(kind.probe, it)) < cost(kind.probe)
    ]


def _unions(passed: Sequence[Cuts]) -> list[Cuts]:
    """Cuts that each went well, together: all, and all of the first so many."""
    if len(passed) < 2:
        return []
    counts = sorted({len(passed), len(passed) * 3 // 4, len(passed) // 2} - {0, 1})
    return [frozenset().union(*passed[:count]) for count in counts]


def _showing(
    kinds: Sequence[_Kind], wanted: Sequence[Sequence[Cuts]], bench: Bench
) -> list[list[Cuts]]:
    """Of the cuts wanted for each kind, those after which its probe still shows it."""
    tried = [
        (number, cuts, replace(cut(kinds[number].probe, cuts), label=f"{number}.{at}"))
        for number, some in enumerate(wanted)
        for at, cuts in enumerate(some)
    ]
    found: list[list[Cuts]] = [[] for _ in kinds]
    if tried:
        seen = bench.differences([probe for *_, probe in tried])
        for number, cuts, probe in tried:
            if any(_what(it) == kinds[number].what for it in seen[probe.label]):
                found[number].append(cuts)
    return found


def _unexplained(kind: _Kind, probes: Mapping[str, Probe], isa: ISA) -> _Kind | None:
    """The probes of a kind that do not even try what its shortest one does."""
    # What an instruction leaves in a register is its own matter; how it traps rather its form's.
    alone = kind.what[0].partition(".")[0] not in ("end", *isa.csrs)
    needed = _tried(kind.probe, isa, alone=alone)
    rest = [it for it in kind.labels if not needed <= _tried(probes[it], isa, alone=alone)]
    if not rest:
        return None
    kind.labels = [label for label in kind.labels if label not in rest]
    return _kind(kind.what, rest, probes)


def _tried(probe: Probe, isa: ISA, *, alone: bool) -> set[str]:
    """What a probe tries: its CSRs, and its instructions `alone` or as those of a form."""
    found = set()
    for id_ in exercised(probe, isa):
        instruction = isa.instructions.get(id_.removeprefix("insn:"))
        if instruction is None or alone:
            found.add(id_)
        else:
            found.add(f"{instruction.extension} {instruction.assembly}")
    return found


def _merged(kinds: Sequence[_Kind]) -> list[_Kind]:
    """One for those that came to the same probe."""
    by_text: dict[tuple[str, ...], _Kind] = {}
    for kind in kinds:
        text = (*kind.what, told(kind.probe))
        if text in by_text:
            by_text[text].labels += kind.labels
        else:
            by_text[text] = kind
    return list(by_text.values())


def _labelled(kinds: Sequence[_Kind]) -> list[Probe]:
    """The shortest probes: from which they came, and what they are now."""
    texts = [f"{kind.labels[0]} as {told(kind.probe)}" for kind in kinds]
    # One probe may show two things.
    times = [texts[:number].count(text) for number, text in enumerate(texts)]
    return [
        replace(kind.probe, label=f"{text} ({again + 1})" if again else text)
        for kind, text, again in zip(kinds, texts, times, strict=True)
    ]


def _judged(
    one: Observed,
    number: int,
    kind: _Kind,
    isa: ISA,
    cases: Sequence[Case],
    seen: Sequence[Observed],
) -> Iterator[Finding]:
    """The finding that is of this kind, of all that a probe alone leaves."""
    group = replace(one.group, probes=one.group.probes[number : number + 1])
    alone = Observed(group, one.here[number : number + 1], one.there[number : number + 1])
    for finding in findings([alone], isa, cases, seen):
        if _what(finding.first) == kind.what:
            finding.probes += kind.labels
            yield finding
