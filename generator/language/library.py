"""What operations can refer to: the ISA's names, and the functions they call.

A call asks for a specialisation here and gets its signature at once; the body is checked later,
so that neither long chains of calls nor cycles can exhaust anything.
"""

from __future__ import annotations

import difflib
import graphlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from drafthart.generator.errors import DrafthartError
from drafthart.generator.language.parse import MAX_BITS
from drafthart.generator.language.primitives import ENGINE_NAMES, PRIMITIVES, Signature
from drafthart.generator.spec.model import CSR, ISA, Field, Function, Place
from drafthart.generator.spec.names import is_name

MAX_SPECIALISATIONS = 64
BUILTINS = ("zext", "sext", "cat", "signed", "range")
SPECIALS = ("pc", "next_pc", "instruction", "expanded")

Widths = Callable[[str, Mapping[str, int], Place], int]
"""Evaluates the text of a width, given static arguments."""


@dataclass(frozen=True, slots=True)
class Callee:
    """A function or primitive as its caller sees it: dynamic parameters and the result."""

    name: str
    base: str
    statics: Mapping[str, int]
    parameters: Mapping[str, int]
    returns: int | None
    ends: bool


@dataclass(frozen=True, slots=True)
class Storage:
    """A CSR with its instances: one under index -1, or those of an array by their index."""

    name: str
    instances: Mapping[int, CSR]

    @property
    def first(self) -> CSR:
        """Any instance, for what all of them share."""
        return next(iter(self.instances.values()))

    @property
    def is_array(self) -> bool:
        """Is it used with an index?"""
        return -1 not in self.instances

    @property
    def count(self) -> int:
        """Elements of the array, gaps included; 0 for a single CSR."""
        return max(self.instances) + 1 if self.is_array else 0


class Library:
    """The names of an ISA, and the specialisations asked for."""

    def __init__(self, isa: ISA, widths: Widths) -> None:
        self.isa = isa
        self.numbers = dict(isa.numbers)
        self.storage = _storage(isa)
        self._widths = widths
        self.callees: dict[str, Callee] = {}
        self.pending: list[Callee] = []
        self.specialisations: Counter[str] = Counter()
        """How many were asked for, by the name of the function."""
        self.computed: dict[str, tuple[str, Field]] = {}
        """Computed fields that operations read, with their CSR, by the name of their function."""
        self.calls: dict[str, set[str]] = {}
        for function in isa.functions.values():
            _check_function_name(function, self)

    def names(self) -> Iterable[str]:
        """Every name that a value can have."""
        yield from ("X", *SPECIALS)
        yield from self.numbers
        yield from self.isa.state
        yield from self.storage

    def describe(self, name: str) -> str | None:
        """What a name stands for, or None if nothing."""
        if name == "X":
            return "the integer registers"
        if name in SPECIALS:
            return "part of the hart"
        if name in self.numbers:
            return "a number"
        if name in self.isa.state:
            return "state of the hart"
        if name in self.storage:
            return "a CSR"
        if name in self.isa.functions or name in BUILTINS:
            return "a function"
        return None

    def statics(self, name: str) -> list[bool]:
        """For each parameter of a function or primitive: must it be constant?"""
        return [width == "static" for width in self._signature(name).parameters.values()]

    def callee(self, name: str, statics: Iterable[int], caller: str) -> Callee:
        """A function or primitive for these static arguments."""
        self.calls.setdefault(caller, set()).add(name)
        values = tuple(statics)
        mangled = "__".join((name, *map(str, values)))
        if mangled not in self.callees:
            callee = self._resolve(name, mangled, values)
            self.callees[mangled] = callee
            self.specialisations[name] += 1
            if name in self.isa.functions:
                self.pending.append(callee)
        return self.callees[mangled]

    def field_function(self, csr: str, field: Field, caller: str) -> str:
        """The function that computes a field."""
        name = f"field__{csr}__{field.name}"
        self.calls.setdefault(caller, set()).add(name)
        self.computed[name] = (csr, field)
        return name

    def order(self) -> list[str]:
        """All functions by name, callees first; a cycle is an error."""
        try:
            # Sets have another order in each process, and the files made from this must not.
            ordered = {caller: sorted(called) for caller, called in self.calls.items()}
            return list(graphlib.TopologicalSorter(ordered).static_order())
        except graphlib.CycleError as problem:
            cycle = problem.args[1][::-1]
        # Start where the text does, so that the message does not depend on the order of sets.
        start = cycle.index(min(cycle[1:]))
        cycle = [*cycle[start:-1], *cycle[: start + 1]]
        if cycle[0] in self.isa.functions:
            place = self.isa.functions[cycle[0]].place
        else:
            place = self.computed[cycle[0]][1].place
        names = " → ".join(name.removeprefix("field__").replace("__", ".") for name in cycle)
        raise DrafthartError(
            f"{place}: a recursion, {names}; expected functions that do not call each other in turn"
        )

    def _signature(self, name: str) -> Signature:
        if name in PRIMITIVES:
            return PRIMITIVES[name].signature
        function = self.isa.functions[name]
        return Signature(function.parameters, function.returns)

    def _resolve(self, name: str, mangled: str, values: tuple[int, ...]) -> Callee:
        signature = self._signature(name)
        function = self.isa.functions.get(name)
        place = function.place if function else Place("primitives", 1, 1)
        statics: dict[str, int] = {}
        parameters: dict[str, int] = {}
        remaining = iter(values)
        for parameter, text in signature.parameters.items():
            if text == "static":
                statics[parameter] = next(remaining)
        for parameter, text in signature.parameters.items():
            if text != "static":
                parameters[parameter] = self._widths(text, statics, place)
        returns = signature.returns
        return Callee(
            mangled,
            name,
            statics,
            parameters,
            None if returns is None else self._widths(returns, statics, place),
            function.ends if function else PRIMITIVES[name].ends,
        )

    def field(self, storage: Storage, name: str, index: int | None) -> Field | str:
        """A field of a CSR, or what is wrong with it. Index None: of any element of an array."""
        if index is None and storage.is_array:
            found = [csr.fields.get(name) for csr in storage.instances.values()]
        else:
            found = [storage.instances[-1 if index is None else index].fields.get(name)]
        first = found[0]
        if first is None:
            hint = nearest(name, storage.first.fields)
            return f"`{storage.name}` has no field `{name}`{hint}"
        for other in found:
            if other is None or (other.high, other.low) != (first.high, first.low):
                return f"field `{name}` differs between the elements of `{storage.name}`"
        return first


def nearest(name: str, names: Iterable[str]) -> str:
    """A hint at the name that was meant, or nothing."""
    close = difflib.get_close_matches(name[:64], names, 1)
    return f" (did you mean `{close[0]}`?)" if close else ""


def _storage(isa: ISA) -> dict[str, Storage]:
    instances: dict[str, dict[int, CSR]] = {}
    for csr in isa.csrs.values():
        index = -1 if csr.array is None else csr.index
        instances.setdefault(csr.array or csr.name, {})[index] = csr
    return {name: Storage(name, found) for name, found in instances.items()}


def _check_function_name(function: Function, library: Library) -> None:
    name = function.name
    taken = None
    if not is_name(name):
        taken = "no name that operations could use"
    elif name in PRIMITIVES or name in BUILTINS or name in ENGINE_NAMES:
        taken = "taken by the engines"
    elif name in library.names() and name not in library.isa.csrs:
        taken = "also that of something else"
    if taken:
        raise DrafthartError(
            f"{function.place}: the function name `{name}` is {taken}; expected another name"
        )


def check_width(width: int) -> bool:
    """Is it a width that a value can have?"""
    return 0 < width <= MAX_BITS
