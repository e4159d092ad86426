"""`drafthart generate`: files made from a revision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from drafthart.arguments import OverlayOption, Revision, SpecsOption, Xlen, XlenOption, resolved
from drafthart.commands.stability import AllowUnstableOption, admitted
from drafthart.generator.emit.c_header import emit_c_header
from drafthart.generator.emit.exports.targets import FILES, FOLDERS
from drafthart.generator.emit.json_export import emit_json
from drafthart.generator.emit.python_engine import emit_python
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.output import write_file, write_folder
from drafthart.runtime.native.embedding import embedding

EXAMPLES = (
    "drafthart generate --target c-header h@1.0 -o hypervisor.h",
    "drafthart generate --target json h@1.0",
    "drafthart generate --target encoding-h h@1.0 -o encoding.h",
    "drafthart generate --target opcodes h@1.0 -o opcodes",
    "drafthart generate --target python h@1.0 -o hart.py",
    "drafthart generate --target c-engine h@1.0 -o hart",
    "drafthart generate --target python h@1.0~1 --allow-unstable h@1.0~1",
)


class Target(StrEnum):
    """What to make."""

    PYTHON = "python"
    C_HEADER = "c-header"
    JSON = "json"
    C_ENGINE = "c-engine"
    ENCODING_H = "encoding-h"
    OPCODES = "opcodes"
    OPCODES_JSON = "opcodes-json"
    SYSTEMVERILOG = "systemverilog"
    DECODETREE = "decodetree"
    RUST = "rust"
    GO = "go"
    LATEX = "latex"
    ASCIIDOC = "asciidoc"
    UDB = "udb"


_RUNNING = (Target.PYTHON, Target.C_ENGINE)
"""What is made to run, and so needs the opt-in."""

_FILES: Mapping[str, Callable[[ISA], str]] = {
    Target.PYTHON: partial(emit_python, to_import=True),
    Target.C_HEADER: emit_c_header,
    Target.JSON: emit_json,
    **FILES,
}
_FOLDERS: Mapping[str, Callable[[ISA], dict[str, str]]] = {Target.C_ENGINE: embedding, **FOLDERS}


def generate(
    revision: Revision,
    target: Annotated[
        Target,
        typer.Option(
            "--target",
            metavar="TARGET",
            help="python: the engine's module; c-header: numbers as macros; json: everything; "
            "encoding-h, opcodes-json: as riscv-opcodes makes them; systemverilog, rust, go: a "
            "package of constants; latex, asciidoc: tables. Folders: c-engine: a hart in C; "
            "opcodes: riscv-opcodes' sources; decodetree: patterns for QEMU's decoder generator; "
            "udb: YAML as in the unified database.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="OUT", help="Write there instead of stdout."),
    ] = None,
    allow_unstable: AllowUnstableOption = None,
    xlen: XlenOption = Xlen.RV64,
    specs: SpecsOption = None,
    overlay: OverlayOption = None,
) -> None:
    """Generate a file, or a folder of them, from a revision: the same bytes each time.

    The file names the revision it was made from, and says so where that is not ratified. To make
    an engine of such a revision takes the opt-in by its name.
    """
    isa = resolved(revision, specs, xlen, overlay=overlay)
    if target in _RUNNING:
        admitted(isa, allow_unstable or ())
    if target in _FOLDERS:
        if output is None:
            raise DrafthartError(f"--target {target}: makes a folder; name a new one with --output")
        write_folder(output, _FOLDERS[target](isa))
        return
    text = _FILES[target](isa)
    if output is None:
        typer.echo(text, nl=False)
    else:
        write_file(output, text)
