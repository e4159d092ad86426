"""A hash of what an ISA says, for caches: equal for equal ISAs, wherever their files lie."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from drafthart.generator.spec.model import ISA, Place


def content_hash(isa: ISA) -> str:
    """Hex SHA-256 over canonical JSON of everything but places."""
    text = json.dumps(_plain(isa), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> Any:
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, range):
        return [value.start, value.stop, "range"]
    if isinstance(value, (tuple, list)):
        return [_plain(entry) for entry in value]
    assert is_dataclass(value)
    return {
        it.name: _plain(entry)
        for it in fields(value)
        if it.name != "content" and not isinstance(entry := getattr(value, it.name), Place)
    }
