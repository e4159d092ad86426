"""What there is to say of an item, as plain data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from drafthart.generator.diff.aspects import aspects
from drafthart.generator.diff.items import Item
from drafthart.generator.emit.json_export import item_data
from drafthart.generator.history.drafts import History, Span
from drafthart.generator.history.normative import PREFIX, NormativeRule, NormativeRules
from drafthart.generator.history.uses import calls, legality_rules, rules_naming, users
from drafthart.generator.spec.model import CSR, ISA, Change, Instruction, Rule


def explained(
    isa: ISA, id_: str, item: Item, past: History, normative: Iterable[str] = ()
) -> dict[str, Any]:
    """The item in `isa`, who speaks of it, its forms in all drafts, and its changes.

    `normative` are the manual's names for it.
    """
    data = item_data(isa, id_, item) | {
        "rules": _rules(rules_naming(isa, id_)),
        "normative": list(normative),
        "calls": [f"fn:{name}" for name in calls(isa, item)],
        "users": users(isa, id_, item),
        "drafts": [_span(span) for span in past.spans],
        "changes": [_change(change) for change in past.changes],
    }
    if isinstance(item, Instruction):
        data["legality"] = _rules(legality_rules(isa, item))
    return data


def explained_name(
    found: NormativeRules, rule: NormativeRule, ours: Iterable[tuple[str, Item, ISA]]
) -> dict[str, Any]:
    """A name of the manual, and our items for it."""
    return {
        "id": f"{PREFIX}{rule.name}",
        "manual": {"commit": found.commit, "date": found.date, "file": found.file},
        "ours": [
            item_data(isa, id_, item) | {"revision": isa.id, "xlen": isa.xlen}
            for id_, item, isa in ours
        ],
        "why": rule.why,
    }


def _rules(rules: Iterable[Rule]) -> list[dict[str, str]]:
    return [
        {"id": f"rule:{rule.id}", "summary": rule.summary, "section": rule.section}
        for rule in rules
    ]


def _span(span: Span) -> dict[str, Any]:
    found: dict[str, Any] = {"first": span.first, "last": span.last, "id": span.id}
    found["aspects"] = None if span.item is None else aspects(span.item)
    if isinstance(span.item, CSR):
        found["fields"] = {name: aspects(field) for name, field in span.item.fields.items()}
    return found | {"differences": [asdict(difference) for difference in span.differences]}


def _change(change: Change) -> dict[str, Any]:
    return {
        "id": change.id,
        "revision": change.revision,
        "date": change.date,
        "commits": list(change.commits),
        "section": change.section,
        "breaks": list(change.breaks),
        "summary": change.summary,
    }
