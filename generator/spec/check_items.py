"""What must hold among the items of a revision, beyond the shape of each."""

from __future__ import annotations

from itertools import pairwise

from drafthart.generator.spec.item_path import item_id
from drafthart.generator.spec.items import Items
from drafthart.generator.spec.model import CSR, ISA, Place
from drafthart.generator.spec.names import is_name
from drafthart.generator.spec.nearest import did_you_mean
from drafthart.generator.spec.overlap import check_overlaps
from drafthart.generator.spec.spec_error import SpecError

MOST_ITEMS = 2048
"""Of each section."""


def check_items(isa: ISA, items: Items) -> None:
    """Check a resolved revision; `items` are the nodes it was built from."""
    _check_names(isa)
    _check_csrs(isa, items)
    _check_expansions(isa, items)
    _check_rules(items)
    check_overlaps(isa.instructions.values(), _apart(items, "instructions", "encoding"))


def check_counts(items: Items) -> None:
    """Limit what takes time and memory by the number of items."""
    for section, named in items.sections.items():
        if len(named) > MOST_ITEMS:
            place = list(named.values())[MOST_ITEMS].key
            raise SpecError(place, f"too many {section}", f"a revision has at most {MOST_ITEMS}")


def _apart(items: Items, section: str, attribute: str) -> dict[str, Place]:
    """Where an attribute stands that another file gives, by the names of the items."""
    named = items.sections[section].items()
    found = {name: (node.get(attribute), node.key.file) for name, node in named}
    return {name: it.place for name, (it, file) in found.items() if it and it.place.file != file}


def _check_names(isa: ISA) -> None:
    """Operations call constants, parameters, state, CSRs, causes and functions by bare names."""
    named: list[tuple[str, str, Place]] = [
        *((it.name, "constant", it.place) for it in isa.constants.values()),
        *((it.name, "parameter", it.place) for it in isa.parameters.values()),
        *((it.name, "state", it.place) for it in isa.state.values()),
        *((it.array or it.name, "CSR", it.place) for it in isa.csrs.values()),
        *((it.constant, "cause", it.place) for it in isa.causes.values()),
        *((it.constant, "interrupt", it.place) for it in isa.interrupts.values()),
        *((it.name, "function", it.place) for it in isa.functions.values()),
    ]
    fields = [
        (it.name, "field", it.place) for csr in isa.csrs.values() for it in csr.fields.values()
    ]
    operands = [(it.name, "operand", it.place) for it in isa.operands.values()]
    for name, kind, place in (*named, *fields, *operands):
        if not is_name(name):
            what = f"the {kind} {name!r} has no name that operations can use"
            remedy = "use a letter, then letters, digits and single underscores; no word of Python"
            raise SpecError(place, what, remedy)
    seen: dict[str, tuple[str, Place]] = {}
    for name, kind, place in named:
        other, where = seen.setdefault(name, (kind, place))
        if where != place:
            what = f"the name {name} stands for a {other} at {where} and for a {kind}"
            raise SpecError(place, what, "rename one")


def _check_csrs(isa: ISA, items: Items) -> None:
    at: dict[int, CSR] = {}
    renumbered = _apart(items, "csrs", "address")
    for csr in isa.csrs.values():
        if csr.address is not None:
            place = renumbered.get(csr.array or csr.name)
            if csr.address > 0xFFF:
                what = f"{csr.name} is at {csr.address:#x}"
                raise SpecError(place or csr.place, what, "addresses have 12 bits")
            other = at.setdefault(csr.address, csr)
            if other is not csr:
                what = f"{csr.name} and {other.name} are both at {csr.address:#x}"
                place = place or renumbered.get(other.array or other.name, csr.place)
                raise SpecError(place, what, "give one another address, or each its `xlen`")
        if csr.substitutes and csr.substitutes not in isa.csrs:
            node = items.sections["csrs"][csr.array or csr.name].entries["substitutes"]
            if csr.substitutes not in items.sections["csrs"]:
                remedy = did_you_mean(csr.substitutes, isa.csrs)
                raise SpecError(
                    node.place, f"there is no CSR {csr.substitutes!r} to substitute", remedy
                )
        _check_fields(csr)


def _check_fields(csr: CSR) -> None:
    taken = sorted(csr.fields.values(), key=lambda field: field.low)
    for lower, upper in pairwise(taken):
        if upper.low <= lower.high:
            one, other = sorted([lower, upper], key=lambda it: (it.place.line, it.place.column))
            what = f"{csr.name}.{other.name} overlaps {one.name}, at {one.place}"
            raise SpecError(other.place, what, "move one of them")


def _check_expansions(isa: ISA, items: Items) -> None:
    """What expands must expand to something that there is."""
    for section in ("instructions", "pseudoinstructions"):
        known = [*isa.instructions, *isa.pseudoinstructions]
        present = set(known)
        if section == "instructions":
            known = [name for name, it in isa.instructions.items() if it.expands is None]
        names = set(known)
        for name, node in items.sections[section].items():
            expands = node.get("expands") if name in present else None
            for line in expands.sequence if expands else ():
                mnemonic = (line.text.split() or [""])[0]
                if mnemonic not in names:
                    what = f"there is no instruction {mnemonic!r} to expand to"
                    raise SpecError(line.place, what, did_you_mean(mnemonic, known))


def _check_rules(items: Items) -> None:
    ids = dict.fromkeys(items.ids())
    for name, node in items.sections["rules"].items():
        for by in node.entries["by"].sequence:
            if by.text not in ids:
                what = f"{item_id('rules', name)} names {by.text}, which is not there"
                raise SpecError(by.place, what, did_you_mean(by.text, ids))
