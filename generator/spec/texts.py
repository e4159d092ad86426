"""The files of the specs, unread: where they lie, and their texts."""

from __future__ import annotations

from pathlib import Path

from drafthart.generator.errors import DrafthartError

# The specs' folder lies beside generator/, in the checkout as in the installed package.
SPECS = Path(__file__).resolve().parents[2] / "specs"

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
    return tuple((name, read_text(names[name], name)) for name in sorted(names))


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
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DrafthartError(f"{name}: the file is not UTF-8; save it as UTF-8") from None
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise DrafthartError(f"{name}: {reason}; check the file") from None
