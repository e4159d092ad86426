"""What the tests of several harts share: making a machine, and putting a program on it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench import isa_of

from drafthart.generator.assembly import assemble, write_elf
from drafthart.runtime.engines import engine_named
from drafthart.runtime.machine import QUANTUM, Images, Machine
from drafthart.runtime.state import read_state

ENGINES = ["python", "native", "both"]

FINISH = """
finish:
    li t0, 0x100000
    li t1, 0x5555
    sw t1, 0(t0)
1:  j 1b
"""
"""The end of a run that went well."""


class Screen:
    """A terminal that keeps what is shown, and at which nobody types."""

    quit = False
    at_end = True

    def __init__(self) -> None:
        self.shown = b""

    def poll(self) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        self.shown += data


def machine(
    engine: str,
    harts: int = 2,
    quantum: int = QUANTUM,
    revision: str = "h@1.0",
    terminal: Screen | None = None,
    memory: int = 16 << 20,
) -> Machine:
    isa = isa_of(revision)
    factory = engine_named(engine, isa)
    return Machine(
        isa,
        factory,
        memory=memory,
        terminal=terminal or Screen(),
        others=[(isa, factory)] * (harts - 1),
        quantum=quantum,
    )


def load(it: Machine, folder: Path, source: str) -> Mapping[str, int]:
    """Assemble and boot a program; its symbols."""
    path = folder / "program.elf"
    path.write_bytes(write_elf(assemble(source, it.isa, base=0x8000_0000)))
    it.boot(Images(program=path))
    return it.symbols


def word(it: Machine, address: int, size: int = 8) -> int:
    return int.from_bytes(it.bus.ram.load(address, size), "little")


def everything(it: Machine) -> dict[str, Any]:
    """All that decides how the run goes on."""
    return {
        "harts": [read_state(hart, isa) for hart, isa in zip(it.harts, it.isas, strict=True)],
        "turn": (it.turn, it.turn_end, it.idle),
        "clock": it.clock.offset,
        "memory": bytes(it.bus.ram.data[:]),
    }
