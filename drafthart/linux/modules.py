"""Kernel modules, as Debian's packages have them."""

from __future__ import annotations

import lzma
import re
from pathlib import Path

from drafthart.generator.errors import DrafthartError
from drafthart.runtime.files import read_file

_SIGNED = b"~Module signature appended~\n"
_SIGNATURE = 12
"""Bytes of the signature's description; the last four are the length of its data."""


def read_module(path: Path) -> bytes:
    """A module, decompressed and without signature: checking one costs a slow hart much time.

    Raises DrafthartError where it cannot be read, or is no module.
    """
    content = read_file(path)
    if path.suffix == ".xz":
        try:
            content = lzma.decompress(content)
        except lzma.LZMAError as error:
            raise DrafthartError(
                f"{path}: cannot be decompressed ({error}); copy it again"
            ) from None
    content = without_signature(content)
    if not content.startswith(b"\x7fELF"):
        raise DrafthartError(f"{path}: is no kernel module: name a .ko or .ko.xz file")
    return content


def without_signature(module: bytes) -> bytes:
    """The module without what `sign-file` appended, if anything."""
    if not module.endswith(_SIGNED):
        return module
    description = len(module) - len(_SIGNED) - _SIGNATURE
    signer, key = module[description + 3], module[description + 4]
    size = int.from_bytes(module[description + 8 : description + 12], "big")
    end = description - signer - key - size
    return module[:end] if end > 0 else module


def needed_by(module: bytes) -> list[str]:
    """The names of the modules that must be loaded before this one."""
    found = re.search(rb"\0depends=([^\0]*)\0", module)
    names = found.group(1).decode("ascii", "replace") if found else ""
    return [name for name in names.split(",") if name]
