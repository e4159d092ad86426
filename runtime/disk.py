"""Disk images: raw files that back the machine's disks."""

from __future__ import annotations

import fcntl
import os
import stat
import weakref
from collections.abc import Callable
from pathlib import Path

from drafthart.generator.errors import DrafthartError
from drafthart.runtime.devices.block import SECTOR

MODES = ("write", "read-only", "temporary")
"""What becomes of what a guest writes: it goes to the file; it is refused; it is kept in memory
and gone when the run ends."""


class Disk:
    """The raw image at `path`, in one of MODES.

    `warn` is told, once for each kind, of what the host cannot do; the guest gets an I/O error
    then. Raises DrafthartError for a file that is missing, has no whole sectors, or is in use.
    """

    def __init__(self, path: Path, mode: str, warn: Callable[[str], None]) -> None:
        self._path = path
        self._mode = mode
        self._warn = warn
        self._warned: set[str] = set()
        self._changed: dict[int, bytes] = {}
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                raise DrafthartError(f"{path}: is no regular file, name a raw disk image")
            self._file = os.open(path, os.O_RDWR if mode == "write" else os.O_RDONLY)
        except OSError as error:
            advice = "" if mode != "write" or not path.exists() else ", or try another --disk-mode"
            raise DrafthartError(
                f"{path}: cannot be opened ({error.strerror}), check --disk{advice}"
            ) from None
        self._close = weakref.finalize(self, os.close, self._file)
        try:
            self.sectors = self._take(path, mode)
        except DrafthartError:
            self.close()
            raise

    def _take(self, path: Path, mode: str) -> int:
        """Make the image ours, and return how many sectors it has."""
        size = os.fstat(self._file).st_size
        if size == 0 or size % SECTOR:
            raise DrafthartError(
                f"{path}: has {size} bytes, and a disk has sectors of {SECTOR}; "
                "make it a multiple of that, for example with truncate -s"
            )
        try:
            # Two machines that write, or one that writes beside one that reads, destroy its data.
            kind = fcntl.LOCK_EX if mode == "write" else fcntl.LOCK_SH
            fcntl.flock(self._file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DrafthartError(
                f"{path}: another run uses this disk; end it, or copy the image"
            ) from None
        except OSError:
            pass  # a file system without locks
        return size // SECTOR

    @property
    def name(self) -> str:
        """What the guest sees as the disk's serial number."""
        return self._path.name

    @property
    def read_only(self) -> bool:
        """Does it refuse to be written?"""
        return self._mode == "read-only"

    @property
    def changed(self) -> bool:
        """Does memory hold sectors that the file does not?"""
        return bool(self._changed)

    def read(self, sector: int, count: int) -> bytes:
        """Read sectors; OSError where the file has become shorter, or the host fails."""
        try:
            content = os.pread(self._file, count * SECTOR, sector * SECTOR)
        except OSError as error:
            self._say("reading", error.strerror)
            raise
        if len(content) < count * SECTOR:
            self._say("reading", "the file has become shorter")
            raise OSError("short")
        if not self._changed:
            return content
        parts = (content[at * SECTOR : (at + 1) * SECTOR] for at in range(count))
        return b"".join(self._changed.get(sector + at, part) for at, part in enumerate(parts))

    def write(self, sector: int, content: bytes) -> None:
        """Write whole sectors; OSError where the host fails."""
        if self._mode == "temporary":
            for at in range(len(content) // SECTOR):
                self._changed[sector + at] = content[at * SECTOR : (at + 1) * SECTOR]
            return
        left, offset = memoryview(content), sector * SECTOR
        try:
            while left:
                done = os.pwrite(self._file, left, offset)
                left, offset = left[done:], offset + done
        except OSError as error:
            self._say("writing", error.strerror)
            raise

    def flush(self) -> None:
        """Have the host's file system keep what was written; OSError where it fails."""
        try:
            if self._mode == "write":
                os.fdatasync(self._file)
        except OSError as error:
            self._say("writing", error.strerror)
            raise

    def close(self) -> None:
        """Give the file back; the disk is not used any more."""
        self._close()

    def _say(self, doing: str, reason: str | None) -> None:
        if doing not in self._warned:
            self._warned.add(doing)
            self._warn(f"{self._path}: {doing} fails ({reason}); the guest gets an I/O error")
