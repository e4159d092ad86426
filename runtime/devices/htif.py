"""HTIF, Spike's host-target interface: two 64-bit words of guest memory, tohost and fromhost.

The guest stores a command in tohost; the host takes it, clears tohost, and stores the answer in
fromhost when that is 0. A command is device << 56 | command << 48 | payload. Device 0 is the
system call proxy: an odd payload ends the run with status payload >> 1, an even one points to
eight 64-bit words, the number and up to seven arguments, whose first takes the result. Device 1
is the console: command 0 reads a byte, command 1 writes one.

Source: the behaviour of riscv-isa-sim's front-end server. Of its system calls only write and exit
exist here; a guest gets no other access to the host.
"""

from collections import deque
from typing import ClassVar

from drafthart.runtime.devices import Exit, OnExit, Output
from drafthart.runtime.devices.saved import Saved
from drafthart.runtime.memory import Ram

SYS_WRITE, SYS_EXIT = 64, 93
_EBADF, _EFAULT, _ENOSYS = 9, 14, 38
_MASK = (1 << 64) - 1
_PAYLOAD = (1 << 48) - 1
_COMMAND = _MASK ^ _PAYLOAD


class Htif:
    """Serves the words at guest physical addresses `tohost` and `fromhost` (None: no answers).

    Both must lie in `ram`, else ValueError. The machine calls `poll` after the guest ran.
    """

    SAVED: ClassVar[tuple[Saved, ...]] = (
        Saved("_answers", 64, most=2),
        Saved("_input", 8, most=1 << 24),
        Saved("_reads", 64, most=1),
    )

    def __init__(
        self, ram: Ram, tohost: int, fromhost: int | None, output: Output, on_exit: OnExit
    ) -> None:
        for word in (tohost, tohost if fromhost is None else fromhost):
            if not ram.contains(word, 8):
                raise ValueError(f"HTIF word {word:#x} is outside RAM")
        self.tohost = tohost
        self.fromhost = fromhost
        self._ram = ram
        self._output = output
        self._on_exit = on_exit
        self._answers: deque[int] = deque()
        self._input: deque[int] = deque()
        self._reads: deque[int] = deque()

    def receive(self, data: bytes) -> None:
        """Deliver bytes typed at the host; each answers one read command of the guest."""
        self._input.extend(data)

    def poll(self) -> None:
        """Serve the command in tohost, if any, and deliver one answer to fromhost if it is 0."""
        command = self._load(self.tohost)
        if command:
            self._store(self.tohost, 0)
            self._serve(command)
        while self._reads and self._input:
            self._answer(self._reads.popleft(), 0x100 | self._input.popleft())
        if self.fromhost is not None and self._answers and not self._load(self.fromhost):
            self._store(self.fromhost, self._answers.popleft())

    def _serve(self, command: int) -> None:
        payload = command & _PAYLOAD
        match command >> 56, command >> 48 & 0xFF:
            case 0, 0 if payload & 1:
                self._on_exit(Exit(payload >> 1))
            case 0, 0:
                self._call(payload)
                self._answer(command, 1)
            case 1, 0:
                # Only as many reads wait as input or an answer could ever be owed for at once:
                # a guest that asks in a loop must not grow host memory.
                if not self._reads:
                    self._reads.append(command)
            case 1, 1:
                self._output(bytes([payload & 0xFF]))

    def _call(self, block: int) -> None:
        """Carry out the system call described at guest address `block`; ignore a bad block."""
        if not self._ram.contains(block, 64):
            return
        number, first, second, third = (self._load(block + 8 * index) for index in range(4))
        if number == SYS_WRITE:
            result = self._write(first, second, third)
        elif number == SYS_EXIT:
            self._on_exit(Exit(first & 0xFFFF_FFFF))
            result = 0
        else:
            result = -_ENOSYS
        self._store(block, result & _MASK)

    def _write(self, descriptor: int, buffer: int, length: int) -> int:
        if descriptor not in (1, 2):
            return -_EBADF
        if not self._ram.contains(buffer, length):
            return -_EFAULT
        self._output(self._ram.load(buffer, length))
        return length

    def _answer(self, command: int, payload: int) -> None:
        # One answer in flight and one waiting is all that the protocol allows a guest.
        if self.fromhost is not None and len(self._answers) < 2:
            self._answers.append(command & _COMMAND | payload)

    def _load(self, address: int) -> int:
        return int.from_bytes(self._ram.load(address, 8), "little")

    def _store(self, address: int, value: int) -> None:
        self._ram.store(address, value.to_bytes(8, "little"))
