"""A pool of processes that end with the one that started them, even if that is killed."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from threading import Thread


def processes(count: int) -> ProcessPoolExecutor:
    """A pool of so many processes. They are not forked: a progress bar has a thread."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, context, initializer=_end_with_parent)


def _end_with_parent() -> None:
    """Watch the parent. One that is killed cannot say so, and its pipes stay open among us."""
    Thread(target=_watch, daemon=True).start()


def _watch() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
