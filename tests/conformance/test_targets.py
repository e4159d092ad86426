"""Targets: the files that describe them, the errors in such files, and how results come back."""

from __future__ import annotations

from pathlib import Path

import pytest

from drafthart.conformance.probes.program import Platform
from drafthart.conformance.target import CommandTarget, DrafthartTarget
from drafthart.conformance.target_file import load_target, names, read_target
from drafthart.generator.errors import DrafthartError


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", names())
def test_those_that_come_with_drafthart_are_read(name: str) -> None:
    target, known = load_target(name)
    assert isinstance(target, CommandTarget)
    assert known.revision == "h@1.0"
    assert len(known.cases) > 5


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
name: Simulator
command: [sim, --cores, 1, "--sig={signature}", "{program}"]
version: {command: [sim, -v], contains: 1.2}
platform: {ram: 0x80200000, console: null, exit: 0x1000, exit_value: 1, quiet: [[0x10, 2]]}
timeout: 5
parameters: {GEILEN: 0}
""",
    )
    target, known = load_target(str(path))
    assert target == CommandTarget(
        "Simulator",
        ("sim", "--cores", "1", "--sig={signature}", "{program}"),
        {"GEILEN": 0},
        Platform(0x8020_0000, None, 0x1000, 1, ((0x10, 2),)),
        (("sim", "-v"), "1.2"),
        5,
    )
    assert known.cases == ()
    assert target.missing == "sim is not installed"


def test_drafthart_itself_by_name_and_by_file(tmp_path: Path) -> None:
    target, _ = load_target("drafthart:h@1.0:GEILEN=0,VMIDLEN=0x7")
    assert isinstance(target, DrafthartTarget)
    assert (target.revision, target.choices) == ("h@1.0", {"GEILEN": 0, "VMIDLEN": 7})
    assert target.isa.parameters["VMIDLEN"].value == 7
    path = written(tmp_path, "name: Ours\ndrafthart: h@1.0\nparameters: {GEILEN: 0}\n")
    assert read_target(path)[0] == DrafthartTarget("h@1.0", {"GEILEN": 0}, "Ours")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty"),
        ("- 1\n", "write name: and command:"),
        ("name: x\n", "exactly one of command and drafthart"),
        ("name: x\ncommand: [x]\n", "mine.yaml:2:10: no argument has {program}"),
        ("name: x\ncommand: ['{elf}', '{program}']\n", "mine.yaml:2:12: {elf} means nothing here"),
        ("name: x\ncommand: ['{', '{program}']\n", "mine.yaml:2:12: a single brace"),
        ("name: x\ncommand: ['{program}']\nspeed: 1\n", "mine.yaml:3:1: unknown key 'speed'"),
        ("name: x\ncommand: ['{program}']\ntimeout: soon\n", "mine.yaml:3:10: expected a number"),
        ("name: x\ncommand: ['{program}']\nplatform: {rom: 1}\n", "unknown key 'rom'"),
        ("name: x\ncommand: ['{program}']\nplatform: {ram: 0}\n", "from 0x80000000"),
        ("name: x\ndrafthart: h@9\n", "h@9"),
        ("name: [\n", "correct the YAML"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(DrafthartError) as error:
        load_target(str(written(tmp_path, text)))
    assert told in str(error.value)
    assert "mine.yaml" in str(error.value) or told == "h@9"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nobody", "there are qemu-7.2, spike, drafthart:REV"),
        ("absent.yaml", "absent.yaml"),
        ("drafthart:", "names no revision"),
        ("drafthart:h@9", "h@9"),
        ("drafthart:h@1.0:GEILEN", "'GEILEN' is no choice"),
        ("drafthart:h@1.0:GEILEN=99", "GEILEN"),
        ("drafthart:h@1.0:NONE=1", "NONE"),
    ],
)
def test_what_is_no_target_is_told(text: str, told: str) -> None:
    with pytest.raises(DrafthartError, match=told):
        load_target(text)


def test_results_come_from_output_or_from_a_file(tmp_path: Path) -> None:
    program = tmp_path / "p.elf"
    printing = CommandTarget("shell", ("sh", "-c", "echo 1 ff; echo end"))
    assert printing.run(program, 10) == [1, 255]
    writing = CommandTarget("shell", ("sh", "-c", 'echo 10 > "$0"', "{signature}"))
    assert writing.run(program, 10) == [16]
    silent = CommandTarget("shell", ("sh", "-c", "true", "{signature}"))
    assert silent.run(program, 10) == []  # not what an earlier run left


def test_a_target_that_hangs_keeps_what_it_has_told(tmp_path: Path) -> None:
    hanging = CommandTarget("shell", ("sh", "-c", "echo 1; exec sleep 60"))
    assert hanging.run(tmp_path / "p.elf", 0.5) == [1]


def test_a_target_that_is_not_there_is_told() -> None:
    target = CommandTarget("a simulator", ("no-such-program", "{program}"))
    assert target.missing == "no-such-program is not installed"
    with pytest.raises(DrafthartError, match="install a simulator"):
        target.run(Path("x.elf"), 1)


def test_another_version_is_as_good_as_none() -> None:
    other = CommandTarget("sh", ("sh",), version=(("echo", "2"), "1"))
    assert other.missing == "sh is of another version"
    broken = CommandTarget("sh", ("sh",), version=(("no-such-program",), "1"))
    assert broken.missing == "no-such-program does not run"
