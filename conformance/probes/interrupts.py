"""Interrupts: which is taken, from which mode, to which; and the registers that show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations, product

from drafthart.conformance.probes.probe import Group, Names, Probe, Setup, Write, existing
from drafthart.conformance.probes.state import baseline, watched
from drafthart.generator.spec.model import ISA

_MODES = ("M", "HS", "U", "VS", "VU")
# Where software makes an interrupt pending: name → the CSR's field, in the newest drafts first.
_SOURCES = {
    "SSI": ("mip.SSIP",), "STI": ("mip.STIP",), "SEI": ("mip.SEIP",),
    "VSSI": ("hvip.VSSIP", "mip.VSSIP", "vsip.SSIP"),
    "VSTI": ("hvip.VSTIP", "mip.VSTIP", "vsip.STIP"),
    "VSEI": ("hvip.VSEIP", "mip.VSEIP", "vsip.SEIP"),
}  # fmt: skip
_ENABLES = {"mip": "mie", "hvip": "mie", "vsip": "vsie"}
_SHOWN = ("mip", "mie", "sip", "sie", "hip", "hie", "vsip", "vsie", "hvip", "mideleg", "hideleg")
_ALL = (1 << 64) - 1


def source(names: Names, name: str) -> str | None:
    """The field that makes an interrupt pending, if the revision has one that can be written."""
    fields = ((path, names.field(path)) for path in _SOURCES[name])
    return next((path for path, field in fields if field and field.kind != "RO"), None)


def enable(path: str) -> str:
    """The field that enables what this one makes pending."""
    csr, _, field = path.partition(".")
    return f"{_ENABLES[csr]}.{field[:-1]}E"


def interrupts(isa: ISA) -> Group:
    """One or two pending interrupts, over delegation, enables and mode."""
    names = Names(isa)
    probes = [*_taken(names), *_enabled(names), *_delegated(names), *_stale(names)]
    return Group(
        "interrupts", tuple(probes), baseline(names), (*watched(isa), *watched(isa, _SHOWN))
    )


def _taken(names: Names) -> Iterator[Probe]:
    sources = {name: path for name in _SOURCES if (path := source(names, name))}
    sets = [(name,) for name in sources] + list(combinations(sources, 2)) + [tuple(sources)]
    for pending, mode in product(sets, _MODES):
        for delegated, to_vs, enables, vector in product((0, 1), (0, 1), range(8), (0, 1)):
            if len(pending) > 1 and (vector or enables not in (0, 7)):
                continue
            mie, sie, vs_sie = enables & 1, enables >> 1 & 1, enables >> 2
            if vector and enables != 7:
                continue
            setup: list[Write] = [
                (
                    "mideleg",
                    names.mask("mideleg.SSI", "mideleg.STI", "mideleg.SEI") if delegated else 0,
                ),
                ("hideleg", _ALL if to_vs else 0),
                ("vsstatus", names.value("vsstatus.SIE", vs_sie)),
                *_masks(names, [enable(sources[s]) for s in pending]),
                *_masks(names, [sources[s] for s in pending]),
            ]
            if vector:
                setup += [("stvec", "vector_to_hs + 1"), ("vstvec", "vector_to_vs + 1")]
            mstatus = names.value("mstatus.MPIE", mie) | names.value("mstatus.SIE", sie)
            gates = f"mideleg={delegated} hideleg={to_vs} MIE={mie} SIE={sie} vsSIE={vs_sie}"
            label = f"{'+'.join(pending)} in {mode}, {gates}{' vectored' if vector else ''}"
            yield Probe(label, "nop\nnop", mode, existing(names, setup), mstatus)


def _pending(names: Names, some: Iterable[str], enabled: Iterable[str]) -> Setup:
    """These interrupts pending, and those enabled, as far as the revision has them."""
    sources = {name: path for name in _SOURCES if (path := source(names, name))}
    pending = [sources[name] for name in some if name in sources]
    able = [enable(sources[name]) for name in enabled if name in sources]
    return (*_masks(names, able), *_masks(names, pending))


def _down(names: Names, to_s: int, to_vs: int) -> Setup:
    s_level = names.mask("mideleg.SSI", "mideleg.STI", "mideleg.SEI")
    return (("mideleg", s_level if to_s else 0), ("hideleg", _ALL if to_vs else 0))


def _enabled(names: Names) -> Iterator[Probe]:
    """All pending, and only one or two enabled."""
    every = tuple(_SOURCES)
    wanted = [*((name,) for name in every), *combinations(every, 2)]
    for able, mode, to_s, to_vs in product(wanted, ("HS", "VS", "VU"), (0, 1), (0, 1)):
        if any(source(names, name) is None for name in able):
            continue
        setup = (*_down(names, to_s, to_vs), *_pending(names, every, able))
        status = (("vsstatus", names.mask("vsstatus.SIE")),)
        label = f"all pending, {'+'.join(able)} enabled in {mode}, mideleg={to_s} hideleg={to_vs}"
        mstatus = names.mask("mstatus.SIE")
        yield Probe(label, "nop\nnop", mode, existing(names, (*setup, *status)), mstatus)


def _delegated(names: Names) -> Iterator[Probe]:
    """All pending and enabled, and each bit of a delegation register alone set or alone clear."""
    every = tuple(_SOURCES)
    for register in ("mideleg", "hideleg"):
        fields = names.isa.csrs[register].fields if names.has(register) else {}
        whole = names.mask(*(f"{register}.{field}" for field in fields))
        for field, mode, alone in product(fields, _MODES, ("set", "clear")):
            bit = names.mask(f"{register}.{field}")
            value = bit if alone == "set" else whole & ~bit
            setup: Setup = (*_down(names, 1, 1), (register, value), *_pending(names, every, every))
            status = (("vsstatus", names.mask("vsstatus.SIE")),)
            label = f"all pending in {mode}, {register}.{field} alone {alone}"
            mstatus = names.mask("mstatus.SIE")
            yield Probe(label, "nop\nnop", mode, existing(names, (*setup, *status)), mstatus)


def _stale(names: Names) -> Iterator[Probe]:
    """What an interrupt finds where it writes, set before it."""
    hstatus = names.mask("hstatus.SPV", "hstatus.SPVP", "hstatus.GVA")
    stale = names.mask("mstatus.SPP", "mstatus.SPIE", "mstatus.GVA")
    of_guest = names.mask("vsstatus.SPP", "vsstatus.SPIE")
    for name, mode, to_s, to_vs, sie in product(_SOURCES, _MODES, (0, 1), (0, 1), (0, 1)):
        if source(names, name) is None:
            continue
        vsstatus = of_guest | (names.mask("vsstatus.SIE") if sie else 0)
        before = (("hstatus", hstatus), ("vsstatus", vsstatus))
        setup = (*_down(names, to_s, to_vs), *_pending(names, (name,), (name,)), *before)
        mstatus = stale | (names.mask("mstatus.SIE", "mstatus.MPIE") if sie else 0)
        label = f"{name} in {mode}, stale set, mideleg={to_s} hideleg={to_vs} enabled={sie}"
        yield Probe(label, "nop\nnop", mode, existing(names, setup), mstatus)


def _masks(names: Names, paths: list[str]) -> Iterator[Write]:
    """Writes that set these fields and clear the rest."""
    for csr in dict.fromkeys(path.partition(".")[0] for path in paths):
        yield csr, names.mask(*(path for path in paths if path.startswith(f"{csr}.")))
