"""Archives that Linux unpacks into its first file system: cpio in the "newc" form.

The same entries give the same bytes: there is no time, owner or inode in them but what the order
gives.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass

_END = "TRAILER!!!"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, folder, symbolic link or character device.

    `name` has no leading slash. `mode` has type and permissions as in `stat`; `content` is a file's
    bytes or a link's target; `device` the major and minor number of a device.
    """

    name: str
    mode: int
    content: bytes = b""
    device: tuple[int, int] = (0, 0)


def folder(name: str) -> Entry:
    """A folder."""
    return Entry(name, stat.S_IFDIR | 0o755)


def file(name: str, content: bytes, *, executable: bool = False) -> Entry:
    """A regular file."""
    return Entry(name, stat.S_IFREG | (0o755 if executable else 0o644), content)


def link(name: str, target: str) -> Entry:
    """A symbolic link."""
    return Entry(name, stat.S_IFLNK | 0o777, target.encode())


def character_device(name: str, major: int, minor: int) -> Entry:
    """A character device."""
    return Entry(name, stat.S_IFCHR | 0o600, device=(major, minor))


def archive(entries: Iterable[Entry]) -> bytes:
    """The archive of these, in this order: a folder must come before what is in it.

    Raises ValueError for a name that is absolute or given twice, and a file of 4 GiB or more.
    """
    parts = []
    seen = set()
    for number, entry in enumerate(entries, 1):
        if entry.name in seen or entry.name.startswith("/") or entry.name in ("", _END):
            raise ValueError(f"{entry.name!r} cannot be the name of an entry, or is one already")
        seen.add(entry.name)
        parts.append(_record(entry, number))
    parts.append(_record(Entry(_END, 0), 0))
    return b"".join(parts)


def _record(entry: Entry, number: int) -> bytes:
    name = entry.name.encode() + b"\0"
    if len(entry.content) >= 1 << 32:
        raise ValueError(f"{entry.name} has 4 GiB or more")
    # Inode, mode, user, group, links, time, size, device of the archive (2), of the file (2),
    # length of the name, checksum (not used by this form).
    fields = (
        number,
        entry.mode,
        0,
        0,
        2 if stat.S_ISDIR(entry.mode) else 1,
        0,
        len(entry.content),
        0,
        0,
        *entry.device,
        len(name),
        0,
    )
    header = b"070701" + "".join(f"{field:08x}" for field in fields).encode()
    return _padded(header + name) + _padded(entry.content)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
