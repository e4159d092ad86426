"""What the engines provide to operations, and what they expect of the spec in return.

Signatures are written as in the specs: widths are texts over XLEN and static parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from drafthart.generator.language.ir import Effects


@dataclass(frozen=True, slots=True)
class Signature:
    """Parameters with their widths, in order, and the width of the result."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    returns: str | None = None


@dataclass(frozen=True, slots=True)
class PrimitiveFunction:
    """A primitive. `sizes` are the legal values of its static parameters, if it has any."""

    signature: Signature
    effects: Effects
    ends: bool = False
    sizes: tuple[int, ...] | range = ()


MEMORY_SIZES = (1, 2, 4, 8)
"""Sizes of an access; entry functions with a static parameter exist for each."""

MEMORY_FUNCTIONS = ("load", "store")
"""Entry functions that engines may answer from cached translations."""


CACHED_FUNCTIONS = (*MEMORY_FUNCTIONS, "locate", "physical_permitted")
"""Those, and others that the native engine answers from there."""

ENGINE_NUMBERS = ("LOAD", "STORE", "FETCH", "NO_INTERRUPT")
"""Constants that the engines use."""

ENGINE_STATE = ("mode", "trap_cause", "trap_value")
"""State that the engines look at."""

ENGINE_NAMES = ("h", "x", "rget", "wget", "ram8", "ram16", "ram32", "ram64")
"""Names that generated code has beside the spec's; no function may take one."""


def _effects(reads: str = "", writes: str = "", may_end: bool = False) -> Effects:
    return Effects(frozenset(reads.split()), frozenset(writes.split()), may_end=may_end)


FLOAT_SIZES = (4, 8)
"""Sizes of floats, and of integers that they are converted to and from."""


def _float(returns: str, **parameters: str) -> PrimitiveFunction:
    """Arithmetic, which adds to the flags that earlier operations raised."""
    place = "state:float_flags"
    return PrimitiveFunction(
        Signature(parameters, returns), _effects(place, place), sizes=FLOAT_SIZES
    )


_RESULT = "8 * size"
_TWO = {"a": _RESULT, "b": _RESULT}

FLOAT_PRIMITIVES: Mapping[str, PrimitiveFunction] = {
    **{
        f"float_{name}": _float(_RESULT, **_TWO, rm="3", size="static")
        for name in ("add", "sub", "mul", "div")
    },
    "float_sqrt": _float(_RESULT, a=_RESULT, rm="3", size="static"),
    "float_fma": _float(_RESULT, **_TWO, c=_RESULT, rm="3", size="static"),
    "float_convert": _float(_RESULT, a="8 * source", rm="3", source="static", size="static"),
    **{
        f"float_{name}": _float("1", **_TWO, size="static")
        for name in ("equal", "less", "less_equal")
    },
    **{
        f"float_to_{name}": _float("8 * to", a=_RESULT, rm="3", size="static", to="static")
        for name in ("signed", "unsigned")
    },
    **{
        f"float_from_{name}": _float(
            _RESULT, a="8 * source", rm="3", source="static", size="static"
        )
        for name in ("signed", "unsigned")
    },
}
"""IEEE 754 arithmetic on bit patterns; runtime/floats.py and runtime/native/float.h have it."""

PRIMITIVES: Mapping[str, PrimitiveFunction] = {
    "end_instruction": PrimitiveFunction(Signature(), _effects(may_end=True), ends=True),
    # A device may notice that it is read, so a read of the bus counts as a write as well.
    "read_physical": PrimitiveFunction(
        Signature({"address": "64", "size": "static"}, "8 * size"),
        _effects("physical", "physical"),
        sizes=MEMORY_SIZES,
    ),
    "write_physical": PrimitiveFunction(
        Signature({"address": "64", "size": "static", "value": "8 * size"}),
        _effects("", "physical"),
        sizes=MEMORY_SIZES,
    ),
    "physical_exists": PrimitiveFunction(
        Signature({"address": "64", "size": "static"}, "1"),
        _effects("physical"),
        sizes=range(1, 4097),
    ),
    "csr_exists": PrimitiveFunction(Signature({"number": "12"}, "1"), _effects("csrs")),
    "csr_check": PrimitiveFunction(
        Signature({"number": "12", "write": "1"}), _effects("csrs", "csrs", may_end=True)
    ),
    "csr_substitute": PrimitiveFunction(Signature({"number": "12"}, "12"), _effects("csrs")),
    "csr_read": PrimitiveFunction(
        Signature({"number": "12"}, "XLEN"), _effects("csrs", "csrs", may_end=True)
    ),
    "csr_write": PrimitiveFunction(
        Signature({"number": "12", "value": "XLEN"}),
        _effects("csrs", "csrs translations", may_end=True),
    ),
    "time": PrimitiveFunction(Signature(returns="64"), _effects("time")),
    "retired": PrimitiveFunction(Signature(returns="64"), _effects("time")),
    "flush_translations": PrimitiveFunction(Signature(), _effects("", "translations")),
    "fence_translations": PrimitiveFunction(
        Signature({"owner": "64", "mask": "64", "address": "64", "every_address": "1"}),
        _effects("", "translations"),
    ),
    "note_leaf": PrimitiveFunction(Signature({"level": "3"}), _effects("", "leaf")),
    "flush_instructions": PrimitiveFunction(Signature(), _effects("", "instructions")),
    "wait_for_interrupt": PrimitiveFunction(Signature(), _effects("", "wait")),
    **FLOAT_PRIMITIVES,
}

ENTRIES: Mapping[str, Signature] = {
    "raise_illegal_instruction": Signature(),
    "take_exception": Signature(),
    "pending_interrupt": Signature(returns="7"),
    "take_interrupt": Signature({"cause": "6"}),
    "wake": Signature(returns="1"),
    "next_timer": Signature(returns="64"),
    "translate_fetch": Signature({"address": "64"}, "64"),
    "translate_data": Signature({"address": "64", "access": "2"}, "64"),
    "page_is_uniform": Signature({"address": "64"}, "1"),
    "translation_context": Signature(returns="16"),
    "translation_owner": Signature(returns="64"),
    "physical_permitted": Signature(
        {"physical": "64", "size": "static", "access": "2", "privilege": "3"}, "1"
    ),
    "locate": Signature({"address": "XLEN", "size": "static", "access": "2"}, "64"),
    "load": Signature({"address": "XLEN", "size": "static"}, "8 * size"),
    "store": Signature({"address": "XLEN", "size": "static", "value": "8 * size"}),
}
