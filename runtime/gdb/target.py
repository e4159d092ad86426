"""What gdb can see of the hart: its registers, described to gdb from the resolved revision.

The general registers, pc and floating-point registers have the names that gdb wants. All CSRs of
the revision follow under the names that the draft gives them, with their fields, and `priv` and `V`
for the mode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import quoteattr

from drafthart.generator.assembly.registers import ABI_NAMES, FLOAT_ABI_NAMES
from drafthart.generator.spec.model import CSR, ISA
from drafthart.runtime.machine import Machine
from drafthart.runtime.shadow import Shadow
from drafthart.runtime.state import mode_name

PC = 32
_FIRST_FLOAT = 33
_FIRST_CSR = 65
_PRIV = _FIRST_CSR + (1 << 12)
_V = _PRIV + 1
_FIRST_UNNUMBERED = _V + 1
"""CSRs to which the draft gives no number."""

_GENERAL_TYPES = {1: "code_ptr", 2: "data_ptr", 3: "data_ptr", 4: "data_ptr", 8: "data_ptr"}
_FLOATS = ("F", 32)
"""The state that holds floating-point registers, and how many."""


class Refusal(Exception):
    """The register cannot be set to this."""


@dataclass(frozen=True, slots=True)
class Register:
    """A register by gdb's number; `type` is gdb's name of how to show its `width` bits."""

    number: int
    name: str
    width: int
    type: str
    group: str
    read: Callable[[], int]
    write: Callable[[int], None]


class Target:
    """The registers of the hart that `shadow` asks about, and their description in XML."""

    def __init__(self, machine: Machine, shadow: Shadow) -> None:
        self._machine = machine
        self._shadow = shadow
        found = [*self._general(), *self._floats(), *self._csrs(), *self._virtual()]
        self.registers = {register.number: register for register in found}
        self.description = _describe(machine.isa, found)

    @property
    def _hart(self) -> Any:
        return self._shadow.subject

    @property
    def general(self) -> list[Register]:
        """Those of a `g` packet: x0 to x31 and pc."""
        return [self.registers[number] for number in range(PC + 1)]

    def _general(self) -> Iterator[Register]:
        xlen = self._machine.isa.xlen
        for number, name in enumerate(ABI_NAMES):
            shown = _GENERAL_TYPES.get(number, "int")
            yield self._element("x", number, Register, number, name, xlen, shown, "general")
        yield Register(
            PC, "pc", xlen, "code_ptr", "general", lambda: int(self._hart.pc), self._jump
        )

    def _element(
        self, array: str, index: int, make: Any, number: int, name: str, width: int, *rest: str
    ) -> Register:
        """A register that is element `index` of an array of the hart."""

        def read() -> int:
            return int(getattr(self._hart, array)[index])

        def write(value: int) -> None:
            if (array, index) != ("x", 0):
                getattr(self._hart, array)[index] = value & ((1 << width) - 1)

        made: Register = make(number, name, width, *rest, read, write)
        return made

    def _jump(self, address: int) -> None:
        self._hart.pc = address & ~1
        self._hart.sleeping = False

    def _floats(self) -> Iterator[Register]:
        name, count = _FLOATS
        state = self._machine.isa.state.get(name)
        if state is None or state.count != count:
            return
        shown = "ieee_single" if state.width == 32 else "riscv_double"
        for index, label in enumerate(FLOAT_ABI_NAMES):
            number = _FIRST_FLOAT + index
            yield self._element(name, index, Register, number, label, state.width, shown, "float")

    def _csrs(self) -> Iterator[Register]:
        unnumbered = _FIRST_UNNUMBERED
        for csr in self._machine.isa.csrs.values():
            if csr.address is None:
                number = unnumbered
                unnumbered += 1
            else:
                number = _FIRST_CSR + csr.address
            yield self._csr(number, csr)

    def _csr(self, number: int, csr: CSR) -> Register:
        def read() -> int:
            return self._shadow.read_csr(csr)

        def write(value: int) -> None:
            self._shadow.write_csr(csr, value)

        shown = _fields_type(csr) if _has_fields(csr) else f"uint{csr.width}"
        return Register(number, csr.name, csr.width, shown, "csr", read, write)

    def _virtual(self) -> Iterator[Register]:
        yield Register(
            _PRIV, "priv", 8, "uint8", "virtual", lambda: int(self._hart.mode), self._set_mode
        )
        if "V" in self._machine.isa.state:
            yield Register(_V, "V", 8, "uint8", "virtual", lambda: int(self._hart.V), self._refuse)

    def _set_mode(self, mode: int) -> None:
        numbers = self._machine.isa.numbers
        legal = {numbers[name] for name in ("U", "S", "M") if name in numbers}
        if mode not in legal or (mode == numbers["M"] and bool(getattr(self._hart, "V", 0))):
            raise Refusal(f"no mode {mode} from {mode_name(self._machine.isa, self._hart)}")
        self._hart.mode = mode
        self._machine.flush()

    def _refuse(self, value: int) -> None:
        # What else changes with V differs between drafts: some swap CSRs.
        raise Refusal("V changes by traps and their returns only")


def _has_fields(csr: CSR) -> bool:
    """Is there more to see than one number?"""
    fields = list(csr.fields.values())
    return len(fields) > 1 or (len(fields) == 1 and fields[0].width < 16)


def _fields_type(csr: CSR) -> str:
    return f"{csr.name}_fields"


def _describe(isa: ISA, registers: list[Register]) -> bytes:
    features = {
        "org.gnu.gdb.riscv.cpu": ("general",),
        "org.gnu.gdb.riscv.fpu": ("float",),
        "org.gnu.gdb.riscv.csr": ("csr",),
        "org.gnu.gdb.riscv.virtual": ("virtual",),
    }
    lines = [
        '<?xml version="1.0"?>',
        '<!DOCTYPE target SYSTEM "gdb-target.dtd">',
        f"<!-- {isa.id} ({isa.status}) -->",
        '<target version="1.0">',
        f"<architecture>riscv:rv{isa.xlen}</architecture>",
        # Else gdb may take the guest for a Linux process, and step by guessing where it goes next.
        "<osabi>none</osabi>",
    ]
    for feature, groups in features.items():
        members = [register for register in registers if register.group in groups]
        if not members:
            continue
        lines.append(f"<feature name={quoteattr(feature)}>")
        if "float" in groups and members[0].width == 64:
            lines += [
                '<union id="riscv_double"><field name="float" type="ieee_single"/>'
                '<field name="double" type="ieee_double"/></union>'
            ]
        if "csr" in groups:
            for csr in isa.csrs.values():
                if _has_fields(csr):
                    lines += _flags(csr)
        for register in members:
            attributes = {
                "name": register.name,
                "bitsize": register.width,
                "regnum": register.number,
                "type": register.type,
                "group": register.group,
                **({"save-restore": "no"} if register.group in ("csr", "virtual") else {}),
            }
            shown = " ".join(f"{key}={quoteattr(str(it))}" for key, it in attributes.items())
            lines.append(f"<reg {shown}/>")
        lines.append("</feature>")
    lines.append("</target>")
    return "\n".join(lines).encode()


def _flags(csr: CSR) -> Iterator[str]:
    yield f"<flags id={quoteattr(_fields_type(csr))} size='{csr.width // 8}'>"
    for field in sorted(csr.fields.values(), key=lambda field: field.low):
        yield f"<field name={quoteattr(field.name)} start='{field.low}' end='{field.high}'/>"
    yield "</flags>"
