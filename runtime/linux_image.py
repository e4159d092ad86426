"""The file formats of Linux kernels for RISC-V: Image, and what it comes packed in.

Source: Linux's Documentation/arch/riscv/boot-image-header.rst for Image, and the header that
drivers/firmware/efi/libstub/zboot-header.S describes for a compressed EFI kernel.
"""

import struct
import zlib
from dataclasses import dataclass
from os import PathLike

from drafthart.generator.errors import DrafthartError

_HEADER = struct.Struct("<8xQQQ4x4x8x8s4s4x")  # text_offset, image_size, flags, magic, magic2
_MAGIC2_AT = 56
_MAGIC2 = b"RSC\x05"
_BIG_ENDIAN = 1

_GZIP = b"\x1f\x8b"
_ZBOOT = struct.Struct("<4s4sII8x32s")  # "MZ", "zimg", offset and size of the payload, its packing
_WINDOW = 16 + zlib.MAX_WBITS  # a gzip header is to be there


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Bytes from the base of RAM at which the kernel wants to be, and bytes that it occupies."""

    offset: int
    size: int


def image_header(path: str | PathLike[str], content: bytes) -> ImageHeader | None:
    """The header of a Linux Image; None if `content` is none.

    Raises DrafthartError for one that is cut off or is big-endian.
    """
    if content[_MAGIC2_AT : _MAGIC2_AT + 4] != _MAGIC2 or len(content) < _HEADER.size:
        return None
    offset, size, flags, _, _ = _HEADER.unpack_from(content)
    if flags & _BIG_ENDIAN:
        raise DrafthartError(f"{path}: is a big-endian Linux kernel, build a little-endian one")
    # What is not in the file is the kernel's zeroed memory, which its build puts at the end; but
    # of the sections before it, the EFI header of the file tells how long they must be.
    needed = _sections_end(content)
    if needed > len(content):
        raise DrafthartError(
            f"{path}: truncated Linux kernel ({len(content)} of {needed} bytes), copy it again"
        )
    return ImageHeader(offset, max(size, len(content)))


def unpacked(path: str | PathLike[str], content: bytes, most: int) -> bytes:
    """`content`, or what is packed in it with gzip, alone or in an EFI zboot kernel.

    Raises DrafthartError where it is damaged, longer than `most` bytes, or packed otherwise.
    """
    if content.startswith(b"MZ") and content[4:8] == b"zimg" and len(content) >= _ZBOOT.size:
        _, _, start, size, packing = _ZBOOT.unpack_from(content)
        name = packing.split(b"\0")[0].decode("ascii", "replace")
        if name != "gzip":
            raise DrafthartError(
                f"{path}: a kernel packed with {name}, which is not known here; "
                "unpack it, or take the Image"
            )
        if start + size > len(content):
            raise DrafthartError(
                f"{path}: truncated Linux kernel ({len(content)} of {start + size} bytes), "
                "copy it again"
            )
        content = content[start : start + size]
    if not content.startswith(_GZIP):
        return content
    expansion = zlib.decompressobj(_WINDOW)
    try:
        plain = expansion.decompress(content, most + 1)
    except zlib.error as error:
        raise DrafthartError(f"{path}: damaged gzip file, copy it again") from error
    if len(plain) > most:
        raise DrafthartError(
            f"{path}: unpacks to more than {most >> 20} MiB, give the machine more memory"
        )
    if not expansion.eof:
        raise DrafthartError(f"{path}: truncated gzip file, copy it again")
    return plain


def _sections_end(content: bytes) -> int:
    """Where the last section of a PE file ends in it; 0 if it is none, as without an EFI stub."""
    try:
        (header,) = struct.unpack_from("<I", content, 60)
        if not content.startswith(b"MZ") or content[header : header + 4] != b"PE\0\0":
            return 0
        sections, optional = struct.unpack_from("<6xH12xH", content, header)
        table = header + 24 + optional
        ends = [
            start + length
            for index in range(sections)
            for length, start in [struct.unpack_from("<16xII", content, table + 40 * index)]
        ]
    except struct.error:
        return len(content) + 1  # the header itself is cut off
    return max(ends, default=0)
