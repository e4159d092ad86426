"""Jobs on a cluster, by Dask: its workers need Drafthart, and what the targets need."""

from __future__ import annotations

import asyncio
import logging
import queue
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from typing import Any

from drafthart.conformance.campaign.job import Job, Lost, Result, run_job
from drafthart.conformance.campaign.waiting import Waiting
from drafthart.generator.errors import DrafthartError

_CONNECT = 10
"""Seconds that the scheduler may take to answer."""
_LOOK = 5.0
"""Seconds without a result, after which to look whether there are workers."""
_PATIENCE = 60
"""Looks that find no worker, before it is given up."""
_AHEAD = 3
"""Jobs to be there for each thread of a worker."""
_ADDRESS = re.compile(r"(tcp|tls|wss?)://\S+:\d+")
_ADVICE = "start `dask scheduler`, and name the address that it shows, such as tcp://127.0.0.1:8786"


def run_on_cluster(jobs: Sequence[Job], *, scheduler: str, retries: int) -> Iterator[Result | Lost]:
    """The outcomes of jobs as they arrive. The jobs of a worker that dies go to others.

    Raises `DrafthartError` if the scheduler, or every worker, is out of reach for long.
    """
    with _client(scheduler) as client:
        waiting = Waiting(jobs, retries)
        arrived: queue.SimpleQueue[Any] = queue.SimpleQueue()
        flying: dict[str, tuple[Job, Any]] = {}
        looks = sent = 0
        while True:
            width = _AHEAD * max(1, _threads(client, scheduler))
            while len(flying) < width and (job := waiting.take()):
                sent += 1
                future = client.submit(run_job, job, key=f"drafthart-{job.id}-{sent}", pure=False)
                flying[future.key] = job, future
                future.add_done_callback(arrived.put)
            if not flying:
                return
            try:
                future = arrived.get(timeout=_LOOK)
            except queue.Empty:
                looks = 0 if _threads(client, scheduler) else looks + 1
                _require(client, looks, scheduler)
                continue
            looks = 0
            job, _ = flying[future.key]
            found = _outcome(future, scheduler)
            if found is None:
                future.add_done_callback(arrived.put)
                continue
            del flying[future.key]
            future.release()
            if isinstance(found, Result):
                waiting.done(job)
                yield found
            elif lost := waiting.failed(job, found):
                yield lost


def _outcome(future: Any, scheduler: str) -> Result | str | None:
    """A result, or what went wrong; None if it is made again: who had it died before giving it."""
    if future.status == "finished":
        try:
            result: Result = future.result(timeout=_LOOK)
        except TimeoutError:
            return None
        except (OSError, asyncio.CancelledError, CancelledError):
            raise DrafthartError(_gone(scheduler)) from None
        return result
    if future.status == "error":
        return _why(future.exception())
    if future.status == "cancelled":
        raise DrafthartError(_gone(scheduler))
    return None


def _client(scheduler: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise DrafthartError(
            "--scheduler: Dask is not installed; pip install 'drafthart[dask]'"
        ) from None
    # What it logs of lost connections is told in our own words.
    logging.getLogger("distributed").setLevel(logging.CRITICAL + 1)
    if not _ADDRESS.fullmatch(scheduler):
        raise DrafthartError(f"--scheduler {scheduler}: is no address; {_ADVICE}")
    try:
        return Client(scheduler, timeout=_CONNECT, set_as_default=False)
    except OSError:  # what runs out of time is one, too
        raise DrafthartError(
            f"--scheduler {scheduler}: nothing answers there in {_CONNECT} s; {_ADVICE}"
        ) from None


def _threads(client: Any, scheduler: str) -> int:
    """How many jobs its workers can run at a time."""
    try:
        return sum(client.nthreads().values())
    except OSError:
        raise DrafthartError(_gone(scheduler)) from None


def _require(client: Any, looks: int, scheduler: str) -> None:
    if client.status != "running":
        raise DrafthartError(_gone(scheduler))
    if looks >= _PATIENCE:
        raise DrafthartError(
            f"{scheduler}: has had no workers for {looks * _LOOK:.0f} s; start `dask worker "
            f"{scheduler}`, and resume the campaign"
        )


def _gone(scheduler: str) -> str:
    return f"{scheduler}: the scheduler is gone; start it again, and resume the campaign"


def _why(error: BaseException) -> str:
    if type(error).__name__ == "KilledWorker":
        return "every worker that had it died"
    return str(error) or type(error).__name__
