"""Loading ELF files, made here byte by byte, and flat binaries."""

import random
import struct
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from drafthart.generator.errors import DrafthartError
from drafthart.runtime.loader import Image, load_image
from drafthart.runtime.memory import Bus, Ram

BASE, SIZE = 0x8000_0000, 0x1_0000
EXEC, DYN, REL = 2, 3, 1
RISCV, X86_64 = 243, 62
CODE = bytes(range(1, 33))


@dataclass
class Segment:
    """A program header and what it loads."""

    address: int = BASE
    content: bytes = CODE
    memory: int | None = None
    virtual: int | None = None
    kind: int = 1


@dataclass
class Elf:
    """An ELF64 file: header, program headers, contents, symbols, strings, section headers."""

    segments: list[Segment] = field(default_factory=lambda: [Segment()])
    symbols: dict[str, int] = field(default_factory=dict)
    entry: int = BASE
    kind: int = EXEC
    machine: int = RISCV

    def build(self) -> bytes:
        contents_at = 64 + 56 * len(self.segments)
        headers, contents = b"", b""
        for s in self.segments:
            virtual = s.address if s.virtual is None else s.virtual
            memory = len(s.content) if s.memory is None else s.memory
            offset = contents_at + len(contents)
            headers += struct.pack(
                "<IIQQQQQQ", s.kind, 7, offset, virtual, s.address, len(s.content), memory, 1
            )
            contents += s.content
        body = headers + contents
        body += bytes(-len(body) % 8)
        sections_at, sections = 0, b""
        if self.symbols:
            strings, table = b"\0", bytes(24)
            for name, value in self.symbols.items():
                table += struct.pack("<IBBHQQ", len(strings), 0x10, 0, 0xFFF1, value, 0)
                strings += name.encode() + b"\0"
            table_at = 64 + len(body)
            strings_at = table_at + len(table)
            body += table + strings
            sections_at = 64 + len(body)
            sections = bytes(64)
            sections += struct.pack("<IIQQQQIIQQ", 0, 2, 0, 0, table_at, len(table), 2, 1, 8, 24)
            sections += struct.pack("<IIQQQQIIQQ", 0, 3, 0, 0, strings_at, len(strings), 0, 0, 1, 0)
        header = b"\x7fELF\x02\x01\x01" + bytes(9)
        header += struct.pack(
            "<HHIQQQIHHHHHH",
            *(self.kind, self.machine, 1, self.entry, 64, sections_at, 0, 64, 56),
            *(len(self.segments), 64, len(sections) // 64, 2 if sections else 0),
        )
        return header + body + sections


@pytest.fixture
def bus() -> Bus:
    return Bus(Ram(BASE, SIZE))


def load(bus: Bus, path: Path, content: bytes, default_address: int = BASE) -> Image:
    file = path / "program"
    file.write_bytes(content)
    return load_image(file, bus, default_address=default_address)


def refuse(bus: Bus, path: Path, content: bytes, message: str) -> None:
    """Loading fails with one line that names the file, and RAM stays as it was."""
    bus.ram.u8[:] = b"\xaa" * SIZE
    with pytest.raises(DrafthartError, match=message) as caught:
        load(bus, path, content)
    assert str(caught.value).startswith(str(path / "program"))
    assert "\n" not in str(caught.value)
    assert bytes(bus.ram.data) == b"\xaa" * SIZE


def test_segments_go_to_their_physical_addresses(bus: Bus, tmp_path: Path) -> None:
    bus.ram.u8[:] = b"\xaa" * SIZE
    elf = Elf([Segment(), Segment(BASE + 0x1000, b"data", 16)], entry=BASE + 4)
    image = load(bus, tmp_path, elf.build())
    assert image == Image(BASE + 4, {}, None, None, BASE, BASE + 0x1010)
    assert bus.ram.load(BASE, 33) == CODE + b"\xaa"
    assert bus.ram.load(BASE + 0x1000, 17) == b"data" + bytes(12) + b"\xaa"


def test_symbols(bus: Bus, tmp_path: Path) -> None:
    symbols = {"main": BASE + 8, "tohost": BASE + 16, "fromhost": BASE + 24, "$xrv64i": BASE}
    image = load(bus, tmp_path, Elf(symbols=symbols).build())
    del symbols["$xrv64i"]
    assert image.symbols == symbols
    assert (image.tohost, image.fromhost) == (BASE + 16, BASE + 24)


def test_virtually_linked_program(bus: Bus, tmp_path: Path) -> None:
    high = 0xFFFF_FFFF_8000_0000
    segment = Segment(BASE + 0x2000, virtual=high)
    elf = Elf([segment], {"tohost": high + 8, "start": high}, entry=high + 4)
    image = load(bus, tmp_path, elf.build())
    assert image.entry == BASE + 0x2004
    assert image.tohost == BASE + 0x2008
    assert image.symbols["start"] == high


def test_position_independent_program_moves_only_if_it_must(bus: Bus, tmp_path: Path) -> None:
    elf = Elf([Segment(0x100)], {"tohost": 0x108}, entry=0x104, kind=DYN)
    image = load(bus, tmp_path, elf.build(), BASE + 0x2000)
    assert image == Image(
        BASE + 0x2104,
        {"tohost": BASE + 0x2108},
        BASE + 0x2108,
        None,
        BASE + 0x2100,
        BASE + 0x2120,
    )
    assert bus.ram.load(BASE + 0x2100, 32) == CODE
    fitting = Elf([Segment(BASE + 0x100)], entry=BASE + 0x100, kind=DYN)
    assert load(bus, tmp_path, fitting.build(), BASE + 0x2000).entry == BASE + 0x100


def test_fixed_program_never_moves(bus: Bus, tmp_path: Path) -> None:
    refuse(bus, tmp_path, Elf([Segment(0)], entry=0).build(), "outside RAM.*link it elsewhere")


def test_segments_that_load_nothing_are_skipped(bus: Bus, tmp_path: Path) -> None:
    elf = Elf([Segment(), Segment(0, b"note", kind=4), Segment(0, b"", 0)])
    assert load(bus, tmp_path, elf.build()).end == BASE + 32


def test_flat_binary(bus: Bus, tmp_path: Path) -> None:
    image = load(bus, tmp_path, b"\x13\0\0\0", BASE + 0x200)
    assert image == Image(BASE + 0x200, {}, None, None, BASE + 0x200, BASE + 0x204)
    assert bus.ram.load(BASE + 0x200, 4) == b"\x13\0\0\0"
    assert load(bus, tmp_path, bytes(SIZE)).end == BASE + SIZE


def test_flat_binary_that_does_not_fit(bus: Bus, tmp_path: Path) -> None:
    refuse(bus, tmp_path, bytes(SIZE + 1), "larger than RAM")
    with pytest.raises(DrafthartError, match="outside RAM"):
        load(bus, tmp_path, bytes(16), BASE + SIZE - 8)


@pytest.mark.parametrize(
    ("segment", "message"),
    [
        (Segment(memory=SIZE + 1), "larger than RAM.*more memory"),
        (Segment(BASE + 8, memory=SIZE), "outside RAM"),
        (Segment(BASE - 1), "outside RAM"),
        (Segment(BASE + SIZE - 31), "outside RAM"),
        (Segment((1 << 64) - 8), "outside RAM"),
        (Segment(memory=(1 << 64) - 1), "larger than RAM"),
        (Segment(memory=31), "damaged ELF file.*segment 1"),
    ],
)
def test_bad_segment_after_a_good_one(
    bus: Bus, tmp_path: Path, segment: Segment, message: str
) -> None:
    refuse(bus, tmp_path, Elf([Segment(), segment]).build(), message)


@pytest.mark.parametrize(
    ("elf", "message"),
    [
        (Elf(machine=X86_64), "machine X86_64, not RISC-V"),
        (Elf(machine=60000), "machine 60000, not RISC-V"),
        (Elf(kind=REL), "type REL is no executable"),
        (Elf(kind=4), "type CORE is no executable"),
        (Elf([]), "no loadable segments"),
        (Elf([Segment(kind=4)]), "no loadable segments"),
        (Elf(entry=0x1000), "entry point 0x1000 is outside RAM"),
        (Elf(symbols={"tohost": BASE + SIZE - 4}), "symbol tohost.*outside RAM"),
        (Elf(symbols={"fromhost": 8}), "symbol fromhost.*outside RAM"),
    ],
)
def test_unusable_files(bus: Bus, tmp_path: Path, elf: Elf, message: str) -> None:
    refuse(bus, tmp_path, elf.build(), message)


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (4, 1, "not a 64-bit"),
        (5, 2, "not a little-endian"),
        (54, 55, "damaged ELF file"),
        (58, 0, "damaged ELF file"),
        (56, 0xFF, "truncated ELF file"),
        (39, 0xFF, "truncated ELF file"),
        (47, 0xFF, "truncated ELF file"),
    ],
)
def test_bad_header_fields(bus: Bus, tmp_path: Path, at: int, value: int, message: str) -> None:
    content = bytearray(Elf(symbols={"a": BASE}).build())
    content[at] = value
    refuse(bus, tmp_path, bytes(content), message)


def test_every_truncation_is_noticed(bus: Bus, tmp_path: Path) -> None:
    whole = Elf([Segment(), Segment(BASE + 64)], {"main": BASE}).build()
    for length in range(4, len(whole)):
        refuse(bus, tmp_path, whole[:length], "truncated ELF file")


def test_no_damage_escapes_as_another_error(bus: Bus, tmp_path: Path) -> None:
    whole = Elf([Segment(), Segment(BASE + 64)], {"main": BASE, "tohost": BASE}).build()
    choose = random.Random(1)
    for _ in range(1000):
        content = bytearray(whole)
        for _ in range(choose.randint(1, 4)):
            content[choose.randrange(4, len(whole))] = choose.choice((0, 1, 0x7F, 0x80, 0xFF))
        try:
            image = load(bus, tmp_path, bytes(content))
        except DrafthartError:
            continue
        assert bus.ram.contains(image.entry, 2)
        assert BASE < image.end <= BASE + SIZE


@pytest.mark.parametrize("what", ["absent", "folder", "empty"])
def test_files_that_cannot_be_read(bus: Bus, tmp_path: Path, what: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()
    with pytest.raises(DrafthartError, match=r"no such file|directory|empty"):
        load_image(tmp_path / what, bus, default_address=BASE)
