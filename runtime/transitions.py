"""What an engine tells of traps, to whoever asks it, and what it counts meanwhile.

Modes change between two blocks at the earliest, so an engine that looks at its hart there sees each
change, and can count the steps in each mode without counting them one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

MODES = 8
"""Numbers of modes: V << 2 | mode."""


class Taken(NamedTuple):
    """A trap that has just been taken, while its handler is still to run its first instruction.

    `before` and `after` are numbers of modes, V << 2 | mode. `state` gives a part of the hart's
    state by its name in drafthart.runtime.state; it holds until the listener returns.
    """

    before: int
    after: int
    interrupt: bool
    state: Callable[[str], Any]

    @property
    def leaves_guest(self) -> bool:
        """Is it a VM exit: does it lead from V=1 to V=0?"""
        return bool((self.before & ~self.after) >> 2)


Listener: TypeAlias = Callable[[Taken], None]


@dataclass(frozen=True, slots=True)
class Counted:
    """What an engine counted since it was asked to listen.

    `steps_in` are the instructions begun in each mode, by its number; `switches` the changes of V.
    `figures` are the engine's own: they tell how it worked, and differ between engines.
    """

    steps_in: tuple[int, ...]
    switches: int
    figures: dict[str, int] = field(default_factory=dict)


class Transitions:
    """Looks at a hart whose state is attributes of a Python object."""

    def __init__(self, hart: Any, listener: Listener, *, every_trap: bool) -> None:
        self._hart = hart
        self._listener = listener
        self._every_trap = every_trap
        self._mode = _number(hart)
        self._steps, self._trapped = hart.steps, hart.trapped
        self._steps_in = [0] * MODES
        self._switches = 0

    def look(self, *, interrupt: bool = False) -> None:
        """The hart is between two instructions, behind at most one trap since the last look."""
        hart, before, mode = self._hart, self._mode, _number(self._hart)
        trapped = interrupt or hart.trapped != self._trapped
        self._steps_in[before] += hart.steps - self._steps
        self._switches += (mode ^ before) >> 2
        self._mode, self._steps, self._trapped = mode, hart.steps, hart.trapped
        if trapped:
            taken = Taken(before, mode, interrupt, lambda name: getattr(hart, name))
            if self._every_trap or taken.leaves_guest:
                self._listener(taken)

    def counted(self, figures: dict[str, int]) -> Counted:
        """What was counted, up to now."""
        self.look()
        return Counted(tuple(self._steps_in), self._switches, figures)

    def was_reset(self) -> None:
        """The hart has got another mode, and no instruction has done it."""
        self._mode = _number(self._hart)


def _number(hart: Any) -> int:
    return int(getattr(hart, "V", 0)) << 2 | int(hart.mode)
