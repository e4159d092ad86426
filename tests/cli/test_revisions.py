"""`drafthart revisions`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spec_folder import Folder

Command = Callable[..., Any]


def test_table(drafthart: Command, folder: Folder) -> None:
    result = drafthart("revisions", "--specs", str(folder.root))
    header, base, draft = (line.split() for line in result.out.splitlines())
    assert header == ["revision", "status", "date", "changes", "title"]
    assert base == ["base@1", "ratified", "2019-01-01", "0", "The", "ground"]
    assert draft == ["h@1", "draft", "2020-12-31", "2", "Draft", "1"]


def test_json(drafthart: Command, folder: Folder) -> None:
    found = drafthart("revisions", "--format", "json", "--specs", str(folder.root)).json
    assert found[1] == {
        "id": "h@1",
        "title": "Draft 1",
        "status": "draft",
        "date": "2020-12-31",
        "commit": "abcdef01",
        "parent": None,
        "base": "base@1",
        "changes": 2,
        "amendments": 0,
        "amended": None,
    }


def test_our_own(drafthart: Command) -> None:
    result = drafthart("revisions")
    assert "h@1.0 " in result.out
    assert max(map(len, result.out.splitlines())) <= 80
