"""Drafts of H on the base of their day, and on another one: what the base decides follows it."""

from __future__ import annotations

import pytest
from bench import CODE, DATA, GUEST_PAGE, PAGE, RWX, Bench, GuestBench, U, isa_of

from drafthart.generator.diff.differences import differences
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import Status
from drafthart.runtime.gate import is_stable, require_stable_or_opted_in

# Each revision on the base that it names, then combinations; and what 569d0719 makes of it.
MPRV = [
    ("h@0.1", 1), ("h@0.3", 1), ("h@0.4", 1), ("h@0.5", 0), ("h@0.6.1", 0), ("h@1.0", 0),
    ("h@1.0,priv@1.11", 1), ("h@1.0,priv@1.10", 1), ("h@0.6.1,priv@1.11", 1),
    ("h@0.4,priv@1.12", 0), ("h@0.1,priv@1.11+endianness", 1),
    ("h@1.0,priv@1.11+mprv-cleared-on-return", 0), ("h@1.0,priv@1.12^mprv-cleared-on-return", 1),
]  # fmt: skip


@pytest.mark.rules("trap.mprv-cleared")
@pytest.mark.parametrize(("revision", "left"), MPRV)
@pytest.mark.parametrize(("instruction", "to"), [("mret", "HS"), ("sret", "U")])
def test_mprv_after_a_return(revision: str, left: int, instruction: str, to: str) -> None:
    bench = Bench(revision).writes(mepc=CODE + 8, sepc=CODE + 8)
    bench.write("mstatus.MPRV", 1).write("mstatus.MPP", 1)
    assert bench.run(instruction) is None
    assert bench.mode_name == to
    assert bench.read("mstatus.MPRV") == left


@pytest.mark.parametrize(
    ("revision", "shown"),
    [
        ("h@0.4", False),
        ("h@0.6", False),
        ("h@0.6.1", True),
        ("h@1.0", True),
        ("h@1.0,priv@1.11", False),
        ("h@0.6,priv@1.12", True),
    ],
)
def test_the_address_of_ebreak(revision: str, shown: bool) -> None:
    """51522f98 of October 2020."""
    trap = Bench(revision).mode("VS").run("ebreak")
    assert trap
    assert (trap.cause, trap.tval) == (3, CODE if shown else 0)


@pytest.mark.rules("translation.reserved")
@pytest.mark.parametrize(
    ("revision", "vs_cause", "g_cause"),
    [
        ("h@0.6.2", None, None),
        ("h@1.0.0-rc", 13, 21),
        ("h@1.0", 13, 21),
        ("h@1.0,priv@1.11", None, None),
        ("h@0.6.2,priv@1.12", 13, 21),
    ],
)
def test_reserved_bits_in_both_stages(
    revision: str, vs_cause: int | None, g_cause: int | None
) -> None:
    """31bc179b of November 2021; the G-stage goes by the same algorithm."""
    for vs, g, expected in ((1 << 54, 0, vs_cause), (0, 1 << 54, g_cause)):
        bench = GuestBench(revision).page(RWX | vs, RWX | U | g).start("VS")
        trap = bench.run("ld a0, (a1)", a1=PAGE)
        assert (trap and trap.cause) == expected, (GUEST_PAGE, DATA)


@pytest.mark.parametrize(
    ("revision", "status"),
    [
        ("h@1.0", Status.RATIFIED),
        ("h@1.0,priv@1.12", Status.RATIFIED),
        ("h@1.0,priv@1.12@2022", Status.RATIFIED),
        ("h@1.0,priv@1.11", Status.DRAFT),
        ("h@0.6.1,priv@1.12", Status.DRAFT),
        ("priv@1.10", Status.DRAFT),
        ("priv@1.11", Status.RATIFIED),
        ("priv@1.12", Status.RATIFIED),
        ("priv@1.12@2020-05-21", Status.DRAFT),
    ],
)
def test_status(revision: str, status: Status) -> None:
    assert isa_of(revision).status is status


def test_another_base_needs_an_opt_in_to_all_of_it() -> None:
    assert is_stable(isa_of("h@1.0,priv@1.12"))
    isa = isa_of("h@1.0,priv@1.11")
    for given in ((), ("h@1.0",), ("priv@1.11",)):
        with pytest.raises(DrafthartError, match=r"--allow-unstable h@1\.0,priv@1\.11,"):
            require_stable_or_opted_in(isa, given)
    stability = require_stable_or_opted_in(isa, ("h@1.0,priv@1.11",))
    assert stability["revision"] == "h@1.0,priv@1.11"


def test_a_difference_of_the_base_names_the_change_that_made_it() -> None:
    found = {it.item: it for it in differences(isa_of("h@1.0,priv@1.11"), isa_of("h@1.0"))}
    assert found["csr:mconfigptr"].changes == ("mconfigptr",)
    assert found["csr:mstatus.VS"].changes == ("vector-status",)
    assert not any(item.startswith(("csr:h", "csr:vs", "insn:")) for item in found)


def test_what_cannot_be_on_one_hart_is_refused() -> None:
    """MTL and MPV of 0.1 lie where 1.12 has VS."""
    with pytest.raises(DrafthartError, match=r"mstatus\.VS overlaps MTL"):
        isa_of("h@0.1,priv@1.12")
    assert "VS" not in isa_of("h@0.1").csrs["mstatus"].fields


def test_each_draft_has_the_base_of_its_last_day() -> None:
    for label in ("0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.6.1", "0.6.2", "1.0.0-rc"):
        isa = isa_of(f"h@{label}")
        assert isa.base.endswith(f"@{isa.date}")
    assert isa_of("h@1.0").base == "priv@1.12"
