"""The program as a whole: help, errors, interruption, completion."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import drafthart as package
from drafthart import cli

Command = Callable[..., Any]

COMMANDS = ["revisions", "show", "diff", "check", "generate", "asm", "disasm", "run", "tour"]


def test_help_lists_the_commands(drafthart: Command) -> None:
    result = drafthart("--help")
    assert result.status == 0
    listed = [line.split()[0] for line in result.out.partition("Commands:")[2].splitlines() if line]
    assert [name for name in listed if name in COMMANDS] == COMMANDS
    assert drafthart().out == result.out


@pytest.mark.parametrize("command", COMMANDS)
def test_each_help_has_examples_and_fits(drafthart: Command, command: str) -> None:
    result = drafthart(command, "--help")
    assert result.status == 0
    assert "Examples:" in result.out
    assert f"drafthart {command}" in result.out
    assert max(len(line) for line in result.out.splitlines()) <= 80


def test_version(drafthart: Command) -> None:
    assert drafthart("--version").out == f"drafthart {package.__version__}\n"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense", "nonsense"),
        ("show", "REV"),
        ("show h@1.0 --wrong", "--wrong"),
        ("show h@1.0 --xlen 48", "48"),
        ("generate --target pascal h@1.0", "pascal"),
        ("asm", "FILE"),
        ("asm x.S", "--revision"),
        ("disasm 13 --base everywhere --revision priv@1.12", "everywhere"),
        ("run --memory much --revision priv@1.12", "much"),
        ("run --max-instructions 0 --revision priv@1.12", "--max-instructions"),
    ],
)
def test_usage_errors_name_what_is_wrong(
    fails: Callable[..., str], line: str, message: str
) -> None:
    error = fails(line)
    assert message in error
    assert "--help" in error


def test_what_a_file_says_cannot_spoil_the_terminal(fails: Callable[..., str]) -> None:
    error = fails("disasm", "no\x1b[31msuch\nfile", "--revision", "priv@1.12")
    assert r"no\x1b[31msuch file" in error


def test_ctrl_c(monkeypatch: pytest.MonkeyPatch, drafthart: Command) -> None:
    def interrupted(**_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupted)
    result = drafthart("revisions")
    assert (result.status, result.out, result.err) == (130, "", "")


def test_errors_of_the_system_are_one_line(
    monkeypatch: pytest.MonkeyPatch, fails: Callable[..., str]
) -> None:
    def full(**_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cli, "app", full)
    assert fails("revisions").startswith("No space left on device")


PROCESS = [sys.executable, "-c", "import sys; from drafthart.cli import main; sys.exit(main())"]


def test_a_reader_that_leaves() -> None:
    with subprocess.Popen(
        [*PROCESS, "show", "priv@1.12", "--resolved"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait() == 1


def test_ctrl_c_keeps_the_log(program: Callable[..., Path], here: Path) -> None:
    elf = program("0")
    log = here / "log"
    arguments = ["run", "--revision", "priv@1.12", "--log-commits", str(log), str(elf)]
    with subprocess.Popen(
        [*PROCESS, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"hello\n"
        time.sleep(0.2)
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(timeout=30) == 130
    lines = log.read_text().splitlines()
    assert len(lines) > 10
    assert all(line.startswith("core   0: 3 ") for line in lines)
    assert not list(here.glob(".log*"))


def complete(line: str) -> list[str]:
    """What bash would be offered for the last word of a line, which it cuts at @, : and =."""
    pieces = [piece for piece in re.split(r" |([@:=])", line) if piece is not None]
    pieces = [piece for piece in pieces[:-1] if piece] + pieces[-1:]
    environment = os.environ | {
        "_DRAFTHART_COMPLETE": "complete_bash",
        "COMP_WORDS": "\n".join(pieces),
        "COMP_CWORD": str(len(pieces) - 1),
    }
    done = subprocess.run(PROCESS, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_completion_of_commands() -> None:
    assert complete("drafthart sh") == ["show"]


def test_completion_of_revisions() -> None:
    assert complete("drafthart show priv") == ["priv@1.10", "priv@1.11", "priv@1.12"]
    assert "1.0" in complete("drafthart diff priv@1.12 h@")
    assert "1.0" in complete("drafthart diff priv@1.12 h@1")
    assert "h@1.0" in complete("drafthart asm x.S --revision ")


def test_completion_of_items() -> None:
    assert "mstatus.MPP" in complete("drafthart show priv@1.12 csr:mstatus.M")
    assert "mstatus" in complete("drafthart show priv@1.12 csr:")
    assert "mstatus" in complete("drafthart show priv@1.12 mstat")
    assert complete("drafthart show nonsense@1 mstat") == []


def test_completion_in_other_shells() -> None:
    """They cut at spaces only."""
    environment = {
        "_DRAFTHART_COMPLETE": "complete_fish",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_ARGS": "drafthart show priv@1.12 csr:mstatus.MP",
    }
    result = CliRunner().invoke(cli.app, [], prog_name="drafthart", env=environment)
    assert "csr:mstatus.MPP" in result.output


def test_importing_the_package_is_cheap() -> None:
    code = (
        "import sys, drafthart; "
        "assert not [m for m in sys.modules if m.startswith(('yaml', 'drafthart.'))]; "
        "assert drafthart.resolve and drafthart.differences and drafthart.allow_unstable; "
        "print(all(hasattr(drafthart, name) for name in drafthart.__all__))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_an_unknown_name_of_the_package() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        package.nonsense  # noqa: B018


def test_options_stand_under_their_headings(drafthart: Command) -> None:
    sections: dict[str, list[str]] = {}
    for line in drafthart("run --help").out.splitlines():
        if re.fullmatch(r"[A-Z][\w ]+:", line):
            shown = sections.setdefault(line.removesuffix(":"), [])
        elif sections and line.startswith("  -"):
            shown += re.findall(r"--[\w-]+", line[:28])
    assert list(sections) == [
        "Arguments",
        "Options",
        "Machine",
        "Console",
        "Engine",
        "Looking inside",
        "Snapshots",
    ]
    assert {"--revision", "--help"} <= set(sections["Options"])
    assert {"--memory", "--smp"} <= set(sections["Machine"])
    assert sections["Console"] == ["--console", "--expect", "--type", "--timeout-instructions"]
    assert sections["Engine"] == ["--engine", "--lockstep-every"]
    assert {"--gdb", "--explain-traps", "--dump-state"} <= set(sections["Looking inside"])
    assert sections["Snapshots"] == ["--save", "--save-at", "--restore"]


@pytest.mark.parametrize("command", ["run", "diff"])
def test_the_texts_of_all_options_stand_in_one_column(drafthart: Command, command: str) -> None:
    lines = drafthart(f"{command} --help").out.splitlines()
    shown = [line for line in lines if re.match(r"  (-|[A-Z|{}]+ )\S*.*?  +\S", line)]
    starts = {re.match(r"  \S.*?  +", line).end() for line in shown}  # type: ignore[union-attr]
    assert len(shown) > 10
    assert len(starts) == 1
