"""Run a process and see what it took."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Taken:
    """What a process took: processor seconds of all its threads, and what it wrote to stdout.

    Processor time and not the clock's: what else the machine does must not count.
    """

    seconds: float
    output: str


def run(command: Sequence[str]) -> Taken:
    """Run `command` to its end. Raises RuntimeError with its last words if it fails."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if child.returncode:
            words = errors.read().decode(errors="replace").strip().splitlines() or ["no word why"]
            raise RuntimeError(f"{command[0]} failed with {child.returncode}: {words[-1]}")
        return Taken(usage.ru_utime + usage.ru_stime, output.read().decode(errors="replace"))
