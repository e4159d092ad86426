"""The stability gate: what is not ratified runs only where it is staged, for users who name it.

Running is gated, and so is what is made to run: engines for others, and generated modules when they
are imported. Showing, comparing and generating documents from a draft is harmless, but what is made
with one carries its `stability`, so that tools and people can tell.
"""

from __future__ import annotations

import json
import re
import tomllib
import warnings
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, TypedDict

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA, Status
from drafthart.generator.spec.texts import without_overlay
from drafthart.runtime.staging.area import OWN

_EXACT = re.compile(r"[a-z][a-z0-9]*@[^\s*]+")

_opted_in: dict[str, str] = {}
"""Expression → how the user opted in; by `allow_unstable`, for this process."""

_warned: set[str] = set()
"""Revisions that this process has warned of."""


class DrafthartUnstableWarning(UserWarning):
    """What runs is not ratified, and may change; once for each revision in a process."""


class Stability(TypedDict):
    """What every artefact of a run says: the revision, its status, and how the user opted in."""

    revision: str
    status: str
    opt_in: str | None


def allow_unstable(*expressions: str, reason: str = "") -> None:
    """Opt in to these exact revision expressions for the rest of this process, and say why.

    What is made with one says the reason. Raises `DrafthartError` for what is no expression, and
    for what was renamed; warns of what needs no opt-in any more.
    """
    for expression in expressions:
        if not _EXACT.fullmatch(expression):
            raise DrafthartError(
                f"allow_unstable: {expression!r} is no revision; opt in to each by its exact name, "
                "such as h@1.0~1"
            )
        for remark in remarks([expression]):
            warnings.warn(remark, DrafthartUnstableWarning, stacklevel=2)
    source = f"allow_unstable(): {reason}" if reason else "allow_unstable()"
    _opted_in.update(dict.fromkeys(expressions, source))


def require_stable_or_opted_in(
    isa: ISA, opted_in: Collection[str] = (), *, folder: Path | None = None
) -> Stability:
    """The stability of a run of `isa`; a `DrafthartError` if it lacks the opt-in that it needs.

    `opted_in` are expressions that the user gave for this run. Opt-ins also come from
    `allow_unstable` and from the nearest configuration at or above `folder` (the working directory
    if not given). Opting in to a revision is enough for an overlay on it, which the stability still
    names. Values chosen for parameters play no part: every legal one is stable.
    """
    if is_stable(isa):
        return stability(isa)
    require_staged(isa)
    name = without_overlay(isa.id)
    source = _source(name, opted_in, folder)
    if source is None:
        raise DrafthartError(_refusal(isa))
    return stability(isa, source)


def require_in_python(isa: ISA) -> Stability:
    """The stability of a run by a program, which is warned once of each unratified revision."""
    found = require_stable_or_opted_in(isa)
    if found["opt_in"] is not None:
        _warn(found["revision"], found["status"])
    return found


def require_to_import(module: str, revision: str, status: str) -> None:
    """Let a generated module of an unratified revision be imported only by who opted in."""
    if status == Status.RATIFIED.value:
        return
    name = without_overlay(revision)
    if _source(name, (), None) is None:
        raise DrafthartError(
            f"{module}: was generated from {revision}, which is not ratified (status: {status}); "
            f"before the import, {_words(name)}"
        )
    _warn(revision, status)


def _source(name: str, opted_in: Collection[str], folder: Path | None) -> str | None:
    """How the user opted in to a revision; None if not at all."""
    if name in opted_in:
        return f"--allow-unstable {name}"
    if name in _opted_in:
        return _opted_in[name]
    return configured_opt_ins(folder or Path.cwd()).get(name)


def _warn(revision: str, status: str) -> None:
    if revision not in _warned:
        _warned.add(revision)
        text = f"{revision} is not ratified (status: {status}), and may change without notice"
        warnings.warn(text, DrafthartUnstableWarning, stacklevel=4)


def require_staged(isa: ISA) -> None:
    """Raise `DrafthartError` where a draft of our own is not staged here, and so does not run.

    Its features are the revisions that it names, and those that the newest change of each of its
    extensions is of. What is ratified needs no folder, and what is in no spec of ours is the
    user's own.
    """
    for name in features_of(isa):
        if OWN.is_staged(name) or _is_locked(name):
            continue
        if _status(name) not in (None, Status.RATIFIED):
            raise DrafthartError(_not_staged(isa, name))


def features_of(isa: ISA) -> list[str]:
    """The features that an ISA stands on: h@0.6 and h@0.5 for h@0.6 without all of its changes.

    What it stands on counts too: zimop@0.1 for h@1.0,zimop@0.1.
    """
    from drafthart.runtime.staging.ledger import feature_named

    newest = {it.revision.partition("@")[0]: feature_named(it.revision) for it in isa.changes}
    return list(dict.fromkeys([*map(feature_named, isa.id.split(",")), *newest.values()]))


def remarks(opted_in: Sequence[str]) -> Iterator[str]:
    """What became of revisions that a user opts in to, where that has changed, and what to do.

    Raises `DrafthartError` for one that was renamed: nothing answers to the old name.
    """
    from drafthart.runtime.staging.ledger import State, feature_named, read_ledger

    for expression in opted_in:
        name = feature_named(expression)
        if OWN.is_staged(name):
            continue
        if expression == name and _status(name) is Status.RATIFIED:
            yield f"{name} is ratified and needs no opt-in; leave it out of what you allow"
            continue
        feature = read_ledger(OWN.ledger).features.get(name)
        if feature is None:
            continue
        last = feature.history[-1]
        if feature.state is State.RENAMED:
            new = expression.replace(name, last.to, 1)
            raise DrafthartError(
                f"{name} is called {last.to} since {last.date} ({last.why}); opt in to {new}"
            )
        if feature.state in (State.DROPPED, State.WITHDRAWN):
            yield (
                f"{name} was {feature.state} on {last.date} ({last.why}) and does not run; "
                "leave it out of what you allow"
            )


def is_stable(isa: ISA) -> bool:
    """Is this ratified? A ratified revision with any other list of changes is not."""
    return isa.status is Status.RATIFIED


def stability(isa: ISA, opt_in: str | None = None) -> Stability:
    """What an artefact made with `isa` says about it."""
    return {"revision": isa.id, "status": str(isa.status), "opt_in": opt_in}


def mixed(*inputs: Stability) -> Stability:
    """What is made from several inputs says: as stable as the least of them, which it names."""
    unstable = [it for it in inputs if it["status"] != Status.RATIFIED.value]
    named = list(dict.fromkeys(it["revision"] for it in unstable or inputs))
    opt_ins = list(dict.fromkeys(it["opt_in"] for it in unstable if it["opt_in"]))
    return {
        "revision": ", ".join(named),
        "status": unstable[0]["status"] if unstable else Status.RATIFIED.value,
        "opt_in": ", ".join(opt_ins) or None,
    }


def taint(stability: Stability) -> str:
    """A comment line for a log of an unratified revision; nothing for a ratified one."""
    if stability["status"] == Status.RATIFIED.value:
        return ""
    return f"# unstable: {json.dumps(stability)}\n"


def configured_opt_ins(folder: Path) -> dict[str, str]:
    """Expression → the file that opts in to it, from the nearest configuration upwards.

    That is `allow-unstable` in drafthart.toml, or in [tool.drafthart] of a pyproject.toml.
    """
    for directory in (folder, *folder.parents):
        own = _load(directory / "drafthart.toml")
        if own is not None:
            return _expressions(directory / "drafthart.toml", own)
        project = _load(directory / "pyproject.toml") or {}
        tools = project.get("tool")
        if isinstance(tools, dict) and "drafthart" in tools:
            return _expressions(directory / "pyproject.toml", tools["drafthart"])
    return {}


def _load(path: Path) -> dict[str, Any] | None:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DrafthartError(f"{path}: is no valid TOML ({error}); correct it") from None
    except OSError as error:
        raise DrafthartError(f"{path}: cannot be read ({error.strerror}); check it") from None


def _expressions(path: Path, table: object) -> dict[str, str]:
    if not isinstance(table, dict):
        raise DrafthartError(f"{path}: tool.drafthart must be a table; write [tool.drafthart]")
    value = table.get("allow-unstable", [])
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise DrafthartError(
            f'{path}: allow-unstable must be a list of revisions, such as ["h@0.6.1"]'
        )
    return dict.fromkeys(value, str(path))


def _refusal(isa: ISA) -> str:
    from drafthart.generator.diff.differences import between
    from drafthart.runtime.staging.ledger import feature_named, read_ledger

    ratified = _nearest_ratified(isa)
    name = without_overlay(isa.id)
    distance = remedy = exits = ""
    if ratified is not None:
        breaking = sum("software" in change.breaks for change in between(isa, ratified))
        distance = f": {breaking} of the changes between it and {ratified.id} break software"
        remedy = f"run {ratified.id}, which is ratified, or "
    feature = read_ledger(OWN.ledger).features.get(feature_named(isa.id))
    if feature is not None and isa.id == feature.id:
        exits = f"; it leaves when {feature.removal}"
        if feature.leaves:
            exits = f"; it may be dropped from {feature.leaves} on"
    return (
        f"{isa.id} is not ratified (status: {isa.status}), so its encodings, CSRs and behaviour "
        f"may change without notice{distance}{exits}; {remedy}{_words(name)}"
    )


def _words(name: str) -> str:
    """How to opt in, to the letter."""
    return (
        f'opt in with --allow-unstable {name}, with allow-unstable = ["{name}"] in drafthart.toml, '
        f'or with drafthart.allow_unstable("{name}", reason="...")'
    )


def _not_staged(isa: ISA, name: str) -> str:
    from drafthart.runtime.staging.ledger import RUNS, feature_named, read_ledger

    feature = read_ledger(OWN.ledger).features.get(name)
    why = restore = ""
    if feature is not None and feature.state not in RUNS:
        last = feature.history[-1]
        why = f" ({feature.state} on {last.date}: {last.why})"
        restore = f"restore it with drafthart staging restore {name}, "
    ratified = _nearest_ratified(isa)
    instead = f"run {ratified.id}, which is ratified" if ratified else "run what is ratified"
    part = "" if name == feature_named(isa.id) else f", which {isa.id} has changes of,"
    return (
        f"{name}{part} is not staged here{why}, so it does not run; show, diff and generate know "
        f"it all the same; {restore}{'or ' if restore else ''}{instead}"
    )


def _is_locked(name: str) -> bool:
    """Was it promoted? Told by the lock, which is read faster than the specs."""
    if not OWN.lock.is_file():
        return False
    return name in json.loads(OWN.lock.read_text(encoding="utf-8"))["revisions"]


def _status(name: str) -> Status | None:
    """The status of a revision of our own; None for one that is not."""
    from drafthart.generator.spec.series import open_series

    series = open_series()
    return series.revision(name).status if name in series.files else None


def _nearest_ratified(isa: ISA) -> ISA | None:
    """The ratified revision of this extension, or else of any, with the fewest changes between.

    Of two as near, the later.
    """
    from drafthart.generator.diff.differences import between
    from drafthart.generator.spec.resolve import resolve, revisions

    names = [it.id for it in revisions() if it.status is Status.RATIFIED]
    extension = isa.id.partition("@")[0]
    own = [name for name in names if name.partition("@")[0] == extension]
    ratified = [resolve(name, xlen=isa.xlen) for name in reversed(own or names)]
    return min(ratified, key=lambda other: len(between(isa, other)), default=None)
