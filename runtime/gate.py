"""The stability gate: what is not ratified runs only for users who opted in to it by name.

Only running is gated. Showing, comparing and generating from a draft is harmless, but what is made
with one carries its `stability`, so that tools and people can tell.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any, TypedDict

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA, Status
from drafthart.generator.spec.texts import without_overlay

_opted_in: dict[str, str] = {}
"""Expression → how the user opted in; by `allow_unstable`, for this process."""


class Stability(TypedDict):
    """What every artefact of a run says: the revision, its status, and how the user opted in."""

    revision: str
    status: str
    opt_in: str | None


def allow_unstable(*expressions: str) -> None:
    """Opt in to these exact revision expressions for the rest of this process."""
    _opted_in.update(dict.fromkeys(expressions, "allow_unstable()"))


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
    name = without_overlay(isa.id)
    if name in opted_in:
        return stability(isa, f"--allow-unstable {name}")
    if name in _opted_in:
        return stability(isa, _opted_in[name])
    configured = configured_opt_ins(folder or Path.cwd())
    if name in configured:
        return stability(isa, configured[name])
    raise DrafthartError(_refusal(isa))


def is_stable(isa: ISA) -> bool:
    """Is this ratified? A ratified revision with any other list of changes is not."""
    return isa.status is Status.RATIFIED


def stability(isa: ISA, opt_in: str | None = None) -> Stability:
    """What an artefact made with `isa` says about it."""
    return {"revision": isa.id, "status": str(isa.status), "opt_in": opt_in}


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

    ratified = _nearest_ratified(isa)
    name = without_overlay(isa.id)
    distance = remedy = ""
    if ratified is not None:
        breaking = sum("software" in change.breaks for change in between(isa, ratified))
        distance = f": {breaking} of the changes between it and {ratified.id} break software"
        remedy = f"run {ratified.id}, which is ratified, or "
    return (
        f"{isa.id} is not ratified (status: {isa.status}), so its encodings, CSRs and behaviour "
        f"may change without notice{distance}; {remedy}opt in with --allow-unstable {name}, "
        f'or with allow-unstable = ["{name}"] in drafthart.toml'
    )


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
