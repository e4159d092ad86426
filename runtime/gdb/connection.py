"""The socket that gdb connects to, and one connection through it."""

from __future__ import annotations

import select
import socket
from collections import deque

from drafthart.generator.errors import DrafthartError
from drafthart.runtime.gdb.packets import LARGEST, Kind, Reader, encode


class Gone(Exception):
    """The debugger closed the connection, or it broke."""


class Connection:
    """Packets to and from one debugger."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._link.setblocking(False)
        self._reader = Reader()
        self._packets: deque[bytes] = deque()
        self._interrupted = False
        self._last = b""
        self.acknowledging = True
        """Are packets acknowledged? Until QStartNoAckMode."""

    def receive(self, timeout: float) -> bytes | None:
        """The next packet, or None after `timeout` seconds; raises Gone."""
        if not self._packets and self._ready(timeout):
            self._read()
        return self._packets.popleft() if self._packets else None

    def interrupted(self) -> bool:
        """Did the debugger ask the guest to stop since the last call? Does not wait."""
        if self._ready(0):
            self._read()
        asked, self._interrupted = self._interrupted, False
        return asked

    def check(self) -> None:
        """Raise Gone if the debugger left."""
        while self._ready(0):
            self._read()

    def send(self, payload: bytes) -> None:
        """Send a packet; raises Gone."""
        self._last = encode(payload)
        self._write(self._last)

    def close(self) -> None:
        """End the connection."""
        self._link.close()

    def _ready(self, timeout: float) -> bool:
        readable, _, _ = select.select([self._link], [], [], timeout)
        return bool(readable)

    def _read(self) -> None:
        try:
            data = self._link.recv(LARGEST)
        except BlockingIOError:
            return
        except OSError:
            raise Gone from None
        if not data:
            raise Gone
        for event in self._reader.feed(data):
            match event.kind:
                case Kind.PACKET:
                    if self.acknowledging:
                        self._write(b"+")
                    self._packets.append(event.payload)
                    # One that came before was for a guest that had stopped by itself.
                    self._interrupted = False
                case Kind.DAMAGED if self.acknowledging:
                    self._write(b"-")
                case Kind.INTERRUPT:
                    self._interrupted = True
                case Kind.REFUSED if self.acknowledging:
                    self._write(self._last)

    def _write(self, data: bytes) -> None:
        try:
            while data:
                try:
                    data = data[self._link.send(data) :]
                except BlockingIOError:
                    if not select.select([], [self._link], [], 5.0)[1]:
                        raise Gone from None
        except OSError:
            raise Gone from None


class Listener:
    """A socket that waits for debuggers, of which it takes one at a time.

    Raises DrafthartError if the address cannot be used.
    """

    def __init__(self, host: str, port: int) -> None:
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            self._socket = socket.create_server((host, port), family=family)
        except OSError as error:
            raise DrafthartError(
                f"--gdb {host}:{port}: cannot listen there ({error.strerror or error}); "
                "choose another port, or 0 for any that is free"
            ) from None
        self._socket.setblocking(False)
        self.host, self.port = self._socket.getsockname()[:2]

    def waiting(self, timeout: float = 0) -> bool:
        """Does a debugger ask for a connection?"""
        return bool(select.select([self._socket], [], [], timeout)[0])

    def accept(self) -> Connection | None:
        """The connection that was asked for, if any."""
        try:
            link, _ = self._socket.accept()
        except OSError:
            return None
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Connection(link)

    def refuse(self) -> None:
        """Turn away who asks while another one debugs."""
        connection = self.accept()
        if connection is not None:
            connection.close()

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of `:1234`, `1234` or `host:1234`; the host is the local one by default."""
    host, colon, port = text.rpartition(":")
    host = host.strip("[]")
    if not port.isascii() or not port.isdigit() or int(port) > 65535 or (host and not colon):
        raise DrafthartError(f"--gdb {text}: write :PORT or HOST:PORT, such as :1234")
    return host or "127.0.0.1", int(port)
