"""What of an item can differ between revisions: its aspects, as text.

Documentation and places are left out: they change nothing that software or hardware can observe.
"""

from __future__ import annotations

from collections.abc import Mapping

from drafthart.generator.diff.drawing import encoding_text
from drafthart.generator.diff.items import Item
from drafthart.generator.spec.model import (
    CSR,
    Cause,
    Constant,
    Field,
    Function,
    Instruction,
    Operand,
    Parameter,
    Pseudoinstruction,
    Rule,
    Source,
    State,
)

TEXTS = ("operation", "read", "write", "access")
"""The aspects that are texts of the operation language."""


def aspects(item: Item) -> dict[str, str]:
    """The aspects of an item that are given, by name; an aspect that is not given is absent."""
    return {name: text for name, text in _all(item).items() if text}


def summary(item: Item) -> str:
    """The item in a few words, for when it appears or disappears as a whole."""
    known = aspects(item)
    match item:
        case CSR():
            return f"{known['address']}, {known['mode']}, {len(item.fields)} fields"
        case Field():
            return f"{known['bits']}, {known['kind']}"
        case Cause():
            return item.name
        case Rule():
            return item.summary
        case Function():
            return known.get("signature", "")
        case Pseudoinstruction():
            return known["expands"]
    return next(iter(known.values()), "")


def outline(csr: CSR) -> str:
    """A CSR in one line: number, mode, fields with their bits."""
    fields = ", ".join(f"{it.name} {bits(it.high, it.low)}" for it in csr.fields.values())
    known = aspects(csr)
    return f"{known['address']}, {known['mode']}" + (f": {fields}" if fields else "")


def _all(item: Item) -> dict[str, str]:
    match item:
        case Instruction():
            return {
                "encoding": encoding_text(item.encoding),
                "assembly": item.assembly,
                "expands": item.expands or "",
                "extension": item.extension,
                "operation": _text(item.operation),
            }
        case Pseudoinstruction():
            return {"assembly": item.assembly, "expands": "; ".join(item.expands)}
        case CSR():
            return _csr(item)
        case Field():
            return _field(item)
        case Cause():
            return {"name": item.name, "constant": item.constant}
        case Function():
            return _function(item)
        case Rule():
            return {"summary": item.summary, "by": ", ".join(item.by)}
        case Parameter():
            return {"default": str(item.default), "legal": values(item.legal)}
        case State():
            return {
                "width": str(item.width),
                "count": str(item.count or ""),
                "reset": str(item.reset),
            }
        case Operand():
            return {
                "kind": item.kind,
                "width": str(item.width or ""),
                "base": str(item.base or ""),
                "signed": "yes" if item.signed else "",
                "relative": "yes" if item.relative else "",
                "default": "" if item.default is None else str(item.default),
            }
        case Constant():
            return {"value": hex(item.value) if item.value > 255 else str(item.value)}


def _csr(csr: CSR) -> dict[str, str]:
    view = csr.view
    return {
        "address": "unassigned" if csr.address is None else f"{csr.address:#05x}",
        "mode": csr.mode,
        "width": str(csr.width),
        "constant": "" if csr.constant is None else hex(csr.constant),
        "substitutes": csr.substitutes or "",
        "view": f"{view.of}: {_pairs(view.fields)}" if view else "",
        "read": _text(csr.read),
        "write": _text(csr.write),
        "access": _text(csr.access),
    }


def _field(field: Field) -> dict[str, str]:
    return {
        "bits": bits(field.high, field.low),
        "kind": field.kind,
        "legal": "" if field.legal is None else values(field.legal),
        "reset": hex(field.reset) if field.reset else "",
        "flush": "tagged" if field.tagged else "yes" if field.flush else "",
        "read": _text(field.read),
        "write": _text(field.write),
    }


def _function(function: Function) -> dict[str, str]:
    parameters = ", ".join(f"{name}: {width}" for name, width in function.parameters.items())
    returns = f" -> {function.returns}" if function.returns else ""
    return {
        "signature": f"({parameters}){returns}",
        "ends": "yes" if function.ends else "",
        "entry": "yes" if function.entry else "",
        "operation": _text(function.operation),
    }


def bits(high: int, low: int) -> str:
    """A bit or a range of bits, as the specs write it."""
    return str(high) if high == low else f"{high}:{low}"


def values(legal: range | tuple[int, ...]) -> str:
    """A set of legal values, as the specs write it."""
    if isinstance(legal, range) and legal.step == 1 and len(legal) > 1:
        return f"{legal[0]}..{legal[-1]}"
    return ", ".join(map(str, legal))


def _text(source: Source | None) -> str:
    return source.text.rstrip() if source else ""


def _pairs(names: Mapping[str, str]) -> str:
    return ", ".join(own if own == other else f"{own}={other}" for own, other in names.items())
