"""The names of the registers: the psABI's, a convention of assemblers, not of the ISA."""

from __future__ import annotations

ABI_NAMES: tuple[str, ...] = (
    *("zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1"),
    *(f"a{number}" for number in range(8)),
    *(f"s{number}" for number in range(2, 12)),
    *(f"t{number}" for number in range(3, 7)),
)
"""The ABI name of each integer register, by number."""

REGISTERS: dict[str, int] = {
    **{name: number for number, name in enumerate(ABI_NAMES)},
    **{f"x{number}": number for number in range(32)},
    "fp": ABI_NAMES.index("s0"),
}
"""Every name that an operand may give an integer register, with the register's number."""

FLOAT_ABI_NAMES: tuple[str, ...] = (
    *(f"ft{number}" for number in range(8)),
    *("fs0", "fs1"),
    *(f"fa{number}" for number in range(8)),
    *(f"fs{number}" for number in range(2, 12)),
    *(f"ft{number}" for number in range(8, 12)),
)
"""The ABI name of each floating-point register, by number."""

FLOAT_REGISTERS: dict[str, int] = {
    **{name: number for number, name in enumerate(FLOAT_ABI_NAMES)},
    **{f"f{number}": number for number in range(32)},
}
"""Every name that an operand may give a floating-point register, with the register's number."""
