"""A folder of specs: its revisions, each a parent and a list of changes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.changes import ChangeEntry, apply_change
from drafthart.generator.spec.check_schema import SPECS, check_schema
from drafthart.generator.spec.items import Items
from drafthart.generator.spec.model import Place, Status
from drafthart.generator.spec.nearest import did_you_mean
from drafthart.generator.spec.spec_error import SpecError
from drafthart.generator.spec.yaml_file import Node, load_yaml, read_text

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
    path: Path
    place: Place


@dataclass(eq=False)
class Series:
    """The revisions below a folder. Files are read when they are needed."""

    specs: Path | None = None
    paths: dict[str, Path] = field(default_factory=dict, init=False)
    _loaded: dict[str, RevisionFile] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.folder = SPECS if self.specs is None else self.specs
        if not self.folder.is_dir():
            raise DrafthartError(f"{self.folder}: no such folder; name a folder of specs")
        for path in sorted(self.folder.glob("*/*.yaml")):
            if found := _HEADER.search(read_text(path, self.shown(path))):
                if first := self.paths.get(found.group(1)):
                    raise DrafthartError(
                        f"{self.shown(path)}: {found.group(1)} is also in {self.shown(first)}; "
                        "rename or remove one of them"
                    )
                self.paths[found.group(1)] = path

    def shown(self, path: Path) -> str:
        """A file's name for people: as they gave it, or for our own specs without the machine."""
        return (Path("specs") / path.relative_to(SPECS) if self.specs is None else path).as_posix()

    def revision(self, name: str, place: Place | None = None) -> RevisionFile:
        """A revision by its id; `place` is where it is named, if in a file."""
        if name not in self._loaded:
            if name not in self.paths:
                where = f"{place}: " if place else ""
                remedy = did_you_mean(name, self.paths)
                others = ", ".join(self.paths)
                listed = "" if others in remedy else f" There are: {others}."
                raise DrafthartError(f"{where}unknown revision {name!r}; {remedy}{listed}")
            self._loaded[name] = self._load(self.paths[name])
        return self._loaded[name]

    def _load(self, path: Path) -> RevisionFile:
        node = load_yaml(path, self.shown(path))
        check_schema(node, "revision")
        name = node.text_of("revision")
        changes, include, parent = (node.get(key) for key in ("changes", "include", "parent"))
        return RevisionFile(
            id=name,
            title=node.text_of("title"),
            status=Status(node.text_of("status")),
            date=node.text_of("date"),
            commit=node.text_of("commit"),
            parent=parent.text if parent else None,
            changes=tuple(ChangeEntry(it, name) for it in (changes.sequence if changes else ())),
            include=tuple(include.sequence if include else ()),
            path=path,
            place=parent.place if parent else node.entries["revision"].place,
        )

    def chain(self, name: str) -> list[RevisionFile]:
        """A revision and its ancestors, the root first."""
        chain = [self.revision(name)]
        while parent := chain[-1].parent:
            if any(revision.id == parent for revision in chain):
                raise SpecError(
                    chain[-1].place, f"{parent} descends from itself", "correct the parent"
                )
            chain.append(self.revision(parent, chain[-1].place))
        return chain[::-1]

    def changes(self, name: str) -> list[ChangeEntry]:
        """All changes from the root to a revision, oldest first."""
        changes = [change for revision in self.chain(name) for change in revision.changes]
        seen: dict[str, ChangeEntry] = {}
        for change in changes:
            if first := seen.setdefault(change.id, change):
                place = change.node.entries["id"].place
                if first is not change:
                    what = f"the change {change.id!r} is already at {first.node.place}"
                    raise SpecError(place, what, "give it another id")
        return changes

    def base(self, name: str) -> Items:
        """The items of a revision's root, before any change."""
        root = self.chain(name)[0]
        items = Items()
        for include in root.include:
            path = root.path.parent / include.text
            if not path.is_file():
                others = [it.name for it in root.path.parent.glob("*.yaml") if it != root.path]
                raise SpecError(
                    include.place, f"no file {include.text!r} here", did_you_mean(path.name, others)
                )
            node = load_yaml(path, self.shown(path))
            check_schema(node, "items")
            items.include(node)
        return items

    def extension(self, name: str) -> list[str]:
        """Ids of the revisions of an extension, in the order of their files."""
        return [name_ for name_ in self.paths if name_.partition("@")[0] == name]


@dataclass(frozen=True)
class Graph:
    """Which changes of a revision build on which earlier ones."""

    order: tuple[str, ...]
    needs: dict[str, frozenset[str]]

    def prerequisites(self, change: str) -> list[str]:
        """All that a change builds on, directly or not, oldest first."""
        found: set[str] = set()
        waiting = [change]
        while waiting:
            new = self.needs[waiting.pop()] - found
            found |= new
            waiting += new
        return [name for name in self.order if name in found]

    def dependents(self, change: str) -> list[str]:
        """All that builds on a change, directly or not, oldest first."""
        return [name for name in self.order if change in self.prerequisites(name)]


@lru_cache(maxsize=16)
def dependencies(series: Series, name: str) -> Graph:
    """The dependencies among the changes of a revision, from applying them all.

    A change builds on the newest earlier changes that touched the same item, on those that made
    what it names, and on those that it requires.
    """
    items = series.base(name)
    touched: dict[str, str] = {}
    created: dict[str, str] = {}
    needs: dict[str, frozenset[str]] = {}
    for change in series.changes(name):
        effects = apply_change(items, change)
        found = {touched[it] for it in effects.touched if it in touched}
        found |= {created[it] for it in effects.named if it in created}
        found |= _required(change, needs)
        needs[change.id] = frozenset(found - {change.id})
        touched |= dict.fromkeys(effects.touched, change.id)
        created |= dict.fromkeys(effects.created, change.id)
    return Graph(tuple(needs), needs)


def _required(change: ChangeEntry, earlier: dict[str, frozenset[str]]) -> set[str]:
    requires = change.node.get("requires")
    for node in requires.sequence if requires else ():
        if node.text not in earlier:
            raise SpecError(
                node.place, f"no earlier change {node.text!r}", did_you_mean(node.text, earlier)
            )
    return set(change.requires)
