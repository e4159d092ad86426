"""Who speaks of an item: the rules that name it, the operations that use it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from drafthart.generator.diff.items import Item, items
from drafthart.generator.spec.model import (
    CSR,
    ISA,
    Cause,
    Field,
    Function,
    Instruction,
    Rule,
    Source,
)

_WORD = re.compile(r"[A-Za-z_]\w*")
_CALL = re.compile(r"([A-Za-z_]\w*)\(")
_FIELD = re.compile(r"([A-Za-z_]\w*)(?:\[[^\]]*\])?\.([A-Za-z_]\w*)")


def rules_naming(isa: ISA, id_: str) -> list[Rule]:
    """The rules that name the item, or a field of it, as what implements them."""
    return [
        rule
        for rule in isa.rules.values()
        if any(
            name == id_ or (id_.startswith("csr:") and name.startswith(f"{id_}."))
            for name in rule.by
        )
    ]


def calls(isa: ISA, item: Item) -> list[str]:
    """The functions that the item's own operations call, in their order."""
    text = "\n".join(_texts(item))
    return [name for name in dict.fromkeys(_CALL.findall(text)) if name in isa.functions]


def legality_rules(isa: ISA, instruction: Instruction) -> list[Rule]:
    """The rules of the checks that an instruction calls: where it may be executed.

    A check returns nothing: what it has to say is an exception.
    """
    checks = [name for name in calls(isa, instruction) if isa.functions[name].returns is None]
    found = [rule for name in checks for rule in rules_naming(isa, f"fn:{name}")]
    return list({rule.id: rule for rule in found}.values())


def users(isa: ISA, id_: str, item: Item) -> list[str]:
    """The ids of the items whose operations name this one; a CSR's own fields not among them.

    Of a cause, also those that call what does nothing but raise it.
    """
    if isinstance(item, (Instruction, Rule)):
        return []
    name = item.constant if isinstance(item, Cause) else id_.partition(":")[2]
    found: dict[str, None] = {}
    for other, user in items(isa).items():
        if other == id_ or other.startswith(f"{id_}.") or not _names(user, name, item):
            continue
        found[other] = None
        if isinstance(item, Cause) and isinstance(user, Function) and user.ends:
            found |= dict.fromkeys(users(isa, other, user))
    return list(found)


def _names(user: Item, name: str, item: Item) -> bool:
    text = "\n".join(_texts(user))
    if isinstance(item, Field):
        csr, _, field = name.partition(".")
        return (csr, field) in _FIELD.findall(text)
    if isinstance(item, Function):
        return name in _CALL.findall(text)
    if isinstance(item, CSR) and item.array:
        name = item.array
    return name in _WORD.findall(text)


def _texts(item: Item) -> Iterator[str]:
    """The texts of an item in the operation language, without comments."""
    for aspect in ("operation", "read", "write", "access"):
        source = getattr(item, aspect, None)
        if isinstance(source, Source):
            yield re.sub("#.*", "", source.text)
