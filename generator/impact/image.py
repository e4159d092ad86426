"""The code of a program: its executable sections, functions, and where code is mixed with data."""

from __future__ import annotations

import io
import struct
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from elftools.elf.elffile import ELFFile

from drafthart.generator.errors import DrafthartError
from drafthart.generator.impact.lines import Lines

_MAGIC = b"\x7fELF"
_EXECUTABLE = 4  # SHF_EXECINSTR
_CONTENT = 1  # SHT_PROGBITS
_FUNCTION, _LABEL = 2, 0  # STT_FUNC, STT_NOTYPE
_SYMBOL = struct.Struct("<IBBHQQ")  # name, info, other, section, value, size
_SYMBOL_32 = struct.Struct("<IIIBBH")  # name, value, size, info, other, section
_PE_EXECUTABLE = 0x20000000  # IMAGE_SCN_MEM_EXECUTE
_PE_SECTION = struct.Struct("<8sIIII12xI")  # name, size, address, raw size, raw offset, … flags


@dataclass(frozen=True, slots=True)
class Piece:
    """A function, or other code between two marks, as offsets in its section."""

    start: int
    end: int
    function: bool


@dataclass
class Section:
    """A piece of memory with code. `address` is where `content` begins.

    `functions` are starts and sizes, as offsets; `data` are offsets from and to.
    """

    name: str
    address: int
    content: bytes
    labels: list[tuple[int, str]] = field(default_factory=list)
    functions: dict[int, int] = field(default_factory=dict)
    marks: list[tuple[int, bool]] = field(default_factory=list)

    @cached_property
    def pieces(self) -> list[Piece]:
        """The code, cut at the starts of functions and at data."""
        cuts: dict[int, bool | None] = {0: None, **dict.fromkeys(self.functions, None)}
        cuts |= dict(self.marks)
        starts = sorted(at for at in cuts if at < len(self.content))
        found, is_code = [], True
        for at, end in zip(starts, [*starts[1:], len(self.content)], strict=True):
            marked = cuts[at]
            # A function begins with code, whatever was before it.
            is_code = marked if marked is not None else is_code or at in self.functions
            if is_code and end > at:
                found.append(Piece(at, end, at in self.functions))
        return found

    def symbol(self, offset: int) -> str:
        """The function or label before an offset, `name+0x10`; "" where there is none."""
        index = bisect_right(self._sorted, (offset, "\U0010ffff")) - 1
        if index < 0:
            return ""
        start, name = self._sorted[index]
        size = self.functions.get(start)
        if size and offset >= start + size:
            return ""
        return f"{name}+{offset - start:#x}" if offset > start else name

    @cached_property
    def _sorted(self) -> list[tuple[int, str]]:
        return sorted(self.labels)


@dataclass
class Image:
    """What a file holds. `relocatable`: addresses count from the start of each section.

    `remarks` say what is missing and what that means for what is found.
    """

    kind: str
    sections: list[Section]
    relocatable: bool = False
    lines: Lines | None = None
    remarks: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of code."""
        return sum(len(it.content) for it in self.sections)


def read_image(name: str, content: bytes, base: int | None = None, xlen: int = 64) -> Image:
    """An ELF file, a Linux Image, or with `base` a flat binary of code.

    Raises `DrafthartError` for what is damaged, for another machine, or has no code.
    """
    if content.startswith(_MAGIC):
        if base is not None:
            raise DrafthartError(f"{name}: an ELF file says where it lies; leave --base out")
        return _elf(name, content, xlen)
    if content[56:60] == b"RSC\x05":
        sections = list(_linux(name, content, base or 0))
        remarks = ["no symbols: places are offsets in the file" if base is None else "no symbols"]
        return Image("Linux Image", sections, remarks=[*remarks, _SWEPT])
    if base is None:
        raise DrafthartError(
            f"{name}: is no ELF file, Linux Image or source (.S .s .c .h); "
            "if it is a flat binary, say with --base where it lies"
        )
    return Image("flat binary", [Section("", base, content)], remarks=["no symbols", _SWEPT])


_SWEPT = "all of it is read as code, from its start on, data in it too"


def _linux(name: str, content: bytes, base: int) -> Iterator[Section]:
    """The executable sections that the PE header of an EFI stub tells, or else the whole."""
    found = False
    try:
        (header,) = struct.unpack_from("<I", content, 60)
        if content.startswith(b"MZ") and content[header : header + 4] == b"PE\0\0":
            count, optional = struct.unpack_from("<6xH12xH", content, header)
            for index in range(count):
                at = header + 24 + optional + 40 * index
                title, _, _, size, start, flags = _PE_SECTION.unpack_from(content, at)
                if not flags & _PE_EXECUTABLE:
                    continue
                if start + size > len(content):
                    raise DrafthartError(
                        f"{name}: truncated Linux kernel ({len(content)} of {start + size} "
                        "bytes), copy it again"
                    )
                found = True
                text = title.rstrip(b"\0").decode("ascii", "replace")
                yield Section(text, base + start, content[start : start + size])
    except struct.error:
        raise DrafthartError(f"{name}: truncated Linux kernel, copy it again") from None
    if not found:
        yield Section("", base, content)


def _elf(name: str, content: bytes, xlen: int) -> Image:
    # pyelftools raises whatever its parser stumbles over.
    try:
        elf = ELFFile(io.BytesIO(content))
        machine = str(elf.header["e_machine"])
        _check(name, elf, machine, xlen)
        return _read(name, content, elf)
    except DrafthartError:
        raise
    except Exception as error:
        raise DrafthartError(
            f"{name}: damaged or truncated ELF file ({type(error).__name__} in its headers), "
            "build or copy it again"
        ) from error


def _check(name: str, elf: ELFFile, machine: str, xlen: int) -> None:
    if machine != "EM_RISCV":
        other = machine.removeprefix("EM_")
        raise DrafthartError(
            f"{name}: is for the machine {other}, not RISC-V; name a program for RISC-V"
        )
    if not elf.little_endian:
        raise DrafthartError(f"{name}: is big-endian, which no hart here is")
    if elf.elfclass != xlen:
        raise DrafthartError(f"{name}: is for {elf.elfclass}-bit harts; add --xlen {elf.elfclass}")


def _read(name: str, content: bytes, elf: ELFFile) -> Image:
    relocatable = elf.header["e_type"] == "ET_REL"
    image = Image("object file" if relocatable else "ELF file", [], relocatable)
    by_index: dict[int, Section] = {}
    for index in range(elf.header["e_shnum"]):
        section = elf.get_section(index)
        header = section.header
        flags, size, start = header["sh_flags"], header["sh_size"], header["sh_offset"]
        if not flags & _EXECUTABLE or header["sh_type"] != "SHT_PROGBITS" or not size:
            continue
        _check_inside(name, section.name, start + size, len(content))
        bytes_ = content[start : start + size]
        by_index[index] = Section(section.name, header["sh_addr"], bytes_)
    if not by_index:
        image.sections = list(_segments(name, content, elf))
    else:
        image.sections = list(by_index.values())
    if not image.sections:
        raise DrafthartError(f"{name}: has no code; name the program itself")
    found = _symbols(name, content, elf, by_index, relocatable)
    if not found:
        named = any(it.labels for it in image.sections)
        image.remarks += [f"no symbols{' but those for linking' if named else ''}", _SWEPT]
    if relocatable and elf.has_dwarf_info():
        # Its tables mean nothing before the linker has put addresses into them.
        image.remarks.append("no source lines: they are known once it is linked")
    elif not relocatable:
        image.lines = Lines.of(elf)
    return image


def _segments(name: str, content: bytes, elf: ELFFile) -> Iterator[Section]:
    """Of a program whose section headers were stripped."""
    for segment in elf.iter_segments():
        header = segment.header
        if header["p_type"] == "PT_LOAD" and header["p_flags"] & 1 and header["p_filesz"]:
            start, size = header["p_offset"], header["p_filesz"]
            _check_inside(name, "a segment", start + size, len(content))
            yield Section("", header["p_vaddr"], content[start : start + size])


def _check_inside(name: str, what: str, end: int, size: int) -> None:
    if end > size:
        raise DrafthartError(
            f"{name}: truncated ELF file ({what} ends at {end:#x}, the file at {size:#x}), "
            "copy it again"
        )


def _symbols(
    name: str, content: bytes, elf: ELFFile, sections: Mapping[int, Section], relocatable: bool
) -> bool:
    """Give the sections their functions, labels and marks; False if none has a symbol.

    Unpacked here: a kernel has 100,000 symbols, and a parsed object for each takes seconds.
    """
    found = False
    marks: dict[int, dict[int, bool]] = {index: {} for index in sections}
    for index in range(elf.header["e_shnum"]):
        header = elf.get_section(index).header
        if header["sh_type"] not in ("SHT_SYMTAB", "SHT_DYNSYM"):
            continue
        linked = elf.get_section(header["sh_link"]).header
        _check_inside(name, "a symbol table", header["sh_offset"] + header["sh_size"], len(content))
        strings = content[linked["sh_offset"] :][: linked["sh_size"]] + b"\0"
        table = content[header["sh_offset"] :][: header["sh_size"]]
        for at, info, where, value, size in _entries(table, elf.elfclass):
            section = sections.get(where)
            if section is None or info & 0xF not in (_FUNCTION, _LABEL):
                continue
            title = strings[at : strings.find(b"\0", at)].decode("utf-8", "replace")
            offset = value if relocatable else value - section.address
            if not 0 <= offset < len(section.content):
                continue
            if title.startswith(("$x", "$d")):
                marks[where][offset] = title[1] == "x"
                continue
            if not title.isprintable() or not title or title.startswith(".L"):
                continue
            found |= header["sh_type"] == "SHT_SYMTAB"
            section.labels.append((offset, title[:120]))
            if info & 0xF == _FUNCTION:
                section.functions[offset] = max(size, section.functions.get(offset, 0))
    for index, section in sections.items():
        section.marks = sorted(marks[index].items())
    return found


def _entries(table: bytes, width: int) -> Iterator[tuple[int, int, int, int, int]]:
    """Name, info, section, value and size of each entry."""
    if width == 64:
        whole = len(table) - len(table) % _SYMBOL.size
        for name, info, _, where, value, size in _SYMBOL.iter_unpack(table[:whole]):
            yield name, info, where, value, size
    else:
        whole = len(table) - len(table) % _SYMBOL_32.size
        for name, value, size, info, _, where in _SYMBOL_32.iter_unpack(table[:whole]):
            yield name, info, where, value, size
