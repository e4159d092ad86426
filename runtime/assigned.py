"""Drafts with CSRs and instructions that have no number: nothing that a guest does reaches them.

Such a draft runs once its user has bound numbers to them all, with an overlay or a later change.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.changes import ChangeEntry
from drafthart.generator.spec.dependencies import dependencies
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.overlay import overlays, without_overlay
from drafthart.generator.spec.resolve import resolve, revisions
from drafthart.generator.spec.series import open_series

_LISTED = 4


def unassigned(isa: ISA) -> list[str]:
    """Ids of what extensions bring at this XLEN and give no number: CSRs, then instructions."""
    csrs = [csr for csr in isa.csrs.values() if csr.origin and csr.address is None]
    instructions = [it for it in isa.instructions.values() if it.origin and it.encoding is None]
    # The CSRs of an array have one number among them.
    names = dict.fromkeys(f"csr:{csr.array or csr.name}" for csr in csrs)
    return [*names, *(f"insn:{instruction.mnemonic}" for instruction in instructions)]


def require_assigned(isa: ISA) -> None:
    """Raises `DrafthartError` if there is such an item, with what would give all a number."""
    ids = unassigned(isa)
    if not ids:
        return
    remedies = [*_overlays(isa), *_picks(isa, set(ids))] or ["--overlay FILE"]
    one = len(ids) == 1
    what = (
        f"{len(ids)} {'item' if one else 'items'} of {isa.id} {'has' if one else 'have'} no number"
    )
    them = "it" if one else "them"
    raise DrafthartError(
        f"{what}: {_listed(ids)}; bind {them} with {' or '.join(remedies)}, "
        f"or run without {them} by --allow-unassigned"
    )


def _listed(ids: list[str]) -> str:
    more = len(ids) - _LISTED
    return ", ".join(ids if more <= 1 else [*ids[:_LISTED], f"and {more} more"])


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
            changes = series.revision(summary.id).changes
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
