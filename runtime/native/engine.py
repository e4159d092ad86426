"""The native engine as the runtime drives it: the same interface as the python engine's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.runtime.clock import Clock
from drafthart.runtime.engine import Stop
from drafthart.runtime.memory import Bus, BusError
from drafthart.runtime.native.hart import NativeHart
from drafthart.runtime.native.interface import Interface, load
from drafthart.runtime.native.transitions import NativeTransitions
from drafthart.runtime.transitions import Counted, Listener

_ONES = (1 << 64) - 1
_LIMIT, _SLEEPING, _ATTENTION, _BREAKPOINT = range(4)


@dataclass(frozen=True, slots=True)
class Operation:
    """Which instruction it was."""

    mnemonic: str
    operands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Retired:
    """An instruction that has just run."""

    pc: int
    next_pc: int
    word: int
    operation: Operation
    values: tuple[int, ...]


class Functions(Mapping[str, Any]):
    """Functions of the spec by name, called with the hart first, and its named numbers.

    `_read_NAME` and `_write_NAME` are those of CSRs.
    """

    def __init__(self, isa: ISA, interface: Interface) -> None:
        self._isa = isa
        self._interface = interface
        self._csrs = {name: index for index, name in enumerate(isa.csrs)}

    def __getitem__(self, name: str) -> Any:
        library, ffi = self._interface.library, self._interface.ffi
        if name in self._isa.numbers:
            return self._isa.numbers[name]
        if name in self._interface.entries:
            number = self._interface.entries[name]

            def invoke(hart: NativeHart, *values: int) -> int:
                arguments = ffi.new("uint64_t[]", [value & _ONES for value in values] or [0])
                return int(library.dh_invoke(hart._state, number, arguments))

            return invoke
        kind, _, csr = name[1:].partition("_")
        index = self._csrs[csr]
        if kind == "read":
            return lambda hart: int(library.dh_csr_read(hart._state, index))
        if kind == "write":
            return lambda hart, value: library.dh_csr_write(hart._state, index, value & _ONES)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter([*self._isa.numbers, *self._interface.entries])

    def __len__(self) -> int:
        return len(self._isa.numbers) + len(self._interface.entries)


class NativeEngine:
    """A hart of one revision on a bus, run by a compiled library (see `native_library`).

    `beside` is another hart on the same bus, if there is one.
    """

    def __init__(
        self,
        isa: ISA,
        library: Path,
        bus: Bus,
        clock: Clock,
        beside: NativeEngine | None = None,
    ) -> None:
        self._isa = isa
        self._interface = load(isa, library)
        self._library = self._interface.library
        ffi = self._interface.ffi
        ram = bus.ram
        self._bus = bus
        self._clock = clock
        self._ram = ffi.from_buffer("uint8_t[]", ram.data, require_writable=True)
        # cffi calls these for as long as they are referred to.
        self._callbacks = (
            ffi.callback("device_read", self._device_read),
            ffi.callback("device_write", self._device_write),
        )
        state = self._library.dh_create(self._ram, ram.base, ram.size, *self._callbacks, ffi.NULL)
        if state == ffi.NULL:
            raise DrafthartError(
                f"no memory on the host for a hart with {ram.size >> 20} MiB of RAM"
            )
        self._state = ffi.gc(state, self._library.dh_destroy)
        if beside is None:
            ram.listeners.append(self._host_wrote)
        else:
            # What the host writes reaches this hart through the other one.
            peer = beside._library.dh_peer(beside._state)
            self._library.dh_join(self._state, ffi.cast("void *", beside._address(peer)))
        self.hart: Any = NativeHart(self._interface, self._state, clock)
        self.module: Mapping[str, Any] = Functions(isa, self._interface)
        self._watcher: Callable[[Any], None] | None = None
        self._breakpoints: Set[int] = frozenset()
        self._windows = 0
        self._watched: frozenset[int] = frozenset()
        self._failure: BaseException | None = None
        self._transitions: NativeTransitions | None = None
        self._synchronise()

    # Control

    @property
    def watcher(self) -> Callable[[Any], None] | None:
        """Called after each retired instruction, if set; the engine then steps."""
        return self._watcher

    @watcher.setter
    def watcher(self, watcher: Callable[[Any], None] | None) -> None:
        self._watcher = watcher
        self._state.watching = watcher is not None
        # What is cached would answer accesses without listing them.
        self.flush()

    @property
    def breakpoints(self) -> Set[int]:
        """Virtual addresses, whatever the mode: `run` returns before an instruction there."""
        return self._breakpoints

    @breakpoints.setter
    def breakpoints(self, addresses: Set[int]) -> None:
        if addresses != self._breakpoints:
            self._breakpoints = frozenset(addresses)
            listed = self._interface.ffi.new("uint64_t[]", sorted(addresses) or [0])
            self._library.dh_set_breakpoints(self._state, listed, len(addresses))

    def reset(self) -> None:
        """Put the hart into the revision's reset state; memory is left as it is."""
        self._library.dh_reset(self._state)

    def flush(self) -> None:
        """Drop all that is cached: memory, translations or the hart were changed from outside."""
        self._library.dh_flush(self._state)

    def run(self, horizon: Callable[[], tuple[int, bool]]) -> Stop:
        """Run until the horizon says so, a breakpoint, or the hart sleeps with nothing pending."""
        state, library = self._state, self._library
        while True:
            limit, final = horizon()
            if state.steps >= limit and final:
                return Stop("limit")
            self._synchronise()
            if self._watcher is None:
                reason = library.dh_run(state, min(limit, _ONES))
            else:
                reason = self._run_watched(limit)
            if self._transitions is not None:
                self._transitions.hand_on()
            if self._failure is not None:
                failure, self._failure = self._failure, None
                raise failure
            if reason == _SLEEPING:
                return Stop("sleeping")
            if reason == _BREAKPOINT:
                return Stop("breakpoint")

    def step(self) -> None:
        """Run one instruction, or take the exception that it raises."""
        self._synchronise()
        self._library.dh_step(self._state)
        if self._transitions is not None:
            self._transitions.hand_on()
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def watch_traps(self, listener: Listener, *, every_trap: bool = False) -> None:
        """Tell `listener` of each trap that leaves V=1, or of every one, and begin to count."""
        self._transitions = NativeTransitions(
            self._interface, self._state, listener, every_trap=every_trap
        )

    def counted(self) -> Counted:
        """What was counted since `watch_traps`."""
        assert self._transitions is not None
        return self._transitions.counted()

    def _select_context(self) -> None:
        """Nothing: `step` does it."""

    def _run_watched(self, limit: int) -> int:
        state, library = self._state, self._library
        watcher = self._watcher
        assert watcher is not None
        while state.steps < limit:
            library.dh_clear_logs(state)
            pc, trapped, steps = state.pc, state.trapped, state.steps
            reason = library.dh_run(state, min(limit, steps + 1))
            if state.steps != steps and state.trapped == trapped:
                watcher(self._retired(pc))
            if reason != _LIMIT or self._watcher is not watcher:
                return int(reason)
        return _LIMIT

    def _retired(self, pc: int) -> Retired:
        word = int(self._state.instruction)
        length = 4 if word & 3 == 3 else 2
        found = self._decode(int(self._library.dh_expanded(self._state)))
        return Retired(pc, (pc + length) & _ONES, word, *found)

    def _decode(self, word: int) -> tuple[Operation, tuple[int, ...]]:
        for instruction in self._isa.instructions.values():
            encoding = instruction.encoding
            if encoding is not None and encoding.width == 32 and encoding.accepts(word):
                names = encoding.operands
                values = encoding.extract(word)
                return Operation(instruction.mnemonic, names), tuple(values[it] for it in names)
        return Operation("", ()), ()

    # The bus

    def _address(self, pointer: Any) -> int:
        """A pointer of this library as a number, which another one's can be made of."""
        return int(self._interface.ffi.cast("uintptr_t", pointer))

    def _host_wrote(self, address: int, size: int) -> None:
        self._library.dh_host_wrote(self._state, address, size)

    def _synchronise(self) -> None:
        """Tell the library what others may have changed: clock, windows, watched pages."""
        library, state = self._library, self._state
        clock = self._clock
        library.dh_set_clock(state, clock.offset & _ONES, clock.instructions_per_tick)
        windows = self._bus.windows
        for base, end in windows[self._windows :]:
            if not library.dh_add_window(state, base, end):
                raise DrafthartError("more devices than the native engine has room for")
        self._windows = len(windows)
        watched = self._bus.ram.watched
        if watched != self._watched:
            for page in self._watched ^ watched:
                library.dh_watch_page(state, page, page in watched)
            self._watched = frozenset(watched)

    def _device_read(self, _host: Any, address: int, size: int) -> int:
        try:
            # A device that refuses the width answers as an undriven bus does: with zeros.
            with suppress(BusError):
                return self._bus.read(address, size) & ((1 << 8 * size) - 1)
        except BaseException as failure:
            self._fail(failure)
        return 0

    def _device_write(self, _host: Any, address: int, size: int, value: int) -> None:
        try:
            with suppress(BusError):
                self._bus.write(address, size, value)
            # A device may have set the clock.
            clock = self._clock
            self._library.dh_set_clock(
                self._state, clock.offset & _ONES, clock.instructions_per_tick
            )
        except BaseException as failure:
            self._fail(failure)

    def _fail(self, failure: BaseException) -> None:
        """C cannot carry an exception: keep it until the library has returned."""
        self._failure = self._failure or failure
        self._state.attention = 1
