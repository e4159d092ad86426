"""Hostile guests on the native engine, with AddressSanitizer and UndefinedBehaviorSanitizer.

python tests/native/hostile.py [--seconds 300] [--revision REV]... [--seed N] [--jobs 2]

Divides the time between the revisions. The exit status is 1 at a finding, a crash or a hang; what
was found is on stderr, with the seed of a guest a little before.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from drafthart.generator.emit.c_engine import emit_c
from drafthart.generator.emit.decode_tree import example
from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.resolve import resolve
from drafthart.runtime.native.build import HEADERS, compiler

REVISIONS = ("h@0.1", "h@0.3", "h@0.6.1", "h@1.0")
FLAGS = [
    "-std=gnu11",
    "-O1",
    "-foptimize-sibling-calls",
    "-g1",
    "-w",
    "-fno-strict-aliasing",
    "-fwrapv",
    "-ffp-contract=off",
    "-fno-omit-frame-pointer",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    # Of what the language leaves undefined, these are defined by the engine's own flags.
    "-fno-sanitize=signed-integer-overflow,alignment",
]
STACK = 1 << 20
"""Bytes of stack: that handlers go on by jumps, not by calls, shows in its not growing."""


def facts(isa: ISA) -> str:
    """What the driver is told of a revision, as a C header."""
    pool = [
        (example(it.encoding), it.encoding.mask)
        for it in isa.instructions.values()
        if it.encoding is not None
    ]
    index = {name: number for number, name in enumerate(isa.csrs)}

    def listed(*names: str) -> str:
        return ", ".join(str(index[name]) for name in names if name in index)

    lines = [
        "static const u32 POOL[][2] = {",
        # A 16-bit instruction has another behind it.
        *(f"    {{{word:#x}, {mask:#x}}}," for word, mask in pool),
        "};",
        f"#define CSR_COUNT {len(index)}",
        f"static const u32 TABLES[] = {{{listed('satp', 'vsatp', 'hgatp', 'bsatp')}}};",
        f"static const u32 VECTORS[] = {{{listed('mtvec', 'stvec', 'vstvec', 'bstvec')}}};",
        "static void open_memory(Hart *h) {",
        f"    dh_csr_write(h, {index['pmpaddr0']}, ~0ull);",
        f"    dh_csr_write(h, {index['pmpcfg0']}, 0x1f);",
        "}",
        "static void set_mode(Hart *h, u64 random) {",
        "    static const u8 MODES[] = {0, 1, 3, 1};",
        "    h->mode = MODES[random & 3];",
        "    h->V = h->mode != 3 && (random & 4);" if "V" in isa.state else "",
        "}",
    ]
    return "\n".join(lines) + "\n"


def build(revision: str, folder: Path) -> Path:
    """Compile the driver with the engine of a revision."""
    folder.mkdir()
    isa = resolve(revision)
    (folder / "hart.c").write_text(emit_c(isa))
    (folder / "hostile.h").write_text(facts(isa))
    program = folder / "hostile"
    source = Path(__file__).with_suffix(".c")
    subprocess.run(
        [
            *compiler(),
            *FLAGS,
            "-I",
            str(folder),
            "-I",
            str(HEADERS),
            str(source),
            "-o",
            str(program),
        ],
        check=True,
    )
    return program


def run(revision: str, seconds: int, seed: int) -> bool:
    """Build and run; was all well?"""
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        program = build(revision, Path(folder) / "build")
        # A shell's ulimit holds for the child alone.
        command = f"ulimit -s {STACK >> 10}; exec {program} {seconds} {seed}"
        done = subprocess.run(
            ["sh", "-c", command],
            capture_output=True,
            text=True,
            errors="replace",
            env={**os.environ, "ASAN_OPTIONS": "detect_leaks=1:use_sigaltstack=1"},
            check=False,
        )
    told = done.stderr.splitlines()
    if done.returncode:
        print(f"{revision}: status {done.returncode}", *told[-60:], sep="\n", file=sys.stderr)
        return False
    print(
        f"{revision}: {done.stdout.strip()} in {seconds} s, seeds from {seed}: no finding",
        flush=True,
    )
    return True


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=300, help="in all, for all revisions")
    parser.add_argument("--revision", action="append", dest="revisions")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    revisions = given.revisions or list(REVISIONS)
    each = max(1, given.seconds * given.jobs // len(revisions))
    with ThreadPoolExecutor(given.jobs) as pool:
        results = pool.map(lambda it: run(it, each, given.seed), revisions)
        return 0 if all(list(results)) else 1


if __name__ == "__main__":
    sys.exit(main())
