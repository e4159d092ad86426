"""Two revisions run the same guest side by side, until what they do parts.

Compared is what each instruction did: where it was, in which mode, what it left in a register, and
which traps came before it. CSRs are not: they may differ unseen for long, so those that differ are
told where the runs part.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from drafthart.generator.assembly import Disassembler
from drafthart.generator.assembly.registers import ABI_NAMES, FLOAT_ABI_NAMES
from drafthart.generator.diff.findings import Comparison, Finding, compare, kind_of
from drafthart.generator.diff.items import PREFIXES
from drafthart.generator.spec.model import ISA
from drafthart.runtime.blocks import Decoded
from drafthart.runtime.boot import Images
from drafthart.runtime.engines import python_engine
from drafthart.runtime.gate import Stability
from drafthart.runtime.last_trap import Trap, last_trap
from drafthart.runtime.machine import Machine, Outcome
from drafthart.runtime.observer import Call, Observer
from drafthart.runtime.python_engine import PythonEngine
from drafthart.runtime.state import mode_name

_ROUND = 20_000
"""Instructions that one runs before the other follows."""
_CAUSES = ("mcause", "scause", "vscause")


class Quiet:
    """A console that nobody types at; `text` is what the guest printed."""

    quit = False
    at_end = True

    def __init__(self) -> None:
        self.text = bytearray()

    def poll(self) -> bytes:
        """Nothing is typed."""
        return b""

    def write(self, data: bytes) -> None:
        """Keep bytes."""
        self.text += data


class _Did(NamedTuple):
    """What an instruction did, and the traps before it."""

    pc: int
    mode: int
    value: int
    trapped: int
    causes: tuple[int, ...]


class Written(NamedTuple):
    """A register or CSR, by name, before and after."""

    name: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Continuation:
    """What one revision did where they part: the instruction as it reads it, and what it left.

    `calls` are those of the spec's functions, `outcome` how the run ended, if it did.
    """

    isa: ISA
    mode: str
    pc: int
    instruction: str
    mnemonic: str
    csr: int | None
    trap: Trap | None
    written: tuple[Written, ...]
    next_pc: int
    outcome: Outcome | None
    calls: tuple[Call, ...]


class Unequal(NamedTuple):
    """A CSR that was not the same any more when they parted. `field` is "" for the whole."""

    id: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Parting:
    """Where the runs part, after `steps` instructions that did the same on both.

    `last` is the last of these, as text, None if there is none. `findings` are the differences of
    the revisions that have to do with what either did next, `earlier` those of the CSRs that were
    not the same by then.
    """

    steps: int
    last: str | None
    sides: tuple[Continuation, Continuation]
    unequal: tuple[Unequal, ...]
    findings: tuple[Finding, ...]
    earlier: tuple[Finding, ...]
    symbols: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Together:
    """They never parted: both ended so, or the limit was reached."""

    outcome: Outcome


@dataclass
class _Side:
    """A machine of one revision, and what its instructions did in this round."""

    isa: ISA
    stability: Stability
    images: Images
    memory: int
    record: bool = True
    did: list[_Did] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.console = Quiet()
        self.machine = Machine(
            self.isa,
            python_engine(self.isa),
            memory=self.memory,
            terminal=self.console,
            stability=self.stability,
        )
        self.machine.boot(self.images)
        self.hart: Any = self.machine.hart
        if self.record:
            self.machine.engine.watcher = self._note

    def run(self, steps: int) -> Outcome:
        """Go on with so many instructions."""
        self.did.clear()
        return self.machine.run(steps)

    def _note(self, decoded: Decoded) -> None:
        hart = self.hart
        operands = decoded.operation.operands
        value = 0
        if "rd" in operands:
            value = hart.x[decoded.values[operands.index("rd")]]
        elif "frd" in operands:
            value = hart.F[decoded.values[operands.index("frd")]]
        mode = getattr(hart, "V", 0) << 2 | hart.mode
        causes = tuple(getattr(hart, name, 0) for name in _CAUSES) if hart.trapped else ()
        self.did.append(_Did(decoded.pc, mode, value, hart.trapped, causes))


def side_by_side(
    isas: tuple[ISA, ISA],
    stabilities: tuple[Stability, Stability],
    images: Images,
    *,
    memory: int,
    limit: int,
    progress: Callable[[int], None] = lambda steps: None,
) -> Parting | Together:
    """Run the images under both revisions for `limit` instructions at most.

    `progress` is told how many both have done.
    """
    a, b = (_Side(isa, it, images, memory) for isa, it in zip(isas, stabilities, strict=True))
    same = 0
    while True:
        round_ = min(_ROUND, limit - same)
        ended = a.run(round_), b.run(round_)
        at = _parts_at(a.did, b.did)
        if at is None and (ended[0].reason, ended[0].status) != (ended[1].reason, ended[1].status):
            at = min(len(a.did), len(b.did))
        if at is not None:
            # The instruction count at the last one that was the same, traps among them.
            traps = a.did[at - 1].trapped if at else _traps_before(a, same)
            steps = _steps(a, same, at, traps)
            return _parting(isas, stabilities, images, memory, steps)
        same += round_
        progress(same)
        if ended[0].reason != "limit" or same >= limit:
            return Together(ended[0])


def _traps_before(side: _Side, same: int) -> int:
    return side.did[0].trapped if side.did else side.hart.trapped


def _steps(side: _Side, same: int, at: int, traps: int) -> int:
    """Steps until behind the instruction at this index of the round: retired and trapped."""
    replay = _Side(side.isa, side.stability, side.images, side.memory)
    if same:
        replay.run(same)
    if not at:
        return int(replay.machine.steps)
    # Each step retires an instruction or takes an exception; `at` of them retire.
    done, steps = 0, same
    while done < at and steps < same + _ROUND:
        replay.run(max(1, at - done))
        done += len(replay.did)
        steps = int(replay.machine.steps)
    return steps


def _parts_at(one: Sequence[_Did], other: Sequence[_Did]) -> int | None:
    """The first index at which they differ; None if one is the beginning of the other."""
    if one == other:
        return None
    for index, (mine, theirs) in enumerate(zip(one, other, strict=False)):
        if mine != theirs:
            return index
    return min(len(one), len(other))


def _parting(
    isas: tuple[ISA, ISA],
    stabilities: tuple[Stability, Stability],
    images: Images,
    memory: int,
    steps: int,
) -> Parting:
    sides = []
    last: str | None = None
    before: list[dict[str, int]] = []
    symbols: Mapping[str, int] = {}
    for isa, stability in zip(isas, stabilities, strict=True):
        side = _Side(isa, stability, images, memory, record=False)
        symbols = side.machine.symbols
        if steps > 1:
            side.run(steps - 1)
        if steps:
            commits: list[Decoded] = []
            side.machine.engine.watcher = commits.append
            side.run(1)
            side.machine.engine.watcher = None
            if commits:
                text = Disassembler(isa, shorthands=True).text(
                    commits[-1].word, commits[-1].pc, symbols
                )
                last = f"{commits[-1].pc:#x}: {text}"
        before.append(_csrs(isa, side.hart))
        sides.append(_continue(side))
    comparison = compare(*isas)
    unequal = tuple(_unequal(comparison, *before))
    first, second = sides
    both = (first, second)
    return Parting(
        steps,
        last,
        both,
        unequal,
        tuple(_applying(comparison, both, {it.id for it in unequal})),
        tuple(_of_csrs(comparison, unequal)),
        symbols,
    )


def _continue(side: _Side) -> Continuation:
    """Let it do one more instruction, and watch."""
    hart, isa, engine = side.hart, side.isa, side.machine.engine
    assert isinstance(engine, PythonEngine)
    before = _registers(isa, hart)
    csrs, pc, mode, trapped = _csrs(isa, hart), hart.pc, mode_name(isa, hart), hart.trapped
    done: list[Decoded] = []
    engine.watcher = done.append
    observer = Observer(isa, engine.module)
    with observer.watching() as root:
        outcome = side.run(1)
    engine.watcher = None
    after, csrs_after = _registers(isa, hart), _csrs(isa, hart)
    word = done[-1].word if done else hart.instruction
    decoded = Disassembler(isa).decode(word)
    return Continuation(
        isa=isa,
        mode=mode,
        pc=pc,
        instruction=Disassembler(isa, shorthands=True).text(word, pc, side.machine.symbols),
        mnemonic=decoded.instruction.mnemonic if decoded else "",
        csr=decoded.values.get("csr") if decoded else None,
        trap=last_trap(isa, hart) if hart.trapped > trapped else None,
        written=tuple(
            Written(name, old, values[name])
            for olds, values in ((before, after), (csrs, csrs_after))
            for name, old in olds.items()
            if values.get(name, old) != old and name not in _COUNTERS
        ),
        next_pc=hart.pc,
        outcome=None if outcome.reason == "limit" else outcome,
        calls=tuple(root.calls),
    )


_COUNTERS = frozenset(("cycle", "time", "instret", "mcycle", "minstret"))
"""CSRs that each instruction changes."""


def _deciding(first: Sequence[Call], second: Sequence[Call]) -> set[str]:
    """Functions below a call that did not come to the same answer on the other side.

    Fetching and looking for interrupts, which come with each instruction, mostly do.
    """
    told = [{(it.function, it.result) for it in calls} for calls in (first, second)]
    same = {it for it in told[0] & told[1] if it[1] is not None}
    return {
        name
        for calls in (first, second)
        for it in calls
        if (it.function, it.result) not in same
        for name in (it.function, *_functions(it))
    }


def _functions(call: Call) -> Iterable[str]:
    for it in call.calls:
        yield it.function
        yield from _functions(it)


def _registers(isa: ISA, hart: Any) -> dict[str, int]:
    found = {ABI_NAMES[number]: int(value) for number, value in enumerate(hart.x) if number}
    if "F" in isa.state:
        found |= {FLOAT_ABI_NAMES[number]: int(it) for number, it in enumerate(hart.F)}
    return found


def _csrs(isa: ISA, hart: Any) -> dict[str, int]:
    return {csr.name: int(hart.csr_read(number)) for number, csr in isa.csr_at.items()}


def _unequal(
    comparison: Comparison, first: Mapping[str, int], second: Mapping[str, int]
) -> Iterable[Unequal]:
    """CSRs that both have and that differ, field by field where that tells more."""
    a, b = comparison.a, comparison.b
    for name, csr in b.csrs.items():
        if name not in first or name not in second or first[name] == second[name]:
            continue
        if name in _COUNTERS:
            continue
        known = False
        old = a.csrs[name]
        for field_ in {**old.fields, **csr.fields}.values():
            values = [(value & field_.mask) >> field_.low for value in (first[name], second[name])]
            if values[0] != values[1]:
                known = True
                yield Unequal(f"csr:{name}.{field_.name}", *values)
        if not known:
            yield Unequal(f"csr:{name}", first[name], second[name])


def _applying(
    comparison: Comparison, sides: tuple[Continuation, Continuation], unequal: Collection[str]
) -> Iterable[Finding]:
    """Differences of what was at work: the instruction, its CSR, the cause, functions.

    Where fields of the CSR were not the same any more, these tell, and other fields do not matter.
    """
    ids: set[str] = set()
    for it in sides:
        ids.add(f"insn:{it.mnemonic}")
        if it.csr is not None and it.csr in it.isa.csr_at:
            ids.add(f"csr:{it.isa.csr_at[it.csr].name}")
        if it.trap is not None:
            ids.add(it.trap.item)
    ids |= {f"fn:{name}" for name in _deciding(*(it.calls for it in sides))}
    known = {it.partition(".")[0] for it in unequal if "." in it}
    for finding in comparison.findings:
        own = {finding.item, finding.old_item}
        if kind_of(finding.item) == "field":
            csr = finding.item.partition(".")[0]
            if csr in known:
                continue
            own.add(csr)
        if kind_of(finding.item) in (*PREFIXES, "field") and not ids.isdisjoint(own):
            yield finding


def _of_csrs(comparison: Comparison, unequal: Sequence[Unequal]) -> Iterable[Finding]:
    ids = {it.id for it in unequal}
    for finding in comparison.findings:
        if finding.item in ids or finding.old_item in ids:
            yield finding
