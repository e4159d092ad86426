"""The report as annotations: GitHub's workflow commands, or the lines that compilers print."""

from __future__ import annotations

from collections.abc import Iterator

from drafthart.generator.diff.choice import Report
from drafthart.generator.diff.findings import Finding
from drafthart.generator.diff.report.words import for_whom, gravest_first, what_changed
from drafthart.generator.diff.rule_table import Severity
from drafthart.generator.spec.model import Place

_LEVELS = {Severity.BREAKING: "error", Severity.DANGEROUS: "warning"}


def github(report: Report) -> Iterator[str]:
    """Workflow commands, one for each difference, the gravest first."""
    for it in gravest_first(report):
        level = _LEVELS.get(report.choice.severity(it), "notice")
        place = _place(it)
        where = f"file={property_text(place.file)},line={place.line}," if place else ""
        title = property_text(f"{it.rule} {it.item}")
        yield f"::{level} {where}title={title}::{data_text(_message(report, it))}"
    for entry in report.unused:
        where = f"file={property_text(entry.place.file)},line={entry.place.line},"
        yield f"::warning {where}title=unused ignore::No difference fits this entry; remove it"


def plain(report: Report) -> Iterator[str]:
    """`FILE:LINE: error: …`, the file being that of the change in the specs."""
    for it in gravest_first(report):
        level = _LEVELS.get(report.choice.severity(it), "note")
        place = _place(it)
        where = f"{place.file}:{place.line}" if place else report.comparison.b.id
        yield f"{where}: {level}: {it.item}: {_message(report, it)} [{it.rule}]"
    for entry in report.unused:
        place = entry.place
        yield f"{place.file}:{place.line}: warning: no difference fits this entry; remove it"


def _message(report: Report, it: Finding) -> str:
    made = f" (by {', '.join(change.id for change in it.changes)})" if it.changes else ""
    return f"{what_changed(it)}; {for_whom(it, report.choice.audiences)}{made}. {it.advice}"


def _place(it: Finding) -> Place | None:
    return it.changes[-1].place if it.changes else None


def data_text(text: str) -> str:
    """As the message of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def property_text(text: str) -> str:
    """As one of its properties."""
    return data_text(text).replace(":", "%3A").replace(",", "%2C")
