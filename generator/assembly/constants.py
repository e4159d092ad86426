"""Short sequences that load a constant into a register."""

from __future__ import annotations

Step = tuple[str, int]


def load_constant(value: int, xlen: int) -> list[str]:
    """Lines that load `value` (read modulo 2**xlen) into the operand `rd`."""
    value = _signed(value, xlen)
    steps = _build(value, xlen)
    if value > 0 and len(steps) > 2:
        steps = min(steps, _by_shift_right(value, xlen), key=len)
    lines = []
    source = "zero"
    for mnemonic, operand in steps:
        lines.append(
            f"lui rd, {operand}" if mnemonic == "lui" else f"{mnemonic} rd, {source}, {operand}"
        )
        source = "rd"
    return lines


def _build(value: int, xlen: int) -> list[Step]:
    """From the top: the low 12 bits last, before them the rest, shifted right as far as it goes."""
    low = _signed(value, 12)
    if value == low:
        return [("addi", value)]
    if value == _signed(value, 32):
        steps: list[Step] = [("lui", value + 0x800 >> 12 & 0xFFFFF)]
        if low:
            # addiw keeps the sum in 32 bits, as lui's result for 0x7ffff800… is negative.
            steps.append(("addiw" if xlen > 32 else "addi", low))
        return steps
    rest = _signed(value - low, xlen)
    shift = max(12, (rest & -rest).bit_length() - 1)
    upper = rest >> shift
    # Where the shift leaves more than 12 bits, 12 of it can be lui's own.
    if shift > 12 and upper != _signed(upper, 12) and _signed(upper << 12, 32) == upper << 12:
        shift, upper = shift - 12, upper << 12
    steps = [*_build(upper, xlen), ("slli", shift)]
    if low:
        steps.append(("addi", low))
    return steps


def _by_shift_right(value: int, xlen: int) -> list[Step]:
    """Leading zeros can come from a final srli; then the bits below may be all ones or zeros."""
    zeros = xlen - value.bit_length()
    ways = []
    for fill in (0, (1 << zeros) - 1):
        steps = _build(_signed(value << zeros | fill, xlen), xlen)
        ways.append([*steps, ("srli", zeros)])
    return min(ways, key=len)


def _signed(value: int, width: int) -> int:
    value &= (1 << width) - 1
    return value - (1 << width) if value >> width - 1 else value
