"""The option of `drafthart validate` that writes its programs, to be run elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from drafthart.conformance.groups import groups
from drafthart.conformance.made_elsewhere import MANIFEST, written
from drafthart.conformance.probes.program import Platform
from drafthart.conformance.target import Target
from drafthart.conformance.target_file import load_target
from drafthart.conformance.validate import admitted_parameters
from drafthart.generator.errors import DrafthartError
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
    """Write the programs that `validate` would run, and a manifest; `target` is for its platform.

    Raises `DrafthartError` if they cannot be written.
    """
    chosen: Target | None = load_target(target)[0] if target else None
    told: Mapping[str, int] = admitted_parameters(revision, chosen) if chosen else {}
    platform = chosen.platform if chosen else Platform()
    isa = resolved(revision, parameters=told)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DrafthartError(f"{folder}: {error.strerror}; name a folder") from None
    programs = []
    for group in track(groups(isa, only), "writing programs"):
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
    say(f"{len(programs)} programs with {probes} probes of {isa.id} in {folder}")
