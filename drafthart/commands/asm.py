"""`drafthart asm`: assembly in, an ELF file or plain bytes out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drafthart.arguments import OverlayOption, RevisionOption, SpecsOption, resolved
from drafthart.generator.assembly import assemble, flat, write_elf
from drafthart.generator.errors import DrafthartError
from drafthart.numbers import Address
from drafthart.output import write_file
from drafthart.runtime.files import read_file

EXAMPLES = (
    "drafthart asm hello.S --revision h@1.0",
    "drafthart asm hello.S --revision h@1.0 --flat --base 0x80200000",
)


def asm(
    source: Annotated[
        Path, typer.Argument(metavar="FILE", help="The source text.", show_default=False)
    ],
    revision: RevisionOption,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="The file to write; if not given, FILE with .elf or .bin.",
            show_default=False,
        ),
    ] = None,
    as_flat: Annotated[
        bool, typer.Option("--flat", help="Write plain bytes instead of an ELF file.")
    ] = False,
    base: Address = 0x8000_0000,
    specs: SpecsOption = None,
    overlay: OverlayOption = None,
) -> None:
    """Assemble a program for a revision.

    The source knows the names of the revision: CSRs, fields as masks, causes, and ids with a dot,
    as in `.ifdef insn.hlv.b`.
    """
    target = output or source.with_suffix(".bin" if as_flat else ".elf")
    if target.resolve() == source.resolve():
        raise DrafthartError(f"{target}: is the source itself; name another file with -o")
    program = assemble(
        _read(source),
        resolved(revision, specs, overlay=overlay),
        name=str(source),
        base=base,
        include=lambda name: _read(source.parent / name),
    )
    write_file(target, flat(program) if as_flat else write_elf(program))


def _read(path: Path) -> str:
    try:
        return read_file(path).decode()
    except UnicodeDecodeError:
        raise DrafthartError(f"{path}: is no UTF-8 text; name an assembly source") from None
