"""`drafthart regressions`: what parts two reports of `validate`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from drafthart.commands.stability import announce
from drafthart.conformance.regressions import Kind, read_report
from drafthart.conformance.regressions import regressions as compare
from drafthart.output import say
from drafthart.regressions_report import as_text, rendered

EXAMPLES = (
    "drafthart regressions old.json new.json",
    "drafthart regressions old.json new.json --fail-on new",
    "drafthart regressions old.json new.json --format markdown",
)


class RegressionsFormat(StrEnum):
    """For people, pull requests, tools or CI servers."""

    TEXT = "text"
    SUMMARY = "summary"
    MARKDOWN = "markdown"
    JSON = "json"
    JUNIT = "junit"


class FailOn(StrEnum):
    """What makes the status 1."""

    NEW = "new"
    ANY = "any"


def regressions(
    old: Annotated[
        Path,
        typer.Argument(metavar="OLD", help="A report of validate as JSON.", show_default=False),
    ],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="A later one.", show_default=False)],
    fail_on: Annotated[
        FailOn | None,
        typer.Option(
            "--fail-on",
            help="End with status 1 if something is wrong that was not (new), or if any finding "
            "is not as it was.",
            show_default=False,
        ),
    ] = None,
    show_all: Annotated[
        bool, typer.Option("--all", help="Show the findings that are unchanged too.")
    ] = False,
    format_: Annotated[
        RegressionsFormat, typer.Option("--format", help="The form of the report.")
    ] = RegressionsFormat.TEXT,
) -> int:
    """Tell what two reports of `drafthart validate --format json` do not have in common.

    A finding is new, fixed, changed or unchanged by the probes that both reports have: what only
    other probes show is newly probed, or no longer. Other targets, revisions and choices are
    told. The status is 0, or what --fail-on makes it.
    """
    found = compare(read_report(old), read_report(new))
    announce(found.stability)
    if format_ is RegressionsFormat.TEXT:
        say(*as_text(found, everything=show_all))
    else:
        typer.echo(rendered(found, format_), nl=False)
    if fail_on is FailOn.NEW:
        return int(bool(found.worse))
    return int(fail_on is FailOn.ANY and len(found.of(Kind.UNCHANGED)) < len(found.entries))
