"""Fences: after one that speaks of an address or of all, a changed entry is used.

What a hart may go on to use without a fence is left open, so nothing here asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from drafthart.conformance.probes.page_tables import (
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
from drafthart.conformance.probes.probe import Group, Names, Probe, Setup
from drafthart.conformance.probes.state import CONTENT, DATA, watched
from drafthart.generator.spec.model import ISA

_OTHER = DATA + 0x1000
"""The page that the changed entry leads to."""
_SPACE = 5
"""An ASID or VMID: few bits suffice for it."""
_OF_SPACE = {
    "all": "{fence} x0, x0",
    "the address": "{fence} t3, x0",
    "the space": "{fence} x0, t4",
    "the address and the space": "{fence} t3, t4",
}


def fences(isa: ISA) -> Group:
    """A load, a change of an entry that it used, a fence, and the load again."""
    names, stages = Names(isa), Stages(isa)
    start = stages.baseline((DATA, 0x1111), (_OTHER, CONTENT))
    probes = [*_of_guest(names, stages), *_own(names, stages)]
    return Group("fences", tuple(probes), start, watched(isa), stages.prologue())


def _again(load: str, where: int, value: int, fence: str, address: int) -> str:
    """Load into a1, then into a0 after the entry has changed."""
    return (
        f"{load} a1, (a0)\nli t0, {where:#x}\nli t1, {value:#x}\nsd t1, 0(t0)\n"
        f"li t3, {address:#x}\nli t4, {_SPACE}\n{fence}\n{load} a0, (a0)"
    )


def _spaces(names: Names, stages: Stages, number: int) -> Setup:
    """Both stages, with this ASID and VMID."""
    fields = {"satp": "ASID", "vsatp": "ASID", "hgatp": "VMID"}
    return tuple(
        (csr, value | names.value(f"{csr}.{fields[csr]}", number))
        for csr, value in stages.on()
        if isinstance(csr, str) and isinstance(value, int)
    )


def _of_guest(names: Names, stages: Stages) -> Iterator[Probe]:
    """HFENCE, from M- and HS-mode, for each stage."""
    present = names.isa.instructions
    if "hfence.gvma" not in present or "hlv.d" not in present:
        return
    changes = {
        "hfence.vvma": (VS_PTE, pte(GUEST_PAGE + 0x1000, RWX), PAGE),
        "hfence.gvma": (G_PTE, pte(_OTHER, RWX | U), GUEST_PAGE >> 2),
    }
    second: Setup = ((G_PTE + 8, pte(_OTHER, RWX | U)),)
    for name, (where, value, address) in changes.items():
        for of, fence in _OF_SPACE.items():
            action = _again("hlv.d", where, value, fence.format(fence=name), address)
            for mode in ("M", "HS"):
                for number in (0, _SPACE):
                    if number == 0 and "space" in of:
                        continue
                    spvp = ("hstatus", names.mask("hstatus.SPVP"))
                    label = f"{name} {of} in {mode}, space {number}"
                    setup = (*second, spvp)
                    on = _spaces(names, stages, number)
                    yield stages.probe(label, action, mode, setup, stages=on)


def _own(names: Names, stages: Stages) -> Iterator[Probe]:
    """SFENCE.VMA, from HS- and VS-mode."""
    second: Setup = ((G_PTE + 8, pte(_OTHER, RWX | U)),)
    for of, fence in _OF_SPACE.items():
        text = fence.format(fence="sfence.vma")
        for number in (0, _SPACE):
            if number == 0 and "space" in of:
                continue
            changed = pte(GUEST_PAGE + 0x1000, RWX)
            action = _again("ld", VS_PTE, changed, text, PAGE)
            label = f"sfence.vma {of} in VS, space {number}"
            yield stages.probe(label, action, "VS", second, stages=_spaces(names, stages, number))
            action = _again("ld", S_PTE, pte(_OTHER, RWX), text, PAGE)
            on = tuple(
                (csr, value | names.value("satp.ASID", number))
                for csr, value in stages.on(vs=None, g=None, s="Sv39")
                if isinstance(value, int)
            )
            yield stages.probe(f"sfence.vma {of} in HS, space {number}", action, "HS", stages=on)
