"""The guest's console: scripts of --expect and --type, --console, and a person at a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from drafthart.commands.console_options import UNEXPECTED, text_of
from drafthart.generator.errors import DrafthartError

Command = Callable[..., Any]
RUN = ("run", "--revision", "h@1.0")
ENGINES = ["python", "native", "both"]


@pytest.fixture
def guest(drafthart: Command, here: Path) -> str:
    """A program that asks for names and greets; bye ends it."""
    source = Path(__file__).with_name("console_guest.S").read_text(encoding="utf-8")
    (here / "guest.S").write_text(source, encoding="utf-8")
    assert drafthart("asm guest.S --revision h@1.0").status == 0
    return "guest.elf"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_script_ends_where_its_last_text_ends(
    drafthart: Command, guest: str, here: Path, engine: str
) -> None:
    script = ("--expect", "name? ", "--type", r"anna\n", "--expect", "hello anna")
    result = drafthart(*RUN, "--engine", engine, guest, *script, "--console", "seen")
    # The guest would have gone on: the rest of the line, and the next question.
    expected = "name? anna\r\nhello anna"
    assert (result.status, result.out, result.err) == (0, expected, "")
    # The file has what the guest printed, be it a little more than the script waited for.
    assert (here / "seen").read_bytes().startswith(expected.encode())


@pytest.mark.parametrize("engine", ENGINES)
def test_a_text_that_does_not_appear(drafthart: Command, guest: str, engine: str) -> None:
    result = drafthart(
        *RUN, "--engine", engine, guest, "--expect", "name", "--type", r"x\ny\n",
        "--expect", "hello z", "--timeout-instructions", "500000",
    )  # fmt: skip
    assert result.status == UNEXPECTED
    assert result.out == "name? x\r\nhello x\r\nname? y\r\nhello y\r\nname? "
    assert result.err.startswith("drafthart: --expect 'hello z' (2 of 2): has not appeared\n")
    assert "\n    hello x\n    name? y\n    hello y\n    name?\n" in result.err
    assert "500000 instructions: limit reached" in result.err


def test_a_guest_that_ends_well_without_the_text(drafthart: Command, guest: str) -> None:
    script = ("--expect", "?", "--type", r"bye\n", "--expect", "hello anna")
    result = drafthart(*RUN, guest, *script)
    assert result.status == UNEXPECTED
    assert "the guest ended with status 0" in result.err


def test_a_text_over_two_lines_whatever_their_ends(drafthart: Command, guest: str) -> None:
    script = ("--expect", "?", "--type", r"anna\n", "--expect", r"hello anna\nname")
    assert drafthart(*RUN, guest, *script).status == 0


def test_texts_are_found_in_order_and_not_twice(drafthart: Command, guest: str) -> None:
    limit = ("--timeout-instructions", "300000")
    assert drafthart(*RUN, guest, "--expect", "name", "--expect", "me?", *limit).status == 4
    assert drafthart(*RUN, guest, "--expect", "name", "--expect", "?", *limit).status == 0


def test_what_is_typed() -> None:
    assert text_of("--type", r"a\n\r\t\e\x03\\n" + "é") == b"a\n\r\t\x1b\x03\\n" + "é".encode()
    for wrong in ("\\", r"\q", r"\x1"):
        with pytest.raises(DrafthartError, match="means nothing"):
            text_of("--type", wrong)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--timeout-instructions", "5"], "nothing is waited for"),
        (["--type", "a"], "add that"),
        (["--expect", ""], "an empty text"),
        (["--expect", r"\q"], "means nothing"),
        (["--expect", "a", "--timeout-instructions", "5", "--max-instructions", "5"], "leave one"),
        (["--console", "no/where"], "no/where: cannot be written"),
        (["--console", "."], "Is a directory"),
    ],
)
def test_errors(fails: Callable[..., str], guest: str, arguments: list[str], message: str) -> None:
    assert message in fails(*RUN, guest, *arguments)


class Person:
    """Someone at a terminal, in which a command runs."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.outer, self.inner = pty.openpty()
        self.before = termios.tcgetattr(self.inner)
        code = "from drafthart.cli import main; raise SystemExit(main())"
        self.child = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdin=self.inner,
            stdout=self.inner,
            stderr=self.inner,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            start_new_session=True,
        )
        self.seen = ""

    def type(self, keys: str) -> None:
        os.write(self.outer, keys.encode())

    def sees(self, text: str) -> str:
        """What was shown up to the text, for which it waits."""
        deadline = time.monotonic() + 60
        while text not in self.seen:
            assert time.monotonic() < deadline, f"{text!r} is not in {self.seen!r}"
            if select.select([self.outer], [], [], 0.1)[0]:
                self.seen += os.read(self.outer, 4096).decode()
        before, _, self.seen = self.seen.partition(text)
        return before

    @property
    def is_raw(self) -> bool:
        return not termios.tcgetattr(self.inner)[3] & termios.ICANON

    def waits_until_raw(self, raw: bool) -> None:
        deadline = time.monotonic() + 20
        while self.is_raw != raw:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def leaves(self) -> int:
        status = self.child.wait(30)
        assert termios.tcgetattr(self.inner) == self.before
        return status

    def close(self) -> None:
        with suppress(ProcessLookupError):
            self.child.kill()
        self.child.wait()
        os.close(self.inner)
        os.close(self.outer)


@pytest.fixture
def person(guest: str, here: Path) -> Iterator[Person]:
    person = Person(here, *RUN, guest)
    yield person
    person.close()


def test_a_conversation(person: Person) -> None:
    assert person.sees("name? ") == ""
    person.type("anna\r")
    assert person.sees("name? ").replace("\r", "") == "anna\nhello anna\n"
    person.type("\x01h")
    # Each line starts at the left: a line feed alone would not go there.
    help_ = person.sees("send Ctrl-A\r\n")
    assert not re.search(r"[^\r]\n", help_)
    for key in "xhsict":
        assert f"Ctrl-A {key} " in help_
    person.type("bye\r")
    assert person.leaves() == 0


def test_state_and_snapshot(person: Person, drafthart: Command, here: Path) -> None:
    person.sees("name? ")
    person.type("\x01i")
    state = person.sees("t6 ")
    assert "h@1.0, after " in state
    assert "M-mode" in state
    assert re.search(r"pc 0x800000[0-9a-f]{2} <more", state)
    assert " s0 0000000010000000" in state
    assert max(map(len, state.splitlines())) < 80
    person.type("\x01s")
    name = re.search(r"drafthart-\d+\.snap", person.sees("goes on from it]"))
    person.type("\x01x")
    assert person.leaves() == 0
    assert name is not None
    script = ("--expect", "hello", "--timeout-instructions", "300000")
    rest = drafthart(*RUN, "--restore", name[0], *script)
    assert (rest.status, rest.out) == (UNEXPECTED, "")


def test_a_snapshot_that_cannot_be_written_is_no_end(person: Person, here: Path) -> None:
    person.sees("name? ")
    here.rename(here.with_name("gone"))
    here.with_name("gone").chmod(0o500)
    if os.geteuid() == 0:
        # Whom permissions do not hold: a folder that is not there any more.
        for path in here.with_name("gone").iterdir():
            path.unlink()
        here.with_name("gone").rmdir()
    person.type("\x01s")
    person.sees("check the path")
    person.type("anna\r")
    person.sees("hello anna")


def test_traps_are_told_and_no_more(drafthart: Command, here: Path) -> None:
    (here / "traps.S").write_text(
        "    .globl _start\n_start:\n    la t0, handler\n    csrw mtvec, t0\n"
        "again:\n    li t1, 100000\n1:  addi t1, t1, -1\n    bnez t1, 1b\n    ecall\n    j again\n"
        "    .align 2\nhandler:\n    csrr t0, mepc\n    addi t0, t0, 4\n"
        "    csrw mepc, t0\n    mret\n"
    )
    assert drafthart("asm traps.S --revision h@1.0").status == 0
    person = Person(here, *RUN, "traps.elf")
    try:
        person.waits_until_raw(True)
        person.type("\x01t")
        person.sees("each trap is told")
        person.sees("cause:11")
        person.type("\x01t")
        person.sees("no longer told")
        person.type("\x01x")
        assert person.leaves() == 0
    finally:
        person.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT])
def test_the_terminal_is_restored_after_a_signal(person: Person, number: signal.Signals) -> None:
    person.sees("name? ")
    assert person.is_raw
    person.child.send_signal(number)
    assert person.leaves() == 128 + number


def test_a_stop_gives_the_terminal_back_until_it_goes_on(person: Person) -> None:
    person.sees("name? ")
    person.child.send_signal(signal.SIGTSTP)
    person.waits_until_raw(False)
    assert termios.tcgetattr(person.inner) == person.before
    person.child.send_signal(signal.SIGCONT)
    person.waits_until_raw(True)
    person.type("anna\r")
    person.sees("hello anna")
    person.type("\x01x")
    assert person.leaves() == 0


def test_a_window_that_is_closed_ends_the_run(guest: str, here: Path) -> None:
    outer, inner = pty.openpty()
    code = (
        "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
        "from drafthart.cli import main; raise SystemExit(main())"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, *RUN, guest],
        stdin=inner, stdout=inner, stderr=inner, cwd=here, start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    os.close(inner)
    seen = b""
    while b"name?" not in seen:
        seen += os.read(outer, 100)
    os.close(outer)
    assert child.wait(30) == 128 + signal.SIGHUP


def test_lines_are_not_mixed_with_what_drafthart_says(guest: str, here: Path) -> None:
    person = Person(here, *RUN, guest, "--expect", "nothing", "--timeout-instructions", "300000")
    try:
        assert person.sees("drafthart:") == "name? \r\n"
        assert person.leaves() == UNEXPECTED
    finally:
        person.close()
