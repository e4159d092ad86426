"""The report as data. specs/schema/diff.schema.json describes it."""

from __future__ import annotations

from typing import Any

from drafthart.generator.diff.choice import Report
from drafthart.generator.diff.findings import Finding
from drafthart.generator.diff.report.words import taken_back
from drafthart.generator.diff.rule_table import Audience, Severity, rule_table
from drafthart.generator.spec.model import ISA, Change

FORMAT = "drafthart-diff/1"


def diff_data(report: Report) -> dict[str, Any]:
    """The report as plain lists and dicts."""
    comparison = report.comparison
    back = taken_back(report)
    return {
        "format": FORMAT,
        "before": _revision(comparison.a),
        "after": _revision(comparison.b),
        "for": [str(it) for it in report.choice.audiences],
        "summary": {
            str(audience): {str(it): report.count(it, audience) for it in Severity}
            for audience in Audience
        },
        "changes": [change.id for change in comparison.changes],
        "differences": [_finding(it) for it in report.findings],
        "ignored": [
            _finding(it) | {"reason": entry.reason, "ignored_by": str(entry.place)}
            for it, entry in report.ignored
        ],
        "unused_ignores": [
            {"place": str(it.place), "rule": it.rule, "item": it.item, "reason": it.reason}
            for it in report.unused
        ],
        "change_details": {it.id: _change(it, it.id in back) for it in comparison.changes},
        "rules": {
            id_: {"what": rule.what, "advice": rule.advice}
            for id_, rule in rule_table().rules.items()
            if any(it.rule == id_ for it in report.findings)
        },
    }


def _revision(isa: ISA) -> dict[str, str]:
    return {"revision": isa.id, "status": str(isa.status)}


def _finding(it: Finding) -> dict[str, Any]:
    return {
        "rule": it.rule,
        "item": it.item,
        "old_item": it.old_item or None,
        "kind": it.difference.kind,
        "before": it.before,
        "after": it.after,
        "severity": {str(audience): str(severity) for audience, severity in it.severity.items()},
        "changes": [change.id for change in it.changes],
        "advice": it.advice,
    }


def _change(it: Change, back: bool) -> dict[str, Any]:
    return {
        "revision": it.revision,
        "commits": list(it.commits),
        "date": it.date or None,
        "section": it.section or None,
        "breaks": list(it.breaks),
        "taken_back": back,
        "place": str(it.place),
        "summary": it.summary,
    }
