"""Every item of a resolved ISA under its stable id, and how to find one by what people type."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import TypeAlias

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import (
    CSR,
    ISA,
    Cause,
    Change,
    Constant,
    Field,
    Function,
    Instruction,
    Operand,
    Parameter,
    Pseudoinstruction,
    Rule,
    State,
)

Item: TypeAlias = (
    Constant
    | Parameter
    | State
    | Operand
    | Instruction
    | Pseudoinstruction
    | CSR
    | Field
    | Cause
    | Function
    | Rule
)

PREFIXES = (
    "insn", "pseudo", "csr", "cause", "interrupt", "fn", "rule", "param", "state", "operand",
    "const",
)  # fmt: skip
"""The kinds of items, in the order of reports."""


def items(isa: ISA) -> dict[str, Item]:
    """All items by id, in the order of reports; the fields of a CSR follow it."""
    found: dict[str, Item] = {}
    for name, instruction in isa.instructions.items():
        found[f"insn:{name}"] = instruction
    for name, pseudo in isa.pseudoinstructions.items():
        found[f"pseudo:{name}"] = pseudo
    for name, csr in isa.csrs.items():
        found[f"csr:{name}"] = csr
        for field in csr.fields.values():
            found[f"csr:{name}.{field.name}"] = field
    for code, cause in isa.causes.items():
        found[f"cause:{code}"] = cause
    for code, interrupt in isa.interrupts.items():
        found[f"interrupt:{code}"] = interrupt
    for prefix, section in (
        ("fn", isa.functions),
        ("rule", isa.rules),
        ("param", isa.parameters),
        ("state", isa.state),
        ("operand", isa.operands),
        ("const", isa.constants),
    ):
        found.update((f"{prefix}:{name}", item) for name, item in section.items())
    return found


def touching(isa: ISA, id_: str) -> list[Change]:
    """The changes of the revision that touch the item or a field of it, oldest first."""

    def touches(item: str) -> bool:
        return item == id_ or (id_.startswith("csr:") and item.startswith(f"{id_}."))

    return [change for change in isa.changes if any(map(touches, change.items))]


def find(isa: ISA, name: str) -> tuple[str, Item]:
    """The item with this id or bare name, and its id.

    Causes and interrupts also answer to the name that operations give them. Raises
    `DrafthartError` where nothing or more than one item has the name.
    """
    known = items(isa)
    if name in known:
        return name, known[name]
    names = _names(known)
    matches = names.get(name) or names.get(name.lower()) or names.get(name.upper()) or []
    if len(matches) == 1:
        return matches[0], known[matches[0]]
    if matches:
        raise DrafthartError(
            f"{isa.id} has {len(matches)} items named {name}; give one id: {', '.join(matches)}"
        )
    close = get_close_matches(name, [*known, *names], n=3)
    advice = f"did you mean {', '.join(close)}?" if close else f"see drafthart show {isa.id}"
    raise DrafthartError(f"{isa.id} has no item {name}; {advice}")


def _names(known: dict[str, Item]) -> dict[str, list[str]]:
    """Bare names, and the ids that have them."""
    names: dict[str, list[str]] = {}
    for id_, item in known.items():
        names.setdefault(id_.partition(":")[2], []).append(id_)
        if isinstance(item, Cause):
            names.setdefault(item.constant, []).append(id_)
    return names


def operations_of(item: object) -> Iterator[str]:
    """The operations of an item and of its fields."""
    for name in ("operation", "read", "write", "access"):
        source = getattr(item, name, None)
        if source is not None:
            yield source.text
    for field in getattr(item, "fields", {}).values():
        if not isinstance(field, str):
            yield from operations_of(field)
