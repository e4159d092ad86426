"""The impact as data. specs/schema/impact.schema.json describes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drafthart.generator.diff.report.words import origin
from drafthart.generator.impact.api import Impact
from drafthart.generator.impact.place import Certainty, Place

FORMAT = "drafthart-impact/1"


def impact_data(impact: Impact, stability: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The impact as plain lists and dicts."""
    comparison = impact.report.comparison
    touched = list({id(it.finding): it.finding for it in impact.places}.values())
    number = {id(it): index for index, it in enumerate(touched)}
    return {
        "format": FORMAT,
        "before": {"revision": comparison.a.id, "status": str(comparison.a.status)},
        "after": {"revision": comparison.b.id, "status": str(comparison.b.status)},
        "for": [str(it) for it in impact.report.choice.audiences],
        "image": {"name": impact.name, "kind": impact.kind, "bytes": impact.size},
        "remarks": list(impact.remarks),
        "summary": {str(it): len(impact.of(it)) for it in Certainty},
        "differences": [
            {
                "rule": it.rule,
                "item": it.item,
                "old_item": it.old_item or None,
                "before": it.before,
                "after": it.after,
                "severity": {str(who): str(how) for who, how in it.severity.items()},
                "changes": [{"id": change.id, "origin": origin(change)} for change in it.changes],
                "advice": it.advice,
            }
            for it in touched
        ],
        "places": [_place(it, number[id(it.finding)]) for it in impact.places],
        "without_place": len(impact.nowhere),
    }


def _place(it: Place, difference: int) -> dict[str, Any]:
    return {
        "difference": difference,
        "certainty": str(it.mark.certainty),
        "form": str(it.mark.form),
        "section": it.section or None,
        "address": it.address,
        "symbol": it.symbol or None,
        "line": it.line or None,
        "text": it.text,
        "why": it.mark.why or None,
    }
