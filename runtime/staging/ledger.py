"""The ledger: every feature that ever was, with its whole life. Nothing in it is ever deleted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.nearest import did_you_mean

_HEAD = """\
# yaml-language-server: $schema=../specs/schema/ledger.schema.json
# Every feature that ever was. `drafthart staging` writes the history and the seal over it; the rest
# may be edited by hand. Nothing is deleted: what was removed or renamed keeps its entry.
"""


class State(StrEnum):
    """Where a feature is in its life."""

    PROPOSED = "proposed"
    STAGED = "staged"
    FROZEN = "frozen"
    RATIFIED = "ratified"
    DROPPED = "dropped"
    WITHDRAWN = "withdrawn"
    RENAMED = "renamed"


RUNS = (State.STAGED, State.FROZEN)
"""The states in which a feature has a folder, and runs."""

FOLLOWS: Mapping[State, tuple[State, ...]] = {
    State.PROPOSED: (State.STAGED, State.DROPPED, State.WITHDRAWN),
    State.STAGED: (State.FROZEN, State.DROPPED, State.WITHDRAWN, State.RENAMED),
    State.FROZEN: (
        State.STAGED,
        State.RATIFIED,
        State.DROPPED,
        State.WITHDRAWN,
        State.RENAMED,
    ),
    State.RATIFIED: (),
    State.DROPPED: (State.STAGED,),
    State.WITHDRAWN: (State.STAGED,),
    State.RENAMED: (),
}
"""What may come after each state."""


@dataclass(frozen=True, slots=True)
class Step:
    """When a feature came into a state, and why. `to` is the new name of what was renamed."""

    date: str
    state: State
    why: str
    to: str = ""


@dataclass(frozen=True, slots=True)
class Exit:
    """A condition to be met before promotion: by a `check` of ours, or on a day that people say."""

    what: str
    check: str = ""
    met: str = ""


@dataclass(frozen=True, slots=True)
class Feature:
    """An entry of the ledger. `since` is when the draft itself began."""

    id: str
    title: str
    owner: str
    tracking: str
    since: str
    why: str
    exit: tuple[Exit, ...]
    gaps: tuple[str, ...]
    removal: str
    notice_days: int
    history: tuple[Step, ...]
    leaves: str = ""
    """The day on which the notice of its removal ends, once that was given."""

    @property
    def state(self) -> State:
        """The state that it is in."""
        return self.history[-1].state

    def moved(self, date: str, state: State, why: str, to: str = "") -> Feature:
        """The feature in its next state. Raises `DrafthartError` where that cannot follow."""
        if state not in FOLLOWS[self.state]:
            can = ", ".join(FOLLOWS[self.state]) or "nothing"
            raise DrafthartError(
                f"{self.id} is {self.state}, and cannot become {state}; what can follow: {can}"
            )
        if date < self.history[-1].date:
            raise DrafthartError(
                f"{date} is before {self.id} became {self.state}, {self.history[-1].date}; "
                "name a later day"
            )
        return replace(self, history=(*self.history, Step(date, state, why, to)), leaves="")


@dataclass(frozen=True, slots=True)
class Project:
    """A known user: a project, and the expressions that it opts in to."""

    name: str
    date: str
    opt_ins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ledger:
    """All features and known users by name."""

    features: Mapping[str, Feature] = field(default_factory=dict)
    projects: Mapping[str, Project] = field(default_factory=dict)

    def feature(self, name: str) -> Feature:
        """A feature by its name; `DrafthartError` if it was never there."""
        if name not in self.features:
            raise DrafthartError(
                f"{name} is in no entry of the ledger; {did_you_mean(name, self.features)}"
            )
        return self.features[name]

    def having(self, *features: Feature) -> Ledger:
        """The ledger with these entries in place of those of their names, or as new ones."""
        return replace(self, features={**self.features, **{it.id: it for it in features}})

    def users(self, feature: str) -> list[Project]:
        """The projects that opted in to a feature, or a mixture of it."""
        return [it for it in self.projects.values() if feature in map(feature_named, it.opt_ins)]

    def seal(self) -> str:
        """A hash of all histories."""
        told = [
            [it.id, [[step.date, step.state, step.why, step.to] for step in it.history]]
            for it in self.features.values()
        ]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]

    def text(self) -> str:
        """The file's text."""
        import yaml

        plain = {
            "seal": self.seal(),
            "features": {it.id: _feature_data(it) for it in self.features.values()},
            "projects": {
                it.name: {"date": it.date, "opt-ins": list(it.opt_ins)}
                for it in self.projects.values()
            },
        }

        class Dumper(yaml.SafeDumper):
            """Days are text, and need no quotes."""

        Dumper.yaml_implicit_resolvers = {
            first: [(tag, it) for tag, it in known if not tag.endswith(":timestamp")]
            for first, known in yaml.SafeDumper.yaml_implicit_resolvers.items()
        }
        body = yaml.dump(plain, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=118)
        return _HEAD + str(body)


def feature_named(expression: str) -> str:
    """The feature that a revision expression names: h@0.6.1 of h@0.6.1~2,priv@1.11."""
    name, at, rest = expression.partition("@")
    for mark in "~+^@,":
        rest = rest.partition(mark)[0]
    return name + at + rest


def read_ledger(path: Path, *, sealed: bool = True) -> Ledger:
    """The ledger in a file; an empty one where there is none.

    Raises `DrafthartError` where it has not the right form or, unless `sealed` is False, where
    its history is not as it was written.
    """
    from drafthart.generator.spec.yaml_file import load_yaml

    if not path.is_file():
        return Ledger()
    return _ledger(load_yaml(path, f"{path.parent.name}/{path.name}"), sealed)


def parse_ledger(text: str, name: str) -> Ledger:
    """The ledger in a text; the seal is not looked at."""
    from drafthart.generator.spec.yaml_file import parse_yaml

    return _ledger(parse_yaml(text, name), sealed=False)


def _ledger(node: Any, sealed: bool) -> Ledger:
    from drafthart.generator.spec.check_schema import check_schema

    check_schema(node, "ledger")
    plain = node.plain()
    ledger = Ledger(
        {name: _feature(name, it) for name, it in plain["features"].items()},
        {
            name: Project(name, it["date"], tuple(it["opt-ins"]))
            for name, it in plain["projects"].items()
        },
    )
    if sealed and ledger.seal() != str(plain["seal"]):
        raise DrafthartError(
            f"{node.entries['seal'].place}: a history was changed by hand, and nothing in it is "
            "ever deleted or altered; take the file back from version control, and use "
            "drafthart staging for the next step"
        )
    return ledger


def _feature(name: str, it: dict[str, Any]) -> Feature:
    return Feature(
        id=name,
        title=it["title"],
        owner=it["owner"],
        tracking=it["tracking"],
        since=it["since"],
        why=it["why"],
        exit=tuple(
            Exit(one["what"], one.get("check", ""), one.get("met") or "") for one in it["exit"]
        ),
        gaps=tuple(it["gaps"]),
        removal=it["removal"],
        notice_days=it["notice-days"],
        leaves=it.get("leaves", ""),
        history=tuple(
            Step(one["date"], State(one["state"]), one["why"], one.get("to", ""))
            for one in it["history"]
        ),
    )


def _feature_data(it: Feature) -> dict[str, Any]:
    data: dict[str, Any] = {
        "title": it.title,
        "owner": it.owner,
        "tracking": it.tracking,
        "since": it.since,
        "why": it.why,
        "exit": [
            {"what": one.what, **({"check": one.check} if one.check else {"met": one.met or None})}
            for one in it.exit
        ],
        "gaps": list(it.gaps),
        "removal": it.removal,
        "notice-days": it.notice_days,
    }
    if it.leaves:
        data["leaves"] = it.leaves
    data["history"] = [
        {"date": one.date, "state": str(one.state), "why": one.why}
        | ({"to": one.to} if one.to else {})
        for one in it.history
    ]
    return data
