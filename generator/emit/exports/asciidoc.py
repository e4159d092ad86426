"""AsciiDoc tables of CSRs, their fields, and the encodings, to be read with include::."""

from __future__ import annotations

import re

from drafthart.generator.emit.exports.header import commented
from drafthart.generator.emit.exports.listings import Listing, listings
from drafthart.generator.emit.exports.names import line
from drafthart.generator.spec.model import ISA

_SPECIAL = re.compile(r"[^\w\s.,;/'-]|_|(?<=\.)\.|(?<=-)-")
"""What could format, link, refer, replace or end a cell; a character reference does not."""


def emit_asciidoc(isa: ISA) -> str:
    """The tables, with a title each."""
    return "\n".join([commented(isa, "//"), *map(_table, listings(isa))])


def escaped(text: str) -> str:
    """Text that AsciiDoc shows as it is."""
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", line(text))


def _table(it: Listing) -> str:
    lines = [
        f".{escaped(it.title)}",
        f'[%header,cols="{",".join(map(str, it.shares))}"]',
        "|===",
        _row(it.heads),
        "",
        *map(_row, it.rows),
        "|===",
    ]
    return "\n".join(lines) + "\n"


def _row(cells: tuple[str, ...]) -> str:
    return " ".join(f"|{escaped(cell)}" for cell in cells)
