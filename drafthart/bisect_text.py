"""What a bisection found, for a terminal and for tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import wrap
from typing import Any

from rich.text import Text

from drafthart.generator.diff.choice import choose, report
from drafthart.generator.diff.findings import compare
from drafthart.generator.diff.path import State
from drafthart.generator.diff.report.words import origin
from drafthart.generator.errors import DrafthartError
from drafthart.generator.impact.api import impact
from drafthart.generator.impact.place import Certainty, Place
from drafthart.generator.spec.model import ISA, Change
from drafthart.runtime.bisection import Verdict
from drafthart.runtime.files import read_file
from drafthart.runtime.gate import Stability
from drafthart.runtime.side_by_side import Parting
from drafthart.side_by_side_text import parting_data, parting_text

FORMAT = "drafthart-bisect/1"
_LISTED = 8


@dataclass(frozen=True, slots=True)
class Found:
    """The last good state and the first bad one after it, by their index in the path.

    `places` are those of the program that the change touches; first the one where they part.
    """

    path: Sequence[State]
    good: int
    bad: int
    verdicts: Mapping[int, Verdict]
    changes: Sequence[Change] = ()
    parting: Parting | None = None
    places: tuple[Place, ...] = field(default=())

    @property
    def before(self) -> State:
        """The last good state."""
        return self.path[self.good]

    @property
    def after(self) -> State:
        """The first bad state."""
        return self.path[self.bad]

    @property
    def ids(self) -> list[str]:
        """The change that does it, or those of which one does where states cannot be run."""
        return [it for state in self.path[self.good + 1 : self.bad + 1] for it in state.changes]


def places_at(a: ISA, b: ISA, image: Path, parting: Parting | None) -> list[Place]:
    """Places in the program that the differences of the two touch, that of the parting first."""
    made = report(compare(a, b), choose((), ()))
    try:
        found = impact(made, str(image), read_file(image))
    except DrafthartError:  # a flat binary, which runs all the same
        return []
    pc = parting.sides[0].pc if parting else None
    return sorted(
        (it for it in found.places if it.address == pc or it.mark.certainty is not _POSSIBLE),
        key=lambda it: it.address != pc,
    )


_POSSIBLE = Certainty.POSSIBLE


def found_text(found: Found) -> Iterator[Text | str]:
    """The lines."""
    ids = found.ids
    newer = found.changes and found.changes[0].id in ids
    if len(ids) == 1:
        yield Text(ids[0], style="bold")
    else:
        yield f"One of these {len(ids)} changes; the states between cannot be run:"
        yield from (f"  {it}" for it in ids)
    if newer:
        for change in found.changes:
            yield f"  {change.revision}  {origin(change)}"
            for line in wrap(change.summary, 76, break_on_hyphens=False):
                yield f"  {line}"
    yield ""
    yield f"good  {found.before.expression}: {found.verdicts[found.good].why}"
    yield f"bad   {found.after.expression}: {found.verdicts[found.bad].why}"
    unknown = [it for it in found.verdicts.values() if it.good is None]
    yield f"{len(found.verdicts)} of {len(found.path)} states were run" + (
        f", of {len(unknown)} it could not be told" if unknown else ""
    )
    if found.parting is not None:
        yield ""
        yield from parting_text(found.parting)
    if found.places:
        yield ""
        yield Text("In the program", style="bold")
    for place in found.places[:_LISTED]:
        symbol = f" <{place.symbol}>" if place.symbol else ""
        line = f" {place.line}" if place.line else ""
        yield f"  {place.address:#x}{symbol}{line}  {place.text}"
        yield f"    {place.mark.certainty}: {place.finding.rule} {place.finding.item}"
    if len(found.places) > _LISTED:
        yield f"  and {len(found.places) - _LISTED} more; drafthart impact lists them"


def found_data(found: Found, stability: Stability) -> dict[str, Any]:
    """The same as plain lists and dicts."""
    return {
        "format": FORMAT,
        "stability": stability,
        "changes": found.ids,
        "change_details": [
            {
                "id": it.id,
                "revision": it.revision,
                "date": it.date or None,
                "commits": list(it.commits),
                "summary": it.summary,
            }
            for it in found.changes
        ],
        "good": found.before.expression,
        "bad": found.after.expression,
        "states": len(found.path),
        "runs": [
            {"revision": it.expression, "good": it.good, "why": it.why}
            for _, it in sorted(found.verdicts.items())
        ],
        "parting": parting_data(found.parting) if found.parting else None,
        "places": [
            {
                "rule": it.finding.rule,
                "item": it.finding.item,
                "certainty": str(it.mark.certainty),
                "address": it.address,
                "symbol": it.symbol or None,
                "line": it.line or None,
                "text": it.text,
            }
            for it in found.places
        ],
    }
