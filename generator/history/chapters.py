"""The files of the manual that hold H's chapters, under all the names that they have had."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from drafthart.generator.errors import DrafthartError
from drafthart.generator.history.clone import Clone

# hypervisor.tex (2017), src/hypervisor.tex (to 2023), src/hypervisor.adoc (2023 to 2026),
# src/priv/hypervisor.adoc: the folder changes, the name stays. Other names are found as renames.
CHAPTERS = ("hypervisor",)
_KINDS = (".tex", ".adoc")
_INCLUDE = re.compile(r"^include::([^\s\[{]+\.(?:edn|adoc))\[", re.MULTILINE)


def chapter_files(clone: Clone, chapters: Sequence[str]) -> set[str]:
    """Paths of the chapters and of the figures in them, in any commit up to the clone's tip."""
    there = _paths(clone, "ls-tree", "-r", "-z", "--name-only", clone.tip)
    ever = there | _paths(
        clone, "log", "-z", "--no-renames", "--diff-filter=D", "--name-only", "--format=", clone.tip
    )
    found = {path for path in ever if _is_chapter(path, chapters)}
    if not found:
        listed = " and ".join(f"{name}.adoc or {name}.tex" for name in chapters)
        remedy = "name a clone of the riscv-isa-manual"
        raise DrafthartError(f"{clone.name}: has never had {listed}; {remedy}")
    for old, new in _renames(clone):
        # Oldest first, so that a chain of new names is followed; and back to what a file was.
        if old in found:
            found.add(new)
    for old, new in reversed(_renames(clone)):
        if new in found:
            found.add(old)
    return found | _figures(clone, found & there, ever)


def _is_chapter(path: str, chapters: Iterable[str]) -> bool:
    pure = PurePosixPath(path)
    return pure.suffix in _KINDS and pure.stem in chapters


def _paths(clone: Clone, *arguments: str) -> set[str]:
    return {path.lstrip("\n") for path in clone.run(*arguments).split("\0")} - {""}


def _renames(clone: Clone) -> list[tuple[str, str]]:
    """All renames of texts up to the tip, oldest first."""
    listed = clone.run(
        "log", "-z", "-M", "--reverse", "--diff-filter=R", "--name-status", "--format=", clone.tip
    ).split("\0")
    texts = [text.lstrip("\n") for text in listed]
    return [
        (texts[at + 1], texts[at + 2])
        for at, text in enumerate(texts)
        if re.fullmatch(r"R\d+", text) and PurePosixPath(texts[at + 1]).suffix in _KINDS
    ]


def _figures(clone: Clone, chapters: Iterable[str], ever: Iterable[str]) -> set[str]:
    """What the chapters of today include, wherever it lay before: found by its file's name."""
    names = {
        PurePosixPath(name).name
        for path in chapters
        for name in _INCLUDE.findall(clone.run("cat-file", "-p", f"{clone.tip}:{path}"))
    }
    return {path for path in ever if PurePosixPath(path).name in names}
