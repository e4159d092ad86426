"""Where a campaign's results are kept as they arrive: a file of SQLite.

Each result is a transaction, so a kill at any point loses what was not yet finished and no more.
The process that runs a campaign is the only one that writes, which a lock sees to; others can read
meanwhile.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drafthart.conformance.campaign.job import Lost, Result
from drafthart.conformance.expected import Record
from drafthart.generator.errors import DrafthartError

_APPLICATION = 0x44524654
"""Marks the file as one of ours: "DRFT"."""
_VERSION = 1
_TABLES = """
CREATE TABLE campaign (name TEXT NOT NULL, tool TEXT NOT NULL, specs TEXT NOT NULL, plan TEXT NOT NULL);
CREATE TABLE jobs (number INTEGER PRIMARY KEY, id TEXT NOT NULL, target TEXT NOT NULL,
    revision TEXT NOT NULL, "group" TEXT NOT NULL, first INTEGER NOT NULL, probes INTEGER NOT NULL);
CREATE TABLE results (id TEXT PRIMARY KEY, here BLOB, there BLOB, seconds REAL, why TEXT);
"""  # noqa: E501
_LARGEST = 64 << 20
"""Bytes of the records of a job."""


@dataclass(frozen=True, slots=True)
class Row:
    """A job as it is listed: so many probes of a group from the `first` on."""

    id: str
    target: str
    revision: str
    group: str
    first: int
    probes: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What a store says of its campaign: its name, how it was made, and its plan as data."""

    name: str
    tool: str
    specs: str
    plan: Mapping[str, Any]


class Store:
    """An open store. Use `open_store`."""

    def __init__(self, path: Path, database: sqlite3.Connection) -> None:
        self._path = path
        self._database = database

    def kept(self) -> Kept:
        """The campaign. Raises `DrafthartError` if there is none."""
        with self._told():
            row = self._database.execute("SELECT name, tool, specs, plan FROM campaign").fetchone()
            if row is None:
                raise DrafthartError(f"{self._path}: holds no campaign; start one with it")
            name, tool, specs, plan = row
            return Kept(name, tool, specs, json.loads(plan))

    def begin(self, kept: Kept, rows: Sequence[Row]) -> None:
        """Take up a campaign, new or changed; results that still count stay.

        Raises `DrafthartError` if the store has another one.
        """
        with self._told():
            found = self._database.execute("SELECT name FROM campaign").fetchone()
            if found is not None and found[0] != kept.name:
                raise DrafthartError(
                    f"{self._path}: holds the campaign {found[0]!r}, and this is {kept.name!r}; "
                    "name another --store"
                )
            with self._database:
                self._database.execute("DELETE FROM campaign")
                self._database.execute("DELETE FROM jobs")
                self._database.execute(
                    "INSERT INTO campaign VALUES (?, ?, ?, ?)",
                    (kept.name, kept.tool, kept.specs, json.dumps(kept.plan)),
                )
                self._database.executemany(
                    "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?)",
                    [
                        (number, it.id, it.target, it.revision, it.group, it.first, it.probes)
                        for number, it in enumerate(rows)
                    ],
                )

    def rows(self) -> list[Row]:
        """The jobs of the campaign, in their order."""
        with self._told():
            found = self._database.execute(
                'SELECT id, target, revision, "group", first, probes FROM jobs ORDER BY number'
            )
            return [Row(*row) for row in found]

    def add(self, outcome: Result | Lost) -> None:
        """Keep an outcome, for good."""
        values: tuple[object, ...]
        if isinstance(outcome, Lost):
            values = (outcome.id, None, None, None, outcome.why)
        else:
            here, there = _packed(outcome.here), _packed(outcome.there)
            values = (outcome.id, here, there, outcome.seconds, None)
        with self._told(), self._database:
            self._database.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?)", values)

    def finished(self) -> dict[str, float]:
        """Job id → what it took, for all that have a result."""
        return self._column("seconds")

    def lost(self) -> dict[str, str]:
        """Job id → why, for all that were given up."""
        return self._column("why")

    def result(self, row: Row) -> Result | None:
        """A job's result. Raises `DrafthartError` if it is damaged."""
        with self._told():
            found = self._database.execute(
                "SELECT here, there, seconds FROM results WHERE id = ? AND why IS NULL", (row.id,)
            ).fetchone()
            if found is None:
                return None
            here, there = (_unpacked(body, row.probes) for body in found[:2])
            return Result(row.id, here, there, found[2])

    def _column(self, name: str) -> dict[str, Any]:
        with self._told():
            found = self._database.execute(
                f"SELECT id, {name} FROM results WHERE {name} IS NOT NULL"
            )
            return dict(found.fetchall())

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What goes wrong within, as an error for people."""
        try:
            yield
        except (sqlite3.Error, ValueError, TypeError, zlib.error) as error:
            raise DrafthartError(_damage(self._path, error)) from None


@contextmanager
def open_store(path: Path, *, to_write: bool, new: bool = False) -> Iterator[Store]:
    """A store; made if it is `new` and absent.

    Raises `DrafthartError` for what is no store, or one of another version; to write, also if
    another process does.
    """
    if not new and not path.is_file():
        raise DrafthartError(f"{path}: there is no such store; `drafthart campaign run` makes one")
    with contextlib.ExitStack() as stack:
        if to_write:
            stack.enter_context(_alone(path))
        try:
            database = stack.enter_context(contextlib.closing(sqlite3.connect(path, timeout=10)))
            _prepare(path, database, new=new)
        except sqlite3.Error as error:
            raise DrafthartError(_damage(path, error)) from None
        yield Store(path, database)


def _prepare(path: Path, database: sqlite3.Connection, *, new: bool) -> None:
    application = database.execute("PRAGMA application_id").fetchone()[0]
    version = database.execute("PRAGMA user_version").fetchone()[0]
    tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if new and (application, version, tables) == (0, 0, 0):
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(
            f"BEGIN; {_TABLES} PRAGMA application_id = {_APPLICATION}; "
            f"PRAGMA user_version = {_VERSION}; COMMIT;"
        )
    elif application != _APPLICATION:
        raise DrafthartError(f"{path}: is no campaign's store; name another file")
    elif version != _VERSION:
        raise DrafthartError(
            f"{path}: is a store of version {version}, and this Drafthart has version {_VERSION}; "
            "use the Drafthart that made it, or another --store"
        )
    database.execute("PRAGMA synchronous = FULL")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Be the only process that writes, as long as this one lives."""
    import fcntl

    lock = path.with_name(f"{path.name}.lock")
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever had it may have removed it since it was opened here.
            if os.fstat(file.fileno()).st_nlink == 0:
                raise BlockingIOError
        except BlockingIOError:
            raise DrafthartError(
                f"{path}: another process runs this campaign; wait for it, or end it"
            ) from None
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                lock.unlink()


def _packed(records: Sequence[Record]) -> bytes:
    return zlib.compress(json.dumps(records, separators=(",", ":")).encode(), 1)


def _unpacked(body: bytes, probes: int) -> tuple[Record, ...]:
    unpacker = zlib.decompressobj()
    records = json.loads(unpacker.decompress(body, _LARGEST))
    if len(records) != probes or not all(_is_record(it) for it in records):
        raise ValueError("a result is not whole")
    return tuple(records)


def _is_record(it: object) -> bool:
    if it is None:
        return True
    return isinstance(it, list) and all(type(word) is int and 0 <= word < 1 << 64 for word in it)


def _damage(path: Path, error: Exception) -> str:
    return f"{path}: {error}; name a campaign's store, or remove it and run again"
