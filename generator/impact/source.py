"""Finds what differences touch in assembler and C source, by names and by defined numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from drafthart.generator.diff.findings import Finding, kind_of
from drafthart.generator.diff.items import items
from drafthart.generator.impact.place import Certainty, Form, Mark, Place
from drafthart.generator.impact.sought import Sought
from drafthart.generator.spec.model import ISA, Cause, Field

SUFFIXES = (".S", ".s", ".sx", ".asm", ".inc", ".c", ".h")
"""Ends of names of sources."""

_ASSEMBLER = (".S", ".s", ".sx", ".asm", ".inc")
_COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.DOTALL)
_TAIL = re.compile(r"(?<!^)(?:#\s|;#).*$")
_STRING = re.compile(r'"((?:\\.|[^"\\])*)"')
_STATEMENT = re.compile(r"\\n|\\t|;")
_LABEL = re.compile(r"^\s*(?:[\w.$]+:\s*)*")
_TOKEN = re.compile(r"[A-Za-z_][\w.]*|\d\w*")
_DEFINE = re.compile(r"^\s*(?:#\s*define\s+(\w+)\s+(.+)|\.(?:equ|set)\s+(\w+)\s*,\s*(.+))$")
_NUMBER = re.compile(
    r"\(*\s*(0[xX][0-9a-fA-F]+|\d+)\s*(?:<<\s*\(*\s*(0[xX][0-9a-fA-F]+|\d+))?[\s)]*$"
)
_WRAPPED = re.compile(r"\b_(?:AC|UL|ULL|BITUL)\(\s*([^,()]+)(?:,\s*\w+)?\s*\)|(\d)[uUlL]+\b")
_BIT = re.compile(r"\b(?:BIT|BIT_ULL|_BITUL|_BITULL)\(\s*(\w+)\s*\)")
_CAUSE_WORD = re.compile(r"CAUSE|EXC|TRAP|IRQ|INT", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Names:
    """Names → what it means to meet them. `fields` are `CSR_FIELD`, in capitals."""

    instructions: dict[str, list[Mark]]
    csrs: dict[str, list[Mark]]
    fields: dict[str, list[tuple[Mark, int]]]
    causes: dict[str, list[Mark]]


def source_places(sought: Sought, findings: list[Finding], name: str, text: str) -> list[Place]:
    """The places in a source; `name` tells its language."""
    is_assembler = name.endswith(_ASSEMBLER)
    names = _names(sought, findings)
    found = []
    for number, line in enumerate(_without_comments(text).splitlines(), 1):
        if is_assembler:
            line = _TAIL.sub("", line)
        marks: dict[int, Mark] = {}
        for mark in _line(sought, names, line, is_assembler):
            known = marks.get(id(mark.finding))
            if known is None or mark.certainty.rank < known.certainty.rank:
                marks[id(mark.finding)] = mark
        shown = " ".join(line.split())
        found += [Place(it, "", None, "", f"{number}", shown) for it in marks.values()]
    return found


def _line(sought: Sought, names: _Names, line: str, is_assembler: bool) -> Iterator[Mark]:
    define = _DEFINE.match(line)
    if define:
        word, value = define[1] or define[3], define[2] or define[4]
        yield from _definition(sought, names, word, value)
        return
    for code in [line] if is_assembler else _STRING.findall(line):
        for statement in _STATEMENT.split(code):
            yield from _statement(sought, names, statement)
    if not is_assembler:
        line = _STRING.sub("", line)
    for word in _TOKEN.findall(line):
        upper = word.upper()
        bare = upper.removeprefix("CSR_")
        if upper.startswith("CSR_"):
            for mark in names.csrs.get(bare.lower(), ()):
                yield replace(mark, certainty=Certainty.LIKELY, why=f"by the name {word}")
        for mark, _ in _fields(names, upper):
            yield replace(mark, certainty=Certainty.LIKELY, why=f"by the name {word}")


def _statement(sought: Sought, names: _Names, statement: str) -> Iterator[Mark]:
    """An instruction of assembler."""
    tokens = _TOKEN.findall(_LABEL.sub("", statement, count=1))
    if not tokens:
        return
    mnemonic, *operands = tokens
    yield from names.instructions.get(mnemonic.lower(), ())
    if not mnemonic.lower().startswith("csr"):
        return
    for word in operands:
        yield from names.csrs.get(word.lower().removeprefix("csr_"), ())
        number = _number(word)
        for access in sought.accesses.get(number, ()) if number is not None else ():
            yield replace(access.mark, why=f"by the number {word}")


def _definition(sought: Sought, names: _Names, word: str, text: str) -> Iterator[Mark]:
    value = _number(text)
    upper = word.upper()
    if value is None:
        return
    for csr, marks in names.csrs.items():
        if upper == csr.upper() or upper.endswith(f"_{csr.upper()}"):
            for mark in marks:
                for form in _numbered(sought, mark.finding, value):
                    yield replace(mark, form=form, why=f"{word} is {value:#x}")
    for mark, mask in _fields(names, upper):
        low = (mask & -mask).bit_length() - 1
        if value in (mask, low, low + mask.bit_length() - 1):
            yield replace(mark, certainty=Certainty.LIKELY, why=f"{word} is {value:#x}")
    if _CAUSE_WORD.search(word):
        for cause in sought.causes:
            if cause.code == value:
                why = f"{word} is {value}"
                yield replace(cause.mark, certainty=Certainty.LIKELY, why=why)


def _numbered(sought: Sought, finding: Finding, value: int) -> Iterator[Form]:
    """Which revision gives the CSR this number."""
    for access in sought.accesses.get(value, ()):
        if access.mark.finding is finding:
            yield access.mark.form


def _fields(names: _Names, upper: str) -> Iterator[tuple[Mark, int]]:
    """`HSTATUS_SPV`, and what is made of it, such as `HSTATUS_SPV_SHIFT`."""
    for name in (upper, upper.rpartition("_")[0]):
        yield from names.fields.get(name, ())


def _names(sought: Sought, findings: list[Finding]) -> _Names:
    names = _Names({}, {}, {}, {})
    a, b = sought.comparison.a, sought.comparison.b
    for finding in findings:
        kind = finding.difference.kind
        sides: list[tuple[ISA, str, Form]] = []
        if finding.old_item and kind not in ("reused", "repurposed"):
            sides.append((a, finding.old_item, Form.BEFORE))
        if kind != "removed":
            sides.append((b, finding.item, Form.AFTER))
        same = len({id_ for _, id_, _ in sides}) == 1 and len(sides) == 2
        for isa, id_, form in sides:
            mark = Mark(finding, Certainty.CERTAIN, Form.BOTH if same else form, "")
            _add(names, isa, id_, mark)
    return names


def _add(names: _Names, isa: ISA, id_: str, mark: Mark) -> None:
    bare = id_.partition(":")[2]
    item = items(isa).get(id_)
    match kind_of(id_):
        case "insn" | "pseudo":
            _once(names.instructions.setdefault(bare, []), mark)
        case "csr":
            _once(names.csrs.setdefault(bare, []), mark)
        case "field" if isinstance(item, Field):
            known = names.fields.setdefault(bare.replace(".", "_").upper(), [])
            if all(it.finding is not mark.finding or mask != item.mask for it, mask in known):
                known.append((mark, item.mask))
        case "cause" | "interrupt" if isinstance(item, Cause):
            _once(names.causes.setdefault(item.constant, []), mark)


def _once(marks: list[Mark], mark: Mark) -> None:
    if all(it.finding is not mark.finding for it in marks):
        marks.append(mark)


def _number(text: str) -> int | None:
    """A number as headers write it: 0x600, (1 << 7), _AC(0x80, UL), BIT(7)."""
    text = _BIT.sub(r"(1 << \1)", text)
    text = _WRAPPED.sub(lambda found: found[1] or found[2], text)
    match = _NUMBER.match(text.strip())
    if match is None:
        return None
    try:
        value, by = int(match[1], 0), int(match[2] or "0", 0)
    except ValueError:  # octal, as C writes it
        return None
    return value << by if by < 64 else None


def _without_comments(text: str) -> str:
    """The same lines without comments; strings stay, for they may be assembler."""

    def blank(found: re.Match[str]) -> str:
        piece = found[0]
        return piece if piece.startswith('"') else "\n" * piece.count("\n") or " "

    return _COMMENT.sub(blank, text)
