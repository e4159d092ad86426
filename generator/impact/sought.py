"""What to look for in a program, given the differences between two revisions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from drafthart.generator.diff.findings import Comparison, Finding, kind_of
from drafthart.generator.diff.items import items
from drafthart.generator.impact.place import Certainty, Form, Mark
from drafthart.generator.spec.model import CSR, ISA, Encoding, Field, Instruction

NAMES_ONLY = frozenset(("renamed", "assembly", "name"))
"""Kinds of differences that only sources and tools can meet."""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class SoughtInstruction:
    """An encoding, and what it means to find it."""

    encoding: Encoding
    mark: Mark


@dataclass(frozen=True, slots=True)
class SoughtAccess:
    """Accesses of a CSR that reads, or writes, it."""

    mark: Mark
    reads: bool = True
    writes: bool = True


@dataclass(frozen=True, slots=True)
class SoughtField:
    """Bits of a CSR."""

    mask: int
    access: SoughtAccess


@dataclass(frozen=True, slots=True)
class SoughtCause:
    """A number that causes are compared with."""

    code: int
    interrupt: bool
    mark: Mark


@dataclass
class Sought:
    """All of it; CSRs by number. `nowhere` are differences that no instruction shows."""

    comparison: Comparison
    instructions: list[SoughtInstruction] = field(default_factory=list)
    accesses: dict[int, list[SoughtAccess]] = field(default_factory=dict)
    fields: dict[int, list[SoughtField]] = field(default_factory=dict)
    causes: list[SoughtCause] = field(default_factory=list)
    names: list[Finding] = field(default_factory=list)
    nowhere: list[Finding] = field(default_factory=list)

    @cached_property
    def cause_csrs(self) -> frozenset[int]:
        """Numbers of the CSRs that say why a trap was taken."""
        return frozenset(
            number
            for isa in (self.comparison.a, self.comparison.b)
            for number, csr in isa.csr_at.items()
            if csr.name.endswith("cause") and {"CODE", "INTERRUPT"} <= csr.fields.keys()
        )


def sought(comparison: Comparison, findings: Iterable[Finding]) -> Sought:
    """What to look for, for these findings of the comparison."""
    found = Sought(comparison)
    for finding in findings:
        if finding.difference.kind in NAMES_ONLY:
            found.names.append(finding)
            continue
        before = [len(it) for it in _lists(found)], _count(found)
        match kind_of(finding.item):
            case "insn":
                _instruction(found, finding)
            case "csr":
                _csr(found, finding)
            case "field":
                _field(found, finding)
            case "cause" | "interrupt":
                _cause(found, finding)
            case "fn" | "rule":
                _behaviour(found, finding)
        if before == ([len(it) for it in _lists(found)], _count(found)):
            found.nowhere.append(finding)
    return found


def _lists(found: Sought) -> tuple[list[SoughtInstruction], list[SoughtCause]]:
    return found.instructions, found.causes


def _count(found: Sought) -> int:
    return sum(map(len, found.accesses.values())) + sum(map(len, found.fields.values()))


def _sides(found: Sought, finding: Finding) -> Iterator[tuple[ISA, str, Form]]:
    """Each revision that has the item, and its id there."""
    a, b = found.comparison.a, found.comparison.b
    if finding.old_item and finding.difference.kind not in ("reused", "repurposed"):
        yield a, finding.old_item, Form.BEFORE
    if finding.difference.kind != "removed":
        yield b, finding.item, Form.AFTER


def _instruction(found: Sought, finding: Finding) -> None:
    seen: dict[tuple[int, int], Form] = {}
    for isa, id_, form in _sides(found, finding):
        encoding = _encoding(isa, id_)
        if encoding is not None:
            key = (encoding.mask, encoding.match)
            seen[key] = Form.BOTH if key in seen else form
    for isa, id_, _ in _sides(found, finding):
        encoding = _encoding(isa, id_)
        if encoding is not None and (encoding.mask, encoding.match) in seen:
            form = seen.pop((encoding.mask, encoding.match))
            mark = Mark(finding, Certainty.CERTAIN, form, "")
            found.instructions.append(SoughtInstruction(encoding, mark))


def _encoding(isa: ISA, id_: str) -> Encoding | None:
    instruction = isa.instructions.get(id_.partition(":")[2])
    return instruction.encoding if instruction else None


def _csr(found: Sought, finding: Finding) -> None:
    kind = finding.difference.kind
    numbers: dict[int, Form] = {}
    for isa, id_, form in _sides(found, finding):
        csr = isa.csrs.get(id_.partition(":")[2])
        if csr is not None and csr.address is not None:
            numbers[csr.address] = _joined(finding, form, csr.address in numbers)
    for number, form in numbers.items():
        # What only reads meet, or only writes.
        access = SoughtAccess(
            Mark(finding, Certainty.CERTAIN, form, ""), kind != "write", kind not in ("read",)
        )
        found.accesses.setdefault(number, []).append(access)


def _field(found: Sought, finding: Finding) -> None:
    kind = finding.difference.kind
    seen: dict[tuple[int, int], Form] = {}
    for isa, id_, form in _sides(found, finding):
        item, csr = items(isa).get(id_), _csr_of(isa, id_)
        if isinstance(item, Field) and csr is not None and csr.address is not None:
            key = (csr.address, item.mask)
            seen[key] = _joined(finding, form, key in seen)
    for (number, mask), form in seen.items():
        mark = Mark(finding, Certainty.LIKELY, form, "")
        access = SoughtAccess(mark, kind != "write", kind not in ("read", "reset"))
        found.fields.setdefault(number, []).append(SoughtField(mask, access))


def _joined(finding: Finding, form: Form, seen: bool) -> Form:
    """The form of what both revisions have, if with another meaning."""
    both = seen or finding.difference.kind in ("reused", "repurposed")
    return Form.BOTH if both else form


def _csr_of(isa: ISA, id_: str) -> CSR | None:
    return isa.csrs.get(id_.partition(":")[2].partition(".")[0])


def _cause(found: Sought, finding: Finding) -> None:
    for _, id_, form in _sides(found, finding):
        prefix, _, code = id_.partition(":")
        mark = Mark(finding, Certainty.LIKELY, form, "")
        cause = SoughtCause(int(code), prefix == "interrupt", mark)
        if all(
            (it.code, it.interrupt, it.mark.finding) != (cause.code, cause.interrupt, finding)
            for it in found.causes
        ):
            found.causes.append(cause)


def _behaviour(found: Sought, finding: Finding) -> None:
    """Privileged instructions whose operation uses the function, or which a rule names."""
    wanted: dict[str, Form] = {}
    for isa, id_, form in _sides(found, finding):
        for name in _implementing(isa, id_):
            wanted[name] = Form.BOTH if name in wanted else form
    for name, form in wanted.items():
        for isa in (found.comparison.b, found.comparison.a):
            encoding = _encoding(isa, f"insn:{name}")
            if encoding is not None:
                mark = Mark(finding, Certainty.POSSIBLE, form, "under some conditions")
                found.instructions.append(SoughtInstruction(encoding, mark))
                break


def _implementing(isa: ISA, id_: str) -> list[str]:
    prefix, _, name = id_.partition(":")
    if prefix == "rule":
        rule = isa.rules.get(name)
        by = rule.by if rule else ()
        named = [it.partition(":")[2] for it in by if it.startswith("insn:")]
        functions = {it.partition(":")[2] for it in by if it.startswith("fn:")}
        # A rule that CSRs or other rules implement, too, is of more than these instructions.
        if any(not it.startswith(("insn:", "fn:")) for it in by):
            functions = set()
    else:
        named, functions = [], {name}
    system = privileged(isa)
    return [
        *(it for it in named if it in system),
        *(
            it
            for it, instruction in system.items()
            if instruction.operation
            and it not in named
            and not functions.isdisjoint(_WORD.findall(instruction.operation.text))
        ),
    ]


def privileged(isa: ISA) -> dict[str, Instruction]:
    """Instructions beside those that access CSRs, under the same major opcode."""
    accessing = [
        it.encoding
        for it in isa.instructions.values()
        if it.encoding and it.encoding.width == 32 and "csr" in it.encoding.operands
    ]
    opcodes = {it.match & 0x7F for it in accessing}
    return {
        name: it
        for name, it in isa.instructions.items()
        if it.encoding
        and it.encoding.width == 32
        and it.encoding.match & 0x7F in opcodes
        and "csr" not in it.encoding.operands
    }
