"""OpenSBI's fw_jump for the tour: installed, fetched before, or fetched now."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from drafthart.generator.errors import DrafthartError
from drafthart.output import write_file
from drafthart.runtime.cache import cache_folder

INSTALLED = Path("/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_jump.bin")
"""Where Debian's package opensbi has it."""

_PATIENCE = 60
"""Seconds for each of the package tools."""


def find_firmware(given: Path | None, fetching: str = "") -> Path:
    """The firmware to boot: the file that the user named, or Debian's.

    `fetching` is printed to stderr before a download. Raises `DrafthartError` if there is none.
    """
    if given is not None:
        if not given.is_file():
            raise DrafthartError(f"{given}: no such file; name OpenSBI's fw_jump.bin")
        return given
    kept = cache_folder() / "opensbi" / INSTALLED.name
    for path in (INSTALLED, kept):
        if path.is_file():
            return path
    missing = [tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None]
    if missing:
        raise _absent(f"{' and '.join(missing)} cannot be found to fetch it with")
    if fetching:
        print(fetching, file=sys.stderr, flush=True)
    _fetch(kept)
    return kept


def _fetch(target: Path) -> None:
    """Download Debian's package and keep its fw_jump.bin; nothing is installed."""
    with tempfile.TemporaryDirectory(prefix="drafthart-") as name:
        folder = Path(name)
        _call(["apt-get", "download", "opensbi"], folder)
        packages = sorted(folder.glob("opensbi_*.deb"))
        if not packages:
            raise _absent("apt-get downloaded nothing")
        _call(["dpkg-deb", "-x", packages[0].name, "unpacked"], folder)
        firmware = folder / "unpacked" / INSTALLED.relative_to("/")
        if not firmware.is_file():
            raise _absent(f"{packages[0].name} has no {INSTALLED}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _absent(f"{target.parent} cannot be made ({error.strerror})") from None
        write_file(target, firmware.read_bytes())


def _call(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise _absent(f"{command[0]} took more than {_PATIENCE} seconds") from None
    except OSError as error:
        raise _absent(f"{command[0]} cannot be run ({error.strerror})") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise _absent(f"{' '.join(command)} failed: {last}")


def _absent(reason: str) -> DrafthartError:
    return DrafthartError(
        f"no OpenSBI firmware: {reason}; install Debian's package opensbi, or name a file with "
        "--firmware FILE"
    )
