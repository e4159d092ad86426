"""Where the generated engines keep the state of a revision.

Loading a compiled engine needs this and no emitter.
"""

from __future__ import annotations

from drafthart.generator.errors import DrafthartError
from drafthart.generator.language.c_names import c_name
from drafthart.generator.spec.model import CSR, ISA

COMMON = ("interrupt_lines",)
"""State that every hart has; see runtime/native/hart.h."""


def is_stored(csr: CSR) -> bool:
    """Has the CSR storage of its own? Not one that is only computed."""
    computed = csr.read is not None and csr.write is None
    return csr.view is None and csr.constant is None and not computed


def slot(csr: CSR) -> str:
    """The attribute of the hart that holds it, or the whole array."""
    return csr.array or csr.name


def members(isa: ISA) -> list[tuple[str, int]]:
    """The revision's members of the hart: names in C, with the count of an array or 0."""
    found: dict[str, int] = {}
    for state in isa.state.values():
        _check_width(state.width, state.name)
        if state.name not in COMMON:
            found[c_name(state.name)] = state.count
    for csr in isa.csrs.values():
        if is_stored(csr):
            name = c_name(csr.array or csr.name)
            found[name] = max(found.get(name, 0), csr.index + 1) if csr.array else 0
    return list(found.items())


def _check_width(width: int, name: str) -> None:
    if width > 64:
        raise DrafthartError(f"{name} has {width} bits: the native engine has state of up to 64")
