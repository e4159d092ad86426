"""The outcome of `validate` as one HTML page that needs nothing else.

It has a matrix of items and modes, the CSRs with fields that deviate, drawn, and each finding with
its program.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape

from drafthart.conformance.groups import part
from drafthart.conformance.matrix import Cell, Matrix, Part, Row, matrix
from drafthart.conformance.probes.probe import MODES
from drafthart.conformance.probes.program import Platform, driver, source
from drafthart.conformance.subjects import observed
from drafthart.conformance.validate import Validation
from drafthart.conformance.verdicts import Finding, Verdict
from drafthart.generator.diff.drawing import csr_cells
from drafthart.generator.diff.items import items
from drafthart.generator.diff.report.svg import bit_picture
from drafthart.generator.spec.model import CSR, ISA
from drafthart.runtime.gate import Stability, taint
from drafthart.runtime.resolved import resolved
from drafthart.validate_report import GRAVE, plural, summary, what

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --free: #8881; --mark: #f5c24299;
  --bad: #cf222e; --warn: #9a6700; --good: #1a7f37; }
@media (prefers-color-scheme: dark) {
  :root { --bad: #ff7b72; --warn: #e3b341; --good: #3fb950; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 66rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; } h3 { font-size: 1rem; }
a { color: inherit; } :focus-visible { outline: 2px solid #4493f8; outline-offset: 2px; }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
pre { overflow-x: auto; padding: .6rem; background: var(--free); max-height: 40rem; }
table { border-collapse: collapse; margin: .5rem 0; }
th, td { padding: .1rem .7rem .1rem 0; text-align: left; vertical-align: top; font-weight: normal; }
thead th { position: sticky; top: 0; background: Canvas; border-bottom: 1px solid var(--line); }
tbody tr:hover { background: var(--free); }
.matrix td { min-width: 6.5rem; white-space: nowrap; } .matrix td.none { opacity: .45; }
.deviation { color: var(--bad); } .not-implemented { color: var(--warn); }
.inconclusive { color: var(--warn); font-style: italic; } .agreed { color: var(--good); }
.known, .choice, .quiet, .finding th { opacity: .7; } tr.agreed th { color: CanvasText; }
#some:checked ~ .part tr.agreed { display: none; }
.finding { margin: 1rem 0; padding-left: .8rem; border-left: 3px solid var(--line); }
.finding h3 { margin: 0; } .finding.deviation, .finding.not-implemented, .finding.inconclusive
  { color: inherit; font-style: normal; } .finding.deviation { border-color: var(--bad); }
.finding.not-implemented, .finding.inconclusive { border-color: var(--warn); }
.finding.known, .finding.choice { opacity: 1; } .picture { overflow-x: auto; margin: 1rem 0; }
rect { fill: none; stroke: var(--line); } rect.free { fill: var(--free); }
rect.changed { fill: var(--mark); }
text { fill: currentColor; font: 9px ui-monospace, monospace; }
text.caption { font: 12px system-ui, sans-serif; } text.number { font-size: 8px; opacity: .7; }
"""
_SIGNS = {
    Verdict.DEVIATION: "✗",
    Verdict.NOT_IMPLEMENTED: "∅",
    Verdict.INCONCLUSIVE: "?",
    Verdict.KNOWN: "≈",
    Verdict.CHOICE: "○",
}
"""What cells show beside their colour. ✓ is agreed."""
_MOST_NAMES = 40
_MOST_LINKS = 6
_KEPT = re.compile(r"csr:(\S+) keeps ")


def as_html(outcome: Validation, stability: Stability, platform: Platform) -> str:
    """The whole page; `platform` is the target's, for the programs."""
    return "\n".join(_page(outcome, stability, platform)) + "\n"


def _page(outcome: Validation, stability: Stability, platform: Platform) -> Iterator[str]:
    title = escape(f"{outcome.target} as {outcome.isa.id}")
    found = matrix(outcome)
    yield "<!doctype html>"
    yield f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>{_STYLE}</style></head><body>"
    yield f"<h1>{title}</h1>"
    yield f"<p>{escape(summary(outcome))}.</p>"
    yield f"<p>{escape(_revision(outcome, stability))}</p>"
    if mark := taint(stability):
        yield f"<pre>{escape(mark, quote=False)}</pre>"
    yield from _contents(outcome)
    yield from _matrix(found, outcome)
    yield from _coverage(found, outcome.isa)
    yield from _registers(outcome)
    yield from _findings(outcome, platform)
    yield "</body></html>"


def _revision(outcome: Validation, stability: Stability) -> str:
    opt_in = f", run by {stability['opt_in']}" if stability["opt_in"] else ""
    told = [f"{outcome.isa.id} is {stability['status']}{opt_in}."]
    for what_, values in (("Told", outcome.told), ("Found out", outcome.inferred)):
        if values:
            listed = ", ".join(f"{name}={value}" for name, value in values.items())
            told.append(f"{what_} of its choices: {listed}.")
    return " ".join(told)


def _contents(outcome: Validation) -> Iterator[str]:
    counts = [(it, len(outcome.of(it))) for it in Verdict if outcome.of(it)]
    if counts:
        links = ", ".join(
            f'<a class="{_slug(it)}" href="#{_slug(it)}">{count} {plural(it, count)}</a>'
            for it, count in counts
        )
        yield f"<p>Findings: {links}.</p>"


def _slug(verdict: Verdict) -> str:
    return str(verdict).replace(" ", "-")


def _matrix(found: Matrix, outcome: Validation) -> Iterator[str]:
    yield "<section><h2>Items and modes</h2>"
    signs = ", ".join(
        f'<span class="{_slug(it)}">{sign} {it}</span>' for it, sign in _SIGNS.items()
    )
    yield f'<p class="quiet"><span class="agreed">✓ agreed</span>, {signs}, · not probed. Numbers '
    yield "are probes: those that differ, of all. A probe counts for each item that it tries.</p>"
    differing = any(
        cell.findings
        for rows in found.rows.values()
        for row in rows.values()
        for cell in row.values()
    )
    if differing:
        yield '<input type="checkbox" id="some">'
        yield '<label for="some"> only rows with differences</label>'
    for part_, rows in found.rows.items():
        if rows:
            yield from _part(part_, rows, outcome)
    yield "</section>"


def _part(part_: Part, rows: Mapping[str, Row], outcome: Validation) -> Iterator[str]:
    names = "".join(f'<th scope="col">{mode}</th>' for mode in MODES)
    yield f'<div class="part"><h3>{escape(part_)}</h3><table class="matrix">'
    yield f'<thead><tr><th scope="col">item</th>{names}</tr></thead><tbody>'
    for item, row in rows.items():
        kind = "" if any(cell.findings for cell in row.values()) else ' class="agreed"'
        cells = "".join(_cell(row.get(mode), outcome) for mode in MODES)
        yield f'<tr{kind}><th scope="row">{_named(item, outcome.isa)}</th>{cells}</tr>'
    yield "</tbody></table></div>"


def _named(item: str, isa: ISA) -> str:
    """An id; causes with their names, too."""
    kind, _, code = item.partition(":")
    names = {"cause": isa.causes, "interrupt": isa.interrupts}.get(kind)
    name = f" {escape(names[int(code)].name)}" if names else ""
    return f"<code>{escape(item)}</code>{name}"


def _cell(cell: Cell | None, outcome: Validation) -> str:
    if cell is None:
        return '<td class="none" title="not probed">·</td>'
    if not cell.verdicts:
        return f'<td class="agreed" title="agreed">✓ {cell.probes}</td>'
    parts = []
    for verdict, count in sorted(cell.verdicts.items(), key=lambda it: list(Verdict).index(it[0])):
        # A probe counts by its gravest verdict, but a finding has one.
        own = [it for it in cell.findings if outcome.findings[it].verdict is verdict]
        links = [
            _link(it, f"{_SIGNS[verdict]} {count}" if it == own[0] else "+", outcome) for it in own
        ]
        shown = links[: _MOST_LINKS if verdict in GRAVE else 1]
        parts.append(f'<span class="{_slug(verdict)}">{" ".join(shown)}</span>')
    return f'<td title="{cell.agreed} agreed">{" ".join(parts)} of {cell.probes}</td>'


def _link(number: int, text: str, outcome: Validation) -> str:
    return f'<a href="#f{number}" title="{escape(_title(outcome.findings[number]))}">{text}</a>'


def _title(finding: Finding) -> str:
    return f"{finding.verdict}: {_heading(finding)}"


def _coverage(found: Matrix, isa: ISA) -> Iterator[str]:
    yield "<section><h2>What was not probed</h2>"
    probed = {item for rows in found.rows.values() for item in rows}
    for kind, name in (
        ("insn", "instructions"),
        ("csr", "CSRs"),
        ("cause", "exceptions"),
        ("interrupt", "interrupts"),
    ):
        left = [it for it in found.left if it.startswith(f"{kind}:")]
        have = sum(it.startswith(f"{kind}:") for it in probed)
        yield f"<details><summary>{name}: {have} probed, {len(left)} not</summary>"
        yield f"<p>{', '.join(_named(it, isa) for it in left) or 'none left'}</p></details>"
    yield "<p><code>drafthart validate --coverage</code> tells of fields and rules.</p>"
    yield "</section>"


def _registers(outcome: Validation) -> Iterator[str]:
    """Each CSR with a field that deviates, drawn."""
    marked = marked_fields(outcome)
    if not marked:
        return
    yield "<section><h2>Fields that deviate</h2>"
    for name, fields in marked.items():
        picture = bit_picture([(name, csr_cells(outcome.isa.csrs[name]), fields)])
        links = ", ".join(
            f'<a href="#f{number}">{escape(what(it))}</a>'
            for number, it in enumerate(outcome.findings)
            if it.verdict in GRAVE and name in _fields(it, outcome.isa)
        )
        yield f'<div class="picture" id="csr-{escape(name)}">{picture}'
        yield f'<p class="quiet">{links}</p></div>'
    yield "</section>"


def marked_fields(outcome: Validation) -> dict[str, set[str]]:
    """CSR → its fields of which a grave finding saw another value, in the revision's order."""
    marked: dict[str, set[str]] = {}
    for it in outcome.of(*GRAVE):
        for name, fields in _fields(it, outcome.isa).items():
            marked.setdefault(name, set()).update(fields)
    return {name: marked[name] for name in outcome.isa.csrs if name in marked}


def _fields(finding: Finding, isa: ISA) -> dict[str, set[str]]:
    """CSR → fields, for one finding."""
    found: dict[str, set[str]] = {}
    for it in finding.differences:
        item = observed(it.what, isa)
        kept = _KEPT.match(it.probe) if it.what == "a0" else None
        name, _, field = (item or "csr:").removeprefix("csr:").partition(".")
        name = kept[1] if kept else name
        csr = isa.csrs.get(name)
        if csr is not None:
            fields = {field} if field else set(_apart(csr, it.here, it.there))
            if fields:
                found.setdefault(name, set()).update(fields)
    return found


def _apart(csr: CSR, here: str, there: str) -> Iterator[str]:
    """The fields in which two values of a CSR differ."""
    if here.startswith("0x") and there.startswith("0x"):
        differing = int(here, 16) ^ int(there, 16)
        yield from (it.name for it in csr.fields.values() if differing & it.mask)


def _findings(outcome: Validation, platform: Platform) -> Iterator[str]:
    grave = outcome.of(*GRAVE)
    if outcome.findings:
        yield '<p class="quiet">An end such as “HS 13” is a trap into HS-mode with cause 13; '
        yield "“complete” is none. A value in hexadecimal is that of a field, CSR or register.</p>"
    isa = resolved(outcome.isa.id, parameters=outcome.told) if grave else outcome.isa
    for verdict in Verdict:
        if not outcome.of(verdict):
            continue
        yield f'<section id="{_slug(verdict)}"><h2>{str(verdict).capitalize()}</h2>'
        for number, it in enumerate(outcome.findings):
            if it.verdict is verdict:
                yield f'<article class="finding {_slug(verdict)}" id="f{number}">'
                yield f"<h3>{escape(_heading(it))}</h3>"
                yield from _finding(it, outcome.isa)
                if verdict in GRAVE:
                    yield "<details><summary>the program</summary>"
                    yield f"<pre>{escape(_program(it, outcome, isa, platform))}</pre></details>"
                yield "</article>"
        yield "</section>"
    if grave:
        yield '<section id="driver"><h2>The driver</h2>'
        yield "<p>It is part of each program. <code>--save-programs</code> writes whole ones.</p>"
        yield f"<details><summary>its source</summary><pre>{escape(driver())}</pre></details>"
        yield "</section>"


def _heading(it: Finding) -> str:
    subject = it.items[0] if it.items else it.group
    seen = "" if it.first.what in subject else f" {it.first.what}"
    return f"{subject}{seen}: {it.first.here} expected, {it.first.there} seen"


def _finding(it: Finding, isa: ISA) -> Iterator[str]:
    known = items(isa)
    rows = [
        ("expected", escape(it.first.here)),
        ("seen", escape(it.first.there)),
        ("probe", f"<code>{escape(it.probe)}</code>"),
        ("items", _list(f"<code>{escape(id_)}</code>" for id_ in it.items)),
        ("rules", "<br>".join(_rule(rule, isa) for rule in it.rules)),
        ("section", escape(it.section)),
        ("why", escape(it.why)),
    ]
    if it.verdict in (Verdict.DEVIATION, Verdict.NOT_IMPLEMENTED):
        rows.append(("right in", escape(", ".join(it.as_in)) or "no revision"))
    if it.verdict in GRAVE:
        drawn = [name for name in _fields(it, isa) if f"csr:{name}" in known]
        rows.append(("drawn", ", ".join(f'<a href="#csr-{n}">{n}</a>' for n in drawn)))
    cells = "".join(
        f'<tr><th scope="row">{name}</th><td>{text}</td></tr>' for name, text in rows if text
    )
    yield f"<table><tbody>{cells}</tbody></table>"
    if len(it.probes) > 1:
        yield f"<details><summary>all {len(it.probes)} probes</summary>"
        yield f"<pre>{escape(chr(10).join(it.probes))}</pre></details>"


def _rule(id_: str, isa: ISA) -> str:
    text = isa.rules[id_].summary if id_ in isa.rules else ""
    return f"<code>{escape(id_)}</code> {escape(text)}"


def _list(texts: Iterable[str]) -> str:
    every = list(texts)
    more = f" and {len(every) - _MOST_NAMES} more" if len(every) > _MOST_NAMES else ""
    return ", ".join(every[:_MOST_NAMES]) + more


def _program(it: Finding, outcome: Validation, isa: ISA, platform: Platform) -> str:
    """The program that shows it, with a reference in place of the driver."""
    whole = source(part(outcome.groups[it.group], [it.probe]), isa, platform)
    return whole.replace(driver(), "# here the driver\n")
