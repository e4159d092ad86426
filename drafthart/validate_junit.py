"""The outcome of `validate` as JUnit's XML, which the displays of CI systems read."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from drafthart.conformance.subjects import exercised
from drafthart.conformance.validate import Validation
from drafthart.conformance.verdicts import Finding, Verdict
from drafthart.runtime.gate import Stability, taint

_FAILED = {Verdict.DEVIATION: "failure", Verdict.NOT_IMPLEMENTED: "failure"}
_OTHERS = "other probes"
"""The case of what tries neither an instruction nor a CSR of the revision."""


def as_junit(outcome: Validation, stability: Stability) -> str:
    """A suite for each group, and in it a case for each item that its probes are of.

    A case fails if a probe of it deviates, is an error if one is inconclusive, and is skipped if
    all that differs is known. Legal choices are told, and pass.
    """
    root = Element("testsuites", name=f"{outcome.target} as {outcome.isa.id}")
    for name in outcome.groups:
        suite = SubElement(root, "testsuite", name=name)
        properties = SubElement(suite, "properties")
        for key, value in stability.items():
            SubElement(properties, "property", name=f"stability.{key}", value=str(value))
        for item, count, found in _cases(outcome, name):
            _case(suite, name, item, count, found)
        if mark := taint(stability):
            SubElement(suite, "system-out").text = mark
        _count(suite)
    _count(root)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, "unicode") + "\n"


def _cases(outcome: Validation, name: str) -> Iterator[tuple[str, int, list[Finding]]]:
    """Item, number of probes, and the findings on them."""
    by_label: dict[str, list[int]] = {}
    for number, finding in enumerate(outcome.findings):
        for label in finding.probes:
            by_label.setdefault(label, []).append(number)
    counts: dict[str, int] = {}
    numbers: dict[str, set[int]] = {}
    for probe in outcome.groups[name].probes:
        item = next(iter(exercised(probe, outcome.isa)), _OTHERS)
        counts[item] = counts.get(item, 0) + 1
        numbers.setdefault(item, set()).update(by_label.get(probe.label, ()))
    for item, count in counts.items():
        yield item, count, [outcome.findings[number] for number in sorted(numbers[item])]


def _case(suite: Element, name: str, item: str, count: int, found: list[Finding]) -> None:
    case = SubElement(suite, "testcase", classname=name, name=item)
    grave = [it for it in found if it.verdict in (*_FAILED, Verdict.INCONCLUSIVE)]
    rest = [it for it in found if it not in grave]
    if grave:
        first = grave[0]
        told = SubElement(
            case,
            _FAILED.get(first.verdict, "error"),
            type=str(first.verdict),
            message=_clean(f"{first.first.what}: {_difference(first)}"),
        )
        told.text = _clean("\n\n".join(map(_text, grave)))
    elif any(it.verdict is Verdict.KNOWN for it in rest):
        SubElement(case, "skipped", message=_clean(f"known: {rest[0].why}"))
    lines = [f"{count} probes", *(f"{it.verdict}: {it.why}" for it in rest)]
    SubElement(case, "system-out").text = _clean("\n".join(lines))


def _difference(it: Finding) -> str:
    return f"expected {it.first.here}, seen {it.first.there}"


def _text(it: Finding) -> str:
    lines = [
        f"{it.verdict}: {it.key}",
        f"probe: {it.probe}: {it.first.what}: {_difference(it)}",
        f"probes: {len(it.probes)}",
        f"items: {', '.join(it.items)}",
    ]
    lines += [f"rules: {', '.join(it.rules)}"] if it.rules else []
    lines += [f"section: {it.section}"] if it.section else []
    lines += [f"right in: {', '.join(it.as_in)}"] if it.as_in else []
    return "\n".join(lines)


def _count(element: Element) -> None:
    """Sum up what lies below, as consumers want to read it."""
    tags = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}
    for name, tag in tags.items():
        element.set(name, str(sum(1 for _ in element.iter(tag))))


def _clean(text: str) -> str:
    """Without what XML cannot hold."""
    return "".join(it for it in text if it in "\n\t" or it.isprintable())
