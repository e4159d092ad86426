"""Which engine a run gets: the one asked for, else the fastest that there is here."""

from __future__ import annotations

import sys
from typing import Annotated, TypeAlias

import typer

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.panels import ENGINE
from drafthart.runtime.engines import (
    LOCKSTEP_EVERY,
    NAMES,
    EngineFactory,
    both_engines,
    native_engine,
    python_engine,
)


def complete_engine(incomplete: str) -> list[str]:
    """Engines for the shell's completion."""
    return [name for name in NAMES if name.startswith(incomplete)]


def _engine(name: str) -> str:
    if name not in NAMES:
        raise typer.BadParameter(f"no engine {name!r}; there are {', '.join(NAMES)}")
    return name


EngineOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="NAME",
        parser=_engine,
        envvar="DRAFTHART_ENGINE",
        show_envvar=False,
        help="python, native, or both in lockstep [default: native where a C compiler is].",
        autocompletion=complete_engine,
        show_default=False,
        rich_help_panel=ENGINE,
    ),
]
LockstepOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--lockstep-every",
        metavar="N",
        min=1,
        help=f"Compare both engines every N instructions [default: {LOCKSTEP_EVERY}].",
        show_default=False,
        rich_help_panel=ENGINE,
    ),
]


def choose_engine(
    isa: ISA, asked: str | None, every: int | None = None, *, python_for: str | None = None
) -> EngineFactory:
    """The engine asked for, else the native one, else the python one, and a line that says so.

    `every` is how often `both` compares. `python_for` is the option that only the python engine can
    serve, if there is one. Raises `DrafthartError` where the two, or the machine, do not allow it.
    """
    if every is not None and asked != "both":
        raise DrafthartError("--lockstep-every: only for both engines; add --engine both")
    if python_for is not None and asked not in (None, "python"):
        raise DrafthartError(f"{python_for}: only the python engine does this; use --engine python")
    if asked == "python" or python_for is not None:
        return python_engine(isa)
    with _Line(f"building the native engine for {isa.id} …") as line:
        if asked == "both":
            return both_engines(isa, line.show, every or LOCKSTEP_EVERY)
        try:
            return native_engine(isa, line.show)
        except DrafthartError as error:
            if asked is not None:
                raise
            reason = str(error)
    text = "".join(letter if letter.isprintable() else " " for letter in reason)
    print(f"drafthart: the python engine runs: {text}", file=sys.stderr)
    return python_engine(isa)


class _Line:
    """A line on the terminal that is there, once shown, for as long as something takes."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._shown = False

    def show(self) -> None:
        """Show it."""
        if sys.stderr.isatty():
            self._shown = True
            print(self._text, end="", file=sys.stderr, flush=True)

    def __enter__(self) -> _Line:
        return self

    def __exit__(self, *error: object) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
