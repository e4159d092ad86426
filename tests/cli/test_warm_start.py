"""What a command loads when the caches are warm: no YAML, no schemas, no more than it uses."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drafthart.generator.spec import resolve as real
from drafthart.runtime import resolved

Command = Callable[..., Any]

HEAVY = {
    "jinja2",
    "jsonschema",
    "rich",
    "yaml",
    "drafthart.commands.show",
    "drafthart.generator.assembly",
    "drafthart.generator.language.check",
    "drafthart.generator.spec.resolve",
    "drafthart.runtime.gdb",
    "drafthart.runtime.profile",
    "drafthart.runtime.snapshot",
}


def loaded(*arguments: str) -> set[str]:
    """The modules that a command line has loaded when it ends."""
    code = (
        "import sys; from drafthart.cli import main; status = main(); "
        "print(*sys.modules, file=sys.stderr); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


@pytest.mark.parametrize("revision", ["priv@1.12", "h@1.0~1"])
def test_a_warm_run_loads_little(program: Callable[..., Path], here: Path, revision: str) -> None:
    program(revision=revision)
    line = ["run", "--engine", "python", "--revision", revision, "program.elf"]
    line += ["--allow-unstable", revision]
    loaded(*line)
    found = loaded(*line)
    assert "drafthart.runtime.machine" in found
    assert HEAVY & found == set()
    assert "drafthart.runtime.native.engine" not in found


def test_another_text_or_parameter_is_another_entry(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DRAFTHART_CACHE", str(tmp_path))
    plain = resolved.resolved("h@1.0")
    assert plain == real.resolve("h@1.0")
    assert resolved.resolved("h@1.0", parameters={"GEILEN": 3}).parameters["GEILEN"].value == 3
    assert resolved.resolved("h@1.0", xlen=32).xlen == 32
    assert len(list((tmp_path / "resolved").iterdir())) == 3
    texts = resolved.spec_texts()
    monkeypatch.setattr(resolved, "spec_texts", lambda: (*texts, ("more", "")))
    assert resolved.resolved("h@1.0") == plain
    assert len(list((tmp_path / "resolved").iterdir())) == 4


def test_an_overlay_is_part_of_the_entry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DRAFTHART_CACHE", str(tmp_path / "cache"))
    overlay = tmp_path / "mine.yaml"
    text = (
        "overlay: mine\ntitle: Mine\non: h@1.0\nchanges:\n  - id: one\n    summary: One.\n"
        "    breaks: [software]\n"
        "    replace: {parameters.GEILEN.default: 3}\n"
    )
    overlay.write_text(text)
    assert resolved.resolved("h@1.0", overlay=overlay).parameters["GEILEN"].value == 3
    overlay.write_text(text.replace("default: 3", "default: 5"))
    assert resolved.resolved("h@1.0", overlay=overlay).parameters["GEILEN"].value == 5


@pytest.mark.parametrize("damage", [b"", b"short", bytes(5000)])
def test_a_damaged_entry_is_as_good_as_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, damage: bytes
) -> None:
    monkeypatch.setenv("DRAFTHART_CACHE", str(tmp_path))
    isa = resolved.resolved("priv@1.12")
    (entry,) = (tmp_path / "resolved").iterdir()
    whole = entry.read_bytes()
    entry.write_bytes(damage)
    assert resolved.resolved("priv@1.12") == isa
    entry.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert resolved.resolved("priv@1.12") == isa


def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DRAFTHART_CACHE", str(tmp_path / "file"))
    assert resolved.resolved("priv@1.12").id == "priv@1.12"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_specs_of_the_users_are_not_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Any
) -> None:
    monkeypatch.setenv("DRAFTHART_CACHE", str(tmp_path / "cache"))
    assert resolved.resolved("h@1", specs=folder.root).id == "h@1"
    assert not (tmp_path / "cache").exists()
