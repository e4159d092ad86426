"""A line on the terminal that says what takes its time, and how far it is."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_PATIENCE = 1.0
"""Seconds after which it is shown."""


@contextmanager
def waiting(doing: str, progress: Callable[[], str] = str) -> Iterator[None]:
    """Show `doing` and what `progress` says on stderr while the body runs; nothing in a pipe."""
    if not sys.stderr.isatty():
        yield
        return
    done = threading.Event()
    start = time.monotonic()

    def show() -> None:
        while not done.wait(_PATIENCE / 2):
            if time.monotonic() - start >= _PATIENCE:
                print(f"\r\x1b[K{doing} … {progress()}"[:80], end="", file=sys.stderr, flush=True)

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
