"""Run pytest with native engines that are compiled with sanitizers.

python tests/support/sanitized.py PYTEST-ARGUMENTS...

The sanitizers' libraries must be in a process before anything else is, so they are preloaded into
Python itself. At a finding the process ends with the report on stderr, and so does the run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CC = Path(__file__).with_name("sanitized_cc")
LIBRARIES = ("libasan.so", "libubsan.so")
OPTIONS = {
    # Python does not free all it has when it ends.
    "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:abort_on_error=1",
}


def main() -> None:
    """Become pytest."""
    found = [
        subprocess.run(
            ["cc", f"-print-file-name={name}"], check=True, capture_output=True, text=True
        ).stdout.strip()
        for name in LIBRARIES
    ]
    missing = [name for name in found if not Path(name).is_absolute()]
    if missing:
        sys.exit(f"the C compiler has no {missing[0]}")
    os.environ.update(OPTIONS, CC=str(CC), LD_PRELOAD=":".join(found))
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *sys.argv[1:]])


if __name__ == "__main__":
    main()
