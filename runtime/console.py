"""The host's terminal as the guest's console.

While it is open a terminal is in raw mode: every key goes to the guest, Ctrl-C included. Ctrl-A is
the escape, as in QEMU, and opens a menu of keys: x leaves, h shows them all, and Ctrl-A sends a
Ctrl-A. The same holds for input from a pipe or file, so that scripts can do what people can.
"""

import errno
import os
import select
import signal
import sys
import termios
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Self

ESCAPE = 0x01

_CHUNK = 4096
_ENDINGS = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class Console:
    """A context manager over two file descriptors; None stands for no input or no output.

    On leaving it, by whatever way, the terminal is as it was. SIGTERM, SIGHUP and SIGQUIT meanwhile
    raise SystemExit (status 128 + signal) in the main thread, and a stop (SIGTSTP) gives the
    terminal back for as long as it lasts, unless the program handles them itself.

    `menu` has further keys of the menu, lower-case letters, with what they do. They are not done
    here: whoever runs the guest takes them out of `requests` when the guest stands still.
    """

    def __init__(
        self,
        stdin: int | None = 0,
        stdout: int | None = 1,
        menu: Mapping[str, str] | None = None,
    ) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._menu = menu or {}
        self._saved: tuple[int, list[Any]] | None = None
        self._handled: list[signal.Signals] = []
        self._escaped = False
        self._inside_line = False
        self.quit = False
        """Set once the user asked to leave, or nobody reads the output any more."""
        self.requests: list[str] = []
        """Keys of `menu` that were asked for, the oldest first."""

    def __enter__(self) -> Self:
        # What the program printed so far must come before what the guest prints.
        if sys.stdout is not None:
            sys.stdout.flush()
        if self._stdin is not None and os.isatty(self._stdin):
            self._saved = self._stdin, termios.tcgetattr(self._stdin)
            self._handle_signals()
            self._take()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._inside_line and self._stdout is not None and os.isatty(self._stdout):
                self.write(b"\n")  # What comes now begins on a line of its own.
            self._give_back()
        finally:
            self._saved = None
            while self._handled:
                signal.signal(self._handled.pop(), signal.SIG_DFL)

    @property
    def at_end(self) -> bool:
        """Whether no more input can come: stdin ended, is closed, or there is none."""
        return self._stdin is None

    def poll(self) -> bytes:
        """Return what was typed since the last call, without waiting; escapes are taken out."""
        if self._stdin is None or (self._saved is not None and not self._in_front()):
            return b""
        try:
            ready, _, _ = select.select([self._stdin], [], [], 0)
            data = os.read(self._stdin, _CHUNK) if ready else None
        except BlockingIOError:
            return b""
        except (OSError, ValueError):
            data = b""  # Closed, or the terminal hung up: the same as its end.
        if data is None:
            return b""
        if not data:
            self._stdin = None
        return self._filter(data)

    def write(self, data: bytes) -> None:
        """Write `data` to the output at once; dropped where there is none."""
        if data:
            self._inside_line = not data.endswith(b"\n")
        while data and self._stdout is not None:
            try:
                data = data[os.write(self._stdout, data) :]
            except BlockingIOError:
                select.select([], [self._stdout], [])
            except OSError as error:
                # Nothing more can be shown. Whoever read it has left (as by `| head`), and so does
                # the run, unless there was no output from the start.
                self._stdout = None
                self.quit = self.quit or error.errno != errno.EBADF

    @property
    def help(self) -> bytes:
        """What Ctrl-A h shows."""
        keys = {"x": "leave", "h": "this help", **self._menu, "Ctrl-A": "send Ctrl-A"}
        lines = (f"Ctrl-A {key:<8}{what}\n" for key, what in keys.items())
        return ("\n" + "".join(lines)).encode()

    def _filter(self, data: bytes) -> bytes:
        """Take the escapes out of `data` and act on them; an unknown one is dropped."""
        passed = bytearray()
        for byte in data:
            if not self._escaped:
                if byte == ESCAPE:
                    self._escaped = True
                else:
                    passed.append(byte)
                continue
            self._escaped = False
            key = chr(byte).lower()
            if byte == ESCAPE:
                passed.append(byte)
            elif key == "x":
                self.quit = True
                break
            elif key in "h?":
                self.write(self.help)
            elif key in self._menu:
                self.requests.append(key)
        return bytes(passed)

    # The terminal

    def _in_front(self) -> bool:
        """Is this the job that the terminal belongs to? Any other would be stopped at a touch."""
        if self._stdin is None:
            return False
        try:
            return os.tcgetpgrp(self._stdin) == os.getpgrp()
        except OSError:
            return True  # Not our controlling terminal: there is no job control, or it hung up.

    def _take(self) -> None:
        if self._saved is not None and self._in_front():
            _set_raw(self._saved[0])

    def _give_back(self) -> None:
        # If the terminal is gone, there is nothing left to restore.
        with suppress(termios.error, OSError):
            if self._saved is not None and self._in_front():
                terminal, attributes = self._saved
                termios.tcsetattr(terminal, termios.TCSADRAIN, attributes)

    def _handle_signals(self) -> None:
        # Their default ends or stops the process without any clean-up, and leaves the terminal raw.
        if threading.current_thread() is not threading.main_thread():
            return
        handlers = {
            **dict.fromkeys(_ENDINGS, _exit_on_signal),
            signal.SIGTSTP: self._stop,
            # After a stop that cannot be handled, too.
            signal.SIGCONT: self._continue,
        }
        for number, handler in handlers.items():
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, handler)
                self._handled.append(number)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._give_back()
        os.kill(os.getpid(), signal.SIGSTOP)

    def _continue(self, number: int, frame: FrameType | None) -> None:
        # A terminal that hangs up continues whom it told, too.
        with suppress(termios.error):
            self._take()


def _exit_on_signal(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _set_raw(terminal: int) -> None:
    """Pass every key through, unechoed; output keeps its line-feed translation."""
    attributes = termios.tcgetattr(terminal)
    attributes[0] &= ~(
        termios.BRKINT | termios.ICRNL | termios.INLCR | termios.IGNCR | termios.ISTRIP
        | termios.IXON | termios.PARMRK
    )  # fmt: skip
    attributes[1] |= termios.OPOST | termios.ONLCR
    attributes[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
    attributes[6][termios.VMIN] = 1
    attributes[6][termios.VTIME] = 0
    termios.tcsetattr(terminal, termios.TCSADRAIN, attributes)
