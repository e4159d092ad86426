"""Every export of a small made-up revision, byte for byte.

    DRAFTHART_WRITE_GOLDEN=1 pytest tests/exports

writes them anew; read the difference before you commit it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from spec_folder import Folder

from drafthart.generator.emit.exports.targets import FILES, FOLDERS

HERE = Path(__file__).parent / "golden"


@pytest.mark.parametrize("target", [*FILES, *FOLDERS])
def test_an_export_of_a_small_revision(target: str, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.one_change("replace: {csrs.status.fields.LEVEL.bits: '4:2'}")
    isa = folder.resolve("h@1")
    if target in FILES:
        text = FILES[target](isa)
        assert text == FILES[target](folder.resolve("h@1")), "the same bytes each time"
    else:
        files = FOLDERS[target](isa)
        text = "".join(f"==> {name}\n{files[name]}" for name in sorted(files))
    text = text.replace(isa.content, "…")
    path = HERE / f"{target}.txt"
    if os.environ.get("DRAFTHART_WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
