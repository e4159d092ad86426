"""`drafthart tour`: the whole of it, and its parts where they can be had without a machine."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from drafthart.cli import main
from drafthart.commands import tour, tour_firmware
from drafthart.commands.tour_firmware import INSTALLED, find_firmware
from drafthart.commands.tour_runs import DemoRun, demo_source, differing, responsible
from drafthart.generator.diff.differences import between
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.resolve import resolve
from drafthart.runtime.machine import Outcome

EXITED = Outcome("exit", 0, 1000)


def demo_run(**answers: str) -> DemoRun:
    lines = [f"probe: {question}: {answer}" for question, answer in answers.items()]
    return DemoRun("h@test", (), ("hyper: hello", *lines, "hyper: draft: 1.0"), EXITED)


@pytest.fixture(scope="module")
def pair() -> tuple[ISA, ISA]:
    return resolve("h@0.6.1"), resolve("h@1.0")


def answering(pair: tuple[ISA, ISA], **flips: str) -> Callable[[str], DemoRun]:
    """A hart whose answer to each question turns from old to new with the change named."""
    old, new = pair
    series = [change.id for change in between(old, new)]

    def run(expression: str) -> DemoRun:
        count = len(series) - int(expression.removeprefix("h@1.0~"))
        has = series[:count]
        return demo_run(
            **{question: "new" if change in has else "old" for question, change in flips.items()}
        )

    return run


def test_finds_the_change_behind_each_answer(pair: tuple[ISA, ISA]) -> None:
    changes = [change.id for change in between(*pair) if change.items]
    first, middle, last = changes[0], changes[len(changes) // 2], changes[-1]
    run = answering(pair, one=first, two=middle, three=last, four=last)
    old, new = run(f"h@1.0~{len(between(*pair))}"), run("h@1.0~0")
    found = responsible(*pair, old, new, run)
    assert {question: [it.id for it in found[question]] for question in found} == {
        "one": [first],
        "two": [middle],
        "three": [last],
        "four": [last],
    }


def test_nothing_runs_where_nothing_differs(pair: tuple[ISA, ISA]) -> None:
    same = demo_run(one="a")

    def run(expression: str) -> DemoRun:
        raise AssertionError(expression)

    assert responsible(*pair, same, same, run) == {}


def test_a_missing_answer_differs() -> None:
    assert list(differing(demo_run(one="a", two="b"), demo_run(one="a"))) == ["two"]


def test_firmware_that_was_named_must_exist(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tour", "--firmware", str(tmp_path / "none.bin")]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "none.bin: no such file" in captured.err


@pytest.fixture
def without_firmware(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No OpenSBI installed, an empty cache; returns the only folder in PATH, empty too."""
    absent = tmp_path / "usr" / "fw_jump.bin"
    monkeypatch.setattr(tour_firmware, "INSTALLED", absent)
    monkeypatch.setenv("DRAFTHART_CACHE", str(tmp_path / "cache"))
    tools = tmp_path / "bin"
    tools.mkdir()
    monkeypatch.setenv("PATH", str(tools))
    return tools


def tool(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_without_package_tools_it_says_what_to_install(without_firmware: Path) -> None:
    with pytest.raises(DrafthartError, match=r"apt-get and dpkg-deb .* install .* opensbi"):
        find_firmware(None)


def test_a_download_that_fails_is_explained(without_firmware: Path) -> None:
    tool(without_firmware, "apt-get", "echo 'E: no network' >&2; exit 100")
    tool(without_firmware, "dpkg-deb", "exit 0")
    with pytest.raises(DrafthartError, match=r"E: no network; install .* --firmware FILE"):
        find_firmware(None)


def test_fetched_firmware_is_kept(without_firmware: Path, tmp_path: Path) -> None:
    inside = tour_firmware.INSTALLED.relative_to("/")
    tool(without_firmware, "apt-get", '[ "$*" = "download opensbi" ] && : > opensbi_1.1-2_all.deb')
    tool(
        without_firmware,
        "dpkg-deb",
        f'mkdir -p "$3/{inside.parent}" && printf firmware > "$3/{inside}"',
    )
    found = find_firmware(None)
    assert found == tmp_path / "cache" / "opensbi" / "fw_jump.bin"
    assert found.read_bytes() == b"firmware"
    tool(without_firmware, "apt-get", "exit 1")
    assert find_firmware(None) == found


def test_what_is_not_as_expected_makes_it_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    firmware = tmp_path / "fw_jump.bin"
    firmware.write_bytes(b"")
    monkeypatch.setattr(tour, "run_demo", lambda *_: demo_run(one="same"))
    assert main(["tour", "--firmware", str(firmware)]) == 1
    captured = capsys.readouterr()
    assert "not as expected: step 5: the drafts disagree" in captured.err
    assert "NOT the drafts disagree" in captured.out


@pytest.mark.slow
def test_the_tour(capsys: pytest.CaptureFixture[str]) -> None:
    if not INSTALLED.is_file():
        pytest.skip("OpenSBI is absent: Debian's package opensbi has it")
    assert main(["tour"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "NOT" not in captured.out
    for change in (
        "virtual-instruction-by-access  (h@0.6.2, 2021-07-30, commit f436300f)",
        "scounteren-virtual  (h@0.6.2, 2021-09-05, commit 0abcad44)",
        "envcfg-addresses  (h@0.6.2, 2021-09-08, commit 9876f979)",
        "sv57x4  (h@1.0.0-rc, 2021-10-29, commit 652ddfd4)",
    ):
        assert change in captured.out
    # Where Drafthart is installed decides how long the path of the demo is.
    demo = demo_source().name
    long = [line for line in captured.out.splitlines() if len(line) > 80 and demo not in line]
    assert long == []
