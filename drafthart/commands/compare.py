"""`drafthart compare`: the same guest under two revisions, until what it does parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from drafthart.arguments import Format, FormatOption, Revision
from drafthart.commands.stability import AllowUnstableOption, admitted, announce, by_name
from drafthart.generator.spec.model import ISA
from drafthart.numbers import size
from drafthart.output import advancing, say, say_json
from drafthart.runtime.assigned import require_assigned
from drafthart.runtime.boot import Images
from drafthart.runtime.gate import Stability, mixed
from drafthart.runtime.resolved import resolved
from drafthart.runtime.side_by_side import Parting, Together, side_by_side
from drafthart.side_by_side_text import outcome_data, parting_data, parting_text, together_text

EXAMPLES = (
    "drafthart compare h@1.0~1 h@1.0 hello.elf --allow-unstable h@1.0~1",
    "drafthart compare h@1.0 h@1.0 hello.elf --format json",
)

FORMAT = "drafthart-compare/1"
LIMIT = 5_000_000
MEMORY = 256 << 20

ImageArgument: TypeAlias = Annotated[
    Path,
    typer.Argument(metavar="IMAGE", help="The program to run.", show_default=False),
]
LimitOption: TypeAlias = Annotated[
    int,
    typer.Option("--max-instructions", metavar="N", min=1, help="Stop a run after N."),
]
MemoryOption: TypeAlias = Annotated[
    int,
    typer.Option(
        "--memory",
        metavar="SIZE",
        parser=size,
        help="RAM of the machine [default: 256M].",
        show_default=False,
    ),
]


def compare(
    before: Revision,
    after: Revision,
    image: ImageArgument,
    max_instructions: LimitOption = LIMIT,
    memory: MemoryOption = MEMORY,
    allow_unstable: AllowUnstableOption = None,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Run a program under two revisions side by side, until what it does parts.

    Shows the last instruction that did the same on both, what each did next, the CSRs that were
    not the same any more, and the differences of the revisions that have to do with it. The
    status is 1 where they part, 0 where they do the same to the end or to the limit. Runs on
    the python engine.
    """
    return compare_runs(
        (before, after),
        Images(program=image),
        max_instructions,
        memory,
        allow_unstable or (),
        format_,
    )


def compare_runs(
    revisions: tuple[str, str],
    images: Images,
    limit: int,
    memory: int,
    allowed: Sequence[str],
    format_: Format,
) -> int:
    """Do it, and give the exit status."""
    a, b = (_admitted(it, allowed) for it in revisions)
    stability = mixed(a[1], b[1])
    announce(stability)
    with advancing("Running both") as begin:
        done = 0
        advance = begin(limit)

        def progress(steps: int) -> None:
            nonlocal done
            advance(steps - done)
            done = steps

        found = side_by_side(
            (a[0], b[0]),
            (a[1], b[1]),
            images,
            memory=memory,
            limit=limit,
            progress=progress,
        )
    _show(found, a[0], b[0], stability, format_)
    return int(isinstance(found, Parting))


def _admitted(revision: str, allowed: Sequence[str]) -> tuple[ISA, Stability]:
    with by_name(revision, allowed):
        isa = resolved(revision)
    stability = admitted(isa, allowed)
    require_assigned(isa)
    return isa, stability


def _show(found: Parting | Together, a: ISA, b: ISA, stability: Stability, format_: Format) -> None:
    if format_ is Format.TEXT:
        if isinstance(found, Together):
            say(*together_text(found, a, b))
        else:
            say(*parting_text(found))
        return
    parted = isinstance(found, Parting)
    say_json(
        {
            "format": FORMAT,
            "stability": stability,
            "revisions": [a.id, b.id],
            "parted": parted,
            "outcome": None if isinstance(found, Parting) else outcome_data(found.outcome),
            "parting": parting_data(found) if isinstance(found, Parting) else None,
        }
    )
