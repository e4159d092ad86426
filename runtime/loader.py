"""Loading a program into guest RAM: an ELF file by its physical addresses, a Linux Image where its
header says, gzipped or not, or a flat binary.

Everything is checked before the first byte is copied, so that a bad file changes nothing.
"""

import io
import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from os import PathLike

from elftools.elf.elffile import ELFFile

from drafthart.generator.errors import DrafthartError
from drafthart.runtime.files import read_file
from drafthart.runtime.linux_image import image_header, unpacked
from drafthart.runtime.memory import Bus, Ram

_MAGIC = b"\x7fELF"
_SYMBOL = struct.Struct("<IBBHQQ")  # name, info, other, section, value, size
_SYMBOL_TYPES_SKIPPED = (3, 4)  # STT_SECTION and STT_FILE name no address of the program
_FUNCTION = 2  # STT_FUNC
_EXECUTABLE = 4  # SHF_EXECINSTR
_MAPPING_SYMBOLS = ("$x", "$d")  # mark code and data for disassemblers (RISC-V psABI)


@dataclass(frozen=True, slots=True)
class Function:
    """A piece of code that has a name: `size` bytes from `address`, as linked, and `physical`."""

    name: str
    address: int
    physical: int
    size: int


@dataclass(frozen=True, slots=True)
class Image:
    """What was loaded: all addresses are 64-bit guest addresses.

    `entry`, `tohost`, `fromhost`, `start` and `end` (just past the last byte, zeroed memory
    included) are physical; `symbols` are as linked, so virtual where the program was linked so.
    """

    entry: int
    symbols: dict[str, int]
    tohost: int | None
    fromhost: int | None
    start: int
    end: int
    functions: tuple[Function, ...] = ()


@dataclass(frozen=True, slots=True)
class _Segment:
    physical: int
    virtual: int
    content: memoryview
    size: int  # in memory; what `content` does not fill is zero

    @property
    def end(self) -> int:
        return self.physical + self.size


def load_image(path: str | PathLike[str], bus: Bus, *, default_address: int) -> Image:
    """Load the file at `path` into the RAM of `bus`, and say where it is.

    An ELF file goes to its physical addresses. A position-independent one (ET_DYN) whose addresses
    are not in RAM is moved up by `default_address`. A Linux Image goes to its offset from the base
    of RAM. Any other file is copied to `default_address` and entered there. Raises DrafthartError
    for a file that cannot be read, is damaged, is for another machine, or does not fit in RAM;
    then RAM is untouched.
    """
    ram = bus.ram
    content = unpacked(path, read_file(path), ram.size)
    if not content.startswith(_MAGIC):
        address, size = default_address, len(content)
        header = image_header(path, content)
        if header is not None:
            address = ram.base + header.offset if header.offset else default_address
            size = header.size
        segments = [_Segment(address, address, memoryview(content), size)]
        _check_fit(path, segments, ram)
        image = Image(address, {}, None, None, address, segments[0].end)
    else:
        segments, image = _read_elf(path, content, ram, default_address)
    for segment in segments:
        filled = len(segment.content)
        ram.store(segment.physical, bytes(segment.content))
        ram.clear(segment.physical + filled, segment.size - filled)
    return image


def _read_elf(
    path: str | PathLike[str], content: bytes, ram: Ram, default_address: int
) -> tuple[list[_Segment], Image]:
    _check_identity(path, content)
    # pyelftools raises whatever its parser stumbled over, so for a damaged file any exception
    # that is not already ours means just that.
    try:
        elf = ELFFile(io.BytesIO(content))
        _check_kind(path, elf)
        _check_tables(path, elf, len(content))
        segments = list(_segments(path, elf, content))
        symbols = _symbols(elf, content)
        functions = list(_functions(elf, content))
        entry = int(elf.header["e_entry"])
        movable = elf.header["e_type"] == "ET_DYN"
    except DrafthartError:
        raise
    except Exception as error:
        raise DrafthartError(
            f"{path}: damaged ELF file (bad headers), build or copy it again"
        ) from error
    if not segments:
        raise DrafthartError(f"{path}: has no loadable segments, link it to an executable first")
    if movable and not all(ram.contains(s.physical, s.size) for s in segments):
        segments = [
            replace(s, physical=s.physical + default_address, virtual=s.virtual + default_address)
            for s in segments
        ]
        symbols = {name: value + default_address for name, value in symbols.items()}
        functions = [(name, value + default_address, length) for name, value, length in functions]
        entry += default_address
    _check_fit(path, segments, ram)
    entry = _physical(entry, segments)
    if not ram.contains(entry, 2):
        raise DrafthartError(f"{path}: entry point {entry:#x} is outside RAM ({_range(ram)})")
    words = {n: _physical(symbols[n], segments) for n in ("tohost", "fromhost") if n in symbols}
    for name, address in words.items():
        if not ram.contains(address, 8):
            raise DrafthartError(
                f"{path}: symbol {name} at {address:#x} is outside RAM ({_range(ram)}), "
                "link it into the program"
            )
    image = Image(
        entry=entry,
        symbols=symbols,
        tohost=words.get("tohost"),
        fromhost=words.get("fromhost"),
        start=min(segment.physical for segment in segments),
        end=max(segment.end for segment in segments),
        functions=tuple(
            Function(name, value, _physical(value, segments), length)
            for name, value, length in functions
        ),
    )
    return segments, image


def _check_identity(path: str | PathLike[str], content: bytes) -> None:
    if len(content) < 64:
        raise DrafthartError(f"{path}: truncated ELF file (no full header), copy it again")
    if content[4] != 2:
        raise DrafthartError(f"{path}: not a 64-bit ELF file, build it for rv64")
    if content[5] != 1:
        raise DrafthartError(f"{path}: not a little-endian ELF file, build it for rv64")


def _check_kind(path: str | PathLike[str], elf: ELFFile) -> None:
    machine = elf.header["e_machine"]
    if machine != "EM_RISCV":
        name = str(machine).removeprefix("EM_")
        raise DrafthartError(f"{path}: is for the machine {name}, not RISC-V, build it for rv64")
    kind = elf.header["e_type"]
    if kind not in ("ET_EXEC", "ET_DYN"):
        name = str(kind).removeprefix("ET_")
        raise DrafthartError(f"{path}: ELF type {name} is no executable, link it first")


def _check_tables(path: str | PathLike[str], elf: ELFFile, length: int) -> None:
    """Refuse header tables that leave the file before anything walks through them."""
    header = elf.header
    for what, start, entry, expected, count in (
        ("segment", header["e_phoff"], header["e_phentsize"], 56, header["e_phnum"]),
        ("section", header["e_shoff"], header["e_shentsize"], 64, header["e_shnum"]),
    ):
        if count and entry != expected:
            raise DrafthartError(
                f"{path}: damaged ELF file ({what} entries of {entry} bytes), build it again"
            )
        if start + count * entry > length:
            raise DrafthartError(
                f"{path}: truncated ELF file ({what} table at {start:#x}), copy it again"
            )


def _segments(path: str | PathLike[str], elf: ELFFile, content: bytes) -> Iterator[_Segment]:
    for index in range(elf.header["e_phnum"]):
        header = elf.get_segment(index).header
        if header["p_type"] != "PT_LOAD" or not header["p_memsz"]:
            continue
        start, length, size = header["p_offset"], header["p_filesz"], header["p_memsz"]
        if start + length > len(content):
            raise DrafthartError(
                f"{path}: truncated ELF file (segment {index} ends at {start + length:#x}, "
                f"the file at {len(content):#x}), copy it again"
            )
        if length > size:
            raise DrafthartError(
                f"{path}: damaged ELF file (segment {index} has {length:#x} bytes for "
                f"{size:#x} bytes of memory), build it again"
            )
        bytes_ = memoryview(content)[start : start + length]
        yield _Segment(header["p_paddr"], header["p_vaddr"], bytes_, size)


def _symbols(elf: ELFFile, content: bytes) -> dict[str, int]:
    return {name: value for name, _, _, value, _ in _entries(elf, content)}


def _functions(elf: ELFFile, content: bytes) -> Iterator[tuple[str, int, int]]:
    """Name, address and size of what a profile tells apart, sorted by address.

    That is functions as compilers mark them; then, as assemblers mark nothing, the labels in code
    that lie in none of them, each up to the next one.
    """
    ends: dict[int, int] = {}
    for index in range(elf.header["e_shnum"]):
        section = elf.get_section(index).header
        if section["sh_flags"] & _EXECUTABLE:
            ends[index] = section["sh_addr"] + section["sh_size"]
    marked: dict[int, tuple[str, int]] = {}
    labels: dict[int, tuple[str, int]] = {}
    for name, kind, where, value, size in _entries(elf, content):
        if where in ends and kind == _FUNCTION and size:
            marked.setdefault(value, (name, min(size, ends[where] - value)))
        elif where in ends and kind in (0, _FUNCTION):
            labels.setdefault(value, (name, ends[where]))
    starts = sorted(marked)
    free = [
        value
        for value in sorted(labels)
        if (at := bisect_right(starts, value) - 1) < 0
        or value >= starts[at] + marked[starts[at]][1]
    ]
    following = sorted({*starts, *free})
    found = [(name, value, size) for value, (name, size) in marked.items()]
    for value in free:
        name, end = labels[value]
        at = bisect_right(following, value)
        end = min(end, following[at]) if at < len(following) else end
        found.append((name, value, end - value))
    yield from sorted(found, key=lambda it: it[1])


def _entries(elf: ELFFile, content: bytes) -> Iterator[tuple[str, int, int, int, int]]:
    """Name, type, section, value and size of the named, defined symbols of every table.

    The entries are unpacked here: a kernel has 100,000 of them, and a parsed object for each
    takes seconds.
    """
    for index in range(elf.header["e_shnum"]):
        section = elf.get_section(index).header
        if section["sh_type"] != "SHT_SYMTAB":
            continue
        linked = elf.get_section(section["sh_link"]).header
        strings = _cut(content, linked["sh_offset"], linked["sh_size"]) + b"\0"
        table = _cut(content, section["sh_offset"], section["sh_size"])
        whole = len(table) - len(table) % _SYMBOL.size
        for name, info, _, where, value, size in _SYMBOL.iter_unpack(table[:whole]):
            if where == 0 or info & 0xF in _SYMBOL_TYPES_SKIPPED:
                continue
            text = strings[name : strings.find(b"\0", name)].decode("utf-8", "replace")
            if text and not text.startswith(_MAPPING_SYMBOLS):
                yield text, info & 0xF, where, value, size


def _cut(content: bytes, start: int, size: int) -> bytes:
    return content[start : start + size]


def _check_fit(path: str | PathLike[str], segments: list[_Segment], ram: Ram) -> None:
    for segment in segments:
        if not ram.contains(segment.physical, segment.size):
            larger = segment.size > ram.size
            problem = "is larger than RAM" if larger else "is outside RAM"
            advice = "give the machine more memory" + ("" if larger else " or link it elsewhere")
            raise DrafthartError(
                f"{path}: what loads at {segment.physical:#x}..{segment.end:#x} {problem} "
                f"({_range(ram)}), {advice}"
            )


def _physical(address: int, segments: list[_Segment]) -> int:
    """Translate a linked address; one that no segment maps is physical already."""
    for segment in segments:
        if segment.virtual <= address < segment.virtual + segment.size:
            return address - segment.virtual + segment.physical
    return address


def _range(ram: Ram) -> str:
    return f"{ram.base:#x}..{ram.end:#x}"
