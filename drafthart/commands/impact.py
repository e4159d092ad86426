"""`drafthart impact`: where the differences between two revisions touch a program."""

from __future__ import annotations

import lzma
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from drafthart.arguments import (
    Format,
    FormatOption,
    Revision,
    SpecsOption,
    Xlen,
    XlenOption,
    resolved,
)
from drafthart.commands.diff import ForOption
from drafthart.generator.diff.choice import KINDS, choose, report
from drafthart.generator.diff.findings import compare
from drafthart.generator.diff.rule_table import Severity
from drafthart.generator.errors import DrafthartError
from drafthart.generator.impact.api import impact as find_impact
from drafthart.generator.impact.as_json import impact_data
from drafthart.generator.impact.image import Image
from drafthart.impact_text import impact_text
from drafthart.numbers import address
from drafthart.output import advancing, say, say_json
from drafthart.runtime.files import read_file
from drafthart.runtime.linux_image import unpacked

EXAMPLES = (
    "drafthart impact h@0.6.1 h@1.0 hello.elf",
    "drafthart impact h@0.6.1 h@1.0 hello.elf --for hypervisor --fail-on breaking",
    "drafthart impact h@0.6.1 h@1.0 hello.S --all",
    "drafthart impact h@0.6.1 h@1.0 hello.bin --base 0x80200000 --format json",
)

_MOST = 1 << 30
"""Bytes that an image may have, packed or not."""


def impact(
    before: Revision,
    after: Revision,
    image: Annotated[
        Path,
        typer.Argument(
            metavar="IMAGE",
            help="An ELF file (a kernel, firmware, a module .ko, also .xz), a Linux Image, "
            "a source (.S .c .h), or a flat binary.",
            show_default=False,
        ),
    ],
    base: Annotated[
        int | None,
        typer.Option(
            "--base",
            metavar="ADDR",
            parser=address,
            help="Where a flat binary lies in memory.",
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORD",
            help=f"Differences of a severity ({', '.join(Severity)}), a kind of item "
            f"({', '.join(KINDS)}) or a rule. May be repeated.",
            show_default=False,
        ),
    ] = None,
    for_: ForOption = None,
    everything: Annotated[
        bool,
        typer.Option("--all", help="List what is only possible, and what nobody notices, too."),
    ] = False,
    fail_on: Annotated[
        Severity | None,
        typer.Option(
            "--fail-on",
            help="End with status 1 if a certain or likely place is as grave as this.",
            show_default=False,
        ),
    ] = None,
    format_: FormatOption = Format.TEXT,
    xlen: XlenOption = Xlen.RV64,
    specs: SpecsOption = None,
) -> int:
    """Show where a program meets what changes from one revision to another.

    Certain is what stands in an instruction: its encoding, the number of a CSR, a mask. Likely are
    masks, shifts and causes followed through the registers of a function. Possible are accesses of
    a CSR with a value that cannot be followed. In a source, names and defined numbers are found.
    The program may be built for either revision: what it has as the first had it, is marked.
    """
    choice = choose(only or (), for_ or ())
    a, b = resolved(before, specs, xlen), resolved(after, specs, xlen)
    content = _content(image)
    made = report(compare(a, b), choice)
    with _reading() as reading:
        found = find_impact(made, str(image), content, base=base, reading=reading)
    if format_ is Format.JSON:
        say_json(impact_data(found))
    else:
        say(*impact_text(found, everything=everything))
    gravest = found.gravest()
    return int(bool(fail_on and gravest and gravest.rank <= fail_on.rank))


@contextmanager
def _reading() -> Iterator[Callable[[Image], Callable[[int], None]]]:
    with advancing("Reading code") as start:
        yield lambda image: start(image.size)


def _content(path: Path) -> bytes:
    if path.is_file() and path.stat().st_size > _MOST:
        raise DrafthartError(f"{path}: is larger than {_MOST >> 30} GiB; name the program itself")
    content = read_file(path)
    if content.startswith(b"\xfd7zXZ\0"):
        content = _unxz(path, content)
    return unpacked(path, content, _MOST)


def _unxz(path: Path, content: bytes) -> bytes:
    expansion = lzma.LZMADecompressor(memlimit=_MOST)
    try:
        plain = expansion.decompress(content, _MOST)
    except lzma.LZMAError as error:
        raise DrafthartError(f"{path}: damaged xz file, copy it again") from error
    if not expansion.eof:
        what = "unpacks to more than 1 GiB" if len(plain) >= _MOST else "truncated xz file"
        raise DrafthartError(f"{path}: {what}, copy it again")
    return plain
