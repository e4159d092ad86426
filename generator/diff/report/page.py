"""The report as one HTML page that needs nothing else: bits drawn old above new, all folded."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from drafthart.generator.diff.choice import Report
from drafthart.generator.diff.drawing import Cell, csr_cells, encoding_cells
from drafthart.generator.diff.findings import Finding, kind_of
from drafthart.generator.diff.report.svg import bit_picture
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
from drafthart.generator.spec.model import CSR, ISA

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --free: #8881; --mark: #f5c24299; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; } h3 { font-size: 1rem; }
table { border-collapse: collapse; } td, th { padding: .15rem .8rem .15rem 0; text-align: right; }
td:first-child, th:first-child { text-align: left; }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
pre { overflow-x: auto; padding: .6rem; background: var(--free); }
pre .new { color: #1a7f37; } pre .old { color: #cf222e; } pre .at { opacity: .6; }
.finding { margin: .7rem 0; padding-left: .8rem; border-left: 3px solid var(--line); }
.breaking { border-color: #cf222e; } .dangerous { border-color: #d29922; }
.quiet { opacity: .75; } .picture { overflow-x: auto; margin: 1rem 0; }
rect { fill: none; stroke: var(--line); } rect.free { fill: var(--free); }
rect.changed { fill: var(--mark); }
text { fill: currentColor; font: 9px ui-monospace, monospace; }
text.caption { font: 12px system-ui, sans-serif; } text.number { font-size: 8px; opacity: .7; }
"""


def html_page(report: Report) -> str:
    """The whole page."""
    return "\n".join(_page(report)) + "\n"


def _page(report: Report) -> Iterator[str]:
    a, b = report.comparison.a, report.comparison.b
    title = escape(f"{a.id} → {b.id}")
    yield "<!doctype html>"
    yield f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>{_STYLE}</style></head><body>"
    yield f"<h1>{title}</h1>"
    yield f"<p>{escape(headline(report))}. Status: {a.status} → {b.status}.</p>"
    yield from _summary(report)
    for heading, rules in grouped(report.findings):
        yield f"<h2>{escape(heading)}</h2>"
        yield from _pictures(report, [it for found in rules.values() for it in found])
        for id_, findings in rules.items():
            yield f'<h3 id="{id_}">{id_}</h3><p>{escape(rule_table().rules[id_].what)}</p>'
            for it in findings:
                yield from _finding(report, it)
            for advice in dict.fromkeys(it.advice for it in findings):
                yield f'<p class="quiet">{escape(advice)}</p>'
    yield from _changes(report)
    yield from _ignored(report)
    yield "</body></html>"


def _summary(report: Report) -> Iterator[str]:
    yield f"<table><tr><th>for</th>{''.join(f'<th>{it}</th>' for it in Severity)}</tr>"
    for audience in Audience:
        counts = "".join(f"<td>{report.count(it, audience)}</td>" for it in Severity)
        yield f"<tr><td>{escape(rule_table().audiences[audience].title)}</td>{counts}</tr>"
    yield "</table>"


def _finding(report: Report, it: Finding) -> Iterator[str]:
    severity = report.choice.severity(it)
    yield f'<div class="finding {severity}"><code>{escape(it.item)}</code>'
    if text := what_changed(it):
        yield f" {escape(text)}"
    yield f'<div class="quiet">{escape(for_whom(it, report.choice.audiences))}'
    links = ", ".join(f'<a href="#change-{it.id}">{it.id}</a>' for it in it.changes)
    yield f"{'; by ' + links if links else ''}</div>"
    if it.difference.is_text:
        yield "<details><summary>difference of the operation</summary>"
        yield f"<pre>{_coloured(it)}</pre></details>"
    yield "</div>"


def _coloured(it: Finding) -> str:
    kinds = {"+": "new", "-": "old", "@": "at"}
    return "\n".join(
        f'<span class="{kinds[line[0]]}">{escape(line)}</span>'
        if line[:1] in kinds
        else escape(line)
        for line in it.difference.unified().splitlines()[2:]
    )


def _pictures(report: Report, findings: list[Finding]) -> Iterator[str]:
    """A picture for each CSR and instruction of which something shows in its bits."""
    a, b = report.comparison.a, report.comparison.b
    for new, old in _drawn(findings).items():
        changed = [it for it in findings if it.item.partition(".")[0] in (new, old)]
        rows = []
        for isa, id_, source in ((a, old, "old_item"), (b, new, "item")):
            cells = _cells(isa, id_)
            if cells is None:
                continue
            names = {str(getattr(it, source)).partition(".")[2] for it in changed} - {""}
            rows.append((f"{id_} in {isa.id}", cells, names))
        if rows:
            yield f'<div class="picture">{bit_picture(rows)}</div>'


def _drawn(findings: list[Finding]) -> dict[str, str]:
    """Ids of what to draw, new and old."""
    found: dict[str, str] = {}
    for it in findings:
        kind = kind_of(it.item)
        if kind == "field" and it.rule != "field-behaviour-changed":
            new = it.item.partition(".")[0]
            # Of a field that is new, the CSR's old name is not known from itself.
            found.setdefault(new, new)
            if it.old_item:
                found[new] = it.old_item.partition(".")[0]
        elif it.rule in ("csr-renamed", "encoding-changed", "instruction-renamed"):
            found[it.item] = it.old_item
        elif kind in ("csr", "insn") and it.difference.kind in ("added", "removed"):
            found.setdefault(it.item, it.item)
    return found


def _cells(isa: ISA, id_: str) -> tuple[Cell, ...] | None:
    prefix, _, name = id_.partition(":")
    if prefix == "csr":
        csr: CSR | None = isa.csrs.get(name)
        return csr_cells(csr) if csr else None
    instruction = isa.instructions.get(name)
    encoding = instruction.encoding if instruction else None
    return encoding_cells(encoding) if encoding else None


def _changes(report: Report) -> Iterator[str]:
    back = taken_back(report)
    if changes := touched_by(report):
        yield "<h2>The changes</h2>"
    for change in changes:
        undone = ", taken back" if change.id in back else ""
        yield (
            f'<div class="finding" id="change-{change.id}"><b>{change.id}</b> '
            f"{escape(origin(change))}{undone}<br>{escape(change.summary)}</div>"
        )


def _ignored(report: Report) -> Iterator[str]:
    if report.ignored:
        yield "<h2>Ignored</h2>"
    for it, entry in report.ignored:
        yield (
            f"<p><code>{escape(it.item)}</code> {it.rule}: "
            f'<span class="quiet">{escape(entry.reason)}</span></p>'
        )
    for unused in report.unused:
        yield f"<p>{escape(str(unused.place))}: no difference fits this entry; remove it.</p>"
