"""The python engine: generated operations, run in blocks, with cached translations.

It keeps to the promises that both engines make: interrupts, timers and limits take effect at the
exact instruction, and whatever is cached (translations, decoded blocks, compiled code) shows in
nothing but speed.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from types import CodeType, TracebackType
from typing import Any

from drafthart.runtime.blocks import (
    LONGEST,
    Compiled,
    Decoded,
    Operation,
    Run,
    cold,
    compile_block,
    step,
)
from drafthart.runtime.clock import Clock
from drafthart.runtime.engine import Stop
from drafthart.runtime.hart import Deoptimise, EndInstruction, Hart
from drafthart.runtime.memory import Bus
from drafthart.runtime.transitions import Counted, Listener, Transitions

_PAGE = 4096
_OFFSET = _PAGE - 1
_FOREVER = 1 << 128
_WALK = "walk_g_stage"
"""The function of the spec that follows the page tables of the last stage."""


class Context:
    """Caches for one translation context (mode, V, and whatever else the spec names).

    `fetches`, `reads` and `writes` map a virtual page address to (RAM offset - page address).
    """

    def __init__(self, names: dict[str, Any]) -> None:
        self.fetches: dict[int, int] = {}
        self.reads: dict[int, int] = {}
        self.writes: dict[int, int] = {}
        self.blocks: dict[int, Run] = {}
        self.known: dict[tuple[int, int], Run] = {}
        """Blocks by virtual and physical pc: they outlive a flush of the translations."""
        self.names = names | {"rget": self.reads.get, "wget": self.writes.get}

    def flush_translations(self) -> None:
        """Drop cached translations."""
        self.fetches.clear()
        self.reads.clear()
        self.writes.clear()
        self.blocks.clear()

    def flush_instructions(self) -> None:
        """Drop cached instructions."""
        self.blocks.clear()
        self.known.clear()


class PythonEngine:
    """A hart of one revision on a bus.

    `module` is the namespace of a generated engine module (see drafthart.generator.emit), for this
    engine alone: the engine puts its cached `load` and `store` into it. `horizon` is asked whenever
    something may have changed: it brings devices up to date and returns the step count at which it
    wants to be asked again, or at which `run` is to return, with a flag that tells which.
    """

    def __init__(self, module: dict[str, Any], bus: Bus, clock: Clock) -> None:
        self.module = module
        self.hart: Hart = module["GeneratedHart"](bus, clock)
        self.hart.flush_listener = self._flush_translations
        self.hart.instructions_listener = self._flush_instructions
        self.operations: tuple[Operation, ...] = module["OPERATIONS"]
        self._bus = bus
        self._decode: Callable[[int], tuple[int, tuple[int, ...]] | None] = module["decode"]
        self._expand: Callable[[int], int | None] = module["expand"]
        self._contexts: dict[int, Context] = {}
        self._compiled: dict[CodeType, Compiled] = {}
        self._decoded: dict[tuple[int, int], Decoded] = {}
        self._slow_load = {n: module[f"load__{n}"] for n in (1, 2, 4, 8)}
        self._slow_store = {n: module[f"store__{n}"] for n in (1, 2, 4, 8)}
        self._install_memory()
        self.watcher: Callable[[Decoded], None] | None = None
        """Called after each retired instruction, if set; the engine then steps."""
        self._breakpoints: Set[int] = frozenset()
        self._transitions: Transitions | None = None
        self._walks = 0
        self.reset()

    @property
    def breakpoints(self) -> Set[int]:
        """Virtual addresses, whatever the mode: `run` returns before an instruction there."""
        return self._breakpoints

    @breakpoints.setter
    def breakpoints(self, addresses: Set[int]) -> None:
        if addresses != self._breakpoints:
            self._breakpoints = frozenset(addresses)
            # No block runs across a breakpoint.
            self._flush_instructions()

    def reset(self) -> None:
        """Put the hart into the revision's reset state; memory is left as it is."""
        self.hart.clear()
        if self._transitions is not None:
            self._transitions.was_reset()
        self.flush()
        self._select_context()

    def flush(self) -> None:
        """Drop all that is cached: memory, translations or the hart were changed from outside."""
        self._flush_instructions()
        self._flush_translations()

    def watch_traps(self, listener: Listener, *, every_trap: bool = False) -> None:
        """Tell `listener` of each trap that leaves V=1, or of every one, and begin to count."""
        if self._transitions is None and (walk := self.module.get(_WALK)) is not None:

            def counting(*arguments: Any) -> Any:
                self._walks += 1
                return walk(*arguments)

            self.module[_WALK] = counting
        self._walks = 0
        self._transitions = Transitions(self.hart, listener, every_trap=every_trap)

    def counted(self) -> Counted:
        """What was counted since `watch_traps`."""
        assert self._transitions is not None
        return self._transitions.counted({"walks of the G-stage": self._walks})

    # The loop.

    def run(self, horizon: Callable[[], tuple[int, bool]]) -> Stop:
        """Run until the horizon says so, a breakpoint, or the hart sleeps with nothing pending."""
        hart = self.hart
        module = self.module
        pending, take = module["pending_interrupt"], module["take_interrupt"]
        nothing, wake = module["NO_INTERRUPT"], module["wake"]
        while True:
            if self._transitions is not None:
                self._transitions.look()
            limit, final = horizon()
            if hart.steps >= limit and final:
                return Stop("limit")
            if hart.sleeping:
                if not wake(hart):
                    return Stop("sleeping")
                hart.sleeping = False
            cause = pending(hart)
            if cause != nothing:
                hart.next_pc = hart.pc
                take(hart, cause)
                hart.pc = hart.next_pc
                hart.deadline = 0
                if self._transitions is not None:
                    self._transitions.look(interrupt=True)
                # Look again: taking it may have made a more privileged one deliverable.
                self._select_context()
                continue
            if hart.pc in self._breakpoints:
                return Stop("breakpoint")
            self._select_context()
            if self.watcher is None and hart.steps < limit - LONGEST:
                hart.deadline = limit - LONGEST
                self._run_blocks()
            else:
                hart.deadline = limit
                while hart.steps < hart.deadline and hart.pc not in self._breakpoints:
                    self.step()

    def step(self) -> None:
        """Run one instruction, or take the exception it raises."""
        hart = self.hart
        try:
            decoded = self._fetch_decoded(hart.pc)
            step(hart, decoded)
        except EndInstruction:
            self._take_exception()
        else:
            hart.pc = hart.next_pc
            if self.watcher is not None:
                self.watcher(decoded)
        if self._transitions is not None:
            self._transitions.look()

    def _run_blocks(self) -> None:
        hart = self.hart
        pc = hart.pc
        try:
            get = self._context.blocks.get
            while hart.steps < hart.deadline:
                run = get(pc)
                if run is None:
                    run = self._enter(pc)
                pc = run()
            hart.pc = pc
        except EndInstruction as end:
            self._settle(end.__traceback__)
            self._take_exception()
        except Deoptimise as device:
            self._settle(device.__traceback__)
            hart.deadline = hart.steps + 1
            self.step()
            hart.deadline = 0

    def _settle(self, traceback: TracebackType | None) -> None:
        """Bring pc and the step count up to the instruction at which a compiled block ended."""
        hart = self.hart
        hart.exact = True
        while traceback is not None:
            compiled = self._compiled.get(traceback.tb_frame.f_code)
            if compiled is not None:
                index = compiled.instruction_at(traceback.tb_lineno)
                compiled.trace[index].prepare(hart)
                hart.steps += index
                return
            traceback = traceback.tb_next

    def _take_exception(self) -> None:
        hart = self.hart
        hart.steps += 1
        hart.trapped += 1
        self.module["take_exception"](hart)
        hart.pc = hart.next_pc
        hart.deadline = 0

    # Fetching.

    def _fetch_offset(self, address: int) -> int | None:
        """The RAM offset of an instruction parcel; None where its page may not be cached."""
        page = address & ~_OFFSET
        delta = self._context.fetches.get(page)
        if delta is None:
            offset = self._cachable(self.module["translate_fetch"](self.hart, address))
            if offset is None:
                return None
            delta = self._context.fetches[page] = (offset & ~_OFFSET) - page
        return address + delta

    def _cachable(self, physical: int) -> int | None:
        """The RAM offset of a physical address whose whole page may be cached, else None."""
        ram = self._bus.ram
        offset = physical - ram.base
        if 0 <= offset < ram.size and self.module["page_is_uniform"](self.hart, physical):
            return offset
        return None

    def _fetch_decoded(self, pc: int) -> Decoded:
        """Fetch and decode at `pc`; raises EndInstruction for the exceptions of either."""
        self._begin_fetch(pc)
        word = self._parcel(pc)
        if word & 3 == 3:
            word |= self._parcel((pc + 2) & ((1 << 64) - 1)) << 16
        decoded = self._decode_word(pc, word)
        if decoded is None:
            self.module["raise_illegal_instruction"](self.hart)
            raise AssertionError("it ends the instruction")
        return decoded

    def _begin_fetch(self, pc: int) -> None:
        hart = self.hart
        hart.pc = hart.next_pc = pc
        hart.instruction = hart.expanded = 0

    def _parcel(self, address: int) -> int:
        offset = self._fetch_offset(address)
        if offset is not None:
            return int(self._bus.ram.u16[offset >> 1])
        physical = self.module["translate_fetch"](self.hart, address)
        return self.hart.read_physical(physical, 2)

    def _decode_word(self, pc: int, word: int) -> Decoded | None:
        """The instruction, which the hart is told that it is at; None if there is no such one."""
        known = self._decoded.get((pc, word))
        if known is not None:
            return known
        if word & 3 == 3:
            length, expanded = 4, word
        else:
            length, expanded = 2, self._expand(word) or 0
        hart = self.hart
        hart.pc = pc
        hart.next_pc = (pc + length) & ((1 << 64) - 1)
        hart.instruction, hart.expanded = word, expanded
        found = self._decode(expanded)
        if found is None:
            return None
        number, values = found
        operation = self.operations[number]
        decoded = Decoded(operation, values, pc, hart.next_pc, word, expanded)
        if len(self._decoded) > 1 << 18:
            self._decoded.clear()
        self._decoded[pc, word] = decoded
        return decoded

    # Blocks.

    def _enter(self, pc: int) -> Run:
        """The block at `pc`, from the cache or made now."""
        if pc in self._breakpoints:
            self.hart.pc = pc
            return self._halt
        context = self._context
        self._begin_fetch(pc)
        offset = self._fetch_offset(pc)
        if offset is None:
            return self._step_once
        run = context.known.get((pc, offset))
        if run is None:
            block = self._find_block(pc, offset)
            if not block:
                return self._step_once
            run = self._cold(context, block, pc, offset)
            context.known[pc, offset] = run
        context.blocks[pc] = run
        return run

    def _halt(self) -> int:
        """What stands for a block at a breakpoint: back to the loop, which looks at it."""
        self.hart.deadline = 0
        return self.hart.pc

    def _step_once(self) -> int:
        hart = self.hart
        step(hart, self._fetch_decoded(hart.pc))
        return hart.next_pc

    def _find_block(self, pc: int, offset: int, *, through: bool = False) -> tuple[Decoded, ...]:
        """Instructions from `pc` to the first jump or system instruction, or the page's end.

        `through` goes on behind conditional branches and leaves system instructions out.
        """
        u16 = self._bus.ram.u16
        block: list[Decoded] = []
        end = (offset | _OFFSET) + 1
        while offset + 2 <= end and len(block) < LONGEST:
            if block and pc in self._breakpoints:
                break
            word = u16[offset >> 1]
            if word & 3 == 3:
                if offset + 4 > end:
                    break
                word |= u16[(offset >> 1) + 1] << 16
            decoded = self._decode_word(pc, word)
            if decoded is None:
                break
            kind = decoded.operation.kind
            if through and kind == "system":
                break
            block.append(decoded)
            if kind == "system":
                break
            if kind == "jump":
                template = decoded.template()
                if not through or template is None or template.condition is None:
                    break
            offset += decoded.next_pc - pc
            pc = decoded.next_pc
        return tuple(block)

    def _cold(self, context: Context, block: tuple[Decoded, ...], pc: int, offset: int) -> Run:
        def promote() -> Run | None:
            trace = self._find_block(pc, offset, through=True)
            if not trace or any(
                decoded.operation.kind == "jump" and decoded.template() is None for decoded in trace
            ):
                return None
            compiled = compile_block(trace)
            exec(compiled.code, context.names)
            run: Run = context.names.pop("block")
            self._compiled[run.__code__] = compiled
            context.known[pc, offset] = context.blocks[pc] = run
            return run

        return cold(self.hart, block, promote)

    # Contexts and their caches.

    def _select_context(self) -> None:
        key = self.module["translation_context"](self.hart)
        context = self._contexts.get(key)
        if context is None:
            names = self.module | {"call": self._call, "x": self.hart.x, "h": self.hart}
            for size in (1, 2, 4, 8):
                names[f"load__{size}"] = self._inexact(self.module[f"load__{size}"])
                names[f"store__{size}"] = self._inexact(self.module[f"store__{size}"])
            context = self._contexts[key] = Context(names)
        self._context = context

    def _flush_translations(self) -> None:
        for context in self._contexts.values():
            context.flush_translations()
        self.hart.deadline = 0

    def _flush_instructions(self) -> None:
        for context in self._contexts.values():
            context.flush_instructions()
        self._compiled.clear()
        self.hart.deadline = 0

    # Memory.

    def _inexact(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function` for compiled blocks, where devices must not be touched."""
        hart = self.hart

        def run(*arguments: Any) -> Any:
            hart.exact = False
            try:
                return function(*arguments)
            finally:
                hart.exact = True

        return run

    def _call(self, function: Callable[..., None], *values: int) -> None:
        """An instruction without a template, within a compiled block."""
        hart = self.hart
        hart.exact = False
        try:
            function(hart, *values)
        finally:
            hart.exact = True

    def _install_memory(self) -> None:
        """Put loads and stores that use the cached translations in the spec functions' place."""
        ram = self._bus.ram
        for size, view in ((1, ram.u8), (2, ram.u16), (4, ram.u32), (8, ram.u64)):
            self.module[f"ram{8 * size}"] = view
            self.module[f"load__{size}"] = self._fast_load(size, view)
            self.module[f"store__{size}"] = self._fast_store(size, view)

    def watch_memory(self) -> None:
        """Have every access run the spec's own functions and be listed in the hart.

        From now on the hart's `memory_reads` and `memory_writes` grow until someone clears them.
        """
        self.hart.memory_reads, self.hart.memory_writes = [], []
        for size in (1, 2, 4, 8):
            self.module[f"load__{size}"] = self._slow_load[size]
            self.module[f"store__{size}"] = self._slow_store[size]

    def _fast_load(self, size: int, view: memoryview) -> Callable[[Hart, int], int]:
        slow = self._slow_load[size]
        translate, kind = self.module["translate_data"], self.module["LOAD"]
        shift = size.bit_length() - 1
        misaligned = size - 1

        def load(hart: Hart, address: int) -> int:
            if not address & misaligned:
                page = address & ~_OFFSET
                reads = self._context.reads
                delta = reads.get(page)
                if delta is None:
                    offset = self._cachable(translate(hart, address, kind))
                    if offset is None:
                        return int(slow(hart, address))
                    delta = reads[page] = (offset & ~_OFFSET) - page
                return int(view[(address + delta) >> shift])
            return int(slow(hart, address))

        return load

    def _fast_store(self, size: int, view: memoryview) -> Callable[[Hart, int, int], None]:
        slow = self._slow_store[size]
        translate, kind = self.module["translate_data"], self.module["STORE"]
        watched = self._bus.ram.watched
        shift = size.bit_length() - 1
        misaligned = size - 1

        def store(hart: Hart, address: int, value: int) -> None:
            if not address & misaligned:
                page = address & ~_OFFSET
                writes = self._context.writes
                delta = writes.get(page)
                if delta is None:
                    physical = translate(hart, address, kind)
                    offset = self._cachable(physical)
                    if offset is None or physical & -_PAGE in watched:
                        slow(hart, address, value)
                        return
                    delta = writes[page] = (offset & ~_OFFSET) - page
                view[(address + delta) >> shift] = value
                return
            slow(hart, address, value)

        return store
