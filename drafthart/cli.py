"""The command line: all commands in one Typer app, and every error as one line."""

from __future__ import annotations

import os
import sys
from collections import UserDict
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup
from typer.main import get_command

from drafthart import __version__
from drafthart.completion import complete_for_bash, is_bash
from drafthart.generator.errors import DrafthartError
from drafthart.panels import PanelCommand

# The base of all complaints about options and arguments. Typer took Click in, and older versions
# import it: this finds the class in both.
_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__bases__[0])

# In the order of --help. A new command is one line here.
_NAMES = (
    "revisions",
    "show",
    "explain",
    "diff",
    "impact",
    "check",
    "generate",
    "asm",
    "disasm",
    "run",
    "compare",
    "bisect",
    "linux",
    "snapshot",
    "walk",
    "lockstep",
    "validate",
    "regressions",
    "riscof",
    "campaign",
    "identify",
    "tour",
    "track",
    "taint",
    "staging",
)


class _Commands(UserDict[str, Any]):
    """The commands by name. The module of one is imported when it is asked for."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(_NAMES))

    def __getitem__(self, name: str) -> Any:
        if self.data[name] is None:
            self.data[name] = _command(name)
        return self.data[name]


class _Group(TyperGroup):
    """Typer's group, with these commands."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Commands()


def _command(name: str) -> Any:
    module = import_module(f"drafthart.commands.{name}")
    if hasattr(module, "app"):  # commands of its own
        return get_command(module.app)
    single = typer.Typer(add_completion=False, **_STYLE)
    # \b keeps the lines as they are.
    epilog = "\n".join(["\b", "Examples:", *(f"  {example}" for example in module.EXAMPLES)])
    settings = getattr(module, "CONTEXT_SETTINGS", None)
    command = single.command(name, cls=PanelCommand, epilog=epilog, context_settings=settings)
    command(getattr(module, name))
    return get_command(single)


_STYLE: dict[str, Any] = {"rich_markup_mode": None, "pretty_exceptions_enable": False}

app = typer.Typer(
    name="drafthart",
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    **_STYLE,
)


@app.callback(invoke_without_command=True)
def drafthart(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Run, compare and validate RISC-V software against any draft of the hypervisor extension.

    `drafthart revisions` lists the drafts; COMMAND --help shows examples.
    """
    if version:
        typer.echo(f"drafthart {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line (the process's own if not given) and return its exit status.

    The status is the command's own, 2 for an error, which is one line on stderr, 130 after Ctrl-C.
    """
    try:
        if is_bash():
            complete_for_bash(lambda: app(prog_name="drafthart"))
        status = app(
            args=None if arguments is None else list(arguments),
            prog_name="drafthart",
            standalone_mode=False,
        )
        sys.stdout.flush()
    except DrafthartError as error:
        return _fail(str(error))
    except _UsageError as error:
        command = error.ctx.command_path if error.ctx else "drafthart"
        return _fail(f"{error.format_message().rstrip('.')}; see {command} --help")
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except BrokenPipeError:
        # The reader left, as `head` does. What is still buffered must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}; check the path and the space left")
    return status if isinstance(status, int) else 0


def _fail(message: str) -> int:
    """Print an error as one line: names in it come from files, and may hold anything."""
    line = "".join(letter if letter.isprintable() else " " for letter in message)
    print(f"drafthart: {' '.join(line.split())}", file=sys.stderr)
    return 2
