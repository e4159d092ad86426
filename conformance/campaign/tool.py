"""What of Drafthart itself decides what a job's result is."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

import drafthart.conformance
import drafthart.runtime
from drafthart.generator.spec.texts import spec_texts
from drafthart.runtime.cache import generator_hash


@cache
def tool_hash() -> str:
    """A hash of the source of all floors that run probes."""
    digest = hashlib.sha256(generator_hash().encode())
    for floor in (drafthart.runtime, drafthart.conformance):
        for folder in floor.__path__:
            for path in sorted(Path(folder).rglob("*")):
                if path.suffix in (".py", ".S", ".h", ".c"):
                    digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def specs_hash() -> str:
    """A hash of the specs."""
    return hashlib.sha256(json.dumps(spec_texts()).encode()).hexdigest()
