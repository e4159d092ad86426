"""`drafthart check`: are the specs in order?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from drafthart.arguments import Format, FormatOption
from drafthart.generator.assembly import Disassembler
from drafthart.generator.errors import DrafthartError
from drafthart.generator.history import normative
from drafthart.generator.language.check import check_isa
from drafthart.generator.spec.check_schema import check_schema
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.overlay import open_overlay, overlays
from drafthart.generator.spec.resolve import resolve, revisions
from drafthart.generator.spec.series import extension_of
from drafthart.generator.spec.yaml_file import load_yaml
from drafthart.output import say_json, track

EXAMPLES = (
    "drafthart check",
    "drafthart check --format json",
    "drafthart check specs/h/1.0.yaml",
    "drafthart check --specs specs",
    "drafthart check --overlay specs/overlays/h-0.1.yaml",
)


@dataclass
class _Findings:
    """What was checked, in words, and the errors: each once, however many revisions share it."""

    checked: list[str] = field(default_factory=list)
    errors: dict[str, None] = field(default_factory=dict)

    def attempt(self, what: str, check: Callable[[], str]) -> None:
        """Run a check that says what it saw, or raises."""
        try:
            self.checked.append(f"{what}: {check()}")
        except DrafthartError as error:
            self.errors[str(error)] = None


def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILES]...", help="Check only the form of these files.", show_default=False
        ),
    ] = None,
    specs: Annotated[
        Path | None,
        typer.Option(
            "--specs",
            metavar="DIR",
            help="Specs of your own, instead of Drafthart's.",
            show_default=False,
        ),
    ] = None,
    overlay: Annotated[
        Path | None,
        typer.Option(
            "--overlay",
            metavar="FILE",
            help="Check just this overlay, on the revision that it names.",
            show_default=False,
        ),
    ] = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Check the specs.

    All revisions, with and without their amendments, and overlays are checked, each with its
    items, encodings and operations. With FILES, only their form, against the schemas. Errors name
    file, line and column; the exit status is then 2.
    """
    if files and specs:
        raise DrafthartError("give either files or --specs, not both")
    if files and overlay:
        raise DrafthartError("give either files or --overlay, not both")
    if overlay:
        findings = _check_overlays([overlay], specs, _Findings())
    else:
        findings = _check_files(files) if files else _check_specs(specs)
    if format_ is Format.JSON:
        say_json(_data(findings))
    else:
        for line in findings.checked:
            typer.echo(line)
        for error in findings.errors:
            typer.echo(f"drafthart: {error}", err=True)
    if findings.errors:
        raise typer.Exit(2)


def _check_files(files: Iterable[Path]) -> _Findings:
    findings = _Findings()
    for path in files:
        findings.attempt(str(path), lambda path=path: _form(path))  # type: ignore[misc]
    return findings


def _check_specs(specs: Path | None) -> _Findings:
    findings = _Findings()
    found = revisions(specs)
    expressions = [id_ for it in found for id_ in (it.id, it.amended) if id_]
    for expression in track(expressions, "checking"):
        findings.attempt(expression, lambda id_=expression: _revision(id_, specs))  # type: ignore[misc]
    for path in normative.files(specs):
        findings.attempt(normative.shown(path), lambda path=path: _names(path, specs))  # type: ignore[misc]
    return _check_overlays(overlays(specs), specs, findings)


def _check_overlays(files: Iterable[Path], specs: Path | None, findings: _Findings) -> _Findings:
    for path in files:
        findings.attempt(str(path), lambda path=path: _overlay(path, specs))  # type: ignore[misc]
    return findings


def _form(path: Path) -> str:
    node = load_yaml(path, str(path))
    kind, form = "items", "a file of items"
    if node.get("revision"):
        kind, form = "revision", "a revision"
    elif node.get("overlay"):
        kind, form = "overlay", "an overlay"
    elif node.get("normative-rules"):
        kind, form = "normative-rules", "a file of normative rules"
    check_schema(node, kind)
    return f"the form of {form}"


def _overlay(path: Path, specs: Path | None) -> str:
    expression = open_overlay(path).on.text
    return f"on {expression}, {_revision(expression, specs, path)}"


def _names(path: Path, specs: Path | None) -> str:
    found = normative.check(path, specs)
    ours = sum(bool(rule.ours) for rule in found.rules.values())
    return f"{len(found.rules)} names of the manual, {ours} with items of {found.on}"


def _revision(id_: str, specs: Path | None, overlay: Path | None = None) -> str:
    isa = resolve(id_, specs=specs, overlay=overlay)
    # Both need encodings that can be told apart.
    Disassembler(isa)
    program = check_isa(isa)
    return ", ".join(f"{count} {what}" for what, count in _counts(isa, len(program.functions)))


def _counts(isa: ISA, functions: int) -> list[tuple[str, int]]:
    own = extension_of(isa.id)
    changes = sum(extension_of(change.revision) == own for change in isa.changes)
    return [
        ("changes", changes),
        ("instructions", len(isa.instructions)),
        ("CSRs", len(isa.csrs)),
        ("functions", functions),
        ("rules", len(isa.rules)),
    ]


def _data(findings: _Findings) -> dict[str, Any]:
    return {"checked": findings.checked, "errors": list(findings.errors)}
