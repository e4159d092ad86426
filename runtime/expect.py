"""A script in place of a person at the console: wait for text, type, and so on in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from drafthart.runtime.machine import Terminal


class Script:
    """A terminal that shows on another, and takes nothing from it.

    `expected` are texts that the guest must print one after the other; when one has appeared, the
    text of `typed` in its place is typed. After the last one `quit` is set, `ended` is called, and
    nothing more is shown, so that what was shown ends with that text on every engine. Carriage
    returns that the guest prints do not count.
    """

    def __init__(
        self, terminal: Terminal, expected: Sequence[bytes], typed: Sequence[bytes]
    ) -> None:
        self._terminal = terminal
        self._expected = expected
        self._typed = typed
        self._tail = b""
        self._keys = b""
        self.found = 0
        """How many of the texts have appeared."""
        self.ended: Callable[[], None] = lambda: None

    @property
    def met(self) -> bool:
        """Have all appeared?"""
        return self.found == len(self._expected)

    @property
    def quit(self) -> bool:
        """Is it over?"""
        return self.met or self._terminal.quit

    @property
    def at_end(self) -> bool:
        """Is there nothing to type before the guest prints again?"""
        return not self._keys

    def poll(self) -> bytes:
        """What the script types now."""
        keys, self._keys = self._keys, b""
        return keys

    def write(self, data: bytes) -> None:
        """Show bytes, up to the end of the last text."""
        if self.met:
            return
        last = next((at for at, byte in enumerate(data) if self._is_last(bytes([byte]))), None)
        self._terminal.write(data if last is None else data[: last + 1])
        if last is not None:
            self.ended()

    def _is_last(self, byte: bytes) -> bool:
        """Does this byte end the last text? Where it ends any, what follows on it is typed."""
        if byte == b"\r" or not self._matches(byte):
            return False
        if self.found < len(self._typed):
            self._keys += self._typed[self.found]
        self.found += 1
        self._tail = b""
        return self.met

    def _matches(self, byte: bytes) -> bool:
        text = self._expected[self.found]
        self._tail = (self._tail + byte)[-len(text) :]
        return self._tail == text
