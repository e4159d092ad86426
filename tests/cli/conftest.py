"""Running the command line in this process, in an empty folder."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from spec_folder import Folder, change

from drafthart.cli import main
from drafthart.runtime.staging.area import OWN

HELLO = """\
    .globl _start
_start:
    la t0, text
    li t1, 0x10000000
1:  lbu t2, 0(t0)
    beqz t2, 2f
    sb t2, 0(t1)
    addi t0, t0, 1
    j 1b
2:  li t0, 0x100000
    li t1, STATUS
    sw t1, 0(t0)
3:  j 3b
    .section .rodata
text: .string "hello\\n"
"""
PASS = "0x5555"


@dataclass(frozen=True)
class Result:
    """What a command line did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.status == 0, self.err
        return json.loads(self.out)


Command = Callable[..., Result]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, 80 columns wide."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return folder


@pytest.fixture
def drafthart(here: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs `drafthart` with arguments, or with one line of them."""

    def run(*arguments: str) -> Result:
        if len(arguments) == 1:
            arguments = tuple(shlex.split(arguments[0]))
        capfd.readouterr()
        status = main(arguments)
        result = Result(status, *capfd.readouterr())
        if " is not staged here" in result.err and not OWN.staging.is_dir():
            # tox's `unstaged`: what is ratified is tested, and drafts have been told to be absent.
            pytest.skip(result.err.partition(",")[0])
        return result

    return run


@pytest.fixture
def fails(drafthart: Command, here: Path) -> Callable[..., str]:
    """Runs what must fail: with status 2 and one line, and without leaving a file. Returns it."""

    def run(*arguments: str) -> str:
        before = sorted(here.rglob("*"))
        result = drafthart(*arguments)
        assert (result.status, result.out) == (2, "")
        assert result.err.startswith("drafthart: ")
        assert result.err.endswith("\n")
        assert result.err.count("\n") == 1
        assert sorted(here.rglob("*")) == before
        return result.err.removeprefix("drafthart: ").rstrip("\n")

    return run


@pytest.fixture
def hello(here: Path) -> Path:
    """The source of a program that says hello and ends well."""
    path = here / "hello.S"
    path.write_text(HELLO.replace("STATUS", PASS), encoding="utf-8")
    return path


@pytest.fixture
def program(drafthart: Command, here: Path) -> Callable[[str], Path]:
    """Assembles the program that says hello and then writes a value to the test finisher."""

    def build(value: str = PASS, revision: str = "priv@1.12") -> Path:
        source = here / "program.S"
        source.write_text(HELLO.replace("STATUS", value), encoding="utf-8")
        result = drafthart("asm", "program.S", "--revision", revision)
        assert result.status == 0, result.err
        return here / "program.elf"

    return build


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Made-up specs: base@1, and h@1, a draft with two changes of them."""
    root = tmp_path / "specs"
    root.mkdir()
    folder = Folder(root)
    folder.revision(
        "1",
        change("moved", 'replace: {csrs.status.fields.LEVEL.bits: "6:4"}')
        + change("added", "add: {csrs.status.fields.NEW: {bits: 9, kind: WARL, doc: Shiny}}"),
    )
    return folder
