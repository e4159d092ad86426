"""Processor time and time of `drafthart validate`, all probes of a revision on two processors.

python benchmarks/validate.py [TARGET ...]
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time

REVISION = "h@1.0"
TARGETS = ("drafthart:h@1.0", "qemu-7.2", "spike")


def measured(target: str, cache: str) -> tuple[float, float, str]:
    """Seconds of processors, seconds, and the last line that the command printed."""
    command = ["drafthart", "validate", target, "--revision", REVISION, "--jobs", "2"]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        [*command, "--format", "summary"],
        env={**os.environ, "DRAFTHART_CACHE": cache},
        capture_output=True,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return used, time.monotonic() - start, (done.stdout or done.stderr).strip()


def main() -> None:
    """Print each target's figures: with nothing in the cache folder, then with what that left."""
    for target in sys.argv[1:] or TARGETS:
        with tempfile.TemporaryDirectory() as cache:
            for state in ("cold", "warm"):
                used, taken, told = measured(target, cache)
                print(f"{target:<16} {state}  {used:6.1f} s of processors, {taken:6.1f} s")
        print(f"  {told}")


if __name__ == "__main__":
    main()
