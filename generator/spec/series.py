"""A folder of specs: its revisions, each a parent or a base and a list of changes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.changes import ChangeEntry
from drafthart.generator.spec.check_schema import check_schema
from drafthart.generator.spec.items import Items
from drafthart.generator.spec.model import Place, Status
from drafthart.generator.spec.nearest import did_you_mean
from drafthart.generator.spec.spec_error import SpecError
from drafthart.generator.spec.texts import spec_texts
from drafthart.generator.spec.yaml_file import Node, parse_yaml

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
    base: Node | None
    """The expression of what it stands on, if it names that itself."""
    changes: tuple[ChangeEntry, ...]
    amendments: tuple[ChangeEntry, ...]
    """Changes made to the text after it was settled; no part of it, but of its later dates."""
    include: tuple[Node, ...]
    """The item files of a root."""
    place: Place
    """Where it names its parent, or else itself."""

    @property
    def entries(self) -> tuple[ChangeEntry, ...]:
        """All changes that its file lists."""
        return (*self.changes, *self.amendments)


def open_series(specs: Path | None = None) -> Series:
    """The series below a folder, or Drafthart's own; the same object while no file changes."""
    return _series(spec_texts(specs))


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
        parent = node.get("parent")

        def entries(key: str) -> tuple[ChangeEntry, ...]:
            listed = node.get(key)
            nodes = listed.sequence if listed else ()
            return tuple(ChangeEntry(it, name, self._included(it, file)) for it in nodes)

        return RevisionFile(
            id=name,
            title=node.text_of("title"),
            status=Status(node.text_of("status")),
            date=node.text_of("date"),
            commit=node.text_of("commit"),
            parent=parent.text if parent else None,
            base=node.get("base"),
            changes=entries("changes"),
            amendments=entries("amendments"),
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
        """A revision and its ancestors, the first of its extension first."""
        chain = [self.revision(name)]
        while parent := chain[-1].parent:
            place = chain[-1].place
            if any(revision.id == parent for revision in chain):
                raise SpecError(place, f"{parent} descends from itself", "correct the parent")
            chain.append(self.revision(parent, place))
            if extension_of(parent) != extension_of(name):
                what = f"the parent {parent} is not of the extension {extension_of(name)}"
                raise SpecError(place, what, f"write base: {parent}")
        return chain[::-1]

    def changes(self, name: str, amended: bool = False) -> list[ChangeEntry]:
        """All changes of its extension up to a revision, oldest first; its base's are not there.

        `amended` adds the revision's own amendments. Those of its ancestors are no part of it.
        """
        chain = self.chain(name)
        changes = [change for revision in chain for change in revision.changes]
        amendments = chain[-1].amendments
        seen: dict[str, ChangeEntry] = {}
        for change in (*changes, *amendments):
            first = seen.setdefault(change.id, change)
            if first is not change:
                what = f"the change {change.id!r} is already at {first.node.place}"
                raise SpecError(change.node.entries["id"].place, what, "give it another id")
        return [*changes, *amendments] if amended else changes

    def base(self, name: str) -> Node | None:
        """The expression that a revision, or its nearest ancestor that does, names as its base."""
        bases = [revision.base for revision in self.chain(name) if revision.base]
        return bases[-1] if bases else None

    def root(self, name: str) -> Items:
        """The items of a root, for a revision without a base; a copy of its own to change."""
        items = Items()
        for file in self.chain(name)[0].include:
            items.include(file)
        return items

    def extension(self, name: str) -> list[str]:
        """Ids of the revisions of an extension, in the order of their files."""
        return [revision for revision in self.files if extension_of(revision) == name]


def extension_of(revision: str) -> str:
    """The extension in a revision's id: h of h@1.0."""
    return revision.partition("@")[0]
