"""`drafthart run --engine`: which one runs, and what may go wrong on the way to the native one."""

from __future__ import annotations

import hashlib
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drafthart.generator.spec.resolve import resolve
from drafthart.runtime.engines import NAMES, has_compiler
from drafthart.runtime.native import build
from drafthart.runtime.native.build import native_library

Command = Callable[..., Any]
Program = Callable[..., Path]
RUN = ("run", "--revision", "priv@1.12")
HELLO = "program.elf"

pytestmark = pytest.mark.skipif(not has_compiler(), reason="no C compiler is installed")


@pytest.fixture(scope="session")
def good() -> Path:
    """A library that a compiler could make."""
    return native_library(resolve("priv@1.12"))


@dataclass
class Compiler:
    """A script in the compiler's place: logs that it ran, does something, and gives a library."""

    folder: Path
    library: Path

    def does(self, text: str = "") -> None:
        path = self.folder / "cc"
        path.write_text(
            f"#!/bin/sh\necho run >> {self.folder}/log\n{text}\n"
            'while [ "$1" != -o ]; do shift; done\n'
            f'cp {self.library} "$2"\n'
        )
        path.chmod(0o755)

    @property
    def runs(self) -> int:
        log = self.folder / "log"
        return len(log.read_text().splitlines()) if log.exists() else 0


@pytest.fixture
def compiler(tmp_path: Path, good: Path, monkeypatch: pytest.MonkeyPatch) -> Compiler:
    """The compiler of this test, with an empty cache."""
    folder = tmp_path / "compiler"
    folder.mkdir()
    monkeypatch.setenv("CC", str(folder / "cc"))
    monkeypatch.setenv("DRAFTHART_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DRAFTHART_ENGINE", raising=False)
    made = Compiler(folder, good)
    made.does()
    return made


def entries(tmp_path: Path) -> list[Path]:
    """What is in the cache of libraries."""
    return [path for path in (tmp_path / "cache" / "native").glob("*") if path.is_dir()]


# Which one


@pytest.mark.parametrize("engine", NAMES)
def test_each_engine(drafthart: Command, program: Program, compiler: Compiler, engine: str) -> None:
    result = drafthart(*RUN, "--engine", engine, str(program()))
    assert (result.status, result.out, result.err) == (0, "hello\n", "")
    assert compiler.runs == (engine != "python")


def test_native_is_the_default_and_is_built_once(
    drafthart: Command, program: Program, compiler: Compiler
) -> None:
    elf = program()
    for _ in range(2):
        result = drafthart(*RUN, str(elf))
        assert (result.status, result.out, result.err) == (0, "hello\n", "")
    assert compiler.runs == 1


def test_the_environment_names_one(
    drafthart: Command, program: Program, compiler: Compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRAFTHART_ENGINE", "python")
    assert drafthart(*RUN, str(program())).status == 0
    assert compiler.runs == 0


def test_an_unknown_one(fails: Callable[..., str], compiler: Compiler) -> None:
    text = fails(*RUN, "--engine", "warp", HELLO)
    assert "no engine 'warp'; there are python, native, both" in text


def test_commits_are_logged_by_the_python_engine(
    drafthart: Command, program: Program, compiler: Compiler, here: Path
) -> None:
    result = drafthart(*RUN, "--log-commits", "log", str(program()))
    assert (result.status, result.err, compiler.runs) == (0, "", 0)
    assert (here / "log").read_text().startswith("core   0: 3 0x0000000080000000")


@pytest.mark.parametrize("engine", ["native", "both"])
def test_commits_are_not_logged_by_the_others(
    fails: Callable[..., str], program: Program, compiler: Compiler, engine: str
) -> None:
    elf = program()
    text = fails(*RUN, "--engine", engine, "--log-commits", "log", str(elf))
    assert text == "--log-commits: only the python engine does this; use --engine python"


def test_lockstep_is_of_both(fails: Callable[..., str], program: Program) -> None:
    text = fails(*RUN, "--lockstep-every", "1", str(program()))
    assert text == "--lockstep-every: only for both engines; add --engine both"


@pytest.mark.parametrize("every", [1, 7, 1000])
def test_lockstep_at_any_grain(
    drafthart: Command, program: Program, compiler: Compiler, every: int
) -> None:
    result = drafthart(
        *RUN, "--engine", "both", "--lockstep-every", str(every), "--dump-state", str(program())
    )
    alone = drafthart(*RUN, "--engine", "python", "--dump-state", str(program()))
    assert (result.status, result.out, result.err) == (0, alone.out, "")


# Where there is no compiler, or a bad one


def no_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CC")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(build, "find_spec", lambda name: None)


def test_without_a_compiler_the_python_engine_runs_and_says_so(
    drafthart: Command,
    program: Program,
    compiler: Compiler,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    elf = program()
    no_compiler(monkeypatch, tmp_path)
    result = drafthart(*RUN, str(elf))
    assert (result.status, result.out) == (0, "hello\n")
    assert result.err == (
        "drafthart: the python engine runs: the native engine needs a C compiler: install gcc or "
        "clang, or drafthart[native], or use --engine python\n"
    )


@pytest.mark.parametrize("engine", ["native", "both"])
def test_without_a_compiler_the_others_are_refused(
    fails: Callable[..., str],
    program: Program,
    compiler: Compiler,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
) -> None:
    elf = program()
    no_compiler(monkeypatch, tmp_path)
    assert "install gcc or clang" in fails(*RUN, "--engine", engine, str(elf))


def test_a_compiler_that_does_not_exist(
    fails: Callable[..., str], program: Program, compiler: Compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "/nowhere/cc -O9")
    text = fails(*RUN, "--engine", "native", str(program()))
    assert text == ("CC says '/nowhere/cc -O9', and there is no such program; correct or unset it")


@pytest.mark.parametrize(
    ("does", "told"),
    [
        ("exit 1", "cc failed to build the native engine: no word why; set CC to another"),
        (
            "echo 'hart.c:3: error: \033[31mno\033[m good' >&2; exit 4",
            "cc failed to build the native engine: hart.c:3: error:",
        ),
        ("kill -9 $$", "cc was killed by signal 9 while it built the native engine"),
        ("sleep 60 & sleep 60", "cc did not finish within 1 s; use --engine python"),
        ("exit 0", "the native engine cannot be kept there"),
    ],
)
def test_a_compiler_that_fails(
    fails: Callable[..., str],
    drafthart: Command,
    program: Program,
    compiler: Compiler,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    does: str,
    told: str,
) -> None:
    monkeypatch.setattr(build, "_PATIENCE", 1)
    elf = program()
    compiler.does(does)
    start = time.monotonic()
    text = fails(*RUN, "--engine", "native", str(elf))
    assert told in text
    assert "\033" not in text
    assert time.monotonic() - start < 30
    # Asked for by nobody, it is not missed.
    result = drafthart(*RUN, str(elf))
    assert (result.status, result.out) == (0, "hello\n")
    assert result.err.startswith("drafthart: the python engine runs: ")
    assert result.err.count("\n") == 1
    assert not [path for path in entries(tmp_path) if path.name.startswith("building-")]
    # A better compiler makes good for it.
    compiler.does()
    assert drafthart(*RUN, "--engine", "native", str(elf)).status == 0


def test_a_compiler_that_makes_something_else(
    fails: Callable[..., str], program: Program, compiler: Compiler
) -> None:
    compiler.does("head -c 1000 /dev/zero > hart.so; exit 0")
    text = fails(*RUN, "--engine", "native", str(program()))
    assert "hart.so: cannot be loaded" in text
    assert text.endswith("remove it, and it is made again")


# The cache


def flip(entry: Path) -> None:
    data = bytearray((entry / "hart.so").read_bytes())
    data[len(data) // 2] ^= 4
    replace(entry, bytes(data))


def replace(entry: Path, data: bytes) -> None:
    """Other content, in another file: this process runs code of the one that is there."""
    (entry / "hart.so").unlink()
    (entry / "hart.so").write_bytes(data)


def empty(entry: Path) -> None:
    shutil.rmtree(entry)
    entry.mkdir()


@pytest.mark.parametrize(
    "spoil",
    [
        flip,
        empty,
        lambda entry: (entry / "digest").unlink(),
        lambda entry: (entry / "hart.so").unlink(),
        lambda entry: replace(entry, b""),
        lambda entry: (entry / "digest").write_bytes(b"\xff\xfe"),
    ],
)
def test_a_corrupt_entry_is_made_again(
    drafthart: Command,
    program: Program,
    compiler: Compiler,
    tmp_path: Path,
    spoil: Callable[[Path], Any],
) -> None:
    elf = program()
    assert drafthart(*RUN, str(elf)).status == 0
    (entry,) = entries(tmp_path)
    spoil(entry)
    result = drafthart(*RUN, str(elf))
    assert (result.status, result.out, result.err) == (0, "hello\n", "")
    assert compiler.runs == 2
    assert entries(tmp_path) == [entry]
    digest = hashlib.sha256((entry / "hart.so").read_bytes()).hexdigest()
    assert (entry / "digest").read_text() == digest


def test_a_cache_that_cannot_be_written(
    fails: Callable[..., str],
    drafthart: Command,
    program: Program,
    compiler: Compiler,
    tmp_path: Path,
) -> None:
    elf = program()
    # A file where the folder should be: not even the superuser can write there.
    (tmp_path / "cache").mkdir(exist_ok=True)
    (tmp_path / "cache" / "native").write_text("")
    text = fails(*RUN, "--engine", "native", str(elf))
    assert "the native engine cannot be kept there" in text
    assert "set DRAFTHART_CACHE to a folder that can be written" in text
    assert drafthart(*RUN, str(elf)).out == "hello\n"


COMMAND = (sys.executable, "-c", "import sys, drafthart.cli as c; sys.exit(c.main())", *RUN)


def started(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, **options)


def test_four_first_starts_at_once(program: Program, compiler: Compiler, tmp_path: Path) -> None:
    elf = program()
    compiler.does("sleep 1")
    running = [started("--engine", "native", str(elf)) for _ in range(4)]
    assert [process.communicate()[0] for process in running] == [b"hello\n"] * 4
    assert compiler.runs == 1
    assert len(entries(tmp_path)) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_an_interrupted_build(
    drafthart: Command, program: Program, compiler: Compiler, tmp_path: Path, number: signal.Signals
) -> None:
    elf = program()
    compiler.does(f"echo half > hart.so; touch {tmp_path}/begun; sleep 30")
    process = started("--engine", "native", str(elf), stderr=subprocess.PIPE)
    end = time.monotonic() + 60
    while not (tmp_path / "begun").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(number)
    _, told = process.communicate(timeout=30)
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    assert b"Traceback" not in told
    compiler.does()
    assert drafthart(*RUN, "--engine", "native", str(elf)).out == "hello\n"
    whole = [path for path in entries(tmp_path) if not path.name.startswith("building-")]
    assert len(whole) == 1


def test_what_a_killed_build_left_is_cleared_up(
    drafthart: Command, program: Program, compiler: Compiler, tmp_path: Path
) -> None:
    folder = tmp_path / "cache" / "native"
    for name, age in (("building-old", 10_000), ("building-new", 0)):
        (folder / name).mkdir(parents=True)
        os.utime(folder / name, (time.time() - age,) * 2)
    assert drafthart(*RUN, str(program())).status == 0
    assert not (folder / "building-old").exists()
    assert (folder / "building-new").exists()


def test_a_first_build_shows_a_line_on_a_terminal(program: Program, compiler: Compiler) -> None:
    elf = program()
    ours, theirs = pty.openpty()
    process = started(str(elf), stderr=theirs)
    os.close(theirs)
    assert process.communicate()[0] == b"hello\n"
    shown = os.read(ours, 1000).decode()
    os.close(ours)
    assert shown == "building the native engine for priv@1.12 …\r\x1b[K"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["clang", "zig"])
def test_another_compiler(
    drafthart: Command,
    program: Program,
    compiler: Compiler,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    zig = os.environ.get("DRAFTHART_ZIG") or f"{sys.executable} -m ziglang"
    command = "clang" if name == "clang" else f"{zig} cc -mcpu=baseline"
    words = [*command.split(), "--version"]
    known = shutil.which(words[0]) and subprocess.run(words, capture_output=True, check=False)
    if not known or known.returncode:
        pytest.skip(f"{name} is not installed")
    monkeypatch.setenv("CC", command)
    result = drafthart(*RUN, "--engine", "both", str(program()))
    assert (result.status, result.out, result.err) == (0, "hello\n", "")
