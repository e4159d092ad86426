"""An implementation held to a revision: what differs, what it means, and where else it is so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drafthart.conformance.elsewhere import find_elsewhere
from drafthart.conformance.expected import expected, program_of
from drafthart.conformance.groups import groups
from drafthart.conformance.infer import choices_for, infer
from drafthart.conformance.known import Known
from drafthart.conformance.observe import Observed, Track, observe
from drafthart.conformance.probes.probe import Group
from drafthart.conformance.randomized.generate import random_groups
from drafthart.conformance.randomized.shrink import Bench, shrink
from drafthart.conformance.subjects import rules_of, section_of
from drafthart.conformance.target import Recorded, Target, silence
from drafthart.conformance.trace import idle, own_part
from drafthart.conformance.verdicts import Finding, Verdict, findings
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.runtime.engines import engine_named, quickest_engine
from drafthart.runtime.resolved import resolved

_MOST_RULES = 4
_UNEXPLAINED = (Verdict.DEVIATION, Verdict.CHOICE)
_EXPLAINED = (Verdict.DEVIATION, Verdict.NOT_IMPLEMENTED)
_MOST_TRACED = 60
"""Findings whose rules are looked for by running them; the others have those of their items."""


@dataclass(frozen=True, slots=True)
class Validation:
    """The outcome: `isa` has the parameters that were `told`, and those `inferred`.

    The programs were made for the former alone. `seen` are the results on both sides.
    """

    isa: ISA
    target: str
    groups: Mapping[str, Group]
    probes: int
    observations: int
    lost: int
    findings: Sequence[Finding]
    told: Mapping[str, int]
    inferred: Mapping[str, int]
    seen: Sequence[Observed] = ()

    def of(self, *verdicts: Verdict) -> list[Finding]:
        """The findings with one of these verdicts."""
        return [it for it in self.findings if it.verdict in verdicts]

    @property
    def conforms(self) -> bool:
        """Was everything looked at as the revision says, but for what is known?"""
        return not self.of(Verdict.DEVIATION, Verdict.NOT_IMPLEMENTED, Verdict.INCONCLUSIVE)


def admitted_parameters(expression: str, target: Target) -> dict[str, int]:
    """The target's choices that this revision leaves. Raises `DrafthartError` for unknown names."""
    known = {**resolved("h@1.0").parameters, **resolved(expression).parameters}
    for name in target.parameters:
        if name not in known:
            raise DrafthartError(
                f"{target.name}: no revision has the parameter {name}; "
                f"there are {', '.join(sorted(known))}"
            )
    return choices_for(expression, target.parameters)


def validate(
    target: Target,
    known: Known,
    expression: str,
    *,
    only: Sequence[str] = (),
    random: tuple[int, int] | None = None,
    engine: str | None = None,
    jobs: int = 1,
    track: Track = lambda steps, doing: steps,
) -> Validation:
    """Run the probes of a revision on a target, and judge what differs.

    With `random` these are so many random ones, by the seed behind the number. Raises
    `DrafthartError` if the target cannot run, or `only` names nothing.
    """
    told = admitted_parameters(expression, target)
    isa = resolved(expression, parameters=told)
    if target.missing:
        raise DrafthartError(f"{target.name}: {target.missing}; install it, or correct its file")
    chosen = random_groups(isa, *random, track) if random else groups(isa, only)
    seen = observe(chosen, isa, target, engine=engine, jobs=jobs, track=track)
    shorten = random is not None and not isinstance(target, Recorded)
    return judge(seen, target, known, expression, told, shorten=shorten, engine=engine, track=track)


def judge(
    seen: Sequence[Observed],
    target: Target,
    known: Known,
    expression: str,
    told: Mapping[str, int],
    *,
    shorten: bool = False,
    engine: str | None = None,
    track: Track = lambda steps, doing: steps,
) -> Validation:
    """What results mean, from programs made with the target's choices as they were `told`.

    With `shorten` each deviation is shown by the shortest probe that does, found on the target;
    choices beside those told are not looked for then.
    """
    isa = made_for = resolved(expression, parameters=told)
    cases = known.beside(expression)
    found = findings(seen, isa, cases)
    explained = {f"{case.id}: {case.why}" for case in cases}
    unexplained = [it for it in found if it.verdict in _UNEXPLAINED and it.why not in explained]
    by_name = {one.group.name: one.group for one in seen}
    inferred: dict[str, int] = {}
    if shorten:
        factory = engine_named(engine, isa) if engine else quickest_engine(isa)
        found, shortest = shrink(found, seen, Bench(isa, target, factory), cases, track)
        by_name[shortest.name] = shortest
    elif unexplained:
        inferred = infer(seen, unexplained, isa, expression, target, track)
    if inferred:
        isa = resolved(expression, parameters={**told, **inferred})
        seen = [_again(one, isa, made_for, target, engine) for one in seen]
        found = findings(seen, isa, cases)
    for finding in found:
        if finding.verdict is Verdict.INCONCLUSIVE:
            finding.why = silence(target)
    grave = [it for it in found if it.verdict in _EXPLAINED]
    _explain(grave, by_name, isa, track)
    find_elsewhere(grave, by_name, isa, target.platform, {**told, **inferred}, track)
    return Validation(
        isa,
        target.name,
        by_name,
        sum(len(one.group.probes) for one in seen),
        sum(one.observations for one in seen),
        sum(len(one.lost) for one in seen),
        found,
        told,
        inferred,
        seen,
    )


def _again(one: Observed, isa: ISA, made_for: ISA, target: Target, engine: str | None) -> Observed:
    """The same results there, beside what another choice of parameters does here."""
    if one.here == one.there:
        return one
    factory = engine_named(engine, isa) if engine else quickest_engine(isa)
    program = program_of(one.group, made_for, target.platform)
    return Observed(one.group, tuple(expected(one.group, program, isa, factory)), one.there)


def _explain(
    found: Sequence[Finding], by_name: Mapping[str, Group], isa: ISA, track: Track
) -> None:
    """Fill in rules and section: of what takes part in the probe, first what it is of."""
    common: dict[str, set[str]] = {}
    for number, finding in enumerate(track(found, "looking for the rules")):
        group = by_name[finding.group]
        part: set[str] = set()
        if number < _MOST_TRACED:
            if group.name not in common:
                common[group.name] = idle(group, isa)
            probe = next(it for it in group.probes if it.label == finding.probe)
            part = own_part(group, probe, isa, common[group.name])
        near = rules_of(finding.items[:2], isa)
        far = [rule for rule in rules_of(part, isa) if rule not in near]
        # A rule that little else takes part in says most about just this.
        near.sort(key=lambda rule: -len(part.intersection(rule.by)))
        far.sort(key=lambda rule: len(rule.by))
        finding.rules = [rule.id for rule in (*near, *far)[:_MOST_RULES]]
        first = isa.rules[finding.rules[0]].section if finding.rules else ""
        finding.section = first or section_of(finding.items, isa)
