"""What parts two reports of `validate`, for people, pull requests, tools and CI servers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from rich.text import Text

from drafthart.conformance.regressions import Entry, Kind, Regressions
from drafthart.output import as_json
from drafthart.runtime.gate import taint

FORMAT = "drafthart-regressions/1"

_STYLES = {Kind.NEW: "red", Kind.CHANGED: "yellow", Kind.FIXED: "green"}
_NAMED = 3
"""Probes to name of an entry."""


def summary(found: Regressions) -> str:
    """One line, for CI."""
    counts = ", ".join(f"{len(found.of(kind))} {kind}" for kind in Kind if found.of(kind))
    worse = f"; {len(found.worse)} of them worse" if found.worse else ""
    return f"{counts or 'no findings in either'}{worse}"


def _about(found: Regressions) -> Iterator[tuple[str, str]]:
    """What the reports are of, and what of that is not the same."""
    for name in ("target", "revision"):
        old, new = found.old[name], found.new[name]
        yield name, new if old == new else f"{old} → {new}"
    old, new = found.old["probes"], found.new["probes"]
    counts = f"{new}" if old == new else f"{old} → {new}"
    yield "probes", counts if old == new == found.common else f"{counts}, {found.common} in both"
    for name, before, after in found.choices:
        yield "choice", f"{name}={_value(before)} → {_value(after)}"
    if found.stability["status"] != "ratified":
        yield "unstable", f"made with {found.stability['revision']} ({found.stability['status']})"


def _value(value: int | None) -> str:
    return "none" if value is None else str(value)


def as_text(found: Regressions, *, everything: bool = False) -> Iterator[str | Text]:
    """For a terminal; with `everything` what is unchanged, too."""
    for name, value in _about(found):
        yield f"{name:<9} {value}"
    yield ""
    for it in found.entries:
        if it.kind is Kind.UNCHANGED and not everything:
            continue
        finding = it.finding
        yield Text(f"{it.kind}: {_verdicts(it)}: {it.key}", style=_STYLES.get(it.kind, "dim"))
        yield f"  probe     {finding['probe']}"
        yield f"  expected  {finding['expected']}, seen {finding['seen']}"
        yield f"  items     {', '.join(finding['items'][:4])}"
        yield from (f"  {name:<9} {value}" for name, value in _changes(it))
        yield ""
    yield summary(found)


def _verdicts(it: Entry) -> str:
    if it.old and it.new and it.old["verdict"] != it.new["verdict"]:
        return f"{it.old['verdict']} → {it.new['verdict']}"
    return str(it.finding["verdict"])


def _changes(it: Entry) -> Iterator[tuple[str, str]]:
    if it.kind in (Kind.NEW, Kind.CHANGED) and it.more:
        yield "more", _probes(it.more)
    if it.kind is Kind.CHANGED and it.fewer:
        yield "fewer", _probes(it.fewer)
    if it.related:
        yield "was" if it.new else "is now", "; ".join(it.related)


def _probes(labels: tuple[str, ...]) -> str:
    more = f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else ""
    return f"{'; '.join(labels[:_NAMED])}{more}"


def as_data(found: Regressions) -> dict[str, Any]:
    """As data; specs/schema/regressions.schema.json describes it."""
    return {
        "format": FORMAT,
        "stability": found.stability,
        "summary": summary(found),
        "old": _report(found.old),
        "new": _report(found.new),
        "common_probes": found.common,
        "choices": [
            {"parameter": name, "old": old, "new": new} for name, old, new in found.choices
        ],
        "counts": {str(kind): len(found.of(kind)) for kind in Kind},
        "worse": len(found.worse),
        "entries": [_entry(it) for it in found.entries],
    }


def _report(report: Mapping[str, Any]) -> dict[str, Any]:
    return {name: report[name] for name in ("target", "revision", "conforms", "probes", "summary")}


def _entry(it: Entry) -> dict[str, Any]:
    return {
        "kind": str(it.kind),
        "worse": it.worse,
        "key": it.key,
        "more": list(it.more),
        "fewer": list(it.fewer),
        "related": list(it.related),
        "old": it.old,
        "new": it.new,
    }


def as_markdown(found: Regressions) -> str:
    """For a pull request or a mailing list."""
    return "\n".join(_markdown(found)) + "\n"


def _markdown(found: Regressions) -> Iterator[str]:
    yield f"# {found.new['target']}: {summary(found)}"
    yield ""
    yield from (f"- {name}: {value}" for name, value in _about(found))
    if mark := taint(found.stability):
        yield from ("", f"    {mark.rstrip()}")
    for kind in Kind:
        if kind is Kind.UNCHANGED or not found.of(kind):
            continue
        yield ""
        yield f"## {str(kind).capitalize()}"
        for it in found.of(kind):
            finding = it.finding
            yield ""
            yield f"- {_verdicts(it)}: `{it.key}`{', worse' if it.worse else ''}"
            yield f"  - probe: `{finding['probe']}`"
            yield f"  - expected `{finding['expected']}`, seen `{finding['seen']}`"
            yield f"  - items: {', '.join(f'`{item}`' for item in finding['items'][:4])}"
            if finding["section"]:
                yield f"  - section: {finding['section']}"
            yield from (f"  - {name}: {value}" for name, value in _changes(it))


def as_junit(found: Regressions) -> str:
    """A case for each finding of either report: failed if it makes the newer one worse."""
    suite = Element(
        "testsuite",
        name=f"{found.new['target']} as {found.new['revision']}, against an older report",
        tests=str(len(found.entries)),
        failures=str(len(found.worse)),
        errors="0",
        skipped="0",
    )
    properties = SubElement(suite, "properties")
    for key, value in found.stability.items():
        SubElement(properties, "property", name=f"stability.{key}", value=str(value))
    for it in found.entries:
        case = SubElement(suite, "testcase", classname=str(it.kind), name=_clean(it.key))
        lines = [
            f"{it.kind}: {_verdicts(it)}",
            *(f"{name}: {value}" for name, value in _changes(it)),
        ]
        if it.worse:
            finding = it.finding
            message = f"expected {finding['expected']}, seen {finding['seen']}"
            failure = SubElement(case, "failure", type=str(it.kind), message=_clean(message))
            failure.text = _clean("\n".join([*lines, f"probe: {finding['probe']}"]))
        else:
            SubElement(case, "system-out").text = _clean("\n".join(lines))
    if mark := taint(found.stability):
        SubElement(suite, "system-out").text = mark
    suites = Element("testsuites")
    suites.append(suite)
    indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(suites, "unicode") + "\n"


def _clean(text: str) -> str:
    """Without what XML cannot hold."""
    return "".join(it for it in text if it in "\n\t" or it.isprintable())


def rendered(found: Regressions, form: str) -> str:
    """As text of one of the forms summary, json, markdown or junit."""
    match form:
        case "summary":
            return f"{summary(found)}\n"
        case "json":
            return as_json(as_data(found))
        case "markdown":
            return as_markdown(found)
        case _:
            return as_junit(found)
