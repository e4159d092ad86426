"""The UART: what drivers do with a 16550A, and the interrupts they get."""

import pytest

from drafthart.runtime.devices.uart import FIFO_SIZE, SOURCE, Register, Uart

NONE, THRE, RECEIVED, LINE_STATUS, TIMEOUT = 1, 2, 4, 6, 12
DLAB, LOOPBACK = 0x80, 0x10


class Bench:
    """A UART, its output, and the level of its line."""

    def __init__(self) -> None:
        self.sent = b""
        self._line = False
        self.uart = Uart(self._send, self._set_line)

    def _send(self, data: bytes) -> None:
        self.sent += data

    def _set_line(self, number: int, level: bool) -> None:
        assert number == SOURCE
        self._line = level

    def raised(self) -> bool:
        return self._line

    def write(self, register: int, value: int) -> None:
        self.uart.write(register, 1, value)

    def read(self, register: int) -> int:
        return self.uart.read(register, 1)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_output_is_immediate_and_polled_without_interrupt(bench: Bench) -> None:
    for byte in b"hi\n":
        assert bench.read(Register.LSR) == 0x60
        bench.write(Register.DATA, byte)
    assert bench.sent == b"hi\n"
    assert not bench.raised()
    assert bench.read(Register.IIR) == NONE


def test_thre_sequence_of_a_driver(bench: Bench) -> None:
    bench.write(Register.IER, 2)
    assert bench.raised()
    assert bench.read(Register.IIR) == THRE
    assert not bench.raised(), "reading IIR acknowledges THRE"
    assert bench.read(Register.IIR) == NONE
    bench.write(Register.DATA, ord("a"))
    assert bench.raised(), "the transmitter is empty again"
    bench.write(Register.IER, 0)
    assert not bench.raised()
    bench.write(Register.IER, 2)
    assert bench.raised(), "enabling raises THRE again"


def test_keeping_thre_enabled_does_not_raise_it_again(bench: Bench) -> None:
    bench.write(Register.IER, 2)
    assert bench.read(Register.IIR) == THRE
    bench.write(Register.IER, 3)
    assert bench.read(Register.IIR) == NONE


def test_receive_interrupt_lasts_until_the_data_is_read(bench: Bench) -> None:
    bench.uart.receive(b"xy")
    assert not bench.raised()
    bench.write(Register.FCR, 1)
    bench.uart.receive(b"xyz")
    bench.write(Register.IER, 1)
    assert bench.raised()
    assert bench.read(Register.IIR) == 0xC0 | RECEIVED
    assert bench.read(Register.LSR) == 0x61
    assert bench.raised()
    while bench.read(Register.LSR) & 1:
        bench.read(Register.DATA)
    assert not bench.raised()
    assert bench.read(Register.DATA) == 0


def test_below_the_trigger_level_the_timeout_interrupts(bench: Bench) -> None:
    bench.write(Register.FCR, 0x81)  # 8 bytes
    bench.write(Register.IER, 1)
    bench.uart.receive(b"1234567")
    assert bench.read(Register.IIR) == 0xC0 | TIMEOUT
    bench.uart.receive(b"8")
    assert bench.read(Register.IIR) == 0xC0 | RECEIVED


def test_priorities_of_the_interrupts(bench: Bench) -> None:
    bench.write(Register.IER, 0xF)
    bench.write(Register.MCR, LOOPBACK)
    bench.write(Register.DATA, 1)
    bench.write(Register.DATA, 2)  # no FIFO: overrun
    assert bench.read(Register.IIR) == LINE_STATUS
    assert bench.read(Register.LSR) == 0x63
    assert bench.read(Register.LSR) == 0x61, "reading LSR clears the overrun"
    assert bench.read(Register.IIR) == RECEIVED
    assert bench.read(Register.DATA) == 1
    assert bench.read(Register.IIR) == THRE
    assert bench.read(Register.IIR) == NONE
    assert not bench.raised()


def test_host_input_waits_for_room(bench: Bench) -> None:
    bench.write(Register.FCR, 1)
    assert bench.uart.wants_input()
    text = bytes(range(40))
    bench.uart.receive(text)
    assert not bench.uart.wants_input()
    got = bytearray()
    while bench.read(Register.LSR) & 1:
        got.append(bench.read(Register.DATA))
    assert bytes(got) == text
    assert bench.uart.wants_input()


def test_without_fifo_there_is_room_for_one(bench: Bench) -> None:
    assert bench.uart.wants_input()
    bench.uart.receive(b"a")
    assert not bench.uart.wants_input()
    assert bench.read(Register.DATA) == ord("a")


def test_clearing_the_fifo_loses_only_what_is_in_it(bench: Bench) -> None:
    bench.write(Register.FCR, 1)
    bench.uart.receive(bytes(range(FIFO_SIZE + 1)))
    bench.write(Register.FCR, 1 | 2)
    assert bench.read(Register.DATA) == FIFO_SIZE
    assert bench.read(Register.LSR) == 0x60
    bench.uart.receive(b"a")
    bench.write(Register.FCR, 0)
    assert bench.read(Register.LSR) == 0x60
    assert bench.read(Register.IIR) == NONE


def test_fifo_bits_identify_a_16550a(bench: Bench) -> None:
    bench.write(Register.FCR, 1)
    assert bench.read(Register.IIR) == 0xC0 | NONE
    bench.write(Register.FCR, 0)
    assert bench.read(Register.IIR) == NONE


def test_loopback_test_of_the_8250_driver(bench: Bench) -> None:
    bench.write(Register.MCR, LOOPBACK | 0x0A)
    assert bench.read(Register.MSR) & 0xF0 == 0x90
    bench.write(Register.MCR, LOOPBACK | 0x05)
    assert bench.read(Register.MSR) & 0xF0 == 0x60
    bench.write(Register.DATA, 0x5A)
    assert bench.sent == b""
    assert bench.read(Register.DATA) == 0x5A
    bench.write(Register.MCR, 0)
    assert bench.read(Register.MSR) == 0xB0


def test_registers_that_store(bench: Bench) -> None:
    for register, value, kept in (
        (Register.IER, 0xFF, 0x0F),
        (Register.LCR, 0x1B, 0x1B),
        (Register.MCR, 0xFF, 0x1F),
        (Register.SCR, 0xA5, 0xA5),
    ):
        bench.write(register, value)
        assert bench.read(register) == kept


def test_divisor_latch(bench: Bench) -> None:
    bench.write(Register.IER, 1)
    bench.write(Register.LCR, DLAB | 3)
    bench.write(Register.DATA, 0x34)
    bench.write(Register.IER, 0x12)
    assert (bench.read(Register.DATA), bench.read(Register.IER)) == (0x34, 0x12)
    bench.write(Register.LCR, 3)
    assert bench.read(Register.IER) == 1
    assert bench.sent == b""


def test_read_only_and_absent_registers(bench: Bench) -> None:
    for offset in (Register.LSR, Register.MSR, 8, 0xFF):
        bench.write(offset, 0xFF)
    assert bench.read(Register.LSR) == 0x60
    assert bench.read(Register.MSR) == 0xB0
    assert bench.read(8) == bench.read(0xFF) == 0


def test_wide_accesses_reach_one_register(bench: Bench) -> None:
    bench.uart.write(Register.DATA, 4, 0x4142_4344)
    assert bench.sent == b"D"
    assert bench.uart.read(Register.LSR, 4) == 0x60
