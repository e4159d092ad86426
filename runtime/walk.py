"""A translation step by step, as the spec's own functions make it on a copy of the hart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.runtime.explained_trap import ExplainedTrap, TrapExplainer
from drafthart.runtime.hart import EndInstruction
from drafthart.runtime.machine import Machine
from drafthart.runtime.observer import Call, Observer, Read
from drafthart.runtime.reasons import Reasons
from drafthart.runtime.shadow import Shadow
from drafthart.runtime.state import mode_name
from drafthart.runtime.transitions import Taken

ACCESSES = {
    "load": ("LOAD", False),
    "store": ("STORE", False),
    "fetch": ("FETCH", False),
    "hlv": ("LOAD", True),
    "hlvx": ("LOAD_EXECUTABLE", True),
    "hsv": ("STORE", True),
}
"""Kinds of access: the spec's name, and whether the hypervisor makes it as its guest would."""

_STAGES = {"walk_page_table": "VS-stage", "walk_g_stage": "G-stage"}
_WITHOUT_WALK = {"translate_vs_stage": "VS-stage", "translate_g_stage": "G-stage"}
_GUEST = 4
"""The bit of a privilege that says that the access is a guest's; the spec's VIRTUAL."""


@dataclass(frozen=True, slots=True)
class Check:
    """A question of the spec about an entry or address, its answer, and the reason for that.

    `condition` is what decided, in the spec's operation language.
    """

    function: str
    question: str
    answer: int
    condition: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Where the translation ended: the function, the condition, and the rules it stands for."""

    function: str
    condition: str
    checks: tuple[Check, ...]
    rules: tuple[str, ...]


@dataclass(slots=True)
class Entry:
    """A page-table entry. `address` is as the walk has it: guest physical at the VS-stage.

    `physical` and `value` are None where it could not be read. `flags` are the names of its bits
    that are set. It `leads` to the next table, or as a leaf to the frame.
    """

    level: int
    address: int
    stage: Stage | None = None
    physical: int | None = None
    value: int | None = None
    flags: tuple[str, ...] = ()
    leaf: bool = False
    leads: int | None = None
    checks: list[Check] = field(default_factory=list)
    updated: int | None = None
    refusal: Refusal | None = None


@dataclass(slots=True)
class Stage:
    """One stage of a translation, or of that of the address of an entry.

    If it is `off`, the address goes through. `what` is what the spec says of it.
    """

    name: str
    what: str
    source: int
    result: int | None
    entries: list[Entry] = field(default_factory=list)
    refusal: Refusal | None = None
    off: bool = False


@dataclass(frozen=True, slots=True)
class Walk:
    """A translation. `physical` is where it leads, or `trap` the trap that it would be."""

    address: int
    access: str
    mode: str
    stages: tuple[Stage, ...]
    physical: int | None
    refusal: Refusal | None
    trap: ExplainedTrap | None


class Walker:
    """Explains translations of a hart of `machine`, which stays as it is."""

    def __init__(self, machine: Machine, hart: int = 0) -> None:
        self._isa: ISA = machine.isas[hart]
        self._shadow = Shadow(machine, hart)
        self._module = self._shadow.module
        self._observer = Observer(self._isa, self._module)
        self._reasons = Reasons(self._isa, self._module)
        self._flags = [
            (constant.name.removeprefix("PTE_"), constant.value)
            for constant in self._isa.constants.values()
            if constant.name.startswith("PTE_")
        ]

    def walk(self, address: int, access: str = "load", mode: str | None = None) -> Walk:
        """Translate as `mode` (M, HS, S, U, VS, VU; None: where the hart is) would for `access`."""
        isa, module, shadow = self._isa, self._module, self._shadow
        kind, as_guest = ACCESSES[access]
        if as_guest and "virtual_machine_privilege" not in isa.functions:
            raise DrafthartError(
                f"{access}: {isa.id} has no such instructions; name load, store or fetch, "
                "and the guest's mode"
            )
        shadow.refresh()
        hart = shadow.hart
        if mode is not None:
            self._enter(hart, mode)
        name = mode_name(isa, hart).removesuffix("-mode")
        refused = False
        physical = None
        shadow.on_read = self._observer.read
        try:
            with self._observer.watching() as root:
                try:
                    if as_guest:
                        privilege = module["virtual_machine_privilege"](hart)
                        physical = module["translate"](hart, address, isa.numbers[kind], privilege)
                    elif kind == "FETCH":
                        physical = module["translate_fetch"](hart, address)
                    else:
                        physical = module["translate_data"](hart, address, isa.numbers[kind])
                except EndInstruction:
                    refused = True
        finally:
            shadow.on_read = None
        path = _path(root) if refused else []
        stages = tuple(self._stages(root.calls, path))
        found = any(stage.refusal or _refused(stage) for stage in stages)
        refusal = self._refusal(path) if refused and not found else None
        trap = self._trap(hart) if refused else None
        return Walk(address, access, name, stages, physical, refusal, trap)

    def _enter(self, hart: Any, mode: str) -> None:
        isa = self._isa
        virtual = mode.startswith("V")
        if virtual and "V" not in isa.state:
            raise DrafthartError(f"{mode}: {isa.id} has no such mode")
        if "V" in isa.state:
            # In early drafts a guest's registers change places with the hypervisor's.
            switch = "enter_guest" if virtual else "leave_guest"
            if bool(hart.V) != virtual and switch in self._module:
                self._module[switch](hart)
            hart.V = int(virtual)
        hart.mode = isa.numbers[mode[-1]]

    # Stages and entries.

    def _stages(self, calls: list[Call], path: list[Call]) -> Iterator[Stage]:
        """The outermost walks below these calls, and stages that are off."""
        for call in calls:
            if call.function in _STAGES:
                yield self._stage(call, path)
                continue
            inner = list(self._stages(call.calls, path))
            if not inner and call.function in _WITHOUT_WALK:
                name = _WITHOUT_WALK[call.function]
                source = next(iter(call.arguments.values()))
                what = self._isa.functions[call.function].doc
                yield Stage(name, what, source, call.result, off=True)
            yield from inner

    def _stage(self, call: Call, path: list[Call]) -> Stage:
        name = _STAGES[call.function]
        if name == "VS-stage" and not call.arguments.get("privilege", 0) & _GUEST:
            name = "page tables"
        source = call.arguments["guest" if "guest" in call.arguments else "address"]
        stage = Stage(name, self._isa.functions[call.function].doc, source, call.result)
        levels = int(call.values.get("levels", 0))
        entry: Entry | None = None
        for child in call.calls:
            if "entry" in child.arguments and "pte" not in child.arguments:
                entry = self._entry(child, levels - 1 - len(stage.entries), path)
                stage.entries.append(entry)
            elif entry is not None:
                self._add(entry, child)
        if call in path:
            refusal = self._refusal(path[path.index(call) :])
            if entry is None:
                stage.refusal = refusal
            elif entry.stage is None or not _refused(entry.stage):
                entry.refusal = refusal
        return stage

    def _entry(self, call: Call, level: int, path: list[Call]) -> Entry:
        entry = Entry(level, call.arguments["entry"])
        entry.stage = next(self._stages(call.calls, path), None)
        for read in _reads(call):
            entry.physical, entry.value = read.physical, read.value
            entry.flags = tuple(name for name, mask in self._flags if read.value & mask)
        return entry

    def _add(self, entry: Entry, call: Call) -> None:
        """What was asked about the entry, and where it leads."""
        returns = self._isa.functions[call.function].returns
        if call.function == "pte_frame":
            entry.leads = call.result
        elif next(iter(call.arguments), "") == "entry":
            entry.updated = call.arguments["pte"]
        elif returns == "1" and call.result is not None:
            entry.checks.append(self._check(call))
            if call.function == "pte_is_leaf":
                entry.leaf = bool(call.result)
        elif entry.leaf:
            for child in call.calls:
                self._add(entry, child)

    # Reasons.

    def _check(self, call: Call) -> Check:
        assert call.result is not None
        # A function that just asks another one leaves the reason to it.
        last = call
        while last.calls and self._isa.functions[last.calls[-1].function].returns == "1":
            if last.calls[-1].result != last.result or f"{last.calls[-1].function}(" not in (
                self._reasons.of(last)
            ):
                break
            last = last.calls[-1]
        return Check(
            call.function,
            self._isa.functions[call.function].doc,
            call.result,
            self._reasons.of(last),
            self._rules(last) or self._rules(call),
        )

    def _refusal(self, path: list[Call]) -> Refusal:
        """The function that decided to end the translation is the last before those that raise."""
        raising = next(
            (at for at, call in enumerate(path) if self._isa.functions[call.function].ends),
            len(path),
        )
        call = path[max(raising - 1, 0)]
        condition = self._reasons.of(call)
        checks = tuple(
            self._check(it)
            for it in call.calls
            if self._isa.functions[it.function].returns == "1"
            and it.result is not None
            and f"{it.function}(" in condition
        )[-1:]
        rules = [rule for check in checks for rule in check.rules] or list(self._rules(call))
        return Refusal(call.function, condition, checks, tuple(dict.fromkeys(rules)))

    def _rules(self, call: Call) -> tuple[str, ...]:
        id_ = f"fn:{call.function}"
        return tuple(f"rule:{rule.id}" for rule in self._isa.rules.values() if id_ in rule.by)

    def _trap(self, hart: Any) -> ExplainedTrap:
        """The trap that the access would be, taken on the copy."""
        before = _number(hart)
        self._module["take_exception"](hart)
        explainer = TrapExplainer(self._isa)
        return explainer.explain(
            Taken(before, _number(hart), False, lambda name: getattr(hart, name))
        )


def _path(root: Call) -> list[Call]:
    """The calls that the exception left, outermost first: each is the last of the one before."""
    found: list[Call] = []
    calls = root.calls
    while calls:
        found.append(calls[-1])
        calls = calls[-1].calls
    return found


def _reads(call: Call) -> Iterator[Read]:
    """Reads below the call that no walk within it made."""
    for child in call.children:
        if isinstance(child, Read):
            yield child
        elif child.function not in _STAGES:
            yield from _reads(child)


def _refused(stage: Stage) -> bool:
    """Did the translation end in this stage?"""
    if stage.refusal is not None:
        return True
    return any(
        entry.refusal is not None or (entry.stage is not None and _refused(entry.stage))
        for entry in stage.entries
    )


def _number(hart: Any) -> int:
    return int(getattr(hart, "V", 0)) << 2 | int(hart.mode)
