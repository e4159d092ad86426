"""Reading input files, and the one-line errors for those that cannot be read."""

import os
from pathlib import Path

import pytest

from drafthart.generator.errors import DrafthartError
from drafthart.runtime.files import read_file


def test_content_is_returned(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"\0\1")
    assert read_file(file) == b"\0\1"
    assert read_file(str(file)) == b"\0\1"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent", "no such file"),
        ("folder", "is a directory"),
        ("empty", "is empty"),
        ("pipe", "not a regular file"),
        ("file/below", "cannot be read"),
        ("nul\0", "cannot be read|no such file"),
        ("x" * 5000, "cannot be read"),
    ],
)
def test_errors_name_the_file_in_one_line(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()
    (tmp_path / "file").write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DrafthartError, match=message) as caught:
        read_file(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path))
    assert "\n" not in str(caught.value)
