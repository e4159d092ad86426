"""A job: a part of a group of probes, on one target, beside one revision."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from drafthart.conformance.bounded import run_bounded
from drafthart.conformance.campaign.tool import tool_hash
from drafthart.conformance.expected import Record, expected, program_of
from drafthart.conformance.probes.probe import Group
from drafthart.conformance.probes.program import source
from drafthart.conformance.target import CommandTarget, DrafthartTarget, Target
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.runtime.engines import EngineFactory, engine_named, quickest_engine
from drafthart.runtime.resolved import resolved


@dataclass(frozen=True, slots=True)
class Job:
    """What to do, complete: it can be sent to another machine.

    `parameters` are those told of the target; `content` is the ISA's, and `tool` Drafthart's hash,
    both as where the job was made. `engine` is a name, or None for the quickest there.
    """

    id: str
    tool: str
    revision: str
    parameters: tuple[tuple[str, int], ...]
    content: str
    target: Target
    group: Group
    engine: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What each probe of a job left on Drafthart and on the target; `seconds` is what it took."""

    id: str
    here: tuple[Record, ...]
    there: tuple[Record, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Lost:
    """A job without a result, and why."""

    id: str
    why: str


def make_jobs(
    isa: ISA,
    revision: str,
    parameters: Mapping[str, int],
    target: Target,
    groups: Iterable[Group],
    engine: str | None,
) -> Iterator[Job]:
    """A job for each group, named by a hash of what decides its result."""
    told = tuple(sorted(parameters.items()))
    common = (tool_hash(), isa.content, target_hash(target), engine)
    for group in groups:
        watched = [str(it) for it in group.watch]
        parts = (*common, group.name, watched, source(group, isa, target.platform))
        name = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
        yield Job(name, tool_hash(), revision, told, isa.content, target, group, engine)


def target_hash(target: Target) -> str:
    """A hash of a target: its description, and the simulator or specs behind it."""
    parts = [type(target).__name__, repr(target)]
    if isinstance(target, DrafthartTarget):
        parts.append(target.isa.content)
    if isinstance(target, CommandTarget):
        parts += [_file_hash(found) for it in target.command if (found := shutil.which(it))]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@cache
def _file_hash(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def run_job(job: Job) -> Result:
    """Run it here. Raises `DrafthartError` if the target or Drafthart's version does not serve."""
    start = time.monotonic()
    isa, factory = _prepared(job.revision, job.parameters, job.engine)
    if (tool_hash(), isa.content) != (job.tool, job.content):
        raise DrafthartError(
            "the worker has another Drafthart, or other specs, than the campaign; install the same"
        )
    if job.target.missing:
        raise DrafthartError(f"{job.target.name}: {job.target.missing}; install it on the worker")
    program = program_of(job.group, isa, job.target.platform)
    here = tuple(expected(job.group, program, isa, factory))
    there = tuple(run_bounded(job.group, isa, job.target))
    return Result(job.id, here, there, time.monotonic() - start)


@lru_cache(maxsize=4)
def _prepared(
    revision: str, parameters: tuple[tuple[str, int], ...], engine: str | None
) -> tuple[ISA, EngineFactory]:
    isa = resolved(revision, parameters=dict(parameters))
    return isa, engine_named(engine, isa) if engine else quickest_engine(isa)
