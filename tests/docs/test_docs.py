"""Every command that the documentation shows is run, in order, and prints what it is said to."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from shown_commands import Step, matches, steps
from without_staging import copy_checkout

CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = [CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *sorted(CHECKOUT.glob("docs/*.md"))]

ELSEWHERE = {
    # Set-up, with a network. `.ci/run` runs the second of the README's two commands itself.
    "python3 -m venv .venv && .venv/bin/pip install .": "tests/packaging/test_wheel.py",
    "python3 -m venv .venv && .venv/bin/pip install tox": ".ci/run",
    ".venv/bin/tox": ".ci/run",
    "drafthart tour": "tests/cli/test_tour.py",
}
"""How a command begins → what runs it instead of this test."""

LONG = "drafthart linux"
"""How a command begins that boots Linux, for which DRAFTHART_LINUX must be set."""

PEERS = {
    "fw_jump.bin": "opensbi",
    "qemu-system-riscv64": "qemu-system-misc",
    "--target qemu ": "qemu-system-misc",
    "dtc ": "dtc",
    "gdb-multiarch": "gdb-multiarch",
    "cc -std": "gcc",
    "./bench ": "gcc",
}
"""A word in a command → the Debian package that it needs."""

INSTALLED = {
    "opensbi": "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_jump.bin",
    "qemu-system-misc": shutil.which("qemu-system-riscv64") or "",
    "dtc": shutil.which("dtc") or "",
    "gdb-multiarch": shutil.which("gdb-multiarch") or "",
    "gcc": shutil.which("cc") or "",
}


CHANGE_A_CHECKOUT = ("staging.md",)
"""Pages whose commands change the product: they are run by a copy of the checkout, in it."""


@pytest.fixture
def workplace(tmp_path: Path, page: Path) -> Path:
    """A folder with what a page may name: the specs, the examples, and `drafthart` in PATH."""
    if page.name in CHANGE_A_CHECKOUT:
        copy_checkout(tmp_path)
    else:
        for name in ("specs", "examples"):
            shutil.copytree(CHECKOUT / name, tmp_path / name)
    shim = tmp_path / "bin" / "drafthart"
    shim.parent.mkdir()
    code = "import sys; from drafthart.cli import main; sys.exit(main())"
    shim.write_text(f"#!/bin/sh\nexec '{sys.executable}' -P -c '{code}' \"$@\"\n")
    shim.chmod(0o755)
    return tmp_path


def environment(workplace: Path) -> dict[str, str]:
    paths = [str(workplace / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
    copy = str(workplace) if (workplace / "pyproject.toml").is_file() else ""
    modules = [copy, str(CHECKOUT / "tests/support"), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "COLUMNS": "80",
        "PATH": os.pathsep.join(paths),
        "PYTHONPATH": os.pathsep.join(filter(None, modules)),
    }


def perform(step: Step, workplace: Path) -> None:
    path = workplace / step.path
    if step.kind == "file":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(step.text, encoding="utf-8")
    elif step.kind == "append":
        with path.open("a", encoding="utf-8") as file:
            file.write(step.text)
    else:
        program = [sys.executable, "-P", "-c"] if step.kind == "python" else ["bash", "-ec"]
        done = subprocess.run(
            [*program, step.text],
            cwd=workplace,
            env=environment(workplace),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        printed = done.stdout + done.stderr
        told = f"line {step.line}: {step.text}\nprinted:\n{printed}"
        refused = step.output is not None and re.match(
            r"drafthart: (?!\S+ is unstable)", step.output
        )
        differs = step.output is not None and " does not conform to " in step.output
        assert done.returncode == (2 if refused else 1 if differs else 0), told
        assert step.output is None or matches(step.output, printed), told


def absent_peer(step: Step) -> str | None:
    for word, package in PEERS.items():
        if step.kind == "command" and word in step.text and not Path(INSTALLED[package]).is_file():
            return package
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_the_page_shows(page: Path, workplace: Path) -> None:
    skipped = set()
    for step in steps(page):
        if step.kind == "command" and step.text.startswith(tuple(ELSEWHERE)):
            continue
        if step.text.startswith(LONG) and not os.environ.get("DRAFTHART_LINUX"):
            skipped.add("linux-image-riscv64 (set DRAFTHART_LINUX=1, or tox -e linux)")
            continue
        package = absent_peer(step)
        if package:
            skipped.add(package)
            continue
        perform(step, workplace)
    if skipped:
        pytest.skip(f"commands that need Debian's {', '.join(sorted(skipped))} were left out")


def test_ci_runs_the_command_for_the_tests_of_the_readme() -> None:
    shown = [step.text for step in steps(CHECKOUT / "README.md") if step.kind == "command"]
    assert shown[1].endswith(".venv/bin/tox")
    assert (CHECKOUT / ".ci/run").read_text().splitlines()[-1] == shown[1]


def test_commands_left_to_others_are_run_there() -> None:
    assert {it for it in ELSEWHERE.values() if not (CHECKOUT / it).is_file()} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_is_in_the_index() -> None:
    index = (CHECKOUT / "docs/index.md").read_text(encoding="utf-8")
    pages = {page.name for page in PAGES} - {"index.md"}
    assert {page for page in pages if f"({page})" not in index.replace("../", "")} == set()


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("one\ntwo", "one  \ntwo\n\n", True),
        ("one\n…", "one\ntwo\nthree\n", True),
        ("one\n…\nthree", "one\nthree\n", True),
        ("one …", "one two\n", True),
        ("…", "anything\n", True),
        ("one", "one\ntwo\n", False),
        ("one …\nthree", "one\ntwo\nthree\n", False),
    ],
)
def test_comparison(shown: str, printed: str, same: bool) -> None:
    assert matches(shown, printed) is same
