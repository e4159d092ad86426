"""Differences of a target that are known, each with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drafthart.conformance.comparison import Difference


@dataclass(frozen=True, slots=True)
class Case:
    """A known difference. `verdict` is deviation or choice; `count` is of observations, or 0."""

    id: str
    verdict: str
    what: str
    why: str
    differences: tuple[str, ...]
    section: str = ""
    peer: str = ""
    count: int = 0
    later: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a target beside one revision; nothing is where `revision` is ""."""

    revision: str = ""
    cases: tuple[Case, ...] = ()


def explanation(difference: Difference, cases: Sequence[Case]) -> str:
    """The id of the first case that describes a difference, or ""."""
    for case in cases:
        if any(difference.matches(pattern) for pattern in case.differences):
            return case.id
    return ""
