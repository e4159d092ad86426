"""The python engine's module: state, functions, CSRs, instructions and decoder of one ISA."""

from __future__ import annotations

from dataclasses import dataclass

from drafthart.generator.emit.python_csrs import csr_functions, reset_value
from drafthart.generator.emit.python_decoder import decode_function, expand_function
from drafthart.generator.emit.render import render, stability_line
from drafthart.generator.emit.storage import is_stored, slot
from drafthart.generator.emit.watched import WATCHED, bits_read, bits_written
from drafthart.generator.language.check import check_engine
from drafthart.generator.language.ir import (
    Assign,
    Call,
    Program,
    State,
    TypedOperation,
    own_expressions,
    statements,
    walk,
)
from drafthart.generator.language.python import HELPERS, emit_function, emit_operation
from drafthart.generator.language.template import Template, emit_template
from drafthart.generator.spec.model import ISA, Instruction, Status

_CURRENT = ("pc", "next_pc", "instruction", "expanded")
"""What tells an operation which instruction it is of."""


@dataclass(frozen=True, slots=True)
class _Operation:
    mnemonic: str
    function: str
    operands: tuple[str, ...]
    kind: str
    current: tuple[str, ...]
    memory: bool
    lines: list[str]
    templates: tuple[Template, Template] | None


def emit_python(isa: ISA, *, to_import: bool = False) -> str:
    """The text of the module. Raises `DrafthartError` for an operation that does not check.

    With `to_import` it is for others: that of an unratified revision is imported only by who
    opted in.
    """
    program = check_engine(isa)
    operations = [
        _operation(isa, program, isa.instructions[mnemonic], operation)
        for mnemonic, operation in program.instructions.items()
        if isa.instructions[mnemonic].encoding is not None
    ]
    index = {operation.mnemonic: number for number, operation in enumerate(operations)}
    numbered = sorted(isa.csr_at.values(), key=lambda csr: csr.address or 0)
    return render(
        "engine.py.j2",
        isa=isa,
        stability=stability_line(isa),
        to_import=to_import and isa.status is not Status.RATIFIED,
        helpers=HELPERS,
        slots=_slots(isa),
        resets=_resets(isa),
        substitutes=substitutes(isa),
        functions=[emit_function(function) for function in program.functions.values()],
        csr_functions=[
            lines for csr in isa.csrs.values() for lines in csr_functions(isa, program, csr)
        ],
        numbered=numbered,
        operations=operations,
        decode=decode_function(isa, index),
        expand=expand_function(isa),
        left_by_translation=sorted(_left_by(program, "translate_fetch", "translate_data")),
    )


def _operation(
    isa: ISA, program: Program, instruction: Instruction, operation: TypedOperation
) -> _Operation:
    assert instruction.encoding is not None
    name = "_insn_" + instruction.mnemonic.replace(".", "_")
    operands = instruction.encoding.operands
    taken = emit_template(operation, rd_zero=False)
    dropped = emit_template(operation, rd_zero=True)
    kind: str = operation.kind
    if kind == "system" and _is_unwatched(program, operation):
        kind = "call"
    effects = operation.effects
    return _Operation(
        instruction.mnemonic,
        name,
        operands,
        kind,
        tuple(name for name in _CURRENT if name in effects.reads),
        bool((effects.reads | effects.writes) & {"memory", "physical"}),
        emit_operation(name, list(operands), operation),
        (taken, dropped) if taken is not None and dropped is not None else None,
    )


def _is_unwatched(program: Program, operation: TypedOperation) -> bool:
    """Does the operation leave alone all that the engine's loop looks at between blocks?

    Within a block it cannot tell the time either, nor reach CSRs by number.
    """
    effects = operation.effects
    looked_at = {"next_pc", "pc", "csrs", "translations", "instructions", "wait"}
    if effects.writes & looked_at or effects.reads & {"time", "csrs"}:
        return False
    watched = bits_read(program, WATCHED)
    written = bits_written(program, operation)
    return not any(mask & watched.get(name, 0) for name, mask in written.items())


def _left_by(program: Program, *functions: str) -> set[str]:
    """State that the functions write without ending the instruction."""
    found: set[str] = set()
    waiting, seen = list(functions), set[str]()
    while waiting:
        function = program.functions[waiting.pop()]
        # What ends the instruction leaves what it writes to the trap.
        if function.name in seen or function.ends:
            continue
        seen.add(function.name)
        for statement in statements(function.body):
            if isinstance(statement, Assign) and isinstance(statement.target, State):
                found.add(statement.target.name)
            for expression in own_expressions(statement):
                waiting += [node.function for node in walk(expression) if isinstance(node, Call)]
    return found


def _slots(isa: ISA) -> list[str]:
    """Attributes of the hart: state, then CSRs, arrays once."""
    names = [name for name in isa.state if name not in _BUILT_IN]
    return list(
        dict.fromkeys([*names, *(slot(csr) for csr in isa.csrs.values() if is_stored(csr))])
    )


_BUILT_IN = ("interrupt_lines",)
"""State that every hart has; see runtime/hart.py."""


def _resets(isa: ISA) -> list[tuple[str, str]]:
    resets = {}
    for state in isa.state.values():
        value = f"{state.reset:#x}"
        resets[state.name] = f"[{value}] * {state.count}" if state.count else value
    arrays: dict[str, dict[int, int]] = {}
    for csr in isa.csrs.values():
        if not is_stored(csr):
            continue
        if csr.array:
            arrays.setdefault(csr.array, {})[csr.index] = reset_value(csr)
        else:
            resets[csr.name] = f"{reset_value(csr):#x}"
    for name, values in arrays.items():
        # An array is as long as its highest index: mhpmcounter begins at 3.
        resets[name] = repr([values.get(index, 0) for index in range(max(values) + 1)])
    return [(name, value) for name, value in resets.items() if name not in _BUILT_IN]


def substitutes(isa: ISA) -> list[tuple[int, int]]:
    """Pairs (number used in VS-mode, number reached)."""
    pairs = []
    for csr in isa.csrs.values():
        if csr.substitutes is not None and csr.address is not None:
            other = isa.csrs[csr.substitutes].address
            if other is not None:
                pairs.append((other, csr.address))
    return sorted(pairs)
