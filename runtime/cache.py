"""The user's cache folder: what is made from specs, kept under a hash of all that it depends on."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import platformdirs

import drafthart.generator

_DIGEST = 32


def cache_folder() -> Path:
    """Where it is; DRAFTHART_CACHE overrides the platform's place."""
    override = os.environ.get("DRAFTHART_CACHE")
    return Path(override) if override else Path(platformdirs.user_cache_dir("drafthart"))


def read_entry(kind: str, key: str) -> bytes | None:
    """What was kept under `key`; None if nothing was, or it cannot be read, or is damaged."""
    with suppress(OSError):
        stored = _path(kind, key).read_bytes()
        body = stored[_DIGEST:]
        if hashlib.sha256(body).digest() == stored[:_DIGEST]:
            return body
    return None


def write_entry(kind: str, key: str, body: bytes) -> None:
    """Keep `body` under `key`, whole or not at all.

    The cache only saves time: where it cannot be written, the next run makes the same again.
    """
    path = _path(kind, key)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(hashlib.sha256(body).digest() + body)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


@cache
def generator_hash() -> str:
    """A hash of the generator's own source."""
    digest = hashlib.sha256()
    for folder in drafthart.generator.__path__:
        for path in sorted(Path(folder).rglob("*")):
            if path.suffix in (".py", ".j2", ".yaml"):
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _path(kind: str, key: str) -> Path:
    return cache_folder() / kind / f"{key}.bin"
