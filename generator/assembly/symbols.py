"""The symbol table: labels, assigned names, numeric labels, and the names that the ISA brings."""

from __future__ import annotations

from collections.abc import Mapping

from drafthart.generator.assembly.expressions import Expression, Symbol
from drafthart.generator.assembly.sections import Value
from drafthart.generator.spec.model import ISA


def predefined(isa: ISA) -> dict[str, int]:
    """What the ISA defines: names of numbers, CSRs, field masks, and item ids with `.` for `:`.

    Items that the draft leaves without a number are left out: `.ifdef` asks what can be used.
    """
    facts = dict(isa.numbers)
    for name, instruction in isa.instructions.items():
        if instruction.encoding is not None:
            facts[f"insn.{name}"] = 1
    for csr in isa.csrs.values():
        if csr.address is None:
            continue
        facts[csr.name] = facts[f"csr.{csr.name}"] = csr.address
        for field in csr.fields.values():
            name = f"{csr.name}.{field.name}"
            facts[name] = facts[f"csr.{name}"] = field.mask
    facts |= {f"cause.{code}": code for code in isa.causes}
    facts |= {f"interrupt.{code}": code for code in isa.interrupts}
    facts |= {f"const.{constant.name}": constant.value for constant in isa.constants.values()}
    facts |= {f"param.{parameter.name}": parameter.value for parameter in isa.parameters.values()}
    facts |= {f"rule.{rule}": 1 for rule in isa.rules}
    return facts


class SymbolTable:
    """All names of a program. `here` is the place of the statement being read."""

    def __init__(self, facts: Mapping[str, int]) -> None:
        self.facts = facts
        self.names: dict[str, Symbol] = {}
        self.here = Value(None, 0)
        self.targets: dict[Value, Expression] = {}
        """What the instruction at a place takes the high part of, for `%pcrel_lo`."""
        self._previous: dict[str, Symbol] = {}
        self._next: dict[str, Symbol] = {}

    def reference(self, name: str) -> Symbol:
        """The symbol of this name, which a later line may define."""
        if name == ".":
            return Symbol(".", self.here)
        symbol = self.names.get(name)
        if symbol is None:
            symbol = self.names[name] = Symbol(name, predefined=self.facts.get(name))
        return symbol

    def numeric(self, reference: str) -> Symbol | None:
        """The symbol for `1b` or `1f`; None if no label is before."""
        number, direction = str(int(reference[:-1])), reference[-1]
        if direction == "b":
            return self._previous.get(number)
        return self._next.setdefault(number, Symbol(reference))

    def is_defined(self, name: str) -> bool:
        """Has a line before, or the ISA, defined this name?"""
        symbol = self.names.get(name)
        return name in self.facts or (symbol is not None and symbol.value is not None)

    def define_label(self, name: str) -> str | None:
        """Put a label here. Returns what speaks against it, if anything."""
        if name.isdigit():
            number = str(int(name))
            symbol = self._next.pop(number, None) or Symbol(name)
            self._previous[number] = symbol
        else:
            symbol = self.reference(name)
            if symbol.value is not None:
                return f"`{name}` is defined before; choose another name"
            if symbol.used_predefined:
                return f"`{name}` was used before as the ISA's name; choose another name"
            symbol.label = True
        symbol.value = self.here
        return None

    def assign(self, name: str, value: Value | Expression) -> str | None:
        """Give a name a value, perhaps a new one. Returns what speaks against it, if anything."""
        symbol = self.reference(name)
        if symbol.label:
            return f"`{name}` is a label already; choose another name"
        if symbol.value is not None:
            self.names[name] = Symbol(name, value)
        else:
            symbol.value = value
        return None
