"""Kernels as Linux builds them: Image, gzipped, in an EFI zboot kernel; and damaged ones."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import pytest

from drafthart.generator.errors import DrafthartError
from drafthart.runtime.loader import load_image
from drafthart.runtime.memory import Bus, Ram

BASE, SIZE = 0x8000_0000, 4 << 20
DEFAULT = BASE + 0x10_0000


def linux_image(
    offset: int = 0x20_0000, zeroed: int = 0x1000, *, flags: int = 0, stub: bool = False
) -> bytes:
    """An Image of 1 KiB that occupies `zeroed` bytes more; with an EFI stub's header or without."""
    length = 1024
    header = struct.pack(
        "<4sIQQQIIQ8s4sI",
        b"MZ\x6f\x10" if stub else b"\x6f\x00\x00\x04",
        0,
        offset,
        length + zeroed,
        flags,
        2,
        0,
        0,
        b"RISCV\0\0\0",
        b"RSC\x05",
        64 if stub else 0,
    )
    if stub:
        pe = b"PE\0\0" + struct.pack("<HHIIIHH", 0x5064, 1, 0, 0, 0, 160, 0x206) + bytes(160)
        section = struct.pack("<8sIIII16x", b".text", 0x400, 0x200, 0x200, 0x200)
        header += pe + section
    return header.ljust(length, b"\x5a")


@pytest.fixture
def bus() -> Bus:
    return Bus(Ram(BASE, SIZE))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "Image"


@pytest.mark.parametrize("stub", [False, True])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_an_image_goes_where_its_header_says(
    bus: Bus, path: Path, stub: bool, pack: type[bytes]
) -> None:
    content = linux_image(stub=stub)
    path.write_bytes(pack(content))
    bus.ram.store(BASE + 0x20_0000 + 1024, b"\xff" * 0x1000)
    image = load_image(path, bus, default_address=DEFAULT)
    assert (image.entry, image.start, image.end) == (
        BASE + 0x20_0000,
        BASE + 0x20_0000,
        BASE + 0x20_0000 + 1024 + 0x1000,
    )
    assert bus.ram.load(image.entry, 1024) == content
    assert bus.ram.load(image.entry + 1024, 0x1000) == bytes(0x1000)


def test_an_image_without_an_offset(bus: Bus, path: Path) -> None:
    path.write_bytes(linux_image(offset=0))
    assert load_image(path, bus, default_address=DEFAULT).entry == DEFAULT


def zboot(packed: bytes, packing: bytes = b"gzip") -> bytes:
    return (
        struct.pack("<4s4sII8x32s", b"MZ\0\0", b"zimg", 512, len(packed), packing).ljust(512, b"\0")
        + packed
    )


def test_zboot(bus: Bus, path: Path) -> None:
    content = linux_image()
    path.write_bytes(zboot(gzip.compress(content)) + b"trailing")
    image = load_image(path, bus, default_address=DEFAULT)
    assert bus.ram.load(image.entry, 1024) == content


PACKED = gzip.compress(linux_image(), mtime=0)
"""The same bytes in each process that collects these tests."""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (linux_image(flags=1), "big-endian"),
        (linux_image(stub=True)[:1000], r"truncated Linux kernel \(1000 of 1024 bytes\)"),
        (linux_image(stub=True)[:100], "truncated Linux kernel"),
        (linux_image(zeroed=SIZE), "is larger than RAM"),
        (linux_image(offset=SIZE), "is outside RAM"),
        (linux_image(offset=(1 << 64) - 8), "is outside RAM"),
        (PACKED[:-9], "truncated gzip file"),
        (PACKED[:40] + bytes(40), "damaged gzip file"),
        (gzip.compress(bytes(SIZE + 1), mtime=0), "unpacks to more than 4 MiB"),
        (zboot(PACKED)[:540], "truncated Linux kernel"),
        (zboot(b"x" * 100, b"zstd"), "packed with zstd"),
    ],
    ids=lambda it: it if isinstance(it, str) else "",
)
def test_bad_kernels(bus: Bus, path: Path, content: bytes, message: str) -> None:
    path.write_bytes(content)
    with pytest.raises(DrafthartError, match=message) as raised:
        load_image(path, bus, default_address=DEFAULT)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert bus.ram.load(BASE, SIZE) == bytes(SIZE)
