"""The items of a revision as plain nodes: what changes work on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from drafthart.generator.spec.item_path import PREFIXES, ItemPath, item_id
from drafthart.generator.spec.spec_error import SpecError
from drafthart.generator.spec.yaml_file import Node


@dataclass
class Items:
    """Items by section and name, and the extension that first added each id (none: the base)."""

    sections: dict[str, dict[str, Node]] = field(
        default_factory=lambda: {section: {} for section in PREFIXES}
    )
    origins: dict[str, str] = field(default_factory=dict)

    def include(self, file: Node) -> None:
        """Put in the items of a file of the base."""
        for section, items in file.entries.items():
            for name, node in items.entries.items():
                if first := self.sections[section].get(name):
                    what = f"{item_id(section, name)} is already defined at {first.key}"
                    raise SpecError(node.key, what, "remove one of them")
                self.sections[section][name] = node

    def get(self, path: ItemPath) -> Node | None:
        """The node of an item, field or attribute."""
        node = self.sections[path.section].get(path.name)
        if node and path.field:
            fields = node.get("fields")
            node = fields.get(path.field) if fields else None
        return node.get(path.attribute) if node and path.attribute else node

    def put(self, path: ItemPath, value: Node | None) -> None:
        """Set an item, field or attribute, or take it out (None)."""
        items = self.sections[path.section]
        if path.field:
            csr = items[path.name]
            fields = csr.get("fields") or Node({}, csr.place, csr.key)
            if path.attribute:
                value = _changed(fields.entries[path.field], path.attribute, value)
            items[path.name] = csr.having(fields=_changed(fields, path.field, value))
        elif path.attribute:
            items[path.name] = _changed(items[path.name], path.attribute, value)
        elif value is None:
            del items[path.name]
        else:
            items[path.name] = value

    def origin(self, section: str, name: str, field: str = "") -> str:
        """The extension that first added an item or field; none if the base has it."""
        return self.origins.get(item_id(section, name, field), "")

    def ids(self) -> Iterator[str]:
        """Every id that there is, fields included."""
        for section, items in self.sections.items():
            for name, node in items.items():
                yield item_id(section, name)
                for field_name in field_names(node) if section == "csrs" else ():
                    yield item_id(section, name, field_name)


def field_names(csr: Node) -> dict[str, Node]:
    """A CSR's own field names, those of its view included."""
    view, fields = csr.get("view"), csr.get("fields")
    names: dict[str, Node] = {}
    if view and (shown := view.get("fields")):
        names = dict(shown.entries) or {node.text: node for node in shown.sequence}
    return names | (fields.entries if fields else {})


def _changed(node: Node, name: str, value: Node | None) -> Node:
    if value is not None:
        return node.having(**{name: value})
    rest = {key: entry for key, entry in node.entries.items() if key != name}
    return Node(rest, node.place, node.key)
