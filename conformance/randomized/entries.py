"""Random entries for the page tables of the probes."""

from __future__ import annotations

from random import Random

from drafthart.conformance.probes.page_tables import (
    ELSEWHERE,
    ELSEWHERE_PTE,
    G_PTE,
    G_PTE_1G,
    G_PTE_2M,
    GUEST_PAGE,
    RWX,
    S_PTE,
    VS_PTE,
    VS_PTE_1G,
    VS_PTE_2M,
    VS_TABLES,
    U,
    V,
    pte,
)
from drafthart.conformance.probes.state import DATA, NOWHERE

_ABOVE = (32, 33, *range(35, 56))
"""Bits of physical addresses where no target has anything."""
FLAGS = 0xFF | 0x3FF << 54
"""The bits of an entry that can be changed without leading anywhere else."""

_LEAVES = {
    VS_PTE: (GUEST_PAGE, GUEST_PAGE, GUEST_PAGE, DATA, ELSEWHERE, NOWHERE),
    G_PTE: (DATA,),
    S_PTE: (DATA,),
    ELSEWHERE_PTE: (DATA,),
}
_POINTERS = {
    VS_PTE_2M: (VS_TABLES[0], VS_TABLES[0], ELSEWHERE),
    VS_PTE_1G: (VS_TABLES[1], VS_TABLES[1], ELSEWHERE),
    G_PTE_2M: (G_PTE,),
    G_PTE_1G: (G_PTE_2M,),
}
_SUPERPAGES = {VS_PTE_2M: GUEST_PAGE, VS_PTE_1G: GUEST_PAGE, G_PTE_2M: DATA}


def random_entry(random: Random, *, user: bool) -> tuple[int, int]:
    """Where an entry is, and a value for it; `user` tells who needs the pages of the VS-stage."""
    if random.random() < 0.7:
        where = random.choice(list(_LEAVES))
        return where, _leaf(where, random.choice(_LEAVES[where]), random, user=user)
    where = random.choice(list(_POINTERS))
    odd = random.random()
    if odd < 0.1:
        return where, 0
    if odd < 0.4 and where in _SUPERPAGES:
        return where, _leaf(where, _SUPERPAGES[where], random, user=user)
    return where, pte(random.choice(_POINTERS[where]), V) | _odd(random, 0xF0)


def _leaf(where: int, target: int, random: Random, *, user: bool) -> int:
    of_guest = where in (G_PTE, G_PTE_2M, ELSEWHERE_PTE)
    if random.random() < 0.1 and target in (GUEST_PAGE, DATA) and where in (VS_PTE, G_PTE):
        target |= 1 << random.choice(_ABOVE)
    bits = RWX | (U if user or of_guest else 0)
    for bit in range(8):
        bits ^= int(random.random() < 0.12) << bit
    return pte(target, bits) | _odd(random, 0)


def _odd(random: Random, flags: int) -> int:
    """Rarely a bit that software or extensions to come may use, or one of these flags."""
    choice = random.random()
    if choice < 0.08:
        return 1 << random.randrange(54, 64)
    if choice < 0.16:
        return random.randrange(1, 4) << 8
    return flags & 1 << random.randrange(4, 8) if choice < 0.3 else 0
