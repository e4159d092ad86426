"""What commands that run, or make what runs, ask about a revision that is not ratified."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, TypeAlias

import typer

from drafthart.arguments import complete_revision
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA, Status
from drafthart.runtime.gate import Stability, is_stable, remarks, require_stable_or_opted_in

AllowUnstableOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-unstable",
        metavar="REV",
        help="Opt in to this revision although it is not ratified. May be repeated.",
        autocompletion=complete_revision,
    ),
]


@contextmanager
def by_name(revision: str, allowed: Sequence[str]) -> Iterator[None]:
    """Where a revision is unknown within, say so if it has another name now."""
    try:
        yield
    except DrafthartError:
        for _ in remarks([revision, *allowed]):
            pass
        raise


def admitted(isa: ISA, allowed: Sequence[str]) -> Stability:
    """The stability of `isa`; `DrafthartError` without the opt-in that it needs.

    Tells on stderr of an opt-in that needs none any more.
    """
    stability = require_stable_or_opted_in(isa, allowed)
    told = list(remarks([it for it in allowed if it != isa.id]))
    if is_stable(isa) and isa.id in allowed:
        told.append(f"{isa.id} is ratified and needs no opt-in; leave it out of what you allow")
    for line in told:
        typer.echo(f"drafthart: {line}", err=True)
    return stability


def announce(stability: Stability) -> None:
    """Tell on stderr that what begins to run is unstable, and who wanted it; nothing if it is not.

    A line, so that no run of a draft goes unnoticed, whatever else is printed.
    """
    if stability["status"] != Status.RATIFIED.value:
        typer.echo(
            f"drafthart: {stability['revision']} is unstable ({stability['status']}), "
            f"opted in by {stability['opt_in']}",
            err=True,
        )
