"""Names of the spec in generated C."""

from __future__ import annotations

_OF_C = (
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "union unsigned void volatile while asm typeof unix linux"
)
_OF_THE_ENGINE = "h op left reads writes u8 u16 u32 u64 u128 i8 i16 i32 i64 i128"
_RESERVED = frozenset(f"{_OF_C} {_OF_THE_ENGINE}".split())


def c_name(name: str) -> str:
    """A name of the spec as a C name: one that C or the engine has gets an underscore."""
    return f"{name}_" if name in _RESERVED else name
