"""The machine that RISC-V software expects: QEMU virt's map around one hart.

Runs are deterministic: time follows the steps of the hart, and a sleeping hart skips to the next
event.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.runtime import devicetree, loader
from drafthart.runtime.clock import Clock
from drafthart.runtime.devices import Exit, clint, finisher, plic, uart, virtio
from drafthart.runtime.devices.htif import Htif
from drafthart.runtime.devices.saved import Stateful
from drafthart.runtime.engines import EngineFactory
from drafthart.runtime.memory import PAGE, Bus, Ram

RAM_BASE = 0x8000_0000
KERNEL_OFFSET = 0x20_0000
"""Where OpenSBI's generic fw_jump looks for its payload, from the base of RAM."""

_POLL = 200_000
"""Steps between looks at the host's console."""
_DYNAMIC_MAGIC = 0x4942534F
_DYNAMIC_VERSION = 2
_SUPERVISOR = 1


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
class Images:
    """Files to load: firmware, kernel or payload, device tree, initial RAM disk."""

    program: Path | None = None
    bios: Path | None = None
    kernel: Path | None = None
    dtb: Path | None = None
    append: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    `reason`: "exit" (the guest ended it with `status`), "limit" (all steps used up), "asleep" (the
    hart waits and nothing can wake it), "quit" (the user left), "breakpoint" (the next instruction
    is at one) or "interrupted" (someone asked for it).
    """

    reason: str
    status: int
    steps: int


class Machine:
    """One hart of `isa` with `memory` bytes of RAM and the devices of QEMU virt.

    `engine` makes its engine (see drafthart.runtime.engines). Raises `DrafthartError` for files
    that cannot be loaded.
    """

    def __init__(
        self,
        isa: ISA,
        engine: EngineFactory,
        *,
        memory: int,
        terminal: Terminal,
        instructions_per_tick: int = 10,
    ) -> None:
        self.isa = isa
        self.bus = Bus(Ram(RAM_BASE, memory))
        self.clock = Clock(instructions_per_tick)
        self.engine = engine(self.bus, self.clock)
        self.hart = self.engine.hart
        self.clock.instret = lambda: self.hart.steps
        self.symbols: Mapping[str, int] = {}
        self.functions: Sequence[loader.Function] = ()
        self._terminal = terminal
        self._htif: Htif | None = None
        self._exit: Exit | None = None
        self._images: Images | None = None
        self.next_poll = 0
        """The step count at which the machine looks at the host's console again."""
        self._clint = clint.Clint(self.clock, self.hart.set_line)
        self._plic = plic.Plic(self.hart.set_line)
        self._uart = uart.Uart(terminal.write, self._plic.set_source)
        self._finisher = finisher.Finisher(self._on_exit)
        self.devices: Mapping[str, Stateful] = {
            "clint": self._clint,
            "plic": self._plic,
            "uart": self._uart,
        }
        """Those with state beside their wiring, by name; HTIF is apart: not all guests have it."""
        for module_, device in (
            (clint, self._clint),
            (plic, self._plic),
            (uart, self._uart),
            (finisher, self._finisher),
        ):
            self.bus.attach(module_.BASE, module_.SIZE, device)
        for slot in range(virtio.SLOTS):
            self.bus.attach(virtio.BASE + slot * virtio.SIZE, virtio.SIZE, virtio.EmptySlot())

    def boot(self, images: Images) -> None:
        """Load the images and put the hart at the first instruction, as a boot ROM would."""
        if images.bios is None and images.kernel is not None:
            raise DrafthartError(
                "--kernel needs firmware that starts it: add --bios FILE, or name the file alone"
            )
        first = images.bios or images.program
        if first is None:
            raise DrafthartError("nothing to run: name an ELF file, or --bios FILE")
        ram = self.bus.ram
        image = loader.load_image(first, self.bus, default_address=ram.base)
        payload = images.kernel if images.bios else None
        if images.bios and images.program:
            if payload:
                raise DrafthartError(
                    f"both --kernel {payload} and {images.program} given: firmware starts only one"
                )
            payload = images.program
        next_address = ram.base + KERNEL_OFFSET
        symbols, functions = dict(image.symbols), list(image.functions)
        if payload is not None:
            kernel = loader.load_image(payload, self.bus, default_address=next_address)
            next_address = kernel.entry
            symbols |= kernel.symbols
            functions += kernel.functions
        self.symbols, self.functions = symbols, functions
        tree = self._device_tree(images)
        tree_address = (ram.end - len(tree) - PAGE) & -PAGE
        if tree_address < ram.base + KERNEL_OFFSET:
            raise DrafthartError(
                f"no room for the device tree in {ram.size >> 20} MiB: give --memory 16M or more"
            )
        ram.store(tree_address, tree)
        self.engine.reset()
        hart = self.hart
        hart.pc = image.entry
        hart.x[10] = 0  # hart id
        hart.x[11] = tree_address
        if images.bios is not None:
            # What OpenSBI's fw_dynamic wants in a2; fw_jump and fw_payload do not look.
            words = (_DYNAMIC_MAGIC, _DYNAMIC_VERSION, next_address, _SUPERVISOR, 0, 0)
            block = b"".join(word.to_bytes(8, "little") for word in words)
            hart.x[12] = ram.end - PAGE
            ram.store(hart.x[12], block)
        self._exit = None
        self.attach_htif(image.tohost, image.fromhost)
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
        limit = 1 << 63 if max_steps is None else self.hart.steps + max_steps

        def horizon() -> tuple[int, bool]:
            if interrupted is not None and interrupted():
                # Devices are brought up to date all the same: someone may look at them.
                self._horizon(limit, progress)
                return 0, True
            return self._horizon(limit, progress)

        while True:
            stop = self.engine.run(horizon)
            if self._exit is not None:
                status, self._exit = self._exit, None
                if not status.reset:
                    return Outcome("exit", status.status, self.hart.steps)
                self.reboot()
            elif self._terminal.quit:
                return Outcome("quit", 0, self.hart.steps)
            elif stop.reason == "breakpoint":
                return Outcome("breakpoint", 0, self.hart.steps)
            elif self.hart.steps >= limit:
                return Outcome("limit", 0, self.hart.steps)
            elif stop.reason == "limit":
                return Outcome("interrupted", 0, self.hart.steps)
            elif stop.reason == "sleeping" and not self._skip_to_event(limit):
                return Outcome("asleep", 0, self.hart.steps)

    def _on_exit(self, status: Exit) -> None:
        self._exit = status
        self.hart.attention()

    def _horizon(self, limit: int, progress: Callable[[int], None] | None) -> tuple[int, bool]:
        """Bring the devices up to date; see Engine.run."""
        hart = self.hart
        if self._htif is not None:
            self._htif.poll()
        if hart.steps >= self.next_poll:
            self.poll_console()
            if progress is not None:
                progress(hart.steps)
        if self._exit is not None or self._terminal.quit:
            return 0, True
        self._clint.update()
        event = self._next_tick()
        until = self.next_poll
        if event is not None:
            until = min(until, hart.steps + max(1, self.clock.instructions_until(event)))
        return (limit, True) if limit <= until else (until, False)

    def _next_tick(self) -> int | None:
        """The next tick at which a timer fires, inside the hart or beside it."""
        inside = self.engine.module["next_timer"](self.hart)
        ticks = [tick for tick in (self._clint.next_event(),) if tick is not None]
        if self.clock.now() < inside < (1 << 63):
            ticks.append(inside)
        return min(ticks, default=None)

    def poll_console(self) -> None:
        """Give the devices what was typed."""
        self.next_poll = self.hart.steps + _POLL
        data = self._terminal.poll()
        if data:
            self._uart.receive(data)
            if self._htif is not None:
                self._htif.receive(data)

    def _skip_to_event(self, limit: int) -> bool:
        """Let time pass for a sleeping hart; False if nothing will ever wake it."""
        tick = self._next_tick()
        if tick is not None:
            self.clock.skip_to(tick)
            self.next_poll = self.hart.steps
            return True
        if self._terminal.at_end:
            return False
        time.sleep(0.01)
        self.next_poll = self.hart.steps
        return True

    def _device_tree(self, images: Images) -> bytes:
        if images.dtb is not None:
            return devicetree.load_dtb(images.dtb)
        ram = self.bus.ram
        return devicetree.build(
            devicetree.MachineFacts(
                isa=isa_string(self.isa),
                ram_base=ram.base,
                ram_size=ram.size,
                mmu=_mmu_type(self.isa),
                bootargs=images.append,
            )
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
