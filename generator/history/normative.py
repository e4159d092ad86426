"""The manual's own names for its normative rules, joined to our rules and other items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from drafthart.generator.diff.items import Item, items
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.check_schema import check_schema
from drafthart.generator.spec.model import ISA, Place
from drafthart.generator.spec.nearest import did_you_mean
from drafthart.generator.spec.resolve import resolve
from drafthart.generator.spec.spec_error import SpecError
from drafthart.generator.spec.texts import SPECS
from drafthart.generator.spec.yaml_file import Node, load_yaml

PREFIX = "norm:"
"""Before the manual's names, where ours may stand as well."""

_FILE = "normative-rules.yaml"


@dataclass(frozen=True, slots=True)
class NormativeRule:
    """One of the manual's names: ids of `ours`, and `why` there are none or what they leave out."""

    name: str
    ours: tuple[str, ...]
    why: str
    place: Place

    @property
    def rules(self) -> list[str]:
        """Those of `ours` that are rules, without the prefix."""
        return [id_.removeprefix("rule:") for id_ in self.ours if id_.startswith("rule:")]


@dataclass(frozen=True, slots=True)
class NormativeRules:
    """The names in a file of the manual at a commit; `on` is the revision that has all of ours."""

    commit: str
    date: str
    file: str
    on: str
    rules: dict[str, NormativeRule]

    def of(self, id_: str) -> list[str]:
        """The manual's names that lead to one of our items, with their prefix."""
        return [f"{PREFIX}{name}" for name, rule in self.rules.items() if id_ in rule.ours]

    def find(self, name: str) -> NormativeRule:
        """The rule with this name, with or without prefix."""
        bare = name.removeprefix(PREFIX)
        if bare not in self.rules:
            remedy = did_you_mean(bare, self.rules)
            raise DrafthartError(f"the manual has no normative rule {bare!r}; {remedy}")
        return self.rules[bare]


def files(specs: Path | None = None) -> list[Path]:
    """The files that join names of the manual to ours, one for an extension at most."""
    return sorted((SPECS if specs is None else specs).glob(f"*/{_FILE}"))


def normative_rules(extension: str, specs: Path | None = None) -> NormativeRules | None:
    """The names for an extension such as h, if the specs have them."""
    path = (SPECS if specs is None else specs) / extension / _FILE
    return load(path) if path.is_file() else None


def load(path: Path) -> NormativeRules:
    """A file of names, of which just the form is checked."""
    node = load_yaml(path, shown(path))
    check_schema(node, "normative-rules")
    source = node.entries["source"]
    names = node.entries["names"].entries
    return NormativeRules(
        commit=source.text_of("commit"),
        date=source.text_of("date"),
        file=source.text_of("file"),
        on=node.text_of("on"),
        rules={name: _rule(name, it) for name, it in names.items()},
    )


def check(path: Path, specs: Path | None = None) -> NormativeRules:
    """A file of names whose every id is one of the revision that it names, at XLEN 64 or 32."""
    found = load(path)
    known = {id_ for xlen in (64, 32) for id_ in items(resolve(found.on, specs=specs, xlen=xlen))}
    for rule in found.rules.values():
        for id_ in rule.ours:
            if id_ not in known:
                raise _unknown(found, rule, id_, known)
    return found


def counterparts(
    isa: ISA, found: NormativeRules, rule: NormativeRule, specs: Path | None = None
) -> list[tuple[str, Item, ISA]]:
    """Our items for a rule, each with the state that it is from: `isa` wherever that has it."""
    states = [isa]
    if set(rule.ours) - items(isa).keys():
        # What came later, and what exists at the other width only.
        widths = sorted((32, 64), key=lambda xlen: xlen != isa.xlen)
        states += [resolve(found.on, specs=specs, xlen=xlen) for xlen in widths]
    known = [(state, items(state)) for state in states]
    chosen = []
    for id_ in rule.ours:
        state, its = next((it for it in known if id_ in it[1]), (isa, {}))
        if id_ not in its:
            raise _unknown(found, rule, id_, known[-1][1])
        chosen.append((id_, its[id_], state))
    return chosen


def _unknown(
    found: NormativeRules, rule: NormativeRule, id_: str, known: Iterable[str]
) -> SpecError:
    return SpecError(rule.place, f"{found.on} has no {id_}", did_you_mean(id_, known))


def _rule(name: str, node: Node) -> NormativeRule:
    ours, why = node.get("ours"), node.get("why")
    return NormativeRule(
        name=name,
        ours=tuple(it.text for it in ours.sequence) if ours else (),
        why=" ".join(why.text.split()) if why else "",
        place=node.place,
    )


def shown(path: Path) -> str:
    """Our own without the folders of the machine."""
    return f"specs/{path.relative_to(SPECS).as_posix()}" if SPECS in path.parents else str(path)
