"""Programs as ELF files, for loaders, debuggers and other tools."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from drafthart.generator.assembly.program import Program, ProgramSection, ProgramSymbol
from drafthart.generator.assembly.sections import PAGE

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_IDENTITY = b"\x7fELF\x02\x01\x01" + bytes(9)
_EXECUTABLE, _RISCV, _LOAD = 2, 243, 1
_COMPRESSED = 1
_PROGBITS, _SYMTAB, _STRTAB, _NOTE, _NOBITS, _ATTRIBUTES = 1, 2, 3, 7, 8, 0x7000_0003
_WRITE, _ALLOC, _EXECUTE = 1, 2, 4
_ABSOLUTE = 0xFFF1
_ORDER = "IMAFDQCVH"
_KINDS = {"object": 1, "function": 2}


@dataclass(slots=True)
class _Header:
    """A row of the section table, and its bytes with their place in the file."""

    name: str
    kind: int
    content: bytes = b""
    flags: int = 0
    address: int = 0
    size: int = 0
    link: int = 0
    info: int = 0
    alignment: int = 1
    entry_size: int = 0
    offset: int = 0


def write_elf(program: Program) -> bytes:
    """An ELF64 executable. The section `.note.drafthart` names the revision and its status."""
    segments = _segments(program)
    headers = [_Header("", 0), *(_loaded(section) for section in program.sections)]
    headers.append(_Header(".riscv.attributes", _ATTRIBUTES, _attributes(program)))
    headers.append(_Header(".note.drafthart", _NOTE, _note(program), alignment=4))
    symbols, names, local = _symbols(program)
    headers.append(
        _Header(
            ".symtab",
            _SYMTAB,
            symbols,
            link=len(headers) + 1,
            info=local,
            alignment=8,
            entry_size=_SYMBOL.size,
        )
    )
    headers.append(_Header(".strtab", _STRTAB, names))
    titles, title_offsets = _strings([*(header.name for header in headers), ".shstrtab"])
    headers.append(_Header(".shstrtab", _STRTAB, titles))

    content = bytearray(_HEADER.size + _SEGMENT.size * len(segments))
    for header in headers[1:]:
        # A loader maps whole pages, so offsets and addresses agree within a page.
        unit = PAGE if header.flags & _ALLOC else header.alignment
        content += bytes((header.address - len(content)) % unit)
        header.offset = len(content)
        header.size = header.size or len(header.content)
        content += header.content
    offsets = {header.address: header.offset for header in headers if header.flags & _ALLOC}
    content += bytes(-len(content) % 8)
    table = len(content)
    for header in headers:
        content += _SECTION.pack(
            title_offsets[header.name], header.kind, header.flags, header.address, header.offset,
            header.size, header.link, header.info, header.alignment, header.entry_size,
        )  # fmt: skip
    content[: _HEADER.size] = _HEADER.pack(
        _IDENTITY, _EXECUTABLE, _RISCV, 1, program.entry, _HEADER.size if segments else 0, table,
        _COMPRESSED if program.compressed else 0, _HEADER.size, _SEGMENT.size, len(segments),
        _SECTION.size, len(headers), len(headers) - 1,
    )  # fmt: skip
    for index, sections in enumerate(segments):
        _SEGMENT.pack_into(
            content, _HEADER.size + _SEGMENT.size * index, *_segment(sections, offsets)
        )
    return bytes(content)


def _segments(program: Program) -> list[list[ProgramSection]]:
    """Sections that are mapped alike and follow each other."""
    segments: list[list[ProgramSection]] = []
    for section in program.sections:
        rights = (section.writable, section.executable)
        last = segments[-1][-1] if segments else None
        if last is not None and rights == (last.writable, last.executable):
            segments[-1].append(section)
        else:
            segments.append([section])
    return segments


def _segment(sections: list[ProgramSection], offsets: dict[int, int]) -> tuple[int, ...]:
    first, last = sections[0], sections[-1]
    start = first.address
    stored = max((s.address + s.size - start for s in sections if not s.zeroed), default=0)
    rights = 4 | first.writable << 1 | int(first.executable)
    size = last.address + last.size - start
    return (_LOAD, rights, offsets[start], start, start, stored, size, PAGE)


def _loaded(section: ProgramSection) -> _Header:
    return _Header(
        section.name,
        _NOBITS if section.zeroed else _PROGBITS,
        section.data,
        _ALLOC | _WRITE * section.writable | _EXECUTE * section.executable,
        section.address,
        section.size,
        alignment=section.alignment,
    )


def _strings(names: list[str]) -> tuple[bytes, dict[str, int]]:
    table, offsets = bytearray(b"\0"), {"": 0}
    for name in names:
        if name not in offsets:
            offsets[name] = len(table)
            table += name.encode() + b"\0"
    return bytes(table), offsets


def _symbols(program: Program) -> tuple[bytes, bytes, int]:
    """The symbol table, the table of its names, and how many local symbols come first."""
    visible = [s for s in program.symbols.values() if not s.name.startswith(".L")]
    visible.sort(key=lambda symbol: symbol.exported)
    names, offsets = _strings([symbol.name for symbol in visible])
    indices = {section.name: index for index, section in enumerate(program.sections, start=1)}
    table = bytes(_SYMBOL.size) + b"".join(
        _SYMBOL.pack(
            offsets[symbol.name],
            symbol.exported << 4 | _KINDS.get(symbol.kind, 0),
            0,
            _index(symbol, indices),
            symbol.value,
            symbol.size,
        )
        for symbol in visible
    )
    return table, names, 1 + sum(not symbol.exported for symbol in visible)


def _index(symbol: ProgramSymbol, indices: dict[str, int]) -> int:
    """The section's number; the end of an empty section is kept as a mere number."""
    return indices.get(symbol.section or "", _ABSOLUTE)


def _note(program: Program) -> bytes:
    owner, description = b"Drafthart\0", f"{program.isa} ({program.status})".encode() + b"\0"
    header = struct.pack("<III", len(owner), len(description), 1)
    return header + owner + bytes(-len(owner) % 4) + description + bytes(-len(description) % 4)


def _attributes(program: Program) -> bytes:
    """The psABI's attributes, which tell disassemblers the extensions that have instructions."""
    letters = [letter for letter in _ORDER if letter in program.extensions]
    longer = sorted(name.lower() for name in program.extensions if name.startswith("Z"))
    architecture = "_".join(["rv64" + "".join(letters).lower(), *longer])
    arch_tag, file_tag = b"\x05", b"\x01"
    attribute = arch_tag + architecture.encode() + b"\0"
    part = file_tag + struct.pack("<I", len(attribute) + 5) + attribute
    vendor = b"riscv\0"
    return b"A" + struct.pack("<I", len(vendor) + len(part) + 4) + vendor + part
