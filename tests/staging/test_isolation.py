"""Nothing stable depends on what is staged, or speaks of it; each feature can be deleted alone."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from without_staging import CHECKOUT, copy_checkout

import drafthart
from drafthart.cli import main
from drafthart.generator.spec.resolve import revisions
from drafthart.generator.spec.texts import SPECS
from drafthart.runtime.staging.area import OWN
from drafthart.runtime.staging.ledger import RUNS, read_ledger

DRAFTS = [it.id for it in revisions() if str(it.status) != "ratified" and it.id.startswith("h@")]
NAMED = re.compile(rf"(?<![\w@])(?:{'|'.join(map(re.escape, DRAFTS))})(?![\w.-]*\d)")

DATA = ("compare", "diff", "impact", "bisect", "tour")
"""Commands whose examples may name drafts. They read their data, which stays without staging/; the
tour is of one, and says so where it is not staged."""

COMMANDS = sorted(
    name
    for name in importlib.import_module("drafthart.cli")._NAMES
    if name not in ("track", "linux")
)


def helps(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main([command, "--help"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_no_help_speaks_of_a_draft(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = helps(command, capsys)
    if command in DATA:
        text = text.partition("Examples:")[0]
    if command == "tour":
        pytest.skip("the tour is of a draft: it is no interface, and says where it is not staged")
    assert NAMED.findall(text) == []


@pytest.mark.parametrize("step", ["list", "new", "stage", "promote", "drop", "verify", "users"])
def test_no_step_of_staging_speaks_of_a_draft(
    step: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["staging", step, "--help"]) == 0
    text = capsys.readouterr().out
    assert "Examples:" in text
    assert NAMED.findall(text) == []
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("path", sorted(SPECS.glob("schema/*.json")), ids=lambda it: it.name)
def test_no_schema_speaks_of_a_draft(path: Path) -> None:
    assert NAMED.findall(path.read_text()) == []


def test_the_python_api_does_not_speak_of_a_draft() -> None:
    assert NAMED.findall(drafthart.__doc__ or "") == []
    for name in drafthart.__all__:
        value = getattr(drafthart, name)
        signature = str(inspect.signature(value)) if inspect.isfunction(value) else ""
        assert NAMED.findall(name + signature) == []


def test_the_pattern_finds_drafts() -> None:
    assert NAMED.findall("run h@0.6.1 and h@0.6.1~2, not h@1.0 or zh@0.6.1") == ["h@0.6.1"] * 2
    assert NAMED.findall("h@1.0.0-rc") == ["h@1.0.0-rc"]


PRODUCT = [
    path
    for folder in ("drafthart", "conformance", "runtime", "generator")
    for path in sorted((CHECKOUT / folder).rglob("*.py"))
]


def test_nothing_outside_imports_staging() -> None:
    found = []
    for path in PRODUCT:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [it.name for it in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or "", *(f"{node.module}.{it.name}" for it in node.names)]
            found += [f"{path}: {it}" for it in names if re.match(r"drafthart\.staging\b", it)]
    assert found == []


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = copy_checkout(tmp_path_factory.mktemp("copy") / "tree")
    if not (tree / "staging").is_dir():
        pytest.skip("nothing is staged here")
    return tree


def asked(tree: Path, *expressions: str) -> list[str]:
    """What the gate of a copy says to who opts in to each: nothing where it runs."""
    code = (
        "import sys\n"
        "from drafthart.runtime.resolved import resolved\n"
        "from drafthart.runtime.gate import require_stable_or_opted_in\n"
        "for name in sys.argv[1:]:\n"
        "    try:\n"
        "        require_stable_or_opted_in(resolved(name), [name])\n"
        "        print()\n"
        "    except Exception as error:\n"
        "        print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *expressions],
        env={"PYTHONPATH": str(tree), "PATH": ""},
        cwd=tree.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.staged
def test_each_feature_can_be_deleted_alone(copy: Path) -> None:
    features = [it for it in read_ledger(OWN.ledger).features.values() if it.state in RUNS]
    names = [it.id for it in features]
    assert names
    assert asked(copy, *names, "h@1.0") == [""] * (len(names) + 1)
    for name in names:
        folder = copy / OWN.manifest(name).parent.relative_to(OWN.root)
        kept = folder.rename(copy / "kept")
        said = dict(zip([*names, "h@1.0"], asked(copy, *names, "h@1.0"), strict=True))
        kept.rename(folder)
        assert said.pop(name).startswith(f"{name} is not staged here")
        assert set(said.values()) == {""}


def test_without_staging_drafts_are_told_and_ratified_ones_run(copy: Path) -> None:
    kept = (copy / "staging").rename(copy / "kept")
    drafts, ratified = asked(copy, *DRAFTS), asked(copy, "h@1.0", "priv@1.12", "h@1.0~1")
    kept.rename(copy / "staging")
    assert [it.partition(",")[0] for it in drafts] == [f"{it} is not staged here" for it in DRAFTS]
    assert ratified == [""] * 3
