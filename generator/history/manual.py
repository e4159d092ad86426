"""The commits of the manual that touch H's chapters and that no revision records yet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from drafthart.generator.errors import DrafthartError
from drafthart.generator.history.clone import Clone
from drafthart.generator.history.markup import heading
from drafthart.generator.history.patch import FilePatch, patches
from drafthart.generator.history.terms import items_named
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.series import open_series

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_FORMAT = "%H%x00%ct%x00%cs%x00%an%x00%at%x00%s%x00"


@dataclass(frozen=True, slots=True)
class Start:
    """Where the list begins: behind commits and all that led to them, or on a day."""

    commits: tuple[str, ...]
    date: str
    shown: str


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of the manual; `copies` are the same one on other lines of its history."""

    hash: str
    date: str
    subject: str
    copies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Touch:
    """What a commit did to the chapters. `sections` are headings, the most changed first."""

    commit: Commit
    files: tuple[str, ...]
    sections: tuple[str, ...]
    items: tuple[str, ...]
    editorial: bool
    lines: tuple[int, int]
    """Lines removed and added."""


def start(clone: Clone, since: str | None, specs: Path | None = None) -> Start:
    """Where to begin: at `since`, or behind all that the specs record."""
    if since and _DATE.fullmatch(since):
        return Start((), since, since)
    if since:
        commit = clone.commit(since)
        if commit is None:
            remedy = "give the hash of a commit in it, or a date such as 2022-01-31"
            raise DrafthartError(f"--since {since}: no such commit in {clone.name}; {remedy}")
        return Start((commit,), "", commit[:8])
    recorded = _recorded(specs)
    there = {name: hash_ for name in recorded if (hash_ := clone.commit(name))}
    if not recorded:
        raise DrafthartError("the specs record no commit of the manual; use --since")
    if not there:  # a copy of the manual with another history
        day = max(recorded.values())
        return Start((), day, f"{day}, as {clone.name} has no commit that the specs record")
    # Of a change with several commits, all of one day here, the last is the newest.
    newest = max(reversed(there), key=lambda name: recorded[name])
    hashes = tuple(dict.fromkeys(there.values()))
    return Start(hashes, "", f"{newest[:8]} of {recorded[newest]}")


def _recorded(specs: Path | None) -> dict[str, str]:
    """The commits that the revisions name, with their days."""
    series = open_series(specs)
    found: dict[str, str] = {}
    for revision in map(series.revision, series.files):
        if revision.commit:
            found[revision.commit] = revision.date
        for change in revision.entries:
            found |= {it.text: change.date for it in change.node.entries["commit"].sequence}
    return found


def commits(clone: Clone, files: Iterable[str], begin: Start) -> list[Commit]:
    """The commits that touch the files, oldest first. Copies of one are one."""
    # Without --full-history git would pick one of two lines that agree in the end.
    log = ["log", "--full-history", "--no-merges", f"--format={_FORMAT}", clone.tip]
    unwanted = [f"^{commit}" for commit in begin.commits]
    texts = clone.run(*log, *unwanted, "--", *sorted(files)).split("\0")
    groups: dict[tuple[str, ...], list[tuple[int, str, str, str]]] = {}
    for at in range(0, len(texts) - 1, 6):
        hash_, second, date, *identity = texts[at : at + 6]
        if date >= begin.date:
            found = (int(second), hash_.strip(), date, identity[-1])
            groups.setdefault(tuple(identity), []).append(found)
    ordered = sorted(sorted(group) for group in groups.values())
    return [
        Commit(first[1], first[2], first[3], tuple(copy[1] for copy in copies))
        for first, *copies in ordered
    ]


def one_commit(clone: Clone, name: str, listed: Iterable[Commit]) -> Commit:
    """A commit by its hash, from the list if it is there."""
    hash_ = clone.commit(name)
    if hash_ is None:
        remedy = "give a hash from the list"
        raise DrafthartError(f"--skeleton {name}: no such commit in {clone.name}; {remedy}")
    for commit in listed:
        if hash_ in (commit.hash, *commit.copies):
            return commit
    texts = clone.run("log", "-1", f"--format={_FORMAT}", hash_).split("\0")
    return Commit(hash_, texts[2], texts[5])


def touch(clone: Clone, isa: ISA, commit: Commit, files: Iterable[str]) -> Touch:
    """What a commit did to the files, and the items of `isa` that its lines name."""
    found = patches(clone, commit.hash, files)
    sections = _sections(clone, commit.hash, found)
    text = "\n".join(patch.text for patch in found)
    return Touch(
        commit=commit,
        files=tuple(patch.path for patch in found),
        sections=sections,
        items=tuple(items_named(isa, text, "\n".join(sections))),
        editorial=all(patch.is_editorial for patch in found),
        lines=(sum(len(it.removed) for it in found), sum(len(it.added) for it in found)),
    )


def _sections(clone: Clone, commit: str, found: Sequence[FilePatch]) -> tuple[str, ...]:
    weights: dict[str, int] = {}
    for patch in found:
        if patch.gone or not patch.path.endswith((".tex", ".adoc")):
            continue
        text = clone.run("cat-file", "-p", f"{commit}:{patch.path}")
        for line, changed in patch.hunks:
            name = heading(text, line)
            if name:
                weights[name] = weights.get(name, 0) + changed
    return tuple(sorted(weights, key=lambda name: -weights[name]))
