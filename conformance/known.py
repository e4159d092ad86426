"""Differences of a target that are known, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from drafthart.conformance.comparison import Difference


@dataclass(frozen=True, slots=True)
class Case:
    """A known difference. `verdict` is deviation or choice.

    `counts` are the observations by revision. `as_in` is a revision under which the target would
    be right in all of them.
    """

    id: str
    verdict: str
    what: str
    why: str
    differences: tuple[str, ...]
    section: str = ""
    peer: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    later: str = ""
    as_in: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a target beside `revision`, and of cases with counts beside those of theirs.

    Nothing is where `revision` is "".
    """

    revision: str = ""
    cases: tuple[Case, ...] = ()

    @property
    def revisions(self) -> tuple[str, ...]:
        """Those beside which something is known; `revision` first."""
        counted = (revision for case in self.cases for revision in case.counts)
        return tuple(dict.fromkeys((self.revision, *counted) if self.revision else ()))

    def beside(self, revision: str) -> tuple[Case, ...]:
        """The cases that count beside this revision."""
        return tuple(case for case in self.cases if revision in (case.counts or (self.revision,)))


def explanation(difference: Difference, cases: Sequence[Case]) -> str:
    """The id of the first case that describes a difference, or ""."""
    for case in cases:
        if any(difference.matches(pattern) for pattern in case.differences):
            return case.id
    return ""
