"""A revision as plain data, for JSON and tables."""

from __future__ import annotations

from typing import Any

from drafthart.generator.spec.choices import shown_legal
from drafthart.generator.spec.model import CSR, ISA, Cause, Instruction, Parameter


def show(isa: ISA, resolved: bool = False) -> dict[str, Any]:
    """What the extension defines, or with `resolved` all that holds, the base included."""

    def shown(origin: str) -> bool:
        return resolved or origin != ""

    csrs = {name: _csr(csr, resolved) for name, csr in isa.csrs.items()}
    return {
        "id": isa.id,
        "base": isa.base,
        "status": str(isa.status),
        "stability": {"revision": isa.id, "status": str(isa.status), "opt_in": None},
        "date": isa.date,
        "commit": isa.commit,
        "csrs": {
            name: csr for name, csr in csrs.items() if shown(isa.csrs[name].origin) or csr["fields"]
        },
        "instructions": {
            name: _instruction(it) for name, it in isa.instructions.items() if shown(it.origin)
        },
        "causes": _causes([it for it in isa.causes.values() if shown(it.origin)]),
        "interrupts": _causes([it for it in isa.interrupts.values() if shown(it.origin)]),
        "rules": {
            name: {"summary": rule.summary, "section": rule.section, "by": list(rule.by)}
            for name, rule in isa.rules.items()
            if shown(rule.origin)
        },
        "parameters": {
            name: {"default": it.default, "legal": _legal(it), "doc": it.doc}
            for name, it in isa.parameters.items()
            if shown(it.origin)
        },
    }


def _csr(csr: CSR, resolved: bool) -> dict[str, Any]:
    return {
        "address": csr.address,
        "mode": csr.mode,
        "fields": {
            name: {"bits": [field.high, field.low], "kind": field.kind, "doc": field.doc}
            for name, field in csr.fields.items()
            if resolved or field.origin
        },
    }


def _instruction(instruction: Instruction) -> dict[str, Any]:
    encoding = instruction.encoding
    return {
        "match": encoding.match if encoding else None,
        "mask": encoding.mask if encoding else None,
        "operands": list(encoding.operands) if encoding else [],
    }


def _legal(parameter: Parameter) -> list[int] | str:
    """A range stays a text as in the specs: it may be too long to list."""
    legal = parameter.legal
    return shown_legal(legal) if isinstance(legal, range) else list(legal)


def _causes(causes: list[Cause]) -> dict[str, str]:
    return {str(cause.code): cause.name for cause in causes}
