"""Finds the places in an image that differences touch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from drafthart.generator.impact.decode import Decoder
from drafthart.generator.impact.flow import Bits, Compared, Event, Step, follow
from drafthart.generator.impact.image import Image, Piece, Section
from drafthart.generator.impact.place import Certainty, Mark, Place
from drafthart.generator.impact.sought import Sought, SoughtAccess
from drafthart.generator.impact.sweep import Walk, first_bytes
from drafthart.generator.spec.model import Encoding

_BEFORE, _AFTER = 160, 224
"""Bytes before and after an access that are followed, within the function if symbols tell it."""
_TOP = 1 << 63


@dataclass(frozen=True, slots=True)
class _Access:
    """An access of a CSR: its number, what it does, and the bits if they stand in it."""

    csr: int
    reads: bool
    writes: bool
    mask: int | None


def places(
    sought: Sought, image: Image, progress: Callable[[int], None] = lambda walked: None
) -> list[Place]:
    """All places, in the order of addresses. `progress` is told of bytes that were walked."""
    finder = _Finder(sought, image, progress)
    return [place for section in image.sections for place in finder.section(section)]


class _Finder:
    def __init__(self, sought: Sought, image: Image, progress: Callable[[int], None]) -> None:
        self._sought = sought
        self._image = image
        self._progress = progress
        b, a = sought.comparison.b, sought.comparison.a
        self._decoder = Decoder(b, a)
        self._walk = Walk(first_bytes(sought))
        self._csr_instructions: list[tuple[str, Encoding]] = [
            (name, it.encoding)
            for name, it in b.instructions.items()
            if it.encoding is not None and "csr" in it.encoding.operands
        ]
        self._followed = sought.fields.keys() | (sought.cause_csrs if sought.causes else set())
        self._words: dict[int, tuple[tuple[Mark, ...], _Access | None]] = {}

    def section(self, section: Section) -> Iterator[Place]:
        """The places in one section."""
        found: dict[tuple[int, int], Mark] = {}
        for piece in section.pieces:
            self._piece(section, piece, found)
        texts: dict[int, str] = {}
        for (offset, _), mark in sorted(found.items(), key=lambda it: it[0]):
            if offset not in texts:
                word = int.from_bytes(section.content[offset : offset + 4], "little")
                texts[offset] = self._decoder.text(word, section.address + offset, {})
            yield self._place(section, offset, mark, texts[offset])

    def _place(self, section: Section, offset: int, mark: Mark, text: str) -> Place:
        address = section.address + offset
        lines = self._image.lines
        line = lines.at(address) if lines else ""
        return Place(mark, section.name, address, section.symbol(offset), line, text)

    def _piece(self, section: Section, piece: Piece, found: dict[tuple[int, int], Mark]) -> None:
        content = section.content
        accesses: dict[int, _Access] = {}
        for offset, walked in self._walk.offsets(content, piece.start, piece.end):
            if walked is not None:
                self._progress(walked)
                continue
            word = int.from_bytes(content[offset : offset + 4], "little")
            known = self._words.get(word)
            if known is None:
                known = self._words[word] = self._marks(word)
            for mark in known[0]:
                _note(found, offset, mark)
            if known[1] is not None:
                accesses[offset] = known[1]
        followed = {at: it for at, it in accesses.items() if self._is_followed(it)}
        if followed:
            self._follow(section, piece, followed, found)

    def _is_followed(self, access: _Access) -> bool:
        """Can it tell more than its own bits do?"""
        return access.csr in self._followed and (access.mask is None or access.reads)

    def _marks(self, word: int) -> tuple[tuple[Mark, ...], _Access | None]:
        """What a word tells alone."""
        marks = [
            it.mark
            for it in self._sought.instructions
            if it.encoding.accepts(word & (1 << it.encoding.width) - 1)
        ]
        access = self._access(word)
        if access is not None:
            marks += [
                it.mark
                for it in self._sought.accesses.get(access.csr, ())
                if (it.reads and access.reads) or (it.writes and access.writes)
            ]
            marks += self._of_bits(access)
        return tuple(marks), access

    def _of_bits(self, access: _Access) -> Iterator[Mark]:
        """Fields under a mask that stands in the instruction."""
        if access.mask is None:
            return
        for it in self._sought.fields.get(access.csr, ()):
            if it.mask & access.mask and it.access.writes:
                why = f"mask {access.mask:#x} in the instruction"
                yield replace(it.access.mark, certainty=Certainty.CERTAIN, why=why)

    def _access(self, word: int) -> _Access | None:
        for name, encoding in self._csr_instructions:
            if encoding.width == 32 and encoding.accepts(word):
                values = encoding.extract(word)
                immediate = values.get("zimm")
                source = immediate if immediate is not None else values["rs1"]
                whole = name.startswith("csrrw")
                reads = not whole or values["rd"] != 0
                writes = whole or source != 0
                if writes and not whole and values["rd"] == 0:
                    reads = False  # nobody sees what was read
                mask = immediate if immediate is not None and not whole else None
                return _Access(values["csr"], reads, writes, mask)
        return None

    def _follow(
        self,
        section: Section,
        piece: Piece,
        accesses: dict[int, _Access],
        found: dict[tuple[int, int], Mark],
    ) -> None:
        told: set[int] = set()
        for steps in self._windows(section, piece, accesses):
            for event in follow(steps):
                if isinstance(event, Bits):
                    told.add(event.site - section.address)
                for mark in self._by_event(event):
                    _note(found, event.address - section.address, mark)
        for offset, access in accesses.items():
            if offset not in told:
                for mark in self._possible(access):
                    _note(found, offset, mark)

    def _windows(
        self, section: Section, piece: Piece, accesses: dict[int, _Access]
    ) -> Iterator[list[Step]]:
        size = section.functions.get(piece.start, 0) if piece.function else 0
        inside = min(piece.start + size, piece.end) if size else piece.end
        ranges: list[list[int]] = []
        for offset in sorted(accesses):
            low, high = (piece.start, inside) if offset < inside else (inside, piece.end)
            start, end = max(low, offset - _BEFORE), min(high, offset + _AFTER)
            if ranges and low <= ranges[-1][0] and start <= ranges[-1][1]:
                ranges[-1][1] = end
            else:
                ranges.append([start, end, offset])
        # Begun at any place, lengths fall in step within a few instructions; where they have not
        # at the access, the other way to begin is two bytes on.
        for start, end, offset in ranges:
            steps = self._steps(section, start, end)
            if all(it.address != section.address + offset for it in steps):
                steps = self._steps(section, start + 2, end)
            yield steps

    def _steps(self, section: Section, start: int, end: int) -> list[Step]:
        return self._decoder.steps(section.content, start, end, section.address)

    def _by_event(self, event: Event) -> Iterator[Mark]:
        if isinstance(event, Bits):
            for it in self._sought.fields.get(event.csr, ()):
                if it.mask & event.mask and _meets(it.access, event.reads, event.writes):
                    yield replace(it.access.mark, why=event.why)
            return
        yield from self._by_cause(event)

    def _by_cause(self, event: Compared) -> Iterator[Mark]:
        if event.csr not in self._sought.cause_csrs:
            return
        code, interrupt = event.value & ~_TOP, bool(event.value & _TOP)
        for it in self._sought.causes:
            if it.code == code and (event.any_kind or it.interrupt == interrupt):
                csr = self._name(event.csr)
                yield replace(it.mark, why=f"compared with what was read from {csr}")

    def _name(self, number: int) -> str:
        for isa in (self._sought.comparison.b, self._sought.comparison.a):
            if number in isa.csr_at:
                return isa.csr_at[number].name
        return f"{number:#x}"

    def _possible(self, access: _Access) -> Iterator[Mark]:
        """Fields of a CSR that is accessed with a value that cannot be followed."""
        for it in self._sought.fields.get(access.csr, ()):
            if access.mask is not None:
                meets = access.reads and it.access.reads
            else:
                meets = _meets(it.access, access.reads, access.writes)
            if meets:
                why = f"{self._name(access.csr)} with a value that cannot be followed"
                yield replace(it.access.mark, certainty=Certainty.POSSIBLE, why=why)


def _meets(access: SoughtAccess, reads: bool, writes: bool) -> bool:
    return (access.reads and reads) or (access.writes and writes)


def _note(found: dict[tuple[int, int], Mark], offset: int, mark: Mark) -> None:
    """Of several reasons for the same difference at a place, the surest."""
    key = (offset, id(mark.finding))
    if key not in found or mark.certainty.rank < found[key].certainty.rank:
        found[key] = mark
