"""The hypervisor for every draft: it passes under its own and fails where another parts."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from drafthart.ending import told
from drafthart.generator.assembly import Program, assemble, write_elf
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.overlay import overlays
from drafthart.generator.spec.resolve import resolve
from drafthart.last_line import LastLine
from drafthart.runtime.boot import Images
from drafthart.runtime.engines import EngineFactory, has_compiler, native_engine, python_engine
from drafthart.runtime.gate import stability
from drafthart.runtime.machine import Machine, Outcome

CHECKOUT = Path(__file__).resolve().parents[2]
SOURCE = CHECKOUT / "examples/drafts/hypervisor.S"
DRAFTS = ("0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.6.1", "0.6.2", "1.0.0-rc", "1.0")
PAIRS = [*product(DRAFTS, DRAFTS)]
OVERLAY_OF_0_1 = "custom-csr-numbers"
LIMIT = 50_000
"""Instructions, ten times what a run that passes needs."""


@dataclass(frozen=True)
class Parting:
    """Where an image of one draft fails under another: the last line it prints, and the change."""

    at: str
    change: str


def _table() -> Iterator[tuple[tuple[str, str], Parting | None]]:
    data = yaml.safe_load((Path(__file__).parent / "partings.yaml").read_text(encoding="utf-8"))
    yield from (((draft, draft), None) for draft in DRAFTS)
    for row in data["passes"]:
        yield from (((row["for"], under), None) for under in row["under"])
    for row in data["parts"]:
        parting = Parting(row["at"], row["change"])
        yield from ((pair, parting) for pair in product(row["for"], row["under"]))


ROWS = [*_table()]
TABLE = dict(ROWS)
PARTINGS = sorted({(built_for, it) for (built_for, _), it in ROWS if it}, key=str)


LETTERS = {
    OVERLAY_OF_0_1: "a",
    "csr-numbers": "b",
    "hstatus-fields-move": "c",
    "hypervisor-numbers": "d",
    "guest-page-faults": "e",
    "virtual-machine-load-store": "f",
    "virtual-instruction-exceptions": "g",
    "scounteren-virtual": "h",
    "envcfg-addresses": "i",
    "sv57x4": "j",
}


class Terminal:
    """No input; keeps the output."""

    quit = False
    at_end = True

    def __init__(self) -> None:
        self.output = b""

    def poll(self) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        self.output += data


@dataclass(frozen=True)
class Run:
    """What the guest printed, how the run ended, and what `drafthart run` tells of it."""

    lines: tuple[str, ...]
    outcome: Outcome
    told: tuple[str, ...]


resolved = cache(resolve)


@cache
def draft(label: str) -> ISA:
    (overlay,) = overlays()
    return resolve(f"h@{label}", overlay=overlay if label == "0.1" else None)


@cache
def program(label: str) -> Program:
    """The example assembled for a draft."""
    return assemble(
        SOURCE.read_text(encoding="utf-8"),
        draft(label),
        name=SOURCE.name,
        include=lambda name: (SOURCE.parent / name).read_text(encoding="utf-8"),
    )


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolve the draft of an image once for all pairs."""
    monkeypatch.setattr("drafthart.ending.resolve", resolved)


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The same as a file."""
    folder = tmp_path_factory.mktemp("drafts")

    @cache
    def image(label: str) -> Path:
        path = folder / f"{label}.elf"
        path.write_bytes(write_elf(program(label)))
        return path

    return image


def run(isa: ISA, elf: Path, engine: Callable[[ISA], EngineFactory] = python_engine) -> Run:
    terminal = Terminal()
    shown = LastLine(terminal)
    machine = Machine(isa, engine(isa), memory=16 << 20, terminal=shown, stability=stability(isa))
    images = Images(elf)
    machine.boot(images)
    outcome = machine.run(LIMIT)
    lines = told(machine, outcome, shown.text, images) if outcome.status else ()
    return Run(tuple(terminal.output.decode().splitlines()), outcome, tuple(lines))


def test_the_table_has_every_pair_once() -> None:
    assert sorted(pair for pair, _ in ROWS) == sorted(PAIRS)


@pytest.mark.parametrize("label", DRAFTS)
def test_passes_under_its_own_draft(image: Callable[[str], Path], label: str) -> None:
    found = run(draft(label), image(label))
    assert found.lines[-1] == "PASS", found.lines
    assert (found.outcome.reason, found.outcome.status) == ("exit", 0)
    heard = [line for line in found.lines if line.startswith("guest: ")]
    assert heard == [
        "guest: hello from VS-mode", "guest: the device answers 42", "guest: timer interrupt"
    ]  # fmt: skip


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair[0] != pair[1]], ids="-".join)
def test_fails_where_the_drafts_part_and_run_tells_why(
    image: Callable[[str], Path], pair: tuple[str, str]
) -> None:
    built_for, under = pair
    found = run(draft(under), image(built_for))
    parting = TABLE[pair]
    assert found.outcome.reason == "exit"
    if parting is None:
        assert (found.outcome.status, found.lines[-1], found.told) == (0, "PASS", ())
        return
    assert found.outcome.status == 1
    assert found.lines[-2].startswith("FAIL: ")
    assert found.lines[-1].strip() == parting.at
    assert f"  assembled for {draft(built_for).id}, run under {draft(under).id}" in found.told
    listed = [line.split() for line in found.told if line.startswith(("    20", "    (overlay)"))]
    assert parting.change in [change for _, change, *_ in listed]


@pytest.mark.parametrize("pair", [("0.4", "1.0"), ("0.1", "0.1")], ids="-".join)
def test_the_native_engine_does_the_same(
    image: Callable[[str], Path], pair: tuple[str, str]
) -> None:
    if not has_compiler():
        pytest.skip("no C compiler")
    isa, elf = draft(pair[1]), image(pair[0])
    assert run(isa, elf, native_engine) == run(isa, elf, python_engine)


@cache
def _around(change: str) -> tuple[ISA, ISA]:
    """The states of the series just before and just behind a change."""
    if change == OVERLAY_OF_0_1:
        return resolve("h@0.1"), draft("0.1")
    known = resolve("h@1.0").changes
    revision = next(it.revision for it in known if it.id == change)
    ids = [it.id for it in known if it.revision == revision]
    behind = len(ids) - ids.index(change) - 1
    return resolve(f"{revision}~{behind + 1}"), resolve(f"{revision}~{behind}")


@pytest.mark.parametrize(("built_for", "parting"), PARTINGS, ids=str)
def test_it_is_that_change_which_parts_them(
    image: Callable[[str], Path], built_for: str, parting: Parting
) -> None:
    before, behind = (run(isa, image(built_for)) for isa in _around(parting.change))
    older = any(change.id == parting.change for change in draft(built_for).changes)
    fails, goes_on = (before, behind) if older else (behind, before)
    assert fails.lines[-1].strip() == parting.at
    assert goes_on.lines[-1].strip() != parting.at
    # All that comes before the last two lines, which tell of the failure, came before it here too.
    steps = len(fails.lines) - 2
    assert goes_on.lines[:steps] == fails.lines[:steps]


def test_the_frozen_and_the_ratified_draft_have_the_same_image() -> None:
    assert program("1.0.0-rc").sections == program("1.0").sections


def test_what_the_page_shows_is_the_table() -> None:
    page = (CHECKOUT / "docs/examples.md").read_text(encoding="utf-8").splitlines()
    start = next(n for n, line in enumerate(page) if line.startswith("| for"))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page[start:]]
    header, _, *body = rows[: len(DRAFTS) + 2]
    assert header[1:] == [*DRAFTS]
    for built_for, *cells in body:
        for under, cell in zip(DRAFTS, cells, strict=True):
            parting = TABLE[built_for, under]
            assert cell == (LETTERS[parting.change] if parting else "pass"), (built_for, under)
    text = "\n".join(page)
    for change, letter in LETTERS.items():
        assert f"| {letter} | `{change}` |" in text


@pytest.mark.parametrize(
    ("label", "end"),
    [
        ("1.0", "PASS"),
        ("1.0.0-rc", "PASS"),
        ("0.6.2", "PASS"),
        ("0.6.1", TABLE["0.6.1", "1.0"]),
        ("0.6", TABLE["0.6", "1.0"]),
        ("0.4", TABLE["0.4", "1.0"]),
        ("0.3", TABLE["0.3", "1.0"]),
    ],
)
def test_qemu_as_a_hart_of_1_0(image: Callable[[str], Path], label: str, end: Any) -> None:
    qemu = shutil.which("qemu-system-riscv64")
    if qemu is None:
        pytest.skip("qemu-system-riscv64 is absent")
    command = [qemu, "-M", "virt", "-cpu", "rv64,h=true", "-bios", "none", "-nographic"]
    result = subprocess.run(
        [*command, "-kernel", image(label)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    last = result.stdout.replace("\r", "").splitlines()[-1].strip()
    assert last == (end.at if isinstance(end, Parting) else end)
