"""Where differences touch a program, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from rich.text import Text

from drafthart.generator.diff.findings import Finding
from drafthart.generator.diff.report.words import for_whom, what_changed
from drafthart.generator.diff.rule_table import Severity
from drafthart.generator.impact.api import Impact
from drafthart.generator.impact.place import Certainty, Form, Place

_LISTED = 8
"""Places of one difference that are listed, if not all are asked for."""
_STYLES = {Severity.BREAKING: "red", Severity.DANGEROUS: "yellow"}
_COLUMNS = 80


def impact_text(impact: Impact, *, everything: bool) -> Iterator[Text | str]:
    """The lines. What is possible is counted, and listed only with `everything`."""
    comparison = impact.report.comparison
    what = "text" if impact.kind == "source" else "code"
    yield Text.assemble((impact.name, "bold"), f": {impact.kind}, {_size(impact.size)} of {what}")
    counts = {it: len(impact.of(it)) for it in Certainty}
    summary = ", ".join(f"{count} {it}" for it, count in counts.items())
    yield f"{comparison.a.id} → {comparison.b.id}: {summary}"
    for remark in impact.remarks:
        yield Text(f"note: {remark}", style="dim")
    shown = set()
    for certainty in Certainty:
        if certainty is Certainty.POSSIBLE and not everything:
            continue
        found = [it for it in impact.of(certainty) if everything or _noticed(impact, it)]
        shown |= {id(it) for it in found}
        if found:
            yield ""
            yield Text(certainty.capitalize(), style="bold")
        for finding, places in _grouped(found):
            yield ""
            yield from _finding(impact, finding, places, everything)
    yield from _rest(impact, shown)


def _grouped(found: list[Place]) -> Iterator[tuple[Finding, list[Place]]]:
    order: dict[int, int] = {}
    for it in found:
        order.setdefault(id(it.finding), len(order))
    for _, group in groupby(
        sorted(found, key=lambda it: order[id(it.finding)]), key=lambda it: id(it.finding)
    ):
        places = list(group)
        yield places[0].finding, places


def _noticed(impact: Impact, place: Place) -> bool:
    return impact.severity(place) is not Severity.EDITORIAL


def _finding(
    impact: Impact, finding: Finding, places: list[Place], everything: bool
) -> Iterator[Text]:
    severity = impact.severity(places[0])
    yield Text.assemble("  ", (finding.item, _STYLES.get(severity, "")), f"  {finding.rule}")
    changed = what_changed(finding)
    if changed and len(changed) < _COLUMNS - 4:
        yield Text(f"    {changed}", style="dim")
    whom = for_whom(finding, impact.report.choice.audiences)
    made = ", ".join(change.id for change in finding.changes[:3])
    by = f"; by {made}{' …' * (len(finding.changes) > 3)}" if made else ""
    yield Text(f"    {whom}{by}", style="dim")
    listed = places if everything else places[:_LISTED]
    for place in listed:
        yield from _place(impact, place)
    if len(places) > len(listed):
        yield Text(f"    and {len(places) - len(listed)} more; --all lists them", style="dim")


def _place(impact: Impact, place: Place) -> Iterator[Text]:
    before = impact.report.comparison.a.id
    form = f" (as {before} has it)" if place.mark.form is Form.BEFORE else ""
    why = f"  {place.mark.why}" if place.mark.why else ""
    if place.address is None:
        yield Text(f"    {impact.name}:{place.line}: {place.text}")
        if why:
            yield Text(f"        {why.strip()}{form}", style="dim")
        return
    where = f"{place.address:#x}"
    if place.symbol:
        where += f" <{place.symbol}>"
    if place.line:
        where += f" {place.line}"
    line = f"    {where}  {place.text}"
    if len(line) + len(why) + len(form) <= _COLUMNS:
        yield Text.assemble(line, (why + form, "dim"))
    else:
        yield Text(f"    {where}")
        yield Text.assemble(f"        {place.text}", (why + form, "dim"))


def _rest(impact: Impact, shown: set[int]) -> Iterator[Text | str]:
    hidden = [it for it in impact.places if id(it) not in shown]
    possible = sum(it.mark.certainty is Certainty.POSSIBLE for it in hidden)
    editorial = len(hidden) - possible
    if not impact.places:
        yield ""
        yield "No difference touches it."
    lines = []
    if possible:
        lines.append(f"{possible} possible places are not listed; --all lists them")
    if editorial:
        lines.append(
            f"{editorial} places of editorial differences are not listed; --all lists them"
        )
    if impact.nowhere:
        lines.append(
            f"{len(impact.nowhere)} differences show in no instruction; drafthart diff has them"
        )
    if lines:
        yield ""
    for line in lines:
        yield Text(line, style="dim")


def _size(size: int) -> str:
    for unit, scale in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} bytes"
