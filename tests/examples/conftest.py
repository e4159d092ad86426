"""The demo hypervisor, run once per revision for all tests here."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from drafthart.commands.tour_firmware import INSTALLED
from drafthart.commands.tour_runs import DemoRun, assemble_demo, run_demo
from drafthart.generator.assembly import write_elf
from drafthart.generator.spec.resolve import resolve


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "demo.elf"
    path.write_bytes(write_elf(assemble_demo(resolve("h@1.0"))))
    return path


@pytest.fixture(scope="session")
def run(demo: Path) -> Callable[[str], DemoRun]:
    """Runs the demo under a revision, behind Debian's OpenSBI."""
    if not INSTALLED.is_file():
        pytest.skip("OpenSBI is absent: Debian's package opensbi has it")

    @cache
    def run(revision: str) -> DemoRun:
        return run_demo(resolve(revision), INSTALLED, demo)

    return run
