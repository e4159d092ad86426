"""Each step in the life of a feature, as a plan of the files that it changes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date as day
from datetime import timedelta
from pathlib import Path

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import Status
from drafthart.generator.spec.series import open_series
from drafthart.generator.spec.texts import read_text
from drafthart.runtime.staging.area import NAME, Area
from drafthart.runtime.staging.conditions import Condition, conditions
from drafthart.runtime.staging.ledger import (
    RUNS,
    Feature,
    Ledger,
    Project,
    State,
    feature_named,
    read_ledger,
)
from drafthart.runtime.staging.lock import read_lock
from drafthart.runtime.staging.plan import Plan
from drafthart.runtime.staging.templates import MANIFEST, SPEC, proposal

_TABLE = re.compile(r"^\| ratified feature \|.*\n(?:\|.*\n)+", re.MULTILINE)
"""Where docs/staging.md lists what is ratified."""


@dataclass(frozen=True, slots=True)
class Moves:
    """The steps in an area, each dated `today`. They raise `DrafthartError` where one cannot be."""

    area: Area
    today: str

    @property
    def ledger(self) -> Ledger:
        """The ledger as it stands."""
        return read_ledger(self.area.ledger)

    def new(self, name: str, title: str, base: str, owner: str, tracking: str) -> Plan:
        """Propose a feature: a spec to fill in, and an entry in the ledger."""
        if not NAME.fullmatch(name):
            raise DrafthartError(f"{name}: write extension@label in lower case, such as zextra@0.1")
        if name in self.ledger.features:
            raise DrafthartError(f"{name} is in the ledger already; see drafthart staging list")
        extension, _, label = name.partition("@")
        path = self.area.specs / extension / f"{label}.yaml"
        plan = Plan(self.area.root)
        if not path.exists():
            open_series(self.area.specs).revision(feature_named(base))  # is there such a base?
            text = SPEC.format(
                name=name,
                title=json.dumps(title, ensure_ascii=False),
                base=base,
                today=self.today,
                extension=extension,
            )
            plan.write(path, text)
        feature = proposal(name, title, owner, tracking, self.today)
        plan.write(self.area.ledger, self.ledger.having(feature).text())
        return plan

    def stage(self, name: str, why: str) -> Plan:
        """Let a proposed feature run for who opts in, or one again that is frozen."""
        self._spec_status(name)
        return self._into(name, State.STAGED, why)

    def freeze(self, name: str, why: str) -> Plan:
        """Say that nothing but mistakes will be changed any more, as the spec says."""
        status = self._spec_status(name)
        if status not in (Status.FROZEN, Status.RATIFIED):
            raise DrafthartError(
                f"{name}: its spec says `status: {status}`; it must say frozen first"
            )
        return self._into(name, State.FROZEN, why)

    def restore(self, name: str, why: str) -> Plan:
        """Let a dropped or withdrawn feature run again."""
        feature = self.ledger.feature(name)
        if feature.state not in (State.DROPPED, State.WITHDRAWN):
            raise DrafthartError(f"{name} is {feature.state}; only what was removed is restored")
        return self.stage(name, why)

    def withdraw(self, name: str, why: str) -> Plan:
        """Remove a feature whose spec died."""
        self._no_users(self.ledger.feature(name))
        return self._into(name, State.WITHDRAWN, why)

    def rename(self, name: str, to: str, why: str) -> Plan:
        """Give a feature the new name of its revision; the old one's entry stays."""
        ledger = self.ledger
        feature = ledger.feature(name)
        if to in ledger.features or not NAME.fullmatch(to):
            raise DrafthartError(f"{to}: is in the ledger already, or is no name; choose another")
        open_series(self.area.specs).revision(to)  # the spec has the new name
        successor = replace(
            feature, id=to, history=(*feature.history, replace(feature.history[-1], date=self.today,
                                                               why=f"renamed from {name}: {why}"))
        )  # fmt: skip
        plan = Plan(self.area.root)
        plan.remove_folder(self.area.manifest(name).parent)
        plan.write(self.area.manifest(to), MANIFEST.format(name=to))
        old = feature.moved(self.today, State.RENAMED, why, to)
        plan.write(self.area.ledger, ledger.having(old, successor).text())
        return plan

    def give_notice(self, name: str, why: str) -> Plan:
        """Begin the time after which a feature may be dropped. It runs on meanwhile."""
        feature = self._running(name)
        if feature.leaves:
            raise DrafthartError(f"{name}: notice was given, and ends on {feature.leaves}")
        leaves = (day.fromisoformat(self.today) + timedelta(feature.notice_days)).isoformat()
        step = replace(
            feature.history[-1], date=self.today, why=f"notice of removal on {leaves}: {why}"
        )
        noticed = replace(feature, history=(*feature.history, step), leaves=leaves)
        plan = Plan(self.area.root)
        plan.write(self.area.ledger, self.ledger.having(noticed).text())
        return plan

    def drop(self, name: str, why: str) -> Plan:
        """Remove a feature whose notice ended, and that nobody known uses. Its spec stays."""
        feature = self._running(name)
        self._no_users(feature)
        if not feature.leaves:
            raise DrafthartError(
                f"{name}: no notice was given; begin its {feature.notice_days} days with "
                f"drafthart staging drop {name} --notice"
            )
        if self.today < feature.leaves:
            left = (day.fromisoformat(feature.leaves) - day.fromisoformat(self.today)).days
            raise DrafthartError(
                f"{name}: its notice runs {left} more days, until {feature.leaves}; drop it then"
            )
        return self._into(name, State.DROPPED, why)

    def promote(self, name: str, api: Mapping[str, list[str]]) -> Plan:
        """Move a ratified feature to the stable side, and lock its public surface."""
        ledger = self.ledger
        feature = ledger.feature(name)
        if feature.state is not State.FROZEN:
            raise DrafthartError(
                f"{name} is {feature.state}, and only what is frozen can be promoted; "
                f"see drafthart staging list"
            )
        missing = [it for it in self.conditions(feature) if not it.met]
        if missing:
            told = "; ".join(f"{it.what} ({it.why})" if it.why else it.what for it in missing)
            raise DrafthartError(f"{name} cannot be promoted yet, not met: {told}")
        folder = self.area.manifest(name).parent
        code = [it.name for it in folder.rglob("*.py")]
        if code:
            raise DrafthartError(
                f"{name} has code in staging/ ({', '.join(code)}); move it to the product first"
            )
        plan = self._into(name, State.RATIFIED, "promoted: its public surface is locked")
        lock = read_lock(self.area.lock).having(name, self.area.specs, api)
        plan.write(self.area.lock, lock.text())
        count = len({id_ for known in lock.surfaces[name].values() for id_ in known})
        self._tell(plan, feature, count)
        return plan

    def register(self, folder: Path, opt_ins: Mapping[str, str]) -> tuple[str, Plan]:
        """Remember what a project opts in to; one that opts in to nothing is forgotten."""
        ledger = self.ledger
        name = project_name(folder)
        projects = {key: it for key, it in ledger.projects.items() if key != name}
        for expression in opt_ins:
            ledger.feature(feature_named(expression))  # is there such a feature?
        if opt_ins:
            projects[name] = Project(name, self.today, tuple(opt_ins))
        plan = Plan(self.area.root)
        plan.write(self.area.ledger, replace(ledger, projects=projects).text())
        return name, plan

    def conditions(self, feature: Feature) -> list[Condition]:
        """The exit conditions of a feature as they are met now."""
        return conditions(feature, self.area.specs)

    def next_step(self, feature: Feature) -> str:
        """What comes next in its life, and what that waits for."""
        match feature.state:
            case State.PROPOSED:
                return "stage"
            case State.RATIFIED:
                return "none: locked"
            case State.DROPPED | State.WITHDRAWN:
                return f"none: removed {feature.history[-1].date}"
            case State.RENAMED:
                return f"none: now {feature.history[-1].to}"
        if feature.leaves:
            waits = [it.name for it in self.ledger.users(feature.id)]
            when = f" from {feature.leaves}" if feature.leaves > self.today else ""
            return f"drop{when}" + (f", when {', '.join(waits)} moved on" if waits else "")
        missing = [it.what for it in self.conditions(feature) if not it.met]
        if missing:
            return f"waits: {missing[0]}"
        return "promote" if feature.state is State.FROZEN else "freeze"

    def _into(self, name: str, state: State, why: str) -> Plan:
        ledger = self.ledger
        feature = ledger.feature(name).moved(self.today, state, why)
        plan = Plan(self.area.root)
        if state not in RUNS:
            plan.remove_folder(self.area.manifest(name).parent)
        elif not self.area.is_staged(name):
            plan.write(self.area.manifest(name), MANIFEST.format(name=name))
        plan.write(self.area.ledger, ledger.having(feature).text())
        return plan

    def _running(self, name: str) -> Feature:
        feature = self.ledger.feature(name)
        if feature.state not in RUNS:
            raise DrafthartError(f"{name} is {feature.state}: there is nothing to drop")
        return feature

    def _no_users(self, feature: Feature) -> None:
        users = self.ledger.users(feature.id)
        if not users:
            return
        names = ", ".join(f"{it.name} (since {it.date})" for it in users)
        if not feature.leaves:
            notice = f"no notice was given yet; it takes {feature.notice_days} days"
        elif self.today < feature.leaves:
            notice = f"the notice runs until {feature.leaves}"
        else:
            notice = f"the notice ended on {feature.leaves}"
        raise DrafthartError(
            f"{feature.id} has users and stays: {names}; {notice}; have them opt out, "
            "and register them again"
        )

    def _spec_status(self, name: str) -> Status:
        """The status that the spec states; the spec is read whole."""
        from drafthart.generator.spec.resolve import resolve

        return resolve(name, specs=self.area.specs).status

    def _tell(self, plan: Plan, feature: Feature, count: int) -> None:
        """Say in the changelog and the documentation that a feature was promoted."""
        changelog, page = self.area.root / "CHANGELOG.md", self.area.root / "docs" / "staging.md"
        if changelog.is_file():
            line = (
                f"- `{feature.id}` is ratified and promoted: {count} items of it are locked, and "
                "no later version may break them."
            )
            text = read_text(changelog, changelog.name)
            added = re.compile(r"^## \[(?:.*\n)+?### Added\n\n(?:(?:- |  ).*\n)*", re.MULTILINE)
            plan.write(changelog, added.sub(lambda it: f"{it[0]}{line}\n", text, count=1))
        if page.is_file():
            text = read_text(page, page.name)
            row = f"| `{feature.id}` | {feature.title} | {self.today} | {count} |\n"
            plan.write(page, _TABLE.sub(lambda it: it[0] + row, text, count=1))


def project_name(folder: Path) -> str:
    """What a project calls itself in its pyproject.toml, or else its folder's name."""
    import tomllib

    file = folder / "pyproject.toml"
    if not folder.is_dir():
        raise DrafthartError(f"{folder}: is no folder; name that of a project")
    if file.is_file():
        try:
            name = tomllib.loads(read_text(file, str(file))).get("project", {}).get("name")
        except (tomllib.TOMLDecodeError, AttributeError):
            name = None
        if isinstance(name, str) and name:
            return name
    return folder.resolve().name
