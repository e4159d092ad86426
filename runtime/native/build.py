"""Compile the generated C of an ISA, once: the library is kept in the user's cache folder.

An entry is named by a hash of all that decides what is in it, and appears whole or not at all:
parallel builds of the same revision do not disturb each other, and an interrupted one leaves nothing
that would be used.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from drafthart.generator.emit.c_engine import emit_c
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.runtime.generated import cache_folder, generator_hash

HEADERS = Path(__file__).parent
"""The folder of the engine's own C."""

FLAGS = (
    "-std=gnu11 -O2 -fPIC -shared -fvisibility=hidden -fno-strict-aliasing -fwrapv "
    "-fomit-frame-pointer -ffp-contract=off -w"
).split()

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
        raise NoCompilerError(f"CC says {chosen!r}, and there is no such program; correct or unset it")
    for name in ("cc", "gcc", "clang"):
        if path := shutil.which(name):
            return [path]
    if find_spec("ziglang") is not None:
        return [sys.executable, "-m", "ziglang", "cc"]
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
    folder = cache_folder() / "native" / _key(isa, command)
    library = folder / "hart.so"
    if _is_whole(folder):
        return library
    if on_build is not None:
        on_build()
    text = emit_c(isa)
    try:
        _build(command, text, folder)
    except OSError as problem:
        raise DrafthartError(
            f"{folder}: the native engine cannot be kept there: {problem.strerror}; "
            "set DRAFTHART_CACHE to a folder that can be written, or use --engine python"
        ) from problem
    return library


def _is_whole(folder: Path) -> bool:
    """Is the entry there, and as it was written?"""
    with suppress(OSError):
        digest = (folder / "digest").read_text()
        return hashlib.sha256((folder / "hart.so").read_bytes()).hexdigest() == digest
    return False


def _build(command: list[str], text: str, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=folder.parent, prefix="building-"))
    try:
        (work / "hart.c").write_text(text)
        _compile([*command, "-I", str(HEADERS), "-o", "hart.so", "hart.c"], work)
        digest = hashlib.sha256((work / "hart.so").read_bytes()).hexdigest()
        (work / "digest").write_text(digest)
        if folder.exists() and not _is_whole(folder):
            shutil.rmtree(folder, ignore_errors=True)
        # Someone else may have been faster, with the same result.
        with suppress(FileExistsError, OSError):
            work.rename(folder)
        if not _is_whole(folder):
            raise OSError(5, "what was written there cannot be read back")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _compile(command: list[str], folder: Path) -> None:
    shown = Path(command[0]).name
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DrafthartError(
            f"{shown} did not finish within {_PATIENCE} s; use --engine python"
        ) from None
    except OSError as problem:
        raise DrafthartError(
            f"{shown} cannot be run: {problem.strerror}; set CC, or use --engine python"
        ) from None
    if done.returncode < 0:
        raise DrafthartError(
            f"{shown} was killed by signal {-done.returncode} while it built the native engine "
            "(out of memory?); use --engine python"
        )
    if done.returncode:
        words = [line for line in done.stderr.splitlines() if "error" in line] or ["no word why"]
        raise DrafthartError(
            f"{shown} failed to build the native engine: {words[0].strip()[:300]}; "
            "set CC to another compiler, or use --engine python"
        )


def _key(isa: ISA, command: list[str]) -> str:
    parts = [isa.content, str(isa.xlen), generator_hash(), _headers(), platform.machine()]
    return hashlib.sha256("\0".join([*parts, *command, _version(command[0])]).encode()).hexdigest()[:40]


@cache
def _headers() -> str:
    digest = hashlib.sha256()
    for path in sorted(HEADERS.glob("*.h")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def _version(program: str) -> str:
    """What tells a compiler from its successor without running it: where it lies, size and time."""
    with suppress(OSError):
        path = Path(program).resolve()
        status = path.stat()
        return f"{path} {status.st_size} {status.st_mtime_ns}"
    return program
