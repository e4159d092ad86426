"""`specs/ratified.lock`: the public surface of what is ratified, and what breaks it.

Additions pass. What is locked and is missing, or has another number or place, breaks users, and is
told with the id of a rule and the item.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drafthart.generator.diff.findings import compare_surface
from drafthart.generator.diff.rule_table import Severity
from drafthart.generator.diff.surface import Surface
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.resolve import resolve
from drafthart.runtime.staging.surface import WIDTHS, own_surface

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Break:
    """What broke: the id of the rule, the revision (or `api`), the item, and how."""

    rule: str
    revision: str
    item: str
    before: str
    after: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.rule}: {self.revision} {self.item}: {self.before} → {self.after}"


@dataclass(frozen=True, slots=True)
class Lock:
    """Locked surfaces by revision and width, and the names of the Python API."""

    surfaces: Mapping[str, Mapping[int, Surface]] = field(default_factory=dict)
    api: Mapping[str, list[str]] = field(default_factory=dict)

    def having(self, revision: str, specs: Path, api: Mapping[str, list[str]]) -> Lock:
        """The lock with a revision as it is now. Names of the API that are locked stay so."""
        widths = {
            xlen: own_surface(resolve(revision, specs=specs, xlen=xlen), specs) for xlen in WIDTHS
        }
        return Lock({**self.surfaces, revision: widths}, {**api, **self.api})

    def breaks(self, specs: Path | None, api: Mapping[str, list[str]]) -> Iterator[Break]:
        """What of the lock the specs and the API of now break."""
        for revision, widths in self.surfaces.items():
            found: dict[Break, None] = {}
            for xlen, locked in widths.items():
                try:
                    isa = resolve(revision, specs=specs, xlen=xlen)
                except DrafthartError as error:
                    found[Break("spec-broken", revision, "revision", "resolves", str(error))] = None
                    continue
                for it in compare_surface(locked, isa):
                    if it.worst() is Severity.BREAKING:
                        broken = Break(
                            it.rule, revision, it.old_item, it.before or "-", it.after or "-"
                        )
                        found[broken] = None
            yield from found
        yield from _api_breaks(self.api, api)

    def text(self) -> str:
        """The file's text, a line for each item."""
        lines = ["{", f' "version": {_VERSION},', ' "api": {']
        lines += _joined(f"  {_json(name)}: {_json(it)}" for name, it in self.api.items())
        lines += [" },", ' "revisions": {']
        revisions = []
        for revision, widths in self.surfaces.items():
            parts = []
            for xlen, known in widths.items():
                body = _joined(f"    {_json(id_)}: {_json(it)}" for id_, it in known.items())
                parts.append("\n".join([f'   "{xlen}": {{', *body, "   }"]))
            revisions.append(f"  {_json(revision)}: {{\n" + ",\n".join(parts) + "\n  }")
        return "\n".join([*lines, ",\n".join(revisions), " }", "}", ""])


def read_lock(path: Path) -> Lock:
    """The lock in a file; an empty one where there is none."""
    if not path.is_file():
        return Lock()
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        version, revisions, api = data["version"], data["revisions"], data["api"]
        surfaces = {
            name: {int(xlen): known for xlen, known in widths.items()}
            for name, widths in revisions.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DrafthartError(
            f"{path.name}: is damaged; take it back from version control: it is never edited"
        ) from None
    if version != _VERSION:
        raise DrafthartError(
            f"{path.name}: has version {version}, and this Drafthart reads {_VERSION}; "
            "use the Drafthart of the same checkout"
        )
    return Lock(surfaces, api)


def _api_breaks(locked: Mapping[str, list[str]], now: Mapping[str, list[str]]) -> Iterator[Break]:
    for name, known in locked.items():
        if name not in now:
            yield Break("api-name-removed", "api", name, name, "-")
            continue
        theirs = now[name]
        is_class = name[:1].isupper()
        if is_class:
            for gone in [it for it in known if it not in theirs]:
                yield Break("api-attribute-removed", "api", f"{name}.{gone}", gone, "-")
        elif not _still_takes(known, theirs):
            yield Break("api-parameters-changed", "api", name, ", ".join(known), ", ".join(theirs))


def _still_takes(known: list[str], theirs: list[str]) -> bool:
    """Does a function with parameters `theirs` take every call that one with `known` took?"""
    before = [it for it in known if not it.startswith("*")]
    after = [it for it in theirs if not it.startswith("*")]
    for old, new in zip(before, after, strict=False):
        if old.rstrip("=") != new.rstrip("=") or (old.endswith("=") and not new.endswith("=")):
            return False
    named = {it.strip("*=") for it in theirs}
    if len(after) < len(before) or not {it.strip("*=") for it in known} <= named:
        return False
    had = {it.strip("*=") for it in known}
    optional = {it.strip("*=") for it in known if it.endswith("=")}
    return all(
        it.endswith("=") or it.startswith(("...", "***")) or it.strip("*=") in had - optional
        for it in theirs
    )


def _joined(lines: Iterator[str]) -> list[str]:
    listed = list(lines)
    return [*(f"{line}," for line in listed[:-1]), *listed[-1:]]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
