"""Whether the exit conditions of a feature are met."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import Status
from drafthart.generator.spec.series import open_series
from drafthart.runtime.staging.ledger import Feature


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition in words, whether it is met, and why not."""

    what: str
    met: bool
    why: str = ""


def conditions(feature: Feature, specs: Path) -> list[Condition]:
    """All exit conditions of a feature, with those that Drafthart can check checked now."""
    found = []
    for it in feature.exit:
        why = _CHECKS[it.check](feature, specs) if it.check else "" if it.met else "open"
        found.append(Condition(it.what, not why, why))
    return found


def _spec_ratified(feature: Feature, specs: Path) -> str:
    try:
        status = open_series(specs).revision(feature.id).status
    except DrafthartError as error:
        return str(error)
    return "" if status is Status.RATIFIED else f"it says {status}"


def _resolves(feature: Feature, specs: Path) -> str:
    from drafthart.generator.spec.resolve import resolve

    try:
        for xlen in (32, 64):
            resolve(feature.id, specs=specs, xlen=xlen)
    except DrafthartError as error:
        return str(error)
    return ""


def _no_gaps(feature: Feature, specs: Path) -> str:
    return "; ".join(feature.gaps)


_CHECKS: Mapping[str, Callable[[Feature, Path], str]] = {
    "spec-ratified": _spec_ratified,
    "resolves": _resolves,
    "no-gaps": _no_gaps,
}
"""Each says why not, or nothing."""
