"""The commands that a page shows, and what it says they print.

In a fenced block `console`, a line `$ command` is a command (`> ` continues it), and the lines up
to the next one are its output: stdout, then stderr. There `…` stands for anything, alone on its
line for any lines. Other blocks say what to do with them by a word behind their language:
`file=PATH` writes a file, `append=PATH` appends to one, `run` runs Python.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_BLOCK = re.compile(r"^```(\w+)(?: +(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the reader does, and where the page says so."""

    kind: Literal["command", "file", "append", "python"]
    line: int
    text: str
    output: str | None = None
    """What a command prints; None if the page does not show it."""
    path: str = ""


def steps(page: Path) -> list[Step]:
    """The steps of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found: list[Step] = []
    for block in _BLOCK.finditer(text):
        language, word, body = block.groups()
        line = text.count("\n", 0, block.start()) + 2
        if language == "console":
            found += _commands(body, line)
        elif word == "run":
            found.append(Step("python", line, body))
        elif word:
            kind, _, path = word.partition("=")
            assert kind in ("file", "append"), f"{page}:{line}: {word} is no step"
            found.append(Step("file" if kind == "file" else "append", line, body, path=path))
    return found


def _commands(body: str, line: int) -> list[Step]:
    found: list[Step] = []
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, *rest = part.splitlines()
        while rest and rest[0].startswith("> "):
            command += f"\n{rest.pop(0)[2:]}"
        output = "\n".join(rest).rstrip() if rest else None
        found.append(Step("command", line, command, output))
        line += part.count("\n")
    return found


def matches(shown: str, printed: str) -> bool:
    """Is this what was printed? Spaces at the ends of lines do not count."""
    pattern = ""
    for line in shown.splitlines():
        if line.strip() == "…":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += "[^\n]*".join(re.escape(part) for part in line.rstrip().split("…")) + "\n"
    lines = "".join(f"{line.rstrip()}\n" for line in printed.rstrip().splitlines())
    return re.fullmatch(pattern, lines) is not None
