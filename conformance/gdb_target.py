"""Targets behind gdb's remote protocol: a simulator's stub, OpenOCD with a board, any probe.

A program is written to memory, runs to a breakpoint at its end, and its records are read from
memory. Nothing else of the target is needed: neither a console nor a way to end a run.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from elftools.elf.elffile import ELFFile

from drafthart.conformance.gdb_remote import GdbRemote, Stopped
from drafthart.conformance.gdb_server import free_port, started
from drafthart.conformance.probes.program import Platform
from drafthart.conformance.symbols import symbols_of
from drafthart.conformance.target import Single
from drafthart.generator.errors import DrafthartError
from drafthart.runtime.gdb.connection import parse_address

_ANSWER = 10.0
"""Seconds that an answer may take, other than that a program has stopped."""
_FIRST_LOOK = 0.25
"""Seconds after which a program without a breakpoint is first looked at."""
_RECORD = 9
"""s1, in which the driver has the address of the next record."""
_MACHINE = 3

_reached: set[str] = set()
"""Servers that have answered: if they no longer do, a program has broken them."""


@dataclass(frozen=True, slots=True)
class _Loadable:
    """A program as it is to be in memory: pieces by address, and where its symbols are."""

    entry: int
    pieces: Mapping[int, bytes]
    symbols: Mapping[str, int]


@dataclass(frozen=True)
class GdbTarget:
    """A target that listens at `connect`, HOST:PORT, for gdb.

    `start` is a command that starts the server for each program, with `{port}` for a free port,
    which may also be in `connect`, and `{program}` for the ELF file. `reset` are commands of the
    server's own (gdb's `monitor`) that bring the target back to where a program can be loaded.
    """

    name: str
    connect: str
    start: tuple[str, ...] = ()
    reset: tuple[str, ...] = ()
    parameters: Mapping[str, int] = field(default_factory=dict)
    platform: Platform = field(default_factory=Platform)
    timeout: float = 60.0

    @property
    def missing(self) -> str | None:
        """Why it cannot run here, if so."""
        if self.start and not shutil.which(self.start[0]):
            return f"{self.start[0]} is not installed"
        return None

    def run(self, program: Path, timeout: float) -> list[int]:
        """The words of the results; fewer than expected if it died or took over `timeout` s.

        Raises `DrafthartError` if it cannot be reached, or the debugger keeps what traps.
        """
        loadable = _read(program)
        ready = False
        try:
            with self._connection(program) as remote:
                for command in self.reset:
                    remote.monitor(command)
                ready = True
                _reached.add(self.connect)
                return _run(remote, loadable, timeout)
        except _Unusable as error:
            raise DrafthartError(f"{self.name}: {error}") from None
        except DrafthartError:
            # With a server of its own, the next program finds a new one.
            if not ready and (self.start or self.connect not in _reached):
                raise
            return []

    @contextlib.contextmanager
    def _connection(self, program: Path) -> Iterator[GdbRemote]:
        places = {"port": str(free_port()), "program": str(program)}
        host, port = parse_address(self.connect.format_map(places))
        if self.start:
            command = [part.format_map(places) for part in self.start]
            with started(command, host, port, _ANSWER) as remote:
                yield remote
            return
        remote = GdbRemote(host, port, timeout=_ANSWER)
        try:
            yield remote
        finally:
            remote.close()


class SingleGdbTarget(GdbTarget, Single):
    """One that listens already: there is only one of it."""


class _Unusable(Exception):
    """The debugger has to be told otherwise first."""


def _read(path: Path) -> _Loadable:
    content = path.read_bytes()
    elf = ELFFile(io.BytesIO(content))
    symbols = symbols_of(content)
    results = range(symbols["begin_signature"], symbols["end_signature"])
    pieces = {}
    for segment in elf.iter_segments("PT_LOAD"):
        data, address, size = segment.data(), int(segment["p_paddr"]), int(segment["p_memsz"])
        zeros = range(address + len(data), address + size)
        # What the program writes before anyone reads it need not be zero.
        end = min(zeros.stop, results.start) if results.start >= zeros.start else zeros.stop
        pieces[address] = data + bytes(max(0, end - zeros.start))
    return _Loadable(int(elf["e_entry"]), pieces, symbols)


def _run(remote: GdbRemote, program: _Loadable, timeout: float) -> list[int]:
    symbols = program.symbols
    if "priv" in remote.registers:
        remote.write_register("priv", _MACHINE)  # memory is then written by its real addresses
    for address, piece in program.pieces.items():
        remote.write_memory(address, piece)
    remote.write_memory(symbols["console"], bytes(8))  # read in memory they come sooner
    stops = remote.insert_hardware_breakpoint(symbols["finish"])
    if not stops:
        loop = remote.read_memory(symbols["parked"], 4)
        remote.write_memory(symbols["finish"], loop)  # before it ends the target
    remote.jump(program.entry)
    stopped, state = _resume(remote, program, timeout, timeout if stops else _FIRST_LOOK)
    if stopped.ended:
        return []
    if not _at_end(state[-1], program):
        _check(remote, program, state[-1], late=stopped.late)
    first, last = symbols["begin_signature"], symbols["end_signature"]
    whole = state[_RECORD] - first
    found = b""
    if 0 < whole <= last - first:
        found = remote.read_memory(first, whole)
    if stops:
        remote.remove_hardware_breakpoint(symbols["finish"])
    remote.jump(symbols["parked"])
    return [int.from_bytes(found[at : at + 8], "little") for at in range(0, len(found) & -8, 8)]


def _resume(
    remote: GdbRemote, program: _Loadable, timeout: float, pause: float
) -> tuple[Stopped, list[int]]:
    """Run until it stops, ends, or takes too long; then why, and its registers.

    After `pause` seconds, and then after ever longer ones, it is halted to see whether it is at its
    end: a breakpoint of software would be an EBREAK, which traps.
    """
    end = time.monotonic() + timeout
    while True:
        stopped = remote.resume(max(_FIRST_LOOK, min(pause, end - time.monotonic())))
        state = [] if stopped.ended else remote.read_general()
        over = not stopped.late or time.monotonic() >= end
        if stopped.ended or over or _at_end(state[-1], program):
            return stopped, state
        pause *= 2


def _at_end(pc: int, program: _Loadable) -> bool:
    return program.symbols["finish"] <= pc <= program.symbols["parked"]


def _check(remote: GdbRemote, program: _Loadable, pc: int, *, late: bool) -> None:
    """It stopped elsewhere: is memory still to be read, and was it no EBREAK that is to trap?"""
    address, piece = next(iter(program.pieces.items()))
    if "priv" in remote.registers:
        remote.write_register("priv", _MACHINE)
    if remote.read_memory(address, min(64, len(piece))) != piece[:64]:
        raise DrafthartError("what is at the program's address is not the program")
    ebreak = remote.read_memory(program.symbols["by_ebreak"], 4)
    if not late and remote.read_memory(pc, 4) == ebreak:
        raise _Unusable(
            f"halts at the EBREAK at {pc:#x}, which must trap; tell its server to let it "
            "(OpenOCD: riscv set_ebreakm off, and likewise ebreaks and ebreaku)"
        )
