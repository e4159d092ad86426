"""Differences with their rule: what each is called, how grave it is for whom, who made it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from drafthart.generator.diff.aspects import aspects, outline
from drafthart.generator.diff.derived import derived, renumbered, texts
from drafthart.generator.diff.differences import Difference, between, differences, pairs, renamed
from drafthart.generator.diff.items import items
from drafthart.generator.diff.rule_table import Audience, DiffRule, Severity, rule_table
from drafthart.generator.diff.surface import Surface, surface
from drafthart.generator.spec.model import ISA, Change

_SCOPED = ("insn", "csr", "rule")
_BY_NUMBER = ("added", "removed", "renamed", "address", "reused", "mode", "access", "substitutes")
"""What of a CSR concerns those who name it."""
_IN_GUEST = re.compile(r"\bV[SU]-|\bV=1\b")
_WORD = re.compile(r"\w+")
_OF_REVISION = ("status", "xlen", "substitution")


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference, judged.

    `item` is its id in the newer revision, or the one that it had where it was removed;
    `old_item` is its id in the older one, "" where it is new. `severity` is for those who were
    right under the older revision and meet the newer. `changes` made it, oldest first; those of
    the older revision alone were taken back.
    """

    rule: str
    item: str
    old_item: str
    before: str | None
    after: str | None
    severity: Mapping[Audience, Severity]
    changes: tuple[Change, ...]
    advice: str
    difference: Difference

    @property
    def meaning(self) -> str:
        """What a difference of this rule means."""
        return rule_table().rules[self.rule].what

    def worst(self, audiences: Collection[Audience] = tuple(Audience)) -> Severity:
        """The gravest severity for any of the audiences."""
        return min((self.severity[it] for it in audiences), key=lambda severity: severity.rank)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two revisions and what differs; `changes` are those that only one of them has."""

    a: ISA
    b: ISA
    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]


def compare(a: ISA, b: ISA) -> Comparison:
    """What changes from `a` to `b`, judged, in the order of the items."""
    found = renumbered(a, b, [_outlined(it, a, b) for it in differences(a, b)])
    same = {new: old for old, new in pairs(a, b) if old and new}
    found = _in_order([*found, *derived(a, b, same, found)])
    steps = {change.id: change for change in between(a, b)}
    found += texts(steps.values(), found)
    forward = {change.id for change in b.changes}
    before, after = ({id_: aspects(item) for id_, item in items(isa).items()} for isa in (a, b))
    findings = []
    for it in found:
        there = after if it.item in after and it.kind != "removed" else before
        old = _old_item(it, same)
        changes = tuple(steps[id_] for id_ in it.changes) or _by_neighbours(it, found, steps)
        finding = judge(it, old, changes, _audiences(there, it.item, it.kind))
        findings.append(_heeding_breaks(finding, forward))
    return Comparison(a, b, tuple(findings), tuple(steps.values()))


def _old_item(it: Difference, same: Mapping[str, str]) -> str:
    if it.kind in ("removed", *_OF_REVISION):
        return it.item
    if it.kind == "renumbered":
        return f"{it.item.partition(':')[0]}:{it.before}"
    return same.get(it.item, "")


def _outlined(it: Difference, a: ISA, b: ISA) -> Difference:
    """With the fields of a CSR that came or went, which are not listed one by one."""
    if kind_of(it.item) != "csr" or it.kind not in ("added", "removed"):
        return it
    name = it.item.removeprefix("csr:")
    if it.kind == "added":
        return replace(it, after=outline(b.csrs[name]))
    return replace(it, before=outline(a.csrs[name]))


def compare_surface(locked: Surface, isa: ISA) -> list[Finding]:
    """What of a surface no longer holds in an ISA: items removed or renamed, aspects that differ.

    What the ISA has beyond the surface is no difference.
    """
    kinds = {id_.partition(":")[0] for id_ in locked}
    now = surface(isa, kinds)
    found: list[Finding] = []
    for id_, was in locked.items():
        new = current_id(isa, id_)
        there = new in now
        differences = list(_of_surface(id_, new, was, now.get(new)))
        shown = (now, new) if there else (locked, id_)
        touched = [change for change in isa.changes if new in change.items or id_ in change.items]
        found += [
            judge(it, id_, tuple(touched[-1:]), _audiences(*shown, it.kind)) for it in differences
        ]
    return found


def judge(
    difference: Difference,
    old_item: str,
    changes: tuple[Change, ...] = (),
    audiences: Collection[Audience] = tuple(Audience),
) -> Finding:
    """A difference by the table of rules, for those of the audiences who can meet the item."""
    rule = rule_table().rule_for(
        kind_of(difference.item), difference.kind, difference.before, difference.after
    )
    severity, advice = _refined(rule, difference)
    return Finding(
        rule=rule.id,
        item=difference.item,
        old_item=old_item,
        before=difference.before,
        after=difference.after,
        severity={it: severity[it] if it in audiences else Severity.EDITORIAL for it in Audience},
        changes=changes,
        advice=advice,
        difference=difference,
    )


def kind_of(id_: str) -> str:
    """What an id is of: its prefix, but `field` for a field of a CSR."""
    prefix, _, name = id_.partition(":")
    return "field" if prefix == "csr" and "." in name else prefix


def _refined(rule: DiffRule, it: Difference) -> tuple[Mapping[Audience, Severity], str]:
    for refinement in rule.refinements:
        if refinement.condition.fits(it.before, it.after):
            return {**rule.severity, **refinement.severity}, refinement.advice or rule.advice
    return rule.severity, rule.advice


def _heeding_breaks(finding: Finding, forward: Collection[str]) -> Finding:
    """Compatible at most for audiences that none of the changes breaks, by what the specs say.

    They say it of the change, and nothing of taking it back.
    """
    table = rule_table()
    made = finding.changes
    if not (table.rules[finding.rule].heeds_breaks and made):
        return finding
    if any(change.id not in forward for change in made):
        return finding
    groups = {group for change in made for group in change.breaks}
    severity = {
        audience: it
        if table.audiences[audience].group in groups or it.rank > Severity.COMPATIBLE.rank
        else Severity.COMPATIBLE
        for audience, it in finding.severity.items()
    }
    return replace(finding, severity=severity)


def _audiences(there: Surface, id_: str, kind: str) -> frozenset[Audience]:
    """Who can meet a difference of this kind of an item."""
    if kind_of(id_) == "rule":
        return _audiences_of_rule(there, id_)
    if kind_of(id_) == "field":
        id_ = id_.partition(".")[0]
        kind = ""
    known = there.get(id_, {})
    # A guest meets such a CSR as the one for which it stands, and never by its own number.
    if "substitutes" in known and kind not in _BY_NUMBER:
        return frozenset(Audience)
    for scope in rule_table().scopes:
        if known.get("mode") in scope.modes or known.get("extension") in scope.extensions:
            return scope.audiences
    return frozenset(Audience)


def _audiences_of_rule(there: Surface, id_: str) -> frozenset[Audience]:
    """By the items that implement it; where these are functions, by the CSRs that it speaks of."""
    known = there.get(id_, {})
    text = known.get("summary", "")
    about = [it for it in known.get("by", "").split(", ") if it]
    if any(it.partition(":")[0] not in _SCOPED for it in about):
        if _IN_GUEST.search(text):
            return frozenset(Audience)
        about = [f"csr:{name}" for name in _WORD.findall(text) if f"csr:{name}" in there]
    return frozenset().union(*(_audiences(there, it, "") for it in about)) or frozenset(Audience)


def _by_neighbours(
    it: Difference, found: Iterable[Difference], steps: Mapping[str, Change]
) -> tuple[Change, ...]:
    """The changes behind the other differences of the item, for one that is derived from them."""
    ids = {id_ for other in found if other.item == it.item for id_ in other.changes}
    return tuple(change for id_, change in steps.items() if id_ in ids)


def _in_order(found: list[Difference]) -> list[Difference]:
    """What is derived of an item stands behind its other differences, of the revision first."""
    place: dict[str, int] = {}
    for it in found:
        place.setdefault("" if it.item == "revision" else it.item, len(place) + 1)
    place[""] = 0
    return sorted(found, key=lambda it: place["" if it.item == "revision" else it.item])


def _of_surface(
    id_: str, new: str, was: Mapping[str, str], becomes: Mapping[str, str] | None
) -> Iterable[Difference]:
    if becomes is None:
        yield Difference(id_, "removed", next(iter(was.values()), ""), None)
        return
    if id_ != new:
        yield Difference(new, "renamed", id_, new)
    for name in was:
        if was[name] != becomes.get(name):
            kind = name
            if name == "bits":
                same = _width(was[name]) == _width(becomes.get(name, ""))
                kind = "moved" if same else "resized"
            yield Difference(new, kind, was[name], becomes.get(name))


def _width(text: str) -> int:
    high, _, low = text.partition(":")
    return int(high) - int(low or high) + 1 if text else 0


def current_id(isa: ISA, id_: str) -> str:
    """The id that the ISA has for an item of one of its ancestors."""
    if id_ in items(isa):
        return id_
    for change in isa.changes:
        for old, new in change.renames:
            id_ = renamed(id_, old, new)
    return id_
