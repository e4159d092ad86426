"""Random probes of a revision, in groups: the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from drafthart.conformance.observe import Track
from drafthart.conformance.probes.page_tables import (
    ALIAS,
    CODE,
    G_PTE,
    GUEST_PAGE,
    PAGE,
    RWX,
    S_PTE,
    VS_PTE,
    Stages,
    U,
    pte,
)
from drafthart.conformance.probes.probe import Group, Names, Probe, Setup, Watched, Write
from drafthart.conformance.probes.state import CONTENT, DATA, NOWHERE, watched
from drafthart.conformance.randomized.entries import random_entry
from drafthart.conformance.randomized.place import placed
from drafthart.conformance.randomized.steps import ALIGNED, CODE_OFFSET, FLOATS, VALUES, Steps
from drafthart.conformance.randomized.values import random_value, writable
from drafthart.conformance.randomized.weights import Weights
from drafthart.generator.spec.model import ISA

PROBES_OF_A_GROUP = 256

_MODES = {"M": 2, "HS": 4, "U": 1, "VS": 4, "VU": 2}
_EDGE = 0xFF0
"""Offset of the last two doublewords of a page."""
_WORDS = (*range(0, 40, 8), _EDGE, _EDGE + 8)
"""Offsets of all doublewords of the page that probes may change."""
_FLOATS = (
    0x3FF0_0000_0000_0000, 0xC004_0000_0000_0000, 0xFFFF_FFFF_3FC0_0000, 0x7FF0_0000_0000_0001,
)  # fmt: skip
"""1, -2.5, a narrower 1.5, and a signalling NaN."""
_OFTEN = ("medeleg", "hedeleg", "mideleg", "hideleg", "mie", "mip", "hvip", "hstatus", "vsstatus")
"""CSRs that decide about much."""
_SCHEMES = {"vs": {"Sv48": "SV48", "Sv57": "SV57"}, "g": {"Sv48": "SV48X4", "Sv57": "SV57X4"}}
"""Beside Sv39: the parameters that say whether there are these."""


def random_groups(
    isa: ISA, count: int, seed: int, track: Track, *, even: bool = False
) -> list[Group]:
    """So many random probes. With `even` no group learns from those before it.

    A probe's label is `random SEED:NUMBER`; the first probes are the same whatever the count.
    """
    weights = Weights(isa)
    found: list[Group] = []
    starts = range(0, count, PROBES_OF_A_GROUP)
    for start in track(starts, "making random probes"):
        if found and not even:
            weights.note(found[-1])
        numbers = range(start, start + PROBES_OF_A_GROUP)
        maker = _Maker(isa, weights, Random(f"{seed}:{start}"))
        probes = [maker.probe(f"random {seed}:{number}") for number in numbers][: count - start]
        found.append(group_of(f"random-{start // PROBES_OF_A_GROUP}", probes, isa))
    return found


def group_of(name: str, probes: Sequence[Probe], isa: ISA) -> Group:
    """A group in which such probes run."""
    stages = Stages(isa)
    watch: tuple[Watched, ...] = (
        *watched(isa),
        *VALUES[1:],
        ("VS PTE", VS_PTE),
        ("G PTE", G_PTE),
        ("S PTE", S_PTE),
        *((f"data {offset}", DATA + offset) for offset in _WORDS),
    )
    prologue = (*stages.prologue(), (DATA + CODE_OFFSET, CODE))
    return Group(name, tuple(probes), _baseline(isa, stages), watch, prologue)


def _baseline(isa: ISA, stages: Stages) -> Setup:
    """All that a probe may have changed is as it was."""
    names = Names(isa)
    start = stages.baseline()
    done = {what for what, _ in start}
    floats: list[Write] = []
    if "fmv.d.x" in isa.instructions:
        floats = [("mstatus", names.mask("mstatus.FS")), ("fcsr", 0)]
        floats += zip(FLOATS, _FLOATS, strict=True)
    others = [(name, 0) for name in _prepared(isa) if name not in done]
    ends: list[Write] = []
    for csr in filter(names.has, isa.csrs):
        if csr.endswith("epc"):
            ends.append((csr, "done"))
        elif csr.endswith("tvec") and csr not in ("mtvec", "stvec"):
            ends.append((csr, "trap_to_vs"))  # of the guest, as a revision calls it
    words = [(DATA + offset, CONTENT + offset) for offset in _WORDS]
    registers: list[Write] = [(name, DATA) for name in ALIGNED]
    registers += [(name, 0) for name in VALUES[1:]]
    return (*floats, *others, *start, *ends, *words, *registers)


def _prepared(isa: ISA) -> list[str]:
    """The CSRs that are written before a probe by themselves, and not as a view of others."""
    return [
        csr.name
        for csr in writable(isa)
        if csr.view is None and csr.name not in ("mstatus", "fcsr")
    ]


class _Maker:
    def __init__(self, isa: ISA, weights: Weights, random: Random) -> None:
        self._isa = isa
        self._names = Names(isa)
        self._stages = Stages(isa)
        self._weights = weights
        self._random = random
        self._steps = Steps(isa, weights, random)
        self._csrs = {f"csr:{name}": isa.csrs[name] for name in _prepared(isa)}

    def probe(self, label: str) -> Probe:
        random = self._random
        mode = random.choices(list(_MODES), list(_MODES.values()))[0]
        mstatus = self._mstatus(mode)
        override = bool(mstatus & self._names.mask("mstatus.MPRV"))
        stages = self._on()
        page = _page_of(mode, stages)
        registers = [(name, self._address(page, odd=False)) for name in ALIGNED]
        setup = (*stages, *self._entries(mode), *self._csr_writes(), *registers)
        ecall = random.random() < 0.1
        action = "\n".join(self._steps.several(mode, leaves=not override))
        values = (self._address(page, odd=True), random.getrandbits(64))
        return placed(Probe(label, action, mode, setup, mstatus, values, ecall=ecall))

    def _mstatus(self, mode: str) -> int:
        """Its value beside MPP and MPV: no interrupt may come before the probe begins.

        Only M-mode overrides, and then does not leave: what a return does to MPRV, and so to the
        handler's own accesses, differs between revisions.
        """
        names, random = self._names, self._random
        value = random_value(self._isa.csrs["mstatus"], names, random)
        value &= ~names.mask("mstatus.MIE", "mstatus.MPP", "mstatus.MPV")
        if mode == "M" and random.random() < 0.25:
            value |= names.mask("mstatus.MPRV")
        return value

    def _on(self) -> Setup:
        random = self._random

        def scheme(stage: str) -> str | None:
            if random.random() < 0.35:
                return None
            further = [
                name
                for name, parameter in _SCHEMES.get(stage, {}).items()
                if parameter in self._isa.parameters and self._isa.parameters[parameter].value
            ]
            return random.choice(further) if further and random.random() < 0.2 else "Sv39"

        return self._stages.on(vs=scheme("vs"), g=scheme("g"), s=scheme("s"))

    def _entries(self, mode: str) -> Iterator[Write]:
        """Mostly what lets this mode through, and often something odd."""
        random = self._random
        user = mode in ("U", "VU") or (mode != "VS" and random.random() < 0.5)
        if user and random.random() < 0.8:
            yield from _for_users()
        for _ in range(random.choice((0, 0, 0, 1, 1, 2, 3))):
            yield random_entry(random, user=user)

    def _csr_writes(self) -> Iterator[Write]:
        random = self._random
        chosen = {name: None for name in _OFTEN if random.random() < 0.4}
        for _ in range(random.choice((0, 0, 1, 1, 2, 3))):
            chosen[self._weights.pick(self._csrs, random).name] = None
        for name in chosen:
            if f"csr:{name}" in self._csrs:
                yield name, random_value(self._isa.csrs[name], self._names, random)
        for csr_name, vector in (("stvec", "vector_to_hs"), ("vstvec", "vector_to_vs")):
            vectored = self._isa.parameters.get("STVEC_VECTORED")
            if self._names.has(csr_name) and vectored and vectored.value and random.random() < 0.1:
                yield csr_name, f"{vector} + 1"
        for csr_name in ("sepc", "vsepc"):
            if self._names.has(csr_name) and random.random() < 0.2:
                yield csr_name, f"done + {ALIAS:#x}"

    def _address(self, page: int, *, odd: bool) -> int:
        """Somewhere to access: mostly on this page, sometimes misaligned within it."""
        random = self._random
        others = (PAGE, DATA, GUEST_PAGE, NOWHERE, PAGE + 0x1000, PAGE | 1 << 40)
        start = page if random.random() < 0.6 else random.choice(others)
        offset = random.choice((0, 8, 16, 16, _EDGE))
        if odd and offset < _EDGE and random.random() < 0.15:
            offset += random.randrange(8)
        return start + offset


def _page_of(mode: str, stages: Setup) -> int:
    """Where a mode finds the page to try things on."""
    csr = {"HS": "satp", "U": "satp", "VS": "vsatp", "VU": "vsatp"}.get(mode)
    return PAGE if any(what == csr for what, _ in stages) else DATA


def _for_users() -> Setup:
    """What lets user modes access the page."""
    return ((VS_PTE, pte(GUEST_PAGE, RWX | U)), (S_PTE, pte(DATA, RWX | U)))
