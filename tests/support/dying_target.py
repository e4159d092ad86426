"""A target whose runs end the process that they are in."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from drafthart.conformance.here import kept_words
from drafthart.conformance.probes.program import Platform
from drafthart.runtime.resolved import resolved


@dataclass(frozen=True)
class DyingTarget:
    """Drafthart, but so many runs of a program of `size` bytes kill the process by a signal."""

    folder: Path
    size: int
    deaths: int
    name: str = "dying"
    platform: Platform = field(default_factory=Platform)
    parameters: Mapping[str, int] = field(default_factory=dict)
    timeout: float = 60.0
    missing: str | None = None

    def run(self, program: Path, timeout: float) -> list[int]:
        body = program.read_bytes()
        died = len(list(self.folder.iterdir()))
        if len(body) == self.size and died < self.deaths:
            (self.folder / str(died)).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return kept_words(body, resolved("h@1.0"))
