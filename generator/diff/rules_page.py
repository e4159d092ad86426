"""docs/diff-rules.md, made from the table of rules.

python -m drafthart.generator.diff.rules_page > docs/diff-rules.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

from drafthart.generator.diff.rule_table import (
    Audience,
    Condition,
    DiffRule,
    Refinement,
    Severity,
    rule_table,
)

_INTRODUCTION = """\
# The rules of `drafthart diff`

Every difference that [`drafthart diff`](diff.md) reports has one of the rules below. Their ids
are stable: ignore files, `--only`, CI configurations and reports name them. This page is made from
`generator/diff/rules.yaml`; a test checks that it is fresh.

| severity | for someone who was right under the older revision |
|---|---|
| breaking | what was right is wrong |
| dangerous | it may be wrong; that depends on what one relies on |
| compatible | it can be noticed, and what was right stays right |
| editorial | it cannot be noticed |

The audiences:"""

_SCOPES = """\
Differences of an item that an audience cannot meet are editorial for it: CSRs of M-mode concern
neither a hypervisor nor a guest, and those of HS-mode and the instructions of H no guest; VS CSRs
concern a guest by what is in them, as it meets them in place of supervisor CSRs. Where a
rule *heeds the changes*, a difference is compatible at most for an audience that none of its
changes breaks, by what their `breaks` in the specs say; taking a change back does not count."""


def rules_page() -> str:
    """The page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    table = rule_table()
    yield _INTRODUCTION
    yield ""
    yield "| audience | who |"
    yield "|---|---|"
    yield from (f"| {it} | {entry.what} |" for it, entry in table.audiences.items())
    yield ""
    yield _SCOPES
    yield ""
    yield f"| rule | {' | '.join(Audience)} |"
    yield "|---|" + "---|" * len(Audience)
    for rule in table.rules.values():
        yield f"| [{rule.id}](#{rule.id}) | {' | '.join(_columns(rule.severity))} |"
    for rule in table.rules.values():
        yield from _rule(rule)


def _columns(severity: Mapping[Audience, Severity]) -> list[str]:
    return [str(severity[it]) for it in Audience]


def _rule(rule: DiffRule) -> Iterator[str]:
    yield ""
    yield f"## {rule.id}"
    yield ""
    yield rule.what
    yield ""
    yield f"- {_spoken(rule.severity)}{'; heeds the changes' if rule.heeds_breaks else ''}"
    yield f"- what to do: {rule.advice}"
    for it in rule.refinements:
        yield f"- {_refinement(it)}"


def _refinement(it: Refinement) -> str:
    parts = [_condition(it.condition) + ":"]
    if it.severity:
        parts.append(_spoken(it.severity) + (";" if it.advice else ""))
    return " ".join([*parts, it.advice]).strip()


def _condition(it: Condition) -> str:
    if it.values:
        return {
            "grew": "if what is allowed grew",
            "shrank": "if some of what was allowed no longer is",
        }[it.values]
    before = f"was {' or '.join(it.before)}" if it.before is not None else ""
    after = f"is {' or '.join(it.after)}" if it.after is not None else ""
    return "if it " + " and ".join(filter(None, [before, after]))


def _spoken(severity: Mapping[Audience, Severity]) -> str:
    """`breaking: hypervisor, guest; compatible: hardware`, the gravest first."""
    parts = []
    for level in Severity:
        whose = [str(it) for it in Audience if severity.get(it) is level]
        if whose:
            parts.append(f"{level}: {'all' if len(whose) == len(Audience) else ', '.join(whose)}")
    return "; ".join(parts)


if __name__ == "__main__":
    sys.stdout.write(rules_page())
