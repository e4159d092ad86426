"""Debian's package client, with a configuration of its own: for riscv64, whatever this machine."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from drafthart.generator.errors import DrafthartError
from drafthart.linux.waiting import waiting

SUITE = "trixie"
ARCHITECTURE = "riscv64"

_KEYRINGS = tuple(
    Path(f"/usr/share/keyrings/debian-archive-keyring.{ending}") for ending in ("pgp", "gpg")
)
_TIMEOUT = 20
"""Seconds until apt gives up on a server that says nothing."""


class Apt:
    """apt-get and apt-cache with their state in `folder`.

    `absent` makes the error for what cannot be had.
    """

    def __init__(self, folder: Path, absent: Callable[[str], DrafthartError]) -> None:
        self._absent = absent
        self._folder = folder
        for name in ("state/lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        servers = self._servers()
        keyring = next((str(path) for path in _KEYRINGS if path.is_file()), None)
        options = f"arch={ARCHITECTURE}" + (f" signed-by={keyring}" if keyring else "")
        (folder / "sources.list").write_text(
            "".join(f"deb [{options}] {server} {SUITE} main\n" for server in servers),
            encoding="utf-8",
        )
        (folder / "apt.conf").write_text(self._configuration(), encoding="utf-8")

    def update(self) -> None:
        """Get the list of packages."""
        with waiting(f"Asking for Debian {SUITE}'s packages for {ARCHITECTURE}"):
            self._call(["apt-get", "update", "-qq"])

    def first_dependency(self, package: str) -> str:
        """The package that this one depends on before all others; itself if on none."""
        found = re.match(r"[a-z0-9][a-z0-9+.-]*", self._field(package, "Depends"))
        return found.group() if found else package

    def download(self, package: str, folder: Path) -> Path:
        """Download a package to `folder`; what is there of it from earlier is gone on with."""
        size = int(self._field(package, "Size") or "0")

        def progress() -> str:
            files = folder.glob(f"{package}_*")
            there = sum(path.stat().st_size for path in files if path.is_file())
            return f"{there >> 20} of {max(1, size >> 20)} MiB"

        with waiting(f"Fetching {package}", progress):
            self._call(["apt-get", "download", "-qq", package], folder)
        found = sorted(folder.glob(f"{package}_*.deb"), key=lambda path: path.stat().st_mtime)
        if not found:
            raise self._absent(f"apt-get downloaded no {package}")
        return found[-1]

    def _field(self, package: str, name: str) -> str:
        shown = self._call(["apt-cache", "show", "--no-all-versions", package])
        found = re.search(rf"^{name}: (.*)$", shown, re.MULTILINE)
        return found.group(1) if found else ""

    def _servers(self) -> list[str]:
        """Debian's among this machine's own package sources."""
        form = "$(ORIGIN)|$(LABEL)|$(REPO_URI)"
        command = ["apt-get", "indextargets", "--format", form, "Created-By: Packages"]
        listed = [line.split("|", 2) for line in self._call(command, own=False).splitlines()]
        # Before the first update nothing is known of a server but its address.
        found = [
            address
            for origin, label, address in listed
            if (origin, label) == ("Debian", "Debian")
            or (not origin and address.rstrip("/").endswith("/debian"))
        ]
        if not found:
            raise self._absent("this machine's package sources name no server of Debian")
        return list(dict.fromkeys(found))[:1]

    def _configuration(self) -> str:
        folder = self._folder.resolve()
        values = {
            "APT::Architecture": ARCHITECTURE,
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": "-",
            "Dir::State": folder / "state",
            "Dir::State::status": folder / "status",
            "Dir::Cache": folder / "cache",
            "Acquire::Languages": "none",
            "Acquire::Retries": 2,
            "Acquire::http::Timeout": _TIMEOUT,
            "Acquire::https::Timeout": _TIMEOUT,
            # Else an update that reached nobody counts as one.
            "APT::Update::Error-Mode": "any",
        }
        lines = [f'{name} "{value}";' for name, value in values.items()]
        return "\n".join([*lines, f'APT::Architectures {{"{ARCHITECTURE}";}};', ""])

    def _call(self, command: Sequence[str], folder: Path | None = None, *, own: bool = True) -> str:
        environment = {**os.environ, "LC_ALL": "C"}
        if own:
            environment["APT_CONFIG"] = str((self._folder / "apt.conf").resolve())
        try:
            done = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, check=False
            )
        except OSError as error:
            raise self._absent(f"{command[0]} cannot be run ({error.strerror})") from None
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line.startswith("E: ")]
            raise self._absent(f"{' '.join(command[:2])}: {(lines or ['E: no reason given'])[0]}")
        return done.stdout
