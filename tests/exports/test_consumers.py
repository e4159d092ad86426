"""Each export, read by the program that it is made for; where that is absent, read back."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from decodetree import read_decodetree
from hypothesis import given, settings
from hypothesis import strategies as st

from drafthart.generator.diff.foreign.opcodes import read_csv, read_extension
from drafthart.generator.diff.foreign.statements import Statements
from drafthart.generator.emit.exports.asciidoc import emit_asciidoc
from drafthart.generator.emit.exports.decodetree import emit_decodetree
from drafthart.generator.emit.exports.encoding_h import emit_encoding_h
from drafthart.generator.emit.exports.go import emit_go
from drafthart.generator.emit.exports.latex import emit_latex
from drafthart.generator.emit.exports.opcodes import emit_opcodes
from drafthart.generator.emit.exports.opcodes_json import emit_opcodes_json
from drafthart.generator.emit.exports.rust import emit_rust
from drafthart.generator.emit.exports.systemverilog import emit_systemverilog
from drafthart.generator.emit.exports.udb import emit_udb
from drafthart.generator.spec.model import Encoding
from drafthart.runtime.resolved import resolved

ISA = resolved("h@0.6.1")
NAMED = {name.replace(".", "_"): it for name, it in ISA.instructions.items()}
ENCODINGS = {name: it.encoding for name, it in NAMED.items() if it.encoding is not None}


def program(*names: str) -> str:
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip(f"needs {' or '.join(names)}")
    return found


def run(*command: str, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# What the manual of draft 0.6.1 says: hstatus is 0x600 with SPV at bit 7 and VGEIN at 17:12, HLV.B
# has funct7 0x30 and funct3 4; virtual instruction is cause 22, the timer of VS-mode interrupt 6.
FACTS = {
    "CSR_HSTATUS": 0x600,
    "HSTATUS_SPV": 0x80,
    "HSTATUS_VGEIN": 0x3F000,
    "MATCH_HLV_B": 0x60004073,
    "MASK_HLV_B": 0xFFF0707F,
}


@pytest.mark.parametrize("compiler", [("cc", "gcc", "clang"), ("riscv64-unknown-elf-gcc",)])
def test_c_compilers_read_the_header(compiler: tuple[str, ...], tmp_path: Path) -> None:
    cc = program(*compiler)
    (tmp_path / "encoding.h").write_text(emit_encoding_h(ISA))
    facts = FACTS | {"CAUSE_VIRTUAL_INSTRUCTION": 22, "IRQ_VS_TIMER": 6, "DRAFTHART_UNSTABLE": 1}
    checks = "".join(f'_Static_assert({name} == {value}, "");\n' for name, value in facts.items())
    (tmp_path / "all.c").write_text(
        '#include "encoding.h"\n#include "encoding.h"\n'
        f"{checks}"
        "struct row { const char *name; unsigned long a, b; };\n"
        "const struct row rows[] = {\n"
        "#define DECLARE_INSN(name, match, mask) {#name, match, mask},\n"
        "#define DECLARE_CSR(name, number) {#name, number, 0},\n"
        "#define DECLARE_CAUSE(name, number) {name, number, 0},\n"
        '#include "encoding.h"\n};\n'
        f'_Static_assert(sizeof rows / sizeof *rows == {_declared()}, "");\n'
    )
    run(cc, "-std=c11", "-Wall", "-Wextra", "-Werror", "-c", "all.c", folder=tmp_path)


def _declared() -> int:
    numbered = sum(it.address is not None for it in ISA.csrs.values())
    return len(ISA.instructions) + numbered + len(ISA.causes)


def test_the_assembler_reads_the_header(tmp_path: Path) -> None:
    cc = program("riscv64-unknown-elf-gcc")
    (tmp_path / "encoding.h").write_text(emit_encoding_h(ISA))
    (tmp_path / "use.S").write_text(
        '#include "encoding.h"\nli a0, HSTATUS_VSXL\ncsrw CSR_HSTATUS, a0\n'
    )
    run(cc, "-c", "use.S", folder=tmp_path)


def test_a_simulator_reads_the_package_and_its_structs(tmp_path: Path) -> None:
    iverilog, vvp = program("iverilog"), program("vvp")
    (tmp_path / "h.sv").write_text(emit_systemverilog(ISA))
    checks = "".join(
        f'    if ({name} != {value}) $fatal(1, "{name}");\n'
        for name, value in FACTS.items()
        if not name.startswith("HSTATUS")
    )
    (tmp_path / "use.sv").write_text(
        "module use_it;\n  import h_0_6_1_pkg::*;\n  hstatus_t status;\n  initial begin\n"
        f"{checks}"
        "    status = '0; status.SPV = 1; status.VGEIN = 6'h3f;\n"
        '    if (status != 64\'h3f080 || $bits(status) != 64) $fatal(1, "bits");\n'
        '    if (HSTATUS_VGEIN_MASK != 64\'h3f000) $fatal(1, "mask");\n'
        '    if (HSTATUS_VGEIN_SHIFT != 12) $fatal(1, "shift");\n'
        '    $display("%s %0d", REVISION, UNSTABLE);\n  end\nendmodule\n'
    )
    run(iverilog, "-g2012", "-Wall", "-o", "use", "h.sv", "use.sv", folder=tmp_path)
    assert run(vvp, "use", folder=tmp_path).split() == ["h@0.6.1", "1"]


def test_the_rust_compiler_reads_the_module(tmp_path: Path) -> None:
    rustc = program("rustc")
    (tmp_path / "h.rs").write_text(emit_rust(ISA))
    checks = "".join(
        f"const _: () = assert!(h::{name.replace('SPV', 'SPV_MASK').replace('VGEIN', 'VGEIN_MASK')}"
        f" == {value});\n"
        for name, value in FACTS.items()
    )
    (tmp_path / "use.rs").write_text(
        f"#![no_std]\n#![deny(warnings)]\npub mod h;\n{checks}"
        "const _: () = assert!(h::UNSTABLE && h::HSTATUS_VGEIN_SHIFT == 12);\n"
    )
    run(rustc, "--crate-type", "lib", "--emit=metadata", "use.rs", folder=tmp_path)


def test_gofmt_would_change_nothing(tmp_path: Path) -> None:
    gofmt = program("gofmt")
    (tmp_path / "h.go").write_text(emit_go(ISA))
    assert run(gofmt, "-l", "-d", "h.go", folder=tmp_path) == ""


def test_go_reads_the_package(tmp_path: Path) -> None:
    go = program("go")
    (tmp_path / "h").mkdir()
    (tmp_path / "h" / "h.go").write_text(emit_go(ISA))
    (tmp_path / "go.mod").write_text("module use\n")
    (tmp_path / "use.go").write_text(
        'package main\n\nimport h "use/h"\n\nvar _ [h.CSR_HSTATUS - 0x600]int\n'
        "var _ [h.HSTATUS_VGEIN_MASK - 0x3f000]int\n\nfunc main() {}\n"
    )
    run(go, "vet", "./...", folder=tmp_path)


def test_gos_constants_read_back() -> None:
    found = dict(
        line.strip().replace(" ", "").split("=")
        for line in emit_go(ISA).splitlines()
        if line.startswith("\t")
    )
    assert int(found["CSR_HSTATUS"], 0) == 0x600
    assert int(found["HSTATUS_VGEIN_MASK"], 0) == 0x3F000
    assert found["HSTATUS_VGEIN_SHIFT"] == "12"
    assert int(found["MATCH_HLV_B"], 0) == FACTS["MATCH_HLV_B"]


def test_asciidoctor_reads_the_tables(tmp_path: Path) -> None:
    asciidoctor = program("asciidoctor")
    (tmp_path / "h.adoc").write_text(emit_asciidoc(ISA))
    run(asciidoctor, "-o", "h.html", "h.adoc", folder=tmp_path)
    text = (tmp_path / "h.html").read_text(encoding="utf-8")
    assert text.count("<table") == 4
    assert "hstatus" in text


def test_asciidocs_tables_have_whole_rows() -> None:
    tables = emit_asciidoc(ISA).split("|===\n")[1::2]
    assert len(tables) == 4
    for table in tables:
        rows = [line for line in table.splitlines() if line]
        assert len({row.count("|") for row in rows}) == 1
    assert any(
        row.startswith("|0x600 |hstatus |HS |read/write |") for row in tables[0].splitlines()
    )
    assert "|hstatus |VGEIN |17&#58;12 |WLRL |" in tables[1]


def test_latex_reads_the_tables(tmp_path: Path) -> None:
    latex = program("pdflatex", "tectonic")
    (tmp_path / "h.tex").write_text(emit_latex(ISA))
    (tmp_path / "use.tex").write_text(
        "\\documentclass{article}\n\\usepackage{longtable}\n"
        "\\begin{document}\n\\input{h}\n\\end{document}\n"
    )
    options = ["-interaction=nonstopmode", "-halt-on-error"] if "pdflatex" in latex else []
    run(latex, *options, "use.tex", folder=tmp_path)


def test_latexs_tables_have_whole_rows() -> None:
    text = emit_latex(ISA)
    assert text.count(r"\begin{longtable}") == text.count(r"\end{longtable}") == 4
    for table in text.split(r"\endhead")[1:]:
        rows = [line for line in table.splitlines() if line.endswith(r"\\")]
        assert rows
        assert len({row.count(" & ") for row in rows}) == 1
        assert all(row.count("{") == row.count("}") for row in rows)
    assert r"{hstatus} & {VGEIN} & {17:12} & {WLRL} & " in text


def test_opcodes_text_reads_back() -> None:
    files = emit_opcodes(ISA)
    found = Statements()
    for name, text in files.items():
        if name.startswith("extensions/"):
            read_extension(text, name, found)
    read_csv(files["csrs.csv"], "csrs.csv", found.csrs)
    read_csv(files["causes.csv"], "causes.csv", found.causes)
    assert found.instructions == {
        name.replace(".", "_"): (it.encoding.match, it.encoding.mask)
        for name, it in ISA.instructions.items()
        if it.encoding
    }
    assert found.csrs == {
        name: it.address for name, it in ISA.csrs.items() if it.address is not None
    }
    assert sorted(found.causes.values()) == sorted(ISA.causes)


def test_the_bits_of_an_opcodes_line_are_all_taken_once() -> None:
    """riscv-opcodes refuses an instruction of which a bit is fixed twice, or not at all."""
    files = emit_opcodes(ISA)
    places = {}
    for line in files["arg_lut.csv"].splitlines():
        name, high, low = (it.strip(' "') for it in line.split(","))
        places[name] = range(int(low), int(high) + 1)
    for name, text in files.items():
        if not name.startswith("extensions/"):
            continue
        for line in text.splitlines():
            if not line or line.startswith("#"):
                continue
            mnemonic, *parts = line.split()
            bits: list[int] = []
            for part in parts:
                if "=" in part:
                    high, _, low = part.partition("=")[0].partition("..")
                    bits += range(int(low or high), int(high) + 1)
                else:
                    bits += places[part]
            width = 16 if mnemonic.startswith("c.") else 32
            assert sorted(bits) == list(range(width)), line


def test_opcodes_json_reads_back() -> None:
    for name, entry in json.loads(emit_opcodes_json(ISA)).items():
        encoding = ENCODINGS[name]
        fixed = entry["encoding"].replace("-", "0")
        assert int(fixed, 2) == int(entry["match"], 0) == encoding.match
        assert int(entry["encoding"].replace("0", "1").replace("-", "0"), 2) == encoding.mask
        assert entry["extension"] == [f"rv64_{NAMED[name].extension.lower()}"]


DECODERS = {
    width: read_decodetree(emit_decodetree(ISA)[f"insn{width}.decode"]) for width in (16, 32)
}


def _check_decoding(width: int, word: int) -> None:
    """The first pattern whose exclusions hold is the instruction, with the same operands."""
    expected = [it for it in ENCODINGS.values() if it.width == width and it.accepts(word)]
    for name, values in DECODERS[width].candidates(word):
        encoding = ENCODINGS[name]
        raw = encoding.extract(word)
        if any(raw[operand] == value for operand, value in encoding.constraints):
            continue
        # Of c.nop and c.addi and such, the one with more fixed bits is meant.
        assert encoding == max(expected, key=lambda it: it.mask.bit_count())
        assert values == {
            operand: _meant(operand, raw[operand], encoding) for operand in encoding.operands
        }
        return
    assert not expected


def _meant(operand: str, raw: int, encoding: Encoding) -> int:
    known = ISA.operands[operand]
    bits = encoding.operand_bits(operand)
    if known.signed and raw >> (bits - 1):
        raw -= 1 << bits
    return raw + known.base


@pytest.mark.parametrize("width", [16, 32])
def test_qemus_script_reads_the_patterns(width: int, tmp_path: Path) -> None:
    script = program("decodetree.py")
    (tmp_path / "insn.decode").write_text(emit_decodetree(ISA)[f"insn{width}.decode"])
    command = [sys.executable, script, "--insnwidth", str(width), "-o", "out.c", "insn.decode"]
    run(*command, folder=tmp_path)
    assert "trans_" in (tmp_path / "out.c").read_text()


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 0xFFFF).filter(lambda word: word & 3 != 3))
def test_decodetree_finds_16_bit_instructions(word: int) -> None:
    _check_decoding(16, word)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(ENCODINGS)), st.integers(0, 0xFFFFFFFF))
def test_decodetree_finds_each_instruction(name: str, noise: int) -> None:
    encoding = ENCODINGS[name]
    free = noise & ~encoding.mask & ((1 << encoding.width) - 1)
    _check_decoding(encoding.width, encoding.match | free)


def test_udbs_files_read_back() -> None:
    files = emit_udb(ISA)
    csrs = {name: yaml.safe_load(text) for name, text in files.items() if name.startswith("csr/")}
    assert len(csrs) == sum(it.address is not None for it in ISA.csrs.values())
    for data in csrs.values():
        csr = ISA.csrs[data["name"]]
        assert data["address"] == csr.address
        assert data["writable"] == (not csr.read_only)
        assert {name: _span(field["location"]) for name, field in data["fields"].items()} == {
            name: (field.high, field.low) for name, field in csr.fields.items()
        }
    assert csrs["csr/vsatp.yaml"]["virtual_address"] == 0x180
    instructions = [yaml.safe_load(text) for name, text in files.items() if "inst/" in name]
    assert len(instructions) == len(ISA.instructions)
    for data in instructions:
        encoding = ISA.instructions[data["name"]].encoding
        assert encoding is not None
        pattern = data["encoding"]["match"]
        assert len(pattern) == encoding.width
        assert int(pattern.replace("-", "0"), 2) == encoding.match
        for variable in data["encoding"]["variables"]:
            bits = [_span(part) for part in str(variable["location"]).split("|")]
            assert sum(high - low + 1 for high, low in bits) + variable.get("left_shift", 0) == (
                encoding.operand_bits(variable["name"])
            )


def _span(location: str | int) -> tuple[int, int]:
    high, _, low = str(location).partition("-")
    return int(high), int(low or high)
