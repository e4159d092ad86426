"""The table of rules: what a difference is called, how grave it is for whom, what to do about it.

The table itself is data, rules.yaml; docs/diff-rules.md is made from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.check_schema import check_schema
from drafthart.generator.spec.yaml_file import load_yaml

TABLE = Path(__file__).with_name("rules.yaml")


class Severity(StrEnum):
    """How grave a difference is for someone who was right under the older revision."""

    BREAKING = "breaking"
    """What was right is wrong."""
    DANGEROUS = "dangerous"
    """It may be wrong: that depends on what one relies on."""
    COMPATIBLE = "compatible"
    """It can be noticed, and what was right stays right."""
    EDITORIAL = "editorial"
    """It cannot be noticed."""

    @property
    def rank(self) -> int:
        """0 for the gravest."""
        return list(Severity).index(self)


class Audience(StrEnum):
    """For whom a difference is grave or not."""

    HYPERVISOR = "hypervisor"
    GUEST = "guest"
    FIRMWARE = "firmware"
    HARDWARE = "hardware"
    TOOLCHAIN = "toolchain"


@dataclass(frozen=True, slots=True)
class AudienceEntry:
    """An audience for people; `group` is what a change's `breaks` calls it."""

    title: str
    group: str
    what: str


@dataclass(frozen=True, slots=True)
class Condition:
    """On the texts before and after; what is None fits all. `values`: grew or shrank."""

    before: tuple[str, ...] | None = None
    after: tuple[str, ...] | None = None
    values: str | None = None

    def fits(self, before: str | None, after: str | None) -> bool:
        """Is it met?"""
        return (
            (self.before is None or before in self.before)
            and (self.after is None or after in self.after)
            and (self.values is None or self.values == _trend(before or "", after or ""))
        )


@dataclass(frozen=True, slots=True)
class Refinement:
    """What takes precedence over the rule where the condition is met."""

    condition: Condition
    severity: Mapping[Audience, Severity]
    advice: str


@dataclass(frozen=True, slots=True)
class DiffRule:
    """One rule. `of` are kinds of items, `kinds` what of them differs."""

    id: str
    of: tuple[str, ...]
    kinds: tuple[str, ...]
    condition: Condition
    what: str
    severity: Mapping[Audience, Severity]
    refinements: tuple[Refinement, ...]
    heeds_breaks: bool
    advice: str


@dataclass(frozen=True, slots=True)
class Scope:
    """The audiences that can meet a CSR of one of the modes, or an instruction of an extension."""

    modes: tuple[str, ...]
    extensions: tuple[str, ...]
    audiences: frozenset[Audience]


@dataclass(frozen=True, slots=True)
class RuleTable:
    """The whole table, rules in the order in which they are tried."""

    audiences: Mapping[Audience, AudienceEntry]
    scopes: tuple[Scope, ...]
    rules: Mapping[str, DiffRule]

    def rule_for(self, of: str, kind: str, before: str | None, after: str | None) -> DiffRule:
        """The first rule that finds such a difference; revisions make none without a rule.

        Raises `DrafthartError` for an aspect that only a surface from elsewhere can have.
        """
        for rule in self.rules.values():
            if of in rule.of and kind in rule.kinds and rule.condition.fits(before, after):
                return rule
        raise DrafthartError(f"nothing is known of {kind!r} of an item of the kind {of!r}; drop it")


@cache
def rule_table() -> RuleTable:
    """The table in rules.yaml."""
    node = load_yaml(TABLE, TABLE.name)
    check_schema(node, "diff-rules")
    plain = node.plain()
    return RuleTable(
        audiences={
            audience: AudienceEntry(**plain["audiences"][str(audience)]) for audience in Audience
        },
        scopes=tuple(map(_scope, plain["scopes"])),
        rules={id_: _rule(id_, entry) for id_, entry in plain["rules"].items()},
    )


def _scope(entry: Mapping[str, Any]) -> Scope:
    return Scope(
        tuple(entry.get("mode", ())),
        tuple(entry.get("extension", ())),
        frozenset(map(Audience, entry["audiences"])),
    )


def _rule(id_: str, entry: Mapping[str, Any]) -> DiffRule:
    finds = entry["finds"]
    return DiffRule(
        id=id_,
        of=tuple(finds["of"]),
        kinds=tuple(finds["kind"]),
        condition=_condition(finds),
        what=_line(entry["what"]),
        severity=_severities(entry["severity"]),
        refinements=tuple(
            Refinement(
                _condition(it["if"]),
                _severities(it.get("severity", {})),
                _line(it.get("advice", "")),
            )
            for it in entry.get("refine", ())
        ),
        heeds_breaks=entry.get("heeds-breaks", False),
        advice=_line(entry["advice"]),
    )


def _condition(entry: Mapping[str, Any]) -> Condition:
    return Condition(_texts(entry.get("before")), _texts(entry.get("after")), entry.get("values"))


def _texts(entry: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if entry is None else tuple(entry)


def _severities(entry: Mapping[str, str]) -> Mapping[Audience, Severity]:
    return {Audience(name): Severity(value) for name, value in entry.items()}


def _line(text: str) -> str:
    return " ".join(text.split())


def _trend(before: str, after: str) -> str:
    """What became of a set of values: grew, shrank, or neither."""
    old, new = _values(before), _values(after)
    if old < new:
        return "grew"
    return "shrank" if new < old else ""


def _values(text: str) -> frozenset[str]:
    """The values in a text of the specs: `0, 8..9`, or the bits `17:12`."""
    found: set[str] = set()
    for part in filter(None, (it.strip() for it in text.split(","))):
        first, dots, last = part.partition("..")
        high, colon, low = part.partition(":")
        if dots and first.isdecimal() and last.isdecimal():
            found.update(map(str, _run(int(first), int(last))))
        elif colon and high.isdecimal() and low.isdecimal():
            found.update(map(str, _run(int(low), int(high))))
        else:
            found.add(part)
    return frozenset(found)


def _run(first: int, last: int) -> range:
    # The longest is of addresses, whose values nobody lists; its ends tell enough.
    return range(first, last + 1) if last - first < 4096 else range(first, last + 1, last - first)
