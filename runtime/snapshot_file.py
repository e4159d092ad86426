"""The container of a snapshot: a header in JSON, RAM without its zero pages, and a checksum.

docs/snapshots.md describes the format. What is read here comes from anyone: every number is
checked before it is used, and nothing in it is ever run.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import struct
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from drafthart.generator.errors import DrafthartError
from drafthart.runtime.files import read_file
from drafthart.runtime.memory import PAGE, Ram

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAGIC = b"\x89DHS\r\n\x1a\n"
"""As PNG's: a transfer that changes line ends or bit 7 is seen at once."""
VERSION = 2
"""Counts what a reader has to know; 2 has several harts, and more devices."""

_START = struct.Struct("<8sII")  # magic, version, bytes of the header
_LENGTH = struct.Struct("<I")
_DIGEST = hashlib.sha256().digest_size
_BLOCK = 64
"""Pages in a compressed block at most."""
_LEVEL = 1
"""Of zstandard: its fastest, for RAM as small as by the default."""
_WINDOW = 25
"""Logarithm of what a stream may ask the host for to be read: 32 MiB, the map of a tebibyte."""
_ZERO = bytes(PAGE)
_GROUP = 16 * PAGE
_ZERO_GROUP = bytes(_GROUP)

Track = Callable[[Sequence[list[int]]], Iterable[list[int]]]
"""Goes through the blocks of RAM, by the pages in each, and may show how far it is."""


@dataclass(frozen=True, slots=True)
class Container:
    """A snapshot whose checksum is right: the header as it was saved, and the RAM, compressed."""

    header: dict[str, Any]
    ram: memoryview


def write_container(
    file: BinaryIO, header: dict[str, Any], ram: Ram, track: Track | None = None
) -> None:
    """Write a snapshot to an open file."""
    digest = hashlib.sha256()

    def write(data: bytes) -> None:
        digest.update(data)
        file.write(data)

    text = json.dumps(header, separators=(",", ":")).encode()
    write(_START.pack(MAGIC, VERSION, len(text)))
    write(text)
    used = list(_used_pages(ram))
    bitmap = bytearray((ram.size // PAGE + 7) // 8)
    for page in used:
        bitmap[page >> 3] |= 1 << (page & 7)
    compressor = zstd.ZstdCompressor(_LEVEL)
    write(_block(compressor, bytes(bitmap)))
    blocks = [used[at : at + _BLOCK] for at in range(0, len(used), _BLOCK)]
    for pages in blocks if track is None else track(blocks):
        content = b"".join(ram.data[page * PAGE : (page + 1) * PAGE] for page in pages)
        write(_block(compressor, content))
    file.write(digest.digest())


def read_container(path: Path) -> Container:
    """Read and check a snapshot. Raises DrafthartError that says what is wrong with it."""
    content = memoryview(read_file(path))
    if bytes(content[: len(MAGIC)]) != MAGIC:
        raise DrafthartError(f"{path}: is no snapshot; name a file that run --save wrote")
    if len(content) < _START.size + _DIGEST:
        raise DrafthartError(f"{path}: is truncated; copy it again, or save it anew")
    _, version, size = _START.unpack_from(content)
    if version != VERSION:
        raise DrafthartError(
            f"{path}: has format {version}, and this Drafthart reads {VERSION}; "
            f"use the Drafthart that made it{', or a newer one' if version > VERSION else ''}"
        )
    body, digest = content[:-_DIGEST], bytes(content[-_DIGEST:])
    if hashlib.sha256(body).digest() != digest:
        raise DrafthartError(
            f"{path}: is truncated or damaged (its checksum is wrong); "
            "copy it again, or save it anew"
        )
    if _START.size + size > len(body):
        raise damaged(path, "the size of its header")
    try:
        header = json.loads(bytes(body[_START.size : _START.size + size]))
    except (ValueError, RecursionError):
        raise damaged(path, "its header") from None
    if not isinstance(header, dict):
        raise damaged(path, "its header")
    return Container(header, body[_START.size + size :])


def load_ram(path: Path, container: Container, ram: Ram) -> None:
    """Fill `ram` from a snapshot of its size; DrafthartError if it is of another one."""
    blocks = _blocks(path, container.ram)
    size = (ram.size // PAGE + 7) // 8
    bitmap = _unpack(path, next(blocks, memoryview(b"")), size)
    if int.from_bytes(bitmap, "little") >> ram.size // PAGE:
        raise damaged(path, "its map of pages")
    # Private pages that are given back read as zeros again.
    ram.data.madvise(mmap.MADV_DONTNEED)
    used = [page for page in range(ram.size // PAGE) if bitmap[page >> 3] >> (page & 7) & 1]
    for at in range(0, len(used), _BLOCK):
        pages = used[at : at + _BLOCK]
        content = _unpack(path, next(blocks, memoryview(b"")), len(pages) * PAGE)
        for index, page in enumerate(pages):
            ram.data[page * PAGE : (page + 1) * PAGE] = content[index * PAGE : (index + 1) * PAGE]
    if next(blocks, None) is not None:
        raise damaged(path, "what follows its RAM")


def damaged(path: Path, what: str) -> DrafthartError:
    """The error for a snapshot whose checksum is right and whose content is not."""
    return DrafthartError(f"{path}: is no sound snapshot ({what} cannot be right); save it anew")


def _used_pages(ram: Ram) -> Iterator[int]:
    """The pages that are not all zeros. Reading untouched ones takes no memory of the host's."""
    data = ram.data
    for start in range(0, ram.size, _GROUP):
        group = data[start : start + _GROUP]
        if group == _ZERO_GROUP:
            continue
        for offset in range(0, len(group), PAGE):
            if group[offset : offset + PAGE] != _ZERO:
                yield (start + offset) // PAGE


def _block(compressor: zstd.ZstdCompressor, content: bytes) -> bytes:
    compressed = compressor.compress(content, mode=zstd.ZstdCompressor.FLUSH_FRAME)
    return _LENGTH.pack(len(compressed)) + compressed


def _blocks(path: Path, content: memoryview) -> Iterator[memoryview]:
    at = 0
    while at < len(content):
        if at + _LENGTH.size > len(content):
            raise damaged(path, "the size of a block")
        (size,) = _LENGTH.unpack_from(content, at)
        at += _LENGTH.size
        if at + size > len(content):
            raise damaged(path, "the size of a block")
        yield content[at : at + size]
        at += size


def _unpack(path: Path, block: memoryview, size: int) -> bytes:
    """The `size` bytes that a block holds, no more: it cannot make us fill the host's memory."""
    reader = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _WINDOW})
    try:
        content = reader.decompress(block, size + 1)
    except zstd.ZstdError:
        raise damaged(path, "a block of its RAM") from None
    if len(content) != size or not reader.eof or reader.unused_data:
        raise damaged(path, "a block of its RAM")
    return content
