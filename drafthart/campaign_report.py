"""How far a campaign is, and what its results mean, for people and for tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from drafthart.conformance.campaign.campaign import Count
from drafthart.conformance.campaign.outcome import Outcome
from drafthart.output import table
from drafthart.runtime.gate import mixed
from drafthart.validate_report import as_data as validation_as_data
from drafthart.validate_report import as_text as validation_as_text


def jobs(number: int) -> str:
    """So many jobs, in words."""
    return "1 job" if number == 1 else f"{number} jobs"


def status_as_text(name: str, counts: Mapping[tuple[str, str], Count]) -> Iterator[str | Table]:
    """A row for each target and revision."""
    rows = [
        (target, revision, *map(str, (it.jobs, it.finished, it.lost, it.left)), f"{it.seconds:.0f}")
        for (target, revision), it in counts.items()
    ]
    yield table(("target", "revision", "jobs", "finished", "lost", "left", "seconds"), rows)
    left = sum(it.left for it in counts.values())
    yield f"{name}: {jobs(left)} left" if left else f"{name}: every job has come to an end"


def status_as_data(name: str, counts: Mapping[tuple[str, str], Count]) -> dict[str, Any]:
    """The same for tools."""
    return {
        "campaign": name,
        "jobs": [
            {
                "target": target,
                "revision": revision,
                "jobs": it.jobs,
                "finished": it.finished,
                "lost": it.lost,
                "left": it.left,
                "seconds": round(it.seconds, 1),
            }
            for (target, revision), it in counts.items()
        ],
    }


def as_text(outcomes: Sequence[Outcome], *, everything: bool) -> Iterator[str | Text | Table]:
    """What `validate` shows, for each target and revision."""
    for outcome in outcomes:
        if len(outcomes) > 1:
            yield Text(f"{outcome.target} beside {outcome.revision}", style="bold")
        if outcome.validation is not None:
            yield from validation_as_text(outcome.validation, everything=everything)
        yield from (
            f"job lost: {row.group}, {row.probes} probes from number {row.first}: {why}"
            for row, why in outcome.lost
        )
        if outcome.left:
            yield f"{outcome.target} beside {outcome.revision}: {jobs(outcome.left)} left"
        if len(outcomes) > 1:
            yield ""


def as_data(name: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The same for tools; specs/schema/campaign-report.schema.json describes it."""
    return {
        "campaign": name,
        "stability": mixed(*(it.stability for it in outcomes)),
        "complete": not any(it.left or it.lost for it in outcomes),
        "results": [
            {
                "target": it.target,
                "revision": it.revision,
                "left": it.left,
                "lost": [
                    {"group": row.group, "first": row.first, "probes": row.probes, "why": why}
                    for row, why in it.lost
                ],
                "report": validation_as_data(it.validation, it.stability)
                if it.validation is not None
                else None,
            }
            for it in outcomes
        ],
    }


def succeeded(outcomes: Sequence[Outcome]) -> bool:
    """Has everything come to an end, and does everything conform?"""
    return all(
        it.validation is not None and it.validation.conforms and not it.left and not it.lost
        for it in outcomes
    )
