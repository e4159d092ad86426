"""Reads a git clone that is not trusted: its objects and refs, never its configuration or hooks.

git itself runs in an empty repository of ours that borrows the clone's objects. So no pager,
filter, diff program, signature check or fetch that the clone's configuration names can ever start.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from drafthart.generator.errors import DrafthartError

_HASH = re.compile(r"[0-9a-f]{40}")
_SECONDS = 600
"""Longer than any history takes: for a file system that hangs."""


@dataclass(frozen=True)
class Clone:
    """A clone of a repository, open for reading. `tip` is the commit that it has checked out."""

    name: str
    tip: str
    _own: Path
    _objects: Path
    _git: str

    def run(self, *arguments: str) -> str:
        """What git prints. Bytes that are no UTF-8, as in old texts, become U+FFFD."""
        done = self._start(*arguments)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().partition("\n")[0]
            remedy = "a shallow or partial clone lacks history: clone it whole"
            raise DrafthartError(f"{self.name}: git {arguments[0]} failed ({said}); {remedy}")
        return done.stdout.decode(errors="replace")

    def commit(self, name: str) -> str | None:
        """The full hash of a commit, of which `name` may be the beginning; None if not there."""
        if not re.fullmatch("[0-9a-fA-F]{4,40}", name):
            return None
        done = self._start("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        return done.stdout.decode().strip() if done.returncode == 0 else None

    def _start(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [self._git, "--no-pager", f"--git-dir={self._own}", *arguments]
        environment = {
            # GIT_DIR and its like stand in the environment of hooks, GIT_TRACE in that of people.
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            "GIT_OBJECT_DIRECTORY": str(self._objects),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
        }
        try:
            return subprocess.run(
                command,
                env=environment,
                cwd=self._own,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DrafthartError(f"{self.name}: git does not run ({error}); check it") from None


@contextmanager
def open_clone(path: Path) -> Iterator[Clone]:
    """A clone by its work tree or its git directory, bare ones included."""
    git = shutil.which("git")
    if git is None:
        raise DrafthartError("git is not installed; install it, and see that it is in PATH")
    folder = _git_folder(path)
    common = _linked(folder / "commondir", folder) or folder
    objects = common / "objects"
    if not objects.is_dir():
        raise _no_clone(path)
    tip = _head(path, folder, common)
    with tempfile.TemporaryDirectory(prefix="drafthart-") as name:
        own = Path(name).resolve()
        (own / "refs").mkdir()
        (own / "objects").mkdir()
        (own / "HEAD").write_text(f"{tip}\n", encoding="ascii")
        if (common / "shallow").is_file():
            shutil.copyfile(common / "shallow", own / "shallow")
        clone = Clone(str(path), tip, own, objects.resolve(), git)
        if clone.commit(tip) is None:
            raise DrafthartError(f"{path}: its HEAD, {tip[:8]}, is missing; clone it again")
        yield clone


def _git_folder(path: Path) -> Path:
    """The folder that holds HEAD. Those above `path` are not searched: they are no manual."""
    if not path.is_dir():
        raise DrafthartError(f"{path}: no such folder; name a clone of the riscv-isa-manual")
    inner = path / ".git"
    folder = inner if inner.is_dir() else _linked(inner, path, "gitdir:") or path
    if not (folder / "HEAD").is_file():
        raise _no_clone(path)
    return folder


def _linked(file: Path, base: Path, key: str = "") -> Path | None:
    """The folder that a file of git's names, as those of worktrees and submodules do."""
    if not file.is_file():
        return None
    return base / _first_line(file).removeprefix(key).strip()


def _head(path: Path, folder: Path, common: Path) -> str:
    """The commit that HEAD stands for."""
    value = _first_line(folder / "HEAD")
    for _ in range(5):  # as deep as git follows refs that name refs
        if _HASH.fullmatch(value):
            return value
        ref = value.removeprefix("ref:").strip()
        if not ref.startswith("refs/") or ".." in ref:
            break
        found = next((it for it in (folder / ref, common / ref) if it.is_file()), None)
        value = _first_line(found) if found else _packed(common, ref)
    what = "no branch is checked out, or it has no commit"
    raise DrafthartError(f"{path}: {what}; check out a branch of the manual there")


def _packed(common: Path, ref: str) -> str:
    file = common / "packed-refs"
    if file.is_file():
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            hash_, _, name = line.partition(" ")
            if name == ref:
                return hash_
    return ""


def _first_line(file: Path) -> str:
    # Far more than a name takes, and little for a file that is something else.
    with file.open(encoding="utf-8", errors="replace") as opened:
        return opened.readline(4096).strip()


def _no_clone(path: Path) -> DrafthartError:
    return DrafthartError(f"{path}: is no git clone; name a clone of the riscv-isa-manual")
