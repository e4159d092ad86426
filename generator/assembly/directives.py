"""Directives about names, source text and options; and the table of all directives."""

from __future__ import annotations

from drafthart.generator.assembly.context import Context, Handler
from drafthart.generator.assembly.data_directives import DATA_DIRECTIVES
from drafthart.generator.assembly.expressions import NotYetKnown
from drafthart.generator.assembly.lines import statements
from drafthart.generator.assembly.macros import parse_macro, split_arguments, substitute
from drafthart.generator.assembly.section_directives import SECTION_DIRECTIVES
from drafthart.generator.assembly.tokens import Cursor, unquote

LOOPS = (".rept", ".irp")
_OPTIONS = ("rvc", "norvc", "relax", "norelax", "pic", "nopic")


def assign(context: Context, cursor: Cursor, name: str) -> None:
    """Read an expression and give its value to a name; now if it is known, else when it is used."""
    token = cursor.peek()
    expression = context.expression(cursor)
    try:
        problem = context.symbols.assign(name, expression.evaluate())
    except NotYetKnown:
        problem = context.symbols.assign(name, expression)
    if problem:
        raise cursor.error(problem, token)


def rest_of(cursor: Cursor) -> str:
    """The text behind the word that was read last; it counts as read."""
    token = cursor.tokens[cursor.position - 1]
    cursor.position = len(cursor.tokens)
    return cursor.line.text[token.offset + len(token.text) :]


def _set(context: Context, cursor: Cursor, word: str) -> None:
    name = cursor.name("a name")
    cursor.expect(",")
    if word == ".equiv" and context.symbols.is_defined(name):
        raise cursor.line.error(f"`{name}` is defined before; choose another name")
    assign(context, cursor, name)


def _export(context: Context, cursor: Cursor, word: str) -> None:
    context.state.exported.add(cursor.name("a name"))
    while cursor.accept(","):
        context.state.exported.add(cursor.name("a name"))


def _type(context: Context, cursor: Cursor, word: str) -> None:
    name = cursor.name("a name")
    cursor.accept(",")
    if not cursor.accept("@"):
        cursor.accept("%")
    context.state.kinds[name] = cursor.name("function or object").lower().removeprefix("stt_")


def _size(context: Context, cursor: Cursor, word: str) -> None:
    name = cursor.name("a name")
    cursor.expect(",")
    context.state.sizes[name] = context.expression(cursor)


def _option(context: Context, cursor: Cursor, word: str) -> None:
    """Nothing is compressed or relaxed unasked, so the options change nothing."""
    option = cursor.name("an option")
    if option == "push":
        context.state.options.append(option)
    elif option == "pop":
        if not context.state.options:
            raise cursor.line.error(".option pop without .option push; remove it")
        context.state.options.pop()
    elif option == "arch":
        cursor.position = len(cursor.tokens)
    elif option not in _OPTIONS:
        known = ", ".join(("push", "pop", "arch", *_OPTIONS))
        raise cursor.line.error(f".option {option} is unknown; there are {known}")


def _include(context: Context, cursor: Cursor, word: str) -> None:
    token = cursor.peek()
    if token.kind != "string":
        raise cursor.mismatch("a file name in quotes")
    cursor.next()
    if context.include is None:
        raise cursor.error("there are no files to include from here", token)
    name = unquote(token, cursor.line).decode("utf-8", "replace")
    try:
        text = context.include(name)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise cursor.error(f"can not include {name}: {reason}", token) from None
    context.reader.include(statements(text, name), cursor.line)


def _macro(context: Context, cursor: Cursor, word: str) -> None:
    header = rest_of(cursor)
    body = context.reader.block(cursor.line, (".macro",), ".endm")
    macro = parse_macro(header, body, cursor.line)
    if macro.name in context.macros:
        raise cursor.line.error(f"macro {macro.name} is defined before; .purgem forgets it")
    context.macros[macro.name] = macro


def _purge(context: Context, cursor: Cursor, word: str) -> None:
    name = cursor.name("the name of a macro")
    if context.macros.pop(name, None) is None:
        raise cursor.line.error(f"there is no macro {name}")


def _repeat(context: Context, cursor: Cursor, word: str) -> None:
    times = context.number(cursor)
    body = context.reader.block(cursor.line, LOOPS, ".endr")
    context.reader.expand(body, cursor.line, max(times, 0))


def _repeat_for(context: Context, cursor: Cursor, word: str) -> None:
    name, *values = split_arguments(rest_of(cursor)) or [""]
    body = context.reader.block(cursor.line, LOOPS, ".endr")
    line = cursor.line
    if not name:
        raise line.error(".irp needs a name and values")
    context.reader.expand(
        [
            expanded
            for value in values
            for expanded in substitute(body, {name: value}, line, f".irp {name}")
        ],
        line,
    )


def _stray(context: Context, cursor: Cursor, word: str) -> None:
    raise cursor.line.error(f"{word} closes nothing here; remove it")


def _error(context: Context, cursor: Cursor, word: str) -> None:
    token = cursor.peek()
    text = unquote(token, cursor.line).decode("utf-8", "replace") if token.kind == "string" else ""
    raise cursor.line.error(text.replace("\n", " ") or "the source says .error")


def _ignore(context: Context, cursor: Cursor, word: str) -> None:
    """Said for linkers and debuggers; it changes nothing here."""
    cursor.position = len(cursor.tokens)


DIRECTIVES: dict[str, Handler] = {
    **DATA_DIRECTIVES,
    **SECTION_DIRECTIVES,
    **dict.fromkeys((".set", ".equ", ".equiv"), _set),
    **dict.fromkeys((".globl", ".global", ".weak"), _export),
    **dict.fromkeys((".local", ".hidden", ".attribute", ".file", ".ident", ".loc"), _ignore),
    **dict.fromkeys((".endm", ".endr"), _stray),
    ".type": _type,
    ".size": _size,
    ".option": _option,
    ".include": _include,
    ".macro": _macro,
    ".purgem": _purge,
    ".rept": _repeat,
    ".irp": _repeat_for,
    ".error": _error,
}
