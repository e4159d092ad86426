"""The files of the specs, unread: where they lie, and their texts."""

from __future__ import annotations

import stat
from pathlib import Path

from drafthart.generator.errors import DrafthartError

# The specs' folder lies beside generator/, in the checkout as in the installed package.
SPECS = Path(__file__).resolve().parents[2] / "specs"

MAX_FILE = 1 << 20
MAX_FOLDER = 1 << 21
"""Sizes that no specs need, in bytes and characters: what is larger is something else."""

OVERLAYS = "overlays"
"""The folder of specs in which overlays lie: changes on a revision, but no revisions."""

MARK = "+overlay:"
"""Between a revision and the name of the overlay on it."""


def spec_texts(specs: Path | None = None) -> tuple[tuple[str, str], ...]:
    """Names and texts of the files below a folder, or of Drafthart's own, without overlays."""
    folder = SPECS if specs is None else specs
    if not folder.is_dir():
        raise DrafthartError(f"{folder}: no such folder; name a folder of specs")
    # People see files as they named the folder, and our own without the machine's folders.
    shown = Path("specs") if specs is None else specs
    inside = {it.relative_to(folder): it for it in folder.rglob("*.yaml")}
    names = {(shown / at).as_posix(): it for at, it in inside.items() if at.parts[0] != OVERLAYS}
    texts: list[tuple[str, str]] = []
    left = MAX_FOLDER
    for name in sorted(names):
        if specs is not None:
            require_inside(names[name], folder, name)
        texts.append((name, read_text(names[name], name)))
        left -= len(texts[-1][1])
        if specs is not None and left < 0:
            raise DrafthartError(
                f"{folder}: the specs are larger than {MAX_FOLDER >> 20} MiB; "
                "name a folder of specs alone"
            )
    return tuple(texts)


def require_inside(path: Path, folder: Path, name: str) -> None:
    """A file of specs must lie in its folder: a path or a link out of it reads what is not ours."""
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # a link to itself, or no path at all
        inside = False
    if not inside:
        raise DrafthartError(f"{name}: leads out of {folder}; put the file itself there")


def overlay_file(path: Path) -> Path:
    """Where an overlay lies: `specs/overlays/…` is our own where there is no such file."""
    own = SPECS.parent / path
    is_own = not path.exists() and path.parts[:2] == ("specs", OVERLAYS) and own.is_file()
    return own if is_own else path


def without_overlay(id_: str) -> str:
    """The revision expression in an ISA's id."""
    return id_.partition(MARK)[0]


def read_text(path: Path, name: str) -> str:
    """A file's text; errors call it by `name`."""
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise DrafthartError(f"{name}: is no file to read; name a file")
        if about.st_size > MAX_FILE:
            raise DrafthartError(f"{name}: is larger than {MAX_FILE >> 20} MiB; name another file")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DrafthartError(f"{name}: the file is not UTF-8; save it as UTF-8") from None
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise DrafthartError(f"{name}: {reason}; check the file") from None
