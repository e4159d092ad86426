"""Drafts with CSRs and instructions that have no number: nothing that a guest does reaches them.

Such a draft runs once its user has bound numbers to them all, with an overlay or a later change.
"""

from __future__ import annotations

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA

_LISTED = 4


def unassigned(isa: ISA) -> list[str]:
    """Ids of what extensions bring at this XLEN and give no number: CSRs, then instructions."""
    csrs = [csr for csr in isa.csrs.values() if csr.origin and csr.address is None]
    instructions = [it for it in isa.instructions.values() if it.origin and it.encoding is None]
    # The CSRs of an array have one number among them.
    names = dict.fromkeys(f"csr:{csr.array or csr.name}" for csr in csrs)
    return [*names, *(f"insn:{instruction.mnemonic}" for instruction in instructions)]


def require_assigned(isa: ISA) -> None:
    """Raises `DrafthartError` if there is such an item, with what would give all a number."""
    ids = unassigned(isa)
    if not ids:
        return
    from drafthart.runtime.remedies import remedies

    options = " or ".join(remedies(isa, ids) or ["--overlay FILE"])
    one = len(ids) == 1
    what = (
        f"{len(ids)} {'item' if one else 'items'} of {isa.id} {'has' if one else 'have'} no number"
    )
    them = "it" if one else "them"
    raise DrafthartError(
        f"{what}: {_listed(ids)}; bind {them} with {options}, "
        f"or run without {them} by --allow-unassigned"
    )


def _listed(ids: list[str]) -> str:
    more = len(ids) - _LISTED
    return ", ".join(ids if more <= 1 else [*ids[:_LISTED], f"and {more} more"])
