"""Interrupts: which is taken, from which mode, to which; and the registers that show them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

from drafthart.conformance.probes.probe import Group, Names, Probe, Write, existing
from drafthart.conformance.probes.state import baseline, watched
from drafthart.generator.spec.model import ISA

_MODES = ("M", "HS", "U", "VS", "VU")
# Where software makes an interrupt pending: name → the CSR's field.
_SOURCES = {
    "SSI": "mip.SSIP", "STI": "mip.STIP", "SEI": "mip.SEIP",
    "VSSI": "hvip.VSSIP", "VSTI": "hvip.VSTIP", "VSEI": "hvip.VSEIP",
}  # fmt: skip
_SHOWN = ("mip", "mie", "sip", "sie", "hip", "hie", "vsip", "vsie", "hvip", "mideleg", "hideleg")
_ALL = (1 << 64) - 1


def interrupts(isa: ISA) -> Group:
    """One or two pending interrupts, over delegation, enables and mode."""
    names = Names(isa)
    probes = [*_taken(names)]
    return Group(
        "interrupts", tuple(probes), baseline(names), (*watched(isa), *watched(isa, _SHOWN))
    )


def _taken(names: Names) -> Iterator[Probe]:
    sources = {name: path for name, path in _SOURCES.items() if names.field(path)}
    sets = [(name,) for name in sources] + list(combinations(sources, 2)) + [tuple(sources)]
    for pending, mode in product(sets, _MODES):
        for delegated, to_vs, enable, vector in product((0, 1), (0, 1), range(8), (0, 1)):
            if len(pending) > 1 and (vector or enable not in (0, 7)):
                continue
            mie, sie, vs_sie = enable & 1, enable >> 1 & 1, enable >> 2
            if vector and enable != 7:
                continue
            setup: list[Write] = [
                (
                    "mideleg",
                    names.mask("mideleg.SSI", "mideleg.STI", "mideleg.SEI") if delegated else 0,
                ),
                ("hideleg", _ALL if to_vs else 0),
                ("vsstatus", names.value("vsstatus.SIE", vs_sie)),
                (
                    "mie",
                    sum(
                        names.mask(
                            sources[s].replace("hvip", "mie").replace("mip", "mie")[:-1] + "E"
                        )
                        for s in pending
                    ),
                ),
                (
                    "mip",
                    sum(names.mask(sources[s]) for s in pending if sources[s].startswith("mip")),
                ),
                (
                    "hvip",
                    sum(names.mask(sources[s]) for s in pending if sources[s].startswith("hvip")),
                ),
            ]
            if vector:
                setup += [("stvec", "vector_to_hs + 1"), ("vstvec", "vector_to_vs + 1")]
            mstatus = names.value("mstatus.MPIE", mie) | names.value("mstatus.SIE", sie)
            gates = f"mideleg={delegated} hideleg={to_vs} MIE={mie} SIE={sie} vsSIE={vs_sie}"
            label = f"{'+'.join(pending)} in {mode}, {gates}{' vectored' if vector else ''}"
            yield Probe(label, "nop\nnop", mode, existing(names, setup), mstatus)
