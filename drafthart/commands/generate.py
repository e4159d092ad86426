"""`drafthart generate`: files made from a revision."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from drafthart.arguments import OverlayOption, Revision, SpecsOption, Xlen, XlenOption, resolved
from drafthart.generator.emit.c_header import emit_c_header
from drafthart.generator.emit.json_export import emit_json
from drafthart.generator.emit.python_engine import emit_python
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.output import write_file, write_folder
from drafthart.runtime.native.embedding import embedding

EXAMPLES = (
    "drafthart generate --target c-header h@1.0 -o hypervisor.h",
    "drafthart generate --target json h@0.6.1",
    "drafthart generate --target python h@1.0 -o hart.py",
    "drafthart generate --target c-engine h@1.0 -o hart",
)


class Target(StrEnum):
    """What to make."""

    PYTHON = "python"
    C_HEADER = "c-header"
    JSON = "json"
    C_ENGINE = "c-engine"


_EMITTERS: dict[Target, Callable[[ISA], str]] = {
    Target.PYTHON: emit_python,
    Target.C_HEADER: emit_c_header,
    Target.JSON: emit_json,
}


def generate(
    revision: Revision,
    target: Annotated[
        Target,
        typer.Option(
            "--target",
            help="python: the engine's module; c-header: numbers as macros; json: everything; "
            "c-engine: a folder with a hart in C.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="OUT", help="Write there instead of stdout."),
    ] = None,
    xlen: XlenOption = Xlen.RV64,
    specs: SpecsOption = None,
    overlay: OverlayOption = None,
) -> None:
    """Generate a file, or a folder of them, from a revision: the same bytes each time.

    The file names the revision it was made from, and says so where that is not ratified.
    """
    isa = resolved(revision, specs, xlen, overlay=overlay)
    if target is Target.C_ENGINE:
        if output is None:
            raise DrafthartError("--target c-engine: makes a folder; name a new one with --output")
        write_folder(output, embedding(isa))
        return
    text = _EMITTERS[target](isa)
    if output is None:
        typer.echo(text, nl=False)
    else:
        write_file(output, text)
