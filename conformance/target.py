"""Implementations to run programs on: a simulator with a command line, or Drafthart itself."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from drafthart.conformance.here import kept_words
from drafthart.conformance.probes.program import Platform
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.runtime.resolved import resolved


class Target(Protocol):
    """Something that runs programs. `parameters` are the choices that it is known to make."""

    @property
    def name(self) -> str:
        """What reports call it."""

    @property
    def platform(self) -> Platform:
        """Where it has what the programs need."""

    @property
    def parameters(self) -> Mapping[str, int]:
        """Parameter → the value that it is known to choose."""

    @property
    def timeout(self) -> float:
        """Seconds that the longest program may take."""

    @property
    def missing(self) -> str | None:
        """Why it cannot run here, if so."""

    def run(self, program: Path, timeout: float) -> list[int]:
        """The words of the results; fewer than expected if it died or took over `timeout` s."""


@dataclass(frozen=True, slots=True)
class CommandTarget:
    """A simulator with a command line.

    `command` has `{program}` for the ELF file and, where the results are to be read from a file,
    `{signature}` for it; without that they are what the program prints.
    """

    name: str
    command: tuple[str, ...]
    parameters: Mapping[str, int] = field(default_factory=dict)
    platform: Platform = field(default_factory=Platform)
    version: tuple[tuple[str, ...], str] | None = None
    """A command, and what it prints if this is the version that is meant."""
    timeout: float = 60.0

    @property
    def missing(self) -> str | None:
        """Why it cannot run here, if so."""
        program = self.command[0]
        if not shutil.which(program):
            return f"{program} is not installed"
        if self.version is not None:
            command, text = self.version
            told = _told(command)
            if told is None:
                return f"{command[0]} does not run"
            if text not in told:
                return f"{program} is of another version"
        return None

    def run(self, program: Path, timeout: float) -> list[int]:
        """The words of the results; fewer than expected if it died or took over `timeout` s."""
        signature = program.with_suffix(".signature")
        signature.unlink(missing_ok=True)
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


def _told(command: tuple[str, ...]) -> str | None:
    """What a command prints; None if it cannot run or does not end."""
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return told.stdout + told.stderr


def _words(text: str) -> list[int]:
    """The hexadecimal numbers up to the first thing that is none."""
    words = []
    for word in text.split():
        try:
            words.append(int(word, 16))
        except ValueError:
            break
    return words


@dataclass(frozen=True, slots=True)
class DrafthartTarget:
    """Drafthart itself under a revision. `choices` are made but not told: they can be found out."""

    revision: str
    parameters: Mapping[str, int] = field(default_factory=dict)
    name: str = ""
    platform: Platform = field(default_factory=Platform)
    timeout: float = 60.0
    choices: Mapping[str, int] = field(default_factory=dict)

    @property
    def isa(self) -> ISA:
        """What the revision stands for."""
        return resolved(self.revision, parameters={**self.parameters, **self.choices})

    @property
    def missing(self) -> str | None:
        """Nothing: it is here."""
        return None

    def run(self, program: Path, timeout: float) -> list[int]:
        """The words of the results. It counts instructions, not seconds."""
        return kept_words(program.read_bytes(), self.isa)
