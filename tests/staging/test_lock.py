"""What is locked: what breaks it fails, and what adds to it passes. Then how verify tells."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from textwrap import indent
from types import ModuleType

import pytest
from spec_folder import Folder, change

import drafthart
from drafthart.generator.diff.surface import surface
from drafthart.generator.errors import DrafthartError
from drafthart.runtime.staging.area import OWN, Area
from drafthart.runtime.staging.ledger import Ledger, read_ledger
from drafthart.runtime.staging.lock import Lock, read_lock
from drafthart.runtime.staging.moves import Moves
from drafthart.runtime.staging.surface import api_surface
from drafthart.runtime.staging.verify import verify

API = {
    "resolve": ["expression", "*specs=", "*xlen="],
    "assemble": ["text", "isa", "name="],
    "ISA": ["csrs", "id"],
}


@pytest.fixture
def locked(area: Area, moves: Moves, specs: Folder) -> Folder:
    """The specs of a checkout in which h@1 was promoted."""
    specs.edit("h/1.yaml", "status: draft", "status: frozen")
    moves.freeze("h@1", "as it says").apply()
    specs.edit("h/1.yaml", "status: frozen", "status: ratified")
    moves.promote("h@1", API).apply()
    return specs


def broken(area: Area) -> list[str]:
    return [str(it) for it in read_lock(area.lock).breaks(area.specs, API)]


def test_what_was_just_locked_holds(area: Area, locked: Folder) -> None:
    assert broken(area) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("rs1 010 rd", "rs1 011 rd", "encoding-changed: h@1 insn:move: "),
        ("bits: 9,", "bits: 10,", "field-moved: h@1 csr:status.NEW: 9 → 10"),
        ("bits: 9,", 'bits: "10:9",', "field-resized: h@1 csr:status.NEW: 9 → 10:9"),
        ("causes.5", "causes.7", "cause-removed: h@1 cause:5: "),
        ("rules.new.one", "rules.new.two", "rule-removed: h@1 rule:new.one: "),
        ("instructions.move", "instructions.mv", "instruction-removed: h@1 insn:move: "),
    ],
)
def test_what_breaks_fails_with_the_rule(
    area: Area, locked: Folder, old: str, new: str, told: str
) -> None:
    locked.edit("h/1.yaml", old, new)
    (line,) = broken(area)
    assert line.startswith(told)


def test_additions_pass(area: Area, locked: Folder) -> None:
    more = change(
        "more",
        """
        add:
          csrs.status.fields.MORE: {bits: 10, kind: WARL, doc: More}
          causes.6: {name: More, constant: MORE, doc: More}
        """,
    )
    path = locked.root / "h/1.yaml"
    path.write_text(path.read_text() + indent(more, "  "))
    assert "csr:status.MORE" in surface(locked.resolve("h@1"))
    assert broken(area) == []


def test_a_later_revision_may_differ(area: Area, locked: Folder) -> None:
    locked.revision(
        "2", change("moved", "replace: {csrs.status.fields.NEW.bits: 12}"), parent="h@1"
    )
    assert broken(area) == []


def test_a_spec_that_no_longer_resolves(area: Area, locked: Folder) -> None:
    locked.edit("h/1.yaml", "X[rd] = X[rs1]", "X[rd] = ")
    locked.edit("h/1.yaml", "bits: 9,", "bits: nine,")
    assert [it.partition(":")[0] for it in broken(area)] == ["spec-broken"]


@pytest.mark.parametrize(
    ("now", "rules"),
    [
        ({}, []),
        ({"more": ["anything"]}, []),
        ({"resolve": None}, ["api-name-removed"]),
        ({"resolve": ["expression", "*specs=", "*xlen=", "*more="]}, []),
        ({"resolve": ["expression", "*xlen=", "*specs="]}, []),
        ({"resolve": ["expression", "*specs="]}, ["api-parameters-changed"]),
        ({"resolve": ["expression", "*specs=", "*xlen"]}, ["api-parameters-changed"]),
        ({"resolve": ["expression", "*specs=", "*xlen=", "*more"]}, ["api-parameters-changed"]),
        ({"assemble": ["isa", "text", "name="]}, ["api-parameters-changed"]),
        ({"assemble": ["text", "isa", "name=", "base="]}, []),
        ({"assemble": ["text", "isa", "base=", "name="]}, ["api-parameters-changed"]),
        ({"assemble": ["text", "isa", "name"]}, ["api-parameters-changed"]),
        ({"assemble": ["text", "isa", "*name="]}, ["api-parameters-changed"]),
        ({"ISA": ["csrs"]}, ["api-attribute-removed"]),
        ({"ISA": ["csrs", "id", "more"]}, []),
    ],
)
def test_the_python_api_is_locked(
    area: Area, locked: Folder, now: dict[str, list[str] | None], rules: list[str]
) -> None:
    api = {name: it for name, it in {**API, **now}.items() if it is not None}
    found = read_lock(area.lock).breaks(area.specs, api)
    assert [it.rule for it in found] == rules


def test_the_api_of_a_module() -> None:
    module = ModuleType("made")

    class Thing:
        kept = 1
        _hidden = 2

    Thing.__module__ = "drafthart.made"

    def do(first: int, *rest: int, by: int, maybe: int = 1, **more: int) -> None:
        pass

    vars(module).update(do=do, Thing=Thing, NUMBER=1, __all__=["do", "Thing", "NUMBER"])
    assert api_surface(module) == {
        "NUMBER": [],
        "Thing": ["kept"],
        "do": ["first", "...rest", "*by", "*maybe=", "***more"],
    }


def test_what_is_locked_stays_locked_at_the_next_promotion(area: Area, locked: Folder) -> None:
    lock = read_lock(area.lock).having("base@1", area.specs, {"resolve": [], "later": []})
    assert list(lock.surfaces) == ["h@1", "base@1"]
    assert lock.api["resolve"] == API["resolve"]
    assert lock.api["later"] == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1}', '{"version": 1, "api": {}}'])
def test_a_damaged_lock(tmp_path: Path, text: str) -> None:
    (tmp_path / "it.lock").write_text(text)
    with pytest.raises(DrafthartError, match=r"it.lock: is damaged; take it back"):
        read_lock(tmp_path / "it.lock")


def test_a_lock_of_a_newer_version(tmp_path: Path) -> None:
    (tmp_path / "it.lock").write_text('{"version": 2, "api": {}, "revisions": {}}')
    with pytest.raises(DrafthartError, match=r"has version 2, and this Drafthart reads 1"):
        read_lock(tmp_path / "it.lock")


def test_no_lock_locks_nothing(tmp_path: Path) -> None:
    assert read_lock(tmp_path / "it.lock") == Lock()


def test_our_own_lock_holds() -> None:
    lock = read_lock(OWN.lock)
    assert {"h@1.0", "priv@1.12"} <= set(lock.surfaces)
    hstatus = lock.surfaces["h@1.0"][64]
    # Facts: the manual's hypervisor chapter at tag Priv-v1.12.
    assert hstatus["csr:hstatus"] == {"address": "0x600", "mode": "HS"}
    assert hstatus["csr:hstatus.SPV"] == {"bits": "7"}
    assert hstatus["cause:22"]["constant"] == "VIRTUAL_INSTRUCTION"
    assert list(lock.breaks(OWN.specs, api_surface(drafthart))) == []


def test_verify_is_content(area: Area, specs: Folder, locked: Folder) -> None:
    with_base(area)
    assert list(verify(area, API)) == []


def with_base(area: Area) -> None:
    """Promote base@1, which the ledger lacks."""
    moves = Moves(area, "2020-01-03")
    moves.new("base@1", "The ground", "", "me", "here").apply()
    moves.stage("base@1", "ready").apply()
    moves.freeze("base@1", "ready").apply()
    moves.promote("base@1", API).apply()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda area: area.lock.unlink(), "not-locked: h@1 is ratified, and not in specs/"),
        (lambda area: area.ledger.unlink(), "ledger-missing: staging/ledger.yaml"),
        (lambda area: (area.specs / "h/1.yaml").unlink(), "status-changed: h@1 is locked, and its"),
        (
            lambda area: _edit(area.specs / "h/1.yaml", "status: ratified", "status: draft"),
            "status-changed: h@1 is locked, and its spec says draft; it stays ratified",
        ),
        (
            lambda area: (
                area.manifest("h@1").parent.mkdir(parents=True),
                area.manifest("h@1").touch(),
            ),
            "folder-unknown: staging/features/h_1/manifest.yaml",
        ),
        (
            lambda area: area.ledger.write_text(
                replace(
                    read_ledger(area.ledger),
                    features={"base@1": read_ledger(area.ledger).features["base@1"]},
                ).text()
            ),
            "not-in-ledger: h@1 is in specs/",
        ),
    ],
)
def test_verify_tells_what_does_not_agree(
    area: Area, locked: Folder, spoil: Callable[[Area], object], told: str
) -> None:
    with_base(area)
    spoil(area)
    assert [it for it in verify(area, API) if it.startswith(told)]


def _edit(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


def test_verify_of_a_staged_feature(area: Area, specs: Folder) -> None:
    found = list(verify(area, {}))
    assert [it.partition(":")[0] for it in found] == ["not-in-ledger"]  # base@1
    specs.edit("h/1.yaml", "status: draft", "status: ratified")
    area.manifest("h@1").unlink()
    found = list(verify(area, {}))
    assert "not-promoted: h@1 is ratified, and staged in the ledger" in found
    assert "folder-missing: h@1 is staged, and has no staging/features/h_1/manifest.yaml" in found


def test_without_staging_what_is_locked_counts(area: Area, locked: Folder) -> None:
    for path in sorted(area.staging.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    area.staging.rmdir()
    assert list(verify(area, API)) == []
    locked.edit("h/1.yaml", "bits: 9,", "bits: 10,")
    assert len(list(verify(area, API))) == 1


def test_nothing_of_the_last_commit_is_deleted(area: Area, moves: Moves) -> None:
    def git(*arguments: str) -> None:
        who = ("-c", "user.name=it", "-c", "user.email=it@example.org")
        subprocess.run(["git", *who, *arguments], cwd=area.root, check=True, capture_output=True)

    try:
        git("init", "-q")
    except OSError:
        pytest.skip("no git is installed")
    git("add", ".")
    git("commit", "-qm", "all")
    before = read_ledger(area.ledger)
    h1 = before.features["h@1"]
    moves.withdraw("h@1", "dead").apply()
    assert not [it for it in verify(area, {}) if "entry" in it or "history" in it]
    area.ledger.write_text(Ledger().text())
    assert "entry-deleted: h@1 was in the ledger; nothing in it is deleted" in verify(area, {})
    shorter = replace(h1, history=h1.history[:1])
    area.ledger.write_text(before.having(shorter).text())
    assert "history-changed: the history of h@1 in the ledger only grows" in verify(area, {})
