"""Which rules of the spec the test suite names, as a table.

    python -m drafthart.conformance.coverage tests

A test names rules by `@pytest.mark.rules("trap.hs.spv", …)` or `pytestmark`; the marks are read
from the source, so nothing needs to run. Exit status 1 if a rule of H is named by no test, or a
test names none that exists.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from drafthart.generator.history import normative
from drafthart.generator.spec.model import Rule
from drafthart.generator.spec.resolve import resolve, revisions


def named_rules(folder: Path) -> dict[str, list[str]]:
    """Rule id → the places `file:line` of the marks that name it."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            for rule in _marked(node):
                found[rule].append(f"{path}:{getattr(node, 'lineno', 0)}")
    return found


def _marked(node: ast.AST) -> Iterator[str]:
    """The arguments of a call of `….rules(…)`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return
    if node.func.attr == "rules":
        for argument in node.args:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value


def extension_rules() -> dict[str, tuple[Rule, list[str]]]:
    """Rules that the extension defines, in any revision → the rule and the revisions with it.

    A revision as it was amended counts as one more.
    """
    rules: dict[str, tuple[Rule, list[str]]] = {}
    for expression in (id_ for it in revisions() for id_ in (it.id, it.amended) if id_):
        for rule in resolve(expression).rules.values():
            if rule.origin:
                rules.setdefault(rule.id, (rule, []))[1].append(expression.partition("@")[2])
    return rules


def normative_names(named: Collection[str]) -> tuple[list[str], list[str], list[str]]:
    """The manual's normative rules: those whose rules tests name, those without a rule of ours,
    and those with rules that no test names."""
    rules = [rule for path in normative.files() for rule in normative.load(path).rules.values()]
    exercised = [it.name for it in rules if set(it.rules) & set(named)]
    without = [it.name for it in rules if not it.rules]
    return exercised, without, sorted({it.name for it in rules} - {*exercised, *without})


def known_rules() -> set[str]:
    """Rules of bases, of amended revisions, and of the states between two revisions."""
    expressions = [
        expression
        for it in revisions()
        for expression in (*(f"{it.id}~{left}" for left in range(it.changes)), it.id, it.amended)
        if expression
    ]
    return {identity for expression in expressions for identity in resolve(expression).rules}


def main(arguments: list[str]) -> int:
    """Print the table; returns the exit status."""
    console = Console()
    named = named_rules(Path(arguments[0] if arguments else "tests"))
    rules = extension_rules()
    table = Table(title="Rules of the extensions and the tests that name them", box=None)
    for column in ("rule", "revisions", "tests"):
        table.add_column(column, justify="right" if column == "tests" else "left")
    missing = []
    for identity, (_, where) in rules.items():
        count = len(named.get(identity, []))
        if not count:
            missing.append(identity)
        table.add_row(identity, f"{where[0]}…{where[-1]}", str(count or "none"))
    console.print(table)
    covered = len(rules) - len(missing)
    console.print(f"{covered} of {len(rules)} rules of the extensions are named by tests.")
    exercised, without, left = normative_names(named)
    console.print(
        f"{len(exercised)} of {len(exercised) + len(without) + len(left)} normative rules of the "
        f"manual are exercised; {len(without)} have no rule here, for the reasons in "
        "normative-rules.yaml."
    )
    unknown = sorted(set(named) - set(rules) - known_rules())
    for identity in unknown:
        console.print(f"{named[identity][0]}: names {identity}, which is no rule")
    for identity in missing:
        console.print(f"no test names {identity}: {rules[identity][0].summary}")
    return 1 if missing or unknown else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
