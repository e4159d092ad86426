"""Where a probe's code is found, by the mode that runs it."""

from __future__ import annotations

from dataclasses import replace

from drafthart.conformance.probes.page_tables import ALIAS
from drafthart.conformance.probes.probe import Probe

_TRANSLATES = {"VU": "vsatp", "U": "satp"}
"""The CSR that decides whether a user mode finds the programs ALIAS higher."""


def placed(probe: Probe) -> Probe:
    """The probe at the address where its mode may fetch it, after its setup or mode has changed."""
    csr = _TRANSLATES.get(probe.mode)
    on = any(what == csr and value for what, value in probe.setup)
    return replace(probe, virtual=ALIAS if on else 0)
