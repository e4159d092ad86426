"""Words and groups that all forms of a report share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from drafthart.generator.diff.choice import Report
from drafthart.generator.diff.findings import Finding, kind_of
from drafthart.generator.diff.rule_table import Audience, Severity, rule_table
from drafthart.generator.spec.model import Change

GROUPS = {
    "The revision": ("revision",),
    "CSRs and their fields": ("csr", "field"),
    "Instructions": ("insn", "pseudo", "operand"),
    "Exceptions and interrupts": ("cause", "interrupt"),
    "Choices of the implementation": ("param",),
    "Behaviour, as the text states it": ("rule",),
    "Behaviour, as the specs here do it": ("fn",),
    "The text beside the items": ("change",),
    "Inside the specs": ("state", "const"),
}
"""Headings, and the kinds of items below each."""


def grouped(findings: Iterable[Finding]) -> Iterator[tuple[str, Mapping[str, list[Finding]]]]:
    """Headings with their findings by rule, rules in the order of the table."""
    found = list(findings)
    for heading, kinds in GROUPS.items():
        own = [it for it in found if kind_of(it.item) in kinds]
        by_rule = {
            id_: [it for it in own if it.rule == id_]
            for id_ in rule_table().rules
            if any(it.rule == id_ for it in own)
        }
        if by_rule:
            yield heading, by_rule


def for_whom(finding: Finding, audiences: Iterable[Audience]) -> str:
    """`breaking for hardware, dangerous for hypervisor and firmware`, the gravest first."""
    chosen = list(audiences)
    parts = []
    for severity in (Severity.BREAKING, Severity.DANGEROUS, Severity.COMPATIBLE):
        whose = [str(it) for it in chosen if finding.severity[it] is severity]
        if len(whose) == len(Audience):
            whose = ["all"]
        if whose:
            parts.append(f"{severity} for {listed(whose)}")
    # What nobody notices says so; who notices least goes without saying.
    return ", ".join(parts[:2]) or str(Severity.EDITORIAL)


def listed(words: list[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def what_changed(finding: Finding) -> str:
    """Before and after on one line."""
    before, after = finding.before, finding.after
    text = finding.difference.is_text
    if text and finding.difference.kind != "operation" and _short(before) and _short(after):
        return f"{finding.difference.kind} {before or '(none)'} → {after or '(none)'}"
    if text:
        verb = "changed" if before and after else "new" if after else "gone"
        return f"{finding.difference.kind}: {verb}"
    if finding.difference.kind in ("added", "text", "clarified", "overtaken"):
        return after or ""
    if finding.difference.kind == "removed":
        return before or ""
    label = _LABELS.get(finding.difference.kind, "")
    return f"{label}{before or '(none)'} → {after or '(none)'}"


def _short(text: str | None) -> bool:
    """Is it an expression that can stand in a line?"""
    return "\n" not in (text or "") and len(text or "") <= 60


_LABELS = {
    "kind": "kind ",
    "reset": "reset ",
    "mode": "mode ",
    "width": "width ",
    "substitutes": "substitutes ",
    "view": "shows ",
    "constant": "",
    "default": "default ",
    "legal": "values ",
    "flush": "flushes ",
    "by": "by ",
}


def origin(change: Change) -> str:
    """When and where a change was made: `2020-05-14 6248b128`."""
    return " ".join([change.date, *change.commits]).strip()


def touched_by(report: Report) -> list[Change]:
    """The changes behind the findings of the report, oldest first."""
    ids = {change.id for it in report.findings for change in it.changes}
    return [change for change in report.comparison.changes if change.id in ids]


def taken_back(report: Report) -> set[str]:
    """Ids of changes that only the older revision has."""
    return {it.id for it in report.comparison.a.changes} - {
        it.id for it in report.comparison.b.changes
    }


def headline(report: Report) -> str:
    """How much there is, in a few words."""
    count, changes = len(report.findings), len(touched_by(report))
    if not count:
        return "no difference"
    made = f" by {changes} change{'s' * (changes != 1)}" if changes else ""
    return f"{count} difference{'s' * (count != 1)}{made}"


def gravest_first(report: Report) -> list[Finding]:
    """The findings, the gravest for the chosen audiences first, else as they were."""
    return sorted(report.findings, key=lambda it: report.choice.severity(it).rank)
