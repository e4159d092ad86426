"""Which findings someone wants to see, and which they have reasons to ignore."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from drafthart.generator.diff.findings import Comparison, Finding, kind_of
from drafthart.generator.diff.items import PREFIXES
from drafthart.generator.diff.rule_table import Audience, Severity, rule_table
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.check_schema import check_schema
from drafthart.generator.spec.model import Place
from drafthart.generator.spec.nearest import did_you_mean
from drafthart.generator.spec.yaml_file import load_yaml

SCHEMA = "diff-ignore"
KINDS = (*PREFIXES, "field", "change")
"""Kinds of items that can be asked for."""


@dataclass(frozen=True, slots=True)
class IgnoreEntry:
    """One entry of an ignore file. `rule` and `item` are patterns with `*`; "" fits all."""

    rule: str
    item: str
    reason: str
    place: Place

    def fits(self, finding: Finding) -> bool:
        """Is the finding one of those to ignore?"""
        items = {finding.item, finding.old_item} - {""}
        return (not self.rule or fnmatchcase(finding.rule, self.rule)) and (
            not self.item or any(fnmatchcase(item, self.item) for item in items)
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """What is wanted: of each given group of words one must fit; an empty group fits all.

    Severities are the gravest for the chosen audiences, or for any where none is chosen.
    """

    audiences: tuple[Audience, ...] = tuple(Audience)
    severities: frozenset[Severity] = frozenset()
    kinds: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()

    def severity(self, finding: Finding) -> Severity:
        """How grave the finding is for those for whom the report is."""
        return finding.worst(self.audiences)

    def wants(self, finding: Finding) -> bool:
        """Is the finding of the wanted kind, rule and severity?"""
        return (
            (not self.severities or self.severity(finding) in self.severities)
            and (not self.kinds or not self.kinds.isdisjoint(_kinds(finding)))
            and (not self.rules or finding.rule in self.rules)
        )


@dataclass(frozen=True, slots=True)
class Report:
    """A comparison for a reader: what was asked for, without what they ignore.

    `unused` are entries of the ignore file that fit no difference.
    """

    comparison: Comparison
    choice: Choice
    findings: tuple[Finding, ...]
    ignored: tuple[tuple[Finding, IgnoreEntry], ...] = ()
    unused: tuple[IgnoreEntry, ...] = field(default=())

    def count(self, severity: Severity, audience: Audience) -> int:
        """How many findings are so grave for an audience."""
        return sum(it.severity[audience] is severity for it in self.findings)

    def gravest(self) -> Severity | None:
        """The gravest severity of all; None where nothing differs."""
        found = (self.choice.severity(it) for it in self.findings)
        return min(found, key=lambda it: it.rank, default=None)


def choose(only: Iterable[str], audiences: Iterable[str]) -> Choice:
    """A choice from words: severities, kinds of items, ids of rules; and audiences.

    Raises `DrafthartError` for a word that is none of them.
    """
    rules = rule_table().rules
    chosen = tuple(_audience(word) for word in audiences)
    words = list(only)
    for word in words:
        known = [*map(str, Severity), *KINDS, *rules]
        if word not in known:
            raise DrafthartError(
                f"--only {word}: no severity, kind of item or rule; {did_you_mean(word, known)}"
            )
    return Choice(
        audiences=tuple(it for it in Audience if it in chosen) or tuple(Audience),
        severities=frozenset(it for it in Severity if it in words),
        kinds=frozenset(it for it in KINDS if it in words),
        rules=frozenset(rules.keys() & set(words)),
    )


def report(comparison: Comparison, choice: Choice, ignored: Collection[IgnoreEntry] = ()) -> Report:
    """The report on a comparison; the first entry that fits a finding takes it out."""
    left: list[Finding] = []
    out: list[tuple[Finding, IgnoreEntry]] = []
    used: set[IgnoreEntry] = set()
    for finding in comparison.findings:
        fitting = [entry for entry in ignored if entry.fits(finding)]
        used.update(fitting)
        if not choice.wants(finding):
            continue
        if fitting:
            out.append((finding, fitting[0]))
        else:
            left.append(finding)
    unused = tuple(entry for entry in ignored if entry not in used)
    return Report(comparison, choice, tuple(left), tuple(out), unused)


def load_ignored(path: Path) -> tuple[IgnoreEntry, ...]:
    """The entries of an ignore file. Raises `DrafthartError` with the place of a mistake."""
    node = load_yaml(path, str(path))
    check_schema(node, SCHEMA)
    entries = node.entries["ignore"].sequence
    for entry in entries:
        rule = entry.text_of("rule")
        known = rule_table().rules
        if rule and not any(fnmatchcase(id_, rule) for id_ in known):
            place = entry.entries["rule"].place
            raise DrafthartError(f"{place}: no rule {rule!r}; {did_you_mean(rule, known)}")
    return tuple(
        IgnoreEntry(it.text_of("rule"), it.text_of("item"), it.text_of("reason"), it.place)
        for it in entries
    )


def _audience(word: str) -> Audience:
    if word not in tuple(Audience):
        raise DrafthartError(
            f"--for {word}: no such audience; choose of {', '.join(map(str, Audience))}"
        )
    return Audience(word)


def _kinds(finding: Finding) -> set[str]:
    """`csr` stands for CSRs and their fields, `field` for fields alone."""
    return {kind_of(finding.item), finding.item.partition(":")[0]}
