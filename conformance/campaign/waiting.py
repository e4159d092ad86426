"""The jobs that wait, in their order, and how often each was tried."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable

from drafthart.conformance.campaign.job import Job, Lost
from drafthart.conformance.target import Single


class Waiting:
    """Hands out jobs. Of a target that there is only one of, one at a time."""

    def __init__(self, jobs: Iterable[Job], retries: int) -> None:
        self._jobs = deque(jobs)
        self._most = retries + 1
        self._tries: Counter[str] = Counter()
        self._busy: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._jobs)

    def take(self) -> Job | None:
        """The next job that can run now, if any."""
        for index, job in enumerate(self._jobs):
            if not (isinstance(job.target, Single) and job.target.name in self._busy):
                del self._jobs[index]
                self._busy.add(job.target.name)
                return job
        return None

    def done(self, job: Job) -> None:
        """It has a result, or is given up."""
        self._busy.discard(job.target.name)

    def failed(self, job: Job, why: str) -> Lost | None:
        """It has none: it waits again, unless it was tried often enough."""
        self.done(job)
        self._tries[job.id] += 1
        tries = self._tries[job.id]
        if tries < self._most:
            self._jobs.append(job)
            return None
        return Lost(job.id, f"{why}, {tries} times" if tries > 1 else why)
