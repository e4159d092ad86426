"""Physical memory protection, from all modes: of the datum, and of both stages' page tables."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from drafthart.conformance.probes.page_tables import (
    G_PTE,
    G_PTE_1G,
    G_PTE_2M,
    GUEST_PAGE,
    PAGE,
    RWX,
    S_PTE,
    VS_PTE,
    VS_PTE_1G,
    VS_PTE_2M,
    Stages,
    U,
    pte,
)
from drafthart.conformance.probes.probe import Group, Names, Probe, Setup, Watched, existing
from drafthart.conformance.probes.state import DATA, watched
from drafthart.generator.spec.model import ISA

_R, _W, _X = 1, 2, 4
_TOR, _NA4, _NAPOT = 1 << 3, 2 << 3, 3 << 3
_LEGAL = {"-": 0, "R": _R, "X": _X, "RX": _R | _X, "RW": _R | _W, "RWX": _R | _W | _X}
"""W without R is reserved."""
_ACCESSES = {
    "load": "ld a1, 0(a0)",
    "store": "sd a1, 8(a0)",
    "fetch": "jalr a0\nli a0, 0\nli ra, 0",
    "lr": "lr.w a1, (a0)",
    "amo": "amoor.w a1, a1, (a0)",
}
_ALL = _NAPOT | _R | _W | _X
_EVERYWHERE = (1 << 64) - 1
_REST: Setup = (("pmpaddr0", _EVERYWHERE), ("pmpcfg0", _ALL))
"""As the driver has it."""


def _page(address: int, permissions: int) -> Setup:
    """The page of this address with these permissions, and all else with all of them."""
    napot = (address & ~0xFFF) >> 2 | 0x1FF
    config = _NAPOT | permissions | _ALL << 8
    return (("pmpaddr1", _EVERYWHERE), ("pmpaddr0", napot), ("pmpcfg0", config))


def protection(isa: ISA) -> Group:
    """Accesses from each mode over permissions, kinds of regions, and tables that are protected."""
    names, stages = Names(isa), Stages(isa)
    probes = [
        *_of_data(stages),
        *_kinds(),
        *_of_guest_accesses(names, stages),
        *_of_tables(names, stages),
    ]
    watch: tuple[Watched, ...] = (*watched(isa), ("data", DATA), ("data 8", DATA + 8))
    # First of all: an access that a region covers in part fails in M-mode too.
    start = (*_REST, *stages.baseline())
    return Group("protection", tuple(probes), start, watch, stages.prologue())


def _of_data(stages: Stages) -> Iterator[Probe]:
    for (name, bits), (access, action), mode in product(
        _LEGAL.items(), _ACCESSES.items(), ("M", "HS", "U", "VS", "VU")
    ):
        setup = _page(DATA, bits)
        label = f"{access} in {mode}, PMP {name}"
        yield Probe(label, action, mode, setup, registers=(DATA, 0))
        if mode in ("VS", "VU"):
            user: Setup = ((VS_PTE, pte(GUEST_PAGE, RWX | (U if mode == "VU" else 0))),)
            yield stages.probe(f"{label}, two stages", action, mode, (*user, *setup))


def _kinds() -> Iterator[Probe]:
    """Regions off, to an end, of four bytes, of eight; the second entry has all permissions."""
    after = _ALL << 8
    word = DATA >> 2
    kinds: dict[str, Setup] = {
        "off": (("pmpaddr0", word), ("pmpcfg0", after)),
        "four bytes": (("pmpaddr0", word), ("pmpcfg0", _NA4 | after)),
        "eight bytes": (("pmpaddr0", word), ("pmpcfg0", _NAPOT | after)),
        "sixteen bytes": (("pmpaddr0", word | 1), ("pmpcfg0", _NAPOT | after)),
        "from zero": (("pmpaddr0", word + 2), ("pmpcfg0", _TOR | _R | _X | after)),
        "between": (
            ("pmpaddr2", _EVERYWHERE),
            ("pmpaddr0", word),
            ("pmpaddr1", word + 2),
            ("pmpcfg0", _TOR << 8 | _ALL << 16),
        ),
        "empty": (
            ("pmpaddr2", _EVERYWHERE),
            ("pmpaddr0", word),
            ("pmpaddr1", word),
            ("pmpcfg0", _TOR << 8 | _ALL << 16),
        ),
        "none matches": (("pmpaddr0", word), ("pmpcfg0", _TOR | _R | _W | _X), ("pmpaddr1", 0)),
    }
    for (kind, setup), offset, mode in product(kinds.items(), (-8, -4, 0, 4, 8, 16), ("HS", "M")):
        if kind == "none matches" and offset < 0:
            continue  # the probe itself lies there
        text = "lw a1, 0(a0)" if offset % 8 else "ld a1, 0(a0)"
        for name, action in (("load", text), ("store", text.replace("l", "s", 1))):
            first = (("pmpaddr1", _EVERYWHERE),)
            label = f"{name} in {mode}, PMP {kind}, at {offset}"
            yield Probe(label, action, mode, (*first, *setup), registers=(DATA + offset, 0))


def _of_guest_accesses(names: Names, stages: Stages) -> Iterator[Probe]:
    """HLV, HLVX and HSV: what PMP lets be executed can be read by HLVX no more than else."""
    actions = {"hlv.w": "hlv.w a1, (a0)", "hlvx.wu": "hlvx.wu a1, (a0)", "hsv.w": "hsv.w a1, (a0)"}
    for (name, action), (text, bits) in product(actions.items(), _LEGAL.items()):
        if name not in names.isa.instructions:
            continue
        for down, delegated in _delegations(names):
            setup: Setup = (
                *delegated,
                ("hstatus", names.mask("hstatus.SPVP")),
                *_page(DATA, bits),
            )
            label = f"{name} in HS, PMP {text}, {down}"
            yield stages.probe(label, action, "HS", setup, stages=stages.on())


def _of_tables(names: Names, stages: Stages) -> Iterator[Probe]:
    """A table that cannot be read: the access fault is of the original access."""
    tables = {
        "VS-stage leaf": VS_PTE, "VS-stage middle": VS_PTE_2M, "VS-stage root": VS_PTE_1G,
        "G-stage leaf": G_PTE, "G-stage middle": G_PTE_2M, "G-stage root": G_PTE_1G,
        "S-stage leaf": S_PTE,
    }  # fmt: skip
    for (table, where), (text, bits), (access, action) in product(
        tables.items(), (("-", 0), ("X", _X), ("R", _R)), list(_ACCESSES.items())[:3]
    ):
        mode = "HS" if table.startswith("S-") else "VS"
        for down, delegated in _delegations(names):
            if "root" in table and "hedeleg" in down:
                continue  # VS-mode's handler needs it too
            label = f"{table} PMP {text}, {access} in {mode}, {down}"
            setup = (*delegated, *_page(where, bits))
            yield stages.probe(label, action, mode, setup, PAGE)


def _delegations(names: Names) -> Iterator[tuple[str, Setup]]:
    everything = (1 << 64) - 1 & ~names.mask("medeleg.BREAKPOINT")
    yield "undelegated", ()
    yield "medeleg", (("medeleg", everything),)
    both = existing(names, (("medeleg", everything), ("hedeleg", everything)))
    yield "medeleg hedeleg", both
