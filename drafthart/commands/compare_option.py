"""The option of `drafthart run` for two revisions side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias

import typer

from drafthart.arguments import Format
from drafthart.generator.errors import DrafthartError
from drafthart.runtime.boot import Images

_TOGETHER = frozenset(
    ("compare", "program", "bios", "kernel", "initrd", "append", "dtb", "memory",
     "max_instructions", "allow_unstable")
)  # fmt: skip
"""Parameters of `run` that mean the same with --compare."""

CompareOption: TypeAlias = Annotated[
    tuple[str, str] | None,
    typer.Option(
        "--compare",
        metavar="REV REV",
        help="Run under two revisions, in place of --revision, until what they do parts; "
        "as drafthart compare does.",
        rich_help_panel="Looking inside",
        show_default=False,
    ),
]


def compare_instead(
    context: typer.Context,
    revisions: tuple[str, str],
    images: Images,
    memory: int | None,
    limit: int | None,
    allowed: Sequence[str],
) -> int:
    """Do it in place of a run, and give the exit status."""
    from drafthart.commands.compare import LIMIT, MEMORY, compare_runs

    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        given = source is not None and source.name == "COMMANDLINE"
        if given and parameter.name not in _TOGETHER:
            raise DrafthartError(f"{parameter.opts[0]}: does not go with --compare; leave it out")
    if not (images.program or images.kernel or images.bios):
        raise DrafthartError("--compare: nothing to run; name a program")
    return compare_runs(revisions, images, limit or LIMIT, memory or MEMORY, allowed, Format.TEXT)
