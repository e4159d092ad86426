"""The second pass: addresses for the sections, then the bytes that waited for them."""

from __future__ import annotations

from drafthart.generator.assembly.program import Program, ProgramSection, ProgramSymbol
from drafthart.generator.assembly.sections import Section, lay_out
from drafthart.generator.assembly.state import State
from drafthart.generator.spec.model import ISA

_ENTRY = "_start"


def link(state: State, isa: ISA, base: int) -> Program:
    """Lay the program out at `base` and finish it."""
    sections = list(state.sections.values())
    lay_out(sections, base)
    for fixup in state.fixups:
        if fixup.section.address is not None:
            content = fixup.resolve(fixup.section.address + fixup.offset)
            fixup.section.data[fixup.offset : fixup.offset + len(content)] = content
    placed = sorted(
        (_placed(section) for section in sections if section.address is not None and section.size),
        key=lambda section: section.address,
    )
    symbols = _symbols(state)
    code = [section.address for section in placed if section.executable]
    entry = symbols[_ENTRY].value if _ENTRY in symbols else min(code, default=base)
    return Program(
        isa=isa.id,
        status=isa.status.value,
        extensions=tuple(dict.fromkeys(i.extension for i in isa.instructions.values())),
        entry=entry,
        sections=tuple(placed),
        symbols=symbols,
        compressed=state.compressed,
    )


def _placed(section: Section) -> ProgramSection:
    assert section.address is not None
    return ProgramSection(
        name=section.name,
        address=section.address,
        size=section.size,
        alignment=section.alignment,
        data=bytes(section.data),
        writable=section.writable,
        executable=section.executable,
        zeroed=section.zeroed,
    )


def _symbols(state: State) -> dict[str, ProgramSymbol]:
    symbols = {}
    for symbol in state.symbols.names.values():
        if symbol.value is None:
            continue
        home, number = symbol.resolve()
        if home is not None:
            number += home.address or 0
        size = state.sizes.get(symbol.name)
        symbols[symbol.name] = ProgramSymbol(
            name=symbol.name,
            value=number & (1 << 64) - 1,
            section=home.name if home is not None else None,
            exported=symbol.name in state.exported,
            kind=state.kinds.get(symbol.name, ""),
            size=size.number() & (1 << 64) - 1 if size is not None else 0,
        )
    return symbols
