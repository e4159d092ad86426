"""The console: a 16550A UART with 16-byte FIFOs.

Source: National Semiconductor's PC16550D data sheet, as far as the 8250 drivers of Linux and
OpenSBI use it. A byte written is sent at once, so the transmitter is always empty; baud rate and
frame format are stored and have no effect; modem inputs never change outside of loopback, and
modem status never interrupts.
"""

from collections import deque
from typing import ClassVar

from drafthart.runtime.devices import Output, SetLine
from drafthart.runtime.devices.saved import Saved

BASE = 0x1000_0000
SIZE = 0x100
SOURCE = 10
CLOCK = 3_686_400
"""Input clock in Hz, for the device tree; nothing depends on it here."""

FIFO_SIZE = 16


class Register:
    """Offsets of the registers; with LCR_DLAB set, the first two are the divisor latch."""

    DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR = range(8)
    FCR = IIR


IER_RECEIVED, IER_THRE, IER_LINE_STATUS = 1, 2, 4
IIR_NONE, IIR_THRE, IIR_RECEIVED, IIR_LINE_STATUS, IIR_TIMEOUT = 1, 2, 4, 6, 12
IIR_FIFO_ENABLED = 0xC0
FCR_ENABLE, FCR_CLEAR_RECEIVE = 1, 2
LCR_DLAB = 0x80
MCR_LOOPBACK = 0x10
LSR_DATA_READY, LSR_OVERRUN, LSR_SENT = 0x01, 0x02, 0x60  # THRE and TEMT
MSR_CONNECTED = 0xB0  # DCD, DSR and CTS

_TRIGGER_LEVELS = (1, 4, 8, 14)


class Uart:
    """Prints through `output`, takes input by `receive`, and drives `SOURCE` by `set_line`."""

    SAVED: ClassVar[tuple[Saved, ...]] = (
        Saved("_fifo", 8, most=FIFO_SIZE),
        Saved("_backlog", 8, most=1 << 24),
        Saved("_divisor", 16),
        *(Saved(name, 8) for name in ("_ier", "_fcr", "_lcr", "_mcr", "_scratch")),
        Saved("_overrun", 1),
        Saved("_thre_event", 1),
    )

    def __init__(self, output: Output, set_line: SetLine) -> None:
        self._output = output
        self._set_line = set_line
        self._fifo: deque[int] = deque()
        # Input the FIFO has no room for yet: a host can type faster than a guest reads, and a
        # real line would have flow control.
        self._backlog: deque[int] = deque()
        self._divisor = 0
        self._ier = self._fcr = self._lcr = self._mcr = self._scratch = 0
        self._overrun = False
        # Latched, as reading IIR acknowledges it although the transmitter stays empty.
        self._thre_event = False

    def wants_input(self) -> bool:
        """Whether input given now would reach the FIFO at once; reading ahead is pointless."""
        return not self._backlog and len(self._fifo) < self._capacity()

    def receive(self, data: bytes) -> None:
        """Deliver bytes typed at the host; what the FIFO cannot hold waits, nothing is lost."""
        self._backlog.extend(data)
        self._refill()
        self._update()

    def read(self, offset: int, size: int) -> int:
        """Read the 8-bit register at `offset`; any wider access is that byte, zero-extended."""
        if offset in (Register.DATA, Register.IER) and self._lcr & LCR_DLAB:
            return self._divisor >> 8 * offset & 0xFF
        value = 0
        match offset:
            case Register.DATA:
                if self._fifo:
                    value = self._fifo.popleft()
                    self._refill()
            case Register.IER:
                value = self._ier
            case Register.IIR:
                value = self._identify()
                if value == IIR_THRE:
                    self._thre_event = False
                if self._fcr & FCR_ENABLE:
                    value |= IIR_FIFO_ENABLED
            case Register.LCR:
                value = self._lcr
            case Register.MCR:
                value = self._mcr
            case Register.LSR:
                value = LSR_SENT | (LSR_DATA_READY if self._fifo else 0)
                value |= LSR_OVERRUN if self._overrun else 0
                self._overrun = False
            case Register.MSR:
                value = self._modem_status()
            case Register.SCR:
                value = self._scratch
        self._update()
        return value

    def write(self, offset: int, size: int, value: int) -> None:
        """Write the low byte of `value` to the register at `offset`; LSR and MSR are read-only."""
        value &= 0xFF
        if offset in (Register.DATA, Register.IER) and self._lcr & LCR_DLAB:
            shift = 8 * offset
            self._divisor = self._divisor & ~(0xFF << shift) | value << shift
            return
        match offset:
            case Register.DATA:
                self._send(value)
            case Register.IER:
                # Enabling THRE interrupts while the transmitter is empty raises one, even if it
                # was acknowledged before: Linux relies on this to start sending.
                if (value ^ self._ier) & IER_THRE:
                    self._thre_event = bool(value & IER_THRE)
                self._ier = value & 0x0F
            case Register.FCR:
                self._control_fifo(value)
            case Register.LCR:
                self._lcr = value
            case Register.MCR:
                self._mcr = value & 0x1F
            case Register.SCR:
                self._scratch = value
        self._update()

    def _send(self, value: int) -> None:
        if not self._mcr & MCR_LOOPBACK:
            self._output(bytes([value]))
        elif len(self._fifo) < self._capacity():
            self._fifo.append(value)
        else:
            self._overrun = True
        self._thre_event = True

    def _control_fifo(self, value: int) -> None:
        # Switching the FIFO on or off clears it; the other bits count only while it is on.
        if (value ^ self._fcr) & FCR_ENABLE or value & FCR_CLEAR_RECEIVE:
            self._fifo.clear()
        self._fcr = value & 0xC1 if value & FCR_ENABLE else 0
        self._refill()

    def _capacity(self) -> int:
        return FIFO_SIZE if self._fcr & FCR_ENABLE else 1

    def _refill(self) -> None:
        while self._backlog and len(self._fifo) < self._capacity():
            self._fifo.append(self._backlog.popleft())

    def _identify(self) -> int:
        """The interrupt of highest priority that is enabled and pending, else IIR_NONE."""
        if self._ier & IER_LINE_STATUS and self._overrun:
            return IIR_LINE_STATUS
        if self._ier & IER_RECEIVED and self._fifo:
            # Below the trigger level the data sheet lets four character times pass first.
            full = len(self._fifo) >= _TRIGGER_LEVELS[self._fcr >> 6]
            return IIR_RECEIVED if full else IIR_TIMEOUT
        if self._ier & IER_THRE and self._thre_event:
            return IIR_THRE
        return IIR_NONE

    def _modem_status(self) -> int:
        if not self._mcr & MCR_LOOPBACK:
            return MSR_CONNECTED
        # Loopback wires RTS to CTS, DTR to DSR, OUT1 to RI and OUT2 to DCD.
        dtr, rts, outputs = self._mcr & 1, self._mcr >> 1 & 1, self._mcr >> 2 & 3
        return rts << 4 | dtr << 5 | outputs << 6

    def _update(self) -> None:
        self._set_line(SOURCE, self._identify() != IIR_NONE)
