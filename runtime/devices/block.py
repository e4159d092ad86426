"""The virtio block device: a disk whose sectors are those of a file.

Source: Virtual I/O Device (VIRTIO) 1.2, section 5.2.
"""

import struct
from typing import ClassVar, Protocol

from drafthart.runtime.devices.virtqueue import MOST, Chain, QueueError
from drafthart.runtime.memory import Ram

SECTOR = 512

IN, OUT, FLUSH, GET_ID = 0, 1, 4, 8
OK, IO_ERROR, UNSUPPORTED = 0, 1, 2

SIZE_MAX, SEGMENTS_MAX = 1 << 16, MOST - 2
"""Bytes of a buffer, and buffers of a request beside its head and its status."""
DATA_MAX = SIZE_MAX * SEGMENTS_MAX
"""Bytes that a request may carry, so that the work of a notification is bounded."""

F_SIZE_MAX, F_SEG_MAX, F_READ_ONLY, F_BLK_SIZE, F_FLUSH = (1 << bit for bit in (1, 2, 5, 6, 9))

_HEADER = struct.Struct("<I4xQ")  # kind of request, first sector
_CONFIG = struct.Struct("<QII4xI")  # capacity, size_max, seg_max, (geometry,) blk_size
_CONFIG_SIZE = 60
_ID_SIZE = 20


class Storage(Protocol):
    """Where the sectors are. Methods raise OSError where the host cannot do it."""

    @property
    def name(self) -> str:
        """What the guest sees as the disk's serial number."""

    @property
    def sectors(self) -> int:
        """How many there are, of 512 bytes each."""

    @property
    def read_only(self) -> bool:
        """Does it refuse to be written?"""

    def read(self, sector: int, count: int) -> bytes:
        """Read sectors, which exist."""

    def write(self, sector: int, content: bytes) -> None:
        """Write whole sectors, which exist."""

    def flush(self) -> None:
        """Bring what was written to where it outlives the host's failure."""


class Block:
    """A disk with the sectors of `storage`."""

    DEVICE_ID: ClassVar[int] = 2
    QUEUES: ClassVar[int] = 1

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @property
    def features(self) -> int:
        """The feature bits that it offers."""
        read_only = F_READ_ONLY if self._storage.read_only else 0
        return F_SIZE_MAX | F_SEG_MAX | F_BLK_SIZE | F_FLUSH | read_only

    @property
    def config(self) -> bytes:
        """The configuration space."""
        packed = _CONFIG.pack(self._storage.sectors, SIZE_MAX, SEGMENTS_MAX, SECTOR)
        return packed.ljust(_CONFIG_SIZE, b"\0")

    def wants(self, queue: int) -> bool:
        """Requests are done at once."""
        return True

    def serve(self, queue: int, chain: Chain, ram: Ram) -> int:
        """Do a request; return how many bytes were written to its buffers."""
        room = chain.length(writable=True) - 1
        given = chain.length(writable=False)
        if room < 0 or given < _HEADER.size:
            raise QueueError("a request to a disk without a head or a status byte")
        if max(room, given) > DATA_MAX + _HEADER.size:
            content, status = b"", IO_ERROR
        else:
            content, status = self._do(chain.load(ram), room)
        chain.store(ram, content)
        chain.store(ram, bytes([status]), room)
        return len(content) + 1 if len(content) == room else room + 1

    def _do(self, request: bytes, room: int) -> tuple[bytes, int]:
        """What to write to the buffers, and the status."""
        kind, sector = _HEADER.unpack_from(request)
        data = request[_HEADER.size :]
        try:
            if kind == IN and self._fits(sector, room):
                return self._storage.read(sector, room // SECTOR), OK
            if kind == OUT and self._fits(sector, len(data)) and not self._storage.read_only:
                self._storage.write(sector, data)
                return b"", OK
            if kind == FLUSH:
                self._storage.flush()
                return b"", OK
        except OSError:
            return b"", IO_ERROR
        if kind == GET_ID:
            return self._storage.name.encode()[:_ID_SIZE].ljust(_ID_SIZE, b"\0")[:room], OK
        return b"", IO_ERROR if kind in (IN, OUT) else UNSUPPORTED

    def _fits(self, sector: int, length: int) -> bool:
        return length % SECTOR == 0 and sector + length // SECTOR <= self._storage.sectors
