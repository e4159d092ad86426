"""Reading back what an artefact was made with: each kind says so in its own way.

Snapshots, JSON and programs have it in their data; texts have a line `unstable: {…}`, macros or
names that say the revision and its status.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from drafthart.generator.emit.exports.header import MANIFEST
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import Status
from drafthart.runtime.files import read_file
from drafthart.runtime.gate import Stability, mixed

_SNAPSHOT = b"\x89DHS"
_ELF = b"\x7fELF"
_LINE = re.compile(r"unstable: (\{[^\n]*?\})(?:\s|$)")
_STATUS = "|".join(Status)
_TEXTS = (
    # A C header, and hart.c.
    re.compile(
        r'^#define (?:DRAFTHART_)?REVISION "(?P<revision>[^"]+)"$.*?'
        r'^#define (?:DRAFTHART_)?STATUS "(?P<status>[^"]+)"$',
        re.MULTILINE | re.DOTALL,
    ),
    # What begins with a remark on how it was made.
    re.compile(rf"[Gg]enerated (?:by Drafthart )?from (?P<revision>\S+) \((?P<status>{_STATUS})\)"),
    # A profile: its root frame, or its first line.
    re.compile(rf"^(?P<revision>[a-z]\S*@\S+) \((?P<status>{_STATUS})\);", re.MULTILINE),
    re.compile(
        rf"^profile: .*  (?P<revision>[a-z]\S*@\S+) \((?P<status>{_STATUS})\)", re.MULTILINE
    ),
)
_OF_FOLDERS = ("hart.c", MANIFEST)
"""Files that speak for the folder that `drafthart generate` made."""


def read_taint(path: Path) -> Stability | None:
    """What a file says that it was made with, mixed if that is several; None if it has no mark.

    A folder of `drafthart generate` counts as its hart.c or drafthart.json. Raises `DrafthartError`
    for a file that cannot be read, or is damaged.
    """
    path = next((path / name for name in _OF_FOLDERS if (path / name).is_file()), path)
    found = list(_found(path))
    return mixed(*found) if found else None


def require_conformance_of(revision: str, *artefacts: Path) -> None:
    """Raise `DrafthartError` unless all the artefacts may count as results for `revision`.

    They may if each says that it was made with just this revision, and it is ratified: a result
    of a draft, of a mixture or of unknown origin says nothing about the ratified spec.
    """
    for path in artefacts:
        found = read_taint(path)
        if found is None:
            raise DrafthartError(
                f"{path}: does not say what it was made with, so it is no result for {revision}; "
                "make it again with Drafthart"
            )
        require_result_of(revision, found, str(path))


def require_result_of(revision: str, found: Stability, what: str) -> None:
    """Raise `DrafthartError` unless what was made with `found` may count as one of `revision`."""
    if found["status"] != Status.RATIFIED.value or found["revision"] != revision:
        raise DrafthartError(
            f"{what}: was made with {found['revision']} (status: {found['status']}), so it is no "
            f"result for {revision}; make it again with {revision}"
        )


def _found(path: Path) -> Iterator[Stability]:
    content = read_file(path)
    if content.startswith(_SNAPSHOT):
        from drafthart.runtime.snapshot import read_snapshot

        yield read_snapshot(path).stability
    elif content.startswith(_ELF):
        yield from _of_program(path)
    else:
        yield from _of_text(content.decode("utf-8", "replace"))


def _of_program(path: Path) -> Iterator[Stability]:
    from elftools.elf.elffile import ELFFile

    # pyelftools raises whatever its parser stumbled over, so any exception means a damaged file.
    try:
        with path.open("rb") as file:
            section: Any = ELFFile(file).get_section_by_name(".note.drafthart")
            notes = [it["n_desc"] for it in section.iter_notes()] if section else []
    except Exception as error:
        raise DrafthartError(f"{path}: damaged ELF file; build or copy it again") from error
    for note in notes:
        text = note if isinstance(note, str) else bytes(note).decode("utf-8", "replace")
        said = re.fullmatch(rf"(\S+) \(({_STATUS})\)", text.rstrip("\0"))
        if said:
            yield _stability(*said.groups())


def _of_text(text: str) -> Iterator[Stability]:
    if text.lstrip()[:1] in ("{", "["):
        try:
            yield from _of_data(json.loads(text))
        except (ValueError, RecursionError):
            pass
        else:
            return
    marks = list(_LINE.finditer(text))
    for mark in marks:
        try:
            yield from _of_data({"stability": json.loads(mark[1])})
        except ValueError:
            continue
    for pattern in _TEXTS if not marks else ():
        if said := pattern.search(text):
            yield _stability(said["revision"], said["status"])
            return


def _of_data(data: Any) -> Iterator[Stability]:
    """What JSON says of itself, and of the inputs that it names."""
    if not isinstance(data, dict):
        return
    said = data.get("stability", data)
    if isinstance(said, dict) and "revision" in said and "status" in said:
        yield _stability(str(said["revision"]), str(said["status"]), said.get("opt_in"))
        return
    for it in data.values():
        if isinstance(it, dict) and "revision" in it and "status" in it:
            yield _stability(str(it["revision"]), str(it["status"]), it.get("opt_in"))


def _stability(revision: str, status: str, opt_in: object = None) -> Stability:
    return {"revision": revision, "status": status, "opt_in": str(opt_in) if opt_in else None}
