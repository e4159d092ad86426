"""Numbers as people type them on a command line."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

import typer

_SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def address(text: str | int) -> int:
    """A 64-bit address, decimal or with 0x. Typer passes a default as it is."""
    number = integer(text) if isinstance(text, str) else text
    if number is None or not 0 <= number < 1 << 64:
        raise typer.BadParameter(f"{text!r} is no address; write one such as 0x80000000")
    return number


def size(text: str | int) -> int:
    """A number of bytes: 4096, 64K, 256M, 1G. Typer passes a default as it is."""
    if isinstance(text, int):
        return text
    match = re.fullmatch(r"(\d+)([KMG]?)(i?B)?", text, re.IGNORECASE)
    if match is None or not int(match[1]):
        raise typer.BadParameter(f"{text!r} is no size; write one such as 256M or 1G")
    return int(match[1]) * _SIZES[match[2].upper()]


def integer(text: str) -> int | None:
    """A number as Python writes it, or None."""
    try:
        return int(text, 0)
    except ValueError:
        return None


Address: TypeAlias = Annotated[
    int,
    typer.Option(
        "--base",
        metavar="ADDR",
        parser=address,
        help="Where the program lies in memory [default: 0x80000000].",
        show_default=False,
    ),
]
