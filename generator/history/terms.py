"""The items of an ISA that a text of the manual names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from drafthart.generator.history.markup import code, plain
from drafthart.generator.spec.model import CSR, ISA

_WORD = re.compile(r"\b[A-Za-z]\w*(?:\.\w+)*(?![\w-])|\b[A-Za-z]\w*(?:\.\w+)*(?=-[^a-z])")
_VERBS = re.compile(
    "any|check|code|enabled|end|enter|from|get|has|is|legal|may|of|pending|raise|read|restore|"
    "return|sets?|supported|take|target|to|with|write|by"
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
        *_functions(isa, prose),
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
            # The manual says guest-page fault for all three of them.
            family = _prose(cause.name.partition(" ")[2])
            is_family = kind == "cause" and cause.origin and " " in family.strip()
            if _prose(cause.name) in prose or (is_family and family in prose):
                yield f"{kind}:{number}"


def _functions(isa: ISA, prose: str) -> Iterator[str]:
    """Those of the extension whose names, verbs aside, stand in the text word by word."""
    names = {name.lower() for name in (*isa.csrs, *isa.parameters, *isa.instructions)}
    names |= {field.lower() for csr in isa.csrs.values() for field in csr.fields}
    for name, function in isa.functions.items():
        terms = [word for word in name.split("_") if not _VERBS.fullmatch(word)]
        # One ordinary word says nothing.
        known = len(terms) > 1 or (len("".join(terms)) > 2 and terms[0] in names)
        if function.origin and known and f" {' '.join(terms)} " in prose:
            yield f"fn:{name}"


def _prose(text: str) -> str:
    """Lower-case words with one space around each."""
    return f" {' '.join(re.findall(r'[a-z0-9]+', text.lower()))} "
