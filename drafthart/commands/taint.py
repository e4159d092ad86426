"""`drafthart taint`: what an artefact was made with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drafthart.arguments import Format, FormatOption, complete_revision
from drafthart.generator.spec.model import Status
from drafthart.output import say, say_json
from drafthart.runtime.taint import read_taint, require_conformance_of

EXAMPLES = (
    "drafthart taint hello.elf",
    "drafthart taint hello.elf --format json",
    "drafthart taint hello.elf --require h@1.0",
)


def taint(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A log, snapshot, report, profile, program or generated file."
        ),
    ],
    require: Annotated[
        str | None,
        typer.Option(
            "--require",
            metavar="REV",
            help="Refuse what is no result of this ratified revision alone.",
            autocompletion=complete_revision,
            show_default=False,
        ),
    ] = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Say with which revision a file was made, and whether that makes it unstable.

    Whatever Drafthart makes with an unratified revision says so, and what is made from several
    inputs is as unstable as the least stable of them.
    """
    found = read_taint(file)
    if require is not None:
        require_conformance_of(require, file)
    if format_ is Format.JSON:
        say_json({"file": str(file), "stability": found})
    elif found is None:
        say(f"{file}: no mark; made with what is ratified, or not by Drafthart")
    elif found["status"] == Status.RATIFIED.value:
        say(f"{file}: made with {found['revision']}, which is ratified")
    else:
        how = f", by {found['opt_in']}" if found["opt_in"] else ""
        say(f"{file}: unstable, made with {found['revision']} ({found['status']}){how}")
