"""What holds for every export, whatever its form."""

from __future__ import annotations

from pathlib import Path

import pytest
from spec_folder import Folder

from drafthart.cli import main
from drafthart.generator.emit.exports.targets import FILES, FOLDERS
from drafthart.generator.errors import DrafthartError
from drafthart.runtime.resolved import resolved
from drafthart.runtime.taint import read_taint

TARGETS = [*FILES, *FOLDERS]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("revision", "status"), [("h@0.6.1", "draft"), ("h@1.0", "ratified")])
def test_an_export_says_what_it_was_made_from(
    target: str, revision: str, status: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert main(["generate", "--target", target, revision, "-o", str(out)]) == 0
    files = [out] if out.is_file() else [it for it in out.rglob("*") if it.suffix != ".csv"]
    for path in [out, *(it for it in files if it.is_file())]:
        found = read_taint(path)
        assert found is not None, path
        assert (found["revision"], found["status"]) == (revision, status)


@pytest.mark.parametrize("target", FOLDERS)
def test_a_folder_needs_a_name_that_is_free(
    target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", "--target", target, "h@1.0"]) == 2
    assert "name a new one with --output" in capsys.readouterr().err
    (tmp_path / "taken").write_text("")
    assert main(["generate", "--target", target, "h@1.0", "-o", str(tmp_path)]) == 2
    assert [it.name for it in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize("target", TARGETS)
def test_hostile_texts_stay_texts(target: str, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    hostile = r"*/ |=== \\input{x} \\ & % $ # {{7*7}} <b> ] \"\"\" ' `x` @y http://z ++p++"
    folder.edit("base/items.yaml", "doc: What goes on", f'doc: "{hostile}"')
    folder.edit("base/items.yaml", "doc: Running", f'doc: "{hostile}"')
    folder.edit("base/items.yaml", "name: Illegal instruction", f'name: "{hostile}"')
    isa = folder.resolve()
    made = [FILES[target](isa)] if target in FILES else list(FOLDERS[target](isa).values())
    for text in made:
        if target == "encoding-h":
            assert text.count("/*") == text.count("*/")
        if target == "asciidoc":
            assert text.count("|===") == 8
            assert not {"{", "<", "`", "@", "*"} & set(text.partition("\n.")[2].replace("cols", ""))
        if target == "latex":
            assert r"\input" not in text
            rows = [line for line in text.splitlines() if " & " in line]
            assert all(row.count("{") == row.count("}") for row in rows)


@pytest.mark.parametrize("target", TARGETS)
def test_names_that_other_languages_cannot_tell_apart(target: str, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    other = """  fence_i:
    extension: X
    encoding: 000000000000 00000 010 00000 0001111
    operation: pass
  fence.i:
"""
    folder.edit("base/items.yaml", "  fence.i:\n", other)
    isa = folder.resolve()
    emit = FILES.get(target) or FOLDERS[target]
    said = r"insn:fence_i and insn:fence\.i would both be fence_i"
    with pytest.raises(DrafthartError, match=said):
        emit(isa)


def test_a_field_named_like_a_keyword_of_systemverilog(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    wire = "      wire: {bits: 5, kind: WARL}\n"
    folder.edit("base/items.yaml", "      ON: {bits: 0", f"{wire}      ON: {{bits: 0")
    isa = folder.resolve()
    with pytest.raises(DrafthartError, match=r"csr:status cannot have a field wire"):
        FILES["systemverilog"](isa)
    assert "STATUS_WIRE 0x20" in FILES["encoding-h"](isa)


def test_what_has_no_number_is_left_out() -> None:
    isa = resolved("h@0.1")
    unnumbered = [name for name, it in isa.csrs.items() if it.address is None]
    assert unnumbered
    text = FILES["encoding-h"](isa)
    assert not any(f"CSR_{name.upper()} " in text for name in unnumbered)
    assert "CSR_MSTATUS 0x300" in text
