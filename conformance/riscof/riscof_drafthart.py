"""Drafthart as a model of RISCOF, be it the reference or what is tested.

RISCOF imports this file by its name, and uses the class that is named like the plugin. It runs in
RISCOF's Python, where Drafthart need not be installed: the command does all the work.
"""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

from riscof import utils
from riscof.pluginTemplate import pluginTemplate

_LOG = logging.getLogger(__name__)
_ENV = Path(__file__).resolve().with_name("env")
_LIMIT = "50000000"
_SECONDS = 600
"""For one test, whatever its number of instructions."""


class drafthart(pluginTemplate):  # type: ignore[misc]  # noqa: N801
    """Compiles each test, runs it under a revision, and leaves its signature.

    The keys of its section in config.ini: `revision` (needed), `command` (default: drafthart),
    `compiler` (riscv64-unknown-elf-gcc), `allow-unstable` for a draft, `set` for parameters such as
    GEILEN=0, `engine`, `limit` in instructions, `jobs`; and as the model under test `ispec` and
    `pspec`.
    """

    __model__ = "Drafthart"
    __version__ = "1"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        config = kwargs.get("config")
        if not config or not config.get("revision"):
            _stop("config.ini has no revision in the section [drafthart]; write revision=h@1.0")
        folder = kwargs.get("config_dir") or os.curdir
        self.isa_spec = self._spec(folder, config.get("ispec"))
        self.platform_spec = self._spec(folder, config.get("pspec"))
        self._command = shlex.split(config.get("command") or "drafthart")
        self._compiler = config.get("compiler") or "riscv64-unknown-elf-gcc"
        self._jobs = int(config.get("jobs") or 1)
        self._options = [
            *("--revision", config["revision"]),
            *("--max-instructions", config.get("limit") or _LIMIT),
            *_repeated("--allow-unstable", config.get("allow-unstable")),
            *_repeated("--set", config.get("set")),
            *_repeated("--engine", config.get("engine")),
        ]
        self._include: list[str] = []

    @staticmethod
    def _spec(folder: str, path: str | None) -> str:
        return utils.absolute_path(folder, path) if path else ""

    def initialise(self, suite: str, workdir: str, env: str) -> None:
        """Find the tools. `env` has the headers of the suite."""
        self._include = [f"-I{_ENV}", f"-I{env}"]
        for tool in (self._command[0], self._compiler):
            if shutil.which(tool) is None:
                _stop(f"{tool} is not installed, or not in PATH")

    def build(self, isa_yaml: str, platform_yaml: str) -> None:
        """Make sure that the tests are for RV64: there is nothing to build."""
        if 64 not in utils.load_yaml(isa_yaml)["hart0"]["supported_xlen"]:
            _stop("Drafthart runs RV64; the model under test is not of it")

    def runTests(  # noqa: N802
        self, testlist: Mapping[str, Mapping[str, Any]], cgf_file: object = None
    ) -> None:
        """Leave the signature of each test in its folder, empty if it did not run to its end."""
        with ThreadPoolExecutor(self._jobs) as pool:
            list(pool.map(self._run, testlist.values()))

    def _run(self, test: Mapping[str, Any]) -> None:
        folder = Path(test["work_dir"])
        signature = folder / f"{self.name[:-1]}.signature"
        program = folder / "test.elf"
        source = test["test_path"]
        told = _told(self._compile(test, source, program), folder)
        if told is None:
            run = [*self._command, "run", *self._options, "--signature", str(signature)]
            told = _told([*run, str(program)], folder)
        if told is not None or not signature.exists():
            signature.write_text("")
            last = (told or "no signature").strip().splitlines()[-1:]
            _LOG.error("%s: %s", source, *(last or ["failed without a word"]))

    def _compile(self, test: Mapping[str, Any], source: str, program: Path) -> list[str]:
        return [
            self._compiler,
            f"-march={test['isa'].lower()}",
            *("-mabi=lp64", "-mcmodel=medany", "-static", "-nostdlib", "-nostartfiles"),
            *("-T", str(_ENV / "link.ld")),
            *self._include,
            *(f"-D{macro}" for macro in test["macros"]),
            *("-o", str(program), source),
        ]


def _repeated(option: str, values: str | None) -> list[str]:
    """The option once for each of the words."""
    return [part for value in (values or "").split() for part in (option, value)]


def _told(command: Sequence[str], folder: Path) -> str | None:
    """What a command that failed has said; None if it went well. All of it goes to a log."""
    try:
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"took more than {_SECONDS} s"
    output = ended.stdout.decode(errors="replace")
    with (folder / "drafthart.log").open("a", encoding="utf-8") as log:
        log.write(f"$ {shlex.join(command)}\n{output}")
    return None if ended.returncode == 0 else output or f"status {ended.returncode}"


def _stop(message: str) -> NoReturn:
    _LOG.error("drafthart: %s", message)
    raise SystemExit(1)
