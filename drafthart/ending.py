"""How a run ended, in words: where the hart was, what trapped last, and which changes matter there.

An ELF file from `drafthart asm` names the revision that it was assembled for. Where that is another
than the one it ran under, the changes between the two are looked up for what the end of the run has
to do with: the items whose ids stand in the last line that the guest printed, and the last trap.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import NoteSection

from drafthart.generator.assembly import Disassembler
from drafthart.generator.diff.differences import between
from drafthart.generator.diff.items import PREFIXES, items
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA, Change
from drafthart.generator.spec.overlay import overlays
from drafthart.generator.spec.resolve import resolve
from drafthart.generator.spec.texts import without_overlay
from drafthart.runtime.boot import Images
from drafthart.runtime.last_trap import Trap, last_trap
from drafthart.runtime.machine import Machine, Outcome
from drafthart.runtime.state import mode_name

_ITEM = re.compile(rf"\b(?:{'|'.join(PREFIXES)}):\w[\w.-]*\w|\b(?:cause|interrupt):\d+")
_OWNER = "Drafthart"
_NOTE = re.compile(rb"([\w@.~+^,:-]{1,200}) \(")
_LISTED = 4


def told(machine: Machine, outcome: Outcome, last_line: str, images: Images) -> Iterator[str]:
    """The lines to tell of a run that did not end well, without a newline."""
    several = len(machine.harts) > 1
    yield f"drafthart: {_why(outcome, several)}"
    built_for = next(filter(None, map(assembled_for, _files(images))), machine.isa.id)
    is_other = any(isa.id != built_for for isa in machine.isas)
    other = _resolved(built_for) if is_other else None
    ids = _ITEM.findall(last_line)
    for number, (isa, hart) in enumerate(zip(machine.isas, machine.harts, strict=True)):
        asleep = ", asleep" if several and hart.sleeping else ""
        which = f"hart {number} " if several else ""
        yield f"  {which}in {mode_name(isa, hart)} at {place(machine, hart.pc)}{asleep}"
        trap = last_trap(isa, hart)
        if trap is not None:
            yield f"  last trap into {trap.target}: {trap_name(isa, trap)}"
            yield f"    at {place(machine, trap.pc)}, trap value {trap.value:#x}"
            yield f"    a return from it leads to {trap.returns_to}"
            yield from (f"    {line}" for line in _instruction(trap, isa, other))
        if other is not None:
            ids += _items_of(trap, isa, other)
    for isa in {it.id: it for it in machine.isas if it.id != built_for}.values():
        yield f"  assembled for {built_for}, run under {isa.id}"
        if other is not None:
            yield from _changes(dict.fromkeys(ids), isa, other)


def assembled_for(path: Path) -> str | None:
    """The revision that `drafthart asm` wrote into this ELF file; None if there is none."""
    # pyelftools raises whatever its parser stumbles over. A file without the note is fine too.
    try:
        with path.open("rb") as file:
            section = ELFFile(file).get_section_by_name(".note.drafthart")
            notes = section.iter_notes() if isinstance(section, NoteSection) else ()
            texts = [note["n_descdata"] for note in notes if note["n_name"] == _OWNER]
    except Exception:
        return None
    named = _NOTE.match(texts[0]) if texts else None
    return named[1].decode() if named else None


def _files(images: Images) -> Iterable[Path]:
    return [path for path in (images.program, images.kernel, images.bios) if path is not None]


def _why(outcome: Outcome, several: bool) -> str:
    count = f"after {outcome.steps} instructions"
    if outcome.reason == "exit":
        return f"the guest ended with status {outcome.status} {count}"
    why = "limit reached"
    if outcome.reason == "asleep":
        why = f"{'all harts sleep' if several else 'hart sleeps'} and nothing can wake "
        why += "them" if several else "it"
    return f"stopped {count}: {why}"


def place(machine: Machine, address: int) -> str:
    """An address, and the symbol that it lies behind."""
    # A name comes from the file, and goes to a terminal.
    named = machine.symbols.items()
    known = sorted((value, name[:80]) for name, value in named if name.isprintable())
    index = bisect_right(known, (address, "\U0010ffff")) - 1
    if index < 0 or address - known[index][0] > 1 << 20:
        return f"{address:#x}"
    value, name = known[index]
    offset = f"+{address - value:#x}" if address > value else ""
    return f"{address:#x} <{name}{offset}>"


def trap_name(isa: ISA, trap: Trap) -> str:
    """The cause of a trap in words, with its id."""
    known = (isa.interrupts if trap.interrupt else isa.causes).get(trap.cause)
    name = known.name[0].lower() + known.name[1:] if known else "unknown cause"
    return f"{name} ({trap.item})"


def _instruction(trap: Trap, isa: ISA, other: ISA | None) -> Iterator[str]:
    """The instruction that trapped, as each of the two revisions reads it."""
    if not trap.instruction:
        return
    text = Disassembler(isa, shorthands=True).text(trap.instruction)
    yield f"instruction: {text}"
    if other is not None:
        was = Disassembler(other, shorthands=True).text(trap.instruction)
        if was != text:
            yield f"which {other.id} reads as: {was}"


def _items_of(trap: Trap | None, isa: ISA, other: ISA) -> Iterator[str]:
    """What of the last trap only one of the two revisions knows: cause, instruction, CSR."""
    if trap is None:
        return
    mine, theirs = items(isa), items(other)
    if (trap.item in mine) != (trap.item in theirs):
        yield trap.item
    for a, b in ((isa, other), (other, isa)):
        decoded = Disassembler(a).decode(trap.instruction) if trap.instruction else None
        if decoded is None:
            continue
        mnemonic = decoded.instruction.mnemonic
        if mnemonic not in b.instructions:
            yield f"insn:{mnemonic}"
        number = decoded.values.get("csr")
        if number is not None and number in a.csr_at and number not in b.csr_at:
            yield f"csr:{a.csr_at[number].name}"


def _resolved(expression: str) -> ISA | None:
    """The revision of a note; None where this installation does not know it any more."""
    bare = without_overlay(expression)
    paths = [None] if bare == expression else overlays()
    for path in paths:
        try:
            isa = resolve(bare, overlay=path)
        except DrafthartError:
            continue
        if isa.id == expression:
            return isa
    return None


def _changes(ids: Iterable[str], isa: ISA, other: ISA) -> Iterator[str]:
    """The changes between the two revisions, of those that touch one of the items."""
    wanted = list(ids)
    changes = between(other, isa)
    found = [(change, touched) for change in changes if (touched := _touched(change, wanted))]
    if found:
        yield "  what changed there from the one to the other:"
    for change, touched in found[:_LISTED]:
        yield f"    {change.date or '(overlay)'}  {change.id}  {', '.join(touched)}"
    if len(found) > _LISTED:
        yield f"    and {len(found) - _LISTED} more"
    names = [without_overlay(it.id) for it in (other, isa)]
    if names[0] != names[1]:
        yield f"  drafthart diff {' '.join(names)} shows all"


def _touched(change: Change, ids: list[str]) -> list[str]:
    """Those of the items that the change touches, be it in a field."""
    return [
        id_
        for id_ in ids
        if any(item == id_ or item.startswith(f"{id_}.") for item in change.items)
    ]
