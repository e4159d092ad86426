"""The differences between two revisions for a terminal: a screen of summary, then all of them."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from textwrap import shorten, wrap

from rich.table import Table
from rich.text import Text

from drafthart.generator.diff.choice import Choice, Report
from drafthart.generator.diff.findings import Finding
from drafthart.generator.diff.report.words import (
    for_whom,
    gravest_first,
    grouped,
    headline,
    origin,
    taken_back,
    touched_by,
    what_changed,
)
from drafthart.generator.diff.rule_table import Audience, Severity, rule_table

_GRAVEST = 4
"""How many findings the summary lists."""
_STYLES = {Severity.BREAKING: "red", Severity.DANGEROUS: "yellow"}

Lines = Iterator[str | Text | Table]


def diff_text(report: Report, *, operations: bool, everything: bool) -> Lines:
    """The lines. Editorial differences are counted, and listed only with `everything`."""
    a, b = report.comparison.a, report.comparison.b
    yield Text.assemble((f"{a.id} → {b.id}", "bold"), f"  {headline(report)}")
    wanted = everything or _asked_for(report.choice)
    shown = [it for it in report.findings if wanted or _noticed(report, it)]
    hidden = len(report.findings) - len(shown)
    if report.findings:
        yield ""
        yield from _summary(report, shown)
    for heading, rules in grouped(shown):
        yield ""
        yield Text(heading, style="bold")
        for id_, findings in rules.items():
            yield ""
            yield from _rule(report, id_, findings, operations)
    yield from _changes(report, shown)
    yield from _ignored(report)
    if hidden:
        yield ""
        yield Text(f"{hidden} editorial differences are not listed; --all lists them", style="dim")


def _asked_for(choice: Choice) -> bool:
    """Does someone want the editorial ones by name, or a rule that may be editorial?"""
    return bool(choice.rules) or Severity.EDITORIAL in choice.severities


def _noticed(report: Report, it: Finding) -> bool:
    return report.choice.severity(it) is not Severity.EDITORIAL


def _summary(report: Report, shown: list[Finding]) -> Lines:
    heads = "".join(f"{it:>12}" for it in Severity)
    yield Text(f"{'for':<12}{heads}", style="dim")
    for audience in Audience:
        line = Text(f"{rule_table().audiences[audience].title:<12}")
        for severity in Severity:
            count = report.count(severity, audience)
            line.append(f"{count or '.':>12}", style=_STYLES.get(severity, "") if count else "dim")
        yield line
    yield ""
    for heading, rules in grouped(shown):
        counts = Counter({id_: len(found) for id_, found in rules.items()})
        text = ", ".join(f"{count} {id_}" for id_, count in counts.items())
        yield from _wrapped(f"{heading}: {text}", "", "    ")
    gravest = [
        it
        for it in gravest_first(report)
        if report.choice.severity(it) is Severity.BREAKING and _certain(it)
    ]
    if gravest:
        yield ""
        yield "the gravest:" if len(gravest) <= _GRAVEST else f"{len(gravest)} break, the first:"
    for it in gravest[:_GRAVEST]:
        yield "  " + shorten(
            f"{it.rule} {it.item}: {what_changed(it)}", _width() - 2, placeholder=" …"
        )


def _certain(it: Finding) -> bool:
    """Does it break software or tools? For hardware whatever is new is."""
    return it.worst([who for who in Audience if who is not Audience.HARDWARE]) is Severity.BREAKING


def _rule(report: Report, id_: str, findings: list[Finding], operations: bool) -> Lines:
    rule = rule_table().rules[id_]
    yield from _wrapped(f"{id_}: {rule.what}", "  ", "  ")
    for it in findings:
        yield Text(f"    {it.item}", style=_STYLES.get(report.choice.severity(it), ""))
        if it.difference.kind == "summary":
            yield from _wrapped(f"- {it.before}", "      ", "        ", "red")
            yield from _wrapped(f"+ {it.after}", "      ", "        ", "green")
        elif text := what_changed(it):
            yield from _wrapped(text, "      ", "      ")
        made = ", ".join(change.id for change in it.changes)
        whom = for_whom(it, report.choice.audiences)
        by = f"; by {made}" if made else ""
        yield from _wrapped(f"{whom}{by}", "      ", "      ", "dim")
        if operations and it.difference.is_text:
            yield from _operation(it)
    for advice in dict.fromkeys(it.advice for it in findings):
        yield from _wrapped(f"→ {advice}", "    ", "      ")


def _operation(it: Finding) -> Iterator[Text]:
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in it.difference.unified().splitlines()[2:]:
        yield Text(f"      {line}", style=styles.get(line[:1], ""))


def _changes(report: Report, shown: list[Finding]) -> Lines:
    ids = {change.id for it in shown for change in it.changes}
    changes = [it for it in touched_by(report) if it.id in ids]
    back = taken_back(report)
    if changes:
        yield ""
        yield Text("The changes", style="bold")
    for change in changes:
        yield ""
        undone = "  taken back" if change.id in back else ""
        yield from _wrapped(f"{change.id}  {origin(change)}{undone}", "  ", "    ", "bold")
        yield from _wrapped(change.summary, "    ", "    ")


def _ignored(report: Report) -> Lines:
    if report.ignored:
        yield ""
        yield Text("Ignored", style="bold")
    for it, entry in report.ignored:
        yield from _wrapped(f"{it.item} {it.rule}: {entry.reason}", "  ", "    ", "dim")


def _width() -> int:
    return max(40, min(100, shutil.get_terminal_size().columns))


def _wrapped(text: str, first: str, then: str, style: str = "") -> Iterator[Text]:
    for line in wrap(
        text,
        _width(),
        initial_indent=first,
        subsequent_indent=then,
        break_on_hyphens=False,
    ):
        yield Text(line, style=style)
