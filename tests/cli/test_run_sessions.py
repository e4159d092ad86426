"""Snapshots, profiles and gdb on the command line."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drafthart.commands.run import UNFINISHED

Command = Callable[..., Any]
Program = Callable[..., Path]
H10 = ("--revision", "h@1.0")


@pytest.fixture
def elf(program: Program) -> str:
    return str(program(revision="h@1.0"))


def test_a_run_in_two_pieces(drafthart: Command, elf: str, here: Path) -> None:
    first = drafthart("run", *H10, "--save", "a.snap", "--max-instructions", "20", elf)
    assert (first.status, first.out) == (UNFINISHED, "hel")
    second = drafthart("run", *H10, "--restore", "a.snap")
    assert (second.status, second.out) == (0, "lo\n")
    assert sorted(path.name for path in here.iterdir()) == ["a.snap", "program.S", "program.elf"]


def test_saving_on_the_way(drafthart: Command, elf: str) -> None:
    whole = drafthart("run", *H10, "--save", "a.snap", "--save-at", "20", elf)
    assert (whole.status, whole.out) == (0, "hello\n")
    assert drafthart("run", *H10, "--restore", "a.snap").out == "lo\n"


def test_the_commit_logs_of_two_pieces_are_one(drafthart: Command, elf: str, here: Path) -> None:
    drafthart("run", *H10, "--log-commits", "whole", elf)
    drafthart("run", *H10, "--log-commits", "one", "--save", "s", "--max-instructions", "17", elf)
    drafthart("run", *H10, "--log-commits", "two", "--restore", "s")
    assert (here / "one").read_text() + (here / "two").read_text() == (here / "whole").read_text()


def test_a_snapshot_at_the_end(drafthart: Command, elf: str) -> None:
    drafthart("run", *H10, "--save", "a.snap", elf)
    data = drafthart("snapshot a.snap --format json").json
    # 3 of the two la and li, 6 times 5 of the loop, the last round's 2, and the end's.
    assert data["hart"]["mode"] == "M-mode"
    assert data["hart"]["sleeping"] is False
    assert data["memory"] == 256 << 20
    assert (data["revision"], data["status"], data["opt_in"]) == ("h@1.0", "ratified", None)
    assert data["parameters"]["GEILEN"] == 4
    assert data["devices"] == ["clint", "plic", "uart", "rtc"]


def test_what_a_draft_saves_says_so(drafthart: Command, program: Program) -> None:
    elf = program(revision="h@0.6.1")
    draft = ("--revision", "h@0.6.1", "--allow-unstable", "h@0.6.1")
    drafthart("run", *draft, "--save", "a.snap", "--max-instructions", "20", str(elf))
    data = drafthart("snapshot a.snap --format json").json
    assert (data["revision"], data["status"]) == ("h@0.6.1", "draft")
    assert data["opt_in"] == "--allow-unstable h@0.6.1"
    assert "h@0.6.1 (draft)" in drafthart("snapshot a.snap").out
    refused = drafthart("run", "--revision", "h@0.6.1", "--restore", "a.snap")
    assert (refused.status, refused.out) == (2, "")
    assert "is not ratified" in refused.err
    assert drafthart("run", *draft, "--restore", "a.snap").out == "lo\n"


def test_restoring_what_does_not_fit(
    drafthart: Command, fails: Callable[..., str], elf: str
) -> None:
    drafthart(
        "run", *H10, "--set", "GEILEN=3", "--memory", "32M", "--save", "s",
        "--max-instructions", "9", elf,
    )  # fmt: skip
    error = fails("run", "--revision", "priv@1.12", "--restore", "s")
    assert "is a snapshot of h@1.0, and this run is of priv@1.12" in error
    assert "GEILEN=3, and this run has GEILEN=5" in fails(
        "run", *H10, "--set", "GEILEN=5", "--restore", "s"
    )
    assert "leave --memory out" in fails("run", *H10, "--memory", "64M", "--restore", "s")
    assert "no such file" in fails("run", *H10, "--restore", "missing")
    assert "is no snapshot" in fails("run", *H10, "--restore", elf)
    assert "is no snapshot" in fails("snapshot", elf)
    assert "name a later one" in fails(
        "run", *H10, "--restore", "s", "--save", "t", "--save-at", "3"
    )
    # Both come out of the snapshot.
    assert drafthart("run", *H10, "--restore", "s").status == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--save-at", "5"], "add --save FILE"),
        (["--profile-every", "5"], "there is no profile"),
        (["--profile-folded", "f", "--profile-every", "5"], "follows each call"),
        (["--gdb", "nonsense"], "write :PORT or HOST:PORT"),
        (["--gdb", ":0", "--max-instructions", "5"], "--max-instructions: does not go with --gdb"),
        (["--gdb", ":0", "--profile"], "--profile: does not go with --gdb"),
        (["--save", "no/where"], "no/where: cannot be written"),
        (["--profile-json", "no/where"], "no/where: cannot be written"),
        (["--save", "s", "--save-at", "5000"], "before --save-at 5000"),
    ],
)
def test_errors(
    drafthart: Command, elf: str, here: Path, arguments: list[str], message: str
) -> None:
    before = sorted(here.iterdir())
    result = drafthart("run", *H10, *arguments, elf)
    assert result.status == 2
    assert message in result.err
    assert result.err.count("\n") == 1
    assert sorted(here.iterdir()) == before


def start(*arguments: str) -> subprocess.Popen[str]:
    code = "import sys; from drafthart.cli import main; sys.exit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )


def test_ctrl_c_saves(drafthart: Command, program: Program, here: Path) -> None:
    elf = program("0", revision="h@1.0")  # goes on for ever
    process = start("run", *H10, "--save", "a.snap", "--profile", str(elf))
    assert process.stdout is not None
    assert process.stdout.readline() == "hello\n"
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out.startswith("profile: ")
    assert drafthart("snapshot a.snap --format json").json["hart"]["steps"] > 20
    restored = drafthart("run", *H10, "--restore", "a.snap", "--max-instructions", "10")
    assert restored.status == UNFINISHED


def test_a_profile(drafthart: Command, elf: str, here: Path) -> None:
    result = drafthart("run", *H10, "--profile", "--profile-every", "1", elf)
    assert result.status == 0
    lines = result.out.splitlines()
    assert lines[0] == "hello"
    assert lines[1].endswith("instructions, each counted")
    assert lines[2] == "M 100.0%"
    assert lines[-1].split()[2:] == ["M", "_start"]
    assert all(len(line) <= 80 for line in lines)


def test_profiles_for_tools(drafthart: Command, program: Program, here: Path) -> None:
    elf = str(program(revision="h@0.6.1"))
    draft = ("--revision", "h@0.6.1", "--allow-unstable", "h@0.6.1")
    drafthart("run", *draft, "--profile-json", "p.json", "--profile-folded", "p.folded", elf)
    data = json.loads((here / "p.json").read_text())
    assert (data["revision"], data["status"], data["every"]) == ("h@0.6.1", "draft", 1)
    counts = {row["function"]: row["instructions"] for row in data["functions"]}
    assert sum(counts.values()) == data["instructions"]
    folded = dict(line.rsplit(" ", 1) for line in (here / "p.folded").read_text().splitlines())
    assert folded == {
        f"h@0.6.1 (draft);M;{function}": str(count) for function, count in counts.items()
    }


def test_a_run_too_short_to_sample(drafthart: Command, elf: str) -> None:
    assert "count each with --profile-every 1" in drafthart("run", *H10, "--profile", elf).out


def test_gdb(program: Program, here: Path) -> None:
    elf = program(revision="h@1.0")
    process = start("run", *H10, "--gdb", ":0", "--save", "end.snap", str(elf))
    assert process.stderr is not None
    line = process.stderr.readline()
    assert line.startswith("drafthart: waiting for gdb: target remote 127.0.0.1:")
    with socket.create_connection(("127.0.0.1", int(line.rpartition(":")[2])), timeout=30) as link:
        link.sendall(b"$qC#b4$vCont;c#a8")
        answer = b""
        deadline = time.monotonic() + 30
        while b"$W00" not in answer and time.monotonic() < deadline:
            answer += link.recv(4096)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "hello\n")
    assert (here / "end.snap").exists()
