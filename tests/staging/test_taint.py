"""What each kind of artefact says that it was made with, read back; and what is no result."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from drafthart.cli import main
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.resolve import resolve
from drafthart.runtime.gate import mixed, stability
from drafthart.runtime.staging.area import OWN
from drafthart.runtime.taint import read_taint, require_conformance_of, require_result_of

DRAFT = "h@1.0~1"
"""Not ratified, and there without staging/."""

GUEST = """
    .globl _start
_start:
    li      t1, 0x5555
    li      t0, 0x100000
    sw      t1, 0(t0)
1:  j       1b
"""

Make = Callable[[str, str], Path]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes an artefact of a revision by a command, `OUT` for its name; returns its path."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "guest.S").write_text(GUEST)

    def made(command: str, revision: str) -> Path:
        assert main(["asm", "guest.S", "--revision", revision]) == 0
        line = command.replace("REV", revision)
        if line.startswith(("run", "generate --target python", "generate --target c-engine")):
            line += f" --allow-unstable {revision}"
        assert main(shlex.split(line)) == 0
        return tmp_path / "out"

    return made


KINDS = {
    "snapshot": "run --engine python --revision REV --save out guest.elf",
    "profile": "run --engine python --revision REV --profile-json out guest.elf",
    "header": "generate --target c-header REV -o out",
    "json": "generate --target json REV -o out",
    "module": "generate --target python REV -o out",
    "engine": "generate --target c-engine REV -o out",
    "program": "asm guest.S --revision REV -o out",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("revision", "status"), [(DRAFT, "draft"), ("h@1.0", "ratified")])
def test_each_kind_says_it(make: Make, kind: str, revision: str, status: str) -> None:
    found = read_taint(make(KINDS[kind], revision))
    assert found is not None
    assert (found["revision"], found["status"]) == (revision, status)
    if kind in ("snapshot", "profile") and revision == DRAFT:
        assert found["opt_in"] == f"--allow-unstable {DRAFT}"


@pytest.mark.parametrize(
    "option", ["--log-commits out", "--profile-folded out", "--profile --profile-every 1"]
)
def test_logs_and_profiles_say_what_they_are_made_with(
    make: Make, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make(f"run --engine python --revision REV {option} guest.elf", DRAFT)
    if not path.exists():
        path.write_text(capsys.readouterr().out)
    found = read_taint(path)
    assert found is not None
    assert (found["revision"], found["status"]) == (DRAFT, "draft")


def test_a_readme_of_an_engine_says_it(make: Make) -> None:
    found = read_taint(make(KINDS["engine"], DRAFT) / "README.md")
    assert found is not None
    assert found["revision"] == DRAFT


def test_stability_is_in_every_json(make: Make) -> None:
    for kind in ("json", "profile"):
        data = json.loads(make(KINDS[kind], DRAFT).read_text())
        assert data["stability"]["status"] == "draft"


@pytest.mark.parametrize("text", ["", "hello\n", "{}", "[1]", '{"a": {"b": 1}}', "unstable: {x}\n"])
def test_what_has_no_mark(tmp_path: Path, text: str) -> None:
    (tmp_path / "it").write_text(text or " ")
    assert read_taint(tmp_path / "it") is None


def test_inputs_that_are_named_in_json_are_mixed(tmp_path: Path) -> None:
    data = {
        "before": {"revision": "h@0.6.1", "status": "draft"},
        "after": {"revision": "h@1.0", "status": "ratified"},
    }
    (tmp_path / "it").write_text(json.dumps(data))
    found = read_taint(tmp_path / "it")
    assert found == {"revision": "h@0.6.1", "status": "draft", "opt_in": None}


def test_lines_of_several_logs_are_mixed(tmp_path: Path) -> None:
    one, two = (f"# unstable: {json.dumps(stability(resolve(it)))}\n" for it in (DRAFT, "h@1.0~2"))
    (tmp_path / "it").write_text(f"{one}core   0: …\n{two}core   0: …\n")
    found = read_taint(tmp_path / "it")
    assert found is not None
    assert found["revision"] == "h@1.0~1, h@1.0~2"


def test_damaged_programs(tmp_path: Path) -> None:
    (tmp_path / "it").write_bytes(b"\x7fELF" + bytes(20))
    with pytest.raises(DrafthartError, match=r"damaged ELF file"):
        read_taint(tmp_path / "it")


def test_only_the_ratified_revision_alone_is_a_result(make: Make, tmp_path: Path) -> None:
    require_conformance_of("h@1.0", make(KINDS["json"], "h@1.0"))
    with pytest.raises(DrafthartError, match=r"was made with h@1.0~1 .* no result for h@1.0; "):
        require_conformance_of("h@1.0", make(KINDS["json"], DRAFT))
    with pytest.raises(DrafthartError, match=r"was made with priv@1.12 .* no result for h@1.0"):
        require_conformance_of("h@1.0", make(KINDS["json"], "priv@1.12"))
    (tmp_path / "other").write_text("hello")
    with pytest.raises(DrafthartError, match=r"other: does not say what it was made with"):
        require_conformance_of("h@1.0", tmp_path / "other")


def test_a_report_of_mixed_inputs_is_no_result() -> None:
    ratified, draft = stability(resolve("h@1.0")), stability(resolve(DRAFT))
    require_result_of("h@1.0", mixed(ratified, ratified), "the report")
    with pytest.raises(DrafthartError, match=r"the report: was made with h@1.0~1"):
        require_result_of("h@1.0", mixed(ratified, draft), "the report")


def test_the_command(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    make(KINDS["program"], DRAFT)
    capsys.readouterr()
    assert main(["taint", "out"]) == 0
    assert capsys.readouterr().out == f"out: unstable, made with {DRAFT} (draft)\n"
    assert main(["taint", "out", "--require", "h@1.0"]) == 2
    assert "so it is no result for h@1.0" in capsys.readouterr().err
    assert main(["taint", "guest.S"]) == 0
    assert capsys.readouterr().out.startswith("guest.S: no mark; ")
    assert main(["taint", "out", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["stability"]["revision"] == DRAFT


def test_a_run_of_a_draft_does_not_go_unnoticed(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    make("run --engine python --revision REV guest.elf", DRAFT)
    assert f"{DRAFT} is unstable (draft), opted in by --allow-unstable" in capsys.readouterr().err
    make("run --engine python --revision REV guest.elf", "h@1.0")
    told = capsys.readouterr().err
    assert "unstable" not in told
    assert told == (
        "drafthart: h@1.0 is ratified and needs no opt-in; leave it out of what you allow\n"
    )


@pytest.mark.skipif(not OWN.is_staged("h@0.6.1"), reason="h@0.6.1 is not staged here")
def test_an_engine_of_a_draft_takes_the_opt_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for target in ("python", "c-engine"):
        assert main(["generate", "--target", target, "h@0.6.1", "-o", "out"]) == 2
        assert "h@0.6.1 is not ratified" in capsys.readouterr().err
    for target in ("json", "c-header"):
        assert main(["generate", "--target", target, "h@0.6.1", "-o", "out"]) == 0
