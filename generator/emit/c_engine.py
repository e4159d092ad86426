"""The native engine's C file: state, functions, CSRs, instructions and decoder of one ISA.

It includes the headers in runtime/native, which hold what no spec decides.
"""

from __future__ import annotations

from drafthart.generator.emit.c_csrs import csr_functions, storage
from drafthart.generator.emit.c_decoder import decode_function, expand_function
from drafthart.generator.emit.c_fusion import fuse
from drafthart.generator.emit.c_handlers import handler, slots
from drafthart.generator.emit.c_watched import bits_read
from drafthart.generator.emit.python_csrs import reset_value
from drafthart.generator.emit.python_engine import substitutes
from drafthart.generator.emit.render import render
from drafthart.generator.emit.storage import COMMON, is_stored, members
from drafthart.generator.language.c import Watched, emit_function, prototype
from drafthart.generator.language.c_expressions import literal
from drafthart.generator.language.c_names import c_name
from drafthart.generator.language.check import check_isa
from drafthart.generator.language.ir import Program
from drafthart.generator.spec.model import CSR, ISA

WATCHED = ("translation_context", "pending_interrupt", "wake", "next_timer")
"""Entry functions whose answers the engine keeps until something that they read is written."""

def emit_c(isa: ISA) -> str:
    """The text of the file. Raises `DrafthartError` for what does not check or has no C form."""
    program = check_isa(isa)
    watched = _watched(isa, program)
    handlers = []
    fill = {}
    for mnemonic in program.instructions:
        instruction = isa.instructions[mnemonic]
        if instruction.encoding is not None:
            places = slots(isa, instruction, program.instructions[mnemonic])
            fill[mnemonic] = places.fill
            handlers.append(handler(isa, program, instruction, places, watched))
    index = {it.mnemonic: number for number, it in enumerate(handlers)}
    numbered = sorted(isa.csr_at.values(), key=lambda csr: csr.address or 0)
    return render(
        "engine.c.j2",
        isa=isa,
        members=members(isa),
        resets=_resets(isa),
        prototypes=[prototype(function) + ";" for function in program.functions.values()],
        functions=[
            emit_function(function, program.effects, watched)
            for function in program.functions.values()
        ],
        csr_functions=[
            lines for csr in isa.csrs.values() for lines in csr_functions(isa, program, csr, watched)
        ],
        numbered=numbered,
        substitutes=substitutes(isa),
        tags=_tags(isa),
        handlers=handlers,
        fused=fuse(handlers),
        entries=entries(program),
        invocations={name: _invocation(program, name) for name in entries(program)},
        decode=decode_function(isa, index, fill),
        expand=expand_function(isa),
    )


def entries(program: Program) -> list[str]:
    """The functions that the host may call by number: entry functions, and those that take nothing."""
    return [
        function.name
        for function in program.functions.values()
        if (function.entry or not function.parameters)
        and max([function.returns or 0, *(it.width for it in function.parameters)]) <= 64
        and not function.name.startswith("field__")
    ]


def _invocation(program: Program, name: str) -> str:
    function = program.functions[name]
    arguments = [f"arguments[{at}]" for at in range(len(function.parameters))]
    call = f"fn_{name}({', '.join(['h', *arguments])})"
    return f"{call};\n    return 0;" if function.returns is None else f"return {call};"


def _resets(isa: ISA) -> list[str]:
    lines = []
    for state in isa.state.values():
        place, value = f"h->{c_name(state.name)}", literal(state.reset)
        if state.name in COMMON:
            continue
        if state.count:
            lines.append(f"for (int i = 0; i < {state.count}; i++) {place}[i] = {value};")
        else:
            lines.append(f"{place} = {value};")
    for csr in isa.csrs.values():
        if is_stored(csr):
            lines.append(f"{storage(csr)} = {literal(reset_value(csr))};")
    return lines


def _watched(isa: ISA, program: Program) -> Watched:
    tagged: dict[str, int] = {}
    for csr in isa.csrs.values():
        if (mask := _tag_mask(csr)) and is_stored(csr):
            tagged[csr.array or csr.name] = mask
    changed = bits_read(program, WATCHED)
    for name, mask in tagged.items():
        changed[name] = changed.get(name, 0) | mask
    return Watched(changed, tagged)


def _tags(isa: ISA) -> list[str]:
    """What tells translations of one context from those of another, beside the context itself."""
    return [
        f"{storage(csr)} & {literal(mask)}"
        for csr in isa.csrs.values()
        if (mask := _tag_mask(csr)) and is_stored(csr)
    ]


def _tag_mask(csr: CSR) -> int:
    return sum(field.mask for field in csr.fields.values() if field.tagged)

