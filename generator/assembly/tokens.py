"""Statements cut into tokens, and a cursor to read them with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drafthart.generator.assembly.lines import Line
from drafthart.generator.errors import DrafthartError

if TYPE_CHECKING:
    from drafthart.generator.assembly.expressions import Expression

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<name>[A-Za-z_.$][\w.$]*)
    | (?P<local>(?!0[bB][01])\d+[fb](?!\w))
    | (?P<number>\d\w*)
    | (?P<string>"(?:\\.|[^"\\])*")
    | (?P<character>'(?:\\.|[^'\\])')
    | (?P<operator><<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>=(),:@\[\]])
    )""",
    re.VERBOSE | re.ASCII,
)
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]+)|(.))", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class Mismatch(DrafthartError):
    """The statement has another shape than was tried; another form of it may fit."""


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a statement. A `bound` token stands for an operand that was read before."""

    kind: str
    text: str
    offset: int
    value: int | Expression = 0


class Cursor:
    """Reads the tokens of a statement from left to right."""

    def __init__(self, line: Line, tokens: list[Token]) -> None:
        self.line = line
        self.tokens = tokens
        self.position = 0
        last = tokens[-1] if tokens else None
        self._end = Token("end", "the end", last.offset + len(last.text) if last else 0)

    def peek(self, ahead: int = 0) -> Token:
        """The next token, or one further ahead; of kind `end` after the last."""
        position = self.position + ahead
        return self.tokens[position] if position < len(self.tokens) else self._end

    def next(self) -> Token:
        """Read a token."""
        token = self.peek()
        self.position += 1
        return token

    def accept(self, operator: str) -> bool:
        """Read this operator if it comes next."""
        token = self.peek()
        if token.kind != "operator" or token.text != operator:
            return False
        self.position += 1
        return True

    def expect(self, operator: str) -> None:
        """Read this operator."""
        if not self.accept(operator):
            raise self.mismatch(f"`{operator}`")

    def name(self, what: str) -> str:
        """Read a name that tells `what`."""
        if self.peek().kind != "name":
            raise self.mismatch(what)
        return self.next().text

    @property
    def at_end(self) -> bool:
        """Are all tokens read?"""
        return self.position >= len(self.tokens)

    def expect_end(self) -> None:
        """Nothing may follow."""
        if not self.at_end:
            raise self.mismatch("the end")

    def describe(self) -> str:
        """The next token, for messages."""
        token = self.peek()
        return token.text if token.kind == "end" else f"`{token.text}`"

    def mismatch(self, wanted: str) -> Mismatch:
        """Something else than the next token was wanted here."""
        return Mismatch(str(self.error(f"expected {wanted}, not {self.describe()}")))

    def error(self, message: str, token: Token | None = None) -> DrafthartError:
        """A user's mistake at this token, or at the next one."""
        return self.line.error(message, (token or self.peek()).offset)


def tokenise(line: Line) -> Cursor:
    """Cut a statement into tokens."""
    tokens = []
    text, offset = line.text, 0
    while offset < len(text):
        match = _TOKEN.match(text, offset)
        if not match:
            blank = len(text[offset:]) - len(text[offset:].lstrip())
            if offset + blank >= len(text):
                break
            raise line.error(_stray(text[offset + blank]), offset + blank)
        kind = str(match.lastgroup)
        tokens.append(Token(kind, match[kind], match.start(kind)))
        offset = match.end()
    return Cursor(line, tokens)


def unquote(token: Token, line: Line) -> bytes:
    """The bytes that a string or character token stands for."""

    def replace(match: re.Match[str]) -> str:
        octal, hexadecimal, letter = match.groups()
        if letter is not None:
            return _ESCAPES.get(letter, letter)
        # Latin-1 keeps one byte per escape; other characters are encoded as UTF-8 around it.
        return chr((int(octal, 8) if octal else int(hexadecimal, 16)) & 0xFF)

    content = bytearray()
    start = 0
    text = token.text[1:-1]
    try:
        for match in _ESCAPE.finditer(text):
            content += text[start : match.start()].encode()
            content += replace(match).encode("latin-1")
            start = match.end()
        content += text[start:].encode()
    except UnicodeEncodeError:
        raise line.error("the string holds what no text encoding has", token.offset) from None
    return bytes(content)


def number(token: Token, line: Line) -> int:
    """The value of a number token, as C writes it."""
    text = token.text.lower()
    octal = len(text) > 1 and text[0] == "0" and text.isdigit()
    try:
        if "_" in text or len(text) > 100:
            raise ValueError
        return int(text, 8 if octal else 0)
    except ValueError:
        raise line.error(
            f"`{token.text[:40]}` is no number; write decimal, 0x…, 0b… or 0… (octal)", token.offset
        ) from None


def _stray(character: str) -> str:
    if character in "\"'":
        return f"this {character} has no partner; close it"
    if character == "\\":
        return "a `\\` outside of a macro; macro parameters exist only between .macro and .endm"
    return f"{character!r} has no place here; remove it"
