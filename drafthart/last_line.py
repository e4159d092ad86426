"""What the guest printed last, for what is told of the end of a run."""

from __future__ import annotations

from drafthart.runtime.machine import Terminal


class LastLine:
    """A terminal in front of another, which remembers the last line that the guest printed."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._lines = b""

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
        return self._terminal.poll()

    def write(self, data: bytes) -> None:
        """Show bytes."""
        self._lines = (self._lines + data)[-1000:]
        self._terminal.write(data)

    @property
    def text(self) -> str:
        """The last line that is not empty."""
        lines = self._lines.decode("utf-8", "replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "")
