"""The option of `drafthart validate` that writes its programs, to be run elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from drafthart.conformance.groups import groups
from drafthart.conformance.made_elsewhere import MANIFEST, written
from drafthart.conformance.probes.probe import Group
from drafthart.conformance.probes.program import Platform
from drafthart.conformance.target import Target
from drafthart.conformance.target_file import load_target
from drafthart.conformance.validate import admitted_parameters
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.output import as_json, say, track, write_file
from drafthart.runtime.gate import Stability
from drafthart.runtime.resolved import resolved

WriteProgramsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--write-programs",
        metavar="DIR",
        help="Write the programs, to run elsewhere, and do no more (docs/targets.md).",
        show_default=False,
    ),
]


def write_programs(
    folder: Path, target: str | None, revision: str, only: Sequence[str], stability: Stability
) -> None:
    """Write the programs that `validate` would run; `target` is for its platform and its choices.

    Raises `DrafthartError` if they cannot be written.
    """
    chosen = load_target(target)[0] if target else None
    told = admitted_parameters(revision, chosen) if chosen else {}
    isa = resolved(revision, parameters=told)
    made = [(isa, group) for group in groups(isa, only)]
    write_folder_of(folder, made, chosen, told, stability)


def write_folder_of(
    folder: Path,
    made: Sequence[tuple[ISA, Group]],
    target: Target | None,
    told: Mapping[str, int],
    stability: Stability,
) -> None:
    """Write a program for each group, made from a revision, and a manifest of them."""
    platform = target.platform if target else Platform()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DrafthartError(f"{folder}: {error.strerror}; name a folder") from None
    programs = []
    for isa, group in track(made, "writing programs"):
        name, content, entry = written(group, isa, platform)
        write_file(folder / f"{name}.elf", content)
        programs.append(entry)
    manifest = {
        **stability,
        "stability": stability,
        "parameters": dict(told),
        "platform": asdict(platform),
        "programs": programs,
    }
    write_file(folder / MANIFEST, as_json(manifest))
    probes = sum(entry["probes"] for entry in programs)
    plural = "" if len(programs) == 1 else "s"
    of = stability["revision"]
    say(f"{len(programs)} program{plural} with {probes} probes of {of} in {folder}")
