"""The items of an ISA that a text of the manual names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from drafthart.generator.history.markup import code, plain
from drafthart.generator.spec.model import CSR, ISA

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*")
_VERBS = frozenset(
    "check is set get raise end with from by to of may legal read write enter restore return "
    "take has sets any supported code target pending enabled".split()
)
"""Words in the names of functions that say nothing of what they are about."""


def items_named(isa: ISA, text: str, section: str = "") -> list[str]:
    """Ids of the items whose names stand in a text, in the order of reports.

    `section` is the heading above it, which tells whose a field is. Names that are ordinary
    words, as `time` and `and`, count only where they are set as code.
    """
    known = set(_WORD.findall(plain(text)))
    marked = set(_WORD.findall(code(text)))
    prose = _prose(plain(text))
    return [
        *_instructions(isa, known, marked),
        *_csrs(isa, known, marked, set(_WORD.findall(plain(section)))),
        *_causes(isa, prose),
        *(f"fn:{name}" for name in isa.functions if _function_named(isa, name, prose)),
        *(f"param:{name}" for name in isa.parameters if name in known),
    ]


def _instructions(isa: ISA, known: set[str], marked: set[str]) -> Iterator[str]:
    for name, instruction in isa.instructions.items():
        # The manual writes HLV for the whole family.
        family = name.partition(".")[0] if instruction.extension == "H" else name
        capitals = {name.upper(), family.upper()} & known
        if (capitals and len(name) > 2) or name in marked:
            yield f"insn:{name}"


def _csrs(isa: ISA, known: set[str], marked: set[str], near: set[str]) -> Iterator[str]:
    for name, csr in isa.csrs.items():
        named = name in marked or (name in known and csr.origin != "")
        if named:
            yield f"csr:{name}"
        for field in csr.fields.values():
            exact = f"{name}.{field.name}" in known
            bare = field.name in known and len(field.name) > 1 and csr.view is None
            if exact or (bare and (named or name in near or _only(isa, csr, field.name))):
                yield f"csr:{name}.{field.name}"


def _only(isa: ISA, csr: CSR, field: str) -> bool:
    """Has no other register a field of this name?"""
    return not any(
        field in other.fields for other in isa.csrs.values() if other is not csr and not other.view
    )


def _causes(isa: ISA, prose: str) -> Iterator[str]:
    for kind, causes in (("cause", isa.causes), ("interrupt", isa.interrupts)):
        for number, cause in causes.items():
            name = _prose(cause.name).strip()
            # The manual says guest-page fault for all three of them.
            family = name.partition(" ")[2] if cause.origin else name
            if f" {name} " in prose or (" " in family and f" {family} " in prose):
                yield f"{kind}:{number}"


def _function_named(isa: ISA, name: str, prose: str) -> bool:
    """Do the words of the name, verbs aside, follow each other in the text?"""
    if not isa.functions[name].origin:
        return False
    terms = " ".join(word for word in name.split("_") if word not in _VERBS)
    return len(terms) > 3 and f" {terms} " in prose


def _prose(text: str) -> str:
    """Lower-case words with one space around each."""
    return f" {' '.join(re.findall(r'[a-z0-9]+', text.lower()))} "
