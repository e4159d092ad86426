"""Directives that place bytes."""

from __future__ import annotations

from functools import partial

from drafthart.generator.assembly.context import Context, Handler
from drafthart.generator.assembly.expressions import Expression
from drafthart.generator.assembly.tokens import Cursor, unquote

_LARGEST_ALIGNMENT = 24


def _integers(size: int, context: Context, cursor: Cursor, word: str) -> None:
    while not cursor.at_end:
        value = context.expression(cursor)
        context.state.place(size, partial(_bytes, value, size), cursor.line)
        if not cursor.accept(","):
            break


def _bytes(expression: Expression, size: int, _: int) -> bytes:
    value = expression.number()
    low, high = -(1 << 8 * size - 1), (1 << 8 * size) - 1
    if not low <= value <= high:
        raise expression.error(f"{value} does not fit; allowed are {low} to {high}")
    return (value & high).to_bytes(size, "little")


def _strings(end: bytes, context: Context, cursor: Cursor, word: str) -> None:
    while True:
        token = cursor.peek()
        if token.kind != "string":
            raise cursor.mismatch("a string")
        cursor.next()
        context.state.place_bytes(unquote(token, cursor.line) + end, cursor.line)
        if not cursor.accept(","):
            return


def _space(context: Context, cursor: Cursor, word: str) -> None:
    size = context.number(cursor)
    value = context.optional_number(cursor) or 0
    context.state.fill(size, value & 0xFF, cursor.line)


def _fill(context: Context, cursor: Cursor, word: str) -> None:
    times = context.number(cursor)
    size = context.optional_number(cursor)
    value = context.optional_number(cursor) or 0
    size = 1 if size is None else size
    if not 0 <= size <= 8:
        raise cursor.line.error(f".fill places units of 0 to 8 bytes, not {size}")
    if value == 0:
        context.state.fill(times * size, 0, cursor.line)
        return
    if not 0 <= times <= 1 << 20:
        raise cursor.line.error(f".fill repeats at most {1 << 20} times, not {times}")
    unit = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
    context.state.place_bytes(unit * times, cursor.line)


def _org(context: Context, cursor: Cursor, word: str) -> None:
    target = context.expression(cursor)
    value = target.evaluate()
    section = context.state.section
    if value.section not in (None, section):
        raise target.error("the target of .org lies in another section")
    fill = context.optional_number(cursor) or 0
    if value.number < section.size:
        raise target.error(
            f".org can not go back from {section.size:#x} to {value.number:#x} in {section.name}"
        )
    context.state.fill(value.number - section.size, fill & 0xFF, cursor.line)


def _align(power: bool, context: Context, cursor: Cursor, word: str) -> None:
    given = context.number(cursor)
    fill = context.optional_number(cursor)
    most = context.optional_number(cursor)
    if power and 0 <= given <= _LARGEST_ALIGNMENT:
        alignment = 1 << given
    elif not power and 0 < given <= 1 << _LARGEST_ALIGNMENT and given.bit_count() == 1:
        alignment = given
    else:
        form = "the exponent of a power of two" if power else "a power of two"
        raise cursor.line.error(f"{word} needs {form}, at most 2**{_LARGEST_ALIGNMENT}")
    section = context.state.section
    section.alignment = max(section.alignment, alignment)
    gap = -section.size % alignment
    if most is not None and gap > most:
        return
    if fill is None and section.executable:
        context.pad(gap, cursor)
    else:
        context.state.fill(gap, (fill or 0) & 0xFF, cursor.line)


def _insn(context: Context, cursor: Cursor, word: str) -> None:
    first = context.number(cursor)
    if cursor.accept(","):
        size, value = first, context.number(cursor)
    else:
        # The two low bits of an instruction tell its length.
        value = first
        size = 4 if value & 3 == 3 else 2
    if size not in (2, 4):
        raise cursor.line.error(f".insn places 2 or 4 bytes, not {size}")
    if not 0 <= value < 1 << 8 * size:
        raise cursor.line.error(f".insn: {value:#x} does not fit {size} bytes")
    context.state.compressed |= size == 2
    context.state.place_bytes(value.to_bytes(size, "little"), cursor.line)


_SIZES = {
    1: (".byte",),
    2: (".half", ".short", ".hword", ".2byte"),
    4: (".word", ".long", ".int", ".4byte"),
    8: (".dword", ".quad", ".8byte"),
}

DATA_DIRECTIVES: dict[str, Handler] = {
    **{word: partial(_integers, size) for size, words in _SIZES.items() for word in words},
    ".ascii": partial(_strings, b""),
    ".asciz": partial(_strings, b"\0"),
    ".string": partial(_strings, b"\0"),
    ".zero": _space,
    ".space": _space,
    ".skip": _space,
    ".fill": _fill,
    ".org": _org,
    ".align": partial(_align, True),
    ".p2align": partial(_align, True),
    ".balign": partial(_align, False),
    ".insn": _insn,
}
