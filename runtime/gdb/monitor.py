"""The commands behind gdb's `monitor`: what no packet of the protocol can tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from drafthart.generator.errors import DrafthartError
from drafthart.runtime.machine import Machine
from drafthart.runtime.memory import BusError
from drafthart.runtime.shadow import Refused, Shadow, TableRead
from drafthart.runtime.state import mode_name

HELP = """\
monitor state               revision, mode, instructions, and the state that is in no register
monitor translate ADDR [K]  where ADDR leads for a load, store or fetch (K), and by which entries
monitor read ADDR [SIZE]    1, 2, 4 or 8 bytes at a physical address; a device may react
monitor write ADDR VALUE [SIZE]
monitor reset               boot again
"""

_ACCESSES = ("load", "store", "fetch")


class Monitor:
    """Carries out monitor commands on `machine`."""

    def __init__(self, machine: Machine, shadow: Shadow) -> None:
        self._machine = machine
        self._shadow = shadow
        self._commands: dict[str, Callable[[list[str]], str]] = {
            "help": lambda words: HELP,
            "state": self._state,
            "translate": self._translate,
            "read": self._read,
            "write": self._write,
            "reset": self._reset,
        }

    def run(self, text: str) -> str:
        """What the command says; errors are part of it."""
        name, *words = text.split() or ["help"]
        command = self._commands.get(name)
        if command is None:
            return f"no command {name!r}\n{HELP}"
        try:
            return command(words)
        except (DrafthartError, ValueError) as error:
            return f"{error}\n{HELP if isinstance(error, ValueError) else ''}"

    def _state(self, words: list[str]) -> str:
        machine, hart, isa = self._machine, self._shadow.subject, self._machine.isa
        lines = [
            f"{isa.id} ({isa.status})",
            f"{mode_name(isa, hart)}{', asleep' if hart.sleeping else ''}",
            f"pc {hart.pc:#x}",
            f"instructions {hart.steps}, of which {hart.trapped} trapped",
            f"time {machine.clock.now()}",
        ]
        lines += [
            f"{state.name} {getattr(hart, state.name):#x}"
            for state in isa.state.values()
            if not state.count
        ]
        return "\n".join(lines) + "\n"

    def _translate(self, words: list[str]) -> str:
        address = _number(words, 0)
        kind = words[1] if len(words) > 1 else "load"
        if kind not in _ACCESSES:
            raise ValueError(f"{kind!r} is none of {', '.join(_ACCESSES)}")
        result, reads = self._shadow.trace(address, kind.upper())
        mode = mode_name(self._machine.isa, self._shadow.subject)
        lines = [f"{kind} at {address:#x} in {mode}", *_walk(reads)]
        if isinstance(result, Refused):
            lines.append(f"refused: {result.cause} ({result.code}), value {result.value:#x}")
        else:
            lines.append(f"physical {result:#x}")
        return "\n".join(lines) + "\n"

    def _read(self, words: list[str]) -> str:
        address, size = _number(words, 0), _size(words, 1)
        try:
            return f"{self._machine.bus.read(address, size):#0{2 * size + 2}x}\n"
        except BusError as error:
            return f"{error}\n"

    def _write(self, words: list[str]) -> str:
        address, value, size = _number(words, 0), _number(words, 1), _size(words, 2)
        try:
            self._machine.bus.write(address, size, value)
        except BusError as error:
            return f"{error}\n"
        self._machine.flush()
        return ""

    def _reset(self, words: list[str]) -> str:
        self._machine.reboot()
        return "booted again; `maintenance flush register-cache` shows it\n"


def _walk(reads: list[TableRead]) -> Iterator[str]:
    """Each entry that was read below the functions that led to it, each named once."""
    shown: tuple[str, ...] = ()
    for read in reads:
        # The innermost one does no more than read.
        calls = read.calls[:-1]
        common = 0
        while common < min(len(shown), len(calls)) and shown[common] == calls[common]:
            common += 1
        for depth in range(common, len(calls)):
            yield f"{'  ' * (depth + 1)}{calls[depth]}"
        shown = calls
        indent = "  " * (len(calls) + 1)
        yield f"{indent}entry at {read.physical:#x} is {read.value:#018x}"


def _number(words: list[str], index: int) -> int:
    if index >= len(words):
        raise ValueError("an address or value is missing")
    value = int(words[index], 0)
    if not 0 <= value < 1 << 64:
        raise ValueError(f"{words[index]} has more than 64 bits")
    return value


def _size(words: list[str], index: int) -> int:
    size = _number(words, index) if index < len(words) else 4
    if size not in (1, 2, 4, 8):
        raise ValueError("the size must be 1, 2, 4 or 8")
    return size
