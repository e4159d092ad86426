"""`drafthart run --explain-traps`: the options, and where the log goes."""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.panels import INSIDE
from drafthart.runtime.engine import Engine
from drafthart.runtime.gate import Stability
from drafthart.runtime.machine import Machine

if TYPE_CHECKING:
    from drafthart.runtime.exit_log import Entry, ExitLog, Summary

_LIMIT = 16

ExplainTrapsOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--explain-traps",
        help="Tell on stderr of each trap that leaves a guest: why, and what sent it there.",
        rich_help_panel=INSIDE,
    ),
]
ExplainTrapsToOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--explain-traps-to", metavar="FILE", help="Write that to FILE.", rich_help_panel=INSIDE
    ),
]
ExplainTrapsJsonOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--explain-traps-json",
        metavar="FILE",
        help="Write it as lines of JSON.",
        rich_help_panel=INSIDE,
    ),
]
ExplainTrapsAllOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--explain-traps-all",
        help="Tell of every trap, be it from a guest or not.",
        rich_help_panel=INSIDE,
    ),
]
ExplainTrapsLimitOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--explain-traps-limit",
        metavar="N",
        min=0,
        help=f"Tell of N traps of a kind; 0 tells of all [default: {_LIMIT}].",
        show_default=False,
        rich_help_panel=INSIDE,
    ),
]


@dataclass(frozen=True, slots=True)
class ExplainTraps:
    """The options. Raises DrafthartError where they do not go together."""

    wanted: bool
    to: Path | None
    json: Path | None
    every_trap: bool
    limit: int | None

    def __post_init__(self) -> None:
        if self.limit is not None and not self.wanted_at_all:
            raise DrafthartError("--explain-traps-limit: nothing is told; add --explain-traps")
        for path in (self.to, self.json):
            # Better now than when the run is over.
            if path is not None and not os.access(path.resolve().parent, os.W_OK):
                raise DrafthartError(f"{path}: cannot be written; check the path")

    @property
    def wanted_at_all(self) -> bool:
        """Is anything to be told?"""
        return self.wanted or self.every_trap or self.to is not None or self.json is not None

    @contextmanager
    def watching(self, machine: Machine, stability: Stability) -> Iterator[None]:
        """Tell of the traps of what runs within; the machine has been loaded."""
        if not self.wanted_at_all:
            yield
            return
        from drafthart.output import writing

        with ExitStack() as stack:
            sinks: list[_Sink] = []
            if self.json is not None:
                file = stack.enter_context(writing(self.json, keep=True))
                sinks.append(_Json(_writer(file), stability))
            if self.to is not None:
                file = stack.enter_context(writing(self.to, keep=True))
                sinks.append(_Text(_writer(file), stability))
            elif self.json is None or self.wanted:
                sinks.append(_Text(lambda line: typer.echo(line, err=True), stability))
            several = len(machine.engines) > 1
            logs = {
                number if several else None: self._log(
                    isa, engine, sinks, number if several else None
                )
                for number, (isa, engine) in enumerate(
                    zip(machine.isas, machine.engines, strict=True)
                )
            }
            try:
                yield
            finally:
                for number, log in logs.items():
                    summary = log.finish()
                    for sink in sinks:
                        sink.summary(summary, number)

    def _log(self, isa: ISA, engine: Engine, sinks: list[_Sink], number: int | None) -> ExitLog:
        from drafthart.runtime.exit_log import ExitLog

        def tell(entry: Entry) -> None:
            for sink in sinks:
                sink.entry(entry, number)

        limit = _LIMIT if self.limit is None else self.limit
        return ExitLog(isa, engine, tell, limit=limit, every_trap=self.every_trap)


def _writer(file: Any) -> Callable[[str], None]:
    return lambda line: file.write(f"{line}\n".encode())


class _Sink(ABC):
    """Where entries go. `hart` is the number of one of several harts."""

    def __init__(self, write: Callable[[str], None], stability: Stability) -> None:
        self.write = write
        self.stability = stability

    @abstractmethod
    def entry(self, entry: Entry, hart: int | None) -> None:
        """Write an entry."""

    @abstractmethod
    def summary(self, summary: Summary, hart: int | None) -> None:
        """Write the summary."""


class _Text(_Sink):
    """Words."""

    def entry(self, entry: Entry, hart: int | None) -> None:
        from drafthart.exits_text import entry_lines

        for line in entry_lines(entry, hart):
            self.write(line)

    def summary(self, summary: Summary, hart: int | None) -> None:
        from drafthart.exits_text import summary_lines

        tag = f"{self.stability['revision']} ({self.stability['status']})"
        for line in summary_lines(summary, tag, hart):
            self.write(line)


class _Json(_Sink):
    """Lines of JSON: first what was run, last the summary."""

    def __init__(self, write: Callable[[str], None], stability: Stability) -> None:
        super().__init__(write, stability)
        self._line(dict(stability))

    def entry(self, entry: Entry, hart: int | None) -> None:
        from drafthart.runtime.exit_log import Enough, Folded

        if isinstance(entry, Folded):
            self._line({"more": entry.count}, hart)
        elif isinstance(entry, Enough):
            kind = {"from": entry.before, "to": entry.after, "cause": entry.item}
            self._line({"only_counted": kind}, hart)
        else:
            self._line({"trap": entry.as_data()}, hart)

    def summary(self, summary: Summary, hart: int | None) -> None:
        self._line({"summary": summary.as_data()}, hart)

    def _line(self, data: dict[str, Any], hart: int | None = None) -> None:
        if hart is not None:
            data = {"hart": hart, **data}
        self.write(json.dumps(data, ensure_ascii=False))
