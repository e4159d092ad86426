"""The machine that RISC-V software expects: QEMU virt's map around one hart, or several.

Runs are deterministic: time follows the steps of the harts, and when all sleep it skips to the next
event. The harts run in turns, each for a quantum of instructions or until it sleeps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.runtime import devicetree
from drafthart.runtime.boot import Images, load
from drafthart.runtime.clock import Clock, RealTime
from drafthart.runtime.devices import (
    Exit,
    block,
    clint,
    finisher,
    plic,
    rtc,
    uart,
    virtio,
    virtio_console,
)
from drafthart.runtime.devices.htif import Htif
from drafthart.runtime.devices.saved import Stateful, device_state, restore_device
from drafthart.runtime.engine import Engine
from drafthart.runtime.engines import EngineFactory
from drafthart.runtime.gate import Stability, require_in_python
from drafthart.runtime.loader import Function
from drafthart.runtime.memory import PAGE, Bus, Ram
from drafthart.runtime.state import RESERVATION

RAM_BASE = 0x8000_0000
QUANTUM = 10_000
"""Instructions of a turn, where there are several harts."""
MOST_HARTS = 8
_POLL = 200_000
"""Steps between looks at the host's console."""
_REALTIME_POLL = 20_000
"""The same where they are looks at the host's clock, too."""
_FOREVER = 1 << 63


class Terminal(Protocol):
    """Where the UART's bytes go to and come from; see drafthart.runtime.console."""

    @property
    def quit(self) -> bool:
        """Did the user ask to leave?"""

    @property
    def at_end(self) -> bool:
        """Will no more input ever come?"""

    def poll(self) -> bytes:
        """Bytes typed since the last call."""

    def write(self, data: bytes) -> None:
        """Show bytes."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended, after so many `steps` of all harts.

    `reason`: "exit" (the guest ended it with `status`), "limit" (all steps used up), "asleep" (all
    harts wait and nothing can wake them), "quit" (the user left), "breakpoint" (the next
    instruction is at one) or "interrupted" (someone asked for it).
    """

    reason: str
    status: int
    steps: int


class Machine:
    """A hart of `isa` with `memory` bytes of RAM and the devices of QEMU virt.

    `engine` makes its engine (see drafthart.runtime.engines). `others` are the harts 1 and up; all
    engines are of one kind. mtime counts a tick for each `instructions_per_tick` instructions of
    each hart, so for that many times the number of harts in all. With `realtime`, it keeps up with
    the host's clock instead, and sleeping harts wait. Where `stability` is not given, the gate is
    asked. Raises `DrafthartError` for files that cannot be loaded, and for more disks than there
    are slots.

    `engine` and `hart` are those whose turn it is.
    """

    def __init__(
        self,
        isa: ISA,
        engine: EngineFactory,
        *,
        memory: int,
        terminal: Terminal,
        instructions_per_tick: int = 10,
        disks: Sequence[block.Storage] = (),
        console: bool = False,
        realtime: bool = False,
        others: Sequence[tuple[ISA, EngineFactory]] = (),
        quantum: int = QUANTUM,
        stability: Stability | None = None,
    ) -> None:
        if stability is None:
            for it in (isa, *(other for other, _ in others)):
                require_in_python(it)
        self.isa = isa
        self.isas = (isa, *(other for other, _ in others))
        """Those of each hart."""
        self.bus = Bus(Ram(RAM_BASE, memory))
        self.clock = Clock(instructions_per_tick * len(self.isas))
        self.engine = engine(self.bus, self.clock)
        self.engines = (self.engine, *(it(self.bus, self.clock, self.engine) for _, it in others))
        self.hart = self.engine.hart
        self.harts: tuple[Any, ...] = tuple(it.hart for it in self.engines)
        self.quantum = quantum
        self.turn = 0
        """The number of the hart whose turn it is."""
        self.turn_end = _FOREVER
        """Its own step count at which its turn ends."""
        self.idle = 0
        """Harts that were found asleep, one after the other, since any ran."""
        self.clock.instret = lambda: self.hart.steps + self.hart.elsewhere
        self.symbols: Mapping[str, int] = {}
        self.functions: Sequence[Function] = ()
        self._terminal = terminal
        self._htif: Htif | None = None
        self._exit: Exit | None = None
        self._images: Images | None = None
        self.next_poll = 0
        """The step count at which the machine looks at the host's console again."""
        lines = [hart.set_line for hart in self.harts]
        self._clint = clint.Clint(self.clock, *lines)
        self._plic = plic.Plic(*lines)
        self._uart = uart.Uart(terminal.write, self._plic.set_source)
        self._finisher = finisher.Finisher(self._on_exit)
        self._realtime = RealTime(self.clock) if realtime else None
        epoch = rtc.EPOCH if self._realtime is None else self._realtime.epoch
        self._rtc = rtc.Rtc(self.clock, self._plic.set_source, epoch)
        consoles = [virtio_console.Console(terminal.write)] if console else []
        slots = self._fill_slots([*map(block.Block, disks), *consoles])
        self._console = (consoles[0], slots[-1]) if console else None
        self.devices: Mapping[str, Stateful] = {
            "clint": self._clint,
            "plic": self._plic,
            "uart": self._uart,
            "rtc": self._rtc,
            **{f"disk{number}": slot for number, slot in enumerate(slots[: len(disks)])},
            **(
                {"console": self._console[0], "console-slot": self._console[1]}
                if self._console
                else {}
            ),
        }
        """Those with state beside their wiring, by name; HTIF is apart: not all guests have it."""
        for module_, device in (
            (clint, self._clint),
            (plic, self._plic),
            (uart, self._uart),
            (finisher, self._finisher),
            (rtc, self._rtc),
        ):
            self.bus.attach(module_.BASE, module_.SIZE, device)
        for number in range(virtio.SLOTS):
            slot = slots[number] if number < len(slots) else virtio.EmptySlot()
            self.bus.attach(virtio.BASE + number * virtio.SIZE, virtio.SIZE, slot)
        self._power_on = {name: device_state(device) for name, device in self.devices.items()}

    def _fill_slots(self, devices: Sequence[virtio.VirtioDevice]) -> list[virtio.Slot]:
        """A virtio slot for each device."""
        if len(devices) > virtio.SLOTS:
            raise DrafthartError(
                f"{len(devices)} disks and consoles, and the machine has {virtio.SLOTS} slots: "
                "leave some out"
            )
        return [
            virtio.Slot(device, self.bus.ram, self._plic.set_source, virtio.FIRST_SOURCE + number)
            for number, device in enumerate(devices)
        ]

    def boot(self, images: Images) -> None:
        """Load the images and put the hart at the first instruction, as a boot ROM would."""
        for name, device in self.devices.items():
            restore_device(device, self._power_on[name])
        loaded = load(images, self.bus, self._facts())
        self.symbols, self.functions = loaded.symbols, loaded.functions
        for number, (engine, hart) in enumerate(zip(self.engines, self.harts, strict=True)):
            engine.reset()
            for line in clint.LINES + plic.CONTEXT_LINES:
                hart.set_line(line, False)
            hart.pc = loaded.entry
            hart.hart_id = hart.x[10] = number
            hart.x[11] = loaded.tree
            hart.x[12] = loaded.dynamic
        self.give_turn(0)
        self._exit = None
        self.attach_htif(loaded.tohost, loaded.fromhost)
        self._images = images

    def reboot(self) -> None:
        """Boot the same images again."""
        if self._images is None:
            raise DrafthartError(
                "the guest is to be reset, and nothing says what to boot: "
                "name its program beside --restore"
            )
        self.boot(self._images)

    @property
    def htif(self) -> Htif | None:
        """The guest's HTIF, if it has one."""
        return self._htif

    def attach_htif(self, tohost: int | None, fromhost: int | None) -> None:
        """Serve HTIF at these words of RAM; without `tohost` the guest has none."""
        ram = self.bus.ram
        self._htif = None
        ram.watched.clear()
        if tohost is not None:
            self._htif = Htif(ram, tohost, fromhost, self._terminal.write, self._on_exit)
            ram.watched.add(tohost & -PAGE)

    def run(
        self,
        max_steps: int | None = None,
        *,
        progress: Callable[[int], None] | None = None,
        interrupted: Callable[[], bool] | None = None,
    ) -> Outcome:
        """Run until the guest exits, `max_steps` more instructions began, or the user leaves.

        `interrupted` is asked now and then, and at once after `hart.attention()`.
        """
        limit = _FOREVER if max_steps is None else self.steps + max_steps

        def horizon() -> tuple[int, bool]:
            # Devices are brought up to date first: someone may look at them, or have typed.
            until = self._horizon(limit, progress)
            return (0, True) if interrupted is not None and interrupted() else until

        while True:
            stop = self.engine.run(horizon)
            over = self.hart.steps >= self.turn_end
            if over and stop.reason == "limit" and self._exit is None:
                self.give_turn((self.turn + 1) % len(self.harts))
            if self._exit is not None:
                status, self._exit = self._exit, None
                if not status.reset:
                    return Outcome("exit", status.status, self.steps)
                self.reboot()
            elif self._terminal.quit:
                return Outcome("quit", 0, self.steps)
            elif stop.reason == "breakpoint":
                return Outcome("breakpoint", 0, self.steps)
            elif self.steps >= limit:
                return Outcome("limit", 0, self.steps)
            elif stop.reason == "limit" and not over:
                return Outcome("interrupted", 0, self.steps)
            elif stop.reason == "sleeping" and not self._pass_on(limit):
                return Outcome("asleep", 0, self.steps)

    @property
    def steps(self) -> int:
        """Instructions that all harts began."""
        return int(self.hart.steps + self.hart.elsewhere)

    def set_breakpoints(self, addresses: frozenset[int]) -> None:
        """Have `run` return before an instruction at one of these addresses, in any hart."""
        for engine in self.engines:
            engine.breakpoints = addresses

    def flush(self) -> None:
        """Drop all that engines cache: memory, or a hart, was changed from outside."""
        for engine in self.engines:
            engine.flush()

    def give_turn(self, number: int) -> None:
        """Have this hart run next, for a whole turn."""
        if len(self.harts) == 1:
            return
        steps = self.steps
        if number != self.turn and RESERVATION in self.isas[self.turn].state:
            # Others may store what it reserved. A quantum is longer than any loop of LR and SC that
            # is sure to succeed, so that it does the next time.
            setattr(self.hart, RESERVATION, 0)
        self.turn = number
        self.engine, self.hart = self.engines[number], self.harts[number]
        self.hart.elsewhere = steps - self.hart.steps
        self.turn_end = self.hart.steps + self.quantum
        self.idle = 0

    def take_turns(self, hart: int, end: int, idle: int, quantum: int) -> None:
        """Go on with the turns of another machine, whose harts were given their state."""
        steps = sum(it.steps for it in self.harts)
        self.turn, self.turn_end, self.idle, self.quantum = hart, end, idle, quantum
        self.engine, self.hart = self.engines[hart], self.harts[hart]
        self.hart.elsewhere = steps - self.hart.steps

    def _pass_on(self, limit: int) -> bool:
        """The hart sleeps: it is another one's turn; if all sleep, let time pass.

        False if nothing will ever wake one.
        """
        ran = self.hart.steps > self.turn_end - self.quantum
        idle = 1 if ran else self.idle + 1
        if idle >= len(self.harts):
            self.idle = 0
            return self._skip_to_event(limit)
        self.give_turn((self.turn + 1) % len(self.harts))
        self.idle = idle
        return True

    def _on_exit(self, status: Exit) -> None:
        self._exit = status
        self.hart.attention()

    def _horizon(self, limit: int, progress: Callable[[int], None] | None) -> tuple[int, bool]:
        """Bring the devices up to date; see Engine.run."""
        hart = self.hart
        if self._htif is not None:
            self._htif.poll()
        elsewhere = hart.elsewhere
        if hart.steps + elsewhere >= self.next_poll:
            self.poll_console()
            if progress is not None:
                progress(hart.steps + elsewhere)
        if self._exit is not None or self._terminal.quit:
            return 0, True
        if self._realtime is not None:
            self._realtime.advance()
        self._clint.update()
        self._rtc.update()
        event = self._next_tick(self.engine)
        until = self.next_poll - elsewhere
        if event is not None:
            until = min(until, hart.steps + max(1, self.clock.instructions_until(event)))
        end = min(limit - elsewhere, self.turn_end)
        return (end, True) if end <= until else (until, False)

    def _next_tick(self, *engines: Engine) -> int | None:
        """The next tick at which a timer fires, inside one of these harts or beside them."""
        now = self.clock.now()
        beside = (self._clint.next_event(), self._rtc.next_event())
        ticks = [tick for tick in beside if tick is not None]
        for engine in engines:
            inside = engine.module["next_timer"](engine.hart)
            if now < inside < _FOREVER:
                ticks.append(inside)
        return min(ticks, default=None)

    def poll_console(self) -> None:
        """Give the devices what was typed."""
        self.next_poll = self.steps + (_POLL if self._realtime is None else _REALTIME_POLL)
        data = self._terminal.poll()
        if not data:
            return
        if self._console is not None and self._console[1].running:
            device, slot = self._console
            device.receive(data)
            slot.offer(virtio_console.RECEIVE)
            return
        self._uart.receive(data)
        if self._htif is not None:
            self._htif.receive(data)

    def _skip_to_event(self, limit: int) -> bool:
        """Let time pass for sleeping harts; False if nothing will ever wake one."""
        tick = self._next_tick(*self.engines)
        if tick is not None:
            if self._realtime is None:
                self.clock.skip_to(tick)
            else:
                self._realtime.wait(tick)
            self.next_poll = self.steps
            return True
        if self._terminal.at_end:
            return False
        time.sleep(0.01)
        self.next_poll = self.steps
        return True

    def _facts(self) -> devicetree.MachineFacts:
        ram = self.bus.ram
        return devicetree.MachineFacts(
            isa=isa_string(self.isa),
            ram_base=ram.base,
            ram_size=ram.size,
            mmu=_mmu_type(self.isa),
            others=tuple((isa_string(isa), _mmu_type(isa)) for isa in self.isas[1:]),
        )


def isa_string(isa: ISA) -> str:
    """The device tree's `riscv,isa` for this revision, such as rv64imafdch_zicsr_zifencei."""
    extensions = {instruction.extension for instruction in isa.instructions.values()}
    letters = "".join(letter for letter in "imafdqcvh" if letter.upper() in extensions)
    longer = sorted(name.lower() for name in extensions if name.startswith("Z"))
    return "_".join([f"rv{isa.xlen}{letters}", *longer])


def _mmu_type(isa: ISA) -> str:
    """The widest translation mode that the parameters allow."""
    for name in ("SV57", "SV48"):
        parameter = isa.parameters.get(name)
        if parameter is not None and parameter.value:
            return f"riscv,{name.lower()}"
    return "riscv,sv39"
