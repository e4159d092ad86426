"""The hart of a compiled library, with its state as attributes by the names of the spec."""

from __future__ import annotations

from collections.abc import Iterator, MutableSequence
from typing import Any, overload

from drafthart.generator.language.c_names import c_name
from drafthart.runtime.native.interface import Interface

_ONES = (1 << 64) - 1


class Array(MutableSequence[int]):
    """Registers or an array of CSRs, in the library's memory; its length never changes."""

    def __init__(self, cells: Any, count: int) -> None:
        self._cells = cells
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> int: ...

    @overload
    def __getitem__(self, index: slice) -> list[int]: ...

    def __getitem__(self, index: int | slice) -> int | list[int]:
        if isinstance(index, slice):
            return [self._cells[at] for at in range(*index.indices(self._count))]
        return int(self._cells[self._position(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            places = range(*index.indices(self._count))
            for at, one in zip(places, value, strict=True):
                self._cells[at] = one & _ONES
        else:
            self._cells[self._position(index)] = value & _ONES

    def __delitem__(self, index: Any) -> None:
        raise TypeError("registers cannot be removed")

    def __iter__(self) -> Iterator[int]:
        return iter(self[:])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Array | list | tuple) and self[:] == list(other)

    def insert(self, index: int, value: int) -> None:
        """Not possible."""
        raise TypeError("registers cannot be added")

    def _position(self, index: int) -> int:
        position = index + self._count if index < 0 else index
        if not 0 <= position < self._count:
            raise IndexError(index)
        return position


class NativeHart:
    """Registers, counters and the revision's state; and the primitives that the runtime needs."""

    __slots__ = ("_arrays", "_csr_numbers", "_interface", "_state", "clock")

    def __init__(self, interface: Interface, state: Any, clock: Any) -> None:
        put = object.__setattr__
        put(self, "_interface", interface)
        put(self, "_state", state)
        put(self, "clock", clock)
        put(self, "_csr_numbers", interface.csr_numbers)
        arrays = {"x": Array(state.x, 32)}
        for name, count in interface.arrays.items():
            arrays[name] = Array(getattr(state, c_name(name)), count)
        put(self, "_arrays", arrays)

    def __getattr__(self, name: str) -> Any:
        array = self._arrays.get(name)
        return getattr(self._state, c_name(name)) if array is None else array

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "expanded":
            if value != self.expanded:
                raise ValueError(f"expanded follows from instruction: {self.expanded:#x}")
        elif name in self._arrays:
            self._arrays[name][:] = value
        else:
            setattr(self._state, c_name(name), int(value) & _ONES)

    # Read again and again between two runs of the engine, so not by way of __getattr__.

    @property
    def steps(self) -> int:
        """Instructions begun."""
        return self._state.steps  # type: ignore[no-any-return]

    @property
    def elsewhere(self) -> int:
        """Instructions that the other harts began."""
        return self._state.elsewhere  # type: ignore[no-any-return]

    @property
    def sleeping(self) -> bool:
        """Does the hart wait for an interrupt?"""
        return bool(self._state.sleeping)

    @sleeping.setter
    def sleeping(self, value: bool) -> None:
        self._state.sleeping = value

    @property
    def expanded(self) -> int:
        """The 32-bit equivalent of the instruction that runs."""
        return int(self._interface.library.dh_expanded(self._state))

    def attention(self) -> None:
        """Have the engine ask its horizon after this instruction."""
        self._state.attention = 1

    def set_line(self, number: int, level: bool) -> None:
        """Drive the wire of interrupt `number`."""
        old = self._state.interrupt_lines
        new = old | 1 << number if level else old & ~(1 << number)
        if new != old:
            self._state.interrupt_lines = new
            self._state.attention = 1

    def csr_exists(self, number: int) -> bool:
        """Has the revision a CSR of this number?"""
        return number in self._csr_numbers

    def csr_read(self, number: int) -> int:
        """The CSR's value."""
        return int(self._interface.library.dh_csr_read(self._state, self._csr_numbers[number]))

    def csr_write(self, number: int, value: int) -> None:
        """Write the CSR."""
        index = self._csr_numbers[number]
        self._interface.library.dh_csr_write(self._state, index, value & _ONES)

    def flush_translations(self) -> None:
        """Drop cached translations."""
        self._interface.library.dh_flush_translations(self._state)

    def flush_instructions(self) -> None:
        """Drop cached instructions."""
        self._interface.library.dh_flush(self._state)

    @property
    def memory_reads(self) -> list[tuple[int, int]]:
        """Physical reads (address, size) of the current instruction, while someone watches."""
        return [(at, size) for at, size, _ in self._interface.log(self._state, 0)]

    @property
    def memory_writes(self) -> list[tuple[int, int, int]]:
        """Physical writes (address, size, value), likewise."""
        return [(at, size, value) for at, size, value in self._interface.log(self._state, 1)]

    @property
    def written(self) -> list[tuple[int, int]]:
        """CSR writes (number, value), likewise."""
        return [(at, value) for at, _, value in self._interface.log(self._state, 2)]
