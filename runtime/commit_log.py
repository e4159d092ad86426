"""The commit log of a run: what each retired instruction did, in the form of Spike's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO

from drafthart.runtime.blocks import Decoded
from drafthart.runtime.gate import Stability, taint
from drafthart.runtime.machine import Machine
from drafthart.runtime.python_engine import PythonEngine
from drafthart.runtime.trace import Commit, Load, Store, Write, format_commit

_LEAVES = ("take_exception", "take_interrupt")
"""Entry functions of the spec behind which another instruction begins."""


class CommitLog:
    """Writes the commits of `machine` to `file` from now on.

    The log of an unratified revision begins with a comment line that says so.
    """

    def __init__(self, machine: Machine, file: BinaryIO, stability: Stability) -> None:
        file.write(taint(stability).encode())

        def write(commit: Commit) -> None:
            file.write(f"{format_commit(commit)}\n".encode())

        for number in range(len(machine.harts)):
            HartCommits(machine, number, write)


def _nothing(name: str) -> None:
    """What follows a trap of which nobody wants to know."""


class HartCommits:
    """Gives each commit of a hart to `listener`, from now on.

    `trapped` is called behind each trap, with the spec's function that took it: take_exception or
    take_interrupt. The engine must be the python engine.
    """

    def __init__(
        self,
        machine: Machine,
        number: int,
        listener: Callable[[Commit], None],
        trapped: Callable[[str], None] = _nothing,
    ) -> None:
        engine, isa = machine.engines[number], machine.isas[number]
        if not isinstance(engine, PythonEngine):
            raise TypeError("only the python engine's commits can be logged")
        self._listener = listener
        self._trapped = trapped
        self._number = number
        self._hart: Any = engine.hart
        self._xlen = isa.xlen
        self._flen = engine.module.get("FLEN", 0)
        self._names = engine.module["CSR_NAMES"]
        self._addresses: dict[int, int] = {}
        """Virtual addresses of this instruction's explicit accesses, by physical address."""
        self._stored = [
            (csr.address, csr.name)
            for csr in isa.csrs.values()
            if csr.address is not None and hasattr(self._hart, csr.name)
        ]
        fflags = isa.csrs.get("fflags")
        if fflags is not None and fflags.address is not None:
            self._stored.append((fflags.address, "float_flags"))
        self._hart.written = []
        engine.watcher = self._commit
        # The engine finds these by name each time, so that they can be replaced until it runs.
        module = engine.module
        for name in _LEAVES:
            module[name] = self._leaving(name, module[name])
        self._fetch = module["FETCH"]
        for name in [name for name in module if name.startswith("check_physical__")]:
            module[name] = self._checking(module[name])
        engine.watch_memory()
        self._begin()

    def _begin(self) -> None:
        """Before an instruction: it commits in the mode in which it runs, which mret changes."""
        self._mode = self._hart.mode
        self._addresses.clear()
        hart = self._hart
        for seen in (hart.memory_reads, hart.memory_writes, hart.written):
            seen.clear()
        self._before = [getattr(hart, name) for _, name in self._stored]

    def _commit(self, decoded: Decoded) -> None:
        loads, stores = self._accesses()
        commit = Commit(
            pc=decoded.pc,
            instruction=decoded.word,
            length=4 if decoded.word & 3 == 3 else 2,
            mode=self._mode,
            writes=(*self._registers(decoded), *self.csrs()),
            loads=loads,
            stores=stores,
            hart=self._number,
            xlen=self._xlen,
        )
        self._listener(commit)
        self._begin()

    def _registers(self, decoded: Decoded) -> list[Write]:
        values = dict(zip(decoded.operation.operands, decoded.values, strict=True))
        if "frd" in values:
            number = values["frd"]
            return [Write("f", number, self._hart.F[number], width=self._flen)]
        number = values.get("rd", 0)
        return [Write("x", number, self._hart.x[number], width=self._xlen)] if number else []

    def csrs(self) -> list[Write]:
        """CSRs written by number, else those that the instruction changed, as xRET does."""
        written = self._hart.written or [
            (number, getattr(self._hart, name))
            for (number, name), before in zip(self._stored, self._before, strict=True)
            if getattr(self._hart, name) != before
        ]
        return [
            Write("c", number, value, self._names[number], self._xlen) for number, value in written
        ]

    def _leaving(self, name: str, function: Callable[..., None]) -> Callable[..., None]:
        def run(*arguments: Any) -> None:
            function(*arguments)
            self._trapped(name)
            self._begin()

        return run

    def _checking(self, function: Callable[..., None]) -> Callable[..., None]:
        """Remember the virtual address of each explicit access that is about to happen."""

        def check(hart: Any, physical: int, access: int, address: int, privilege: int) -> None:
            function(hart, physical, access, address, privilege)
            if access != self._fetch:
                self._addresses[physical] = address

        return check

    def _accesses(self) -> tuple[tuple[Load, ...], tuple[Store, ...]]:
        """The loads and stores of the instruction; accesses of page-table walks are not listed."""
        addresses = self._addresses
        loads = [Load(addresses[at]) for at, _ in self._hart.memory_reads if at in addresses]
        stores = [
            Store(addresses[at], value, size)
            for at, size, value in self._hart.memory_writes
            if at in addresses
        ]
        return tuple(loads), tuple(stores)
