"""A place in a program that a difference touches."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from drafthart.generator.diff.findings import Finding


class Certainty(StrEnum):
    """How sure it is that the difference touches the place.

    `certain`: the instruction, the CSR's number or the mask stands in the instruction itself.
    `likely`: it was followed through registers of one function. `possible`: the CSR is accessed
    with a value that cannot be followed, so that any of its fields may be meant; or an
    instruction does something else under conditions that cannot be seen here.
    """

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"

    @property
    def rank(self) -> int:
        """0 for the surest."""
        return tuple(Certainty).index(self)


class Form(StrEnum):
    """Which of the two revisions gives the place its meaning."""

    BEFORE = "before"
    AFTER = "after"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Mark:
    """What touches, before it is known where in the program it stands."""

    finding: Finding
    certainty: Certainty
    form: Form
    why: str


@dataclass(frozen=True, slots=True)
class Place:
    """One place. `address` is None in a source; in an object file it is from its section's start.

    `symbol` has the offset behind it, "" where there is none. `line` is `file:number`, "" if
    unknown. `text` is the instruction, or the line of the source.
    """

    mark: Mark
    section: str
    address: int | None
    symbol: str
    line: str
    text: str

    @property
    def finding(self) -> Finding:
        """The difference."""
        return self.mark.finding
