"""One instruction as the other side tells it, and who tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Protocol

from drafthart.generator.errors import DrafthartError


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of an instruction; None and absent keys: not told.

    Registers and CSRs are as they are behind the instruction. `stores` has each byte written by its
    virtual address, `load` is the lowest address read. `trap`: it did not retire.
    """

    pc: int
    instruction: int | None = None
    mode: int | None = None
    next_pc: int | None = None
    x: Mapping[int, int] = field(default_factory=dict)
    f: Mapping[int, int] = field(default_factory=dict)
    csrs: Mapping[str, int] = field(default_factory=dict)
    stores: Mapping[int, int] | None = None
    load: int | None = None
    trap: bool = False
    source: str = ""
    """Where it stands, such as line 12."""


class Side(Protocol):
    """The other side, instruction by instruction."""

    name: str
    tells_traps: bool
    """Does it tell of instructions that trapped, too?"""
    tells_all_writes: bool
    """Is each register that an instruction writes among what its entry tells?"""

    def start(self, pc: int) -> Mapping[int, int]:
        """Go to where the program begins; what integer registers are known to hold there."""

    def next(self) -> Entry | None:
        """The next instruction; None at the end. Raises `DrafthartError` if it cannot go on."""

    def csr(self, name: str) -> int | None:
        """What a CSR reads as now; None if it cannot be asked."""

    def close(self) -> None:
        """End it."""


_BEFORE = 100_000
"""Instructions before the program that are passed over at most."""


class Stream:
    """A side that tells one instruction after the other, and cannot be asked."""

    def __init__(
        self,
        name: str,
        entries: Iterator[Entry],
        *,
        tells_traps: bool = False,
        tells_all_writes: bool = True,
    ) -> None:
        self.name = name
        self.tells_traps = tells_traps
        self.tells_all_writes = tells_all_writes
        self._entries = entries

    def start(self, pc: int) -> Mapping[int, int]:
        """Pass over what runs before the program, such as a boot ROM, and keep its registers."""
        x: dict[int, int] = {}
        for entry in islice(self._entries, _BEFORE):
            if entry.pc == pc:
                self._entries = chain([entry], self._entries)
                return x
            x |= entry.x
        raise DrafthartError(
            f"{self.name}: never comes to {pc:#x}, where the program begins; "
            "name the program that it is of"
        )

    def next(self) -> Entry | None:
        """The next instruction; None at the end."""
        return next(self._entries, None)

    def csr(self, name: str) -> int | None:
        """It cannot be asked."""
        return None

    def close(self) -> None:
        """Nothing is to be closed."""
