"""A resolved revision as JSON, for tools that read no YAML and resolve no changes."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from drafthart.generator.diff.aspects import aspects
from drafthart.generator.diff.items import Item, items, touching
from drafthart.generator.spec.model import (
    CSR,
    ISA,
    Constant,
    Field,
    Instruction,
    Parameter,
    Rule,
    State,
    Status,
)


def emit_json(isa: ISA) -> str:
    """All items by id: the same bytes for the same ISA."""
    content = {
        "generated": f"from {isa.id} ({isa.status}) by Drafthart, do not edit",
        "revision": isa.id,
        "base": isa.base,
        "status": str(isa.status),
        "unstable": isa.status is not Status.RATIFIED,
        "stability": {"revision": isa.id, "status": str(isa.status), "opt_in": None},
        "content": isa.content,
        "title": isa.title,
        "date": isa.date,
        "commit": isa.commit,
        "xlen": isa.xlen,
        "changes": [asdict(change) | {"place": str(change.place)} for change in isa.changes],
        # Fields stand within their CSRs.
        "items": {
            id_: item_data(isa, id_, item)
            for id_, item in items(isa).items()
            if not isinstance(item, Field)
        },
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def item_data(isa: ISA, id_: str, item: Item) -> dict[str, Any]:
    """An item as plain data. Numbers are numbers; an aspect that is not given is absent."""
    found: dict[str, Any] = {"id": id_, "revision": isa.id, "doc": _doc(item)}
    found |= aspects(item)
    match item:
        case CSR():
            found |= {"address": item.address, "width": item.width}
            found["fields"] = [
                item_data(isa, f"{id_}.{field.name}", field) for field in item.fields.values()
            ]
        case Field():
            found |= {"high": item.high, "low": item.low, "mask": item.mask, "reset": item.reset}
            if item.legal is not None:
                found["legal"] = list(item.legal)
        case Instruction(encoding=encoding) if encoding is not None:
            found |= {"width": encoding.width, "match": encoding.match, "mask": encoding.mask}
            found["operands"] = {
                name: [
                    {"high": piece.high, "low": piece.low, "at": piece.at}
                    for piece in encoding.pieces
                    if piece.operand == name
                ]
                for name in encoding.operands
            }
        case Parameter():
            found |= {"value": item.value, "default": item.default, "legal": list(item.legal)}
        case Rule():
            found |= {"by": list(item.by), "section": item.section}
        case Constant():
            found["value"] = item.value
        case State():
            found |= {"width": item.width, "count": item.count, "reset": item.reset}
    origin = getattr(item, "origin", None)
    if origin is not None:
        found["origin"] = origin or "base"
    found["changes"] = [change.id for change in touching(isa, id_)]
    found["place"] = str(item.place)
    return found


def _doc(item: Item) -> str:
    text = item.summary if isinstance(item, Rule) else getattr(item, "doc", "")
    return " ".join(str(text).split())
