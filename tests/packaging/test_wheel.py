"""What users get: a wheel with all its data, which runs in an environment of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from without_staging import CHECKOUT, copy_checkout

import drafthart

pytestmark = pytest.mark.slow

NO_NETWORK = re.compile(
    r"Failed to establish a new connection|Temporary failure in name resolution"
)

HELLO = """
_start:
    csrr    a0, hstatus
    li      a0, 0x100000
    li      a1, 0x5555
    sw      a1, (a0)
    j       .
"""


def alone() -> dict[str, str]:
    """The environment as if there were no checkout."""
    kept = {name: it for name, it in os.environ.items() if not name.startswith("PYTHON")}
    return kept | {"COLUMNS": "80"}


def call(*command: str | Path, cwd: Path) -> str:
    """Run a command as if there were no checkout; a `pip` without network skips the test."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=alone(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode and "pip" in command and NO_NETWORK.search(done.stderr):
        pytest.skip("pip cannot reach a package index")
    assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
    return done.stdout


def wheel_of(tree: Path) -> Path:
    call(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", "dist", ".", cwd=tree)
    (wheel,) = tree.glob("dist/*.whl")
    return wheel


def installed(wheel: Path, folder: Path) -> Path:
    """Install a wheel into a fresh environment; returns the folder of its programs."""
    call(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    programs = folder / "venv" / "bin"
    call(programs / "python", "-m", "pip", "install", "-q", str(wheel), cwd=folder)
    return programs


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel_of(copy_checkout(tmp_path_factory.mktemp("whole") / "tree"))


def test_the_wheel_has_all_code_and_data(wheel: Path) -> None:
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    expected = {"drafthart/py.typed"}
    for folder, suffixes in {
        "drafthart": (".py",),
        "generator": (".py", ".j2", ".yaml"),
        "runtime": (".py", ".h"),
        "conformance": (".py", ".S", ".yaml", ".ld", ".h"),
        "staging": (".py", ".yaml"),
        "specs": (".yaml", ".json", ".lock"),
        "examples": (".S", ".inc", ".c", ".h"),
    }.items():
        for path in CHECKOUT.joinpath(folder).rglob("*"):
            if path.suffix in suffixes:
                name = path.relative_to(CHECKOUT).as_posix()
                expected.add(name if folder == "drafthart" else f"drafthart/{name}")
    assert inside == expected
    assert {"drafthart/specs/h/1.0.yaml", "drafthart/specs/schema/items.schema.json"} <= inside


def test_the_wheel_names_version_command_and_licence(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (info,) = {name.partition("/")[0] for name in archive.namelist() if ".dist-info/" in name}
    metadata = archive.read(f"{info}/METADATA").decode()
    assert f"\nVersion: {drafthart.__version__}\n" in metadata
    assert "\nLicense-Expression: BSD-3-Clause\n" in metadata
    assert "drafthart = drafthart.cli:main" in archive.read(f"{info}/entry_points.txt").decode()
    assert f"{info}/licenses/LICENSE" in archive.namelist()


def test_it_runs_in_an_environment_of_its_own(wheel: Path, tmp_path: Path) -> None:
    programs = installed(wheel, tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    revisions = call(programs / "drafthart", "revisions", cwd=elsewhere)
    assert re.search(r"^h@1\.0 +ratified ", revisions, re.MULTILINE)
    where = "import drafthart.generator as it; print(it.__file__)"
    assert str(tmp_path) in call(programs / "python", "-c", where, cwd=elsewhere)


def test_what_an_earlier_build_left_behind_stays_out(tmp_path: Path) -> None:
    tree = copy_checkout(tmp_path / "tree")
    left = tree / "build" / "lib" / "drafthart" / "generator" / "left.py"
    left.parent.mkdir(parents=True)
    left.touch()
    names = zipfile.ZipFile(wheel_of(tree)).namelist()
    assert "drafthart/generator/left.py" not in names
    assert "drafthart/generator/errors.py" in names


def test_without_staging_it_builds_and_runs_what_is_ratified(tmp_path: Path) -> None:
    tree = copy_checkout(tmp_path / "tree", "staging")
    assert not (tree / "staging").exists()
    wheel = wheel_of(tree)
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if name.startswith("drafthart/staging/")]
    programs = installed(wheel, tmp_path)
    (tmp_path / "hello.S").write_text(HELLO)
    drafthart = programs / "drafthart"
    call(drafthart, "asm", "hello.S", "--revision", "h@1.0", cwd=tmp_path)
    state = call(drafthart, "run", "--revision", "h@1.0", "--dump-state", "hello.elf", cwd=tmp_path)
    assert "x10/a0 0x0000000000100000" in state
    draft = ("--revision", "h@0.6.1", "--allow-unstable", "h@0.6.1")
    done = subprocess.run(
        [drafthart, "run", *draft, "hello.elf"],
        cwd=tmp_path,
        env=alone(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("drafthart: h@0.6.1 is not staged here, so it does not run; ")
    call(drafthart, "diff", "h@0.6.1", "h@1.0", cwd=tmp_path)
    call(drafthart, "staging", "verify", cwd=tmp_path)


@pytest.mark.skipif(os.environ.get("TOX_ENV_NAME") != "tests", reason="not under tox")
def test_tox_tests_the_installed_package() -> None:
    from drafthart.generator import errors

    assert CHECKOUT / "generator" not in Path(errors.__file__).parents
