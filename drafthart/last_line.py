"""What the guest printed last, for what is told of the end of a run."""

from __future__ import annotations

from typing import BinaryIO

from drafthart.runtime.machine import Terminal


class LastLine:
    """A terminal in front of another, which remembers what the guest printed last.

    All of it goes to `copy` too, once that is set.
    """

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._last = b""
        self.copy: BinaryIO | None = None

    @property
    def quit(self) -> bool:
        """Did the user ask to leave?"""
        return self._terminal.quit

    @property
    def at_end(self) -> bool:
        """Will no more input ever come?"""
        return self._terminal.at_end

    def poll(self) -> bytes:
        """Bytes typed since the last call."""
        if self.copy is not None:
            self.copy.flush()
        return self._terminal.poll()

    def write(self, data: bytes) -> None:
        """Show bytes."""
        self._last = (self._last + data)[-1000:]
        if self.copy is not None:
            self.copy.write(data)
        self._terminal.write(data)

    @property
    def text(self) -> str:
        """The last line that is not empty."""
        return next(iter(self.lines(1)), "")

    def lines(self, count: int) -> list[str]:
        """The last so many lines that are not empty, as far as they are remembered."""
        lines = self._last.decode("utf-8", "replace").split("\n")
        return [line for line in lines if line.strip()][-count:]
