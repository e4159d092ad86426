"""A command that may hang, die, or print without end: bounded in time and in memory."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence

_PIECE = 1 << 16


def output_of(command: Sequence[str], timeout: float, most: int) -> bytes:
    """What a command prints to stdout in `timeout` seconds, at most `most` bytes of it.

    Whatever it started is ended with it. Raises `OSError` if it cannot be started.
    """
    # In a session of its own, so that what a script of the user's starts can be ended too.
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return _read(process, time.monotonic() + timeout, most)
    finally:
        end_session(process)


def end_session(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads a session, and all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _read(process: subprocess.Popen[bytes], end: float, most: int) -> bytes:
    found = bytearray()
    pipe = process.stdout
    assert pipe is not None
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while len(found) < most and (left := end - time.monotonic()) > 0:
            if selector.select(left):
                data = os.read(pipe.fileno(), min(_PIECE, most - len(found)))
                if not data:
                    _wait(process, end)
                    break
                found += data
    return bytes(found)


def _wait(process: subprocess.Popen[bytes], end: float) -> None:
    """It has closed its output, but may still write a file."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(max(0.0, end - time.monotonic()))
