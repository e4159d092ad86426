"""Debian's OpenSBI and KVM module: what is certain is what objdump's words say, place by place."""

from __future__ import annotations

import lzma
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from drafthart.generator.impact.api import Impact
from drafthart.runtime.cache import cache_folder

Find = Callable[..., Impact]
OBJDUMP = shutil.which("riscv64-linux-gnu-objdump")
OPENSBI = Path("/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_jump.elf")

# Numbers from the CSR listings of the manual: what 1.0 has and 0.4 has not.
NEW = {0x10A, 0x30A, 0x34A, 0x34B, 0x604, 0x607, 0x60A, 0x643, 0x644, 0x645, 0x64A, 0xE12, 0xF15}
# CSRs whose writes do something else since the interrupts of VS-level: mip, vsie, vsip.
WRITES = {0x344, 0x204, 0x244}
# What ended SPRV's effect in 0.4; and by funct7 the fences, which objdump may not know by name.
RETURNS = {0x30200073, 0x10200073}
FENCES = {0b0010001, 0b0110001}
LINE = re.compile(r"^ *([0-9a-f]+):\s+([0-9a-f]{8})\s")


def by_objdump(path: Path) -> set[int]:
    """Offsets of what must be found, from the words that objdump lists as instructions."""
    listed = subprocess.run(
        [str(OBJDUMP), "-d", str(path)], capture_output=True, text=True, check=True, timeout=120
    )
    found = set()
    for line in listed.stdout.splitlines():
        match = LINE.match(line)
        if match is None:
            continue
        word = int(match[2], 16)
        if word & 0x7F != 0x73:
            continue
        csr, form, source = word >> 20, word >> 12 & 7, word >> 15 & 31
        accesses = form not in (0, 4)
        writes = accesses and (form & 3 == 1 or source != 0)
        if (
            (accesses and csr in NEW)
            or (writes and csr in WRITES)
            or form == 4  # HLV and HSV
            or word in RETURNS
            or (word & 0x7FFF == 0x73 and word >> 25 in FENCES)
        ):
            found.add(int(match[1], 16))
    return found


@pytest.fixture(params=["opensbi", "kvm.ko"])
def image(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if OBJDUMP is None:
        pytest.skip("no riscv64-linux-gnu-objdump here (Debian's binutils-riscv64-linux-gnu)")
    if request.param == "opensbi":
        if not OPENSBI.is_file():
            pytest.skip("no OpenSBI here (Debian's opensbi)")
        return OPENSBI
    packed = sorted((cache_folder() / "linux").glob("linux-image-*/kvm.ko.xz"))
    if not packed:
        pytest.skip("no kernel in the cache; `drafthart linux` gets it")
    path = tmp_path / "kvm.ko"
    path.write_bytes(lzma.decompress(packed[-1].read_bytes()))
    return path


def test_what_is_certain_is_what_objdump_lists(find: Find, image: Path) -> None:
    found = find("h@0.4", "h@1.0", image.read_bytes(), name=image.name)
    certain = {it.address for it in found.places if str(it.mark.certainty) == "certain"}
    expected = by_objdump(image)
    assert len(expected) > 20
    assert certain == expected
