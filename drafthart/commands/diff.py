"""`drafthart diff`: what changes from one revision to another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from drafthart.arguments import (
    Format,
    FormatOption,
    Revision,
    SpecsOption,
    Xlen,
    XlenOption,
    resolved,
)
from drafthart.generator.diff.differences import Difference, between, differences
from drafthart.generator.diff.items import PREFIXES
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.output import say, say_json, table

EXAMPLES = (
    "drafthart diff h@0.6.1 h@1.0",
    "drafthart diff h@0.6.1 h@1.0 --only csr --only insn",
    "drafthart diff h@0.6.1~1 h@0.6.1 --operations",
    "drafthart diff h@0.6.1 h@1.0 --format json",
    "drafthart diff h@0.1 h@0.1 --overlay specs/overlays/h-0.1.yaml",
)

_ITEM_WIDTH = 32
_LONG = ("summary", "by")
"""Aspects of which the old text is not worth its room."""
_STYLES = {"added": "green", "removed": "red"}


def diff(
    before: Revision,
    after: Revision,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help=f"Items of this kind: {', '.join(PREFIXES)}. May be repeated.",
            autocompletion=lambda incomplete: [p for p in PREFIXES if p.startswith(incomplete)],
            show_default=False,
        ),
    ] = None,
    operations: Annotated[
        bool, typer.Option("--operations", help="Show changed operations line by line.")
    ] = False,
    format_: FormatOption = Format.TEXT,
    xlen: XlenOption = Xlen.RV64,
    specs: SpecsOption = None,
    overlay: Annotated[
        Path | None,
        typer.Option(
            "--overlay",
            metavar="FILE",
            help="Put the changes of this overlay on the second revision.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show what differs between two revisions.

    Items are told by their identity: a field that keeps its name and moves is moved, and a
    renamed item is renamed, not lost and found. Each difference names the changes that brought it.
    With --overlay and twice the same revision: what the overlay does.
    """
    for kind in only or ():
        if kind not in PREFIXES:
            raise DrafthartError(f"--only {kind}: no such kind; choose of {', '.join(PREFIXES)}")
    a, b = resolved(before, specs, xlen), resolved(after, specs, xlen, overlay)
    found = [
        difference
        for difference in differences(a, b)
        if not only or difference.item.partition(":")[0] in only
    ]
    if format_ is Format.JSON:
        say_json(_data(a, b, found))
    else:
        say(*_report(a, b, found, operations))


def _data(a: ISA, b: ISA, found: list[Difference]) -> dict[str, object]:
    return {
        "before": {"revision": a.id, "status": str(a.status)},
        "after": {"revision": b.id, "status": str(b.status)},
        "changes": [change.id for change in between(a, b)],
        "differences": [asdict(difference) for difference in found],
    }


def _report(
    a: ISA, b: ISA, found: list[Difference], operations: bool
) -> Iterator[str | Text | Table]:
    counts = Counter(difference.kind for difference in found)
    listed = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
    yield Text.assemble((f"{a.id} → {b.id}", "bold"), f"  {listed or 'no difference'}")
    if not found:
        return
    yield ""
    rows = (_row(difference) for difference in found)
    yield table(("item", "what", "before → after"), rows, first=_ITEM_WIDTH)
    if operations:
        for difference in found:
            if difference.is_text:
                yield ""
                yield from _text(difference)


def _row(difference: Difference) -> tuple[str | Text, ...]:
    kind = Text(difference.kind, style=_STYLES.get(difference.kind, ""))
    if difference.kind == "added":
        what = difference.after or ""
    elif difference.kind == "removed":
        what = difference.before or ""
    elif difference.is_text:
        what = "changed" if difference.before and difference.after else "given"
    elif difference.kind in _LONG:
        what = f"now: {difference.after}"
    else:
        what = f"{difference.before or '(none)'} → {difference.after or '(none)'}"
    changes = f"\nby {', '.join(difference.changes)}" if difference.changes else ""
    return difference.item, kind, Text.assemble(what, (changes, "dim"))


def _text(difference: Difference) -> Iterator[Text]:
    for line in difference.unified().splitlines():
        yield Text(line, style={"+": "green", "-": "red", "@": "cyan"}.get(line[:1], ""))
