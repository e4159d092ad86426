"""A file of others in the place of `diff`'s first revision: does it state what a draft says?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from drafthart.arguments import Xlen, resolved
from drafthart.generator.diff.findings import Comparison
from drafthart.generator.diff.foreign.compare import (
    Names,
    compare_statements,
    stated_surface,
    unmentioned,
)
from drafthart.generator.diff.foreign.read import read_statements
from drafthart.generator.diff.rule_table import Severity
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.resolve import revisions
from drafthart.output import say, say_json, table, track

_EXPRESSION = re.compile(r"[a-z][a-z0-9]*@")


def as_file(argument: str) -> Path | None:
    """The path that an argument is; None if it is a revision. A file named like one needs ./"""
    path = Path(argument)
    if _EXPRESSION.match(argument) or not (path.exists() or re.search(r"[/.]", argument)):
        return None
    if not path.exists():
        raise DrafthartError(f"{argument}: no such file; give a file, or a revision such as h@1.0")
    return path


def compare_file(path: Path, isa: ISA, specs: Path | None, xlen: Xlen) -> tuple[Comparison, int]:
    """What of a file does not hold in `isa`, and how much was compared."""
    statements = read_statements(path, isa.xlen)
    names = Names([isa, *_others(isa.id.partition("@")[0], specs, xlen)])
    surface = stated_surface(statements, isa, names)
    _require_known(path, len(surface))
    return compare_statements(str(path), statements, isa, names), len(surface)


def rank(path: Path, specs: Path | None, xlen: Xlen, *, as_json: bool) -> None:
    """Print all revisions, those that fit the file best first."""
    statements = read_statements(path, int(xlen))
    known = list(_others("", specs, xlen))
    names = Names(known)
    rows = []
    for isa in known:
        surface = stated_surface(statements, isa, names)
        _require_known(path, len(surface))
        findings = compare_statements(str(path), statements, isa, names).findings
        breaking = sum(it.worst() is Severity.BREAKING for it in findings)
        rows.append((len(findings), len(unmentioned(surface, isa)), breaking, isa))
    rows.reverse()  # of equals the newer: it is what people most likely mean
    rows.sort(key=lambda row: row[:2])
    if as_json:
        say_json(
            {
                "file": str(path),
                "revisions": [
                    {
                        "revision": isa.id,
                        "status": str(isa.status),
                        "differences": found,
                        "breaking": breaking,
                        "unmentioned": missing,
                    }
                    for found, missing, breaking, isa in rows
                ],
            }
        )
        return
    columns = ("revision", "status", "differences", "breaking", "not in the file")
    shown = [
        (isa.id, str(isa.status), str(found), str(breaking), str(missing))
        for found, missing, breaking, isa in rows
    ]
    say(table(columns, shown))


def _others(extension: str, specs: Path | None, xlen: Xlen) -> Iterator[ISA]:
    """The revisions of an extension, or of all."""
    wanted = [
        it.id for it in revisions(specs) if not extension or it.id.startswith(f"{extension}@")
    ]
    for name in track(wanted, "Reading the revisions"):
        yield resolved(name, specs, xlen)


def _require_known(path: Path, count: int) -> None:
    if not count:
        raise DrafthartError(
            f"{path}: names nothing that a revision has; is it of RISC-V's privileged architecture?"
        )
