"""Implementations to run programs on: described by a YAML file, or Drafthart itself."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from drafthart.conformance.probes.program import Platform
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.runtime.boot import Images
from drafthart.runtime.engines import python_engine
from drafthart.runtime.machine import Machine

_MEMORY = 32 << 20
_STEPS = 200_000_000


@dataclass(frozen=True, slots=True)
class Target:
    """A simulator with a command line.

    `command` has `{program}` for the ELF file and, where the results are to be read from a file,
    `{signature}` for it; without that they are what the program prints. `parameters` are its
    choices where the spec leaves some, so that Drafthart can make the same ones.
    """

    name: str
    command: tuple[str, ...]
    parameters: dict[str, int] = field(default_factory=dict)
    platform: Platform = field(default_factory=Platform)
    version: tuple[tuple[str, ...], str] | None = None
    """A command, and what it prints if this is the version that is meant."""

    @property
    def missing(self) -> str | None:
        """Why it cannot run here, if so."""
        program = self.command[0]
        if not shutil.which(program):
            return f"{program} is not installed"
        if self.version is not None:
            command, text = self.version
            told = subprocess.run(command, capture_output=True, text=True, check=False)
            if text not in told.stdout + told.stderr:
                return f"{program} is of another version"
        return None

    def run(self, program: Path, timeout: float) -> list[int]:
        """The words of the results; fewer than expected if it died or took over `timeout` s."""
        signature = program.with_suffix(".signature")
        places = {"program": str(program), "signature": str(signature)}
        command = [part.format_map(places) for part in self.command]
        try:
            ended = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False
            )
            output = ended.stdout
        except subprocess.TimeoutExpired as late:
            output = late.stdout or b""
        except OSError as error:
            raise DrafthartError(f"{command[0]}: {error.strerror}; install {self.name}") from None
        if signature.exists():
            output = signature.read_bytes()
        return _words(output.decode(errors="replace"))


def _words(text: str) -> list[int]:
    """The hexadecimal numbers up to the first thing that is none."""
    words = []
    for word in text.split():
        try:
            words.append(int(word, 16))
        except ValueError:
            break
    return words


class _Mute:
    """A terminal that nobody looks at."""

    quit = False
    at_end = True

    def poll(self) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        pass


def run_here(isa: ISA, program: Path) -> list[int]:
    """The words that the program leaves in memory, on Drafthart's own machine."""
    machine = Machine(isa, python_engine(isa), memory=_MEMORY, terminal=_Mute())
    machine.boot(Images(program))
    machine.bus.write(machine.symbols["console"], 8, 0)  # read in memory they come sooner
    outcome = machine.run(_STEPS)
    if outcome.reason != "exit":
        raise DrafthartError(f"{program}: did not end within {_STEPS} instructions")
    start, end = (machine.symbols[f"{which}_signature"] for which in ("begin", "end"))
    return [machine.bus.read(address, 8) for address in range(start, end, 8)]


def load_target(data: dict[str, Any]) -> Target:
    """A target from the part `target` of a YAML file."""
    platform = Platform(**data.get("platform", {}))
    version = data.get("version")
    return Target(
        data["name"],
        tuple(data["command"]),
        data.get("parameters", {}),
        platform,
        version and (tuple(version["command"]), version["contains"]),
    )


def read_yaml(path: Path) -> dict[str, Any]:
    """The content of a YAML file that comes with Drafthart."""
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    return content
