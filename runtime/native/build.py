"""Compile the generated C of an ISA, once: the library is kept in the user's cache folder.

An entry is named by a hash of all that decides what is in it, and appears whole or not at all:
parallel builds of the same revision do not disturb each other, and an interrupted one leaves
nothing that would be used.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.runtime.cache import cache_folder, generator_hash

HEADERS = Path(__file__).parent
"""The folder of the engine's own C."""

FLAGS = [
    *("-std=gnu11", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-fno-strict-aliasing"),
    *("-fwrapv", "-fomit-frame-pointer", "-ffp-contract=off", "-w"),
]

_PATIENCE = 300
"""Seconds after which a compiler counts as hung."""


class NoCompilerError(DrafthartError):
    """There is nothing to compile C with."""


def compiler() -> list[str]:
    """The command of the C compiler: $CC, cc, gcc, clang, or the ziglang package's.

    Raises `NoCompilerError` where there is none.
    """
    if chosen := os.environ.get("CC"):
        words = chosen.split()
        if shutil.which(words[0]):
            return words
        raise NoCompilerError(
            f"CC says {chosen!r}, and there is no such program; correct or unset it"
        )
    for name in ("cc", "gcc", "clang"):
        if path := shutil.which(name):
            return [path]
    if find_spec("ziglang") is not None:
        # It compiles for this very processor if not told otherwise, and the cache may be shared.
        return [sys.executable, "-m", "ziglang", "cc", "-mcpu=baseline"]
    raise NoCompilerError(
        "the native engine needs a C compiler: install gcc or clang, or drafthart[native], "
        "or use --engine python"
    )


def native_library(
    isa: ISA, *, flags: tuple[str, ...] = (), on_build: Callable[[], None] | None = None
) -> Path:
    """The shared library of `isa`, compiled now if it is not in the cache.

    `flags` are further ones for the compiler; `on_build` is called before a build. Raises
    `DrafthartError` if there is no compiler, or it fails.
    """
    command = [*compiler(), *FLAGS, *flags]
    folder = _folder(isa, command)
    library = folder / "hart.so"
    if _is_whole(folder):
        return library
    if on_build is not None:
        on_build()
    from drafthart.generator.emit.c_engine import emit_c

    text = emit_c(isa)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            # Someone else may have built it meanwhile.
            if not _is_whole(folder):
                _build(command, text, folder)
    except OSError as problem:
        raise DrafthartError(
            f"{folder}: the native engine cannot be kept there: {problem.strerror}; "
            "set DRAFTHART_CACHE to a folder that can be written, or use --engine python"
        ) from problem
    return library


def library_in_cache(isa: ISA) -> Path | None:
    """What `native_library` gives, if it need not compile for that."""
    try:
        folder = _folder(isa, [*compiler(), *FLAGS])
    except NoCompilerError:
        return None
    return folder / "hart.so" if _is_whole(folder) else None


def _folder(isa: ISA, command: list[str]) -> Path:
    return cache_folder() / "native" / _key(isa, command)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time build an entry: the others would only do the same work again."""
    with ExitStack() as stack:
        # Where the system or the file system has no locks, each builds its own.
        with suppress(ImportError, OSError):
            import fcntl

            file = stack.enter_context(folder.with_suffix(".lock").open("w"))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_whole(folder: Path) -> bool:
    """Is the entry there, and as it was written?"""
    with suppress(OSError):
        digest = (folder / "digest").read_bytes()
        return hashlib.sha256((folder / "hart.so").read_bytes()).hexdigest().encode() == digest
    return False


def _build(command: list[str], text: str, folder: Path) -> None:
    _clear_up(folder.parent)
    work = Path(tempfile.mkdtemp(dir=folder.parent, prefix="building-"))
    try:
        (work / "hart.c").write_text(text)
        _compile([*command, "-iquote", str(HEADERS), "-o", "hart.so", "hart.c"], work)
        digest = hashlib.sha256((work / "hart.so").read_bytes()).hexdigest()
        (work / "digest").write_text(digest)
        if folder.exists() and not _is_whole(folder):
            shutil.rmtree(folder, ignore_errors=True)
        # Someone else may have been faster, with the same result.
        with suppress(OSError):
            work.rename(folder)
        if not _is_whole(folder):
            raise OSError(5, "what was written there cannot be read back")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _clear_up(folder: Path) -> None:
    """Remove what builds left that were killed."""
    for left in folder.glob("building-*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > 2 * _PATIENCE:
                shutil.rmtree(left, ignore_errors=True)


def _compile(command: list[str], folder: Path) -> None:
    shown = Path(command[0]).name
    try:
        # A compiler has processes of its own: with a group of theirs, none is left behind.
        running = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as problem:
        raise DrafthartError(
            f"{shown} cannot be run: {problem.strerror}; set CC, or use --engine python"
        ) from None
    try:
        _, told = running.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        raise DrafthartError(
            f"{shown} did not finish within {_PATIENCE} s; use --engine python"
        ) from None
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
        if running.stderr is not None:
            running.stderr.close()
    if running.returncode < 0:
        raise DrafthartError(
            f"{shown} was killed by signal {-running.returncode} while it built the native engine "
            "(out of memory?); use --engine python"
        )
    if running.returncode:
        words = [line for line in told.splitlines() if "error" in line] or ["no word why"]
        raise DrafthartError(
            f"{shown} failed to build the native engine: {words[0].strip()[:300]}; "
            "set CC to another compiler, or use --engine python"
        )


def _key(isa: ISA, command: list[str]) -> str:
    parts = [isa.content, str(isa.xlen), generator_hash(), _headers(), platform.machine()]
    parts += [*command, _version(command)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


@cache
def _headers() -> str:
    digest = hashlib.sha256()
    for path in sorted(HEADERS.glob("*.h")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _version(command: list[str]) -> str:
    """What tells a compiler from its successor without running it: where it lies, size and time."""
    program = command[0]
    if "ziglang" in command and (package := find_spec("ziglang")) and package.origin:
        program = package.origin
    with suppress(OSError):
        path = Path(program).resolve()
        status = path.stat()
        return f"{path} {status.st_size} {status.st_mtime_ns}"
    return program
