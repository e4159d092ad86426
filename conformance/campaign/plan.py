"""What a campaign is to do, by a file or in a store, and the jobs that this makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from drafthart.conformance.campaign.job import Job, make_jobs
from drafthart.conformance.campaign.store import Kept, Row
from drafthart.conformance.campaign.tool import specs_hash, tool_hash
from drafthart.conformance.groups import groups
from drafthart.conformance.known import Known
from drafthart.conformance.probes.probe import Group
from drafthart.conformance.randomized.generate import random_groups
from drafthart.conformance.target import Recorded, Target
from drafthart.conformance.target_file import load_target, parse_target
from drafthart.conformance.validate import admitted_parameters
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.check_schema import check_schema
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.texts import read_text
from drafthart.generator.spec.yaml_file import load_yaml
from drafthart.runtime.gate import Stability
from drafthart.runtime.resolved import resolved


@dataclass(frozen=True, slots=True)
class Named:
    """A target as the campaign names it; of a file also its path and what is in it."""

    text: str
    path: str | None = None
    content: str | None = None

    def load(self) -> tuple[Target, Known]:
        """The target. Raises `DrafthartError` for a bad one."""
        if self.path is None or self.content is None:
            return load_target(self.text)
        return parse_target(self.content, Path(self.path))


@dataclass(frozen=True, slots=True)
class Random:
    """Random probes: so many for each seed."""

    seeds: tuple[int, ...]
    probes: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Every target beside every revision; `stability` is that of the revisions, as opted in to."""

    name: str
    targets: tuple[Named, ...]
    revisions: tuple[str, ...]
    only: tuple[str, ...] = ()
    random: Random | None = None
    fixed: bool = True
    engine: str | None = None
    probes_per_job: int = 500
    retries: int = 2
    stability: Mapping[str, Stability] | None = None

    def pairs(self) -> Iterator[Pair]:
        """What is held to what. Raises `DrafthartError` for what cannot be."""
        for named in self.targets:
            target, known = named.load()
            if isinstance(target, Recorded):
                raise DrafthartError(
                    f"{named.text}: its results are there already; "
                    f"use `drafthart validate {named.text}`"
                )
            for revision in self.revisions:
                told = admitted_parameters(revision, target)
                isa = resolved(revision, parameters=told)
                yield Pair(self, named.text, target, known, revision, told, isa)


@dataclass(frozen=True, slots=True)
class Pair:
    """A target of a campaign beside a revision; `told` are its choices, which `isa` has."""

    plan: Plan
    text: str
    target: Target
    known: Known
    revision: str
    told: Mapping[str, int]
    isa: ISA

    def groups(self) -> list[Group]:
        """The probes, the same each time."""
        found = groups(self.isa, self.plan.only) if self.plan.fixed else []
        random = self.plan.random
        if random is None:
            return found
        for seed in random.seeds:
            # Even: so that no part depends on the parts before it.
            made = random_groups(self.isa, random.probes, seed, lambda steps, _: steps, even=True)
            found += [
                replace(group, name=f"random-{seed}-{number}") for number, group in enumerate(made)
            ]
        return found

    def jobs(self) -> Iterator[tuple[Row, Job]]:
        """The probes in parts of bounded size, each with how a store lists it."""
        size = self.plan.probes_per_job
        parts = [
            (first, replace(group, probes=group.probes[first : first + size]))
            for group in self.groups()
            for first in range(0, len(group.probes), size)
        ]
        made = make_jobs(
            self.isa,
            self.revision,
            self.told,
            self.target,
            [group for _, group in parts],
            self.plan.engine,
        )
        for (first, group), job in zip(parts, made, strict=True):
            row = Row(job.id, self.text, self.revision, group.name, first, len(group.probes))
            yield row, job


def read_plan(path: Path) -> Plan:
    """The campaign that a file describes. Raises `DrafthartError` with the place of a mistake."""
    node = load_yaml(path, str(path))
    if not node.entries:
        raise DrafthartError(
            f"{path}: is no map; write name:, targets: and revisions: (docs/campaign.md)"
        )
    check_schema(node, "campaign")
    data: dict[str, Any] = node.plain()
    return plan_of(data | {"targets": [named(text, path.parent) for text in data["targets"]]})


def plan_of(data: Mapping[str, Any]) -> Plan:
    """A plan from data of the schema, in which the targets are `Named`."""
    rest: dict[str, Any] = {**data}
    for name in ("targets", "revisions", "only"):
        values = tuple(rest.get(name, ()))
        twice = [it for number, it in enumerate(values) if it in values[:number]]
        if twice:
            told = twice[0].text if isinstance(twice[0], Named) else twice[0]
            raise DrafthartError(f"{name}: {told} comes twice; name it once")
        rest[name] = values
    if rest.get("random"):
        rest["random"] = Random(tuple(rest["random"]["seeds"]), rest["random"]["probes"])
    elif not rest.get("fixed", True):
        raise DrafthartError("fixed: false leaves no probes; write random: too")
    return Plan(**rest)


def named(text: str, folder: Path) -> Named:
    """A target by what a campaign calls it; files are beside `folder`, and their content kept."""
    path = folder / text
    if path.suffix in (".yaml", ".yml") or path.is_file():
        return Named(text, str(path.absolute()), read_text(path, str(path)))
    return Named(text)


def kept_of(plan: Plan) -> Kept:
    """The plan as a store keeps it."""
    return Kept(plan.name, tool_hash(), specs_hash(), asdict(plan))


def plan_from(kept: Kept) -> Plan:
    """The plan that a store has. Raises `DrafthartError` if it is damaged."""
    try:
        data = dict(kept.plan)
        return plan_of(data | {"targets": [Named(**it) for it in data["targets"]]})
    except (TypeError, KeyError, AttributeError) as error:
        raise DrafthartError(f"{kept.name}: its plan is damaged ({error}); run it anew") from None


def all_jobs(plan: Plan) -> Sequence[tuple[Row, Job]]:
    """Every job of a plan, in its order."""
    return [entry for pair in plan.pairs() for entry in pair.jobs()]
