"""What a file of others states, held against a revision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from drafthart.generator.diff.aspects import aspects, bits
from drafthart.generator.diff.findings import Comparison, compare_surface, current_id, kind_of
from drafthart.generator.diff.foreign.statements import Statements
from drafthart.generator.diff.items import items
from drafthart.generator.diff.surface import Surface
from drafthart.generator.emit.exports.opcodes_names import opcodes_names
from drafthart.generator.spec.model import CSR, ISA, Cause, Field, Instruction


def compare_statements(name: str, statements: Statements, isa: ISA, names: Names) -> Comparison:
    """What of the statements does not hold in `isa`, as a comparison of the file called `name`.

    Only of items that some revision has, and only what the file says of them.
    """
    found = compare_surface(stated_surface(statements, isa, names), isa)
    made = {change.id: change for it in found for change in it.changes}
    changes = tuple(change for change in isa.changes if change.id in made)
    # The file is no ISA: it has a name, and nothing to draw.
    theirs = replace(isa, id=name, instructions={}, csrs={})
    return Comparison(theirs, isa, tuple(found), changes)


@dataclass(frozen=True)
class Names:
    """The items of some revisions by the names that other files give them."""

    revisions: Sequence[ISA]

    @cached_property
    def instructions(self) -> Mapping[str, str]:
        """Mnemonics by identifiers."""
        return {
            mnemonic.lower().replace(".", "_"): mnemonic
            for isa in self.revisions
            for mnemonic in isa.instructions
        }

    @cached_property
    def csrs(self) -> Mapping[str, str]:
        """CSRs by their names in lower case."""
        return {name.lower(): name for isa in self.revisions for name in isa.csrs}

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """Ids of fields by their macros; those that have the XLEN in the CSR's name, too."""
        theirs = opcodes_names()["fields"]
        found: dict[str, str] = {}
        for isa in self.revisions:
            for csr in isa.csrs.values():
                for field in csr.fields:
                    called = theirs.get(f"{csr.name}.{field}", field)
                    for head in (csr.name, f"{csr.name}{isa.xlen}"):
                        for tail in (field, called, f"{field}_MASK"):
                            found[f"{head}_{tail}".upper()] = f"csr:{csr.name}.{field}"
        return found

    @cached_property
    def causes(self) -> Mapping[str, str]:
        """Constants of exceptions by their titles as identifiers."""
        return _constants("causes", (it for isa in self.revisions for it in isa.causes.values()))

    @cached_property
    def interrupts(self) -> Mapping[str, str]:
        """Constants of interrupts by their macros."""
        found = (it for isa in self.revisions for it in isa.interrupts.values())
        return _constants("interrupts", found)


def _constants(section: str, causes: Iterator[Cause]) -> Mapping[str, str]:
    theirs = opcodes_names()[section]
    found = {}
    for it in causes:
        for name in (it.constant, theirs.get(it.constant, it.constant)):
            found[name.lower().replace(" ", "_")] = it.constant
    return found


def stated_surface(statements: Statements, isa: ISA, names: Names) -> Surface:
    """The statements on known items, in the words of the specs where they agree with `isa`."""
    return {
        **dict(_instructions(statements, isa, names)),
        **dict(_csrs(statements, names)),
        **dict(_fields(statements, isa, names)),
        **dict(_causes("cause", statements.causes, names.causes)),
        **dict(_causes("interrupt", statements.interrupts, names.interrupts)),
    }


_Stated = Iterator[tuple[str, dict[str, str]]]


def _instructions(statements: Statements, isa: ISA, names: Names) -> _Stated:
    for name, (match, mask) in statements.instructions.items():
        mnemonic = names.instructions.get(name)
        if mnemonic is None:
            continue
        text = f"match {match:#x}, mask {mask:#x}"
        ours = isa.instructions.get(current_id(isa, f"insn:{mnemonic}").removeprefix("insn:"))
        if ours and ours.encoding and (ours.encoding.match, ours.encoding.mask) == (match, mask):
            text = aspects(ours)["encoding"]
        yield f"insn:{mnemonic}", {"encoding": text}


def _csrs(statements: Statements, names: Names) -> _Stated:
    for name, number in statements.csrs.items():
        if name in names.csrs:
            yield f"csr:{names.csrs[name]}", {"address": f"{number:#05x}"}


def _fields(statements: Statements, isa: ISA, names: Names) -> _Stated:
    for macro, mask in statements.masks.items():
        id_ = names.fields.get(macro)
        if id_ is None or not mask:
            continue
        low = (mask & -mask).bit_length() - 1
        high = mask.bit_length() - 1
        if mask != (1 << (high + 1)) - (1 << low):
            continue
        csr = id_.partition(".")[0].removeprefix("csr:")
        # Where the CSR is gone, that is what there is to say.
        if current_id(isa, f"csr:{csr}").removeprefix("csr:") in isa.csrs or (
            csr.lower() not in statements.csrs
        ):
            yield id_, {"bits": bits(high, low)}


def _causes(prefix: str, stated: Mapping[str, int], known: Mapping[str, str]) -> _Stated:
    for name, code in stated.items():
        if name in known:
            yield f"{prefix}:{code}", {"constant": known[name]}


def unmentioned(surface: Surface, isa: ISA) -> list[str]:
    """What `isa` has of the kinds that the file speaks of, and the file has not.

    That is no difference, as a file may be of a part only; of two revisions that fit as well, the
    one with less of it is the likelier.
    """
    kinds = {kind_of(id_) for id_ in surface}
    whole = {id_.partition(".")[0] for id_ in surface if kind_of(id_) == "field"}
    return [
        id_
        for id_, item in items(isa).items()
        if kind_of(id_) in kinds
        and id_ not in surface
        and not (isinstance(item, CSR) and item.address is None)
        and not (isinstance(item, Instruction) and item.encoding is None)
        and not (isinstance(item, Field) and id_.partition(".")[0] not in whole)
    ]
