"""HLV, HLVX and HSV, and what MPRV does with MPV: accesses as the guest, from outside of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from drafthart.conformance.probes.page_tables import (
    ELSEWHERE,
    G_PTE,
    GUEST_PAGE,
    PAGE,
    RWX,
    VS_PTE,
    VS_PTE_2M,
    Stages,
    U,
    V,
    pte,
)
from drafthart.conformance.probes.probe import MODES, Group, Names, Probe, Setup, Watched
from drafthart.conformance.probes.state import DATA, watched
from drafthart.conformance.probes.translation import letters
from drafthart.generator.spec.model import ISA

_BASE = RWX & ~0xE
_READABLE = (0x00, 0x02, 0x06, 0x08, 0x0A, 0x10, 0x12, 0x16, 0x18, 0x1A)
_TYPICAL = ("hlv.w", "hlvx.wu", "hsv.w")


def guest_accesses(isa: ISA) -> Group:
    """Each of these instructions over privilege, permissions and overrides."""
    names = Names(isa)
    stages = Stages(isa)
    probes = [*_instructions(names, stages), *_mprv(names, stages)]
    watch: tuple[Watched, ...] = (
        *watched(isa),
        ("VS PTE", VS_PTE),
        ("G PTE", G_PTE),
        ("data", DATA),
        ("data 8", DATA + 8),
    )
    return Group("guest-accesses", tuple(probes), stages.baseline(), watch, stages.prologue())


def _actions(isa: ISA) -> dict[str, str]:
    """Mnemonic → an instruction that uses a0 as the address and a1 for the datum."""
    texts = {}
    for name, instruction in isa.instructions.items():
        if instruction.extension == "H" and instruction.assembly in ("rd, (rs1)", "rs2, (rs1)"):
            texts[name] = f"{name} a1, (a0)"
    return texts


def _instructions(names: Names, stages: Stages) -> Iterator[Probe]:
    actions = _actions(names.isa)
    every = names.mask("hstatus.HU")
    for (name, action), mode, spvp in product(actions.items(), ("M", "HS", "U"), (0, 1)):
        hstatus: Setup = (("hstatus", every | names.value("hstatus.SPVP", spvp)),)
        head = f"{name} in {mode}, SPVP={spvp}"
        user = U * (1 - spvp)
        fine: Setup = ((VS_PTE, pte(GUEST_PAGE, RWX | user)),)
        on = stages.on()
        for address in range(PAGE, PAGE + 16) if mode == "HS" else (PAGE, PAGE + 9):
            yield stages.probe(
                f"{head}, offset {address - PAGE}",
                action,
                mode,
                (*hstatus, *fine),
                address,
                stages=on,
                value=0x9988776655443322,
            )
        yield stages.probe(f"{head}, no stages", action, mode, hstatus, DATA, stages=())
        if mode == "M" or (mode == "U" and name not in _TYPICAL):
            continue
        whole = mode == "HS" and name in _TYPICAL
        for bits in range(0, 256, 2) if whole else range(0, 32, 2):
            vs = (VS_PTE, pte(GUEST_PAGE, bits | V if whole else _BASE | bits))
            label = f"{head}, VS-stage {letters(vs[1] & 0xFF)}"
            yield stages.probe(label, action, mode, (*hstatus, vs), stages=on)
        for bits in range(0, 32, 2):
            g = (G_PTE, pte(DATA, _BASE | bits))
            label = f"{head}, G-stage {letters(g[1] & 0xFF)}"
            yield stages.probe(label, action, mode, (*hstatus, *fine, g), stages=on)
        for odd, setup, address in (
            ("VS-stage absent", ((VS_PTE, 0),), PAGE),
            ("table elsewhere", ((VS_PTE_2M, pte(ELSEWHERE, V)),), PAGE),
            ("not canonical", (), PAGE | 1 << 40),
            ("at the edge", (), PAGE + 0xFFC),
            ("at the edge but one", (), PAGE + 0xFFF),
        ):
            yield stages.probe(
                f"{head}, {odd}", action, mode, (*hstatus, *fine, *setup), address, stages=on
            )
        for sum_, mxr, vs_sum, vs_mxr, bits in product((0, 1), (0, 1), (0, 1), (0, 1), _READABLE):
            if mode == "U" or name not in _TYPICAL:
                continue
            mstatus = names.value("mstatus.SUM", sum_) | names.value("mstatus.MXR", mxr)
            vsstatus = names.value("vsstatus.SUM", vs_sum) | names.value("vsstatus.MXR", vs_mxr)
            gates = f"SUM={sum_} MXR={mxr} vsSUM={vs_sum} vsMXR={vs_mxr}"
            vs = (VS_PTE, pte(GUEST_PAGE, _BASE | bits))
            g = (G_PTE, pte(DATA, _BASE | bits | U))
            broken: dict[str, Setup] = {"VS-stage": (vs,), "G-stage": (*fine, g)}
            for stage, entries in broken.items():
                if stage == "G-stage" and bits & U:
                    continue
                label = f"{head}, {stage} {letters(_BASE | bits)}, {gates}"
                status = (("vsstatus", vsstatus),)
                yield stages.probe(
                    label, action, mode, (*hstatus, *entries, *status), mstatus=mstatus, stages=on
                )


def _mprv(names: Names, stages: Stages) -> Iterator[Probe]:
    """Loads and stores in M-mode with MPRV, in the name of each mode."""
    actions = {
        "ld": "ld a1, 0(a0)",
        "sd": "sd a1, 8(a0)",
        "lr.w": "lr.w a1, (a0)",
        "hlv.w": "hlv.w a1, (a0)",
        "hlvx.hu": "hlvx.hu a1, (a0)",
    }
    entries = {mode: names.entry(mode) for mode in MODES}
    entries["M with MPV"] = names.entry("M") | names.mask("mstatus.MPV")
    for (name, text), mode, bits, spvp in product(
        actions.items(), entries, range(0, 32, 2), (0, 1)
    ):
        if name not in names.isa.instructions or (spvp and not name.startswith("h")):
            continue
        mstatus = entries[mode] | names.mask("mstatus.MPRV")
        off = f"li t0, {names.mask('mstatus.MPRV'):#x}\ncsrc mstatus, t0"
        action = f"li t0, {mstatus:#x}\ncsrw mstatus, t0\n{text}\n{off}"
        setup: Setup = (
            (VS_PTE, pte(GUEST_PAGE, _BASE | bits)),
            ("hstatus", names.value("hstatus.SPVP", spvp)),
        )
        label = f"{name} in M, MPRV as {mode}, VS-stage {letters(_BASE | bits)}, SPVP={spvp}"
        yield stages.probe(label, action, "M", setup, stages=stages.on())
