"""Arguments and options that several commands share, and what the shell offers for them."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.runtime import resolved as kept


class Format(StrEnum):
    """For people or for tools."""

    TEXT = "text"
    JSON = "json"


class Xlen(StrEnum):
    """Width of the integer registers."""

    RV32 = "32"
    RV64 = "64"


def complete_revision(incomplete: str) -> list[tuple[str, str]]:
    """Revisions that begin so, with their status."""
    from drafthart.generator.spec.resolve import revisions

    return [
        (summary.id, str(summary.status))
        for summary in revisions()
        if summary.id.startswith(incomplete)
    ]


def complete_item(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Ids of the named revision's items that begin so; bare names where no id does."""
    from drafthart.generator.diff.items import items

    try:
        isa = kept.resolved(ctx.params.get("revision") or "")
    except DrafthartError:
        return
    known = {id_: getattr(item, "doc", "") for id_, item in items(isa).items()}
    if not any(id_.startswith(incomplete) for id_ in known):
        known = {id_.partition(":")[2]: doc for id_, doc in known.items()}
    yield from ((name, doc) for name, doc in known.items() if name.startswith(incomplete))


Revision: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="REV",
        help="A revision: h@1.0, or a mixture such as h@1.0~2 or h@1.0^sv57x4.",
        autocompletion=complete_revision,
        show_default=False,
    ),
]
RevisionOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--revision",
        metavar="REV",
        help="A revision: h@1.0, or a mixture such as h@1.0~2 or h@1.0^sv57x4.",
        autocompletion=complete_revision,
        show_default=False,
    ),
]
FormatOption: TypeAlias = Annotated[
    Format, typer.Option("--format", help="For people (text) or for tools (json).")
]
XlenOption: TypeAlias = Annotated[Xlen, typer.Option("--xlen", help="The width of the hart.")]
SpecsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--specs",
        metavar="DIR",
        help="Specs of your own, instead of Drafthart's.",
        show_default=False,
    ),
]
OverlayOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--overlay",
        metavar="FILE",
        help="Put the changes of this overlay on the revision.",
        show_default=False,
    ),
]


def resolved(
    revision: str,
    specs: Path | None = None,
    xlen: Xlen = Xlen.RV64,
    overlay: Path | None = None,
) -> ISA:
    """The ISA that the command line names."""
    return kept.resolved(revision, specs=specs, xlen=int(xlen), overlay=overlay)
