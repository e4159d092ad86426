"""What gives a number to the items that a draft leaves without one: overlays, and later changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.changes import ChangeEntry
from drafthart.generator.spec.expression import dependencies
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.overlay import overlays
from drafthart.generator.spec.resolve import resolve, revisions
from drafthart.generator.spec.series import open_series
from drafthart.generator.spec.texts import without_overlay
from drafthart.runtime.assigned import unassigned


def remedies(isa: ISA, missing: Iterable[str]) -> list[str]:
    """Options of `drafthart run`, each of which binds all of the items `missing`, by id."""
    return [*_overlays(isa), *_picks(isa, set(missing))]


def _overlays(isa: ISA) -> Iterator[str]:
    """Overlays of our own that bind all."""
    expression = without_overlay(isa.id)
    for path in overlays():
        if _binds_all(isa, expression, path):
            yield f"--overlay {path.as_posix()}"


def _picks(isa: ISA, missing: set[str]) -> Iterator[str]:
    """A mixture that binds all: the revision and the first changes that number what it leaves."""
    found = []
    for change in _changes_without(isa):
        replaced = change.node.get("replace")
        numbered = {_numbered(path) for path in replaced.entries} if replaced else set()
        if missing & numbered:
            found.append(change)
            missing = missing - numbered
    if missing:
        return
    series, has = open_series(), {change.id for change in isa.changes}
    picked: dict[str, None] = {}
    for change in found:
        needed = dependencies(series, change.revision).prerequisites(change.id)
        picked |= dict.fromkeys(it for it in [*needed, change.id] if it not in has)
    expression = "+".join([without_overlay(isa.id), *picked])
    if _binds_all(isa, expression):
        yield f"--revision {expression}"


def _changes_without(isa: ISA) -> Iterator[ChangeEntry]:
    """The changes of the extension that are not in `isa`, those of older revisions first."""
    series, has = open_series(), {change.id for change in isa.changes}
    extension = isa.id.partition("@")[0]
    for summary in revisions():
        if summary.id.partition("@")[0] == extension:
            changes = series.revision(summary.id).entries
            yield from (change for change in changes if change.id not in has)


def _numbered(path: str) -> str:
    """The id of the item to which a change gives a number at this path; nothing at others."""
    section, _, rest = path.partition(".")
    name, _, attribute = rest.rpartition(".")
    kinds = {("csrs", "address"): "csr", ("instructions", "encoding"): "insn"}
    return f"{kinds[section, attribute]}:{name}" if (section, attribute) in kinds else ""


def _binds_all(isa: ISA, expression: str, overlay: Path | None = None) -> bool:
    try:
        return not unassigned(resolve(expression, xlen=isa.xlen, overlay=overlay))
    except DrafthartError:
        return False
