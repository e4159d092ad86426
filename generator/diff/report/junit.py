"""The report as JUnit's XML, which the displays of CI systems read."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from drafthart.generator.diff.choice import Report
from drafthart.generator.diff.findings import Finding
from drafthart.generator.diff.report.words import for_whom, origin, what_changed
from drafthart.generator.diff.rule_table import Severity


def junit(report: Report, fail_on: Severity) -> str:
    """One case for each difference: failed if as grave as `fail_on`, skipped if ignored."""
    name = f"{report.comparison.a.id} to {report.comparison.b.id}"
    failed = [it for it in report.findings if report.choice.severity(it).rank <= fail_on.rank]
    suite = Element(
        "testsuite",
        name=name,
        tests=str(len(report.findings) + len(report.ignored)),
        failures=str(len(failed)),
        errors="0",
        skipped=str(len(report.ignored)),
    )
    for it in report.findings:
        case = _case(suite, it)
        if it in failed:
            severity = for_whom(it, report.choice.audiences)
            failure = SubElement(case, "failure", type=it.rule, message=_clean(severity))
            failure.text = _clean(_text(it))
    for it, entry in report.ignored:
        SubElement(_case(suite, it), "skipped", message=_clean(entry.reason))
    suites = Element("testsuites")
    suites.append(suite)
    indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(suites, "unicode") + "\n"


def _case(suite: Element, it: Finding) -> Element:
    return SubElement(suite, "testcase", classname=it.rule, name=_clean(it.item))


def _text(it: Finding) -> str:
    lines = [what_changed(it), it.meaning, it.advice]
    lines += [f"{origin(change)} {change.id}: {change.summary}" for change in it.changes]
    if it.difference.is_text:
        lines += ["", it.difference.unified()]
    return "\n".join(lines)


def _clean(text: str) -> str:
    """Without what XML cannot hold."""
    return "".join(it for it in text if it in "\n\t" or it.isprintable())
