"""What operations may do, calls included."""

from __future__ import annotations

from types import SimpleNamespace

FUNCTIONS = {
    "load": ({"address": "XLEN", "size": "static"}, "8 * size",
             "if address[63]:\n    fail(pc)\nreturn read_physical(address, size)"),
    "store": ({"address": "XLEN", "size": "static", "value": "8 * size"}, None,
              "write_physical(address, size, value)"),
    "fail": ({"value": "64"}, None, "mepc = value\nend_instruction()"),
    "status": ({}, "2", "return mstatus.MPP if V else mode"),
    "wrap": ({}, "2", "return status() + 1"),
    "checked": ({}, None, "csr_check(3, 0)"),
}  # fmt: skip


def test_effects_are_transitive(kit: SimpleNamespace) -> None:
    program = kit.check(kit.build(
        FUNCTIONS,
        {
            "lw": ("rs1 rd", "X[rd] = sext(load(X[rs1], 4), XLEN)"),
            "sw": ("rs1 rs2", "store(X[rs1], 4, X[rs2][31:0])"),
            "get": ("rd", "X[rd] = zext(wrap(), XLEN)"),
            "sys": ("rd", "table[1] = 3\nnext_pc = pmpaddr[mode]\nsatp.MODE = 0\nchecked()"),
            "raw": ("rd", "X[rd] = zext(instruction ^ expanded, XLEN)"),
        },
        entries=("load", "store"),
    ))  # fmt: skip
    load = program.instructions["lw"].effects
    assert load.reads == {"X", "pc", "physical", "memory"}
    assert load.writes == {"X", "physical", "csr:mepc"}
    assert load.functions == {"load__4", "fail"}
    assert load.primitives == {"read_physical", "end_instruction"}
    assert load.may_end
    store = program.instructions["sw"].effects
    assert store.writes == {"physical", "memory"}
    assert not store.may_end
    get = program.instructions["get"].effects
    assert get.reads == {"csr:mstatus", "state:V", "state:mode"}
    assert get.writes == {"X"}
    assert get.functions == {"wrap", "status"}
    assert program.effects["wrap"].pure
    assert not program.effects["fail"].pure
    system = program.instructions["sys"].effects
    assert system.writes >= {"state:table", "next_pc", "csr:satp", "translations"}
    assert system.reads >= {"csr:pmpaddr", "state:mode"}
    assert system.may_end
    raw = program.instructions["raw"].effects
    assert raw.reads == {"instruction", "expanded"}
    assert set(program.functions) == {
        *(f"{name}__{size}" for name in ("load", "store") for size in (1, 2, 4, 8)),
        "fail", "status", "wrap", "checked",
    }  # fmt: skip
