"""The amendments of 1.0 against the manual's history, with a clone in DRAFTHART_MANUAL."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from drafthart.generator.history import manual
from drafthart.generator.history.chapters import CHAPTERS, chapter_files
from drafthart.generator.history.clone import Clone, open_clone
from drafthart.generator.spec.resolve import resolve, revisions
from drafthart.generator.spec.series import open_series

pytestmark = pytest.mark.skipif(
    "DRAFTHART_MANUAL" not in os.environ, reason="DRAFTHART_MANUAL names no clone"
)
NEWEST = "532f2c9d"


@pytest.fixture(scope="module")
def clone() -> Iterator[Clone]:
    with open_clone(Path(os.environ["DRAFTHART_MANUAL"])) as opened:
        yield opened


@pytest.fixture(scope="module")
def amendments() -> dict[str, str]:
    """The commits that amendments name, in full where the clone has them, and their amendments."""
    isa = resolve(next(it.amended for it in revisions() if it.id == "h@1.0") or "")
    known = {it.id for it in open_series().revision("h@1.0").amendments}
    return {commit: it.id for it in isa.changes if it.id in known for commit in it.commits}


def test_every_commit_since_ratification_is_in_an_amendment(
    clone: Clone, amendments: dict[str, str]
) -> None:
    files = chapter_files(clone, CHAPTERS)
    later = {it.hash for it in manual.commits(clone, files, manual.start(clone, NEWEST))}
    before = resolve("h@1.0")
    hashes = [commit for it in before.changes for commit in it.commits]
    ratified = manual.Start(tuple(filter(None, map(clone.commit, hashes))), "", before.commit)
    since = [it for it in manual.commits(clone, files, ratified) if it.hash not in later]
    left = [
        f"{it.hash[:8]} {it.subject}"
        for it in since
        if not {hash_[:8] for hash_ in (it.hash, *it.copies)} & {*amendments}
    ]
    assert left == []
    assert len(since) == 189


def test_track_lists_nothing_but_what_came_later(clone: Clone) -> None:
    listed = manual.commits(clone, chapter_files(clone, CHAPTERS), manual.start(clone, None))
    newest = clone.commit(NEWEST)
    assert newest
    assert newest not in {it.hash for it in listed}
    assert all(it.date >= "2026-08-21" for it in listed)


def test_amendments_name_commits_of_their_days(clone: Clone, amendments: dict[str, str]) -> None:
    """An amendment has the day of one of its commits."""
    dates = {it.id: it.date for it in open_series().revision("h@1.0").amendments}
    days: dict[str, set[str]] = {}
    for commit, amendment in amendments.items():
        full = clone.commit(commit)
        assert full, commit
        days.setdefault(amendment, set()).add(clone.run("log", "-1", "--format=%cs", full).strip())
    assert {it: day for it, day in dates.items() if day not in days[it]} == {}
