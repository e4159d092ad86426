"""`drafthart staging`: the life of what is not ratified, and what is locked once it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date as day
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

import drafthart
from drafthart.arguments import Format, FormatOption
from drafthart.generator.errors import DrafthartError
from drafthart.output import say, say_json, table
from drafthart.runtime.gate import configured_opt_ins
from drafthart.runtime.staging.area import area_at
from drafthart.runtime.staging.ledger import RUNS, Feature
from drafthart.runtime.staging.moves import Moves
from drafthart.runtime.staging.plan import Plan
from drafthart.runtime.staging.surface import api_surface
from drafthart.runtime.staging.verify import verify as disagreements

_OWNER = "whoever proposed it"

EXAMPLES = (
    "drafthart staging list",
    "drafthart staging users",
    "drafthart staging verify",
)

app = typer.Typer(
    name="staging",
    help="List what is staged, take each step in its life, and check what is locked.\n\n"
    "A feature is proposed, staged, frozen, and then promoted, or dropped after a notice. The "
    "ledger keeps all of it. See docs/staging.md.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="\n".join(["\b", "Examples:", *(f"  {it}" for it in EXAMPLES)]),
)

FeatureArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="FEATURE", help="The revision that it stages.")
]
RootOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--root", metavar="DIR", help="The checkout [default: the one around].", show_default=False
    ),
]
ReasonOption: TypeAlias = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why, for the ledger.")
]
DryRunOption: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Show the change as a diff, and make none.")
]


def _date(text: str) -> str:
    try:
        return day.fromisoformat(text).isoformat()
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day; write it as 2021-12-03") from None


DateOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--date",
        metavar="DAY",
        parser=_date,
        help="The day to record [default: today].",
        show_default=False,
    ),
]


def command(example: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Registers a function as the command of its name, with an example in its help."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        name = function.__name__.rstrip("_")
        epilog = f"\b\nExamples:\n  drafthart staging {example}"
        app.command(name, epilog=epilog)(function)
        return function

    return register


@command("list --format json")
def list_(format_: FormatOption = Format.TEXT, root: RootOption = None) -> None:
    """List every feature that ever was, with what it waits for."""
    moves = _moves(root, None, to_change=False)
    features = moves.ledger.features.values()
    if format_ is Format.JSON:
        say_json([_data(moves, it) for it in features])
        return
    if not features:
        say("nothing is staged here")
        return
    rows = [_row(moves, it) for it in features]
    say(table(("feature", "status", "since", "owner", "exit", "users", "next step"), rows))


def _row(moves: Moves, it: Feature) -> tuple[str, ...]:
    known = moves.conditions(it) if it.state in RUNS else []
    met = f"{sum(one.met for one in known)}/{len(known)}" if known else "-"
    count = str(len(moves.ledger.users(it.id)))
    return it.id, str(it.state), it.since, it.owner, met, count, moves.next_step(it)


def _data(moves: Moves, it: Feature) -> dict[str, Any]:
    return {
        "feature": it.id,
        "status": str(it.state),
        "since": it.since,
        "title": it.title,
        "owner": it.owner,
        "tracking": it.tracking,
        "why": it.why,
        "exit": [
            {"what": one.what, "met": one.met, "why": one.why} for one in moves.conditions(it)
        ],
        "gaps": list(it.gaps),
        "removal": it.removal,
        "leaves": it.leaves or None,
        "users": [one.name for one in moves.ledger.users(it.id)],
        "history": [
            {"date": one.date, "status": str(one.state), "why": one.why} for one in it.history
        ],
        "next": moves.next_step(it),
    }


@command("users")
def users(format_: FormatOption = Format.TEXT, root: RootOption = None) -> None:
    """List the projects that are known to opt in, and to what."""
    projects = _moves(root, None, to_change=False).ledger.projects.values()
    if format_ is Format.JSON:
        say_json(
            [{"project": it.name, "date": it.date, "opt_ins": list(it.opt_ins)} for it in projects]
        )
    elif not projects:
        say("no project is registered")
    else:
        rows = [(it.name, it.date, ", ".join(it.opt_ins)) for it in projects]
        say(table(("project", "registered", "opts in to"), rows))


@command("register ../my-hypervisor")
def register(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="The project's folder.")],
    root: RootOption = None,
    date: DateOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Remember a project as a user of what its configuration opts in to.

    What it uses is not dropped. Register it again when that changed: a project that opts in to
    nothing is forgotten.
    """
    opt_ins = configured_opt_ins(project.resolve())
    name, plan = _moves(root, date).register(project, opt_ins)
    what = f"opts in to {', '.join(opt_ins)}" if opt_ins else "opts in to nothing, and is forgotten"
    _perform(plan, dry_run, f"{name}: {what}")


@command('new zextra@0.1 --title "Extra moves" --base priv@1.12')
def new(
    feature: FeatureArgument,
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="What it is.")],
    base: Annotated[
        str, typer.Option("--base", metavar="REV", help="The revision that it stands on.")
    ],
    owner: Annotated[
        str, typer.Option("--owner", metavar="TEXT", help="Who looks after it.")
    ] = _OWNER,
    tracking: Annotated[
        str, typer.Option("--tracking", metavar="TEXT", help="Where its spec is followed.")
    ] = "not yet known",
    root: RootOption = None,
    date: DateOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Propose a feature: makes its spec, to be filled in, and its entry in the ledger."""
    plan = _moves(root, date).new(feature, title, base, owner, tracking)
    _perform(plan, dry_run, f"{feature} is proposed; fill in its spec, then stage it")


@command("stage zextra@0.1")
def stage(
    feature: FeatureArgument,
    reason: ReasonOption = "ready to be used by who opts in",
    root: RootOption = None,
    date: DateOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Let a feature run, for users who opt in to it by name."""
    plan = _moves(root, date).stage(feature, reason)
    _perform(plan, dry_run, f"{feature} is staged: it runs with --allow-unstable {feature}")


@command("freeze zextra@0.1")
def freeze(
    feature: FeatureArgument,
    reason: ReasonOption = "its spec says so",
    root: RootOption = None,
    date: DateOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Record that a feature is frozen, as its spec has to say."""
    plan = _moves(root, date).freeze(feature, reason)
    _perform(plan, dry_run, f"{feature} is frozen; when its spec says ratified, promote it")


@command("promote zextra@1.0 --dry-run")
def promote(
    feature: FeatureArgument,
    root: RootOption = None,
    date: DateOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Move a ratified feature to the stable side, and lock its public surface.

    Its exit conditions must be met. The ids, numbers and places of its items and the names of the
    Python API go into specs/ratified.lock; ledger, changelog and documentation follow. All files
    change, or none.
    """
    plan = _moves(root, date).promote(feature, api_surface(drafthart))
    _perform(plan, dry_run, f"{feature} is promoted: what it brings is locked")


@command("drop zextra@0.1 --notice")
def drop(
    feature: FeatureArgument,
    notice: Annotated[
        bool, typer.Option("--notice", help="Begin the notice; the feature runs on meanwhile.")
    ] = False,
    reason: ReasonOption = "nobody is known to use it",
    root: RootOption = None,
    date: DateOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Remove a staged feature, once its notice ended and no known project uses it.

    Its spec stays: it can be shown, compared and restored.
    """
    moves = _moves(root, date)
    if notice:
        plan = moves.give_notice(feature, reason)
        known = ", ".join(it.name for it in moves.ledger.users(feature)) or "nobody"
        _perform(plan, dry_run, f"{feature}: notice is given; known users: {known}")
        return
    _perform(moves.drop(feature, reason), dry_run, f"{feature} is dropped; its spec stays")


@command("withdraw zextra@0.1")
def withdraw(
    feature: FeatureArgument,
    reason: ReasonOption = "its spec was withdrawn",
    root: RootOption = None,
    date: DateOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Remove a feature whose spec died, unless a known project uses it."""
    plan = _moves(root, date).withdraw(feature, reason)
    _perform(plan, dry_run, f"{feature} is withdrawn; its spec stays")


@command("restore zextra@0.1")
def restore(
    feature: FeatureArgument,
    reason: ReasonOption = "it is needed again",
    root: RootOption = None,
    date: DateOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Let a dropped or withdrawn feature run again."""
    plan = _moves(root, date).restore(feature, reason)
    _perform(plan, dry_run, f"{feature} is staged again")


@command("rename zextra@0.1 zmoves@0.1")
def rename(
    feature: FeatureArgument,
    to: Annotated[str, typer.Argument(metavar="NEW", help="Its new name, which its spec has.")],
    reason: ReasonOption = "its spec was renamed",
    root: RootOption = None,
    date: DateOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Give a feature another name. The old one stays in the ledger, and leads to the new one."""
    plan = _moves(root, date).rename(feature, to, reason)
    _perform(plan, dry_run, f"{feature} is called {to} now")


@command("verify")
def verify(format_: FormatOption = Format.TEXT, root: RootOption = None) -> None:
    """Check that nothing ratified is broken, and that ledger, folders and specs agree.

    Status 1 if something is wrong: a line each, which begins with the id of the rule.
    """
    area = area_at(root)
    found = list(disagreements(area, api_surface(drafthart)))
    if format_ is Format.JSON:
        say_json({"broken": found})
    elif found:
        say(*found)
    else:
        say("what is ratified is as it was locked; ledger, folders and specs agree")
    if found:
        raise typer.Exit(1)


def _moves(root: Path | None, date: str | None, *, to_change: bool = True) -> Moves:
    area = area_at(root, to_change=to_change)
    if to_change and not area.ledger.is_file():
        raise DrafthartError(
            f"{area.root}: has no staging/ledger.yaml; name a checkout that has it with --root"
        )
    return Moves(area, date or day.today().isoformat())


def _perform(plan: Plan, dry_run: bool, what: str) -> None:
    if dry_run:
        say(*plan.diff())
        return
    changed = plan.changed()
    plan.apply()
    say(what, *(f"  {path.as_posix()}" for path in changed))
