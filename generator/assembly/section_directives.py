"""Directives that choose a section."""

from __future__ import annotations

from drafthart.generator.assembly.context import Context, Handler
from drafthart.generator.assembly.tokens import Cursor, unquote


def _named(context: Context, cursor: Cursor, word: str) -> None:
    """`.text` and its like are sections of their own name."""
    context.state.switch(word)


def _section(context: Context, cursor: Cursor, word: str) -> None:
    name = _name(cursor)
    flags: str | None = None
    zeroed = False
    if cursor.accept(","):
        flags = _string(cursor)
        if cursor.accept(","):
            if not cursor.accept("@"):
                cursor.expect("%")
            kind = cursor.name("progbits or nobits")
            zeroed = kind == "nobits"
    # What may follow (entry sizes, groups) matters to linkers only.
    cursor.position = len(cursor.tokens)
    context.state.switch(name, flags, zeroed)


def _name(cursor: Cursor) -> str:
    if cursor.peek().kind == "string":
        return _string(cursor)
    name = cursor.name("the name of a section")
    # `.note.GNU-stack` holds what is an operator elsewhere.
    while not cursor.at_end and cursor.peek().text != ",":
        name += cursor.next().text
    return name


def _string(cursor: Cursor) -> str:
    if cursor.peek().kind != "string":
        raise cursor.mismatch("a string")
    return unquote(cursor.next(), cursor.line).decode("utf-8", "replace").replace("\0", "")


def _push(context: Context, cursor: Cursor, word: str) -> None:
    context.state.push()
    _section(context, cursor, word)


def _pop(context: Context, cursor: Cursor, word: str) -> None:
    context.state.pop(cursor.line)


def _previous(context: Context, cursor: Cursor, word: str) -> None:
    context.state.enter(context.state.previous)


SECTION_DIRECTIVES: dict[str, Handler] = {
    **dict.fromkeys((".text", ".data", ".rodata", ".bss", ".sdata", ".sbss"), _named),
    ".section": _section,
    ".pushsection": _push,
    ".popsection": _pop,
    ".previous": _previous,
}
