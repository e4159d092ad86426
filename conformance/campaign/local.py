"""Jobs over processes of this machine. One that dies costs its job alone."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import sys
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

from drafthart.conformance.campaign.job import Job, Lost, Result, run_job
from drafthart.conformance.campaign.waiting import Waiting

_GRACE = 5.0
"""Seconds that a process gets to end what it started."""
# Not forked: a progress bar has a thread.
_CONTEXT = multiprocessing.get_context("spawn")


class _Worker:
    """A process, and the job that it has."""

    def __init__(self) -> None:
        self.pipe, theirs = _CONTEXT.Pipe()
        self.process = _CONTEXT.Process(target=_work, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()
        self.job: Job | None = None

    def give(self, job: Job) -> None:
        self.job = job
        with contextlib.suppress(OSError):  # it died: its end of the pipe tells
            self.pipe.send(job)

    def answer(self) -> Result | str:
        """The result, or what went wrong."""
        try:
            told: Result | str = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join(_GRACE)
            code = self.process.exitcode or 0
            return f"the process was ended by signal {-code}" if code < 0 else "the process ended"
        return told

    @property
    def is_alive(self) -> bool:
        return self.process.is_alive()

    def end(self) -> None:
        self.pipe.close()
        self.process.terminate()
        self.process.join(_GRACE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process.close()


def run_locally(jobs: Sequence[Job], *, workers: int, retries: int) -> Iterator[Result | Lost]:
    """The outcomes of jobs as they arrive, each job tried again up to `retries` times."""
    waiting = Waiting(jobs, retries)
    pool: list[_Worker] = []
    try:
        pool += [_Worker() for _ in range(min(workers, len(jobs)))]
        while True:
            for worker in pool:
                if worker.job is None and (job := waiting.take()):
                    worker.give(job)
            busy = [worker for worker in pool if worker.job]
            if not busy:
                return
            ready: Sequence[Any] = wait([worker.pipe for worker in busy])
            for worker in [it for it in busy if it.pipe in ready]:
                job, told = worker.job, worker.answer()
                assert job is not None
                worker.job = None
                if not worker.is_alive:
                    pool[pool.index(worker)] = _Worker()
                    worker.end()
                if isinstance(told, Result):
                    waiting.done(job)
                    yield told
                elif lost := waiting.failed(job, told):
                    yield lost
    finally:
        for worker in pool:
            worker.end()


def _work(pipe: Connection) -> None:
    """Answer jobs until the other end is closed."""
    # Ctrl-C is for the process that keeps the results; it ends this one, which ends its target.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            pipe.send(_outcome(pipe.recv()))


def _outcome(job: Job) -> Result | str:
    try:
        return run_job(job)
    except Exception as error:  # a job that fails must not cost more than itself
        return str(error) or type(error).__name__
