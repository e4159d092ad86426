"""Each step in the life of a feature, and when it is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from spec_folder import Folder

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.resolve import resolve
from drafthart.runtime.staging.area import Area
from drafthart.runtime.staging.ledger import Feature, Ledger, Project, State, read_ledger
from drafthart.runtime.staging.lock import read_lock
from drafthart.runtime.staging.moves import Moves
from drafthart.runtime.staging.plan import Plan

API = {"resolve": ["expression", "*specs="]}


def state(area: Area, name: str = "h@1") -> State:
    return read_ledger(area.ledger).features[name].state


def edited(area: Area, change: Callable[[Feature], Feature], *projects: Project) -> None:
    ledger = read_ledger(area.ledger)
    feature = change(ledger.features["h@1"])
    known = {it.name: it for it in projects}
    area.ledger.write_text(replace(ledger.having(feature), projects=known).text())


def later(moves: Moves, day: str) -> Moves:
    return replace(moves, today=day)


def freeze(moves: Moves, specs: Folder, status: str = "ratified") -> None:
    specs.edit("h/1.yaml", "status: draft", "status: frozen")
    moves.freeze("h@1", "as it says").apply()
    if status != "frozen":
        specs.edit("h/1.yaml", "status: frozen", f"status: {status}")


def test_proposing_makes_a_spec_that_resolves(area: Area, moves: Moves, specs: Folder) -> None:
    moves.new("zextra@0.1", 'Extra: "moves" #1', "base@1", "me", "here").apply()
    assert state(area, "zextra@0.1") is State.PROPOSED
    assert not area.is_staged("zextra@0.1")
    isa = specs.resolve("zextra@0.1")
    assert isa.title == 'Extra: "moves" #1'
    assert "zextra.move" in isa.instructions
    assert state(area) is State.STAGED


def test_a_spec_that_is_there_already_is_kept(area: Area, moves: Moves, specs: Folder) -> None:
    specs.revision("2", "- {id: none, commit: abcdef01, date: 2020-01-01, section: A, breaks: [], "
                   "summary: Nothing}", parent="h@1")  # fmt: skip
    before = (specs.root / "h/2.yaml").read_text()
    moves.new("h@2", "The second", "base@1", "me", "here").apply()
    assert (specs.root / "h/2.yaml").read_text() == before
    assert state(area, "h@2") is State.PROPOSED


@pytest.mark.parametrize(
    ("name", "base", "told"),
    [
        ("h@1", "base@1", "is in the ledger already"),
        ("h", "base@1", "write extension@label"),
        ("../x@1", "base@1", "write extension@label"),
        ("x@1/../../y", "base@1", "write extension@label"),
        ("x@{0}", "base@1", "write extension@label"),
        ("zextra@0.1", "base@7", "unknown revision 'base@7'"),
    ],
)
def test_what_cannot_be_proposed(moves: Moves, name: str, base: str, told: str) -> None:
    with pytest.raises(DrafthartError, match=told):
        moves.new(name, "Title", base, "me", "here")


def test_staging_makes_the_folder(area: Area, moves: Moves) -> None:
    moves.new("zextra@0.1", "Extra", "base@1", "me", "here").apply()
    moves.stage("zextra@0.1", "it works").apply()
    assert area.is_staged("zextra@0.1")
    assert "feature: zextra@0.1\n" in area.manifest("zextra@0.1").read_text()


def test_a_broken_spec_is_not_staged(area: Area, moves: Moves, specs: Folder) -> None:
    moves.new("zextra@0.1", "Extra", "base@1", "me", "here").apply()
    specs.edit("zextra/0.1.yaml", "rs1 000 rd", "rs1 rd")
    with pytest.raises(DrafthartError, match=r"0.1.yaml"):
        moves.stage("zextra@0.1", "it works")


def test_freezing_follows_the_spec(area: Area, moves: Moves, specs: Folder) -> None:
    with pytest.raises(DrafthartError, match=r"its spec says `status: draft`; it must say frozen"):
        moves.freeze("h@1", "early")
    freeze(moves, specs, "frozen")
    assert state(area) is State.FROZEN
    assert area.is_staged("h@1")


def test_promotion_locks_what_the_extension_brings(area: Area, moves: Moves, specs: Folder) -> None:
    freeze(moves, specs)
    moves.promote("h@1", API).apply()
    assert state(area) is State.RATIFIED
    assert not area.manifest("h@1").parent.exists()
    lock = read_lock(area.lock)
    assert lock.api == API
    assert lock.surfaces["h@1"][64] == {
        "insn:move": {"encoding": "0000000 00000 rs1 010 rd 0010011", "extension": "Xmove"},
        "csr:status.NEW": {"bits": "9"},
        "cause:5": {"name": "Trouble", "constant": "TROUBLE"},
        "rule:new.one": {},
    }
    assert lock.surfaces["h@1"][32] == lock.surfaces["h@1"][64]


def test_promotion_tells_in_changelog_and_documentation(
    area: Area, moves: Moves, specs: Folder
) -> None:
    log, page = area.root / "CHANGELOG.md", area.root / "docs" / "staging.md"
    page.parent.mkdir()
    log.write_text("# Changes\n\n## [2]\n\n### Added\n\n- One.\n\n## [1]\n\n### Added\n\n- Zero.\n")
    page.write_text("| ratified feature | x |\n|---|---|\n\nEnd.\n")
    freeze(moves, specs)
    moves.promote("h@1", API).apply()
    assert "- One.\n- `h@1` is ratified and promoted: 4 items" in log.read_text()
    assert log.read_text().endswith("- Zero.\n")
    row = "| `h@1` | Something new | 2020-01-02 | 4 |"
    assert page.read_text() == f"| ratified feature | x |\n|---|---|\n{row}\n\nEnd.\n"


def test_only_what_is_frozen_is_promoted(moves: Moves, specs: Folder) -> None:
    specs.edit("h/1.yaml", "status: draft", "status: ratified")
    with pytest.raises(DrafthartError, match=r"h@1 is staged, and only what is frozen"):
        moves.promote("h@1", API)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda it: it, "its spec says ratified \\(it says frozen\\)"),
        (lambda it: replace(it, gaps=("half of it",)), "no gap is known \\(half of it\\)"),
        (
            lambda it: replace(it, exit=(*it.exit[:3], replace(it.exit[3], met=""))),
            "people looked at it \\(open\\)",
        ),
    ],
)
def test_each_exit_condition_counts(
    area: Area, moves: Moves, specs: Folder, change: Callable[[Feature], Feature], told: str
) -> None:
    freeze(moves, specs, "frozen" if "ratified" in told else "ratified")
    edited(area, change)
    before = area.ledger.read_text()
    with pytest.raises(DrafthartError, match=f"cannot be promoted yet, not met: {told}"):
        moves.promote("h@1", API)
    assert area.ledger.read_text() == before
    assert not area.lock.exists()


def test_code_must_move_first(area: Area, moves: Moves, specs: Folder) -> None:
    freeze(moves, specs)
    (area.manifest("h@1").parent / "device.py").touch()
    with pytest.raises(DrafthartError, match=r"has code in staging/ \(device.py\)"):
        moves.promote("h@1", API)


def test_promotion_is_whole_or_not_at_all(
    area: Area, moves: Moves, specs: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze(moves, specs)
    before = files(area)
    real = Path.replace

    def fail(self: Path, target: Path) -> Path:
        if Path(target).name == "ratified.lock":
            raise OSError(28, "No space left on device", str(target))
        return real(self, target)

    plan = moves.promote("h@1", API)
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(DrafthartError, match=r"No space left on device\); nothing was changed"):
        plan.apply()
    assert files(area) == before


def test_a_diff_first(area: Area, moves: Moves, specs: Folder) -> None:
    freeze(moves, specs)
    before = files(area)
    lines = list(moves.promote("h@1", API).diff())
    assert "--- a/staging/features/h_1/manifest.yaml" in lines
    assert "+++ /dev/null" in lines
    assert "+++ b/specs/ratified.lock" in lines
    assert "+      state: ratified" in lines
    assert files(area) == before


def files(area: Area) -> dict[str, str]:
    return {str(it): it.read_text() for it in sorted(area.root.rglob("*")) if it.is_file()}


def test_dropping_takes_a_notice_that_ended(area: Area, moves: Moves) -> None:
    with pytest.raises(DrafthartError, match=r"no notice was given; begin its 30 days"):
        moves.drop("h@1", "unused")
    moves.give_notice("h@1", "unused").apply()
    assert area.is_staged("h@1")
    with pytest.raises(DrafthartError, match=r"notice was given, and ends on 2020-02-01"):
        moves.give_notice("h@1", "again")
    with pytest.raises(DrafthartError, match=r"its notice runs 1 more days, until 2020-02-01"):
        later(moves, "2020-01-31").drop("h@1", "unused")
    later(moves, "2020-02-01").drop("h@1", "unused").apply()
    assert state(area) is State.DROPPED
    assert not area.is_staged("h@1")
    dropped = read_ledger(area.ledger).features["h@1"]
    assert [step.why for step in dropped.history[2:]] == [
        "notice of removal on 2020-02-01: unused",
        "unused",
    ]


@pytest.mark.parametrize("removal", ["drop", "withdraw"])
def test_what_has_users_stays(area: Area, moves: Moves, removal: str) -> None:
    port = Project("port", "2020-01-01", ("h@1~1",))
    edited(area, lambda it: replace(it, leaves="2020-01-31"), port)
    for day, told in (("2020-01-15", "runs until 2020-01-31"), ("2020-03-01", "ended on")):
        with pytest.raises(DrafthartError, match=f"port \\(since 2020-01-01\\); the notice {told}"):
            getattr(later(moves, day), removal)("h@1", "unused")
    assert area.is_staged("h@1")


def test_the_spec_of_what_was_dropped_stays_and_it_can_be_restored(
    area: Area, moves: Moves, specs: Folder
) -> None:
    edited(area, lambda it: replace(it, leaves="2020-01-01"))
    moves.drop("h@1", "unused").apply()
    assert "move" in specs.resolve("h@1").instructions
    moves.restore("h@1", "needed").apply()
    assert state(area) is State.STAGED
    assert area.is_staged("h@1")
    with pytest.raises(DrafthartError, match=r"only what was removed is restored"):
        moves.restore("h@1", "again")


def test_a_spec_that_dies(area: Area, moves: Moves) -> None:
    moves.withdraw("h@1", "its authors gave up").apply()
    assert state(area) is State.WITHDRAWN
    assert not area.is_staged("h@1")


def test_a_renamed_feature_leaves_its_entry(area: Area, moves: Moves, specs: Folder) -> None:
    with pytest.raises(DrafthartError, match=r"unknown revision 'h@2'"):
        moves.rename("h@1", "h@2", "a better name")
    text = (specs.root / "h/1.yaml").read_text()
    (specs.root / "h/1.yaml").unlink()
    specs.write("h/2.yaml", text.replace("revision: h@1", "revision: h@2"))
    moves.rename("h@1", "h@2", "a better name").apply()
    known = read_ledger(area.ledger).features
    assert (known["h@1"].state, known["h@1"].history[-1].to) == (State.RENAMED, "h@2")
    assert known["h@2"].state is State.STAGED
    assert (area.is_staged("h@1"), area.is_staged("h@2")) == (False, True)


def test_projects_are_known_by_what_they_opt_in_to(
    area: Area, moves: Moves, tmp_path: Path
) -> None:
    project = tmp_path / "somewhere"
    project.mkdir()
    (project / "pyproject.toml").write_text('[project]\nname = "port"\n')
    name, plan = moves.register(project, {"h@1~1": "drafthart.toml"})
    plan.apply()
    assert name == "port"
    text = area.ledger.read_text()
    assert str(tmp_path) not in text
    assert [it.name for it in read_ledger(area.ledger).users("h@1")] == ["port"]
    with pytest.raises(DrafthartError, match=r"x@1 is in no entry of the ledger"):
        moves.register(project, {"x@1": "drafthart.toml"})
    moves.register(project, {})[1].apply()
    assert read_ledger(area.ledger).projects == {}


def test_the_lock_is_data_that_tools_read(area: Area, moves: Moves, specs: Folder) -> None:
    freeze(moves, specs)
    moves.promote("h@1", API).apply()
    data = json.loads(area.lock.read_text())
    assert data["revisions"]["h@1"]["64"]["csr:status.NEW"] == {"bits": "9"}
    assert read_lock(area.lock).text() == area.lock.read_text()


def test_a_plan_that_changes_nothing_says_so(tmp_path: Path) -> None:
    (tmp_path / "same").write_text("a\n")
    plan = Plan(tmp_path)
    plan.write(tmp_path / "same", "a\n")
    assert plan.changed() == []
    assert list(plan.diff()) == []


def test_an_empty_ledger_has_a_text_that_can_be_read(area: Area) -> None:
    area.ledger.write_text(Ledger().text())
    assert read_ledger(area.ledger) == Ledger()
    assert resolve("h@1", specs=area.specs).id == "h@1"
