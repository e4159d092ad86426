"""Resolved revisions, kept in the user's cache folder: a warm start reads no YAML.

An entry is named by a hash of all that decides what is in it: the texts of the specs, of their
schemas and of the overlay, what was asked for, and the generator's own source. Only what resolved
without an error is kept, so errors always come from the specs themselves.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path

from drafthart.generator.spec.model import ISA
from drafthart.generator.spec.texts import SPECS, overlay_file, spec_texts
from drafthart.runtime.cache import generator_hash, read_entry, write_entry


def resolved(
    expression: str,
    *,
    specs: Path | None = None,
    xlen: int = 64,
    parameters: Mapping[str, int] | None = None,
    overlay: Path | None = None,
) -> ISA:
    """What `drafthart.resolve` gives. Specs in a folder of the user's are read each time."""
    key = None if specs else _key(expression, xlen, parameters or {}, overlay)
    isa = _kept(key) if key else None
    if isa is None:
        from drafthart.generator.spec.resolve import resolve

        isa = resolve(expression, specs=specs, xlen=xlen, parameters=parameters, overlay=overlay)
        if key:
            write_entry("resolved", key, pickle.dumps(isa, pickle.HIGHEST_PROTOCOL))
    return isa


def _kept(key: str) -> ISA | None:
    # Pickle runs what it is told to. Whoever can write here has their code run anyway: this folder
    # holds the engines' too.
    body = read_entry("resolved", key)
    isa = pickle.loads(body) if body is not None else None
    return isa if isinstance(isa, ISA) else None


def _key(
    expression: str, xlen: int, parameters: Mapping[str, int], overlay: Path | None
) -> str | None:
    """The name of the entry; None where not all is known that decides."""
    own = None
    if overlay is not None:
        try:
            own = (str(overlay), overlay_file(overlay).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            return None
        # It can have further files. An escape could hide the word.
        if "include" in own[1] or "\\" in own[1]:
            return None
    schemas = [(it.name, it.read_text(encoding="utf-8")) for it in sorted(SPECS.glob("schema/*"))]
    parts = (expression, xlen, sorted(parameters.items()), own, schemas, spec_texts())
    told = json.dumps([*parts, generator_hash(), sys.implementation.cache_tag])
    return hashlib.sha256(told.encode()).hexdigest()
