"""Files that are whole or absent, tables, pictures."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from drafthart.generator.diff.drawing import Cell
from drafthart.generator.errors import DrafthartError
from drafthart.output import say, say_json, table, track, write_file, writing
from drafthart.pictures import draw


def test_a_file_is_replaced_whole(here: Path) -> None:
    path = here / "file"
    write_file(path, "old")
    path.chmod(0o640)
    write_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_keeps_pointing(here: Path) -> None:
    (here / "link").symlink_to("file")
    write_file(here / "link", "text")
    assert (here / "link").is_symlink()
    assert (here / "file").read_text() == "text"


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_an_interruption_leaves(here: Path, keep: bool, error: type[BaseException]) -> None:
    path = here / "file"
    path.write_text("old")

    def interrupted() -> None:
        with writing(path, keep=keep) as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        interrupted()
    kept = keep and error is KeyboardInterrupt
    assert path.read_text() == ("half" if kept else "old")
    assert list(here.iterdir()) == [path]


def test_a_device_is_written_to() -> None:
    write_file(Path("/dev/null"), "text")
    assert not Path("/dev/null").is_file()


def test_no_such_folder(here: Path) -> None:
    with pytest.raises(DrafthartError, match=r"x/y: cannot be written \(No such file"):
        write_file(here / "x" / "y", "text")


def test_a_table_takes_texts_as_they_are(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    say(table(("a", "b"), [("[red]x", ":smile: " + "word " * 30)]))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "a       b"
    assert lines[1].startswith("[red]x  :smile: word")
    assert max(map(len, lines)) <= 80
    assert not [line for line in lines if line.endswith(" ")]


def test_json_is_unstyled(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    say_json({"ä": [1]})
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert json.loads(out) == {"ä": [1]}


def test_progress_is_silent_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track([1, 2, 3], "counting")) == [1, 2, 3]
    assert capsys.readouterr() == ("", "")


def test_a_wide_register_wraps() -> None:
    lines = draw([Cell(bit, bit, f"FIELD{bit}") for bit in range(63, -1, -1)])
    assert max(map(len, lines)) <= 80
    assert len(lines) % 5 == 0
    assert sum(line.count("FIELD") for line in lines) == 64
