"""A folder of specs: its revisions, each a parent and a list of changes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.changes import ChangeEntry
from drafthart.generator.spec.check_schema import SPECS, check_schema
from drafthart.generator.spec.items import Items
from drafthart.generator.spec.model import Place, Status
from drafthart.generator.spec.nearest import did_you_mean
from drafthart.generator.spec.spec_error import SpecError
from drafthart.generator.spec.yaml_file import Node, parse_yaml, read_text

OVERLAYS = "overlays"
"""The folder of specs in which overlays lie: changes on a revision, but no revisions."""

_HEADER = re.compile(r"^revision:[ \t]*[\"']?([^\s\"'#]+)", re.MULTILINE)


@dataclass(frozen=True, eq=False)
class RevisionFile:
    """A revision as its file states it."""

    id: str
    title: str
    status: Status
    date: str
    commit: str
    parent: str | None
    changes: tuple[ChangeEntry, ...]
    include: tuple[Node, ...]
    """The item files of a root."""
    place: Place
    """Where it names its parent, or a root itself."""


def open_series(specs: Path | None = None) -> Series:
    """The series below a folder, or Drafthart's own; the same object while no file changes."""
    folder = SPECS if specs is None else specs
    if not folder.is_dir():
        raise DrafthartError(f"{folder}: no such folder; name a folder of specs")
    # People see files as they named the folder, and our own without the machine's folders.
    shown = Path("specs") if specs is None else specs
    inside = {it.relative_to(folder): it for it in folder.rglob("*.yaml")}
    names = {(shown / at).as_posix(): it for at, it in inside.items() if at.parts[0] != OVERLAYS}
    return _series(tuple((name, read_text(names[name], name)) for name in sorted(names)))


@lru_cache(maxsize=4)
def _series(texts: tuple[tuple[str, str], ...]) -> Series:
    return Series(dict(texts))


@dataclass(eq=False)
class Series:
    """The revisions in some files, given as texts by name. A file is parsed when it is needed."""

    texts: dict[str, str]
    files: dict[str, str] = field(default_factory=dict, init=False)
    """Revision → name of its file."""
    _loaded: dict[str, RevisionFile] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        for name, text in self.texts.items():
            if found := _HEADER.search(text):
                first = self.files.setdefault(found.group(1), name)
                if first != name:
                    what = f"{name}: {found.group(1)} is also in {first}"
                    raise DrafthartError(f"{what}; rename or remove one of them")

    def revision(self, name: str, place: Place | None = None) -> RevisionFile:
        """A revision by its id; `place` is where it is named, if in a file."""
        if name not in self._loaded:
            if name not in self.files:
                where = f"{place}: " if place else ""
                remedy = did_you_mean(name, self.files)
                listed = "" if remedy.startswith("there") else f" Known: {', '.join(self.files)}."
                raise DrafthartError(f"{where}unknown revision {name!r}; {remedy}{listed}")
            self._loaded[name] = self._load(self.files[name])
        return self._loaded[name]

    def _load(self, file: str) -> RevisionFile:
        node = parse_yaml(self.texts[file], file)
        check_schema(node, "revision")
        name = node.text_of("revision")
        changes, parent = node.get("changes"), node.get("parent")
        return RevisionFile(
            id=name,
            title=node.text_of("title"),
            status=Status(node.text_of("status")),
            date=node.text_of("date"),
            commit=node.text_of("commit"),
            parent=parent.text if parent else None,
            changes=tuple(
                ChangeEntry(it, name, self._included(it, file))
                for it in (changes.sequence if changes else ())
            ),
            include=self._included(node, file),
            place=parent.place if parent else node.entries["revision"].place,
        )

    def _included(self, node: Node, file: str) -> tuple[Node, ...]:
        """The item files that a root or a change includes."""
        folder = PurePosixPath(file).parent
        items: list[Node] = []
        for include in (node.get("include") or Node([], node.place, node.key)).sequence:
            name = (folder / include.text).as_posix()
            if name not in self.texts:
                others = set(self.texts) - set(self.files.values())
                near = [it for it in map(PurePosixPath, others) if it.is_relative_to(folder)]
                known = sorted(it.relative_to(folder).as_posix() for it in near)
                what = f"no file {include.text!r} here"
                raise SpecError(include.place, what, did_you_mean(include.text, known))
            items.append(parse_yaml(self.texts[name], name))
            check_schema(items[-1], "items")
        return tuple(items)

    def chain(self, name: str) -> list[RevisionFile]:
        """A revision and its ancestors, the root first."""
        chain = [self.revision(name)]
        while parent := chain[-1].parent:
            place = chain[-1].place
            if any(revision.id == parent for revision in chain):
                raise SpecError(place, f"{parent} descends from itself", "correct the parent")
            chain.append(self.revision(parent, place))
        return chain[::-1]

    def changes(self, name: str) -> list[ChangeEntry]:
        """All changes from the root to a revision, oldest first."""
        changes = [change for revision in self.chain(name) for change in revision.changes]
        seen: dict[str, ChangeEntry] = {}
        for change in changes:
            first = seen.setdefault(change.id, change)
            if first is not change:
                what = f"the change {change.id!r} is already at {first.node.place}"
                raise SpecError(change.node.entries["id"].place, what, "give it another id")
        return changes

    def base(self, name: str) -> Items:
        """The items of a revision's root, before any change; a copy of its own to change."""
        items = Items()
        for file in self.chain(name)[0].include:
            items.include(file)
        return items

    def extension(self, name: str) -> list[str]:
        """Ids of the revisions of an extension, in the order of their files."""
        return [revision for revision in self.files if revision.partition("@")[0] == name]
