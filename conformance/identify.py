"""Which revision an implementation is of, told from what it does alone.

A fixed part of the probes of two revisions runs once on the target, and on Drafthart under each
label. Only what the labels do not agree on counts. Observations of the same thing whose values
part the labels in the same way are one question, so that a delta counts once, however many probes
happen to show it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from drafthart.conformance.bounded import run_bounded
from drafthart.conformance.elsewhere import labels
from drafthart.conformance.expected import Record, expected, program_of
from drafthart.conformance.groups import GROUPS
from drafthart.conformance.infer import choices_for
from drafthart.conformance.observe import Track
from drafthart.conformance.probes.probe import Group
from drafthart.conformance.probes.program import meaning
from drafthart.conformance.target import Target
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA, Change
from drafthart.runtime.resolved import resolved

_PER_GROUP = 80
_MOST_VARIANTS = 40


@dataclass(frozen=True, slots=True)
class Question:
    """Something that parts the labels: what was seen, by which probe, and each label's value.

    `share` tells for each label which part of the probes that ask it agreed with it.
    """

    what: str
    probe: str
    seen: str
    answers: Mapping[str, str]
    share: Mapping[str, float]

    @property
    def as_in(self) -> list[str]:
        """The labels that do as the target does."""
        return [label for label, value in self.answers.items() if value == self.seen]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A revision, or one with a single change more or less, and how much of it agrees (0 to 1)."""

    revision: str
    agreement: float
    against: Sequence[Question] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Identification:
    """All candidates, the best first; `probes` of which `lost` gave no result."""

    target: str
    candidates: Sequence[Candidate]
    variants: Sequence[Candidate]
    questions: Sequence[Question]
    probes: int
    lost: int

    @property
    def best(self) -> list[str]:
        """The labels that agree most; several if nothing here parts them."""
        most = self.candidates[0].agreement
        return [it.revision for it in self.candidates if it.agreement == most]

    @property
    def deviations(self) -> list[Question]:
        """Questions that the target answers as no label does."""
        return [it for it in self.questions if not it.as_in]


@dataclass(frozen=True, slots=True)
class _Program:
    """Probes of a group as a program, and what they left on the target."""

    group: Group
    isa: ISA
    content: bytes
    there: Sequence[Record]

    def under(self, expression: str, parameters: Mapping[str, int]) -> list[dict[str, str]]:
        """What each probe sees under a revision."""
        isa = resolved(expression, parameters=choices_for(expression, parameters))
        return self.seen(expected(self.group, self.content, isa))

    def seen(self, left: Sequence[Record]) -> list[dict[str, str]]:
        """What each probe saw, by name."""
        return [meaning(self.group, self.isa, record or ()) for record in left]


def probing(extension: str = "h") -> list[tuple[ISA, Group]]:
    """The probes that tell labels apart: a part of each group, of the newest label and another."""
    known = labels(extension)
    found = []
    for label in (known[len(known) // 2], known[-1]):
        isa = resolved(label)
        for generate in GROUPS:
            group = generate(isa)
            # In an order that has nothing to do with the probes' own, and is the same each time.
            some = sorted(group.probes, key=lambda probe: zlib.crc32(probe.label.encode()))
            found.append((isa, replace(group, probes=tuple(some[:_PER_GROUP]))))
    return found


def identify(
    target: Target,
    *,
    variants: bool = True,
    track: Track = lambda steps, doing: steps,
) -> Identification:
    """Rank the labels, and single changes around the best one, by how the target does.

    Raises `DrafthartError` if the target cannot run, or tells nothing.
    """
    if target.missing:
        raise DrafthartError(f"{target.name}: {target.missing}; install it, or correct its file")
    programs = [_on_target(group, isa, target) for isa, group in track(probing(), "probing")]
    probes = sum(len(it.there) for it in programs)
    lost = sum(record is None for it in programs for record in it.there)
    if lost == probes:
        raise DrafthartError(
            f"{target.name}: no probe came back; check its command, its platform and its timeout"
        )
    under = {
        label: [program.under(label, target.parameters) for program in programs]
        for label in track(labels(), "comparing with each revision")
    }
    questions = list(_questions(programs, under))
    candidates = sorted(
        (_candidate(label, questions) for label in under), key=lambda it: -it.agreement
    )
    near: list[Candidate] = []
    if variants and candidates[0].agreement < 1:
        near = _variants(programs, candidates[0].revision, under, target.parameters, track)
    return Identification(target.name, candidates, near, questions, probes, lost)


def _on_target(group: Group, isa: ISA, target: Target) -> _Program:
    content = program_of(group, isa, target.platform)
    return _Program(group, isa, content, run_bounded(group, isa, target))


def _candidate(label: str, questions: Sequence[Question]) -> Candidate:
    against = [it for it in questions if it.share[label] < 1]
    total = sum(it.share[label] for it in questions)
    return Candidate(label, total / len(questions) if questions else 1.0, against)


def _questions(
    programs: Sequence[_Program], under: Mapping[str, Sequence[Sequence[Mapping[str, str]]]]
) -> Iterator[Question]:
    asked: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for number, program in enumerate(programs):
        there = program.seen(program.there)
        for index, probe in enumerate(program.group.probes):
            if program.there[index] is None:
                continue
            told = [under[label][number][index] for label in under]
            for what in dict.fromkeys(name for one in told for name in one):
                values = tuple(one.get(what, "absent") for one in told)
                if len(set(values)) > 1:
                    seen = there[index].get(what, "absent")
                    asked.setdefault((what, *values), []).append((probe.label, seen))
    for (what, *rest), answers in asked.items():
        values = tuple(rest)
        share = {
            label: sum(seen == value for _, seen in answers) / len(answers)
            for label, value in zip(under, values, strict=True)
        }
        asks, seen = next((it for it in answers if it[1] not in values), answers[0])
        yield Question(what, asks, seen, dict(zip(under, values, strict=True)), share)


def _variants(
    programs: Sequence[_Program],
    best: str,
    under: Mapping[str, Sequence[Sequence[Mapping[str, str]]]],
    parameters: Mapping[str, int],
    track: Track,
) -> list[Candidate]:
    """The best label plus one change of the next, and without one of its own, if that is better."""
    known = labels()
    after = known[known.index(best) + 1 :][:1]
    names = [f"{best}^{it.id}" for it in _own(best) if it.items]
    names += [f"{best}+{it.id}" for label in after for it in _own(label) if it.items]
    plain = _agreement(programs, under[best])
    found = []
    for name in track(names[:_MOST_VARIANTS], "trying single changes"):
        try:
            left = [program.under(name, parameters) for program in programs]
        except DrafthartError:
            continue  # a change that others need, or that needs others
        agreement = _agreement(programs, left)
        if agreement > plain:
            found.append(Candidate(name, agreement))
    return sorted(found, key=lambda it: -it.agreement)


def _own(label: str) -> list[Change]:
    return [it for it in resolved(label).changes if it.revision == label]


def _agreement(programs: Sequence[_Program], left: Sequence[Sequence[Mapping[str, str]]]) -> float:
    """The part of all observations that agree."""
    same = every = 0
    for program, one in zip(programs, left, strict=True):
        for here, there, record in zip(
            one, program.seen(program.there), program.there, strict=True
        ):
            if record is not None:
                names = here.keys() | there.keys()
                every += len(names)
                same += sum(here.get(name) == there.get(name) for name in names)
    return same / every
