"""The outcome of `validate` for people, tools, CI servers and browsers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.table import Table
from rich.text import Text

from drafthart.conformance.matrix import Cell, Part, Row, matrix
from drafthart.conformance.probes.probe import MODES, Group
from drafthart.conformance.probes.program import Platform
from drafthart.conformance.validate import Validation
from drafthart.conformance.verdicts import Finding, Verdict
from drafthart.generator.diff.report.annotations import data_text, property_text
from drafthart.output import as_json, table
from drafthart.runtime.gate import Stability

_STYLES = {
    Verdict.DEVIATION: "red",
    Verdict.NOT_IMPLEMENTED: "yellow",
    Verdict.INCONCLUSIVE: "magenta",
    Verdict.KNOWN: "dim",
    Verdict.CHOICE: "dim",
}
GRAVE = (Verdict.DEVIATION, Verdict.NOT_IMPLEMENTED, Verdict.INCONCLUSIVE)
"""The verdicts that count against a target."""
_MOST_ROWS = 20


def summary(outcome: Validation) -> str:
    """One line, for CI."""
    counts = ", ".join(
        f"{len(outcome.of(verdict))} {plural(verdict, len(outcome.of(verdict)))}"
        for verdict in Verdict
        if outcome.of(verdict)
    )
    word = "conforms to" if outcome.conforms else "does not conform to"
    known = " but for what is known" if outcome.conforms and outcome.of(Verdict.KNOWN) else ""
    return (
        f"{outcome.target} {word} {outcome.isa.id}{known}: {outcome.probes} probes, "
        f"{outcome.observations} observations{', ' if counts else ', nothing differs'}{counts}"
    )


def plural(verdict: Verdict, count: int) -> str:
    """The verdict's name, behind a count."""
    if verdict in (Verdict.DEVIATION, Verdict.CHOICE) and count != 1:
        return f"{verdict}s"
    return str(verdict)


def as_text(outcome: Validation, *, everything: bool = False) -> Iterator[str | Text | Table]:
    """For a terminal: the grave findings in full, the others in a line each with `everything`.

    Then how many probes differ of each item in each mode, where some do.
    """
    for finding in outcome.of(*GRAVE):
        yield Text(f"{finding.verdict}: {what(finding)}", style=_STYLES[finding.verdict])
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
        rows = [(str(it.verdict), str(len(it.probes)), f"{what(it)}: {it.why}") for it in minor]
        yield table(("verdict", "probes", "what"), rows)
        yield ""
    yield from _differing(outcome)
    for name, value in outcome.inferred.items():
        yield f"its choice: {name}={value}"
    yield summary(outcome)


def _differing(outcome: Validation) -> Iterator[str | Table]:
    rows = [
        (item, row)
        for part, rows in matrix(outcome).rows.items()
        if part is not Part.LEFT
        for item, row in rows.items()
        if any(cell.gravest in GRAVE for cell in row.values())
    ]
    if rows:
        rows.sort(key=lambda it: -sum(_grave(cell) for cell in it[1].values()))
        shown = [(item, *_counts(row)) for item, row in rows[:_MOST_ROWS]]
        yield table(("probes that differ", *MODES), shown)
        if len(rows) > _MOST_ROWS:
            yield f"and {len(rows) - _MOST_ROWS} items more; --format html has all"
        yield ""


def _counts(row: Row) -> Iterator[str]:
    for mode in MODES:
        cell = row.get(mode)
        yield f"{_grave(cell) or '-'} of {cell.probes}" if cell else ""


def _grave(cell: Cell) -> int:
    return sum(cell.verdicts.get(it, 0) for it in GRAVE)


def what(finding: Finding) -> str:
    """What it is about, and of which item."""
    return f"{finding.first.what} ({finding.items[0] if finding.items else finding.group})"


def _more(count: int, what: str) -> str:
    return f" and {count - 1} more" if count > 1 else ""


def _list(ids: list[str], most: int = 4) -> str:
    return ", ".join(ids[:most]) + (f" and {len(ids) - most} more" if len(ids) > most else "")


def as_data(outcome: Validation, stability: Stability) -> dict[str, Any]:
    """As data; specs/schema/validate.schema.json describes it."""
    found = matrix(outcome)
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
        "groups": {name: _probed(group) for name, group in outcome.groups.items()},
        "matrix": [
            {
                "part": str(part),
                "item": item,
                "modes": {mode: _cell(row[mode]) for mode in MODES if mode in row},
            }
            for part, rows in found.rows.items()
            for item, row in rows.items()
        ],
        "not_probed": list(found.left),
        "findings": [
            {
                "key": it.key,
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


def _cell(cell: Cell) -> dict[str, int]:
    counts = {str(it): cell.verdicts[it] for it in Verdict if it in cell.verdicts}
    return {"probes": cell.probes, "agreed": cell.agreed, **counts}


def _probed(group: Group) -> dict[str, list[str]]:
    """The labels of a group's probes by mode."""
    return {
        mode: labels
        for mode in MODES
        if (labels := [probe.label for probe in group.probes if probe.mode == mode])
    }


def github_lines(outcome: Validation) -> Iterator[str]:
    """Workflow commands of GitHub, one for each finding that counts, and the summary."""
    for it in outcome.of(*GRAVE):
        level = "warning" if it.verdict is Verdict.INCONCLUSIVE else "error"
        told = [f"expected {it.first.here}, seen {it.first.there}, in {it.probe}", it.section]
        title = f"{it.verdict}: {what(it)}"
        yield f"::{level} title={property_text(title)}::{data_text('; '.join(filter(None, told)))}"
    yield f"::notice title=validate::{data_text(summary(outcome))}"


def rendered(
    outcome: Validation, stability: Stability, form: str, platform: Platform | None = None
) -> str:
    """As text of one of the forms summary, json, junit, github or html.

    `platform` is the target's, for which the page shows programs.
    """
    match form:
        case "summary":
            return f"{summary(outcome)}\n"
        case "json":
            return as_json(as_data(outcome, stability))
        case "junit":
            from drafthart.validate_junit import as_junit

            return as_junit(outcome, stability)
        case "github":
            return "".join(f"{line}\n" for line in github_lines(outcome))
        case _:
            from drafthart.validate_page import as_html

            return as_html(outcome, stability, platform or Platform())
