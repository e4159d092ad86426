"""Names of items: paths in changes (`csrs.hstatus.fields.VTW.bits`) and ids (`csr:hstatus.VTW`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drafthart.generator.spec.check_schema import attributes
from drafthart.generator.spec.model import Place
from drafthart.generator.spec.nearest import did_you_mean
from drafthart.generator.spec.spec_error import SpecError
from drafthart.generator.spec.yaml_file import Node

# Section → prefix of its items' ids.
PREFIXES = {
    "constants": "const",
    "parameters": "param",
    "state": "state",
    "operands": "operand",
    "instructions": "insn",
    "pseudoinstructions": "pseudo",
    "csrs": "csr",
    "causes": "cause",
    "interrupts": "interrupt",
    "functions": "fn",
    "rules": "rule",
}

# Section → definition in items.schema.json.
DEFINITIONS = {section: section.removesuffix("s") for section in PREFIXES} | {"interrupts": "cause"}

# The names of these items may hold dots.
_DOTTED = ("instructions", "pseudoinstructions", "rules")


@dataclass(frozen=True, slots=True)
class ItemPath:
    """An item, a field of a CSR, or (with `attribute`) one attribute of either."""

    section: str
    name: str
    field: str = ""
    attribute: str = ""

    @property
    def id(self) -> str:
        """The id of the item or field."""
        return item_id(self.section, self.name, self.field)

    @property
    def definition(self) -> str:
        """The schema's definition of the item or field."""
        return "field" if self.field else DEFINITIONS[self.section]

    def __str__(self) -> str:
        parts = [self.section, self.name]
        parts += ["fields", self.field] if self.field else []
        return ".".join([*parts, self.attribute] if self.attribute else parts)


def item_id(section: str, name: str, field: str = "") -> str:
    """The id of an item or of a CSR's field."""
    return f"{PREFIXES[section]}:{name}" + (f".{field}" if field else "")


def parse_path(text: str, place: Place, sections: Mapping[str, Mapping[str, Node]]) -> ItemPath:
    """What a path names among the items that there are; new names are taken as items."""
    section, _, rest = text.partition(".")
    if section not in PREFIXES or not rest:
        raise SpecError(place, f"{text!r} is no path of an item", did_you_mean(section, PREFIXES))
    if section == "csrs":
        return _csr_path(text, rest, place)
    known = attributes(DEFINITIONS[section])
    head, _, last = rest.rpartition(".")
    if section in _DOTTED and (rest in sections[section] or last not in known):
        return ItemPath(section, rest)
    if not head or (section in _DOTTED and head not in sections[section]):
        return ItemPath(section, rest)
    if "." in head and section not in _DOTTED:
        raise SpecError(
            place, f"{text!r} goes too deep", f"name {section}.item or {section}.item.attribute"
        )
    if last not in known:
        raise SpecError(place, f"{last!r} is no attribute of {section}", did_you_mean(last, known))
    return ItemPath(section, head, attribute=last)


def _csr_path(text: str, rest: str, place: Place) -> ItemPath:
    match rest.split("."):
        case [name]:
            return ItemPath("csrs", name)
        case [name, attribute] if attribute != "fields":
            path = ItemPath("csrs", name, attribute=attribute)
        case [name, "fields", field]:
            return ItemPath("csrs", name, field)
        case [name, "fields", field, attribute]:
            path = ItemPath("csrs", name, field, attribute)
        case _:
            raise SpecError(
                place, f"cannot read the path {text!r}", "write csrs.NAME.fields.FIELD.attribute"
            )
    known = attributes(path.definition)
    if path.attribute not in known:
        raise SpecError(
            place, f"{path.attribute!r} is no attribute here", did_you_mean(path.attribute, known)
        )
    return path
