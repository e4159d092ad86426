"""The report as Markdown, for a mailing list or a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from drafthart.generator.diff.choice import Report
from drafthart.generator.diff.findings import Finding
from drafthart.generator.diff.report.words import (
    for_whom,
    grouped,
    headline,
    origin,
    taken_back,
    touched_by,
    what_changed,
)
from drafthart.generator.diff.rule_table import Audience, Severity, rule_table


def markdown(report: Report) -> str:
    """The whole report."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    a, b = report.comparison.a, report.comparison.b
    yield f"# {a.id} → {b.id}"
    yield ""
    yield f"{headline(report)}. Status: {a.status} → {b.status}."
    if not report.findings and not report.ignored:
        return
    yield ""
    yield from _summary(report)
    for heading, rules in grouped(report.findings):
        yield ""
        yield f"## {heading}"
        for id_, findings in rules.items():
            yield ""
            yield f"### {id_}"
            yield ""
            yield rule_table().rules[id_].what
            yield ""
            for it in findings:
                yield from _finding(report, it)
            yield ""
            yield from (f"> {advice}" for advice in dict.fromkeys(it.advice for it in findings))
    yield from _changes(report)
    yield from _ignored(report)


def _summary(report: Report) -> Iterator[str]:
    yield f"| for | {' | '.join(Severity)} |"
    yield "|---|" + "---:|" * len(Severity)
    for audience in Audience:
        counts = " | ".join(str(report.count(it, audience)) for it in Severity)
        yield f"| {rule_table().audiences[audience].title} | {counts} |"


def _finding(report: Report, it: Finding) -> Iterator[str]:
    made = ", ".join(f"`{change.id}`" for change in it.changes)
    what = f": {_plain(what_changed(it))}" if what_changed(it) else ""
    by = f" ({made})" if made else ""
    yield f"- `{it.item}`{what}{by}; {for_whom(it, report.choice.audiences)}"
    if it.difference.is_text:
        yield ""
        yield "  ```diff"
        yield from (f"  {line}".rstrip() for line in it.difference.unified().splitlines()[2:])
        yield "  ```"
        yield ""


def _changes(report: Report) -> Iterator[str]:
    changes, back = touched_by(report), taken_back(report)
    if not changes:
        return
    yield ""
    yield "## The changes"
    yield ""
    for change in changes:
        undone = " *(taken back)*" if change.id in back else ""
        yield f"- **{change.id}**, {origin(change)}{undone}: {_plain(change.summary)}"


def _ignored(report: Report) -> Iterator[str]:
    if report.ignored:
        yield ""
        yield "## Ignored"
        yield ""
    for it, entry in report.ignored:
        yield f"- `{it.item}` {it.rule}: {_plain(entry.reason)}"
    if report.unused:
        yield ""
        yield "## Entries of the ignore file that fit no difference"
        yield ""
    for entry in report.unused:
        yield f"- {entry.place}: {' '.join(filter(None, [entry.rule, entry.item]))}"


def _plain(text: str) -> str:
    """Without what Markdown takes as markup."""
    for mark in "\\`*_<>[]|":
        text = text.replace(mark, f"\\{mark}")
    return text
