"""Changes, and what applying one does to the items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from drafthart.generator.spec.item_path import ItemPath, item_id, parse_path
from drafthart.generator.spec.items import Items, field_names
from drafthart.generator.spec.model import Change, Place
from drafthart.generator.spec.nearest import did_you_mean
from drafthart.generator.spec.references import names_in
from drafthart.generator.spec.rename import rewrite_uses
from drafthart.generator.spec.spec_error import SpecError
from drafthart.generator.spec.yaml_file import Node

# Sections whose items are called by their bare name in operations.
_NAMED_IN_CODE = ("constants", "parameters", "state", "csrs", "functions")


@dataclass(frozen=True, eq=False)
class ChangeEntry:
    """A change as a revision file lists it."""

    node: Node
    revision: str
    included: tuple[Node, ...] = ()
    """The item files that it includes."""

    @property
    def id(self) -> str:
        """Unique in the series."""
        return self.node.text_of("id")

    @property
    def date(self) -> str:
        """The day it was made, as text."""
        return self.node.text_of("date")

    @property
    def requires(self) -> tuple[str, ...]:
        """Ids of the changes it says it builds on."""
        return _texts(self.node, "requires")

    @property
    def extension(self) -> str:
        """The extension it belongs to, such as h."""
        return self.revision.partition("@")[0]

    def resolved(self, effects: Effects) -> Change:
        """The change with the ids that it touches and renames."""
        return Change(
            id=self.id,
            commits=_texts(self.node, "commit"),
            date=self.date,
            section=self.node.text_of("section"),
            breaks=_texts(self.node, "breaks"),
            requires=self.requires,
            summary=" ".join(self.node.text_of("summary").split()),
            items=tuple(effects.touched),
            renames=tuple(effects.renames),
            revision=self.revision,
            place=self.node.place,
        )


@dataclass
class Effects:
    """What a change did: ids that it touched and created, ids and names that it relies on."""

    touched: dict[str, None] = field(default_factory=dict)
    created: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)
    renames: list[tuple[str, str]] = field(default_factory=list)


def apply_change(items: Items, change: ChangeEntry) -> Effects:
    """Apply a change to the items, in place."""
    effects = Effects()
    for text, node in _entries(change, "rename"):
        _rename(items, parse_path(text, node.key, items.sections), node, effects)
    for node in (change.node.get("remove") or _NOTHING).sequence:
        path = parse_path(node.text, node.place, items.sections)
        _require(items, path, node)
        _touch(items, path, effects)
        items.put(path, None)
        _forget(items, path)
    _include(items, change, effects)
    for text, node in _entries(change, "replace"):
        path = parse_path(text, node.key, items.sections)
        _require(items, path, node)
        _set(items, path, node, change.extension, effects)
    for text, node in _entries(change, "add"):
        path = parse_path(text, node.key, items.sections)
        if there := items.get(path):
            raise SpecError(
                node.key, f"{path} exists already, at {there.key}", "use replace, or remove it"
            )
        if path.field or path.attribute:
            _require(items, ItemPath(path.section, path.name, path.attribute and path.field), node)
        _set(items, path, node, change.extension, effects)
    return effects


def _include(items: Items, change: ChangeEntry, effects: Effects) -> None:
    """Add the items of the change's own files, or put them in place of those that there are."""
    seen: dict[str, Node] = {}
    for file in change.included:
        for section, named in file.entries.items():
            for name, node in named.entries.items():
                path = ItemPath(section, name)
                first = seen.setdefault(path.id, node)
                if first is not node:
                    what = f"{path.id} is already defined at {first.key}"
                    raise SpecError(node.key, what, "remove one of them")
                _set(items, path, node, change.extension, effects)


_NOWHERE = Place("", 0, 0)
_NOTHING = Node([], _NOWHERE, _NOWHERE)


def _entries(change: ChangeEntry, kind: str) -> Iterable[tuple[str, Node]]:
    return (change.node.get(kind) or _NOTHING).entries.items()


def _rename(items: Items, path: ItemPath, new: Node, effects: Effects) -> None:
    if path.attribute:
        raise SpecError(new.key, f"{path} is an attribute", "rename items and fields only")
    _require(items, path, new)
    name = new.text
    target = ItemPath(path.section, path.name if path.field else name, path.field and name)
    if items.get(target):
        raise SpecError(
            new.place, f"{target} exists already", "choose another name, or remove it first"
        )
    _touch(items, path, effects)
    effects.renames.append((path.id, target.id))
    rewrite_uses(items, path, name)
    _move(items, path, target)
    for old in [key for key in items.origins if key == path.id or _within(key, path)]:
        items.origins[target.id + old.removeprefix(path.id)] = items.origins.pop(old)
    _touch(items, target, effects)
    _create(items, target, effects)


def _move(items: Items, path: ItemPath, target: ItemPath) -> None:
    """Give an item its new name; it keeps its rank in the order."""
    section = items.sections[path.section]
    if not path.field:
        renamed = {target.name if key == path.name else key: node for key, node in section.items()}
        items.sections[path.section] = renamed
        return
    csr = section[path.name]
    fields = csr.entries["fields"]
    kept = {target.field if key == path.field else key: it for key, it in fields.entries.items()}
    section[path.name] = csr.having(fields=Node(kept, fields.place, fields.key))


def _require(items: Items, path: ItemPath, node: Node) -> None:
    """Complain if there is no such item, with the nearest that there is."""
    if items.get(path):
        return
    where = node.key
    named = items.sections[path.section]
    if path.name not in named:
        what = f"there is no {item_id(path.section, path.name)}"
        raise SpecError(where, what, did_you_mean(path.name, named))
    csr = named[path.name]
    if path.field and not items.get(ItemPath(path.section, path.name, path.field)):
        known = csr.entries["fields"].entries if "fields" in csr.entries else {}
        raise SpecError(
            where, f"{path.name} has no field {path.field!r}", did_you_mean(path.field, known)
        )
    raise SpecError(where, f"{path} is not set", "use add")


def _set(items: Items, path: ItemPath, value: Node, extension: str, effects: Effects) -> None:
    before = _ids(items, path)
    items.put(path, value)
    after = _ids(items, path)
    effects.touched |= before | after
    for gone in before.keys() - after.keys():
        items.origins.pop(gone, None)
    items.origins |= dict.fromkeys(after.keys() - before.keys(), extension)
    effects.named.update(names_in(value, path.attribute))
    if path.field or path.attribute:
        effects.named.add(item_id(path.section, path.name))
    if path.field and path.attribute:
        effects.named.add(path.id)
    if not path.attribute or path.attribute == "constant":
        _create(items, path, effects)


def _touch(items: Items, path: ItemPath, effects: Effects) -> None:
    effects.touched |= _ids(items, path)


def _create(items: Items, path: ItemPath, effects: Effects) -> None:
    effects.created.update(_ids(items, path))
    node = items.get(ItemPath(path.section, path.name))
    if path.section in _NAMED_IN_CODE and not path.field:
        effects.created.add(f"name:{path.name}")
    if path.section in ("causes", "interrupts") and node:
        effects.created.add(f"name:{node.text_of('constant')}")


def _ids(items: Items, path: ItemPath) -> dict[str, None]:
    """The id at a path, if there is something; with a whole CSR, those of its fields."""
    node = items.get(path)
    ids = {path.id: None} if node else {}
    if node and path.section == "csrs" and not path.field and not path.attribute:
        ids |= dict.fromkeys(item_id("csrs", path.name, name) for name in field_names(node))
    return ids


def _forget(items: Items, path: ItemPath) -> None:
    """Drop what is known of the origin of a removed item."""
    if not path.attribute:
        for key in [key for key in items.origins if key == path.id or _within(key, path)]:
            del items.origins[key]


def _within(key: str, path: ItemPath) -> bool:
    """Is this the id of a field of the CSR at `path`?"""
    return path.section == "csrs" and not path.field and key.startswith(f"{path.id}.")


def _texts(node: Node, name: str) -> tuple[str, ...]:
    entry = node.get(name)
    return tuple(item.text for item in entry.sequence) if entry else ()
