"""Targets: the files that describe them, the errors in such files, and how results come back."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import pytest

from drafthart.conformance.expected import program_of
from drafthart.conformance.groups import groups
from drafthart.conformance.here import kept_words
from drafthart.conformance.probes.program import Platform
from drafthart.conformance.signature import printed_words, signature_words
from drafthart.conformance.target import CommandTarget, DrafthartTarget
from drafthart.conformance.target_file import load_target, names, read_target
from drafthart.generator.errors import DrafthartError
from drafthart.runtime.resolved import resolved


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
        ("name: x\n", "exactly one of command, gdb, results, traces and drafthart"),
        ("name: x\ncommand: [x]\n", "mine.yaml:2:10: no argument has {program}"),
        ("name: x\ncommand: ['{elf}', '{program}']\n", "mine.yaml:2:12: {elf} means nothing here"),
        ("name: x\ncommand: ['{', '{program}']\n", "mine.yaml:2:12: a single brace"),
        ("name: x\ncommand: ['{program}']\nspeed: 1\n", "mine.yaml:3:1: unknown key 'speed'"),
        ("name: x\ncommand: ['{program}']\ntimeout: soon\n", "mine.yaml:3:10: expected a number"),
        ("name: x\ncommand: ['{program}']\nplatform: {rom: 1}\n", "unknown key 'rom'"),
        ("name: x\ncommand: ['{program}']\nplatform: {ram: 0}\n", "from 0x80000000"),
        ("name: x\ncommand: ['{program}']\nplatform: {console: tty}\n", "htif for characters"),
        ("name: x\ngdb: {connect: ':1'}\nresults: x\n", "exactly one of command, gdb, results"),
        ("name: x\ngdb: {start: [x]}\n", "'connect' is missing"),
        ("name: x\ngdb: {connect: nowhere}\n", "mine.yaml:2:16: 'nowhere' is no address"),
        ("name: x\ngdb: {connect: 'x:{port}'}\n", "connect and start both need it"),
        ("name: x\ngdb: {connect: ':1', start: ['{signature}']}\n", "{port} and {program}"),
        ("name: x\ngdb: {connect: ':1', reset: halt}\n", "mine.yaml:2:29: expected a list"),
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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1\nff\n", [1, 255]),
        ("0x10 20\n", [16, 32]),
        ("1 2 3", [1, 2]),  # the last one may have been longer
        ("1 g 2\n", [1]),
        ("1_0\n", []),
        ("-1\n", []),
        ("12345678123456781\n", []),
        ("", []),
    ],
)
def test_words_as_they_are_printed(text: str, words: list[int]) -> None:
    assert printed_words(text) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("00000000000000a1\nb\n", [0xA1, 0xB]),
        ("000000a1\n00000002\n", [0x2_0000_00A1]),
        ("000000a1\n00000002\n00000003\n", [0x2_0000_00A1]),
        ("00000000000000020000000000000001\n", [1, 2]),
        ("00000000000000020000000000000001\n0000000000000004000000000000000", [1, 2]),
        ("0000000000000001\n0000000000000002", [1, 2]),
        ("0000000000000001\n000000000", [1]),
        ("zzzzzzzz\n", []),
        ("00000001\nzzzzzzzz\n", []),
    ],
)
def test_words_of_a_signature_whatever_its_lines_hold(text: str, words: list[int]) -> None:
    assert signature_words(text) == words


def seconds(target: CommandTarget, folder: Path, timeout: float = 10) -> tuple[float, list[int]]:
    start = time.monotonic()
    words = target.run(folder / "p.elf", timeout)
    return time.monotonic() - start, words


def runs(number: int) -> bool:
    """Does this process run?"""
    try:
        return ") Z " not in Path("/proc", str(number), "stat").read_text()
    except OSError:
        return False


def test_what_a_target_starts_ends_with_it(tmp_path: Path) -> None:
    """A child that keeps the output open, and one that outlives its parent."""
    script = "echo 1; (sleep 30; touch late) & exec sleep 30"
    took, words = seconds(CommandTarget("shell", ("sh", "-c", script)), tmp_path, 0.5)
    assert words == [1]
    assert took < 5
    leaving = CommandTarget("shell", ("sh", "-c", 'sleep 30 & echo $! > "$0"', "{signature}"))
    took, (child,) = seconds(leaving, tmp_path, 1)
    assert took < 5
    late = time.monotonic() + 10
    while runs(int(f"{child:x}")) and time.monotonic() < late:
        time.sleep(0.05)
    assert not runs(int(f"{child:x}"))


def test_a_target_that_dies_prints_rubbish_or_floods(tmp_path: Path) -> None:
    dying = CommandTarget("shell", ("sh", "-c", "echo 1 2; kill -SEGV $$"))
    assert dying.run(tmp_path / "p.elf", 10) == [1, 2]
    binary = CommandTarget("shell", ("sh", "-c", "echo 1; head -c 4096 /dev/zero; echo 2"))
    assert binary.run(tmp_path / "p.elf", 10) == [1]
    _, words = seconds(CommandTarget("yes", ("yes", "rubbish {program}")), tmp_path, 20)
    assert words == []


def test_what_a_flood_leaves_in_memory_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drafthart.conformance.target._MOST_BYTES", 3000)
    took, words = seconds(CommandTarget("yes", ("yes", "1")), tmp_path, 20)
    assert (words, took < 10) == ([1] * 1500, True)
    endless = CommandTarget("shell", ("sh", "-c", 'yes 2 | head -c 9999 > "$0"', "{signature}"))
    assert endless.run(tmp_path / "p.elf", 10) == [2] * 1500


def probes(console: int | str | None) -> tuple[bytes, list[int]]:
    isa = resolved("h@1.0")
    (group,) = groups(isa, ["instructions/insn:wfi"])
    program = program_of(group, isa, Platform(console=console))
    return program, kept_words(program, isa)


@pytest.mark.parametrize("console", [0x1000_0000, "htif", None])
def test_spike_tells_by_a_uart_by_htif_or_by_a_signature(
    console: int | str | None, tmp_path: Path
) -> None:
    if shutil.which("spike") is None:
        pytest.skip("spike is not installed")
    program, here = probes(console)
    path = tmp_path / "p.elf"
    path.write_bytes(program)
    command = ["spike", "--isa=rv64imafdch_zicsr_zifencei_zicntr_zihpm_svade"]
    if console is None:
        command += ["+signature={signature}", "+signature-granularity=8"]
    words = CommandTarget("Spike", (*command, "{program}")).run(path, 60)
    assert len(words) == len(here)
    assert [it >> 16 & 1 for it in words[::20]] == [it >> 16 & 1 for it in here[::20]]


def test_htifs_console_here(tmp_path: Path) -> None:
    """A command of ten lines is all that a simulator needs; here it is our own."""
    program, here = probes("htif")
    file = written(
        tmp_path,
        f"""
name: Ours by its command line
command: [{sys.executable}, -P, -c, "from drafthart.cli import main; main()", run, --engine, python,
          --revision, h@1.0, "{{program}}"]
platform: {{console: htif}}
timeout: 60
""",
    )
    target, _ = load_target(str(file))
    path = tmp_path / "p.elf"
    path.write_bytes(program)
    assert target.run(path, 60) == here


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
