"""What a file of others states, under its own names."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Statements:
    """Numbers by name. Names of instructions have underscores for dots; all are in lower case.

    `masks` are macros of a header that may be fields of CSRs, in upper case. Several files of a
    folder add to the same statements.
    """

    instructions: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Match and mask."""
    csrs: dict[str, int] = field(default_factory=dict)
    causes: dict[str, int] = field(default_factory=dict)
    interrupts: dict[str, int] = field(default_factory=dict)
    masks: dict[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Is anything stated?"""
        return any((self.instructions, self.csrs, self.causes, self.interrupts, self.masks))
