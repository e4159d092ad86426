"""HTIF: exits, the console, and system calls with pointers that may point anywhere."""

import pytest

from drafthart.runtime.devices import Exit
from drafthart.runtime.devices.htif import Htif
from drafthart.runtime.memory import Ram

BASE, SIZE = 0x8000_0000, 0x4000
TOHOST, FROMHOST = BASE + 0x1000, BASE + 0x1040
BLOCK, TEXT = BASE + 0x2000, BASE + 0x2100
MINUS = 1 << 64


class Bench:
    """A guest that talks to HTIF through its memory."""

    def __init__(self, fromhost: int | None = FROMHOST) -> None:
        self.ram = Ram(BASE, SIZE)
        self.output = b""
        self.exits: list[Exit] = []
        self.htif = Htif(self.ram, TOHOST, fromhost, self._print, self.exits.append)

    def _print(self, data: bytes) -> None:
        self.output += data

    def put(self, address: int, value: int) -> None:
        self.ram.store(address, value.to_bytes(8, "little"))

    def get(self, address: int) -> int:
        return int.from_bytes(self.ram.load(address, 8), "little")

    def command(self, value: int) -> None:
        self.put(TOHOST, value)
        self.htif.poll()
        assert self.get(TOHOST) == 0

    def call(self, *words: int) -> int:
        for index, word in enumerate(words):
            self.put(BLOCK + 8 * index, word)
        self.command(BLOCK)
        assert self.get(FROMHOST) == 1
        self.put(FROMHOST, 0)
        return self.get(BLOCK)


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(("value", "status"), [(1, 0), (3, 1), (2 * 42 + 1, 42), (0xFFFF, 0x7FFF)])
def test_an_odd_value_exits(bench: Bench, value: int, status: int) -> None:
    bench.command(value)
    assert bench.exits == [Exit(status)]
    assert bench.get(FROMHOST) == 0


def test_zero_is_no_command(bench: Bench) -> None:
    bench.htif.poll()
    assert (bench.exits, bench.output, bench.get(FROMHOST)) == ([], b"", 0)


def test_console_putchar(bench: Bench) -> None:
    for byte in b"ok":
        bench.command(1 << 56 | 1 << 48 | byte)
    assert bench.output == b"ok"


def test_console_read_is_answered_when_something_was_typed(bench: Bench) -> None:
    bench.command(1 << 56)
    assert bench.get(FROMHOST) == 0
    bench.htif.receive(b"qr")
    bench.htif.poll()
    assert bench.get(FROMHOST) == 1 << 56 | 0x100 | ord("q")
    bench.put(FROMHOST, 0)
    bench.htif.poll()
    assert bench.get(FROMHOST) == 0, "nobody asked for the second byte yet"
    bench.command(1 << 56)
    assert bench.get(FROMHOST) == 1 << 56 | 0x100 | ord("r")


def test_write_prints_guest_memory(bench: Bench) -> None:
    bench.ram.store(TEXT, b"hello")
    assert bench.call(64, 1, TEXT, 5) == 5
    assert bench.call(64, 2, TEXT, 0) == 0
    assert bench.output == b"hello"


def test_exit_call(bench: Bench) -> None:
    bench.call(93, 9)
    assert bench.exits == [Exit(9)]


@pytest.mark.parametrize(
    ("words", "errno"),
    [
        ((64, 0, TEXT, 1), 9),
        ((64, 99, TEXT, 1), 9),
        ((64, 1, BASE - 1, 2), 14),
        ((64, 1, BASE + SIZE - 1, 2), 14),
        ((64, 1, TEXT, MINUS - 1), 14),
        ((64, 1, MINUS - 1, 1), 14),
        ((56, 0, TEXT, 4), 38),
        ((MINUS - 1, 0, 0, 0), 38),
    ],
)
def test_bad_calls_fail_with_an_errno(bench: Bench, words: tuple[int, ...], errno: int) -> None:
    assert bench.call(*words) == MINUS - errno
    assert bench.output == b""
    assert bench.exits == []


@pytest.mark.parametrize("block", [2, BASE - 8, BASE + SIZE - 56, BASE + SIZE, (1 << 48) - 2])
def test_a_block_outside_ram_is_ignored(bench: Bench, block: int) -> None:
    bench.command(block)
    assert bench.get(FROMHOST) == 1
    assert (bench.output, bench.exits) == (b"", [])


@pytest.mark.parametrize("value", [2 << 56 | 1, 255 << 56 | 255 << 48 | 1, 1 << 48 | 1, MINUS - 1])
def test_unknown_devices_and_commands_are_ignored(bench: Bench, value: int) -> None:
    bench.command(value)
    assert (bench.output, bench.exits, bench.get(FROMHOST)) == (b"", [], 0)


def test_answers_wait_until_fromhost_is_free(bench: Bench) -> None:
    bench.put(FROMHOST, 77)
    bench.command(BLOCK)
    assert bench.get(FROMHOST) == 77
    bench.put(FROMHOST, 0)
    bench.htif.poll()
    assert bench.get(FROMHOST) == 1


def test_a_guest_that_never_reads_costs_no_host_memory(bench: Bench) -> None:
    bench.put(FROMHOST, 77)
    for _ in range(1000):
        bench.command(BLOCK)
        bench.command(1 << 56)
    answers = 0
    for _ in range(1000):
        bench.put(FROMHOST, 0)
        bench.htif.poll()
        answers += bench.get(FROMHOST) != 0
    assert answers <= 3


def test_without_fromhost_there_are_no_answers() -> None:
    bench = Bench(fromhost=None)
    bench.ram.store(TEXT, b"hi")
    for index, word in enumerate((64, 1, TEXT, 2)):
        bench.put(BLOCK + 8 * index, word)
    bench.command(BLOCK)
    assert bench.output == b"hi"
    assert bench.get(FROMHOST) == 0


@pytest.mark.parametrize(("tohost", "fromhost"), [(BASE - 8, None), (TOHOST, BASE + SIZE - 4)])
def test_words_must_be_in_ram(tohost: int, fromhost: int | None) -> None:
    with pytest.raises(ValueError, match="outside RAM"):
        Htif(Ram(BASE, SIZE), tohost, fromhost, lambda data: None, lambda exit_: None)
