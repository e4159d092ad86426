"""Packets of the remote serial protocol: framing, checksums, escapes."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

LARGEST = 0x4000
"""Bytes in a packet at most, as we tell gdb."""

INTERRUPT = 0x03
_ESCAPE = ord("}")
_ESCAPED = b"#$}*"


class Kind(Enum):
    """What arrived."""

    PACKET = auto()
    DAMAGED = auto()
    INTERRUPT = auto()
    ACKNOWLEDGED = auto()
    REFUSED = auto()


class Event(NamedTuple):
    """Something that arrived; `payload` is that of a packet, unescaped."""

    kind: Kind
    payload: bytes = b""


def encode(payload: bytes) -> bytes:
    """A packet with this payload."""
    escaped = bytearray()
    for byte in payload:
        if byte in _ESCAPED:
            escaped += bytes([_ESCAPE, byte ^ 0x20])
        else:
            escaped.append(byte)
    return b"$%b#%02x" % (bytes(escaped), sum(escaped) & 0xFF)


class Reader:
    """Finds packets in a stream that may be cut anywhere and may hold anything."""

    def __init__(self) -> None:
        self._packet: bytearray | None = None
        """The packet that has begun, without its `$`."""

    def feed(self, data: bytes) -> Iterator[Event]:
        """What these bytes complete. Whatever is between packets and no sign is skipped."""
        for byte in data:
            if self._packet is None:
                event = self._outside(byte)
            else:
                event = self._inside(self._packet, byte)
            if event is not None:
                yield event

    def _outside(self, byte: int) -> Event | None:
        match byte:
            case 0x24:  # $
                self._packet = bytearray()
            case 0x2B:  # +
                return Event(Kind.ACKNOWLEDGED)
            case 0x2D:  # -
                return Event(Kind.REFUSED)
            case 0x03:
                return Event(Kind.INTERRUPT)
        return None

    def _inside(self, packet: bytearray, byte: int) -> Event | None:
        if byte == ord("$"):
            # Never within a packet: the one before was cut off.
            packet.clear()
            return None
        packet.append(byte)
        if packet[-3:-2] != b"#":
            if len(packet) > 2 * LARGEST:
                self._packet = None
                return Event(Kind.DAMAGED)
            return None
        self._packet = None
        body, checksum = bytes(packet[:-3]), bytes(packet[-2:])
        try:
            right = int(checksum.decode("ascii"), 16) == sum(body) & 0xFF
        except ValueError:
            right = False
        return Event(Kind.PACKET, _unescape(body)) if right else Event(Kind.DAMAGED)


def _unescape(body: bytes) -> bytes:
    if _ESCAPE not in body:
        return body
    plain = bytearray()
    escaped = False
    for byte in body:
        if escaped:
            plain.append(byte ^ 0x20)
            escaped = False
        elif byte == _ESCAPE:
            escaped = True
        else:
            plain.append(byte)
    return bytes(plain)
