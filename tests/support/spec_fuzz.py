"""Loads hostile spec files in processes of small means, and tells what went wrong.

    python tests/support/spec_fuzz.py --cases 100000 --jobs 2 --seconds 300

Each case goes the whole way: text, data, revision, types, engines' texts. It must end within its
time and memory, in a clean error or in a sound model, and touch nothing.
"""

from __future__ import annotations

import argparse
import ast
import faulthandler
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch

from hostile_specs import CANARY, ITEMS, SEED, Files, case, shipped

from drafthart.generator.assembly.assembler import assemble
from drafthart.generator.emit.c_engine import emit_c
from drafthart.generator.emit.python_engine import emit_python
from drafthart.generator.errors import DrafthartError
from drafthart.generator.language import parse
from drafthart.generator.spec import resolve as resolving
from drafthart.generator.spec.check_schema import check_schema
from drafthart.generator.spec.series import Series
from drafthart.generator.spec.texts import SPECS
from drafthart.generator.spec.yaml_file import parse_yaml

CPU_SECONDS = 2
MEMORY = 1 << 30
LONGEST_MESSAGE = 2000
EVERY_SHIPPED = 8
"""Of so many cases one is a file of Drafthart's own specs."""
_EXIT_BROKEN = 3


class Broken(Exception):
    """What must not happen. No product code catches it."""


def check_case(number: int, seed: int) -> str:
    """Try one case; says how it ended: "model", or the stage that refused it."""
    if number % EVERY_SHIPPED == 0:
        return check_file(*shipped(number, seed))
    return check_files(case(number, seed))


def check_files(files: Files) -> str:
    """Load a folder of specs the whole way."""
    stage = "load"
    try:
        series = Series(files)
        name = "h@1" if "h@1" in series.files else next(iter(series.files), "h@1")
        # To write the files to a disk would take longer than all the rest.
        with patch.object(resolving, "open_series", lambda _: series):
            isa = resolving.resolve(name)
        stage = "types"
        _check_python(emit_python(isa))
        stage = "c"
        _check_c(emit_c(isa))
        stage = "assemble"
        assemble("nop\naddi x1, x1, 1\n", isa)
    except DrafthartError as error:
        _check_message(str(error))
        return stage
    return "model"


def check_file(name: str, text: str) -> str:
    """Load a file alone: as data, by its schema, and its operations by their syntax."""
    stage = "load"
    try:
        node = parse_yaml(text, name)
        stage = "schema"
        check_schema(node, "revision" if node.get("revision") else "items")
        stage = "syntax"
        for section in ("instructions", "functions"):
            for item in (node.get(section) or node).entries.values():
                if operation := item.get("operation"):
                    parse.parse_body(parse.Source(operation.text, operation.place))
    except DrafthartError as error:
        _check_message(str(error))
        return stage
    return "model"


def _check_message(text: str) -> None:
    """One line that a terminal can show."""
    if len(text) > LONGEST_MESSAGE:
        raise Broken(f"a message of {len(text)} characters: {text[:200]}")
    if not text.isprintable():
        raise Broken(f"a message that is not printable: {text[:300]!r}")


def _check_python(text: str) -> None:
    """Python's own compiler takes it, and no text of the spec is code."""
    try:
        tree = ast.parse(text)
        compile(text, "engine", "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise Broken(f"the Python engine is no Python: {error}") from None
    for node in ast.walk(tree):
        name = getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "name", "")
        if CANARY in str(name):
            raise Broken(f"a text became code in the Python engine, line {node.lineno}")


_C_TOKEN = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)


def _check_c(text: str) -> None:
    """Outside of comments and strings there is no text of the spec, and nothing that is not C."""
    spliced = text.replace("??/", "\\").replace("\\\n", "")
    code = _C_TOKEN.sub(" ", spliced)
    if CANARY in code:
        raise Broken("a text became code in the native engine")
    if found := re.search(r"[^\x20-\x7e\n\t]|[`@$]|\"", code):
        raise Broken(f"the native engine has the character {found.group()!a}")


# The means of a worker.

_FORBIDDEN = re.compile(
    r"exec$|import$|os\.(?!stat|listdir|scandir|fspath|walk)|socket\.|subprocess\.|shutil\.|ctypes\."
    r"|ftplib|http|urllib|smtplib|webbrowser|pty\.|fcntl\.|mmap|signal\.|syslog|tempfile|glob|sqlite3"
)
_OWN = f"{SPECS / 'schema'}{os.sep}"
"""The schemas are ours, and read when they are needed first."""
_armed = False


def _audit(event: str, arguments: Any) -> None:
    if not _armed:
        return
    if event == "open":
        path, mode, _ = arguments
        if str(path).startswith(_OWN) and mode in ("r", "rb"):
            return
        raise Broken(f"opened {path!a}")
    if _FORBIDDEN.match(event):
        raise Broken(f"{event} {arguments!a}"[:300])


def work(seed: int, start: int, stop: int, step: int) -> NoReturn:
    """Try cases; each writes its number before, and how it ended behind."""
    global _armed
    sys.addaudithook(_audit)
    # What is imported and compiled late is so by these.
    for files in (
        SEED,
        {"h/1.yaml": "revision: h@1\n"},
        SEED | {"base/items.yaml": ITEMS + "x: 1"},
    ):
        check_files(files)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.register(signal.SIGPROF, chain=True)
    write = sys.stdout.write
    for number in range(start, stop, step):
        write(f"{number} ")
        sys.stdout.flush()
        _generated = case(number, seed) if number % EVERY_SHIPPED else shipped(number, seed)
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
        _armed = True
        try:
            ended = (
                check_files(_generated) if isinstance(_generated, dict) else check_file(*_generated)
            )
        except BaseException:
            _armed = False
            signal.setitimer(signal.ITIMER_PROF, 0)
            write("broken\n")
            sys.stdout.flush()
            import traceback

            traceback.print_exc(limit=-12)
            sys.stderr.flush()
            os._exit(_EXIT_BROKEN)
        _armed = False
        used = CPU_SECONDS - signal.setitimer(signal.ITIMER_PROF, 0)[0]
        write(f"{ended} {used:.3f}\n")
    sys.stdout.flush()
    os._exit(0)


@dataclass
class Outcome:
    """What came of some cases."""

    ends: dict[str, int]
    findings: list[str]
    slowest: tuple[float, int] = (0.0, -1)

    @property
    def cases(self) -> int:
        """How many were tried."""
        return sum(self.ends.values()) + len(self.findings)


def run(
    cases: int, *, seed: int = 0, jobs: int = 1, seconds: float = 1e9, most_findings: int = 20
) -> Outcome:
    """Try so many cases in worker processes, or as many as the seconds allow."""
    deadline = time.monotonic() + seconds
    outcome = Outcome({}, [])

    def lane(first: int) -> None:
        at = first
        while at < cases and time.monotonic() < deadline and len(outcome.findings) < most_findings:
            at = _lane(outcome, seed, at, cases, jobs, deadline)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(lane, range(jobs)))
    return outcome


def _lane(outcome: Outcome, seed: int, at: int, cases: int, jobs: int, deadline: float) -> int:
    """One worker, until it ends; the number of the case to go on with."""
    stop = min(cases, at + jobs * 2000)
    arguments = [str(it) for it in (seed, at, stop, jobs)]
    number, whole = at, True
    with subprocess.Popen(
        [sys.executable, "-P", __file__, "--work", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])},
    ) as worker:
        assert worker.stderr
        for line in _lines(worker, deadline):
            parts = line.split()
            number, whole = int(parts[0]), len(parts) == 3
            if whole:
                outcome.ends[parts[1]] = outcome.ends.get(parts[1], 0) + 1
                outcome.slowest = max(outcome.slowest, (float(parts[2]), number))
        errors = worker.stderr.read()
        code = worker.wait()
    if code == -signal.SIGTERM:  # ours, at the deadline
        return cases
    if code and not whole:
        what = "too much time" if code == -signal.SIGPROF else f"status {code}"
        told = f"case {number} of seed {seed}: {what}\n{errors[-3000:]}"
        outcome.findings.append(told)
    elif code:
        raise RuntimeError(f"the worker failed with {code}: {errors[-3000:]}")
    return number + jobs


def _lines(worker: subprocess.Popen[str], deadline: float) -> Iterator[str]:
    assert worker.stdout
    for line in worker.stdout:
        yield line
        if time.monotonic() > deadline:
            worker.terminate()
            return


def main() -> int:
    """The command line."""
    if sys.argv[1:2] == ["--work"]:
        work(*map(int, sys.argv[2:6]))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--case", type=int, help="try just this one, here")
    options = parser.parse_args()
    if options.case is not None:
        print(check_case(options.case, options.seed))
        return 0
    began = time.monotonic()
    outcome = run(options.cases, seed=options.seed, jobs=options.jobs, seconds=options.seconds)
    for finding in outcome.findings:
        print(finding)
    rate = outcome.cases / (time.monotonic() - began)
    ends = ", ".join(f"{name} {count}" for name, count in sorted(outcome.ends.items()))
    slowest = "{:.2f} s in case {}".format(*outcome.slowest)
    print(
        f"{outcome.cases} cases, {rate:.0f}/s, slowest {slowest}, "
        f"{len(outcome.findings)} findings; ended in: {ends}"
    )
    return 1 if outcome.findings else 0


if __name__ == "__main__":
    sys.exit(main())
