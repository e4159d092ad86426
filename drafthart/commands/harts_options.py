"""The options of `drafthart run` for a machine of several harts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.numbers import integer
from drafthart.panels import MACHINE
from drafthart.runtime.machine import MOST_HARTS, QUANTUM

if TYPE_CHECKING:
    from drafthart.runtime.snapshot import Snapshot

SHORTEST = 100
"""A loop of LR and SC that the manual promises an end has 16 instructions, and may be cut once."""

SmpOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--smp",
        metavar="N",
        min=1,
        max=MOST_HARTS,
        help=f"How many harts, up to {MOST_HARTS} [default: 1].",
        show_default=False,
        rich_help_panel=MACHINE,
    ),
]
QuantumOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--quantum",
        metavar="N",
        min=SHORTEST,
        max=1_000_000_000,
        help=f"How many instructions a hart runs before it is the next one's turn "
        f"[default: {QUANTUM}].",
        show_default=False,
        rich_help_panel=MACHINE,
    ),
]
HartRevisionOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--hart-revision",
        metavar="N=REV",
        help="Have hart N be of another revision. May be repeated.",
        rich_help_panel=MACHINE,
    ),
]


def isas_of_harts(
    isa: ISA,
    smp: int | None,
    chosen: Sequence[str],
    snapshot: Snapshot | None,
    resolve: Callable[[str], ISA],
) -> list[ISA]:
    """The ISA of each hart: that of hart 0, but for those that were given a revision of their own.

    A snapshot says how many harts there are. Raises `DrafthartError` for what does not go together.
    """
    saved = None if snapshot is None else 1 + len(snapshot.others)
    if smp is not None and saved is not None and smp != saved:
        assert snapshot is not None
        raise DrafthartError(
            f"{snapshot.path}: has {saved} hart{'s' * (saved > 1)}; leave --smp out, or say {saved}"
        )
    isas = [isa] * (saved or smp or 1)
    for text in chosen:
        name, _, revision = text.partition("=")
        number = integer(name)
        if number is None or not revision:
            raise DrafthartError(f"--hart-revision {text}: write N=REV, such as 1=h@0.6.1")
        if not 0 < number < len(isas):
            last = len(isas) - 1
            advice = (
                f"there are harts 1 to {last}, and --revision is for hart 0"
                if last
                else "there is one hart; add --smp N"
            )
            raise DrafthartError(f"--hart-revision {text}: {advice}")
        isas[number] = resolve(revision)
        if isas[number].xlen != isa.xlen:
            raise DrafthartError(f"--hart-revision {text}: all harts must have the same XLEN")
    return isas
