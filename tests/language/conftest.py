"""A small ISA made by hand, and a hart for what is emitted from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from drafthart.generator.language.check import check_isa
from drafthart.generator.language.ir import Program
from drafthart.generator.language.python import HELPERS, emit_function, emit_operation
from drafthart.generator.spec.model import (
    CSR,
    ISA,
    Cause,
    Constant,
    Encoding,
    Field,
    Function,
    Instruction,
    Operand,
    Parameter,
    Piece,
    Place,
    Source,
    State,
    Status,
    View,
)

HERE = Place("spec.yaml", 1, 1)
TEXT = Place("spec.yaml", 10, 5)
"""Where operations begin."""


class EndInstruction(Exception):
    """What ends an instruction."""


def field(name: str, high: int, low: int, **attributes: Any) -> Field:
    given = {"kind": "WARL", "legal": None, "reset": 0, "write": None, "read": None}
    given |= {"flush": False, "tagged": False, "doc": "", "place": HERE, "origin": ""}
    given |= attributes
    for name_ in ("read", "write"):
        if isinstance(given[name_], str):
            given[name_] = Source(given[name_], TEXT)
    return Field(name=name, high=high, low=low, **given)


def csr(name: str, fields: tuple[Field, ...] = (), **attributes: Any) -> CSR:
    given = {"address": None, "mode": "M", "width": 64, "constant": None, "substitutes": None}
    given |= {"view": None, "read": None, "write": None, "access": None, "array": None}
    given |= {"index": 0, "doc": "", "place": HERE, "origin": ""}
    given |= attributes
    for key in ("read", "write", "access"):
        if isinstance(given[key], str):
            given[key] = Source(given[key], TEXT)
    return CSR(name=name, fields={one.name: one for one in fields}, **given)


def operand(name: str, kind: str, width: int | None, signed: bool = False) -> Operand:
    return Operand(name, kind, width, 0, signed, False, None, "", HERE)


OPERANDS = {
    "rd": operand("rd", "register", 5),
    "rs1": operand("rs1", "register", 5),
    "rs2": operand("rs2", "register", 5),
    "imm": operand("imm", "immediate", None, signed=True),
    "shamt": operand("shamt", "immediate", 6),
    "csr": operand("csr", "csr", 12),
    "aq": operand("aq", "ordering", 1),
}
_PIECES = {
    "rd": Piece("rd", 4, 0, 7),
    "rs1": Piece("rs1", 4, 0, 15),
    "rs2": Piece("rs2", 4, 0, 20),
    "imm": Piece("imm", 11, 0, 20),
    "shamt": Piece("shamt", 5, 0, 20),
    "csr": Piece("csr", 11, 0, 20),
    "aq": Piece("aq", 0, 0, 26),
}


def default_csrs() -> list[CSR]:
    mstatus = csr(
        "mstatus",
        (
            field("MIE", 3, 3),
            field("MPP", 12, 11),
            field("TVM", 20, 20),
            field("SD", 63, 63, kind="RO", read="mstatus.MPP == 3"),
        ),
    )
    return [
        mstatus,
        csr("mepc"),
        csr("satp", (field("MODE", 63, 60, flush=True), field("ASID", 59, 44))),
        csr("small", (field("ALL", 31, 0), field("LOW", 7, 0)), width=32),
        csr("sstatus", view=View("mstatus", {"MIE": "MIE"})),
        csr("misa", (field("A", 0, 0),), constant=5),
        *(csr(f"pmpaddr{i}", (field("TOP", 63, 62),), array="pmpaddr", index=i) for i in range(4)),
        *(csr(f"pmpcfg{i}", array="pmpcfg", index=i) for i in (0, 2)),
    ]


def build(
    functions: Mapping[str, tuple[Mapping[str, str], str | None, str]] | None = None,
    instructions: Mapping[str, tuple[str, str]] | None = None,
    csrs: list[CSR] | None = None,
    *,
    numbers: Mapping[str, int] | None = None,
    entries: tuple[str, ...] = (),
    ends: tuple[str, ...] = (),
    xlen: int = 64,
    changes: Mapping[str, Any] | None = None,
) -> ISA:
    """Functions are (parameters, returns, text), instructions (operands, text)."""
    isa = ISA(
        id="test@1",
        title="",
        status=Status.DRAFT,
        date="",
        commit="",
        xlen=xlen,
        constants={
            name: Constant(name, value, "", HERE)
            for name, value in ({"LOAD": 0, "STORE": 1} | dict(numbers or {})).items()
        },
        parameters={"ZERO": Parameter("ZERO", 0, 0, (0, 1), "", HERE, "")},
        state={
            "mode": State("mode", 2, 0, 3, "", HERE),
            "V": State("V", 1, 0, 0, "", HERE),
            "counter": State("counter", 64, 0, 0, "", HERE),
            "table": State("table", 16, 5, 0, "", HERE),
        },
        operands=OPERANDS,
        instructions={
            name: Instruction(
                name,
                "I",
                Encoding(32, 0x7F, 0x13, tuple(_PIECES[one] for one in operands.split()), ()),
                "",
                Source(text, TEXT),
                None,
                "",
                HERE,
                "",
            )
            for name, (operands, text) in (instructions or {}).items()
        },
        pseudoinstructions={},
        csrs={one.name: one for one in (default_csrs() if csrs is None else csrs)},
        causes={2: Cause(2, "illegal instruction", "ILLEGAL_INSTRUCTION", "", HERE, "")},
        interrupts={},
        functions={
            name: Function(
                name,
                parameters,
                returns,
                name in ends,
                name in entries,
                Source(text, TEXT),
                "",
                HERE,
                "",
            )
            for name, (parameters, returns, text) in (functions or {}).items()
        },
        rules={},
    )
    return replace(isa, **changes) if changes else isa


class Hart(SimpleNamespace):
    """State as the engines lay it out, and primitives that record what is asked of them."""

    def __init__(self, **state: Any) -> None:
        super().__init__(
            x=[0] * 32,
            pc=0x1000,
            next_pc=0x1004,
            instruction=0x13,
            expanded=0x13,
            mode=3,
            V=0,
            counter=0,
            table=[0] * 5,
            mstatus=0,
            mepc=0,
            satp=0,
            small=0,
            pmpaddr=[0] * 4,
            pmpcfg=[0] * 3,
            memory={},
            log=[],
        )
        self.__dict__.update(state)

    def _logged(self, *entry: Any) -> None:
        self.log.append(entry)

    def read_physical(self, address: int, size: int) -> int:
        self._logged("read", address, size)
        return sum(self.memory.get(address + i, 0) << 8 * i for i in range(size))

    def write_physical(self, address: int, size: int, value: int) -> None:
        self._logged("write", address, size, value)
        for i in range(size):
            self.memory[address + i] = value >> 8 * i & 255

    def physical_exists(self, address: int, size: int) -> int:
        return int(address >= 0x8000_0000 and size > 0)

    def csr_exists(self, number: int) -> int:
        return int(number < 0x800)

    def csr_check(self, number: int, write: int) -> None:
        self._logged("csr_check", number, write)

    def csr_substitute(self, number: int) -> int:
        return number ^ 1

    def csr_read(self, number: int) -> int:
        self._logged("csr_read", number)
        return number << 1

    def csr_write(self, number: int, value: int) -> None:
        self._logged("csr_write", number, value)

    def time(self) -> int:
        return 1234

    def retired(self) -> int:
        return 99

    def flush_translations(self) -> None:
        self._logged("flush_translations")

    def flush_instructions(self) -> None:
        self._logged("flush_instructions")

    def wait_for_interrupt(self) -> None:
        self._logged("wait_for_interrupt")


def emit(program: Program) -> str:
    """The text of everything, as a module."""
    lines = [HELPERS]
    for function in program.functions.values():
        lines += emit_function(function)
    for name, operation in program.instructions.items():
        parameters = [local.name for local in operation.parameters]
        lines += emit_operation(f"run_{name}", parameters, operation)
    return "\n".join(lines)


def load(program: Program) -> SimpleNamespace:
    """Everything, to be called."""
    space: dict[str, Any] = {"EndInstruction": EndInstruction}
    exec(compile(emit(program), "<emitted>", "exec"), space)
    return SimpleNamespace(**space)


def call(
    text: str,
    parameters: Mapping[str, str],
    returns: str | None,
    *arguments: int,
    hart: Hart | None = None,
    **options: Any,
) -> Any:
    """Check, emit and call one function, beside others in `functions`."""
    others = options.pop("functions", {})
    isa = build({"f": (parameters, returns, text), **others}, entries=("f",), **options)
    return load(check_isa(isa)).f(hart or Hart(), *arguments)


@pytest.fixture
def kit() -> SimpleNamespace:
    """All of the above."""
    names: dict[str, Callable[..., Any]] = {
        "build": build,
        "call": call,
        "csr": csr,
        "field": field,
        "load": load,
        "emit": emit,
        "check": check_isa,
        "Hart": Hart,
        "EndInstruction": EndInstruction,
        "View": View,
        "operand": operand,
    }
    return SimpleNamespace(**names)
