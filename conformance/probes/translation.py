"""Address translation: permissions at either stage, shapes of tables, implicit accesses."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from drafthart.conformance.probes.page_tables import (
    ELSEWHERE,
    ELSEWHERE_PTE,
    G_PTE,
    G_PTE_1G,
    G_PTE_2M,
    GUEST_PAGE,
    PAGE,
    RWX,
    S_PTE,
    SCHEMES,
    VS_PTE,
    VS_PTE_1G,
    VS_PTE_2M,
    VS_TABLES,
    Stages,
    U,
    V,
    pte,
)
from drafthart.conformance.probes.probe import Group, Names, Probe, Setup, Watched
from drafthart.conformance.probes.state import DATA, NOWHERE, watched
from drafthart.generator.spec.model import ISA

ACCESSES = {
    "load": "ld a1, 0(a0)",
    "store": "sd a1, 8(a0)",
    "fetch": "jalr a0\nli a0, 0\nli ra, 0",
}
_MORE = {
    "lr": "lr.d a1, (a0)",
    "amo": "amoor.d a1, a1, (a0)",
    "lb": "lb a1, 9(a0)",
    "sh": "sh a1, 10(a0)",
    "lhu": "lhu t4, 12(a0)",
}
_LETTERS = "VRWXUGAD"
_LEAVES = (0x02, 0x06, 0x08, 0x0A, 0x0E, 0x12, 0x16, 0x18, 0x1A, 0x1E)
"""All permissions that a leaf can have, of R, W, X and U."""


def letters(bits: int) -> str:
    """The permissions of an entry, as text."""
    return "".join(letter for n, letter in enumerate(_LETTERS) if bits >> n & 1) or "-"


def _group(isa: ISA, name: str, stages: Stages, probes: Iterator[Probe]) -> Group:
    watch: tuple[Watched, ...] = (
        *watched(isa),
        ("VS PTE", VS_PTE),
        ("G PTE", G_PTE),
        ("S PTE", S_PTE),
        ("data", DATA),
    )
    return Group(name, tuple(probes), stages.baseline(), watch, stages.prologue())


def permissions(isa: ISA) -> Group:
    """All combinations of an entry's low bits at each stage, for each kind of access."""
    stages = Stages(isa)

    def probes() -> Iterator[Probe]:
        every = (0, (RWX | U) & ~V, *range(V, 256, 2))  # without V nothing else counts
        for bits, (access, action) in product(every, ACCESSES.items()):
            for mode, where, target in (
                ("VS", VS_PTE, GUEST_PAGE), ("VU", VS_PTE, GUEST_PAGE), ("VS", G_PTE, DATA),
                ("HS", S_PTE, DATA), ("U", S_PTE, DATA),
            ):  # fmt: skip
                stage = {VS_PTE: "VS-stage", G_PTE: "G-stage", S_PTE: "S-stage"}[where]
                label = f"{stage} {letters(bits)}, {access} in {mode}"
                yield stages.probe(label, action, mode, ((where, pte(target, bits)),))

    return _group(isa, "permissions", stages, probes())


def overrides(isa: ISA) -> Group:
    """SUM and MXR of both status registers, over the permissions of both stages."""
    names = Names(isa)
    stages = Stages(isa)

    def probes() -> Iterator[Probe]:
        for sum_, mxr, vs_sum, vs_mxr in product((0, 1), repeat=4):
            mstatus = names.value("mstatus.SUM", sum_) | names.value("mstatus.MXR", mxr)
            vsstatus = names.value("vsstatus.SUM", vs_sum) | names.value("vsstatus.MXR", vs_mxr)
            gates = f"SUM={sum_} MXR={mxr} vsSUM={vs_sum} vsMXR={vs_mxr}"
            for bits, (access, action), mode in product(_LEAVES, ACCESSES.items(), ("VS", "VU")):
                vs = (VS_PTE, pte(GUEST_PAGE, RWX & ~0xE | bits | V))
                g = (G_PTE, pte(DATA, RWX & ~0xE | bits | V | U))
                for stage, setup in (
                    ("VS-stage", (vs,)),
                    ("G-stage", (g,)),
                    ("both stages", (vs, g)),
                ):
                    if stage == "G-stage" and (bits & U or mode == "VU"):
                        continue
                    label = f"{stage} {letters(bits | V)}, {access} in {mode}, {gates}"
                    status: Setup = (("vsstatus", vsstatus),)
                    yield stages.probe(label, action, mode, (*setup, *status), mstatus=mstatus)

    return _group(isa, "overrides", stages, probes())


def shapes(isa: ISA) -> Group:
    """Reserved bits, pointers, superpages, schemes, addresses out of range, tables that fault."""
    names = Names(isa)
    stages = Stages(isa)

    def probes() -> Iterator[Probe]:
        for what, setup, address in _entries():
            for access, action in ACCESSES.items():
                yield stages.probe(f"{what}, {access} in VS", action, "VS", setup, address)
        for vs, g in product((None, *SCHEMES), (None, *SCHEMES)):
            for where, address in _addresses():
                on = stages.on(vs=vs, g=g)
                for access, action in ACCESSES.items():
                    label = f"vsatp {vs or 'Bare'}, hgatp {g or 'Bare'}, {access} at {where}"
                    if not _safe(vs, g, address):
                        continue
                    yield stages.probe(label, action, "VS", (), address, stages=on)
        yield from _tables(names, stages)
        yield from _delegated(names, stages)

    return _group(isa, "shapes", stages, probes())


def _safe(vs: str | None, g: str | None, address: int) -> bool:
    """Not where a physical address might be a device."""
    return not (vs is None and g is None) or address in (DATA, NOWHERE)


def _entries() -> Iterator[tuple[str, Setup, int]]:
    """Entries out of the ordinary at each level of the two stages."""
    levels = {
        "VS": (
            (VS_PTE, pte(GUEST_PAGE, RWX)),
            (VS_PTE_2M, pte(VS_TABLES[0], V)),
            (VS_PTE_1G, pte(VS_TABLES[1], V)),
        ),
        "G": ((G_PTE, pte(DATA, RWX | U)), (G_PTE_2M, pte(G_PTE, V)), (G_PTE_1G, pte(G_PTE_2M, V))),
    }
    for stage, entries in levels.items():
        for level, (where, value) in enumerate(entries):
            name = f"{stage}-stage level {level}"
            for bit in range(54, 64):
                yield f"{name} bit {bit}", ((where, value | 1 << bit),), PAGE
            for bits in (1 << 8, 2 << 8, 3 << 8):
                yield f"{name} RSW {bits >> 8}", ((where, value | bits),), PAGE
            if level:
                for bit in (0x10, 0x20, 0x40, 0x80, 0xF0):
                    yield f"{name} pointer {letters(bit | V)}", ((where, value | bit),), PAGE
                user = U if stage == "G" else 0
                base = (GUEST_PAGE if stage == "VS" else DATA) >> 12 + 9 * level << 12 + 9 * level
                offset = 0 if stage == "VS" else DATA - base
                yield f"{name} superpage", ((where, pte(base, RWX | user)),), PAGE + offset
                for low in range(12, 12 + 9 * level):
                    odd = pte(base | 1 << low, RWX | user)
                    yield f"{name} superpage misaligned by bit {low}", ((where, odd),), PAGE
            else:
                yield f"{name} pointer", ((where, value & ~0xFE),), PAGE
    for low in (32, 33, *range(35, 56)):  # bit 34 alone leads to devices of QEMU virt
        yield (
            f"VS-stage to guest physical bit {low}",
            ((VS_PTE, pte(GUEST_PAGE | 1 << low, RWX)),),
            PAGE,
        )
        yield f"G-stage to physical bit {low}", ((G_PTE, pte(DATA | 1 << low, RWX | U)),), PAGE
    yield "VS-stage to nowhere", ((VS_PTE, pte(ELSEWHERE, RWX)),), PAGE
    yield "VS-stage to nowhere, with an offset", ((VS_PTE, pte(ELSEWHERE, RWX)),), PAGE + 0x7F0


def _addresses() -> Iterator[tuple[str, int]]:
    yield "the page", PAGE
    yield "data", DATA
    yield "nowhere", NOWHERE
    yield "the guest's page", GUEST_PAGE
    for bit in (38, 39, 40, 41, 47, 48, 49, 50, 56, 57, 58, 59, 63):
        yield f"bit {bit}", 1 << bit
        yield f"bit {bit} and the page", PAGE | 1 << bit
        yield f"ones from bit {bit}", (1 << 64) - (1 << bit)
        yield f"ones below bit {bit}", (1 << bit) - 16
    for bit in (41, 50, 59):  # the first that each scheme of the G-stage leaves out
        yield f"bit {bit} and the guest's page", GUEST_PAGE | 1 << bit


def _tables(names: Names, stages: Stages) -> Iterator[Probe]:
    """Tables of the VS-stage that lie where the G-stage does not let them be, or only be read."""
    above = {0: VS_PTE_2M, 1: VS_PTE_1G}
    some = [V | U | 0xC0 | rest for rest in range(0, 16, 2)]
    some += [0, RWX, RWX & ~V | U, RWX & ~0x40 | U, RWX & ~0x80 | U, RWX & ~0xC0 | U]
    for level, (access, action), bits in product(range(3), ACCESSES.items(), some):
        setup: Setup = ((ELSEWHERE_PTE, pte(VS_TABLES[level], bits)),)
        # Without a table above, fetches find the root at fault before the access does.
        on = stages.on() if level in above else (*stages.on(vs=None), *_root(names, stages))
        if level in above:
            setup += ((above[level], pte(ELSEWHERE, V)),)
        label = f"VS-stage table of level {level} at {letters(bits)}"
        yield stages.probe(f"{label}, {access} in VS", action, "VS", setup, stages=on)
        if level:
            continue
        for entry in (RWX & ~0x40, RWX & ~0x80, RWX & ~0xC0):
            odd = (VS_PTE, pte(GUEST_PAGE, entry))
            text = f"{label}, entry {letters(entry)}, {access} in VS"
            yield stages.probe(text, action, "VS", (*setup, odd))


def _root(names: Names, stages: Stages) -> Setup:
    scheme, _ = SCHEMES["Sv39"]
    return (("vsatp", names.value("vsatp.MODE", scheme) | ELSEWHERE >> 12),)


def _delegated(names: Names, stages: Stages) -> Iterator[Probe]:
    """Faults of both stages, by each access, over delegation and mode."""
    everything = (1 << 64) - 1 & ~names.mask("medeleg.BREAKPOINT")
    faults: dict[str, Setup] = {
        "VS-stage fault": ((VS_PTE, 0),),
        "G-stage fault": ((G_PTE, 0),),
        "fault of a table": ((VS_PTE_2M, pte(ELSEWHERE, V)),),
        "table nowhere": ((VS_PTE_2M, pte(NOWHERE, V)), (ELSEWHERE_PTE, 0)),
        "G-stage table nowhere": ((G_PTE_2M, pte(NOWHERE, V)),),
        "G-stage to nowhere": ((G_PTE, pte(NOWHERE, RWX | U)),),
        "table at nowhere": (
            (VS_PTE_2M, pte(ELSEWHERE, V)),
            (ELSEWHERE_PTE, pte(NOWHERE, RWX | U)),
        ),
    }
    down: dict[str, Setup] = {
        "undelegated": (),
        "medeleg": (("medeleg", everything),),
        "medeleg hedeleg": (("medeleg", everything), ("hedeleg", everything)),
    }
    for (fault, broken), (where, delegation), mode in product(
        faults.items(), down.items(), ("VS", "VU")
    ):
        bits = RWX | (U if mode == "VU" else 0)
        leaf: Setup = () if fault.startswith("VS-stage") else ((VS_PTE, pte(GUEST_PAGE, bits)),)
        for access, action in {**ACCESSES, **_MORE}.items():
            label = f"{fault}, {access} in {mode}, {where}"
            yield stages.probe(label, action, mode, (*leaf, *broken, *delegation))
