"""Files of others held against revisions: headers, and riscv-opcodes' own forms."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drafthart.cli import main
from drafthart.generator.diff.foreign.c_header import Macros, read_header
from drafthart.generator.diff.foreign.opcodes import read_csv, read_extension, read_json
from drafthart.generator.diff.foreign.statements import Statements
from drafthart.generator.errors import DrafthartError

Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Said:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(list(arguments))
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return run


def found(said: Said, file: str, revision: str, *more: str) -> set[tuple[str, str, str | None]]:
    status, out, err = said("diff", file, revision, "--format", "json", *more)
    assert status == 0, err
    data = json.loads(out)
    assert data["before"]["revision"] == file
    return {(it["rule"], it["item"], it["after"]) for it in data["differences"]}


EXPORTS = ["encoding-h", "opcodes", "opcodes-json", "c-header"]


@pytest.mark.parametrize("target", EXPORTS)
def test_our_own_exports_fit_their_revision(target: str, said: Said) -> None:
    assert said("generate", "--target", target, "h@0.6.1", "-o", "file")[0] == 0
    Path("file").rename(Path("file.h" if target.endswith("h") else "file2"))
    name = "file.h" if target.endswith("h") else "file2"
    assert found(said, name, "h@0.6.1") == set()


def test_a_header_of_one_draft_against_others(said: Said) -> None:
    """HLV, hvip and virtual instructions came after 0.4; 1.0 made bit 10 of hedeleg read-only."""
    assert said("generate", "--target", "encoding-h", "h@0.6.1", "-o", "e.h")[0] == 0
    assert found(said, "e.h", "h@1.0") == {("field-removed", "csr:hedeleg.ECALL_FROM_VS", None)}
    older = found(said, "e.h", "h@0.4")
    assert ("instruction-removed", "insn:hlv.b", None) in older
    assert ("csr-removed", "csr:hvip", None) in older
    assert ("cause-removed", "cause:22", None) in older
    assert not any(item.startswith("csr:hvip.") for _, item, _ in older), "hvip says it"


WRONG = """
/* #define CSR_HVIP 0x1 */
#define CSR_HSTATUS 0xA00  // as before 0.4
#define CSR_HGATP 0x680
#define CSR_VENDOR 0x7C0
#define BIT_SPV 8
#define HSTATUS_SPV _BITUL(BIT_SPV)
#define HSTATUS_VGEIN GENMASK(17, \\
    12)
#define HSTATUS_SPARSE 0x5
#define MATCH_HLV_B 0x60004073
#define MASK_HLV_B 0xfff0707f
#define MATCH_HSV_B 0x60004073
#define MASK_HSV_B 0xfe007fff
#define MATCH_VADD_VV 0x57
#define MASK_VADD_VV 0xfc00707f
#define CAUSE_VIRTUAL_INSTRUCTION 0x17
#define IRQ_VS_TIMER 6
"""


def test_a_wrong_header_is_told_what_is_wrong(said: Said) -> None:
    Path("wrong.h").write_text(WRONG)
    assert found(said, "wrong.h", "h@0.6.1") == {
        ("csr-address-changed", "csr:hstatus", "0x600"),
        ("field-moved", "csr:hstatus.SPV", "7"),
        ("encoding-changed", "insn:hsv.b", "0110001 rs2 rs1 100 00000 1110011"),
        ("cause-repurposed", "cause:23", "STORE_GUEST_PAGE_FAULT"),
    }
    status, out, err = said("diff", "wrong.h", "h@0.6.1", "--fail-on", "breaking")
    assert status == 1
    assert "wrong.h → h@0.6.1  4 differences" in out
    assert "compared: 8 things that wrong.h states" in out
    assert err == ""


@pytest.mark.parametrize("form", ["text", "html", "github"])
def test_every_form_of_report_takes_a_file(form: str, said: Said) -> None:
    Path("wrong.h").write_text(WRONG)
    status, out, _ = said("diff", "wrong.h", "h@0.6.1", "--format", form)
    assert status == 0
    assert "hstatus" in out


def test_the_best_fit_comes_first(said: Said) -> None:
    assert said("generate", "--target", "opcodes", "h@0.4", "-o", "there")[0] == 0
    status, out, _ = said("diff", "there", "--best", "--format", "json")
    assert status == 0
    ranked = json.loads(out)["revisions"]
    assert (ranked[0]["revision"], ranked[0]["differences"]) == ("h@0.4", 0)
    assert ranked[0]["unmentioned"] == 0
    assert [it["differences"] for it in ranked] == sorted(it["differences"] for it in ranked)
    status, out, _ = said("diff", "there", "--best")
    assert out.splitlines()[1].split()[0] == "h@0.4"


def test_a_checkouts_folder_is_read_for_one_xlen(said: Said) -> None:
    folder = Path("checkout")
    (folder / "extensions" / "unratified").mkdir(parents=True)
    (folder / "extensions" / "rv_i").write_text(
        "# RV\naddi rd rs1 imm12 14..12=0 6..2=0x04 1..0=3\n"
        "$pseudo_op rv_i::addi mv rd rs1 31..20=0 14..12=0 6..2=0x04 1..0=3\n"
    )
    (folder / "extensions" / "rv32_i").write_text("slli rd rs1 31..25=1 14..12=1 6..2=4 1..0=3\n")
    (folder / "extensions" / "unratified" / "rv_h").write_text("hlv.b rd rs1 1..0=3\n")
    (folder / "csrs32.csv").write_text('0x001, "hstatus"\n')
    (folder / "causes.csv").write_text('0x16, "virtual instruction"\n')
    assert found(said, "checkout", "h@0.6.1") == set()
    rules = {(rule, item) for rule, item, _ in found(said, "checkout", "h@0.6.1", "--xlen", "32")}
    assert rules == {("encoding-changed", "insn:slli"), ("csr-address-changed", "csr:hstatus")}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("none.h", "int x;\n", "none.h: states no numbers; give "),
        ("odd.h", "#define A_B 1\n", "odd.h: names nothing that a revision has"),
        ("csrs.csv", '0x600 "hstatus"\n', "csrs.csv:1: is no row of a number and a name"),
        ("mine.csv", '0x600, "hstatus"\n', "mine.csv: name it csrs.csv or causes.csv"),
        ("rv_h", "hlv.b rd 6..0=0x80\n", "rv_h:1: 0x80 does not fit bits 6..0"),
        ("rv_h", "hlv.b rd 6..0=1 3=1\n", "rv_h:1: 0x1 does not fit bits 3..3"),
        ("rv_h", "hlv.b rd\n", "rv_h:1: fixes no bits"),
        ("rv_h", "hlv.b rd 6..0=oops\n", "rv_h:1: cannot read '6..0=oops'"),
        ("rv_h", "\n3x 1=1\n", "rv_h:2: '3x' is no mnemonic"),
        ("d.json", "{", "d.json: is no valid JSON"),
        ("d.json", '{"a": {}}', "d.json: 'a' has no match and mask"),
        ("notes.txt", "hello\n", "notes.txt: is of no form that can be compared"),
    ],
)
def test_a_file_that_cannot_be_compared(name: str, text: str, message: str, said: Said) -> None:
    Path(name).write_text(text)
    status, out, err = said("diff", f"./{name}", "h@1.0")
    assert (status, out) == (2, "")
    assert err.startswith(f"drafthart: {message}") or f"drafthart: ./{message}" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.h", "h@1.0"], "missing.h: no such file; give a file, or a revision"),
        (["h@0.6.1"], "name the revision to compare with"),
        (["h@0.6.1", "--best"], "--best takes a file"),
        (["bytes.h", "h@1.0"], "bytes.h: is no text"),
    ],
)
def test_bad_arguments(arguments: list[str], message: str, said: Said) -> None:
    Path("bytes.h").write_bytes(b"\xff\xfe\x00")
    status, out, err = said("diff", *arguments)
    assert (status, out) == (2, "")
    assert message in " ".join(err.replace("│", " ").split())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0x80", 0x80),
        ("(7<<6)", 0x1C0),
        ("_RISCV_ULL(0xF000000000000000)", 0xF << 60),
        ("_AC(0x10, UL)", 0x10),
        ("(1 << OTHER)", 1 << 5),
        ("15U<<28", 15 << 28),
        ("010", 8),
        ("0", 0),
        ("(A_LOOP)", None),
        ("MATCH(x)", None),
        ("1 << 999999999", None),
        ("1 << (1 << 30)", None),
        ("((1<<127)<<127)<<127", None),
        ("'a'", None),
        ('"x"', None),
        ("do { } while (0)", None),
        ("__import__(1)", None),
        ("(" * 150 + "1" + ")" * 49, None),
    ],
)
def test_the_values_of_macros(text: str, value: int | None) -> None:
    header = f"#define OTHER 5\n#define A_LOOP B_LOOP\n#define B_LOOP A_LOOP\n#define IT {text}\n"
    assert Macros(header).value("IT") == value


def test_a_macro_with_two_values_has_none() -> None:
    macros = Macros(
        "#if X\n#define A 1\n#else\n#define A 2\n#endif\n#define B 0x3\n#define B (3)\n"
    )
    assert macros.value("A") is None
    assert macros.value("B") == 3


@settings(max_examples=150)
@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    read_header(f"#define {text}\n#define A_B {text}", Statements())
    for read in (
        lambda: read_extension(text, "f", Statements()),
        lambda: read_csv(text, "f", {}),
        lambda: read_json(text, "f", Statements()),
    ):
        with suppress(DrafthartError):
            read()
