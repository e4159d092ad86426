"""Both engines in lockstep: the python engine runs the guest, the native one must follow.

The native engine has a RAM and a clock of its own, and meets no device. What the python engine's
devices answered is recorded and given to it again; what it writes to devices must be what was
written before. So nothing happens twice, and no difference can heal through what the two share.

Each round, the python engine runs up to a trap, to something new from the devices, or as many
instructions as are asked for. Then the native engine runs as many, and all state must be the same.
At a difference, a copy of the process from where they agreed in all goes the way again, in single
steps, and tells the instruction.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from drafthart.generator.assembly import Disassembler
from drafthart.generator.language.c_names import c_name
from drafthart.generator.spec.model import ISA
from drafthart.runtime.clock import Clock
from drafthart.runtime.engine import EngineDifferenceError, Stop
from drafthart.runtime.generated import engine_module
from drafthart.runtime.going_back import Waiting
from drafthart.runtime.memory import PAGE, Bus, Ram
from drafthart.runtime.native.engine import NativeEngine
from drafthart.runtime.python_engine import PythonEngine
from drafthart.runtime.state import (
    RESERVATION,
    Value,
    mode_name,
    parts,
    read_state,
    write_state,
)
from drafthart.runtime.transitions import Counted, Listener

_SLICE = 1 << 20
"""Bytes of RAM that are compared at once."""
_MEMORY_EVERY = 4_000_000
"""Instructions after which all of RAM is compared, and a copy of the process waits from there."""
_MEMORY_FIRST = 20_000
"""The same, after the hart or memory were changed from outside."""
_FOREVER = 1 << 62
_AGREED = "\n  in single steps they agree: it is in how blocks are run"


class _Access(NamedTuple):
    """An access to a device, and what it left behind."""

    kind: str
    address: int
    size: int
    value: int
    lines: int
    """The wires into the hart, bit n for interrupt n."""
    offset: int
    """The clock's."""
    stores: tuple[tuple[int, bytes], ...]
    """What the device stored to RAM, by address."""

    @property
    def shown(self) -> str:
        value = f" of {self.value:#x}" if self.kind == "write" else ""
        return f"{self.kind}{value}, {self.size} bytes at {self.address:#x}"


class _Memory:
    """What all harts of the python engine share, and what those of the native engine share."""

    def __init__(self, ram: Ram) -> None:
        self.ours = ram
        self.theirs = Ram(ram.base, ram.size)
        self._stored: list[tuple[int, bytes]] = []
        self.stores = 0
        """How often the host stored to RAM."""
        self.harts = 0
        ram.listeners.append(self._note)

    def _note(self, address: int, size: int) -> None:
        self._stored.append((address, self.ours.load(address, size)))
        self.stores += 1

    def taken(self) -> tuple[tuple[int, bytes], ...]:
        """What the host stored since the last call."""
        stored = tuple(self._stored)
        self._stored.clear()
        return stored

    def repeat(self, stored: Iterable[tuple[int, bytes]]) -> None:
        """Store it to the native engine's RAM."""
        for address, content in stored:
            self.theirs.store(address, content)


class _Recorder(Bus):
    """A machine's bus, which records what devices are asked and what they answer."""

    def __init__(self, bus: Bus, clock: Clock, memory: _Memory) -> None:
        self.ram = bus.ram
        self._windows = bus._windows
        self._clock = clock
        self._memory = memory
        self.hart: Any = None
        self.accesses: deque[_Access] = deque()
        self.history: list[_Access] | None = None
        """All since the process was copied, if a copy waits."""
        self.again: deque[_Access] | None = None
        """In a copy: what to answer, in place of the devices."""

    def read(self, address: int, size: int) -> int:
        value = 0
        if self.again is not None:
            return self._repeat("read", address, size)
        try:
            value = super().read(address, size)
        finally:
            self._record("read", address, size, value)
        return value

    def write(self, address: int, size: int, value: int) -> None:
        if self.again is not None:
            self._repeat("write", address, size)
            return
        try:
            super().write(address, size, value)
        finally:
            self._record("write", address, size, value)

    def _repeat(self, kind: str, address: int, size: int) -> int:
        assert self.again
        before = self.again.popleft()
        assert before[:3] == (kind, address, size)
        for at, content in before.stores:
            self.ram.store(at, content)
        self._clock.offset = before.offset
        self.hart.interrupt_lines = before.lines
        self.hart.deadline = 0
        self._memory.taken()
        self.accesses.append(before)
        return before.value

    def _record(self, kind: str, address: int, size: int, value: int) -> None:
        value &= (1 << 8 * size) - 1
        lines, offset = self.hart.interrupt_lines, self._clock.offset
        stores = self._memory.taken()
        access = _Access(kind, address, size, value, lines, offset, stores)
        self.accesses.append(access)
        if self.history is not None:
            self.history.append(access)


class _Replayer(Bus):
    """A bus whose devices answer as they did to the other engine."""

    def __init__(self, recorder: _Recorder, clock: Clock, memory: _Memory) -> None:
        super().__init__(memory.theirs)
        self._memory = memory
        self._windows = recorder._windows
        self._accesses = recorder.accesses
        self._clock = clock
        self.hart: Any = None

    def read(self, address: int, size: int) -> int:
        return self._again("read", address, size, 0)

    def write(self, address: int, size: int, value: int) -> None:
        self._again("write", address, size, value & (1 << 8 * size) - 1)

    def _again(self, kind: str, address: int, size: int, value: int) -> int:
        mine = _Access(kind, address, size, value, 0, 0, ())
        if not self._accesses:
            raise _Unequal("accesses to devices", "none", mine.shown)
        before = self._accesses.popleft()
        if mine[:3] != before[:3] or (kind == "write" and value != before.value):
            raise _Unequal("accesses to devices", before.shown, mine.shown)
        self._clock.offset = before.offset
        self.hart.interrupt_lines = before.lines
        self._memory.repeat(before.stores)
        return before.value


class _Unequal(Exception):
    """Something beside the state of the hart is not equal."""

    def __init__(self, what: str, python: str, native: str) -> None:
        super().__init__(what, python, native)
        self.row = (what, python, native)


class _Outside(NamedTuple):
    """What reaches the hart from outside, other than answers of devices."""

    lines: int
    offset: int
    stores: int
    """How often the host stored to RAM."""
    pages: tuple[bytes, ...]
    """The pages that the host writes to, those of HTIF."""


class _Arrival(NamedTuple):
    """What came from outside before an instruction."""

    steps: int
    outside: _Outside
    stores: tuple[tuple[int, bytes], ...]


@dataclass
class _History:
    """What a copy of the process is told of the time since."""

    arrivals: list[_Arrival] = field(default_factory=list)
    accesses: list[_Access] = field(default_factory=list)
    steps: int = 0
    """Where the difference was found."""
    address: int | None = None
    """Where RAM differs, if that is the difference."""


class _Start(NamedTuple):
    """Where a round began."""

    steps: int
    trapped: int
    pc: int
    mode: str


class BothEngine:
    """A hart of one revision on a bus, run by both engines at once.

    They are compared after each trap, and every `every` instructions; RAM every few million, and by
    `check_memory`. Raises `EngineDifferenceError` at the first difference. With `every=1` both
    engines step; beyond 100, they run blocks as they do alone. `beside` is another hart on the bus.
    """

    def __init__(
        self,
        isa: ISA,
        library: Path,
        bus: Bus,
        clock: Clock,
        *,
        every: int = 1,
        beside: BothEngine | None = None,
    ) -> None:
        self._isa = isa
        self.every = every
        """Instructions after which state is compared, if nothing trapped."""
        self._clock = clock
        self._memory: _Memory = beside._memory if beside else _Memory(bus.ram)
        self._memory.harts += 1
        self._recorder = _Recorder(bus, clock, self._memory)
        self._python = PythonEngine(engine_module(isa), self._recorder, clock)
        self.hart: Any = self._python.hart
        self._recorder.hart = self.hart
        self.module: Any = self._python.module
        self._copied = Clock(
            clock.instructions_per_tick, lambda: int(self._other.steps + self._other.elsewhere)
        )
        replayer = _Replayer(self._recorder, self._copied, self._memory)
        theirs = beside._native if beside else None
        self._native: NativeEngine = NativeEngine(isa, library, replayer, self._copied, theirs)
        self._other: Any = self._native.hart
        replayer.hart = self._other
        self._ram, self._other_ram = bus.ram, replayer.ram
        passing = self.module["LEFT_BY_TRANSLATION"]
        self._differs = _comparison(isa, self.hart, self._native, passing)
        self._reached = self._outside()
        self._stale = True
        """Was memory changed from outside?"""
        self._memory_due = _MEMORY_FIRST
        self._waiting: Waiting | None = None
        self._history = _History()

    # Control

    @property
    def watcher(self) -> Callable[[Any], None] | None:
        """Called after each instruction that retired on the python engine, if set."""
        return self._python.watcher

    @watcher.setter
    def watcher(self, watcher: Callable[[Any], None] | None) -> None:
        self._python.watcher = watcher

    @property
    def breakpoints(self) -> Set[int]:
        """Virtual addresses, whatever the mode: `run` returns before an instruction there."""
        return self._python.breakpoints

    @breakpoints.setter
    def breakpoints(self, addresses: Set[int]) -> None:
        self._python.breakpoints = addresses
        self._native.breakpoints = addresses
        self._forget()

    def reset(self) -> None:
        """Give both harts the reset state; memory is left as it is."""
        self._python.reset()
        self._native.reset()
        self._stale = True

    def flush(self) -> None:
        """Drop all that is cached: memory, translations or the hart were changed from outside."""
        self._python.flush()
        self._stale = True

    def watch_traps(self, listener: Listener, *, every_trap: bool = False) -> None:
        """Tell `listener` of traps on the python engine, and begin to count."""
        self._python.watch_traps(listener, every_trap=every_trap)

    def counted(self) -> Counted:
        """What the python engine counted since `watch_traps`."""
        return self._python.counted()

    def _select_context(self) -> None:
        self._python._select_context()

    # Running

    def run(self, horizon: Callable[[], tuple[int, bool]]) -> Stop:
        """Run until `horizon` says so, a breakpoint, or the hart sleeps with nothing pending."""
        self._follow_from_here()
        hart = self.hart
        with self._telling_the_instruction():
            while True:
                limit, final = horizon()
                if hart.steps >= limit and final:
                    return Stop("limit")
                stop = self._round(min(limit, hart.steps + self.every), horizon)
                if stop.reason != "limit":
                    return stop
                if hart.steps >= self._memory_due:
                    self._compare_memory()
                    self._wait_here()

    def step(self) -> None:
        """Run one instruction, or take the exception that it raises."""
        self._follow_from_here()
        self._forget()
        start = self._start()
        self._take_over()
        self._python.step()
        self._reached = self._outside()
        self._follow(start, self._native.step)
        self._compare(start)

    def check_memory(self) -> None:
        """Compare all of RAM. Raises `EngineDifferenceError`."""
        with self._telling_the_instruction():
            self._compare_memory()

    def _compare_memory(self) -> None:
        self._take_over()
        for at in range(0, self._ram.size, _SLICE):
            ours, theirs = (ram.data[at : at + _SLICE] for ram in (self._ram, self._other_ram))
            if ours != theirs:
                row = _first_difference(self._ram.base + at, ours, theirs)
                self._history.address = int(row[0].split()[-1], 0)
                raise self._error(self._start(), [row])
        self._memory_due = self.hart.steps + _MEMORY_EVERY

    def _round(self, goal: int, horizon: Callable[[], tuple[int, bool]]) -> Stop:
        """Run both to the next point to compare them at, at the goal or before it."""
        hart = self.hart
        start = self._start()
        self._take_over()
        begun = False

        def ours() -> tuple[int, bool]:
            nonlocal begun
            if not begun:
                begun = True
                return goal, True
            self._reached = self._outside()
            limit, final = horizon()
            at_end = (hart.steps >= limit and final) or self._outside() != self._reached
            if hart.steps > start.steps and (at_end or hart.trapped > start.trapped):
                return 0, True
            return min(goal, limit), True

        stop = self._python.run(ours)
        # What stopped the python engine short of the goal must stop the native one there too.
        until = hart.steps if stop.reason == "limit" else goal
        theirs = self._follow(start, lambda: self._native.run(lambda: (until, True)))
        self._compare(start)
        if theirs.reason != stop.reason:
            raise self._error(start, [("why it stopped", stop.reason, theirs.reason)])
        return stop

    def _follow(self, start: _Start, run: Callable[[], Any]) -> Any:
        """Let the native engine do what the python engine did."""
        try:
            result = run()
        except _Unequal as unequal:
            raise self._error(start, [unequal.row]) from None
        if self._recorder.accesses and not self._differs():
            missing = self._recorder.accesses[0].shown
            raise self._error(start, [("access to a device", missing, "none")])
        return result

    # Going back to the instruction

    def _wait_here(self) -> None:
        """Have a copy of the process wait where all is equal, in place of an earlier one."""
        self._forget()
        # With one step at a time there is nothing to tell; other harts' steps would be missing.
        if self.every > 1 and self._memory.harts == 1 and not self.breakpoints:
            with suppress(OSError):
                self._waiting = Waiting(self._go_again)
                self._recorder.history = self._history.accesses

    def _forget(self) -> None:
        if self._waiting is not None:
            self._waiting.dismiss()
            self._waiting = None
        self._recorder.history = None
        self._history = _History()

    @contextmanager
    def _telling_the_instruction(self) -> Iterator[None]:
        try:
            yield
        except EngineDifferenceError as found:
            if self._waiting is None:
                raise
            waiting, self._waiting = self._waiting, None
            self._history.steps = self.hart.steps
            told = waiting.ask(self._history)
            if told in ("", _AGREED):
                told = f"{found}{told}"
            raise EngineDifferenceError(told) from None

    def _go_again(self, history: _History) -> str:
        """In the copy: the difference that shows in single steps, if any."""
        self.every = 1
        self._python.watcher = None
        self._recorder.again = deque(history.accesses)
        try:
            for steps, outside, stores in history.arrivals:
                self._step_to(steps, history.address)
                self.hart.interrupt_lines, self._clock.offset = outside.lines, outside.offset
                for page, content in zip(sorted(self._ram.watched), outside.pages, strict=True):
                    self._ram.store(page, content)
                for address, content in stores:
                    self._ram.store(address, content)
            self._step_to(history.steps, history.address)
        except EngineDifferenceError as found:
            return str(found)
        return _AGREED

    def _step_to(self, steps: int, address: int | None) -> None:
        hart, rams = self.hart, (self._ram, self._other_ram)
        while hart.steps < steps:
            start = self._start()
            stop = self._round(hart.steps + 1, lambda: (_FOREVER, False))
            if address is not None:
                ours, theirs = (ram.load(address, 8) for ram in rams)
                if ours != theirs:
                    raise self._error(start, [_first_difference(address, ours, theirs)])
            if stop.reason != "limit":
                return

    # What both share

    def _outside(self) -> _Outside:
        ram = self._ram
        pages = tuple(ram.load(page, PAGE) for page in sorted(ram.watched))
        return _Outside(self.hart.interrupt_lines, self._clock.offset, self._memory.stores, pages)

    def _take_over(self) -> None:
        """Give the native hart what came from outside since the last round."""
        self._reached = outside = self._outside()
        self._copied.offset = outside.offset
        self._copied.instructions_per_tick = self._clock.instructions_per_tick
        self._other.interrupt_lines = outside.lines
        stores = self._memory.taken()
        if self._waiting is not None:
            self._note(_Arrival(self.hart.steps, outside, stores))
        self._memory.repeat(stores)
        for page, content in zip(sorted(self._ram.watched), outside.pages, strict=True):
            if self._other_ram.load(page, PAGE) != content:
                self._other_ram.store(page, content)
                self._native.flush()

    def _note(self, arrival: _Arrival) -> None:
        arrivals = self._history.arrivals
        if not arrivals or arrivals[-1].outside != arrival.outside:
            arrivals.append(arrival)

    def _follow_from_here(self) -> None:
        """The native hart takes over the python one's state, which others may have written to."""
        self._other.elsewhere = self.hart.elsewhere
        if not getattr(self.hart, RESERVATION, 1):
            setattr(self._other, RESERVATION, 0)
        differs = self._differs()
        if self._stale or differs:
            self._forget()
            self._memory_due = self.hart.steps + _MEMORY_FIRST
        if differs:
            write_state(self._other, self._isa, read_state(self.hart, self._isa))
            self._native.flush()
        if self._stale:
            for at in range(0, self._ram.size, _SLICE):
                ours = self._ram.data[at : at + _SLICE]
                if ours != self._other_ram.data[at : at + _SLICE]:
                    self._other_ram.data[at : at + len(ours)] = ours
            self._native.flush()
            self._other_ram.watched = self._ram.watched
            self._memory.taken()
            self._stale = False
        self._recorder.accesses.clear()

    # Comparing

    def _start(self) -> _Start:
        hart = self.hart
        return _Start(hart.steps, hart.trapped, hart.pc, mode_name(self._isa, hart))

    def _compare(self, start: _Start) -> None:
        """Raise `EngineDifferenceError` unless the engines agree on all but RAM."""
        if self._differs():
            raise self._error(start, [])
        if self._other.interrupt_lines != self._reached.lines:
            lines = (self._reached.lines, self._other.interrupt_lines)
            raise self._error(start, [("interrupt_lines", f"{lines[0]:#x}", f"{lines[1]:#x}")])
        for page, ours in zip(sorted(self._ram.watched), self._reached.pages, strict=True):
            theirs = self._other_ram.load(page, PAGE)
            if ours != theirs:
                raise self._error(start, [_first_difference(page, ours, theirs)])

    def _error(self, start: _Start, rows: list[tuple[str, str, str]]) -> EngineDifferenceError:
        """The error that tells where each of the two is, and what is not equal."""
        isa, hart = self._isa, self.hart
        ours, theirs = read_state(hart, isa), read_state(self._other, isa)
        found = [row for name in ours for row in _unequal(name, ours[name], theirs[name])]
        shown = [*(row for row in found if row[0] != "interrupt_lines"), *rows]
        width = max(len(row[1]) for row in [("", "python", ""), *shown])
        first = max(len(row[0]) for row in shown) if shown else 0
        count = hart.steps - start.steps
        began = f"{start.mode} at {start.pc:#x}, after {start.steps} instructions"
        lines = [
            f"the engines differ after {hart.steps} instructions of {isa.id}: this is a bug of "
            "Drafthart's",
            f"  they agreed in {began}",
            f"  python: in {mode_name(isa, hart)} at {hart.pc:#x}",
            f"  native: in {mode_name(isa, self._other)} at {self._other.pc:#x}",
        ]
        for name, one in (("python", hart), ("native", self._other)):
            if one.instruction:
                text = Disassembler(isa, shorthands=True).text(one.instruction)
                lines.append(f"  {name}: the last instruction was {one.instruction:08x}  {text}")
        lines += [f"  {'':{first}}  {'python':{width}}  native"] if shown else []
        lines += [f"  {name:{first}}  {mine:{width}}  {other}" for name, mine, other in shown]
        if count > 1:
            lines.append("  --lockstep-every 1 tells the instruction, unless blocks are the cause")
        return EngineDifferenceError("\n".join(lines))


def _comparison(
    isa: ISA, hart: Any, native: NativeEngine, passing: Sequence[str]
) -> Callable[[], bool]:
    """What tells quickly whether two harts differ, in all but the wires that lead into them.

    Nor in state that is `passing`, on its way into CSRs at a trap: it tells what was in a cache.
    """
    ffi, state = native._interface.ffi, native._state
    known = [part for part in parts(isa) if part.name not in ("interrupt_lines", *passing)]
    at = {part.name: ffi.offsetof("struct hart", c_name(part.name)) // 8 for part in known}
    arrays = [(it.name, at[it.name], at[it.name] + it.count) for it in known if it.count]
    names = [it.name for it in known if not it.count]
    ours, theirs = attrgetter(*names), itemgetter(*(at[name] for name in names))
    words = ffi.cast("uint64_t *", state)
    size = max(at[it.name] + (it.count or 1) for it in known)

    def differs() -> bool:
        cells = ffi.unpack(words, size)
        return ours(hart) != theirs(cells) or any(
            getattr(hart, name) != cells[low:high] for name, low, high in arrays
        )

    return differs


def _unequal(name: str, ours: Value, theirs: Value) -> list[tuple[str, str, str]]:
    if isinstance(ours, int) and isinstance(theirs, int):
        return [] if ours == theirs else [(name, f"{ours:#x}", f"{theirs:#x}")]
    assert isinstance(ours, list)
    assert isinstance(theirs, list)
    return [
        (f"{name}[{index}]", f"{mine:#x}", f"{other:#x}")
        for index, (mine, other) in enumerate(zip(ours, theirs, strict=True))
        if mine != other
    ]


def _first_difference(address: int, ours: bytes, theirs: bytes) -> tuple[str, str, str]:
    at = next(at for at in range(0, len(ours), 8) if ours[at : at + 8] != theirs[at : at + 8])
    texts = [f"{int.from_bytes(it[at : at + 8], 'little'):#x}" for it in (ours, theirs)]
    return f"RAM at {address + at:#x}", texts[0], texts[1]
