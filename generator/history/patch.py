"""What a commit did to some files: the lines that went and the lines that came."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from drafthart.generator.history.clone import Clone
from drafthart.generator.history.markup import words

_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_LINK = re.compile(r"^(?:index .* |(?:new|deleted|old) (?:file )?mode )120000$")


@dataclass
class FilePatch:
    """The changed lines of one file. `hunks` are pairs (first line in the new file, changed lines).

    `path` is the new one, or the old one of a file that is gone.
    """

    path: str
    gone: bool = False
    removed: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    hunks: list[tuple[int, int]] = field(default_factory=list)

    @property
    def is_editorial(self) -> bool:
        """Does a reader see the same words as before?"""
        return words("\n".join(self.removed)) == words("\n".join(self.added))

    @property
    def text(self) -> str:
        """All changed lines."""
        return "\n".join([*self.removed, *self.added])


def patches(clone: Clone, commit: str, files: Iterable[str]) -> list[FilePatch]:
    """What a commit did to those of the files that it touched; links to files are left out."""
    printed = clone.run(
        "diff-tree", "-r", "-p", "-M", "-U0", "--root", "--no-commit-id", "--no-color",
        "--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/", commit, "--",
        *sorted(files),
    )  # fmt: skip
    return parse(printed)


def parse(printed: str) -> list[FilePatch]:
    """A patch as git prints it without context."""
    found: list[FilePatch] = []
    lines = iter(printed.split("\n"))
    link = False
    for line in lines:
        if line.startswith("diff --git "):
            found.append(FilePatch(line.rpartition(" b/")[2]))
            link = False
        elif found and not link and _LINK.match(line):
            found.pop()
            link = True
        elif line.startswith("deleted file") and found:
            found[-1].gone = True
        elif hunk := _HUNK.match(line):
            went, first, came = (1 if it is None else int(it) for it in hunk.groups())
            # Counted, since a line that begins with -- looks like the head of a file.
            taken = [next(lines, "") for _ in range(went + came)]
            if link or not found:
                continue
            found[-1].removed += [it[1:] for it in taken if it.startswith("-")]
            found[-1].added += [it[1:] for it in taken if it.startswith("+")]
            found[-1].hunks.append((first, went + came))
            # "\ No newline at end of file" is not counted, and is passed over by the loop.
    return found
