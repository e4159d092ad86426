"""Runs a program here, and holds each instruction against what the other side tells of it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from drafthart.conformance.lockstep.entry import Entry, Side
from drafthart.conformance.lockstep.ignored import OWN, Ignored, ignored_by, is_choice
from drafthart.conformance.subjects import rules_of
from drafthart.generator.assembly import Disassembler
from drafthart.generator.assembly.registers import ABI_NAMES, FLOAT_ABI_NAMES
from drafthart.generator.errors import DrafthartError
from drafthart.generator.history.uses import calls, rules_naming
from drafthart.generator.spec.model import CSR, ISA
from drafthart.runtime.boot import Images
from drafthart.runtime.commit_log import HartCommits
from drafthart.runtime.devices import finisher
from drafthart.runtime.engines import python_engine
from drafthart.runtime.gate import Stability
from drafthart.runtime.machine import Machine
from drafthart.runtime.state import mode_name
from drafthart.runtime.trace import Commit

MEMORY = 256 << 20
_TOLD = 5
"""Instructions before the difference that are shown."""
_TRAPS = 1000
"""Traps in a row, without an instruction between, after which nothing more will come."""
_PROGRESS = 4096


@dataclass(frozen=True, slots=True)
class Differing:
    """What differs, such as `x10 (a0)`; None: nothing is told there. `items` are what it is of."""

    what: str
    here: str
    there: str
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parting:
    """The first instruction at which both sides differ, and their states behind it."""

    instructions: int
    pc: int
    word: int
    text: str
    mode: str
    differing: tuple[Differing, ...]
    items: tuple[str, ...]
    rules: tuple[tuple[str, str, str], ...]
    """Id, section and summary."""
    before: tuple[str, ...]
    here: dict[str, str]
    there: dict[str, str]
    source: str
    asynchronous: str
    """Why it may be nothing but the time of an interrupt, if so."""
    trap: str
    """The last trap here, if there was one."""


@dataclass(slots=True)
class Lockstep:
    """How it went. `ended`: difference, program, trace, limit, asleep or traps."""

    instructions: int = 0
    ended: str = ""
    parting: Parting | None = None
    tolerated: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Times, by what and why."""


class _End(Exception):
    """Nothing more is to be compared."""


class _Mute:
    """A terminal that nobody looks at."""

    quit = False
    at_end = True

    def poll(self) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        pass


def follow(
    isa: ISA,
    program: Path,
    side: Side,
    stability: Stability,
    *,
    ignored: Sequence[Ignored] = (),
    limit: int | None = None,
    memory: int = MEMORY,
    progress: Callable[[int], None] | None = None,
) -> Lockstep:
    """Run `program` under `isa` beside `side`, up to the first difference that nothing explains."""
    machine = Machine(isa, python_engine(isa), memory=memory, terminal=_Mute(), stability=stability)
    machine.boot(Images(program))
    return _Follower(machine, side, (*ignored, *OWN), limit, progress).run()


class _Follower:
    def __init__(
        self,
        machine: Machine,
        side: Side,
        ignored: tuple[Ignored, ...],
        limit: int | None,
        progress: Callable[[int], None] | None,
    ) -> None:
        self._machine, self._isa, self._side = machine, machine.isa, side
        self._hart: Any = machine.hart
        self._module = machine.engine.module
        self._ignored, self._limit, self._progress = ignored, limit, progress
        self._disassembler = Disassembler(self._isa)
        self._names = {it.address: it.name for it in self._isa.csrs.values()}
        self._result = Lockstep()
        self._before: deque[tuple[int, int]] = deque(maxlen=_TOLD)
        self._there: dict[str, int] = {}
        self._chosen: Counter[str] = Counter()
        """Bits of WARL fields in which the sides were seen to choose otherwise, by CSR."""
        self._ahead: Entry | None = None
        self._trap = ""
        self._interrupted = False
        self._traps = 0
        self._trapped_at: tuple[int, int] | None = None
        """The first instruction that trapped since one retired, and its bits."""
        x = side.start(self._hart.pc)
        for number, value in x.items():
            if number:
                self._hart.x[number] = value
        self._commits = HartCommits(machine, 0, self._commit, self._trapped)

    def run(self) -> Lockstep:
        result = self._result
        try:
            reason = self._machine.run().reason
            result.ended = {"exit": "program"}.get(reason, reason)
        except _End as end:
            result.ended = str(end)
        return result

    # What happens here.

    def _commit(self, commit: Commit) -> None:
        result = self._result
        if result.instructions == self._limit:
            raise _End("limit")
        if any(it.address == finisher.BASE for it in commit.stores):
            raise _End("program")  # the other side's end may be elsewhere
        entry = self._next()
        result.instructions += 1
        if self._progress is not None and result.instructions % _PROGRESS == 0:
            self._progress(result.instructions)
        if self._trapped_at is not None and entry.pc == self._trapped_at[0] != commit.pc:
            self._part(
                *self._trapped_at, entry, [Differing("end", f"traps: {self._trap}", "retires")]
            )
        differing = list(self._differing(commit, entry))
        if differing:
            self._part(commit.pc, commit.instruction, entry, differing)
        self._traps = 0
        self._trapped_at = None
        self._interrupted = False
        self._before.append((commit.pc, commit.instruction))
        self._there |= {f"x{number}": value for number, value in entry.x.items()}
        self._there |= entry.csrs

    def _trapped(self, function: str) -> None:
        """Behind a trap: the hart is still at the instruction that was kept from running."""
        hart = self._hart
        self._traps += 1
        if function == "take_interrupt":
            self._interrupted = True
            self._trap = f"interrupt before {hart.pc:#x}, to {hart.next_pc:#x}"
            entry = self._peek() if self._side.tells_traps else None
            # A step of the other side may be nothing but the way to the handler, too.
            if entry is not None and entry.next_pc == hart.next_pc:
                self._compare_trap(int(hart.pc))
            return
        cause = self._isa.causes.get(hart.trap_cause)
        name = cause.name if cause else f"exception {hart.trap_cause}"
        self._trap = f"{name} at {hart.pc:#x}, to {hart.next_pc:#x}"
        if self._trapped_at is None:
            self._trapped_at = int(hart.pc), int(hart.instruction)
        if self._side.tells_traps:
            self._compare_trap(int(hart.pc))
        if self._traps > _TRAPS:
            with suppress(DrafthartError):  # it is silent for the same reason
                if (entry := self._peek()) is not None and not self._side.tells_traps:
                    self._result.instructions += 1
                    differing = Differing("end", f"traps: {self._trap}", "retires")
                    self._part(*self._trapped_at, entry, [differing])
            raise _End("traps")

    def _compare_trap(self, pc: int) -> None:
        hart = self._hart
        entry = self._peek()
        if entry is None or entry.pc != pc:
            return  # it may be one that the other side does not tell of
        self._ahead = None
        self._trapped_at = None
        word = int(hart.instruction)
        differing = [
            Differing(self._x_name(number), f"{hart.x[number]:#x}", f"{value:#x}")
            for number, value in entry.x.items()
            if value != hart.x[number]
        ]
        behind = pc + (4 if word & 3 == 3 else 2)
        if entry.next_pc == behind != hart.next_pc:
            differing.append(Differing("end", f"traps: {self._trap}", "retires"))
        elif entry.next_pc is not None and entry.next_pc != hart.next_pc:
            differing.append(Differing("next pc", f"{hart.next_pc:#x}", f"{entry.next_pc:#x}"))
        asked = {
            self._isa.csr_at[write.number].name
            for write in self._commits.csrs()
            if write.number in self._isa.csr_at
        }
        if not differing:
            # What a trap writes can be asked only of a target.
            differing += self._csrs(self._asked(asked, entry), "", {})
        if differing:
            self._part(pc, word, entry, differing)

    # What is compared.

    def _next(self) -> Entry:
        entry = self._peek()
        self._ahead = None
        if entry is None:
            raise _End("trace")
        return entry

    def _peek(self) -> Entry | None:
        if self._ahead is None:
            self._ahead = self._side.next()
        return self._ahead

    def _differing(self, commit: Commit, entry: Entry) -> Iterator[Differing]:
        if entry.pc != commit.pc:
            yield Differing("pc", f"{commit.pc:#x}", f"{entry.pc:#x}")
            return
        if entry.trap:
            yield Differing("end", "retires", "traps")
            return
        word = entry.instruction
        if word is not None and word != commit.instruction:
            yield Differing("instruction", f"{commit.instruction:#x}", f"{word:#x}")
            return
        if entry.mode is not None and entry.mode != commit.mode:
            yield Differing("mode", _mode(commit.mode), _mode(entry.mode))
        yield from self._registers(commit, entry)
        written = {
            self._isa.csr_at[it.number].name: it.value
            for it in commit.writes
            if it.kind == "c" and it.number in self._isa.csr_at
        }
        yield from self._csrs(self._asked(set(written), entry), commit.instruction, written)
        yield from self._memory(commit, entry)
        if entry.next_pc is not None and entry.next_pc != self._hart.pc:
            yield Differing("next pc", f"{self._hart.pc:#x}", f"{entry.next_pc:#x}")

    def _registers(self, commit: Commit, entry: Entry) -> Iterator[Differing]:
        hart = self._hart
        mask = (1 << self._isa.xlen) - 1
        for number, told in entry.x.items():
            here, value = int(hart.x[number]), told & mask
            if here == value or not number:
                continue
            items = self._subjects(commit)
            reason = self._reason([*items, f"reg:x{number}"], here, value)
            reason = reason or self._choice_was_read(items, here ^ value)
            if reason is None:
                yield Differing(self._x_name(number), f"{here:#x}", f"{value:#x}", tuple(items))
            else:
                hart.x[number] = value
                self._tolerate(items[-1], reason)
        for number, told in entry.f.items():
            if hasattr(hart, "F") and (here := int(hart.F[number])) != told:
                name = f"f{number} ({FLOAT_ABI_NAMES[number]})"
                yield Differing(name, f"{here:#x}", f"{told:#x}")
        if self._side.tells_all_writes:
            for write in commit.writes:
                if write.kind == "x" and write.number and write.number not in entry.x:
                    yield Differing(self._x_name(write.number), f"{write.value:#x}", "not written")

    def _asked(self, names: set[str], entry: Entry) -> dict[str, int]:
        """The CSRs that the other side tells of, by itself or asked for these."""
        found = dict(entry.csrs)
        if getattr(self._hart, "V", 0):
            # Asked while a guest runs, targets that exchange CSRs then tell of the wrong ones.
            return found
        for name in sorted(names - set(found)):
            if (value := self._side.csr(name)) is not None:
                found[name] = value
        return found

    def _csrs(
        self, told: dict[str, int], word: int | str, written: dict[str, int]
    ) -> Iterator[Differing]:
        for name, there in told.items():
            csr = self._isa.csrs.get(name)
            if csr is None:
                continue
            here = written.get(name)
            if here is None:
                here = int(self._module[f"_read_{name}"](self._hart))
            different = (here ^ there) & ((1 << csr.width) - 1)
            for part, mask in _parts_of(csr, different):
                items = [f"csr:{name}", part]
                reason = self._reason(items, here & mask, there & mask)
                if reason is None and name in written:
                    reason = self._choice(csr, part, mask)
                if reason is None and not mask & ~self._chosen[name]:
                    reason = "the choice that was made before"
                if reason is not None:
                    self._tolerate(part, reason)
                else:
                    yield _csr_differing(part, mask, here, there)

    def _choice(self, csr: CSR, part: str, mask: int) -> str | None:
        """Where an instruction wrote a WARL field, each side may keep another legal value."""
        if not is_choice(part):
            return None
        self._chosen[csr.name] |= mask
        return "WARL: which values it holds is a choice; --set may make the same one here"

    def _choice_was_read(self, items: list[str], bits: int) -> str | None:
        """Bits in which both sides were seen to choose otherwise, read back."""
        for item in items:
            name = item.removeprefix("csr:")
            if item.startswith("csr:") and not bits & ~self._chosen[name]:
                return "the choice that was made before"
        return None

    def _memory(self, commit: Commit, entry: Entry) -> Iterator[Differing]:
        if entry.stores is not None:
            here = {
                it.address + byte: it.value >> 8 * byte & 0xFF
                for it in commit.stores
                for byte in range(it.size)
            }
            if here != entry.stores:
                yield Differing("store", _bytes(here), _bytes(dict(entry.stores)))
        loads = [it.address for it in commit.loads]
        if entry.load is not None and loads and min(loads) != entry.load:
            yield Differing("load from", f"{min(loads):#x}", f"{entry.load:#x}")

    # What is tolerated.

    def _reason(self, items: list[str], here: int, there: int) -> str | None:
        return ignored_by(items, here, there, self._ignored)

    def _tolerate(self, what: str, reason: str) -> None:
        self._result.tolerated[what, reason] += 1

    def _subjects(self, commit: Commit) -> list[str]:
        """The instruction, the CSR that it reads, and that it loads from a device, if so."""
        decoded = self._disassembler.decode(commit.instruction)
        if decoded is None:
            return [f"insn:{commit.instruction:#x}"]
        items = [f"insn:{decoded.instruction.mnemonic}"]
        if "csr" in decoded.values:
            name = self._names.get(decoded.values["csr"])
            items.append(f"csr:{name}" if name else f"csr:{decoded.values['csr']:#x}")
        ram = self._machine.bus.ram
        if any(not ram.contains(address, size) for address, size in self._hart.memory_reads):
            items.append("load:device")
        return items

    # What is told.

    def _part(self, pc: int, word: int, entry: Entry, differing: Sequence[Differing]) -> NoReturn:
        isa = self._isa
        decoded = self._disassembler.decode(word)
        items = [f"insn:{decoded.instruction.mnemonic}"] if decoded is not None else []
        if decoded is not None and "csr" in decoded.values:
            csr = isa.csr_at.get(decoded.values["csr"])
            items += [f"csr:{csr.name}"] if csr is not None else []
        items += [item for it in differing for item in it.items if item.startswith(("insn", "csr"))]
        items = list(dict.fromkeys(items))
        functions = calls(isa, decoded.instruction) if decoded is not None else []
        rules = {rule.id: rule for rule in rules_of(items, isa)}
        for name in functions:
            rules |= {rule.id: rule for rule in rules_naming(isa, f"fn:{name}")}
        self._result.ended = "difference"
        self._result.parting = Parting(
            self._result.instructions,
            pc,
            word,
            self._text(pc, word),
            mode_name(isa, self._hart),
            tuple(differing),
            (*items, *(f"fn:{name}" for name in functions)),
            tuple((it.id, it.section, it.summary) for it in rules.values()),
            tuple(f"{at:#x}  {self._text(at, bits)}" for at, bits in self._before),
            self._state(),
            {
                **{name: f"{value:#x}" for name, value in self._there.items()},
                **{f"x{number}": f"{value:#x}" for number, value in entry.x.items()},
                **{name: f"{value:#x}" for name, value in entry.csrs.items()},
                "pc": f"{entry.pc:#x}",
            },
            entry.source,
            self._asynchronous(differing, entry),
            self._trap,
        )
        raise _End("difference")

    def _asynchronous(self, differing: Sequence[Differing], entry: Entry) -> str:
        if differing[0].what != "pc":
            return ""
        if self._interrupted:
            return "an interrupt was taken here just before, and not there"
        for name in ("mtvec", "stvec", "vstvec"):
            if name in self._isa.csrs:
                base = int(self._module[f"_read_{name}"](self._hart))
                vectors = 4 * 64 if base & 1 else 0
                if base >> 2 and 0 <= entry.pc - (base & ~3) <= vectors:
                    return f"there it is in the handler of {name}: by a trap, or by an interrupt"
        return ""

    def _state(self) -> dict[str, str]:
        hart = self._hart
        state = {f"x{number}": f"{hart.x[number]:#x}" for number in range(1, 32)}
        state |= {"pc": f"{hart.pc:#x}", "mode": mode_name(self._isa, hart)}
        for name, csr in self._isa.csrs.items():
            if csr.address is not None and f"_read_{name}" in self._module:
                state[name] = f"{int(self._module[f'_read_{name}'](hart)):#x}"
        return state

    def _text(self, pc: int, word: int) -> str:
        return self._disassembler.text(word, pc)

    def _x_name(self, number: int) -> str:
        return f"x{number} ({ABI_NAMES[number]})"


def _parts_of(csr: CSR, different: int) -> Iterator[tuple[str, int]]:
    """The fields of a CSR in which bits differ, by id with their mask; the rest as the CSR."""
    rest = different
    for one in csr.fields.values():
        if rest & one.mask:
            yield f"csr:{csr.name}.{one.name}", one.mask
            rest &= ~one.mask
    if rest:
        yield f"csr:{csr.name}", rest


def _csr_differing(part: str, mask: int, here: int, there: int) -> Differing:
    """Of a field its value, of anything else the CSR's."""
    name = part.removeprefix("csr:")
    if "." in name:
        low = (mask & -mask).bit_length() - 1
        here, there = (here & mask) >> low, (there & mask) >> low
    return Differing(name, f"{here:#x}", f"{there:#x}", (part,))


def _mode(number: int) -> str:
    return {0: "U or VU", 1: "HS or VS", 3: "M"}.get(number, str(number))


def _bytes(stores: dict[int, int]) -> str:
    if not stores:
        return "nothing"
    first = min(stores)
    return f"{bytes(stores[at] for at in sorted(stores)).hex(' ')} at {first:#x}"
