"""What the rest of the runtime asks of an engine, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Any, NamedTuple, Protocol

from drafthart.runtime.transitions import Counted, Listener


class Stop(NamedTuple):
    """Why `run` returned: "limit", "sleeping" or "breakpoint"."""

    reason: str


class RetiredOperation(Protocol):
    """Which instruction it was."""

    @property
    def mnemonic(self) -> str:
        """Its name in the specs; of a 16-bit one, that of what it expands to."""


class Retired(Protocol):
    """An instruction that has just run."""

    @property
    def pc(self) -> int:
        """Its virtual address."""

    @property
    def next_pc(self) -> int:
        """The virtual address behind it; where the hart goes is `hart.pc`."""

    @property
    def word(self) -> int:
        """Its bits, 16 or 32."""

    @property
    def operation(self) -> RetiredOperation:
        """What it does."""

    @property
    def values(self) -> tuple[int, ...]:
        """Its operands, in the order of `Encoding.operands`."""


class Engine(Protocol):
    """Runs one hart.

    `hart` has an attribute for each part of its state (drafthart.runtime.state lists them), arrays
    as mutable sequences. They are exact whenever `run` and `step` have returned, in `horizon` and
    in `watcher`. Who changes them or memory from outside calls `flush` before the hart goes on.
    """

    hart: Any
    module: Any
    """The spec's functions by name, called with the hart first, and its named numbers."""
    watcher: Callable[[Any], None] | None
    """Called after each retired instruction with a `Retired`, if set."""

    @property
    def breakpoints(self) -> Set[int]:
        """Virtual addresses, whatever the mode: `run` returns before an instruction there."""

    @breakpoints.setter
    def breakpoints(self, addresses: Set[int]) -> None: ...

    def reset(self) -> None:
        """Give the hart its reset state."""

    def flush(self) -> None:
        """Drop all that is cached: memory, translations or the hart were changed from outside."""

    def run(self, horizon: Callable[[], tuple[int, bool]]) -> Stop:
        """Run until `horizon` says so, a breakpoint, or the hart sleeps with nothing pending."""

    def step(self) -> None:
        """Run one instruction, or take the exception that it raises."""

    def watch_traps(self, listener: Listener, *, every_trap: bool = False) -> None:
        """Tell `listener` of each trap that leaves V=1, or of every one, and begin to count.

        A trap may be told of only when `run` or `step` returns, or `horizon` is asked.
        """

    def counted(self) -> Counted:
        """What was counted since `watch_traps`."""


class EngineDifferenceError(Exception):
    """The engines disagree: a bug of Drafthart's, whichever is right. It has several lines."""
