"""The native engine's C file: state, functions, CSRs, instructions and decoder of one ISA.

It includes the headers in runtime/native, which hold what no spec decides.
"""

from __future__ import annotations

from drafthart.generator.emit.c_csrs import csr_functions, storage
from drafthart.generator.emit.c_decoder import decode_function, expand_function
from drafthart.generator.emit.c_fusion import LONGEST, fuse
from drafthart.generator.emit.c_handlers import handler, slots, through
from drafthart.generator.emit.python_csrs import reset_value
from drafthart.generator.emit.python_engine import substitutes
from drafthart.generator.emit.render import render
from drafthart.generator.emit.storage import COMMON, is_stored, members
from drafthart.generator.emit.watched import WATCHED, bits_read
from drafthart.generator.errors import DrafthartError
from drafthart.generator.language.c import Watched, emit_function, prototype
from drafthart.generator.language.c_expressions import literal
from drafthart.generator.language.c_names import c_name
from drafthart.generator.language.check import check_engine
from drafthart.generator.language.ir import Program, TypedFunction
from drafthart.generator.spec.model import CSR, ISA, Function, Instruction


def emit_c(isa: ISA) -> str:
    """The text of the file. Raises `DrafthartError` for what does not check or has no C form."""
    program = check_engine(isa)
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
    # Behind those of the decoder: jumps in blocks that go on at their targets.
    jumps = [it for it in handlers if it.target]
    handlers += [through(it) for it in jumps]
    numbered = sorted(isa.csr_at.values(), key=lambda csr: csr.address or 0)
    return render(
        "engine.c.j2",
        isa=isa,
        members=members(isa),
        resets=_resets(isa),
        prototypes=[prototype(function) + ";" for function in program.functions.values()],
        functions=_functions(isa, program, watched),
        banks={it.mnemonic: _bank(it) for it in isa.instructions.values()},
        stored=[
            (csr, storage(csr))
            for csr in isa.csrs.values()
            if csr.address is not None and is_stored(csr) and not csr.array
        ],
        csr_functions=[
            lines
            for csr in isa.csrs.values()
            for lines in csr_functions(isa, program, csr, watched)
        ],
        numbered=numbered,
        substitutes=substitutes(isa),
        tags=_tags(isa),
        handlers=handlers,
        fused=fuse(handlers),
        longest_fused=LONGEST,
        jumps=[(index[it.mnemonic], len(index) + at, it.target) for at, it in enumerate(jumps)],
        entries=entries(program),
        invocations={name: _invocation(program, name) for name in entries(program)},
        decode=decode_function(isa, index, fill),
        expand=expand_function(isa),
    )


def _functions(isa: ISA, program: Program, watched: Watched) -> list[list[str]]:
    """The spec's functions, those whose answers may be kept behind one that has kept them."""
    found = []
    caches = 0
    for function in program.functions.values():
        lines = _noted(function, emit_function(function, program.effects, watched))
        item = isa.functions.get(function.base)
        if item is not None and item.cache:
            own = prototype(function)
            renamed = own.replace(" fn_", " uncached_", 1)
            lines = [line.replace(own, renamed, 1) for line in lines]
            lines += _cached(item, function, caches)
            caches += 1
        found.append(lines)
    return found


def _cached(item: Function, function: TypedFunction, number: int) -> list[str]:
    first, *others = item.cache
    widths = {local.name: local.width for local in function.parameters}
    key = f"({c_name(first)} & PAGE_MASK)"
    at = 0
    for name in others:
        key += f" | {c_name(name)} << {at}"
        at += widths[name]
    key += f" | {number}ull << {at}"
    if at + number.bit_length() > 12 or function.returns != 64 or widths[first] != 64:
        raise DrafthartError(
            f"{function.place}: the answers of {item.name} cannot be kept: its first parameter and "
            "the result must have 64 bits, the others fewer than 12 in all"
        )
    arguments = ", ".join(["h", *(c_name(local.name) for local in function.parameters)])
    return [
        "",
        f"{prototype(function)} {{",
        f"    u64 key = {key};",
        "    const Answer *answer = kept_answer(h, key);",
        f"    if (LIKELY(answer != NULL)) return answer->page | ({c_name(first)} & (PAGE - 1));",
        f"    u64 found = TRY(0, uncached_{function.name}({arguments}));",
        "    keep_answer(h, key, found);",
        "    return found;",
        "}",
    ]


def _noted(function: TypedFunction, lines: list[str]) -> list[str]:
    """The function; where it checks an access, with a word to who watches, before anything else."""
    if not function.name.startswith("check_physical__"):
        return lines
    physical, access, address, *_ = (it.name for it in function.parameters)
    call = f"    if (UNLIKELY(h->watching)) note_access(h, {physical}, {access}, {address});"
    begin = next(at for at, line in enumerate(lines) if line.endswith("{")) + 1
    return [*lines[:begin], call, *lines[begin:]]


def _bank(instruction: Instruction) -> str:
    """Which registers it writes, as a C character: x, f, or none."""
    operands = instruction.encoding.operands if instruction.encoding else ()
    return "'x'" if "rd" in operands else "'f'" if "frd" in operands else "0"


def entries(program: Program) -> list[str]:
    """The functions that the host may call by number: entries, and those that take nothing."""
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
    csrs = [csr for csr in isa.csrs.values() if is_stored(csr)]
    return lines + [f"{storage(csr)} = {literal(reset_value(csr))};" for csr in csrs]


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
