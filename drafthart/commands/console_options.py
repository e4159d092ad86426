"""The options of `drafthart run` about the console."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from drafthart.generator.errors import DrafthartError
from drafthart.last_line import LastLine
from drafthart.panels import CONSOLE
from drafthart.runtime.console import Console
from drafthart.runtime.expect import Script
from drafthart.runtime.machine import Machine, Terminal

UNEXPECTED = 4
"""The exit status where a text of --expect has not appeared."""

_LAST = 12
"""Lines that are shown of what the guest printed last."""
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.?)", re.DOTALL)
_ESCAPES = {"n": b"\n", "r": b"\r", "t": b"\t", "e": b"\x1b", "\\": b"\\"}

ConsoleOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--console",
        metavar="FILE",
        help="Write what the guest prints to FILE, too.",
        rich_help_panel=CONSOLE,
    ),
]
ExpectOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--expect",
        metavar="TEXT",
        help=f"End with status 0 when the guest has printed TEXT, else with {UNEXPECTED}. "
        "May be repeated, in order.",
        rich_help_panel=CONSOLE,
    ),
]
TypeOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--type",
        metavar="TEXT",
        help="Type TEXT when the --expect in its place has appeared. May be repeated.",
        rich_help_panel=CONSOLE,
    ),
]
TimeoutOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--timeout-instructions",
        metavar="N",
        min=1,
        help="Give --expect up after N instructions.",
        rich_help_panel=CONSOLE,
    ),
]


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """The options. Raises DrafthartError where they do not go together."""

    file: Path | None
    expect: Sequence[str]
    type: Sequence[str]
    timeout: int | None

    def __post_init__(self) -> None:
        if self.timeout is not None and not self.expect:
            raise DrafthartError(
                "--timeout-instructions: nothing is waited for; "
                "add --expect TEXT, or use --max-instructions"
            )
        if len(self.type) > len(self.expect):
            raise DrafthartError(
                f"--type {self.type[len(self.expect)]!r}: each is typed when the --expect in its "
                "place has appeared; add that"
            )
        if self.file is not None and not os.access(self.file.resolve().parent, os.W_OK):
            raise DrafthartError(f"{self.file}: cannot be written; check the path")

    def limit(self, max_instructions: int | None) -> int | None:
        """How many instructions run at most; None: any number."""
        if self.timeout is not None and max_instructions is not None:
            raise DrafthartError(
                "--timeout-instructions: does not go with --max-instructions; leave one of them out"
            )
        return self.timeout or max_instructions

    def open(self, menu: dict[str, str]) -> GuestConsole:
        """The console. Ctrl-A and a key of `menu` ask for what it names."""
        if not self.expect:
            return GuestConsole(self, Console(menu=menu))
        # A script runs the same each time: nobody's keys get in between.
        console = Console(stdin=None)
        expected = [text_of("--expect", text).replace(b"\r", b"") for text in self.expect]
        if b"" in expected:
            raise DrafthartError("--expect: an empty text is always there; name one")
        typed = [text_of("--type", text) for text in self.type]
        return GuestConsole(self, console, Script(console, expected, typed))


class GuestConsole:
    """The guest's console: the host's terminal, a script before it if there is one, and a copy."""

    def __init__(
        self, options: ConsoleOptions, console: Console, script: Script | None = None
    ) -> None:
        self._options = options
        self._console = console
        self._script = script
        terminal: Terminal = script or console
        self.shown = LastLine(terminal)
        """What the machine talks to."""

    @contextmanager
    def opened(self, machine: Machine) -> Iterator[Console]:
        """The terminal is the guest's within."""
        with ExitStack() as stack:
            if self._script is not None:
                self._script.ended = lambda: machine.hart.attention()
            if self._options.file is not None:
                path = self._options.file
                try:
                    self.shown.copy = stack.enter_context(path.open("wb"))
                except OSError as error:
                    raise DrafthartError(
                        f"{path}: {error.strerror}; check the path and the space left"
                    ) from None
            yield stack.enter_context(self._console)

    @property
    def expects(self) -> bool:
        """Is there a script?"""
        return self._script is not None

    def missed(self) -> list[str]:
        """The lines to tell of a text that has not appeared; none if all have."""
        script = self._script
        if script is None or script.met:
            return []
        expected = self._options.expect
        which = f" ({script.found + 1} of {len(expected)})" if len(expected) > 1 else ""
        told = [f"drafthart: --expect {expected[script.found]!r}{which}: has not appeared"]
        last = self.shown.lines(_LAST)
        told.append("  the last that the guest printed:" if last else "  the guest printed nothing")
        return told + [f"    {_shown(line)}" for line in last]


def text_of(option: str, text: str) -> bytes:
    r"""What a text of the command line stands for: \n, \r, \t, \e, \xNN and \\ in it are bytes."""
    made = bytearray()
    at = 0
    for match in _ESCAPE.finditer(text):
        made += text[at : match.start()].encode("utf-8", "surrogateescape")
        at = match.end()
        code = match[1]
        if len(code) == 3:
            made.append(int(code[1:], 16))
        elif code in _ESCAPES:
            made += _ESCAPES[code]
        else:
            raise DrafthartError(
                f"{option} {text!r}: \\{code} means nothing; there are \\n \\r \\t \\e \\xNN \\\\"
            )
    return bytes(made + text[at:].encode("utf-8", "surrogateescape"))


def _shown(line: str) -> str:
    """A line of the guest's that does nothing to a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in line).rstrip()
