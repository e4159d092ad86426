"""Source text cut into statements, comments removed, each with the place it came from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import Place

_STRING = r'"(?:\\.|[^"\\\n])*"' r"|'(?:\\.|[^'\\\n])'"
_COMMENT = re.compile(rf"{_STRING}|/\*.*?\*/|(?P<open>/\*)|//[^\n]*|\#[^\n]*", re.DOTALL)
_PART = re.compile(rf"(?:{_STRING}|[^;])+")


@dataclass(frozen=True, slots=True)
class Line:
    """One statement. `column` is that of its first character; `context` tells of macros around."""

    text: str
    file: str
    number: int
    column: int = 1
    context: str = ""

    def error(self, message: str, offset: int = 0) -> DrafthartError:
        """A user's mistake at this offset into the statement."""
        place = Place(self.file, self.number, self.column + offset)
        return DrafthartError(f"{place}: {message}{self.context}")


def statements(text: str, file: str) -> Iterator[Line]:
    """The statements of a source text: its lines, and the parts between semicolons."""
    number = 1
    for line in _without_comments(text.replace("\f", " "), file).split("\n"):
        for part in _PART.finditer(line):
            if part[0].strip():
                yield Line(part[0].rstrip(), file, number, part.start() + 1)
        number += 1 + line.count("\f")


def _without_comments(text: str, file: str) -> str:
    """The text with blanks for comments. Form feeds stand for the line ends within them.

    So lines keep their numbers, but a comment over several lines does not end a statement.
    """

    def blank(match: re.Match[str]) -> str:
        if match["open"]:
            before = text[: match.start()]
            raise Line("", file, before.count("\n") + 1).error(
                "this /* has no end; close it with */", match.start() - before.rfind("\n") - 1
            )
        if match[0][0] in "\"'":
            return match[0]
        return re.sub(r"[^\f]", " ", match[0].replace("\n", "\f"))

    return _COMMENT.sub(blank, text.replace("\r\n", "\n"))
