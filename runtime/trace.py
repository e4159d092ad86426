"""Commit traces: one line for each retired instruction, as Spike's --log-commits writes them.

    core   0: 3 0x0000000080000000 (0x00000297) x5  0x0000000080000000

A line has the hart, the privilege mode (3 M, 1 S or VS, 0 U or VU; Spike does not tell V), the pc,
the instruction, then each register and CSR written, then the address of each load, then the
address and value of each store. Source: the output of riscv-isa-sim, vector state left out.
"""

import re
from dataclasses import dataclass
from typing import Literal

from drafthart.generator.errors import DrafthartError


@dataclass(frozen=True, slots=True)
class Write:
    """A register or CSR written: kind x, f or c, its number or CSR address, and the value.

    `width` is the register's in bits; `name` is the CSR's, and empty for x and f.
    """

    kind: Literal["x", "f", "c"]
    number: int
    value: int
    name: str = ""
    width: int = 64


@dataclass(frozen=True, slots=True)
class Load:
    """A load from a virtual `address`."""

    address: int


@dataclass(frozen=True, slots=True)
class Store:
    """A store of `size` bytes (1, 2, 4, 8) of `value` to a virtual `address`."""

    address: int
    value: int
    size: int


@dataclass(frozen=True, slots=True)
class Commit:
    """One retired instruction: `length` bytes (2 or 4), run in `mode` on `hart` of `xlen` bits."""

    pc: int
    instruction: int
    length: int
    mode: int
    writes: tuple[Write, ...] = ()
    loads: tuple[Load, ...] = ()
    stores: tuple[Store, ...] = ()
    hart: int = 0
    xlen: int = 64


_HEX = r"0x((?:[0-9a-f]{2}){1,16})"
_HEAD = re.compile(
    r"core +([0-9]{1,4}): ([013]) 0x([0-9a-f]{8}|[0-9a-f]{16}) \(0x([0-9a-f]{4}|[0-9a-f]{8})\)"
)
_ITEM = re.compile(rf" (?:([xf])([0-9]{{1,2}}) +|c([0-9]{{1,4}})_(\w+) ){_HEX}(?= |$)")
_MEMORY = re.compile(rf" mem {_HEX}(?: {_HEX})?(?= |$)")


def format_commit(commit: Commit) -> str:
    """Return the line for `commit`, without a newline. Writes to x0 are left out, as by Spike."""
    digits = commit.xlen // 4
    parts = [
        f"core{commit.hart:4d}: {commit.mode} 0x{commit.pc:0{digits}x} "
        f"(0x{commit.instruction:0{commit.length * 2}x})"
    ]
    for write in commit.writes:
        value = f"0x{write.value:0{write.width // 4}x}"
        if write.kind == "c":
            parts.append(f"c{write.number}_{write.name} {value}")
        elif write.kind == "f" or write.number:
            parts.append(f"{write.kind}{write.number:<2d} {value}")
    parts += (f"mem 0x{load.address:0{digits}x}" for load in commit.loads)
    parts += (
        f"mem 0x{store.address:0{digits}x} 0x{store.value:0{store.size * 2}x}"
        for store in commit.stores
    )
    return " ".join(parts)


def parse_commit(line: str) -> Commit:
    """Return what a line of `format_commit` or Spike says; DrafthartError if it is no such line."""
    line = line.rstrip()
    head = _HEAD.match(line)
    if head is None:
        raise _malformed(line, 0)
    hart, mode, pc, instruction = head.groups()
    at = head.end()
    writes: list[Write] = []
    while item := _ITEM.match(line, at):
        kind, number, address, name, value = item.groups()
        width = len(value) * 4
        if kind is None:
            writes.append(Write("c", int(address), int(value, 16), name, width))
        else:
            register: Literal["x", "f"] = "x" if kind == "x" else "f"
            writes.append(Write(register, int(number), int(value, 16), "", width))
        at = item.end()
    loads: list[Load] = []
    stores: list[Store] = []
    while access := _MEMORY.match(line, at):
        address, value = access.groups()
        if value is None:
            loads.append(Load(int(address, 16)))
        else:
            stores.append(Store(int(address, 16), int(value, 16), len(value) // 2))
        at = access.end()
    if at != len(line):
        raise _malformed(line, at)
    return Commit(
        pc=int(pc, 16),
        instruction=int(instruction, 16),
        length=len(instruction) // 2,
        mode=int(mode),
        writes=tuple(writes),
        loads=tuple(loads),
        stores=tuple(stores),
        hart=int(hart),
        xlen=len(pc) * 4,
    )


def _malformed(line: str, at: int) -> DrafthartError:
    return DrafthartError(
        f"not a commit of Spike's --log-commits from column {at + 1} on: {line[:200]!r}; "
        "record the trace with --log-commits and without vector instructions"
    )
