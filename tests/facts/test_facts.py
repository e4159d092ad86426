"""The specs against a second reading of the manual, made without looking at them: docs/facts.md."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.resolve import resolve, revisions
from drafthart.generator.spec.show import show

Facts = Mapping[str, Any]
# What differs, by item: what the text has and what we have, None where there is no such item.
Differences = dict[str, tuple[object, object]]

FOLDER = Path(__file__).parent
VERSIONS = [
    version
    for version in (
        "0.1",
        "0.2",
        "0.3",
        "0.4",
        "0.5",
        "0.6",
        "0.6.1",
        "0.6.2",
        "1.0.0-rc",
        "1.0",
        "1.0@2026-08-21",
    )
    if (FOLDER / f"h-{version}.yaml").exists()
]
DESCRIBED = {id_ for it in revisions() for id_ in (it.id, it.amended) if id_}
OUR_NAMES = {"Interrupt": "INTERRUPT", "Exception Code": "CODE"}

# Match and mask in extensions/rv_h and extensions/rv64_h of riscv-opcodes at commit
# c1d9bdfbc92a0ac30e8870106df9f55286e6c80a.
RISCV_OPCODES = {
    "hfence.vvma": (0x22000073, 0xFE007FFF),
    "hfence.gvma": (0x62000073, 0xFE007FFF),
    "hlv.b": (0x60004073, 0xFFF0707F),
    "hlv.bu": (0x60104073, 0xFFF0707F),
    "hlv.h": (0x64004073, 0xFFF0707F),
    "hlv.hu": (0x64104073, 0xFFF0707F),
    "hlvx.hu": (0x64304073, 0xFFF0707F),
    "hlv.w": (0x68004073, 0xFFF0707F),
    "hlvx.wu": (0x68304073, 0xFFF0707F),
    "hsv.b": (0x62004073, 0xFE007FFF),
    "hsv.h": (0x66004073, 0xFE007FFF),
    "hsv.w": (0x6A004073, 0xFE007FFF),
    "hlv.wu": (0x68104073, 0xFFF0707F),
    "hlv.d": (0x6C004073, 0xFFF0707F),
    "hsv.d": (0x6E004073, 0xFE007FFF),
}


def facts_of(version: str) -> Facts:
    facts: Facts = yaml.safe_load((FOLDER / f"h-{version}.yaml").read_text(encoding="utf-8"))
    assert facts["version"] == version
    return facts


def described(version: str, xlen: int = 64) -> ISA:
    if f"h@{version}" not in DESCRIBED:
        pytest.skip("not described yet")
    return resolved(version, xlen)


@cache
def resolved(version: str, xlen: int) -> ISA:
    return resolve(f"h@{version}", xlen=xlen)


def compare(kind: str, text: Mapping[str, object], ours: Mapping[str, object]) -> Differences:
    return {
        f"{kind}:{name}": (text.get(name), ours.get(name))
        for name in sorted({*text, *ours})
        if name not in text or name not in ours or text[name] != ours[name]
    }


def csrs(facts: Facts, isa: ISA) -> Differences:
    text = {
        name: csr["address"]
        for name, csr in facts["csrs"].items()
        if csr.get("xlen", isa.xlen) == isa.xlen
    }
    # CSRs of the base are shown for the fields that H adds to them.
    ours = {
        name: csr["address"] for name, csr in show(isa)["csrs"].items() if isa.csrs[name].origin
    }
    return compare("csr", text, ours)


def access(facts: Facts, isa: ISA) -> Differences:
    """The privilege that the table of CSRs states beside the address."""
    text = {
        name: csr["access"][0]
        for name, csr in facts["csrs"].items()
        if "access" in csr and csr.get("xlen", isa.xlen) == isa.xlen
    }
    ours = {
        name: csr["mode"].removesuffix("S").replace("V", "H")
        for name, csr in show(isa)["csrs"].items()
        if name in text
    }
    return compare("access", text, ours)


def fields(facts: Facts, isa: ISA) -> Differences:
    text: dict[str, object] = {}
    ours: dict[str, object] = {}
    shown = show(isa)["csrs"]
    for name in sorted({*shown, *facts["csrs"], *facts["base_csrs"]} - set(facts["delegable"])):
        csr = facts["csrs"].get(name) or facts["base_csrs"].get(name) or {}
        its_fields = shown[name]["fields"] if name in shown else {}
        drawn = drawn_at(csr, isa.xlen)
        if isinstance(drawn, list):
            # Undivided: our one field has a name of our own.
            text[name] = drawn
            bits = [it["bits"] for it in its_fields.values()]
            ours[name] = bits[0] if len(bits) == 1 else bits
        elif drawn is not None:
            text |= {f"{name}.{OUR_NAMES.get(field, field)}": it for field, it in drawn.items()}
            ours |= {f"{name}.{field}": it["bits"] for field, it in its_fields.items()}
    return compare("csr", text, ours)


def drawn_at(csr: Mapping[str, Any], xlen: int) -> dict[str, list[int]] | list[int] | None:
    """The fields, or the bits of an undivided register; None if the text has no figure."""
    if csr.get("xlen", xlen) != xlen:
        return {}
    keys = ("fields32", "whole32", "fields", "whole") if xlen == 32 else ("fields", "whole")
    drawn: dict[str, list[int]] | list[int] | None = next(
        (csr[key] for key in keys if key in csr), {}
    )
    return drawn


def delegation(facts: Facts, isa: ISA) -> Differences:
    """Field by field, as one bit for each cause."""
    text: dict[str, object] = {}
    ours: dict[str, object] = {}
    shown = show(isa)["csrs"]
    for name, codes in facts["delegable"].items():
        if codes is None:
            continue
        text |= {f"{name}[{code}]": True for code in codes}
        for field, it in shown.get(name, {"fields": {}})["fields"].items():
            high, low = it["bits"]
            named = name.endswith("ideleg") or isa.causes[low].constant == field
            ours[f"{name}[{low}]"] = high == low and named
    return compare("csr", text, ours)


def instructions(facts: Facts, isa: ISA) -> Differences:
    text = {
        name: encoding
        for name, encoding in encodings(facts).items()
        if (facts["instructions"][name] or {}).get("xlen", isa.xlen) == isa.xlen
    }
    ours = {name: (it["match"], it["mask"]) for name, it in show(isa)["instructions"].items()}
    return compare("insn", text, ours)


def encodings(facts: Facts) -> dict[str, tuple[int | None, int | None]]:
    """Match and mask; neither for an instruction that never got a number."""
    unassigned = {"match": None, "mask": None}
    return {
        name: ((it or unassigned)["match"], (it or unassigned)["mask"])
        for name, it in facts["instructions"].items()
    }


def causes(facts: Facts, isa: ISA) -> Differences:
    return codes_of("cause", facts, isa)


def interrupts(facts: Facts, isa: ISA) -> Differences:
    return codes_of("interrupt", facts, isa)


def codes_of(kind: str, facts: Facts, isa: ISA) -> Differences:
    def written(key: str) -> dict[str, object]:
        return {str(code): name for code, name in facts[f"{key}{kind}s"].items()}

    # What H only rewords belongs to the base still.
    added = compare(kind, written(""), show(isa)[f"{kind}s"])
    everything = {**written(""), **written("reworded_"), **written("unchanged_")}
    return added | compare(kind, everything, show(isa, resolved=True)[f"{kind}s"])


COMPARISONS = [csrs, access, fields, delegation, instructions, causes, interrupts]


@pytest.mark.parametrize("xlen", [64, 32])
@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda it: it.__name__)
@pytest.mark.parametrize("version", VERSIONS)
def test_text_and_specs_agree(
    version: str, comparison: Callable[[Facts, ISA], Differences], xlen: int
) -> None:
    facts = facts_of(version)
    beyond_text = {*facts.get("allowed", {}), *facts.get("elsewhere", {})}
    found = comparison(facts, described(version, xlen))
    assert not {
        item: values
        for item, values in found.items()
        if not (values[0] is None and item in beyond_text)
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_every_allowed_difference_exists(version: str) -> None:
    """An exception that nothing needs any more would hide the next difference."""
    facts = facts_of(version)
    found = {
        item
        for xlen in (64, 32)
        for comparison in COMPARISONS
        for item in comparison(facts, described(version, xlen))
    }
    assert set(facts.get("allowed", {})) <= found


def test_facts_1_0_have_the_encodings_of_riscv_opcodes() -> None:
    assert encodings(facts_of("1.0")) == RISCV_OPCODES
    assert encodings(facts_of("1.0@2026-08-21")) == RISCV_OPCODES


def test_every_revision_of_h_has_facts() -> None:
    numbered = {name.removeprefix("h@") for name in DESCRIBED if name.startswith("h@")}
    assert numbered <= set(VERSIONS)
