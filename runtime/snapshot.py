"""Snapshots of a machine: all that decides how the run goes on, of any engine, for any engine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from drafthart.generator.diff.aspects import aspects
from drafthart.generator.diff.items import items
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.runtime.devices.htif import Htif
from drafthart.runtime.devices.saved import Stateful, device_state, is_number, restore_device
from drafthart.runtime.gate import Stability
from drafthart.runtime.machine import MOST_HARTS, Machine
from drafthart.runtime.snapshot_file import (
    VERSION,
    Container,
    Track,
    damaged,
    load_ram,
    read_container,
    write_container,
)
from drafthart.runtime.state import Part, Value, mode_name, parts, read_state, write_state

_NAMED = 4
"""Items named in an error at most."""


def save_snapshot(
    machine: Machine, file: BinaryIO, stability: Stability, track: Track | None = None
) -> None:
    """Write all of `machine` to an open file. Its harts must be between two instructions."""
    isa, clock, htif = machine.isa, machine.clock, machine.htif
    modes, states = zip(
        *(
            (mode_name(own, hart), read_state(hart, own))
            for own, hart in zip(machine.isas, machine.harts, strict=True)
        ),
        strict=True,
    )
    header = {
        "stability": stability,
        "revision": isa.id,
        "content": isa.content,
        "xlen": isa.xlen,
        "parameters": {name: parameter.value for name, parameter in isa.parameters.items()},
        "items": _item_hashes(isa),
        "memory": machine.bus.ram.size,
        "mode": modes[0],
        "hart": states[0],
        "others": [
            {"revision": own.id, "content": own.content, "mode": mode, "hart": state}
            for own, mode, state in zip(machine.isas[1:], modes[1:], states[1:], strict=True)
        ],
        "turn": {"hart": machine.turn, "end": machine.turn_end, "idle": machine.idle},
        "quantum": machine.quantum,
        "clock": {
            "offset": clock.offset,
            "instructions_per_tick": clock.instructions_per_tick,
        },
        "next_poll": machine.next_poll,
        "devices": {name: device_state(device) for name, device in machine.devices.items()},
        "htif": None
        if htif is None
        else {"tohost": htif.tohost, "fromhost": htif.fromhost, **device_state(htif)},
    }
    write_container(file, header, machine.bus.ram, track)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot as it was read, its header checked for form."""

    path: Path
    container: Container
    stability: Stability
    revision: str
    """The revision expression of hart 0, overlay included."""
    content: str
    xlen: int
    parameters: dict[str, int]
    items: dict[str, str]
    memory: int
    """Bytes of RAM."""
    mode: str
    """The mode that hart 0 is in, such as VS-mode."""
    hart: dict[str, Any]
    others: list[dict[str, Any]]
    """Harts 1 and up: `revision`, `content`, `mode`, `hart`."""
    turn: dict[str, int]
    quantum: int
    devices: dict[str, dict[str, Any]]
    htif: dict[str, Any] | None
    clock: tuple[int, int]
    """Ticks ahead of the instruction count, and instructions per tick."""
    next_poll: int

    @property
    def format(self) -> int:
        """The version of the file format."""
        return VERSION

    def require_revision(self, isa: ISA) -> None:
        """Raise DrafthartError, which names both, unless `isa` is of the snapshot's revision."""
        if isa.id != self.revision:
            raise DrafthartError(
                f"{self.path}: is a snapshot of {self.revision}, and this run is of {isa.id}; "
                f"run it with --revision {self.revision}, or save one of {isa.id}"
            )

    def require_same(self, isa: ISA) -> None:
        """Raise DrafthartError, which says what differs, unless `isa` is the one that was saved."""
        self.require_revision(isa)
        if isa.content == self.content and isa.xlen == self.xlen:
            return
        for name, value in self.parameters.items():
            ours = isa.parameters.get(name)
            if ours is not None and ours.value != value:
                raise DrafthartError(
                    f"{self.path}: was saved with {name}={value}, and this run has "
                    f"{name}={ours.value}; leave --set {name} out, or set it to {value}"
                )
        now = _item_hashes(isa)
        ids = [id_ for id_ in {**self.items, **now} if self.items.get(id_) != now.get(id_)]
        shown = ", ".join(ids[:_NAMED]) + (
            f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
        )
        what = f"differs in {shown}" if ids else "was written differently"
        raise DrafthartError(
            f"{self.path}: the spec of {isa.id} {what} when this was saved, so the run could go on "
            "in another way; restore it with the Drafthart and the specs that saved it, "
            "or save one anew"
        )

    def restore(self, machine: Machine) -> None:
        """Put a machine of the same ISA and memory size into the state that was saved."""
        self.require_same(machine.isa)
        if machine.bus.ram.size != self.memory:
            raise DrafthartError(
                f"{self.path}: has {self.memory >> 20} MiB of RAM, and this machine "
                f"{machine.bus.ram.size >> 20}; leave --memory out"
            )
        self._require_same_harts(machine)
        states = [
            self._state(hart, parts(isa))
            for hart, isa in zip(
                [self.hart, *(it["hart"] for it in self.others)], machine.isas, strict=True
            )
        ]
        load_ram(self.path, self.container, machine.bus.ram)
        harts = zip(machine.engines, machine.harts, machine.isas, states, strict=True)
        for engine, hart, isa, state in harts:
            engine.reset()
            write_state(hart, isa, state)
        machine.take_turns(**self.turn, quantum=self.quantum)
        machine.clock.offset, machine.clock.instructions_per_tick = self.clock
        machine.next_poll = self.next_poll
        if self.devices.keys() != machine.devices.keys():
            if ("console" in self.devices) != ("console" in machine.devices):
                with_or_without = "with" if "console" in self.devices else "without"
                raise DrafthartError(
                    f"{self.path}: was saved {with_or_without} --virtio-console; "
                    f"restore it {with_or_without} the option too"
                )
            disks = sum(name.startswith("disk") for name in self.devices)
            have = sum(name.startswith("disk") for name in machine.devices)
            if disks != have:
                raise DrafthartError(
                    f"{self.path}: was saved with {disks} disks, and this machine has {have}; "
                    "name the same images with --disk"
                )
            raise damaged(self.path, "its list of devices")
        for name, device in machine.devices.items():
            self._restore_device(name, device, self.devices[name])
        self._restore_htif(machine)
        machine.flush()

    def _require_same_harts(self, machine: Machine) -> None:
        own = [isa.id for isa in machine.isas]
        saved = [self.revision, *(it["revision"] for it in self.others)]
        if len(own) != len(saved):
            raise DrafthartError(
                f"{self.path}: has {len(saved)} hart{'s' * (len(saved) > 1)}, and this machine "
                f"{len(own)}; leave --smp out"
            )
        for number, (isa, other) in enumerate(zip(machine.isas[1:], self.others, strict=True), 1):
            if isa.id != other["revision"]:
                raise DrafthartError(
                    f"{self.path}: its hart {number} is of {other['revision']}, and this one of "
                    f"{isa.id}; add --hart-revision {number}={other['revision']}"
                )
            if isa.content != other["content"]:
                raise DrafthartError(
                    f"{self.path}: its hart {number} had another spec or other parameters when "
                    "this was saved; restore it with those, or save one anew"
                )

    def _state(self, hart: dict[str, Any], expected: tuple[Part, ...]) -> dict[str, Value]:
        if hart.keys() != {part.name for part in expected}:
            raise damaged(self.path, "the registers that it lists")
        for part in expected:
            value = hart[part.name]
            numbers = value if part.count and isinstance(value, list) else [value]
            fits = len(numbers) == (part.count or 1)
            if not fits or not all(is_number(number, part.width) for number in numbers):
                raise damaged(self.path, f"the value of {part.name}")
        return hart

    def _restore_device(self, name: str, device: Stateful, state: Mapping[str, Any]) -> None:
        try:
            restore_device(device, state)
        except ValueError as error:
            raise damaged(self.path, f"{error} of its device {name}") from None

    def _restore_htif(self, machine: Machine) -> None:
        if self.htif is None:
            machine.attach_htif(None, None)
            return
        state = dict(self.htif)
        tohost, fromhost = state.pop("tohost", None), state.pop("fromhost", None)
        for word in (tohost, tohost if fromhost is None else fromhost):
            if not is_number(word, 64) or not machine.bus.ram.contains(word, 8):
                raise damaged(self.path, "the place of tohost and fromhost")
        machine.attach_htif(tohost, fromhost)
        htif = machine.htif
        assert isinstance(htif, Htif)
        self._restore_device("htif", htif, state)


def read_snapshot(path: Path) -> Snapshot:
    """Read a snapshot. Raises DrafthartError that says what is wrong with it."""
    container = read_container(path)
    header = container.header
    known: dict[str, Callable[[Any], bool]] = {
        "stability": _is_stability,
        "revision": lambda it: isinstance(it, str),
        "content": lambda it: isinstance(it, str),
        "xlen": lambda it: it in (32, 64),
        "parameters": lambda it: _is_map(it) and all(type(value) is int for value in it.values()),
        "items": lambda it: _is_map(it) and all(isinstance(value, str) for value in it.values()),
        "memory": lambda it: is_number(it, 48),
        "mode": lambda it: isinstance(it, str),
        "hart": _is_hart,
        "others": _are_others,
        "quantum": lambda it: is_number(it, 63) and it > 0,
        "clock": _is_clock,
        "next_poll": lambda it: is_number(it, 64),
        "devices": lambda it: _is_map(it) and all(_is_map(value) for value in it.values()),
        "htif": lambda it: it is None or _is_map(it),
    }
    for name, right in known.items():
        if name not in header or not right(header[name]):
            raise damaged(path, f"{name} in its header")
    clock = header["clock"]
    turn: Any = header.get("turn")
    if not _is_turn(turn, 1 + len(header["others"])):
        raise damaged(path, "turn in its header")
    return Snapshot(
        path=path,
        container=container,
        stability=header["stability"],
        revision=header["revision"],
        content=header["content"],
        xlen=header["xlen"],
        parameters=header["parameters"],
        items=header["items"],
        memory=header["memory"],
        mode=header["mode"],
        hart=header["hart"],
        others=header["others"],
        turn=turn,
        quantum=header["quantum"],
        devices=header["devices"],
        htif=header["htif"],
        clock=(clock["offset"], clock["instructions_per_tick"]),
        next_poll=header["next_poll"],
    )


def _is_map(value: object) -> bool:
    return isinstance(value, dict)


def _is_stability(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"revision", "status", "opt_in"}
        and isinstance(value["revision"], str)
        and isinstance(value["status"], str)
        and (value["opt_in"] is None or isinstance(value["opt_in"], str))
    )


def _is_hart(value: object) -> bool:
    """What every hart has is checked here, the rest when it is known which hart it is."""
    names = {"pc": 64, "steps": 63, "trapped": 63, "sleeping": 1}
    return isinstance(value, dict) and all(
        is_number(value.get(name), width) for name, width in names.items()
    )


def _are_others(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) < MOST_HARTS
        and all(
            isinstance(it, dict)
            and it.keys() == {"revision", "content", "mode", "hart"}
            and all(isinstance(it[name], str) for name in ("revision", "content", "mode"))
            and _is_hart(it["hart"])
            for it in value
        )
    )


def _is_turn(value: object, harts: int) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"hart", "end", "idle"}
        and all(is_number(it, 64) for it in value.values())
        and value["hart"] < harts
        and value["idle"] < harts
    )


def _is_clock(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"offset", "instructions_per_tick"}
        and type(value["offset"]) is int
        and abs(value["offset"]) < 1 << 65
        and is_number(value["instructions_per_tick"], 32)
        and value["instructions_per_tick"] > 0
    )


def _item_hashes(isa: ISA) -> dict[str, str]:
    """A short hash of each item, so that an error can say which ones changed."""
    return {
        id_: hashlib.sha256(repr(sorted(aspects(item).items())).encode()).hexdigest()[:8]
        for id_, item in items(isa).items()
        if not id_.startswith(("rule:", "pseudo:"))
    }
