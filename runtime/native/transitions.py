"""Traps of a compiled hart: the library keeps copies of the hart, and Python reads them later."""

from __future__ import annotations

from typing import Any

from drafthart.generator.language.c_names import c_name
from drafthart.runtime.native.interface import Interface
from drafthart.runtime.transitions import MODES, Counted, Listener, Taken

_ROOM = 512
"""Traps that the library keeps until it asks to be relieved of them."""
_FIGURES = (
    "walks of the G-stage",
    "walks that a kept answer saved",
    "translations made and kept (TLB misses)",
)


class NativeTransitions:
    """Has the library of `state` keep its traps, and hands them on."""

    def __init__(
        self, interface: Interface, state: Any, listener: Listener, *, every_trap: bool
    ) -> None:
        self._ffi, self._library = interface.ffi, interface.library
        self._arrays = interface.arrays
        self._state = state
        self._listener = listener
        self._words = self._library.dh_record_words()
        # The library writes to it for as long as the hart lives.
        self._records = self._ffi.new("uint64_t[]", self._words * _ROOM)
        self._cells = memoryview(self._ffi.buffer(self._records)).cast("B").cast("Q")
        self._offsets: dict[str, int] = {}
        self._mode, self._v = self._offset("mode"), None
        if hasattr(state, "V"):
            self._v = self._offset("V")
        self._library.dh_record_traps(state, self._records, _ROOM, every_trap)

    def hand_on(self) -> None:
        """Tell the listener of what happened since the last time."""
        for index in range(self._library.dh_taken_traps(self._state)):
            at = index * self._words
            cells = self._cells[at + 2 : at + self._words]
            before, interrupt = self._cells[at], self._cells[at + 1]
            after = cells[self._mode] | (0 if self._v is None else cells[self._v] << 2)
            self._listener(Taken(before, after, bool(interrupt), self._reader(cells)))

    def counted(self) -> Counted:
        """What the library counted, up to now."""
        counts = self._ffi.new("uint64_t[]", MODES + 1 + len(_FIGURES))
        self._library.dh_counted(self._state, counts)
        figures = dict(zip(_FIGURES, counts[MODES + 1 : MODES + 1 + len(_FIGURES)], strict=True))
        return Counted(tuple(counts[0:MODES]), counts[MODES], figures)

    def _reader(self, cells: memoryview) -> Any:
        def read(name: str) -> int | list[int]:
            at = self._offset(name)
            count = 32 if name == "x" else self._arrays.get(c_name(name), 0)
            return list(cells[at : at + count]) if count else int(cells[at])

        return read

    def _offset(self, name: str) -> int:
        """Where a part of the state lies, in words."""
        known = self._offsets.get(name)
        if known is None:
            known = self._ffi.offsetof("struct hart", c_name(name)) // 8
            self._offsets[name] = known
        return known
