"""Both engines in lockstep: the python engine runs the guest, the native one must follow.

The native engine has a RAM and a clock of its own, and meets no device. What the python engine's
devices answered is recorded and given to it again; what it writes to devices must be what was
written before. So nothing happens twice, and no difference can heal through what the two share.

Each round, the python engine runs up to a trap, to something new from the devices, or as many
instructions as are asked for. Then the native engine runs as many, and all state must be the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Set
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from drafthart.generator.assembly import Disassembler
from drafthart.generator.language.c_names import c_name
from drafthart.generator.spec.model import ISA
from drafthart.runtime.clock import Clock
from drafthart.runtime.engine import EngineDifferenceError, Stop
from drafthart.runtime.generated import engine_module
from drafthart.runtime.memory import PAGE, Bus, Ram
from drafthart.runtime.native.engine import NativeEngine
from drafthart.runtime.python_engine import PythonEngine
from drafthart.runtime.state import Value, mode_name, parts, read_state, write_state

_SLICE = 1 << 20
"""Bytes of RAM that are compared at once."""
_MEMORY_EVERY = 4_000_000
"""Instructions after which all of RAM is compared."""


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

    @property
    def shown(self) -> str:
        value = f" of {self.value:#x}" if self.kind == "write" else ""
        return f"{self.kind}{value}, {self.size} bytes at {self.address:#x}"


class _Recorder(Bus):
    """A machine's bus, which records what devices are asked and what they answer."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self.ram = bus.ram
        self._windows = bus._windows
        self._clock = clock
        self.hart: Any = None
        self.accesses: deque[_Access] = deque()

    def read(self, address: int, size: int) -> int:
        value = 0
        try:
            value = super().read(address, size)
        finally:
            self._record("read", address, size, value)
        return value

    def write(self, address: int, size: int, value: int) -> None:
        try:
            super().write(address, size, value)
        finally:
            self._record("write", address, size, value)

    def _record(self, kind: str, address: int, size: int, value: int) -> None:
        value &= (1 << 8 * size) - 1
        lines, offset = self.hart.interrupt_lines, self._clock.offset
        self.accesses.append(_Access(kind, address, size, value, lines, offset))


class _Replayer(Bus):
    """A bus whose devices answer as they did to the other engine."""

    def __init__(self, recorder: _Recorder, clock: Clock) -> None:
        super().__init__(Ram(recorder.ram.base, recorder.ram.size))
        self._windows = recorder._windows
        self._accesses = recorder.accesses
        self._clock = clock
        self.hart: Any = None

    def read(self, address: int, size: int) -> int:
        return self._again("read", address, size, 0)

    def write(self, address: int, size: int, value: int) -> None:
        self._again("write", address, size, value & (1 << 8 * size) - 1)

    def _again(self, kind: str, address: int, size: int, value: int) -> int:
        mine = _Access(kind, address, size, value, 0, 0)
        if not self._accesses:
            raise _Unequal("accesses to devices", "none", mine.shown)
        before = self._accesses.popleft()
        if mine[:3] != before[:3] or (kind == "write" and value != before.value):
            raise _Unequal("accesses to devices", before.shown, mine.shown)
        self._clock.offset = before.offset
        self.hart.interrupt_lines = before.lines
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
    pages: tuple[bytes, ...]
    """The pages that the host writes to, those of HTIF."""


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
    engines step; beyond 100, they run blocks as they do alone.
    """

    def __init__(self, isa: ISA, library: Path, bus: Bus, clock: Clock, *, every: int = 1) -> None:
        self._isa = isa
        self.every = every
        """Instructions after which state is compared, if nothing trapped."""
        self._clock = clock
        self._recorder = _Recorder(bus, clock)
        self._python = PythonEngine(engine_module(isa), self._recorder, clock)
        self.hart: Any = self._python.hart
        self._recorder.hart = self.hart
        self.module: Any = self._python.module
        self._copied = Clock(clock.instructions_per_tick, lambda: int(self._other.steps))
        replayer = _Replayer(self._recorder, self._copied)
        self._native = NativeEngine(isa, library, replayer, self._copied)
        self._other: Any = self._native.hart
        replayer.hart = self._other
        self._ram, self._other_ram = bus.ram, replayer.ram
        self._differs = _comparison(isa, self.hart, self._native)
        self._reached = self._outside()
        self._stale = True
        """Was memory changed from outside?"""
        self._memory_due = _MEMORY_EVERY

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

    def reset(self) -> None:
        """Give both harts the reset state; memory is left as it is."""
        self._python.reset()
        self._native.reset()
        self._stale = True

    def flush(self) -> None:
        """Drop all that is cached: memory, translations or the hart were changed from outside."""
        self._python.flush()
        self._stale = True

    def _select_context(self) -> None:
        self._python._select_context()

    # Running

    def run(self, horizon: Callable[[], tuple[int, bool]]) -> Stop:
        """Run until `horizon` says so, a breakpoint, or the hart sleeps with nothing pending."""
        self._follow_from_here()
        hart = self.hart
        while True:
            limit, final = horizon()
            if hart.steps >= limit and final:
                return Stop("limit")
            stop = self._round(min(limit, hart.steps + self.every), horizon)
            if stop.reason != "limit":
                return stop
            if hart.steps >= self._memory_due:
                self.check_memory()

    def step(self) -> None:
        """Run one instruction, or take the exception that it raises."""
        self._follow_from_here()
        start = self._start()
        self._take_over()
        self._python.step()
        self._reached = self._outside()
        self._follow(start, self._native.step)
        self._compare(start)

    def check_memory(self) -> None:
        """Compare all of RAM. Raises `EngineDifferenceError`."""
        self._take_over()
        for at in range(0, self._ram.size, _SLICE):
            ours, theirs = (ram.data[at : at + _SLICE] for ram in (self._ram, self._other_ram))
            if ours != theirs:
                start = self._start()
                raise self._error(start, [_first_difference(self._ram.base + at, ours, theirs)])
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

    # What both share

    def _outside(self) -> _Outside:
        ram = self._ram
        pages = tuple(ram.load(page, PAGE) for page in sorted(ram.watched))
        return _Outside(self.hart.interrupt_lines, self._clock.offset, pages)

    def _take_over(self) -> None:
        """Give the native hart what came from outside since the last round."""
        self._reached = outside = self._outside()
        self._copied.offset = outside.offset
        self._copied.instructions_per_tick = self._clock.instructions_per_tick
        self._other.interrupt_lines = outside.lines
        for page, content in zip(sorted(self._ram.watched), outside.pages, strict=True):
            if self._other_ram.load(page, PAGE) != content:
                self._other_ram.store(page, content)
                self._native.flush()

    def _follow_from_here(self) -> None:
        """The native hart takes over the python one's state, which others may have written to."""
        if self._differs():
            write_state(self._other, self._isa, read_state(self.hart, self._isa))
            self._native.flush()
        if self._stale:
            for at in range(0, self._ram.size, _SLICE):
                ours = self._ram.data[at : at + _SLICE]
                if ours != self._other_ram.data[at : at + _SLICE]:
                    self._other_ram.data[at : at + len(ours)] = ours
            self._native.flush()
            self._other_ram.watched = self._ram.watched
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


def _comparison(isa: ISA, hart: Any, native: NativeEngine) -> Callable[[], bool]:
    """What tells quickly whether two harts differ, in all but the wires that lead into them."""
    ffi, state = native._interface.ffi, native._state
    known = [part for part in parts(isa) if part.name != "interrupt_lines"]
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
