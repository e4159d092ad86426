"""Simulators that run the program beside us: Spike by its commit log, QEMU by its gdb stub."""

from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
import time
import tty
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from drafthart.conformance.gdb_remote import GdbRemote, Stopped
from drafthart.conformance.lockstep.entry import Entry, Stream
from drafthart.conformance.lockstep.traces import spike_entry
from drafthart.generator.errors import DrafthartError

SPIKE = ("spike", "--isa=rv64gch_zicsr_zicntr", "-m0x80000000:0x10000000")
QEMU = (
    *("qemu-system-riscv64", "-machine", "virt", "-m", "256M", "-bios", "none"),
    *("-cpu", "rv64,h=true", "-display", "none", "-monitor", "none", "-serial", "null"),
)
_TAKE_INTERRUPTS = "Qqemu.sstep=5"
"""QEMU's own: step (1) without timers (4). Without 2, what a hypervisor injects is taken."""
_LONGEST = 4096
_START = 15.0
"""Seconds that a simulator gets to listen for gdb."""


class SpikeSide(Stream):
    """Spike, whose commit log we read as it is written: it can be little ahead."""

    def __init__(self, program: Path, command: Sequence[str] = SPIKE, timeout: float = 10) -> None:
        _require(command[0], "pip install spike, or name another target")
        # To a terminal it writes each line at once; to a pipe, the last ones only when it ends.
        self._log, self._terminal = os.openpty()
        tty.setraw(self._terminal)
        os.set_blocking(self._log, False)
        name = os.ttyname(self._terminal)
        self._process = subprocess.Popen(
            [*command, "--log-commits", f"--log={name}", str(program)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self._timeout = timeout
        super().__init__(command[0], self._read())

    def _read(self) -> Iterator[Entry]:
        rest = b""
        number = 0
        while True:
            data = self._more()
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            if len(rest) > _LONGEST:
                raise DrafthartError(f"{self.name}: its log has no lines; name Spike")
            for line in lines:
                number += 1
                entry = spike_entry(line.decode(errors="replace"), f"line {number} of its log")
                if entry is not None:
                    yield entry

    def _more(self) -> bytes:
        """More of the log; nothing if Spike has ended. Raises `DrafthartError` if it hangs."""
        end = time.monotonic() + self._timeout
        while time.monotonic() < end:
            ended = self._process.poll() is not None
            if select.select([self._log], [], [], 0.1)[0]:
                try:
                    data = os.read(self._log, 1 << 16)
                except BlockingIOError:
                    continue
                if data:
                    return data
            if ended:
                if self._process.returncode > 1 and self._process.stderr is not None:
                    said = self._process.stderr.read(2000).decode(errors="replace").strip()
                    if said:
                        raise DrafthartError(f"{self.name}: {said.splitlines()[-1]}")
                return b""
        raise DrafthartError(
            f"{self.name}: retired nothing in {self._timeout:g} seconds; "
            "it sleeps or traps for ever"
        )

    def close(self) -> None:
        """End Spike."""
        self._process.kill()
        self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()
        os.close(self._log)
        os.close(self._terminal)


class GdbSide:
    """Whatever speaks gdb's protocol, step by step; the program must be loaded there."""

    tells_traps = True
    tells_all_writes = False

    def __init__(self, remote: GdbRemote, name: str) -> None:
        self.name = name
        self._remote = remote
        self._pc = 0
        self._x: list[int] = []

    def start(self, pc: int) -> Mapping[int, int]:
        """Run to the program's first instruction."""
        self._look()
        if self._pc != pc:
            self._remote.insert_breakpoint(pc)
            stopped = self._remote.resume()
            self._remote.remove_breakpoint(pc)
            if stopped.ended:
                raise DrafthartError(f"{self.name}: ended before {pc:#x}; load the program there")
            self._look()
        return dict(enumerate(self._x))

    def next(self) -> Entry | None:
        """Step; None if it has ended."""
        pc = self._pc
        stopped: Stopped = self._remote.step()
        if stopped.ended:
            return None
        self._look()
        return Entry(pc, next_pc=self._pc, x=dict(enumerate(self._x)))

    def csr(self, name: str) -> int | None:
        """What the CSR reads as, by the name in the target's description."""
        return self._remote.read_register(name)

    def close(self) -> None:
        """Leave it."""
        self._remote.close()

    def _look(self) -> None:
        values = self._remote.read_general()
        self._x, self._pc = values[:32], values[32]


class QemuSide(GdbSide):
    """QEMU, started for this program and ended with it."""

    def __init__(self, program: Path, command: Sequence[str] = QEMU, timeout: float = 10) -> None:
        _require(command[0], "install qemu-system-misc, or name another target")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._command = command[0]
        self._process = subprocess.Popen(
            [*command, "-kernel", str(program), "-gdb", f"tcp:127.0.0.1:{port}", "-S"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            remote = self._connect(port, timeout)
            remote.configure(_TAKE_INTERRUPTS)
            super().__init__(remote, command[0])
        except BaseException:
            self._end()
            raise

    def _connect(self, port: int, timeout: float) -> GdbRemote:
        end = time.monotonic() + _START
        while True:
            try:
                return GdbRemote("127.0.0.1", port, timeout=timeout)
            except DrafthartError:
                if self._process.poll() is not None and self._process.stderr is not None:
                    said = self._process.stderr.read(2000).decode(errors="replace").split("\n")[0]
                    raise DrafthartError(f"{self._command}: {said}") from None
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def close(self) -> None:
        """End QEMU."""
        super().close()
        self._end()

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()


def _require(program: str, remedy: str) -> None:
    if shutil.which(program) is None:
        raise DrafthartError(f"{program}: is not installed; {remedy}")
