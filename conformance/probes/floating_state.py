"""The state of the floating-point unit: who may use it, and where its use is noted."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from drafthart.conformance.probes.probe import MODES, Group, Names, Probe, existing
from drafthart.conformance.probes.state import baseline, watched
from drafthart.generator.spec.model import ISA

_ONE_AND_A_HALF = 0x3FF8_0000_0000_0000
_ACTIONS = {
    "csr:fflags read": "csrr t0, fflags",
    "csr:fflags swap": "csrrw t0, fflags, a0",
    "insn:fmv.x.d": "fmv.x.d t0, fa0",
    "insn:fmv.d.x": "fmv.d.x fa0, a0",
    "insn:fcvt.w.d inexact": "fcvt.w.d t0, fa0",  # changes no register of the unit, but fflags
}
_STATES = {"Off": 0, "Initial": 1, "Dirty": 3}


def floating_state(isa: ISA) -> Group:
    """Reads and writes of floating-point state in each mode under FS of mstatus and vsstatus.

    The writes change what is there; where they do not, FS may stay.
    """
    names = Names(isa)
    return Group("floating-state", tuple(_probes(names)), baseline(names), watched(isa))


def _probes(names: Names) -> Iterator[Probe]:
    if "fmv.d.x" not in names.isa.instructions:
        return
    for (name, action), mode, own, guest in product(_ACTIONS.items(), MODES, _STATES, _STATES):
        setup = (
            ("fflags", 0),
            ("fa0", _ONE_AND_A_HALF),
            *existing(names, (("vsstatus", names.value("vsstatus.FS", _STATES[guest])),)),
        )
        mstatus = names.value("mstatus.FS", _STATES[own])
        label = f"{name} {mode}, FS={own} vsFS={guest}"
        yield Probe(label, action, mode, setup, mstatus, registers=(1, 0))
