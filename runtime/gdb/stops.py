"""Where a debugger wants the guest to stop: breakpoints and watchpoints.

A breakpoint is a virtual address, in whatever mode. A watchpoint is a place in physical memory: the
one that the address led to when it was set, so that a store to it by any mode and through any
mapping is seen. Those for writes are seen after the value changed, at full speed; those for reads
before the access: each instruction is asked what it is going to access.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from drafthart.runtime.gdb.memory import Memory
from drafthart.runtime.machine import Machine
from drafthart.runtime.memory import PAGE
from drafthart.runtime.shadow import Access, Refused

LONGEST = 4096
"""Bytes in a watchpoint at most."""


class Watchpoint(NamedTuple):
    """What gdb asked for: `kind` is "watch", "rwatch" or "awatch"."""

    kind: str
    address: int
    size: int


@dataclass(slots=True)
class _Watched:
    physical: int
    value: bytes | None
    """What was there, or None where no RAM is."""


class Stops:
    """The breakpoints and watchpoints of one debugger."""

    def __init__(self, machine: Machine, memory: Memory) -> None:
        self._machine = machine
        self._ram = machine.bus.ram
        self._memory = memory
        self.software: set[int] = set()
        self.hardware: set[int] = set()
        self._watched: dict[Watchpoint, _Watched] = {}
        self._before: dict[Watchpoint, int] = {}
        """Where those of the last run were: gdb takes them all away at each stop, and sets them
        again in whatever mode the guest then is."""
        self._pages: set[int] = set()
        """Pages that are watched for us only."""

    @property
    def breakpoints(self) -> set[int]:
        """All addresses to stop at."""
        return self.software | self.hardware

    def watch(self, watchpoint: Watchpoint) -> None:
        """Set a watchpoint; raises Refused where its address leads nowhere now."""
        physical = self._before.get(watchpoint)
        if physical is None:
            physical = self._memory.physical(watchpoint.address)
            if physical // PAGE != (physical + watchpoint.size - 1) // PAGE:
                raise Refused("a watchpoint cannot lie in two pages", 0, watchpoint.address)
        self._watched[watchpoint] = _Watched(physical, None)

    def unwatch(self, watchpoint: Watchpoint) -> None:
        """Take a watchpoint away."""
        self._watched.pop(watchpoint, None)

    def clear(self) -> None:
        """Take all away."""
        self.software.clear()
        self.hardware.clear()
        self._watched.clear()
        self._before.clear()

    @property
    def slow(self) -> bool:
        """Must each instruction be asked what it accesses?"""
        return any(
            it.kind != "watch" or not self._ram.contains(watched.physical, it.size)
            for it, watched in self._watched.items()
        )

    def arm(self) -> None:
        """Before the guest runs."""
        self._before = {it: watched.physical for it, watched in self._watched.items()}
        for it, watched in self._watched.items():
            watched.value = self._value(it, watched)
        pages = {watched.physical & -PAGE for watched in self._watched.values()}
        self._pages = pages - self._ram.watched
        if self._pages:
            self._ram.watched |= self._pages
            # What translations the engine keeps for stores goes past the watch.
            self._machine.flush()

    def disarm(self) -> None:
        """After it ran."""
        self._ram.watched -= self._pages
        self._pages = set()

    def changed(self) -> Watchpoint | None:
        """The watchpoint, if any, whose value is another one than when the guest began to run."""
        for it, watched in self._watched.items():
            if it.kind != "rwatch" and self._value(it, watched) != watched.value:
                return it
        return None

    def touched(self, accesses: Iterable[Access]) -> Watchpoint | None:
        """The watchpoint, if any, that one of these accesses meets."""
        for access in accesses:
            for it, watched in self._watched.items():
                kinds = {"watch": ("STORE",), "rwatch": ("LOAD",)}.get(it.kind, ("LOAD", "STORE"))
                meets = (
                    watched.physical < access.physical + access.size
                    and access.physical < watched.physical + it.size
                )
                if access.kind in kinds and meets:
                    return it
        return None

    def _value(self, it: Watchpoint, watched: _Watched) -> bytes | None:
        if not self._ram.contains(watched.physical, it.size):
            return None
        return self._ram.load(watched.physical, it.size)
