"""The outcome of `validate` for people, tools, CI servers and browsers."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any
from xml.etree import ElementTree as Xml

from rich.table import Table
from rich.text import Text

from drafthart.conformance.probes.probe import MODES
from drafthart.conformance.validate import Validation
from drafthart.conformance.verdicts import Finding, Verdict
from drafthart.output import as_json, table
from drafthart.runtime.gate import Stability

_STYLES = {
    Verdict.DEVIATION: "red",
    Verdict.NOT_IMPLEMENTED: "yellow",
    Verdict.INCONCLUSIVE: "magenta",
    Verdict.KNOWN: "dim",
    Verdict.CHOICE: "dim",
}
_GRAVE = (Verdict.DEVIATION, Verdict.NOT_IMPLEMENTED, Verdict.INCONCLUSIVE)


def summary(outcome: Validation) -> str:
    """One line, for CI."""
    counts = ", ".join(
        f"{len(outcome.of(verdict))} {_plural(verdict, len(outcome.of(verdict)))}"
        for verdict in Verdict
        if outcome.of(verdict)
    )
    word = "conforms to" if outcome.conforms else "does not conform to"
    known = " but for what is known" if outcome.conforms and outcome.of(Verdict.KNOWN) else ""
    return (
        f"{outcome.target} {word} {outcome.isa.id}{known}: {outcome.probes} probes, "
        f"{outcome.observations} observations{', ' if counts else ', nothing differs'}{counts}"
    )


def _plural(verdict: Verdict, count: int) -> str:
    if verdict in (Verdict.DEVIATION, Verdict.CHOICE) and count != 1:
        return f"{verdict}s"
    return str(verdict)


def as_text(outcome: Validation, *, everything: bool = False) -> Iterator[str | Text | Table]:
    """For a terminal: the grave findings in full, the others in a line each with `everything`."""
    for finding in outcome.of(*_GRAVE):
        yield Text(f"{finding.verdict}: {_what(finding)}", style=_STYLES[finding.verdict])
        yield f"  probe     {finding.probe}{_more(len(finding.probes), 'probe')}"
        yield f"  expected  {finding.first.here}, seen {finding.first.there}"
        yield f"  items     {_list(finding.items)}"
        if finding.rules:
            yield f"  rules     {', '.join(finding.rules)}"
        if finding.section:
            yield f"  section   {finding.section}"
        if finding.why:
            yield f"  why       {finding.why}"
        if finding.verdict is not Verdict.INCONCLUSIVE:
            yield f"  right in  {', '.join(finding.as_in) or 'no revision'}"
        yield ""
    minor = outcome.of(Verdict.KNOWN, Verdict.CHOICE)
    if minor and everything:
        rows = [(str(it.verdict), str(len(it.probes)), f"{_what(it)}: {it.why}") for it in minor]
        yield table(("verdict", "probes", "what"), rows)
        yield ""
    for name, value in outcome.inferred.items():
        yield f"its choice: {name}={value}"
    yield summary(outcome)


def _what(finding: Finding) -> str:
    return f"{finding.first.what} ({finding.items[0] if finding.items else finding.group})"


def _more(count: int, what: str) -> str:
    return f" and {count - 1} more" if count > 1 else ""


def _list(ids: list[str], most: int = 4) -> str:
    return ", ".join(ids[:most]) + (f" and {len(ids) - most} more" if len(ids) > most else "")


def as_data(outcome: Validation, stability: Stability) -> dict[str, Any]:
    """As data; specs/schema/validate.schema.json describes it."""
    return {
        "target": outcome.target,
        "revision": outcome.isa.id,
        "stability": stability,
        "conforms": outcome.conforms,
        "summary": summary(outcome),
        "probes": outcome.probes,
        "observations": outcome.observations,
        "lost": outcome.lost,
        "parameters": {it.name: it.value for it in outcome.isa.parameters.values()},
        "inferred": dict(outcome.inferred),
        "groups": {name: len(group.probes) for name, group in outcome.groups.items()},
        "findings": [
            {
                "verdict": str(it.verdict),
                "group": it.group,
                "probe": it.probe,
                "what": it.first.what,
                "expected": it.first.here,
                "seen": it.first.there,
                "items": it.items,
                "rules": it.rules,
                "section": it.section,
                "why": it.why,
                "as_in": it.as_in,
                "probes": it.probes,
            }
            for it in outcome.findings
        ],
    }


def as_junit(outcome: Validation, stability: Stability) -> str:
    """As JUnit's XML: a test for each finding, and one for each group without a grave one."""
    grave = outcome.of(*_GRAVE)
    minor = outcome.of(Verdict.KNOWN, Verdict.CHOICE)
    fine = [name for name in outcome.groups if name not in {it.group for it in grave}]
    suite = Xml.Element(
        "testsuite",
        name=f"{outcome.target} as {outcome.isa.id}",
        tests=str(len(grave) + len(minor) + len(fine)),
        failures=str(len(grave)),
        skipped=str(len(minor)),
    )
    properties = Xml.SubElement(suite, "properties")
    for name, value in stability.items():
        Xml.SubElement(properties, "property", name=f"stability.{name}", value=str(value))
    for name in fine:
        Xml.SubElement(suite, "testcase", classname=name, name=f"all of {name}")
    for it in (*grave, *minor):
        case = Xml.SubElement(
            suite, "testcase", classname=it.group, name=f"{it.probe}: {it.first.what}"
        )
        text = f"expected {it.first.here}, seen {it.first.there}"
        if it in grave:
            failure = Xml.SubElement(case, "failure", type=str(it.verdict), message=text)
            failure.text = "\n".join([it.section, *it.rules, *it.probes])
        else:
            Xml.SubElement(case, "skipped", message=f"{it.verdict}: {it.why}")
    Xml.indent(suite)
    return Xml.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em }}
table {{ border-collapse: collapse; margin: 1em 0 }}
th, td {{ border: 1px solid #bbb; padding: .2em .6em; text-align: left; vertical-align: top }}
.bad {{ background: #f8d0d0 }} .good {{ background: #d8efd8 }}
code {{ font-size: 90% }}
</style>
<h1>{title}</h1>
<p>{summary}</p>
{body}
</html>
"""


def as_html(outcome: Validation, stability: Stability) -> str:
    """As a page of its own: items by modes with links, then each finding."""
    title = escape(f"{outcome.target} as {outcome.isa.id}")
    parts = [f"<p>{escape(outcome.isa.id)} is {escape(stability['status'])}.</p>"]
    if outcome.inferred:
        chosen = ", ".join(f"{name}={value}" for name, value in outcome.inferred.items())
        parts.append(f"<p>Its choices, as found: {escape(chosen)}.</p>")
    parts += _matrix(outcome)
    for number, it in enumerate(outcome.findings):
        rows = (
            ("group", it.group),
            ("probe", it.probe + _more(len(it.probes), "probe")),
            ("expected", it.first.here),
            ("seen", it.first.there),
            ("items", _list(it.items, 12)),
            ("rules", ", ".join(it.rules)),
            ("section", it.section),
            ("why", it.why),
            ("right in", ", ".join(it.as_in)),
        )
        cells = "".join(f"<tr><th>{name}<td>{escape(value)}" for name, value in rows if value)
        head = escape(f"{it.verdict}: {_what(it)}")
        parts.append(f'<h2 id="f{number}">{head}</h2>\n<table>{cells}</table>')
    return _PAGE.format(title=title, summary=escape(summary(outcome)), body="\n".join(parts))


def _matrix(outcome: Validation) -> Iterator[str]:
    """Items by the modes of the probes that differ; a cell leads to its finding."""
    cells: dict[str, dict[str, tuple[int, int]]] = {}
    for number, it in enumerate(outcome.findings):
        if it.verdict not in _GRAVE:
            continue
        modes = {probe.label: probe.mode for probe in outcome.groups[it.group].probes}
        for label in it.probes:
            if label in modes and it.items:
                row = cells.setdefault(it.items[0], {})
                row[modes[label]] = (number, row.get(modes[label], (0, 0))[1] + 1)
    if not cells:
        return
    head = "".join(f"<th>{mode}" for mode in MODES)
    yield f"<table><tr><th>item{head}"
    for item, row in cells.items():
        shown = (
            f'<td class="bad"><a href="#f{row[mode][0]}">{row[mode][1]}</a>'
            if mode in row
            else '<td class="good">'
            for mode in MODES
        )
        yield f"<tr><td><code>{escape(item)}</code>{''.join(shown)}"
    yield "</table>"


def rendered(outcome: Validation, stability: Stability, form: str) -> str:
    """As text of one of the forms json, junit or html."""
    if form == "json":
        return as_json(as_data(outcome, stability))
    return as_junit(outcome, stability) if form == "junit" else as_html(outcome, stability)
