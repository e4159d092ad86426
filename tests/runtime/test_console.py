"""The host console: pipes, a real terminal (a pty), the escape keys, and ends of all kinds."""

import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from drafthart.runtime.console import Console


class Pipes:
    """A console between two pipes, seen from outside."""

    def __init__(self) -> None:
        self.stdin, self.keys = os.pipe()
        self.screen, self.stdout = os.pipe()
        self.console = Console(self.stdin, self.stdout)

    def type(self, text: bytes) -> bytes:
        os.write(self.keys, text)
        return self.console.poll()

    def close(self) -> None:
        for descriptor in (self.stdin, self.keys, self.screen, self.stdout):
            with suppress(OSError):
                os.close(descriptor)


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    pipes = Pipes()
    with pipes.console:
        yield pipes
    pipes.close()


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    outer, inner = pty.openpty()
    yield outer, inner
    for descriptor in (outer, inner):
        with suppress(OSError):
            os.close(descriptor)


def wait_for_input(console: Console) -> bytes:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if data := console.poll():
            return data
    return b""


def test_poll_does_not_wait(pipes: Pipes) -> None:
    assert pipes.console.poll() == b""
    assert not pipes.console.at_end


def test_input_passes_unchanged(pipes: Pipes) -> None:
    text = bytes(byte for byte in range(256) if byte != 1)
    assert pipes.type(text) == text
    assert not pipes.console.quit


def test_output_is_written_at_once(pipes: Pipes) -> None:
    pipes.console.write(b"hello\n")
    assert os.read(pipes.screen, 100) == b"hello\n"


@pytest.mark.parametrize("key", [b"x", b"X"])
def test_escape_x_leaves(pipes: Pipes, key: bytes) -> None:
    assert pipes.type(b"ab\x01" + key + b"cd") == b"ab"
    assert pipes.console.quit


def test_escape_escape_sends_it(pipes: Pipes) -> None:
    assert pipes.type(b"\x01\x01x\x01\x01") == b"\x01x\x01"
    assert not pipes.console.quit


def test_escape_h_shows_help(pipes: Pipes) -> None:
    assert pipes.type(b"a\x01hb") == b"ab"
    assert os.read(pipes.screen, 1000) == pipes.console.help


def test_escape_is_remembered_between_polls(pipes: Pipes) -> None:
    assert pipes.type(b"\x01") == b""
    assert pipes.type(b"x") == b""
    assert pipes.console.quit


def test_unknown_escape_is_dropped(pipes: Pipes) -> None:
    assert pipes.type(b"a\x01zb") == b"ab"
    assert not pipes.console.quit


def test_end_of_input_is_not_the_end_of_the_run(pipes: Pipes) -> None:
    assert pipes.type(b"last") == b"last"
    os.close(pipes.keys)
    assert pipes.console.poll() == b""
    assert pipes.console.at_end
    assert pipes.console.poll() == b""
    assert not pipes.console.quit


def test_a_reader_that_left_ends_the_run(pipes: Pipes) -> None:
    os.close(pipes.screen)
    pipes.console.write(b"x")
    assert pipes.console.quit
    pipes.console.write(b"y")


def test_null_device() -> None:
    descriptor = os.open(os.devnull, os.O_RDWR)
    with Console(descriptor, descriptor) as console:
        assert console.poll() == b""
        assert console.at_end
        console.write(b"x")
        assert not console.quit
    os.close(descriptor)


def test_closed_descriptors() -> None:
    descriptor = os.open(os.devnull, os.O_RDWR)
    os.close(descriptor)
    with Console(descriptor, descriptor) as console:
        assert console.poll() == b""
        assert console.at_end
        console.write(b"x")
        assert not console.quit


def test_no_input_and_no_output() -> None:
    with Console(None, None) as console:
        assert console.at_end
        assert console.poll() == b""
        console.write(b"x")
        assert not console.quit


def test_terminal_is_raw_inside_and_restored_after(terminal: tuple[int, int]) -> None:
    outer, inner = terminal
    before = termios.tcgetattr(inner)
    with Console(inner, inner) as console:
        flags = termios.tcgetattr(inner)
        assert not flags[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
        assert not flags[0] & (termios.ICRNL | termios.IXON)
        os.write(outer, b"\x03\r")  # Ctrl-C and Enter, as the guest must see them
        assert wait_for_input(console) == b"\x03\r"
        console.write(b"a\n")
        assert os.read(outer, 100) == b"a\r\n", "nothing was echoed, line feeds are translated"
    assert termios.tcgetattr(inner) == before


def test_terminal_is_restored_after_an_error(terminal: tuple[int, int]) -> None:
    _, inner = terminal
    before = termios.tcgetattr(inner)
    with pytest.raises(RuntimeError, match="engine"), Console(inner, inner):
        raise RuntimeError("engine")
    assert termios.tcgetattr(inner) == before


def test_a_terminal_that_hangs_up_is_the_end_of_input(terminal: tuple[int, int]) -> None:
    outer, inner = terminal
    with Console(inner, None) as console:
        os.close(outer)
        console.poll()
        assert console.at_end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_terminal_is_restored_after_a_signal(
    terminal: tuple[int, int], number: signal.Signals
) -> None:
    _, inner = terminal
    before = termios.tcgetattr(inner)
    program = (
        "import signal, sys, time; from drafthart.runtime.console import Console\n"
        # The suite may run under nohup, whose deafness to SIGHUP children inherit.
        f"signal.signal({int(number)}, signal.SIG_DFL)\n"
        "with Console(0, 1):\n"
        "    print('ready', file=sys.stderr, flush=True)\n"
        "    time.sleep(60)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=inner,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert child.stderr is not None
    assert child.stderr.readline() == b"ready\n"
    assert termios.tcgetattr(inner) != before
    child.send_signal(number)
    assert child.wait(10) == 128 + number
    child.stderr.close()
    assert termios.tcgetattr(inner) == before


def test_signal_handlers_are_put_back(terminal: tuple[int, int]) -> None:
    _, inner = terminal
    before = signal.getsignal(signal.SIGTERM)
    with Console(inner, None):
        assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) == before
