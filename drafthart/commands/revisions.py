"""`drafthart revisions`: what there is to choose from."""

from __future__ import annotations

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
                    "changes": it.changes,
                }
                for it in found
            ]
        )
        return
    rows = ((it.id, str(it.status), it.date, str(it.changes), it.title) for it in found)
    say(table(("revision", "status", "date", "changes", "title"), rows))
