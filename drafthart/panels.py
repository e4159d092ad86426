"""Help that lists a command's options under headings, in plain text."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

MACHINE = "Machine"
CONSOLE = "Console"
ENGINE = "Engine"
INSIDE = "Looking inside"
SNAPSHOTS = "Snapshots"
"""The headings: what options name as their `rich_help_panel`."""

_ORDER = ("Arguments", "Options", MACHINE, CONSOLE, ENGINE, INSIDE, SNAPSHOTS)
_WIDEST = 30
"""Columns of an option; beside a wider one there is no text. Click's own limit."""


class PanelCommand(TyperCommand):
    """A command whose options stand under their headings; those without one come first.

    Typer itself heeds headings only where Rich draws the help.
    """

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and options, all texts in one column."""
        panels: dict[str, list[tuple[str, str]]] = {name: [] for name in _ORDER}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                is_argument = parameter.param_type_name == "argument"
                own = getattr(parameter, "rich_help_panel", None)
                heading = own or ("Arguments" if is_argument else "Options")
                panels.setdefault(heading, []).append(record)
        lengths = [len(name) for records in panels.values() for name, _ in records]
        width = min(max(lengths), _WIDEST)
        for heading, records in panels.items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl([(name.ljust(width), text) for name, text in records])
