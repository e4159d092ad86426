"""The command line: all commands in one Typer app, and every error as one line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any, cast

import typer

from drafthart import __version__
from drafthart.commands import (
    asm,
    check,
    diff,
    disasm,
    explain,
    generate,
    revisions,
    run,
    show,
    snapshot,
    tour,
    track,
)
from drafthart.completion import complete_for_bash, is_bash
from drafthart.generator.errors import DrafthartError

# The base of all complaints about options and arguments. Typer took Click in, and older versions
# import it: this finds the class in both.
_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__bases__[0])

app = typer.Typer(
    name="drafthart",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# In the order of --help. A new command is one line here.
for _function, _examples in (
    (revisions.revisions, revisions.EXAMPLES),
    (show.show, show.EXAMPLES),
    (explain.explain, explain.EXAMPLES),
    (diff.diff, diff.EXAMPLES),
    (check.check, check.EXAMPLES),
    (generate.generate, generate.EXAMPLES),
    (asm.asm, asm.EXAMPLES),
    (disasm.disasm, disasm.EXAMPLES),
    (run.run, run.EXAMPLES),
    (snapshot.snapshot, snapshot.EXAMPLES),
    (tour.tour, tour.EXAMPLES),
    (track.track, track.EXAMPLES),
):
    # \b keeps the lines as they are.
    _epilog = "\n".join(["\b", "Examples:", *(f"  {example}" for example in _examples)])
    app.command(epilog=_epilog)(cast("Any", _function))


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
