"""Implementations to run programs on: what is common to them, simulators, and Drafthart itself."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from drafthart.conformance.bounded_process import output_of
from drafthart.conformance.here import kept_words
from drafthart.conformance.probes.program import Platform
from drafthart.conformance.signature import printed_words, signature_words
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import ISA
from drafthart.runtime.resolved import resolved

_MOST_BYTES = 64 << 20
"""Of output or of a signature: several times what the largest program leaves."""


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


class Recorded:
    """A target whose results were made before: there are those of the programs as written only."""

    __slots__ = ()


class Single:
    """A target that there is only one of: it runs one program at a time."""

    __slots__ = ()


def silence(target: Target) -> str:
    """Why a probe may have left nothing there."""
    if isinstance(target, Recorded):
        return "there is no whole result of it"
    return "the target died or took too long"


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
            output = output_of(command, timeout, _MOST_BYTES)
        except OSError as error:
            raise DrafthartError(f"{command[0]}: {error.strerror}; install {self.name}") from None
        if not signature.exists():
            return printed_words(output.decode(errors="replace"))
        with signature.open("rb") as file:
            return signature_words(file.read(_MOST_BYTES).decode(errors="replace"))


def _told(command: tuple[str, ...]) -> str | None:
    """What a command prints; None if it cannot run or does not end."""
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return told.stdout + told.stderr


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
        return _isa(self.revision, tuple({**self.parameters, **self.choices}.items()))

    @property
    def missing(self) -> str | None:
        """Nothing: it is here."""
        return None

    def run(self, program: Path, timeout: float) -> list[int]:
        """The words of the results. It counts instructions, not seconds."""
        return kept_words(program.read_bytes(), self.isa)


@lru_cache(maxsize=8)
def _isa(revision: str, parameters: tuple[tuple[str, int], ...]) -> ISA:
    return resolved(revision, parameters=dict(parameters))
