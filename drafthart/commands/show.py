"""`drafthart show`: a revision or one item of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from drafthart import describe
from drafthart.arguments import (
    Format,
    FormatOption,
    OverlayOption,
    Revision,
    SpecsOption,
    Xlen,
    XlenOption,
    complete_item,
    resolved,
)
from drafthart.generator.diff.aspects import summary
from drafthart.generator.diff.items import Item, find, items
from drafthart.generator.emit.json_export import item_data
from drafthart.generator.spec import show as export
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.series import extension_of
from drafthart.output import say, say_json, table

EXAMPLES = (
    "drafthart show h@1.0",
    "drafthart show h@1.0 csr:hstatus",
    "drafthart show h@1.0~9 hlv.b",
    "drafthart show h@1.0 cause:22 --format json",
    "drafthart show h@1.0 fn:take_exception",
)

_ITEM_WIDTH = 32


def show(
    revision: Revision,
    item: Annotated[
        str | None,
        typer.Argument(
            metavar="ITEM",
            help="An id, such as csr:hstatus.VTW, insn:hlv.b or cause:22, or a bare name.",
            autocompletion=complete_item,
            show_default=False,
        ),
    ] = None,
    all_: Annotated[
        bool, typer.Option("--resolved", help="All items, those of the base included.")
    ] = False,
    format_: FormatOption = Format.TEXT,
    xlen: XlenOption = Xlen.RV64,
    specs: SpecsOption = None,
    overlay: OverlayOption = None,
) -> None:
    """Show a revision, or one of its items.

    Without ITEM: the changes that made the revision and the items that the extension brings.
    With one: its picture, what it does, and the changes that touched it.
    """
    isa = resolved(revision, specs, xlen, overlay=overlay)
    if item is None:
        if format_ is Format.JSON:
            say_json(export.show(isa, resolved=all_))
        else:
            say(*_overview(isa, all_))
        return
    id_, found = find(isa, item)
    if format_ is Format.JSON:
        say_json(item_data(isa, id_, found))
    else:
        say(*describe.page(isa, id_, found))


def _overview(isa: ISA, all_: bool) -> Iterator[str | Text | Table]:
    yield Text.assemble((isa.id, "bold"), f"  {isa.title}")
    base = f", on {isa.base}" if isa.base else ""
    yield f"{isa.status}, {isa.date}, riscv-isa-manual {isa.commit[:8]}, RV{isa.xlen}{base}"
    own = extension_of(isa.id)
    # Those of the base make the base, which can be shown by itself.
    changes = [change for change in isa.changes if extension_of(change.revision) == own]
    if changes:
        yield ""
        yield table(
            ("date", "revision", "change"),
            ((change.date, change.revision, change.id) for change in changes),
        )
    rows = [
        (id_, getattr(item, "doc", "") or summary(item))
        for id_, item in items(isa).items()
        if all_ or _origin(item)
    ]
    if rows:
        yield ""
        yield table(("item", ""), rows, first=_ITEM_WIDTH)


def _origin(item: Item) -> str:
    """The extension that brought the item; nothing for the base and for what only serves it."""
    return getattr(item, "origin", "")
