"""Page tables for the probes, both stages, in physical memory behind the programs.

A guest's tables map

- the programs to themselves for VS-mode, and ALIAS higher for VU-mode (so for HS- and U-mode),
- PAGE to GUEST_PAGE, which the G-stage maps to DATA, and the page behind it to ELSEWHERE.
"""

from __future__ import annotations

from drafthart.conformance.probes.probe import Names, Probe, Setup, Write, existing
from drafthart.conformance.probes.state import CONTENT, DATA, baseline
from drafthart.generator.spec.model import ISA

# Bits of a page-table entry.
V, R, W, X, U, G, A, D = (1 << bit for bit in range(8))
RWX = V | R | W | X | A | D

RAM = 0x8000_0000
ALIAS = 0x4000_0000
"""How far above the programs VU-mode and U-mode find them."""
PAGE = 0x2_4000_0000
"""Virtual address of the page to try things on; as a physical address there is nothing."""
GUEST_PAGE = 0x1_4000_0000
"""Guest physical address of that page."""
ELSEWHERE = 0x1_4020_0000
"""A guest physical address that the G-stage does not map unless a probe fills in ELSEWHERE_PTE."""

_TABLES = 0x8110_0000
_VS_ROOT, _VS_MIDDLE, _VS_LEAF, _S_ROOT, _S_MIDDLE, _S_LEAF = (
    _TABLES + 0x1000 * n for n in range(6)
)
_G_ROOT = _TABLES + 0x8000
_G_MIDDLE, _G_LEAF, _VS_ROOT4, _VS_ROOT5 = (_TABLES + 0xC000 + 0x1000 * n for n in range(4))
_G_ROOT4 = _TABLES + 0x10000
_G_ROOT5 = _TABLES + 0x14000
_G_SECOND4, _G_FOURTH5, _ELSEWHERE_LEAF = (_TABLES + 0x18000 + 0x1000 * n for n in range(3))
ELSEWHERE_PTE = _ELSEWHERE_LEAF

VS_PTE = _VS_LEAF
"""Physical address of the VS-stage's entry for PAGE."""
VS_PTE_2M = _VS_MIDDLE
VS_PTE_1G = _VS_ROOT + 8 * (PAGE >> 30)
S_PTE = _S_LEAF
G_PTE = _G_LEAF
"""Physical address of the G-stage's entry for GUEST_PAGE."""
G_PTE_2M = _G_MIDDLE
G_PTE_1G = _G_ROOT + 8 * (GUEST_PAGE >> 30)
VS_TABLES = {0: _VS_LEAF, 1: _VS_MIDDLE, 2: _VS_ROOT}
"""Physical addresses of the tables that PAGE needs, by level."""
CODE = 0x0000_8082_0000_8082
"""c.jr ra, twice: what can be executed on the page and returns; as data, two words."""

SCHEMES = {"Sv39": (8, 3), "Sv48": (9, 4), "Sv57": (10, 5)}


def pte(target: int, bits: int) -> int:
    """An entry that leads to this address."""
    return target >> 12 << 10 | bits


class Stages:
    """Probes with both stages of translation, or one of them."""

    def __init__(self, isa: ISA) -> None:
        self.names = Names(isa)

    def prologue(self) -> Setup:
        """The tables themselves."""
        return (
            (_VS_ROOT + 8 * (RAM >> 30), pte(RAM, RWX)),
            (_VS_ROOT + 8 * ((RAM + ALIAS) >> 30), pte(RAM, RWX | U)),
            (_S_ROOT + 8 * (RAM >> 30), pte(RAM, RWX)),
            (_S_ROOT + 8 * ((RAM + ALIAS) >> 30), pte(RAM, RWX | U)),
            (_S_ROOT + 8 * (PAGE >> 30), pte(_S_MIDDLE, V)),
            (_S_MIDDLE, pte(_S_LEAF, V)),
            (_VS_ROOT4, pte(_VS_ROOT, V)),
            (_VS_ROOT5, pte(_VS_ROOT4, V)),
            (_G_ROOT + 8 * (RAM >> 30), pte(RAM, RWX | U)),
            (_G_ROOT4, pte(_G_SECOND4, V)),
            (_G_SECOND4 + 8 * (RAM >> 30), pte(RAM, RWX | U)),
            (_G_SECOND4 + 8 * (GUEST_PAGE >> 30), pte(_G_MIDDLE, V)),
            (_G_ROOT5, pte(_G_FOURTH5, V)),
            (_G_FOURTH5, pte(_G_SECOND4, V)),
            (_G_MIDDLE + 8, pte(_ELSEWHERE_LEAF, V)),
        )

    def baseline(self, *more: Write) -> Setup:
        """Both stages lead from PAGE to DATA with all permissions, but are off."""
        return baseline(
            self.names,
            (DATA, CODE),
            (DATA + 8, CONTENT),
            (VS_PTE, pte(GUEST_PAGE, RWX)),
            (VS_PTE_2M, pte(_VS_LEAF, V)),
            (VS_PTE_1G, pte(_VS_MIDDLE, V)),
            (VS_PTE + 8, pte(ELSEWHERE, RWX)),
            (S_PTE, pte(DATA, RWX)),
            (G_PTE, pte(DATA, RWX | U)),
            (G_PTE_2M, pte(_G_LEAF, V)),
            (G_PTE_1G, pte(_G_MIDDLE, V)),
            (ELSEWHERE_PTE, 0),
            *more,
        )

    def on(self, *, vs: str | None = "Sv39", g: str | None = "Sv39", s: str | None = None) -> Setup:
        """What switches stages on, by scheme."""
        roots = {
            "vsatp": (vs, {3: _VS_ROOT, 4: _VS_ROOT4, 5: _VS_ROOT5}),
            "hgatp": (g, {3: _G_ROOT, 4: _G_ROOT4, 5: _G_ROOT5}),
            "satp": (s, {3: _S_ROOT}),
        }
        written: list[Write] = []
        for csr, (scheme, tables) in roots.items():
            if scheme:
                mode, levels = SCHEMES[scheme]
                written.append((csr, self.names.value(f"{csr}.MODE", mode) | tables[levels] >> 12))
        return existing(self.names, written)

    def probe(
        self,
        label: str,
        action: str,
        mode: str,
        setup: Setup = (),
        address: int = PAGE,
        *,
        stages: Setup | None = None,
        mstatus: int = 0,
        value: int = 0,
    ) -> Probe:
        """A probe with both stages on, if `stages` says nothing else, with an address in a0."""
        on = self.on(s="Sv39" if mode in ("HS", "U") else None) if stages is None else stages
        translated = {"VU": "vsatp", "U": "satp"}.get(mode)
        virtual = ALIAS if any(what == translated for what, _ in on) else 0
        written = existing(self.names, (*setup, *on))
        return Probe(label, action, mode, written, mstatus, (address, value), virtual)
