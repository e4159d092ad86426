"""The host's terminal as the guest's console.

While it is open a terminal is in raw mode: every key goes to the guest, Ctrl-C included. Ctrl-A is
the escape, as in QEMU: then x leaves, h shows help, and Ctrl-A sends a Ctrl-A. The same holds for
input from a pipe or file, so that scripts can do what people can.
"""

import errno
import os
import select
import signal
import sys
import termios
import threading
from types import FrameType, TracebackType
from typing import Self

HELP = b"\nCtrl-A x  leave\nCtrl-A h  this help\nCtrl-A Ctrl-A  send Ctrl-A\n"
ESCAPE = 0x01

_CHUNK = 4096
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class Console:
    """A context manager over two file descriptors; None stands for no input or no output.

    On leaving it, by whatever way, the terminal is as it was. SIGTERM and SIGHUP meanwhile raise
    SystemExit (status 128 + signal) in the main thread, unless the program handles them itself.
    """

    def __init__(self, stdin: int | None = 0, stdout: int | None = 1) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._saved: tuple[int, list[int | list[bytes | int]]] | None = None
        self._handled: list[signal.Signals] = []
        self._escaped = False
        self.quit = False
        """Set once the user asked to leave, or nobody reads the output any more."""

    def __enter__(self) -> Self:
        # What the program printed so far must come before what the guest prints.
        if sys.stdout is not None:
            sys.stdout.flush()
        if self._stdin is not None and os.isatty(self._stdin):
            self._handle_signals()
            self._saved = self._stdin, termios.tcgetattr(self._stdin)
            _set_raw(self._stdin)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._saved is not None:
                terminal, attributes = self._saved
                termios.tcsetattr(terminal, termios.TCSADRAIN, attributes)
        except (termios.error, OSError):
            pass  # The terminal is gone, there is nothing left to restore.
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
        if self._stdin is None:
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
            if byte == ESCAPE:
                passed.append(byte)
            elif byte in b"xX":
                self.quit = True
                break
            elif byte in b"hH?":
                self.write(HELP)
        return bytes(passed)

    def _handle_signals(self) -> None:
        # Their default ends the process without any clean-up, and leaves the terminal raw.
        if threading.current_thread() is not threading.main_thread():
            return
        for number in _SIGNALS:
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, _exit_on_signal)
                self._handled.append(number)


def _exit_on_signal(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _set_raw(terminal: int) -> None:
    """Pass every key through, unechoed; output keeps its line-feed translation."""
    attributes = termios.tcgetattr(terminal)
    attributes[0] &= ~(
        termios.BRKINT | termios.ICRNL | termios.INLCR | termios.IGNCR | termios.ISTRIP
        | termios.IXON | termios.PARMRK
    )  # fmt: skip
    attributes[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
    attributes[6][termios.VMIN] = 1
    attributes[6][termios.VTIME] = 0
    termios.tcsetattr(terminal, termios.TCSADRAIN, attributes)
