"""The virtio console: what the guest writes is shown, what is typed waits for its buffers.

Source: Virtual I/O Device (VIRTIO) 1.2, section 5.3, without any of the optional features: one
port, and no size.
"""

from collections import deque
from typing import ClassVar

from drafthart.runtime.devices import Output
from drafthart.runtime.devices.saved import Saved
from drafthart.runtime.devices.virtqueue import Chain
from drafthart.runtime.memory import Ram

RECEIVE, TRANSMIT = 0, 1
"""The queues: for the driver to receive from, and to transmit by."""

BACKLOG = 1 << 16
"""Bytes typed that may wait; more are lost, as on a line that nobody reads."""

MESSAGE_MAX = 1 << 20
"""Bytes of one chain that are shown: a bound for the work of a notification."""

_CONFIG = bytes(12)  # columns, rows, ports, emergency write: each belongs to a feature


class Console:
    """A console that shows by `output`."""

    DEVICE_ID: ClassVar[int] = 3
    QUEUES: ClassVar[int] = 2
    SAVED: ClassVar[tuple[Saved, ...]] = (Saved("_typed", 8, most=BACKLOG),)

    def __init__(self, output: Output) -> None:
        self._output = output
        self._typed: deque[int] = deque()

    @property
    def features(self) -> int:
        """None."""
        return 0

    @property
    def config(self) -> bytes:
        """The configuration space, which means nothing without features."""
        return _CONFIG

    def receive(self, data: bytes) -> None:
        """Keep what was typed for the driver; then `Slot.offer(RECEIVE)`."""
        self._typed.extend(data[: BACKLOG - len(self._typed)])

    def wants(self, queue: int) -> bool:
        """A buffer to receive into is left alone until something was typed."""
        return queue == TRANSMIT or bool(self._typed)

    def serve(self, queue: int, chain: Chain, ram: Ram) -> int:
        """Show what the driver wrote, or give it what was typed; return how many bytes it got."""
        if queue == TRANSMIT:
            if chain.length(writable=False) <= MESSAGE_MAX:
                self._output(chain.load(ram))
            return 0
        room = min(chain.length(writable=True), len(self._typed))
        content = bytes(self._typed.popleft() for _ in range(room))
        chain.store(ram, content)
        return room
