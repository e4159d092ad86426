"""Which revision an implementation is of, told from what it does alone.

The delta probes, which tell each change of the series from its absence, run once on the target,
and on Drafthart under each label. Only what the labels do not agree on ranks them. Observations of
the same thing whose values part the labels in the same way are one question, so that a change
counts once, however many probes happen to show it. Around the best label those changes are tried
more or less whose own probes the target answers otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from drafthart.conformance.answers import Answers, Seen
from drafthart.conformance.choices import choices_of
from drafthart.conformance.delta_programs import delta_groups
from drafthart.conformance.deltas import deltas
from drafthart.conformance.elsewhere import labels
from drafthart.conformance.infer import choices_for
from drafthart.conformance.known import Known
from drafthart.conformance.near import Near
from drafthart.conformance.observe import Track
from drafthart.conformance.series import first_with
from drafthart.conformance.target import Target
from drafthart.conformance.verdicts import Finding, Verdict, findings
from drafthart.generator.errors import DrafthartError
from drafthart.runtime.resolved import resolved

_MOST_VARIANTS = 16
"""Single changes to try in a round; those that a neighbouring label speaks for come first."""
_MOST_ROUNDS = 4

Difference = tuple[int, int, str]
"""Numbers of a program and of a probe in it, and what was seen."""


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
    """A revision, how much of the questions it agrees with (0 to 1), and those it does not."""

    revision: str
    agreement: float
    against: Sequence[Question] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Variant:
    """A label with changes more or less, and the observations that it does not explain."""

    near: Near
    differing: int


@dataclass(frozen=True, slots=True)
class Identification:
    """All labels, the best first; `probes` of which `lost` gave no result.

    `variants` are what does better than the best label, or as well as the best of these; the first
    is the answer. `differing` counts the observations that the best label does not explain, and
    `findings` are what the answer does not. `inferred` are choices that the target was found to
    make.
    """

    target: str
    candidates: Sequence[Candidate]
    variants: Sequence[Variant]
    questions: Sequence[Question]
    differing: int
    findings: Sequence[Finding]
    told: Mapping[str, int]
    inferred: Mapping[str, int]
    probes: int
    lost: int

    @property
    def best(self) -> list[str]:
        """The labels that agree most; several if nothing here parts them."""
        most = self.candidates[0].agreement
        return [it.revision for it in self.candidates if it.agreement == most]

    @property
    def answer(self) -> Near:
        """The label, with the changes more or less, that explains most."""
        return self.variants[0].near if self.variants else Near(self.best[-1])

    @property
    def equivalent(self) -> list[str]:
        """Expressions that explain as much as the answer."""
        if not self.variants:
            return self.best
        least = self.variants[0].differing
        return [it.near.expression for it in self.variants if it.differing == least]

    @property
    def deviations(self) -> list[Finding]:
        """What the target does as no label does, nor the answer; its choices are none."""
        kinds = (Verdict.DEVIATION, Verdict.NOT_IMPLEMENTED, Verdict.KNOWN)
        return [it for it in self.findings if it.verdict in kinds and not it.as_in]


def identify(
    target: Target,
    known: Known | None = None,
    *,
    variants: bool = True,
    track: Track = lambda steps, doing: steps,
) -> Identification:
    """Rank the labels, and find changes more or less of the best one, by how the target does.

    `known` tells which differences are known. Raises `DrafthartError` if the target cannot run, or
    tells nothing.
    """
    if target.missing:
        raise DrafthartError(f"{target.name}: {target.missing}; install it, or correct its file")
    groups = [
        # With the target's choices, which say how its registers are divided into fields.
        (resolved(it, parameters=choices_for(it, target.parameters)), group)
        for it, group in delta_groups().items()
    ]
    with Answers(target, groups, track) as answers:
        probes = sum(len(it.there) for it in answers.programs)
        lost = sum(record is None for it in answers.programs for record in it.there)
        if lost == probes:
            raise DrafthartError(
                f"{target.name}: no probe came back; check its command, its platform and its "
                "timeout"
            )
        search = _Search(target, known or Known(), answers, track)
        search.rank()
        if search.infer():
            search.rank()
        found = search.around() if variants else []
        answer = found[0].near if found else Near(search.best)
        return Identification(
            target.name,
            search.candidates,
            found,
            search.questions,
            search.differing(search.best),
            search.findings(answer),
            dict(target.parameters),
            search.inferred,
            probes,
            lost,
        )


class _Search:
    """The labels beside a target, and what lies around the best of them."""

    def __init__(self, target: Target, known: Known, answers: Answers, track: Track) -> None:
        self._target = target
        self._known = known
        self._answers = answers
        self._track = track
        self._under: dict[str, list[list[Seen]]] = {}
        self.inferred: dict[str, int] = {}
        self.questions: list[Question] = []
        self.candidates: list[Candidate] = []

    @property
    def best(self) -> str:
        """The label that agrees most; of several the newest."""
        most = self.candidates[0].agreement
        return [it.revision for it in self.candidates if it.agreement == most][-1]

    def rank(self) -> None:
        """Compare the labels."""
        left = self._answers.under(labels(), "comparing with each revision")
        self._under = {label: self._answers.seen(it) for label, it in left.items()}
        self.questions = list(_questions(self._answers, self._under))
        self.candidates = sorted(
            (_candidate(label, self.questions) for label in left), key=lambda it: -it.agreement
        )

    def infer(self) -> bool:
        """Find out choices of the target that explain what no label does. Are there any?

        A target that tells its choices is believed.
        """
        own = [
            it
            for it in self.findings(Near(self.best))
            if it.verdict in (Verdict.DEVIATION, Verdict.CHOICE) and not it.as_in
        ]
        if own and not self._target.parameters:
            seen = [difference for it in own for difference in it.differences]
            self.inferred = choices_of(self._answers, self.best, seen)
            self._answers.choose(self.inferred)
        return bool(self.inferred)

    def findings(self, near: Near) -> list[Finding]:
        """What a revision does not explain, with the labels that do as the target does."""
        found: dict[str, Finding] = {}
        left = self._answers.under([near.expression], "comparing")[near.expression]
        cases = self._known.beside(near.label)
        for number, (program, part) in enumerate(zip(self._answers.programs, left, strict=True)):
            places = {probe.label: at for at, probe in enumerate(program.group.probes)}
            for it in findings([program.beside(part)], program.isa, cases):
                if it.verdict is not Verdict.INCONCLUSIVE:
                    what, at = it.first.what, places[it.probe]
                    for label, seen in self._under.items():
                        if seen[number][at].get(what, "absent") == it.first.there:
                            it.as_in.append(label)
                    found.setdefault(it.key, it)
        return list(found.values())

    def around(self) -> list[Variant]:
        """Changes more or less of the best label that do better than it does; the best first."""
        now = Variant(Near(self.best), self.differing(self.best))
        tried: list[Variant] = []
        for _ in range(_MOST_ROUNDS):
            if not now.differing:
                break
            near = self._near(now.near)
            self._answers.under([it.expression for it in near], "trying changes")
            single = sorted(self._measured(near), key=lambda it: it.differing)
            better = [it for it in single if it.differing < now.differing]
            if not better:
                break
            tried += better
            start = now
            now = better[0]
            for it in better[1:]:
                both = Near(
                    now.near.label,
                    now.near.more | it.near.more,
                    (now.near.less | it.near.less) - start.near.more,
                )
                for found in self._measured([both]):
                    if found.differing < now.differing:
                        now = found
                        tried.append(found)
        least = {it.near: it for it in tried if it.differing == now.differing}
        # What takes fewer changes says more; the rest only shows what else was better.
        first = sorted(least.values(), key=lambda it: len(it.near.more) + len(it.near.less))
        rest = sorted(
            {it.near: it for it in tried if it.differing > now.differing}.values(),
            key=lambda it: it.differing,
        )
        return [*first, *rest]

    def _measured(self, near: Sequence[Near]) -> list[Variant]:
        left = self._answers.under([it.expression for it in near], "trying changes")
        return [
            Variant(it, len(self._answers.against(left[it.expression])))
            for it in near
            if it.expression in left
        ]

    def differing(self, expression: str) -> int:
        """The number of observations that a revision does not explain."""
        return len(self._against(expression))

    def _against(self, expression: str) -> set[Difference]:
        left = self._answers.under([expression], "comparing")
        return self._answers.against(left[expression])

    def _near(self, start: Near) -> list[Near]:
        """The single changes more or less whose own probes the target answers otherwise.

        First those where it answers as the labels on the other side of the change do.
        """
        against = self._against(start.expression)
        of_probe: dict[tuple[str, str], list[Difference]] = {}
        for it in against:
            program = self._answers.programs[it[0]]
            place = program.isa.id, program.group.probes[it[1]].label
            of_probe.setdefault(place, []).append(it)
        found: list[tuple[int, Near]] = []
        for change, chosen in deltas().items():
            own = [one for it in chosen for one in of_probe.get((it.made_for, it.label), ())]
            if own:
                has = start.has(change)
                near = start.minus(change) if has else start.plus(change)
                spoken = sum(self._speaks(it, change, has) for it in own)
                found.append((spoken, near))
        found.sort(key=lambda it: -it[0])
        return list(dict.fromkeys(near for _, near in found))[:_MOST_VARIANTS]

    def _speaks(self, difference: Difference, change: str, has: bool) -> bool:
        """Does the target see what the label just before a change saw, or the first with it?"""
        number, index, what = difference
        first = first_with(change)
        at = labels().index(first) if first else 0
        if not at:
            return True  # no labels to ask: as likely as not
        before, after = (
            self._under[labels()[it]][number][index].get(what, "absent") for it in (at - 1, at)
        )
        seen = self._answers.there[number][index].get(what, "absent")
        return before != after and seen == (before if has else after)


def _candidate(label: str, questions: Sequence[Question]) -> Candidate:
    against = [it for it in questions if it.share[label] < 1]
    total = sum(it.share[label] for it in questions)
    return Candidate(label, total / len(questions) if questions else 1.0, against)


def _questions(answers: Answers, under: Mapping[str, list[list[Seen]]]) -> Iterator[Question]:
    asked: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for number, program in enumerate(answers.programs):
        for index, probe in enumerate(program.group.probes):
            if program.there[index] is None:
                continue
            told = [seen[number][index] for seen in under.values()]
            for what in dict.fromkeys(name for one in told for name in one):
                values = tuple(one.get(what, "absent") for one in told)
                if len(set(values)) > 1:
                    seen = answers.there[number][index].get(what, "absent")
                    asked.setdefault((what, *values), []).append((probe.label, seen))
    for (what, *rest), given in asked.items():
        values = tuple(rest)
        share = {
            label: sum(seen == value for _, seen in given) / len(given)
            for label, value in zip(under, values, strict=True)
        }
        asks, seen = next((it for it in given if it[1] not in values), given[0])
        yield Question(what, asks, seen, dict(zip(under, values, strict=True)), share)
