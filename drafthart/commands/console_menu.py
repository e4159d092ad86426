"""What the keys behind Ctrl-A do that need the machine: a snapshot, its state, its traps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.runtime.machine import Machine

if TYPE_CHECKING:
    from drafthart.runtime.console import Console

KEYS = {
    "s": "write a snapshot",
    "i": "where the hart is, and its registers",
    "c": "the same",
    "t": "tell of traps, or no more",
}

_COLUMNS = 3
_LIMIT = 16
"""Traps of a kind that are told."""


class Menu:
    """Does what was asked for at the console, when the machine stands still.

    `save` is --save's FILE, if given, and `write` writes a snapshot. `told` says that
    --explain-traps tells of traps already.
    """

    def __init__(
        self,
        console: Console,
        machine: Machine,
        save: Path | None,
        write: Callable[[Path], None],
        *,
        told: bool,
    ) -> None:
        self._console = console
        self._machine = machine
        self._save = save
        self._write = write
        self._told = told
        self._tracing: object | None = None

    def asked(self) -> bool:
        """Is there something to do?"""
        return bool(self._console.requests)

    def serve(self) -> None:
        """Do it."""
        actions = {"s": self._snapshot, "i": self._state, "c": self._state, "t": self._trace}
        while self._console.requests:
            try:
                actions[self._console.requests.pop(0)]()
            except DrafthartError as error:
                self._say(str(error))
            except OSError as error:
                self._say(f"{error.strerror or error}; check the path and the space left")

    def _say(self, *lines: str) -> None:
        # The guest may be in the middle of a line.
        self._console.write("".join(f"\n[{line}]" for line in lines).encode() + b"\n")

    def _snapshot(self) -> None:
        steps = self._machine.steps
        folder, stem = (self._save.parent, self._save.stem) if self._save else (Path(), "drafthart")
        path = folder / f"{stem}-{steps}.snap"
        self._say(f"{path}: writing a snapshot")
        self._write(path)
        self._say(f"written, {path.stat().st_size >> 10} KiB; --restore goes on from it")

    def _state(self) -> None:
        machine = self._machine
        harts = zip(machine.isas, machine.harts, strict=True)
        lines = [line for isa, hart in harts for line in state_lines(machine, isa, hart)]
        self._console.write(("\n" + "".join(f"{line}\n" for line in lines)).encode())

    def _trace(self) -> None:
        if self._told:
            self._say("--explain-traps tells of traps already")
        elif self._tracing is not None:
            self._tracing = None
            self._say("traps are no longer told")
        else:
            self._follow()
            self._say(f"each trap is told, {_LIMIT} times of a kind; Ctrl-A t ends it")

    def _follow(self) -> None:
        from drafthart.exits_text import entry_lines
        from drafthart.runtime.exit_log import ExitLog

        mine = self._tracing = object()

        def tell(entry: Any) -> None:
            # The engine goes on telling; what a closed trace hears is dropped.
            if self._tracing is mine:
                for line in entry_lines(entry):
                    self._console.write(f"{line}\n".encode())

        for isa, engine in zip(self._machine.isas, self._machine.engines, strict=True):
            ExitLog(isa, engine, tell, limit=_LIMIT, every_trap=True)


def state_lines(machine: Machine, isa: ISA, hart: Any) -> list[str]:
    """Where a hart is, its last trap, and its registers, in less than 80 columns."""
    from drafthart.ending import place, trap_name
    from drafthart.generator.assembly.registers import ABI_NAMES
    from drafthart.runtime.last_trap import last_trap
    from drafthart.runtime.state import mode_name

    asleep = ", asleep" if hart.sleeping else ""
    lines = [
        f"{isa.id}, after {hart.steps} instructions: {mode_name(isa, hart)}{asleep}",
        f"  pc {place(machine, hart.pc)}",
    ]
    if (trap := last_trap(isa, hart)) is not None:
        lines += [
            f"  last trap into {trap.target}: {trap_name(isa, trap)}",
            f"    at {place(machine, trap.pc)}, trap value {trap.value:#x}",
        ]
    digits = isa.xlen // 4
    shown = [f"{ABI_NAMES[it]:>4} {hart.x[it]:0{digits}x}" for it in range(1, 32)]
    lines += ["".join(shown[it : it + _COLUMNS]) for it in range(0, len(shown), _COLUMNS)]
    return lines
