"""Whether the ledger, the folders, the specs and the lock agree, and nothing ratified is broken."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import Status
from drafthart.generator.spec.resolve import revisions
from drafthart.runtime.staging.area import Area
from drafthart.runtime.staging.ledger import (
    RUNS,
    Ledger,
    State,
    parse_ledger,
    read_ledger,
)
from drafthart.runtime.staging.lock import read_lock


def verify(area: Area, api: Mapping[str, list[str]]) -> Iterator[str]:
    """What is wrong, a line each. Where there is no staging/, what is locked still counts."""
    yield from map(str, read_lock(area.lock).breaks(area.specs, api))
    yield from _statuses(area)
    if area.ledger.is_file():
        ledger = read_ledger(area.ledger)
        yield from _folders(area, ledger)
        yield from _specs(area, ledger)
        yield from _deleted(area, ledger)
    elif area.staging.is_dir():
        yield "ledger-missing: staging/ledger.yaml: take it back from version control"


def _statuses(area: Area) -> Iterator[str]:
    """What is locked says ratified for ever."""
    known = {it.id: it.status for it in revisions(area.specs)}
    for name in read_lock(area.lock).surfaces:
        status = known.get(name)
        if status is not Status.RATIFIED:
            says = f"says {status}" if status else "is gone"
            yield f"status-changed: {name} is locked, and its spec {says}; it stays ratified"


def _folders(area: Area, ledger: Ledger) -> Iterator[str]:
    expected = {area.manifest(it.id): it for it in ledger.features.values() if it.state in RUNS}
    for path, feature in expected.items():
        if not path.is_file():
            yield f"folder-missing: {feature.id} is {feature.state}, and has no {_in(area, path)}"
    for path in area.staged():
        if path not in expected:
            yield f"folder-unknown: {_in(area, path)} is of no feature that is staged; remove it"


def _specs(area: Area, ledger: Ledger) -> Iterator[str]:
    locked = read_lock(area.lock).surfaces
    known = {it.id: it.status for it in revisions(area.specs)}
    for name, status in known.items():
        feature = ledger.features.get(name)
        if feature is None:
            yield f"not-in-ledger: {name} is in specs/; add it with drafthart staging new {name}"
        elif status is Status.RATIFIED and feature.state is not State.RATIFIED:
            yield f"not-promoted: {name} is ratified, and {feature.state} in the ledger"
    for feature in ledger.features.values():
        if feature.state is State.RATIFIED and feature.id not in locked:
            yield f"not-locked: {feature.id} is ratified, and not in specs/ratified.lock"
        if feature.id not in known and feature.state is not State.RENAMED:
            yield f"spec-missing: {feature.id} has no spec; specs are never dropped"


def _deleted(area: Area, ledger: Ledger) -> Iterator[str]:
    """What the last commit of a checkout has, and the ledger has no more."""
    before = _committed(area)
    for feature in before.features.values() if before else ():
        now = ledger.features.get(feature.id)
        if now is None:
            yield f"entry-deleted: {feature.id} was in the ledger; nothing in it is deleted"
        elif now.history[: len(feature.history)] != feature.history:
            yield f"history-changed: the history of {feature.id} in the ledger only grows"


def _committed(area: Area) -> Ledger | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(area.root), "show", "HEAD:./staging/ledger.yaml"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
            check=True,
        )
        return parse_ledger(done.stdout.decode(), "HEAD:staging/ledger.yaml")
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError, DrafthartError):
        return None


def _in(area: Area, path: Path) -> str:
    return path.relative_to(area.root).as_posix()
