"""What a debugger's packets do to the machine, and what is answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drafthart.runtime.gdb.connection import Connection, Gone
from drafthart.runtime.gdb.memory import Memory
from drafthart.runtime.gdb.monitor import Monitor
from drafthart.runtime.gdb.packets import LARGEST
from drafthart.runtime.gdb.stops import LONGEST, Stops, Watchpoint
from drafthart.runtime.gdb.target import Refusal, Register, Target
from drafthart.runtime.machine import Machine, Outcome
from drafthart.runtime.shadow import Refused, Shadow
from drafthart.runtime.state import mode_name

_OK = b"OK"
_MALFORMED = b"E16"  # EINVAL
_NO_MEMORY = b"E0e"  # EFAULT
_NO_REGISTER = b"E02"  # ENOENT
_NO_THREAD = b"E03"  # ESRCH
_FEATURES = (
    f"PacketSize={LARGEST:x};qXfer:features:read+;swbreak+;hwbreak+;vContSupported+;"
    "QStartNoAckMode+"
).encode()
_WATCHES = {"2": "watch", "3": "rwatch", "4": "awatch"}
_STOPPED = b"05"
_SIGINT = b"02"


@dataclass(frozen=True, slots=True)
class Ended:
    """The debugger's session is over.

    `how`: "exit" (the run ended, with `outcome`), "detach" or "kill".
    """

    how: str
    outcome: Outcome | None = None


class _Wish:
    """What the debugger wants while the guest runs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.asked = self.gone = False

    def to_stop(self) -> bool:
        """Is the guest to stop? So it is when the debugger leaves; the engine hears of no error."""
        try:
            self.asked = self.asked or self._connection.interrupted()
        except Gone:
            self.gone = True
        return self.asked or self.gone


class Stub:
    """Answers the packets of one debugger at a time.

    A hart is a thread to gdb, by its number and one more. Looking at a hart changes nothing; a hart
    that is stepped gets a turn.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._shadow = Shadow(machine, machine.turn)
        self._target = Target(machine, self._shadow)
        self._memory = Memory(machine, self._shadow)
        self._stops = Stops(machine, self._memory)
        self._monitor = Monitor(machine, self._shadow)
        self._stop = self._halted(_STOPPED)
        """The answer to `?`."""
        self._ahead = False
        """Has the guest just run an instruction that gdb is about to step over? On RISC-V, gdb
        takes it that a watchpoint stops before the access, where we see a value after it changed.
        """

    def attach(self) -> None:
        """A debugger comes: it finds no breakpoints of the one before."""
        self._stops.clear()

    def answer(self, packet: bytes, connection: Connection) -> bytes | Ended | None:
        """Carry out a packet: the answer, nothing to be sent, or the end of the session."""
        # What is not ASCII can only be binary data of X.
        text = packet.decode("latin-1")
        try:
            return self._dispatch(text, connection)
        except (ValueError, IndexError):
            return _MALFORMED
        except Refused:
            return _NO_MEMORY
        except Refusal:
            return _MALFORMED

    def _dispatch(self, text: str, connection: Connection) -> bytes | Ended | None:
        head, rest = text[:1], text[1:]
        match head:
            case "?":
                return self._stop
            case "g":
                return b"".join(_hex(register) for register in self._target.general)
            case "G":
                return self._write_all(rest)
            case "p":
                register = self._target.registers.get(int(rest, 16))
                return _hex(register) if register else _NO_REGISTER
            case "P":
                return self._write_register(rest)
            case "m":
                address, size = _pair(rest)
                return self._memory.read(address, min(size, LARGEST // 2)).hex().encode()
            case "M" | "X":
                return self._write_memory(rest, binary=head == "X")
            case "Z" | "z":
                return self._point(rest, insert=head == "Z")
            case "c" | "C" | "s" | "S":
                return self._resume_at(head, rest, connection)
            case "v":
                return self._verbose(rest, connection)
            case "q" | "Q":
                return self._query(text, connection)
            case "D":
                self._stops.clear()
                connection.send(_OK)
                return Ended("detach")
            case "k":
                return Ended("kill")
            case "H":
                return self._select(rest[1:]) if rest[:1] == "g" else _OK
            case "T":
                return _OK if self._number(rest) is not None else _NO_THREAD
            case "!":
                return _OK
        return b""

    # Threads.

    @property
    def _hart(self) -> Any:
        """The one that gdb looks at."""
        return self._shadow.subject

    def _number(self, thread: str) -> int | None:
        """The hart of a thread; the present one where any or all are meant."""
        number = int(thread, 16) - 1
        if number < 0:
            return self._shadow.number
        return number if number < len(self._machine.harts) else None

    def _select(self, thread: str) -> bytes:
        number = self._number(thread)
        if number is None:
            return _NO_THREAD
        self._shadow.number = number
        return _OK

    def _halted(self, signal: bytes, why: bytes = b"") -> bytes:
        """What is told of a stop: it is of the hart that gdb looks at from now on."""
        return b"T%b%bthread:%x;" % (signal, why, (self._shadow.number or 0) + 1)

    # Queries.

    def _query(self, text: str, connection: Connection) -> bytes:
        name, _, rest = text.partition(":")
        match name:
            case "qSupported":
                return _FEATURES
            case "QStartNoAckMode":
                # The answer to this one is still acknowledged; nobody waits for that.
                connection.acknowledging = False
                return _OK
            case "qXfer" if rest.startswith("features:read:target.xml:"):
                return _part(self._target.description, rest.rpartition(":")[2])
            case "qXfer":
                return b"E00"
            case "qAttached":
                return b"1"
            case "qC":
                return b"QC%x" % ((self._shadow.number or 0) + 1)
            case "qfThreadInfo":
                numbers = range(1, len(self._machine.harts) + 1)
                return b"m" + b",".join(b"%x" % number for number in numbers)
            case "qsThreadInfo":
                return b"l"
            case "qSymbol":
                return _OK
        if text.startswith("qThreadExtraInfo,"):
            number = self._number(text.partition(",")[2]) or 0
            hart = self._machine.harts[number]
            mode = mode_name(self._machine.isas[number], hart)
            text = f"hart {number}, {mode}{', asleep' if hart.sleeping else ''}"
            return text.encode().hex().encode()
        if text.startswith("qRcmd,"):
            command = bytes.fromhex(text.removeprefix("qRcmd,")).decode("utf-8", "replace")
            said = self._monitor.run(command).encode()
            for at in range(0, len(said), LARGEST // 4):
                connection.send(b"O" + said[at : at + LARGEST // 4].hex().encode())
            return _OK
        return b""

    # Registers and memory.

    def _write_all(self, rest: str) -> bytes:
        content = bytes.fromhex(rest)
        registers = self._target.general
        if len(content) < sum(register.width // 8 for register in registers):
            return _MALFORMED
        at = 0
        for register in registers:
            size = register.width // 8
            register.write(int.from_bytes(content[at : at + size], "little"))
            at += size
        return _OK

    def _write_register(self, rest: str) -> bytes:
        number, _, value = rest.partition("=")
        register = self._target.registers.get(int(number, 16))
        if register is None:
            return _NO_REGISTER
        content = bytes.fromhex(value)
        if len(content) != register.width // 8:
            return _MALFORMED
        register.write(int.from_bytes(content, "little"))
        return _OK

    def _write_memory(self, rest: str, *, binary: bool) -> bytes:
        head, _, data = rest.partition(":")
        address, size = _pair(head)
        content = data.encode("latin-1") if binary else bytes.fromhex(data)
        if len(content) != size:
            return _MALFORMED
        self._memory.write(address, content)
        return _OK

    # Breakpoints and watchpoints.

    def _point(self, rest: str, *, insert: bool) -> bytes:
        kind, where, size, *_ = rest.partition(";")[0].split(",")
        address = int(where, 16)
        if kind in "01":
            points = self._stops.software if kind == "0" else self._stops.hardware
            points.add(address) if insert else points.discard(address)
            return _OK
        if kind not in _WATCHES:
            return b""
        watchpoint = Watchpoint(_WATCHES[kind], address, int(size, 16))
        if not 0 < watchpoint.size <= LONGEST:
            return _MALFORMED
        if insert:
            self._stops.watch(watchpoint)
        else:
            self._stops.unwatch(watchpoint)
        return _OK

    # Running.

    def _verbose(self, rest: str, connection: Connection) -> bytes | Ended | None:
        if rest == "Cont?":
            return b"vCont;c;C;s;S;r"
        if rest.startswith("Kill"):
            connection.send(_OK)
            return Ended("kill")
        if not rest.startswith("Cont;"):
            return b""
        # The first action that fits a thread is for it; the others stand still while it steps.
        action, _, thread = rest.removeprefix("Cont;").partition(";")[0].partition(":")
        if thread and action[:1] not in "cC" and self._select(thread) != _OK:
            return _NO_THREAD
        match action[:1]:
            case "c" | "C":
                return self._resume(connection, None)
            case "s" | "S":
                return self._resume(connection, range(0))
            case "r":
                start, end = _pair(action[1:])
                return self._resume(connection, range(start, end))
        return _MALFORMED

    def _resume_at(self, head: str, rest: str, connection: Connection) -> bytes | Ended | None:
        """`c` and `s` may name an address to go on at, `C` and `S` have a signal before it."""
        where = rest.partition(";")[2] if head in "CS" else rest
        if where:
            self._target.registers[32].write(int(where, 16))
        return self._resume(connection, None if head in "cC" else range(0))

    def _resume(self, connection: Connection, inside: range | None) -> bytes | Ended | None:
        """Run until there is a reason to stop; step as long as pc is `inside`, if that is given."""
        ahead, self._ahead = self._ahead, False
        if ahead and inside is not None:
            return self._halted(_STOPPED)
        self._stops.arm()
        try:
            if inside is not None or self._stops.slow:
                result = self._run_in_steps(connection, inside)
            else:
                result = self._run(connection)
        finally:
            self._machine.set_breakpoints(frozenset())
            self._stops.disarm()
        if isinstance(result, bytes):
            self._stop = result
        return result

    def _run(self, connection: Connection) -> bytes | Ended:
        """At the engine's full speed."""
        stops = self._stops
        wish = _Wish(connection)
        self._machine.set_breakpoints(frozenset(stops.breakpoints))
        outcome = self._machine.run(
            interrupted=lambda: wish.to_stop() or stops.changed() is not None
        )
        self._shadow.number = self._machine.turn
        return self._reason(outcome, connection, wish)

    def _run_in_steps(self, connection: Connection, inside: range | None) -> bytes | Ended:
        machine, stops = self._machine, self._stops
        wish = _Wish(connection)
        while True:
            if inside is None:
                self._shadow.number = machine.turn
            elif machine.turn != self._shadow.number:
                machine.give_turn(self._shadow.number or 0)
            if stops.slow:
                # Devices may raise an interrupt by now, which comes before the instruction.
                machine.run(0)
                touched = stops.touched(self._shadow.next_accesses())
                if touched is not None:
                    return self._watch_stop(touched)
            outcome = machine.run(1, interrupted=wish.to_stop)
            if stops.changed() is not None or outcome.reason != "limit":
                return self._reason(outcome, connection, wish)
            pc = self._hart.pc
            if inside is not None and pc not in inside:
                return self._halted(_STOPPED)
            if pc in stops.breakpoints:
                return self._breakpoint_stop()

    def _reason(self, outcome: Outcome, connection: Connection, wish: _Wish) -> bytes | Ended:
        if wish.gone:
            raise Gone
        changed = self._stops.changed()
        if outcome.reason in ("exit", "quit"):
            connection.send(b"W%02x" % (outcome.status & 0xFF))
            return Ended("exit", outcome)
        if changed is not None:
            self._ahead = True
            return self._watch_stop(changed)
        if outcome.reason == "breakpoint":
            return self._breakpoint_stop()
        if outcome.reason == "asleep":
            said = "the hart sleeps, and nothing can wake it\n"
            connection.send(b"O" + said.encode().hex().encode())
        return self._halted(_SIGINT if wish.asked else _STOPPED)

    def _breakpoint_stop(self) -> bytes:
        kind = b"hwbreak" if self._hart.pc in self._stops.hardware else b"swbreak"
        return self._halted(_STOPPED, b"%b:;" % kind)

    def _watch_stop(self, it: Watchpoint) -> bytes:
        return self._halted(_STOPPED, b"%b:%x;" % (it.kind.encode(), it.address))


def _hex(register: Register) -> bytes:
    return register.read().to_bytes(register.width // 8, "little").hex().encode()


def _pair(text: str) -> tuple[int, int]:
    first, _, second = text.partition(",")
    pair = int(first, 16), int(second, 16)
    if not all(0 <= number < 1 << 64 for number in pair):
        raise ValueError(text)
    return pair


def _part(content: bytes, window: str) -> bytes:
    """A window `offset,length` of a document, with what says whether there is more."""
    offset, length = _pair(window)
    part = content[offset : offset + min(length, LARGEST // 2)]
    return (b"m" if offset + len(part) < len(content) else b"l") + part
