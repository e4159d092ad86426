"""Random probes in place of the systematic ones: how many, and by which seed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from drafthart.generator.errors import DrafthartError

RandomOption = Annotated[
    int | None,
    typer.Option(
        "--random",
        metavar="N",
        min=1,
        max=100_000,
        help="N random probes in place of the others; what differs is made as short as can be.",
        show_default=False,
    ),
]
SeedOption = Annotated[
    int | None,
    typer.Option(
        "--seed",
        metavar="S",
        min=0,
        help="What the random probes depend on [default: 1].",
        show_default=False,
    ),
]


def random_probes(
    count: int | None, seed: int | None, only: Sequence[str] | None, folder: Path | None
) -> tuple[int, int] | None:
    """Number and seed, or None. Raises `DrafthartError` for options that do not go together."""
    if count is None:
        if seed is not None:
            raise DrafthartError("--seed: is for random probes; add --random N")
        return None
    if only:
        raise DrafthartError("--random: takes no --only, which chooses among the other probes")
    if folder is not None:
        raise DrafthartError("--random: is not for --write-programs; leave one of them out")
    return count, 1 if seed is None else seed
