"""The options of `drafthart run` for what tests leave between begin_signature and end_signature."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from drafthart.generator.errors import DrafthartError
from drafthart.output import write_file
from drafthart.panels import INSIDE
from drafthart.runtime.machine import Machine, Outcome

_WIDTHS = ("4", "8", "16")
_BEGIN, _END = "begin_signature", "end_signature"

SignatureOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--signature",
        metavar="FILE",
        help=f"Write the memory from {_BEGIN} to {_END} at the end, as architecture tests want it.",
        rich_help_panel=INSIDE,
        show_default=False,
    ),
]
SignatureWidthOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--signature-granularity",
        metavar="BYTES",
        help=f"Bytes in a line of it: {', '.join(_WIDTHS)} [default: {_WIDTHS[0]}].",
        rich_help_panel=INSIDE,
        show_default=False,
    ),
]


@dataclass(frozen=True, slots=True)
class Signature:
    """Where to write it, and which addresses have it."""

    path: Path
    width: int
    begin: int
    end: int

    def write_after(self, machine: Machine, outcome: Outcome) -> None:
        """Write the file: a hexadecimal number a line, which memory holds little-endian.

        Nothing is written, and that told, where the guest did not end the run.
        """
        if outcome.reason != "exit":
            typer.echo(f"drafthart: {self.path}: not written; the guest did not end", err=True)
            return
        content = machine.bus.ram.load(self.begin, self.end - self.begin)
        cut = range(0, len(content), self.width)
        lines = (content[at : at + self.width][::-1].hex() for at in cut)
        write_file(self.path, "".join(f"{line}\n" for line in lines))


def signature_of(path: Path | None, granularity: str | None, machine: Machine) -> Signature | None:
    """What to write when the program has ended; None if nobody asks.

    Raises `DrafthartError` if the program has no such symbols, or they enclose no whole lines of
    RAM.
    """
    if path is None:
        if granularity is not None:
            raise DrafthartError("--signature-granularity: goes with --signature FILE; name one")
        return None
    if granularity is not None and granularity not in _WIDTHS:
        raise DrafthartError(
            f"--signature-granularity {granularity}: choose one of {', '.join(_WIDTHS)}"
        )
    for name in (_BEGIN, _END):
        if name not in machine.symbols:
            raise DrafthartError(
                f"--signature: the program has no symbol {name}; give it one, and do not strip it"
            )
    width = int(granularity or _WIDTHS[0])
    begin, end = machine.symbols[_BEGIN], machine.symbols[_END]
    if end <= begin or (end - begin) % width or not machine.bus.ram.contains(begin, end - begin):
        raise DrafthartError(
            f"--signature: {begin:#x} to {end:#x} is no range of RAM in lines of {width} bytes; "
            f"align {_END}, or choose another --signature-granularity"
        )
    return Signature(path, width, begin, end)
