"""Drafthart runs, compares and validates RISC-V software against any draft of the H extension.

    import drafthart

    for finding in drafthart.diff("h@1.0~9", "h@1.0").findings:
        print(finding.rule, finding.item, finding.worst())

What is listed in `__all__` is the stable API. Names load their modules when first used.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drafthart.generator.assembly import Disassembler, assemble, write_elf
    from drafthart.generator.diff.api import diff
    from drafthart.generator.diff.differences import Difference, differences
    from drafthart.generator.diff.findings import Comparison, Finding
    from drafthart.generator.diff.rule_table import Audience, Severity
    from drafthart.generator.errors import DrafthartError
    from drafthart.generator.spec.model import ISA, Status
    from drafthart.generator.spec.resolve import resolve, revisions
    from drafthart.runtime.gate import DrafthartUnstableWarning, allow_unstable

__version__ = "0.1.0"

# In a checkout the floors lie beside this folder, where an installation has them inside it.
_checkout = Path(__file__).resolve().parent.parent
if (_checkout / "pyproject.toml").is_file() and (_checkout / "generator").is_dir():
    __path__.append(str(_checkout))

__all__ = [
    "ISA",
    "Audience",
    "Comparison",
    "Difference",
    "Disassembler",
    "DrafthartError",
    "DrafthartUnstableWarning",
    "Finding",
    "Severity",
    "Status",
    "allow_unstable",
    "assemble",
    "diff",
    "differences",
    "resolve",
    "revisions",
    "write_elf",
]

_HOMES = {
    "ISA": "generator.spec.model",
    "Audience": "generator.diff.rule_table",
    "Comparison": "generator.diff.findings",
    "Difference": "generator.diff.differences",
    "Disassembler": "generator.assembly",
    "DrafthartError": "generator.errors",
    "DrafthartUnstableWarning": "runtime.gate",
    "Finding": "generator.diff.findings",
    "Severity": "generator.diff.rule_table",
    "Status": "generator.spec.model",
    "allow_unstable": "runtime.gate",
    "assemble": "generator.assembly",
    "diff": "generator.diff.api",
    "differences": "generator.diff.differences",
    "resolve": "generator.spec.resolve",
    "revisions": "generator.spec.resolve",
    "write_elf": "generator.assembly",
}


def __getattr__(name: str) -> object:
    """Load a public name from its module; every module imports this one, so nothing is eager."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
