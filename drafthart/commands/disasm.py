"""`drafthart disasm`: instructions as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from drafthart.arguments import (
    Format,
    FormatOption,
    OverlayOption,
    RevisionOption,
    SpecsOption,
    resolved,
)
from drafthart.generator.assembly import Disassembler
from drafthart.generator.diff.code import Code, Section, code_of
from drafthart.generator.errors import DrafthartError
from drafthart.numbers import Address
from drafthart.output import say_json
from drafthart.runtime.files import read_file

EXAMPLES = (
    "drafthart disasm 0x600540f3 30200073 --revision h@1.0",
    "drafthart disasm hello.elf --revision h@1.0",
    "drafthart disasm hello.bin --base 0x80200000 --revision h@1.0",
)


def disasm(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|WORDS...",
            help="An ELF file, a file of plain bytes, or instruction words in hex.",
            show_default=False,
        ),
    ],
    revision: RevisionOption,
    base: Address = 0x8000_0000,
    format_: FormatOption = Format.TEXT,
    specs: SpecsOption = None,
    overlay: OverlayOption = None,
) -> None:
    """Disassemble a program or single words for a revision.

    A word that is no instruction there is shown as `.insn`. --base is for plain bytes and words;
    an ELF file knows its own addresses and symbols.
    """
    disassembler = Disassembler(resolved(revision, specs, overlay=overlay), shorthands=True)
    code = _code(what, base)
    if format_ is Format.JSON:
        say_json([line for section in code.sections for line in _data(disassembler, section, code)])
        return
    for number, section in enumerate(code.sections):
        if section.name:
            typer.echo(f"{chr(10) * (number > 0)}{section.name}:")
        for line in disassembler.listing(section.data, section.address, code.symbols):
            typer.echo(line)


def _code(what: list[str], base: int) -> Code:
    path = Path(what[0])
    if len(what) > 1 or (not path.exists() and re.fullmatch(r"(0x)?[0-9a-fA-F]+", what[0])):
        return Code([Section("", base, b"".join(_word(word) for word in what))], {})
    return code_of(read_file(path), str(path), base)


def _word(text: str) -> bytes:
    try:
        word = int(text, 16)
    except ValueError:
        raise DrafthartError(
            f"{text!r} is no instruction word; write hex such as 0x30200073, or name one file"
        ) from None
    size = 4 if word & 3 == 3 else 2
    if word < 0 or word >> 8 * size:
        raise DrafthartError(
            f"{text!r} has more than the {8 * size} bits that its low bits announce; "
            "give each instruction as one word"
        )
    return word.to_bytes(size, "little")


def _data(disassembler: Disassembler, section: Section, code: Code) -> Iterator[dict[str, Any]]:
    data, offset = section.data, 0
    while offset < len(data):
        announced = 4 if data[offset] & 3 == 3 else 2
        piece = data[offset : offset + announced]
        word = int.from_bytes(piece, "little")
        address = section.address + offset
        whole = len(piece) == announced
        decoded = disassembler.decode(word) if whole else None
        cut_off = ".byte " + ", ".join(f"{byte:#04x}" for byte in piece)
        yield {
            "address": address,
            "word": word,
            "size": len(piece),
            "item": f"insn:{decoded.instruction.mnemonic}" if decoded else None,
            "text": disassembler.text(word, address, code.symbols) if whole else cut_off,
        }
        offset += len(piece)
