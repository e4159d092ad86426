"""Copies the checkout without staging/ and whatever a build leaves behind.

python tests/support/without_staging.py FOLDER
"""

import shutil
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]

LEFT_BEHIND = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", "dist", ".*")


def copy_checkout(target: Path, *without: str) -> Path:
    """Copy what the product is built from, but for the folders in `without`; returns `target`."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in sorted(CHECKOUT.iterdir()):
        if path.name in (*without, "tests", "benchmarks") or path.name in LEFT_BEHIND(
            str(CHECKOUT), [path.name]
        ):
            continue
        if path.is_dir():
            shutil.copytree(path, target / path.name, ignore=LEFT_BEHIND)
        else:
            shutil.copy2(path, target)
    return target


if __name__ == "__main__":
    copy_checkout(Path(sys.argv[1]), "staging")
