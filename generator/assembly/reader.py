"""Where statements come from: the source, its includes, and what macros and loops expand to."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import chain, repeat

from drafthart.generator.assembly.lines import Line

_NESTING = 64
_EXPANDED = 1_000_000
_FIRST_WORD = re.compile(r"\s*(?:[\w.$]+\s*:\s*)*([\w.$]+)")


def first_word(line: Line) -> str:
    """The directive or mnemonic of a statement, past its labels."""
    match = _FIRST_WORD.match(line.text)
    return match[1] if match else ""


class Reader:
    """Hands out statements, those of the innermost source first."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._sources: list[Iterator[Line]] = [iter(lines)]
        self._budget = _EXPANDED

    def next(self) -> Line | None:
        """The next statement, or None at the end of all sources."""
        while self._sources:
            line = next(self._sources[-1], None)
            if line is not None:
                return line
            self._sources.pop()
        return None

    def include(self, lines: Iterable[Line], at: Line) -> None:
        """Go on with these statements, then return to the one after `at`."""
        if len(self._sources) >= _NESTING:
            raise at.error(f"more than {_NESTING} macros, loops and files within each other")
        self._sources.append(iter(lines))

    def expand(self, lines: list[Line], at: Line, times: int = 1) -> None:
        """Go on with these statements so many times."""
        self._budget -= len(lines) * times
        if self._budget < 0:
            raise at.error(f"macros and loops expand to more than {_EXPANDED} statements")
        if lines:
            self.include(chain.from_iterable(repeat(lines, times)), at)

    def block(self, opener: Line, openers: Collection[str], closer: str) -> list[Line]:
        """The statements up to the `closer` of `opener`, which is read too."""
        lines: list[Line] = []
        depth = 1
        while (line := self.next()) is not None:
            word = first_word(line)
            depth += (word in openers) - (word == closer)
            if depth == 0:
                return lines
            lines.append(line)
        raise opener.error(f"this {first_word(opener)} has no end; close it with {closer}")
