"""What users of a ratified revision rely on: ids, numbers and places, and names of the Python API.

The surface of a revision is what its extension brings: what has another surface in its base, or
none. The base has a surface of its own.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

from drafthart.generator.diff.surface import Surface, surface
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.resolve import resolve

WIDTHS = (32, 64)

_LOCKED = {
    "insn": ("encoding", "extension"),
    "csr": ("address", "mode", "bits"),
    "cause": ("name", "constant"),
    "interrupt": ("name", "constant"),
    "rule": (),
    "param": (),
}
"""The aspects that are locked, by the kind of item: of a field of a CSR, its bits."""


def own_surface(isa: ISA, specs: Path | None = None) -> Surface:
    """The locked aspects of the items that a revision has beyond its base."""
    found = _locked(isa)
    below = _locked(resolve(isa.base, specs=specs, xlen=isa.xlen)) if isa.base else {}
    return {id_: known for id_, known in found.items() if below.get(id_) != known}


def _locked(isa: ISA) -> Surface:
    return {
        id_: {name: known[name] for name in _LOCKED[id_.partition(":")[0]] if name in known}
        for id_, known in surface(isa, _LOCKED).items()
    }


def api_surface(module: ModuleType) -> dict[str, list[str]]:
    """The public names of a module → the parameters of a function, the attributes of a class.

    A parameter is written `name`, `*name` if by name only, with `=` behind it if it may be absent.
    """
    return {name: _names(getattr(module, name)) for name in sorted(module.__all__)}


def _names(value: Any) -> list[str]:
    if inspect.isclass(value):
        ours = [it for it in value.__mro__ if it.__module__.partition(".")[0] == "drafthart"]
        names = {name for it in ours for name in vars(it)}
        for more in ("__dataclass_fields__", "__members__"):
            names |= set(getattr(value, more, ()))
        return sorted(it for it in names if not it.startswith("_"))
    if not callable(value):
        return []
    marks: dict[Any, str] = {
        inspect.Parameter.KEYWORD_ONLY: "*",
        inspect.Parameter.VAR_POSITIONAL: "...",
        inspect.Parameter.VAR_KEYWORD: "***",
    }
    return [
        marks.get(it.kind, "") + it.name + ("" if it.default is it.empty else "=")
        for it in inspect.signature(value).parameters.values()
    ]
