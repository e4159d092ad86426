"""A gdb server to start for a program: a simulator that is halted, or a bridge to a board."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence

from drafthart.conformance.bounded_process import end_session
from drafthart.conformance.gdb_remote import GdbRemote
from drafthart.generator.errors import DrafthartError

_START = 15.0
"""Seconds that a server gets to listen."""
_SAID = 2000


def free_port() -> int:
    """A port of this machine that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def started(command: Sequence[str], host: str, port: int, timeout: float) -> Iterator[GdbRemote]:
    """A connection to a server that is started by `command`, and ended with what it started.

    `timeout` are the seconds that an answer may take. Raises `DrafthartError` if it does not start.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise DrafthartError(f"{command[0]}: {error.strerror}; install it") from None
    try:
        remote = _connect(process, command[0], host, port, timeout)
        try:
            yield remote
        finally:
            remote.close()
    finally:
        end_session(process)


def _connect(
    process: subprocess.Popen[bytes], name: str, host: str, port: int, timeout: float
) -> GdbRemote:
    end = time.monotonic() + _START
    while True:
        try:
            return GdbRemote(host, port, timeout=timeout)
        except DrafthartError:
            if process.poll() is not None and process.stderr is not None:
                said = process.stderr.read(_SAID).decode(errors="replace").strip()
                last = said.splitlines()[-1] if said else f"ends with status {process.returncode}"
                raise DrafthartError(f"{name}: {last}") from None
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
