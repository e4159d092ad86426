"""Another base, and amendments, on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Command = Callable[..., Any]
MIXTURE = "h@1.0,priv@1.11"


def test_show_names_the_base(drafthart: Command) -> None:
    assert drafthart("show", "h@0.6.1").out.splitlines()[1].endswith(", on priv@1.12@2021-07-18")
    lines = drafthart("show", MIXTURE).out.splitlines()
    assert lines[0].startswith(f"{MIXTURE}  Hypervisor extension 1.0, modified")
    assert lines[1].startswith("draft, ")
    assert lines[1].endswith(", on priv@1.11")
    assert drafthart("show", MIXTURE, "--format", "json").json["base"] == "priv@1.11"


def test_a_mixture_is_compared_and_explained(drafthart: Command) -> None:
    found = drafthart("diff", MIXTURE, "h@1.0", "--only", "csr", "--format", "json").json
    assert "csr:mconfigptr" in [it["item"] for it in found["differences"]]
    assert "mconfigptr" in found["changes"]
    assert "h@1.0,priv@1.11" in drafthart("explain", MIXTURE, "mstatus").out.splitlines()[0]


def test_generated_files_name_the_base(drafthart: Command) -> None:
    header = drafthart("generate", "--target", "c-header", MIXTURE).out
    assert '#define DRAFTHART_REVISION "h@1.0,priv@1.11"' in header
    assert '#define DRAFTHART_BASE "priv@1.11"' in header
    assert "UNSTABLE" in header
    assert drafthart("generate", "--target", "json", MIXTURE).json["base"] == "priv@1.11"


def test_a_mixture_runs_for_those_who_name_it(
    drafthart: Command, program: Callable[..., Path]
) -> None:
    elf = str(program(revision="h@1.0"))
    refused = drafthart("run", "--revision", MIXTURE, elf)
    assert refused.status == 2
    assert f"--allow-unstable {MIXTURE}" in refused.err
    assert drafthart("run", "--revision", MIXTURE, "--allow-unstable", MIXTURE, elf).status == 0


def test_amendments_are_seen_with_a_date(drafthart: Command) -> None:
    rows = {line.split()[0]: line.split() for line in drafthart("revisions").out.splitlines()}
    (amended,) = (name for name in rows if name.startswith("h@1.0@"))
    assert rows[amended][1] == "draft"
    assert rows[amended][3].startswith("+")
    found = drafthart("diff", "h@1.0", "h@1.0@2026", "--format", "json").json
    assert f"+{len(found['changes'])}" == rows[amended][3]
