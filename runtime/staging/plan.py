"""A change of several files that is made whole or not at all, and can be looked at before."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.texts import read_text


@dataclass(slots=True)
class Plan:
    """New texts of files below a folder; None removes one, and the folder that it leaves empty."""

    root: Path
    texts: dict[Path, str | None] = field(default_factory=dict)

    def write(self, path: Path, text: str | None) -> None:
        """Have a file read so."""
        self.texts[path] = text

    def remove_folder(self, folder: Path) -> None:
        """Remove all files of a folder, and it."""
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                self.texts[path] = None

    def changed(self) -> list[Path]:
        """The files that would not stay as they are, from the folder on."""
        return [it.relative_to(self.root) for it, text in self.texts.items() if text != _now(it)]

    def diff(self) -> Iterator[str]:
        """The lines of a diff that `git apply` and `patch -p1` take."""
        for path, text in self.texts.items():
            before, name = _now(path), path.relative_to(self.root).as_posix()
            if before != text:
                yield from unified_diff(
                    (before or "").splitlines(),
                    (text or "").splitlines(),
                    "/dev/null" if before is None else f"a/{name}",
                    "/dev/null" if text is None else f"b/{name}",
                    lineterm="",
                )

    def apply(self) -> None:
        """Make the change. Where one file cannot be written, all are as they were."""
        before = {path: _now(path) for path in self.texts}
        done: list[Path] = []
        try:
            for path, text in self.texts.items():
                done.append(path)
                _put(path, text)
        except OSError as error:
            for path in done:
                with suppress(OSError):
                    _put(path, before[path])
            reason = error.strerror or str(error)
            raise DrafthartError(
                f"{error.filename or self.root}: cannot be written ({reason}); nothing was "
                "changed; check the folder"
            ) from None


def _now(path: Path) -> str | None:
    return read_text(path, str(path)) if path.is_file() else None


def _put(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink(missing_ok=True)
        with suppress(OSError):  # not empty
            (path.parent / "__pycache__").rmdir()
        with suppress(OSError):
            path.parent.rmdir()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
