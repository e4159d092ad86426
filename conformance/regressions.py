"""Two reports of `validate` held against each other: what is new, fixed, changed, or as it was.

Findings are the same by their keys, and compared by the probes that both reports have: a report
with more probes than the other tells more of the same implementation, not of another.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from drafthart.conformance.verdicts import Verdict
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.texts import SPECS
from drafthart.runtime.files import read_file
from drafthart.runtime.gate import Stability, mixed

Finding = Mapping[str, Any]
"""A finding of a report, as specs/schema/validate.schema.json describes it."""
Report = Mapping[str, Any]

_GRAVE = (Verdict.DEVIATION, Verdict.NOT_IMPLEMENTED, Verdict.INCONCLUSIVE)


class Kind(StrEnum):
    """What became of a finding."""

    NEW = "new"
    CHANGED = "changed"
    FIXED = "fixed"
    NEWLY_PROBED = "newly probed"
    NO_LONGER_PROBED = "no longer probed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Entry:
    """A finding in either report or both.

    `more` are probes that differ now and did not, `fewer` those that did and no longer do.
    `related` are the keys of findings that it came from or went into. `worse` says that something
    is wrong now that was not.
    """

    kind: Kind
    key: str
    old: Finding | None
    new: Finding | None
    more: tuple[str, ...] = ()
    fewer: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    worse: bool = False

    @property
    def finding(self) -> Finding:
        """As the newer report has it, if it does."""
        found = self.new or self.old
        assert found is not None
        return found


@dataclass(frozen=True, slots=True)
class Regressions:
    """Two reports, how many probes they have in common, and their findings, the worst first."""

    old: Report
    new: Report
    common: int
    entries: tuple[Entry, ...]

    def of(self, kind: Kind) -> list[Entry]:
        """The entries of a kind."""
        return [it for it in self.entries if it.kind is kind]

    @property
    def worse(self) -> list[Entry]:
        """The entries that make the newer report worse."""
        return [it for it in self.entries if it.worse]

    @property
    def stability(self) -> Stability:
        """As unstable as the less stable of them."""
        return mixed(self.old["stability"], self.new["stability"])

    @property
    def choices(self) -> Iterator[tuple[str, int | None, int | None]]:
        """Parameters with other values: name, old and new value, None where there is none."""
        old, new = self.old["parameters"], self.new["parameters"]
        for name in dict.fromkeys((*old, *new)):
            if old.get(name) != new.get(name):
                yield name, old.get(name), new.get(name)


def read_report(path: Path) -> Report:
    """A report of `validate --format json`. Raises `DrafthartError` for what is none."""
    advice = "make it with drafthart validate --format json"
    try:
        data = json.loads(read_file(path))
    except (ValueError, RecursionError):
        raise DrafthartError(f"{path}: is no JSON; {advice}") from None
    error = next(iter(_validator().iter_errors(data)), None)
    if error is not None:
        where = "/".join(map(str, error.absolute_path)) or "the whole"
        raise DrafthartError(
            f"{path}: is no report of validate, or of another version ({where}: "
            f"{error.message[:80]}); {advice}"
        )
    assert isinstance(data, dict)
    keys = [it["key"] for it in data["findings"]]
    if len(set(keys)) != len(keys):
        raise DrafthartError(f"{path}: two findings have the same key; {advice}")
    return data


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    schema = SPECS / "schema" / "validate.schema.json"
    return Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))


def regressions(old: Report, new: Report) -> Regressions:
    """Compare two reports."""
    common = _probed(old) & _probed(new)
    before = _Side({it["key"]: it for it in old["findings"]}, common)
    after = _Side({it["key"]: it for it in new["findings"]}, common)
    entries = [*_present(before, after), *_absent(before, after)]
    named = {key for it in entries if it.new is not None for key in it.related}
    # What went into findings that name it is told with those.
    entries = [it for it in entries if it.new is not None or not _told(it, named)]
    order = list(Kind)
    entries.sort(key=lambda it: (not it.worse, order.index(it.kind), it.key))
    return Regressions(old, new, len(common), tuple(entries))


def _told(entry: Entry, named: set[str]) -> bool:
    return entry.kind is Kind.CHANGED and entry.key in named and not entry.fewer


def _probed(report: Report) -> set[str]:
    return {
        label for modes in report["groups"].values() for some in modes.values() for label in some
    }


class _Side:
    """The findings of a report by key, and which of the common probes show them."""

    def __init__(self, findings: Mapping[str, Finding], common: set[str]) -> None:
        self.findings = findings
        self.probes = {key: common.intersection(it["probes"]) for key, it in findings.items()}

    def without(self, other: _Side, *, grave: bool = False) -> dict[str, set[str]]:
        """Probe → the keys that it has here and not there."""
        found: dict[str, set[str]] = {}
        for key, labels in self.probes.items():
            if grave and not _is_grave(self.findings[key]):
                continue
            for label in labels - other.probes.get(key, set()):
                found.setdefault(label, set()).add(key)
        return found


def _is_grave(finding: Finding) -> bool:
    return finding["verdict"] in _GRAVE


def _present(before: _Side, after: _Side) -> Iterator[Entry]:
    """The findings that the newer report has."""
    gone, gone_grave = before.without(after), before.without(after, grave=True)
    for key, finding in after.findings.items():
        labels = after.probes[key]
        grave = _is_grave(finding)
        old = before.findings.get(key)
        if old is None:
            came_from = _keys(gone, labels)
            moved = bool(labels) and all(label in gone for label in labels)
            kind = Kind.CHANGED if moved else Kind.NEW if labels else Kind.NEWLY_PROBED
            worse = grave and any(label not in gone_grave for label in labels)
            yield Entry(kind, key, None, finding, _in_order(finding, labels), (), came_from, worse)
            continue
        more, fewer = labels - before.probes[key], before.probes[key] - labels
        same = not more and not fewer and _alike(old, finding)
        worse = grave and (not _is_grave(old) or any(label not in gone_grave for label in more))
        yield Entry(
            Kind.UNCHANGED if same else Kind.CHANGED,
            key,
            old,
            finding,
            _in_order(finding, more),
            _in_order(old, fewer),
            _keys(gone, more),
            worse and not same,
        )


def _absent(before: _Side, after: _Side) -> Iterator[Entry]:
    """The findings that the newer report no longer has."""
    appeared = after.without(before)
    for key, finding in before.findings.items():
        if key in after.findings:
            continue
        labels = before.probes[key]
        went_into = _keys(appeared, labels)
        kind = Kind.CHANGED if went_into else Kind.FIXED if labels else Kind.NO_LONGER_PROBED
        fewer = _in_order(finding, {label for label in labels if label not in appeared})
        yield Entry(kind, key, finding, None, (), fewer, went_into)


def _alike(old: Finding, new: Finding) -> bool:
    """Do they say the same? What the shortest probe saw counts if that is the same probe."""
    if old["verdict"] != new["verdict"]:
        return False
    seen = [(it["expected"], it["seen"]) for it in (old, new)]
    return old["probe"] != new["probe"] or seen[0] == seen[1]


def _keys(by_label: Mapping[str, set[str]], labels: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({key for label in labels for key in by_label.get(label, ())}))


def _in_order(finding: Finding, labels: set[str]) -> tuple[str, ...]:
    return tuple(label for label in finding["probes"] if label in labels)
