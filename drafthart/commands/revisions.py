"""`drafthart revisions`: what there is to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from drafthart.arguments import Format, FormatOption, SpecsOption
from drafthart.generator.spec import resolve
from drafthart.output import say, say_json, table

EXAMPLES = (
    "drafthart revisions",
    "drafthart revisions --format json",
)


def revisions(format_: FormatOption = Format.TEXT, specs: SpecsOption = None) -> None:
    """List all revisions.

    A mixture is named by its nearest revision and suffixes: ~2 leaves out the last two changes,
    ^change leaves out one, +change picks in a later one, @2019-10-31 is the state of that day.
    What was changed after a revision was settled counts only with a date; it has a row of its own.
    Another base stands behind a comma, as in h@1.0,priv@1.11.
    """
    found = resolve.revisions(specs)
    if format_ is Format.JSON:
        say_json(
            [
                {
                    "id": it.id,
                    "title": it.title,
                    "status": str(it.status),
                    "date": it.date,
                    "commit": it.commit,
                    "parent": it.parent,
                    "base": it.base,
                    "changes": it.changes,
                    "amendments": it.amendments,
                    "amended": it.amended,
                }
                for it in found
            ]
        )
        return
    say(table(("revision", "status", "date", "changes", "title"), _rows(found)))


def _rows(found: Iterable[resolve.RevisionSummary]) -> Iterator[tuple[str, ...]]:
    for it in found:
        yield it.id, str(it.status), it.date, str(it.changes), it.title
        if it.amended:
            day = it.amended.rpartition("@")[2]
            yield it.amended, "draft", day, f"+{it.amendments}", "the same, amended"
