"""`drafthart track`, on a made-up manual whose chapter gets other names."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from spec_folder import Folder, change

Command = Callable[..., Any]
Track = Callable[..., Any]

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")

TEX = r"""\chapter{Hypervisor}
\subsection{Status ({\tt status})}
The LEVEL field of {\tt status} is one.
\subsection{Adding}
ADDI adds, in time
and so does this.
"""
ADOC = """== Hypervisor
=== Status (`status`)
The LEVEL field of `status` is two.
=== Adding
ADDI adds, in time
and so does this.
"""


class Manual:
    """A repository like the manual's, a commit a day from 2020-01-01 on."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.day = 0
        root.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str, day: int = 0, **more: str) -> str:
        date = f"2020-01-{day or self.day or 1:02}T12:00:00+0000"
        people = {
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", "A"), ("EMAIL", "a@b.c"), ("DATE", date))
        }
        environment = os.environ | people | {"GIT_CONFIG_GLOBAL": os.devnull} | more
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self, subject: str, files: dict[str, str | None]) -> str:
        """Write files, of which None removes one, and commit them. Returns the hash."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text, encoding="utf-8")
        self.day += 1
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", subject)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def manual(tmp_path: Path) -> Manual:
    """Seven commits; the specs record the first."""
    manual = Manual(tmp_path / "manual")
    manual.commit("Begin", {"hypervisor.tex": TEX, "other.tex": "x"})
    manual.commit("Move to src", {"hypervisor.tex": None, "src/hypervisor.tex": TEX})
    manual.commit("Two levels (#12)", {"src/hypervisor.tex": TEX.replace("one.", "two.")})
    manual.commit("Elsewhere", {"other.tex": "y"})
    manual.commit("To AsciiDoc", {"src/hypervisor.tex": None, "src/hypervisor.adoc": ADOC})
    broken = ADOC.replace("in time\nand so", "in\ntime and `so`")
    manual.commit("Break lines", {"src/hypervisor.adoc": broken})
    named = broken.replace("this.", "that.")
    manual.commit("Another name", {"src/hypervisor.adoc": None, "src/priv-h.adoc": named})
    return manual


@pytest.fixture
def recorded(folder: Folder, manual: Manual) -> Folder:
    """Specs whose newest commit is the first of the manual."""
    first = manual.git("rev-list", "--max-parents=0", "HEAD")
    folder.revision("1", change("begun").replace("abcdef01", f'"{first[:8]}"'))
    folder.edit("h/1.yaml", "abcdef01", f'"{first[:8]}"')
    return folder


@pytest.fixture
def track(drafthart: Command, manual: Manual, recorded: Folder) -> Track:
    def run(*more: str, clone: Path | None = None) -> Any:
        where = ("--manual", str(clone or manual.root), "--specs", str(recorded.root))
        return drafthart("track", *where, *more)

    return run


def subjects(found: Any) -> list[str]:
    return [commit["subject"] for commit in found["commits"]]


ALL = ["Move to src", "Two levels (#12)", "To AsciiDoc", "Break lines", "Another name"]


def test_the_chapter_is_followed_through_its_names(track: Track) -> None:
    assert subjects(track("--format", "json").json) == ALL


def test_what_is_told_of_a_commit(track: Track, manual: Manual) -> None:
    found = track("--format", "json").json
    assert found["tip"] == manual.git("rev-parse", "HEAD")
    assert found["revision"] == "h@1"
    commit = found["commits"][1]
    assert commit == {
        "hash": manual.git("rev-parse", "HEAD~4"),
        "date": "2020-01-03",
        "subject": "Two levels (#12)",
        "copies": [],
        "editorial": False,
        "removed": 1,
        "added": 1,
        "files": ["src/hypervisor.tex"],
        "sections": ["Status (status)"],
        "items": ["csr:status", "csr:status.LEVEL"],
    }


def test_moves_markup_and_lines_that_break_elsewhere_look_editorial(track: Track) -> None:
    found = track("--format", "json").json
    looks = {commit["subject"]: commit["editorial"] for commit in found["commits"]}
    assert [subject for subject, editorial in looks.items() if editorial] == [
        "Move to src",
        "Break lines",
    ]


def test_the_table_fits_into_80_columns(track: Track, manual: Manual) -> None:
    lines = track().out.splitlines()
    first = manual.git("rev-list", "--max-parents=0", "HEAD")
    tip = manual.git("rev-parse", "HEAD")
    assert lines[:2] == [
        f"5 commits, 2 of them editorial, up to {tip[:8]}",
        f"since {first[:8]} of 2020-01-01",
    ]
    assert "Move to src  (editorial)" in lines[4]
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("kind", ["bare", "worktree", "packed", "detached"])
def test_clones_of_all_kinds(track: Track, manual: Manual, tmp_path: Path, kind: str) -> None:
    clone = tmp_path / "clone"
    if kind == "bare":
        manual.git("clone", "-q", "--bare", ".", str(clone))
    elif kind == "worktree":
        manual.git("worktree", "add", "-q", "-b", "side", str(clone))
    else:
        manual.git("gc", "-q")
        manual.git("pack-refs", "--all")
        if kind == "detached":
            manual.git("checkout", "-q", "--detach")
        clone = manual.root
    assert subjects(track("--format", "json", clone=clone).json) == ALL


def test_a_shallow_clone_has_what_it_has(track: Track, manual: Manual, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    manual.git("clone", "-q", "--depth", "3", f"file://{manual.root}", str(clone))
    found = track("--format", "json", "--since", "2020-01-01", clone=clone).json
    assert subjects(found) == ALL[-3:]


def test_since(track: Track, manual: Manual) -> None:
    by_commit = track("--format", "json", "--since", manual.git("rev-parse", "HEAD~2")).json
    assert subjects(by_commit) == ALL[-2:]
    by_date = track("--format", "json", "--since", "2020-01-06").json
    assert subjects(by_date) == ALL[-2:]
    nothing = track("--since", manual.git("rev-parse", "--short", "HEAD"))
    assert nothing.out.startswith("0 commits, 0 of them editorial")
    assert nothing.status == 0


def test_without_a_recorded_commit_the_date_decides(track: Track, recorded: Folder) -> None:
    path = recorded.root / "h/1.yaml"
    text = path.read_text(encoding="utf-8")
    for line in text.splitlines():
        if "commit:" in line:
            text = text.replace(line.partition('"')[2].rstrip('"'), "abcdef01")
    path.write_text(text.replace("2020-01-01", "2020-01-07"), encoding="utf-8")
    found = track("--format", "json").json
    assert subjects(found) == ["Another name"]
    assert "no commit that the specs record" in found["since"]["shown"]


def test_copies_on_another_line_are_one_commit(track: Track, manual: Manual) -> None:
    original = manual.git("rev-parse", "HEAD")
    manual.git("checkout", "-q", "-b", "side", "HEAD~1")
    manual.git("commit", "-q", "--allow-empty", "-m", "A side")
    # With its author's date, and another committer's: a rebase does the same.
    manual.git("cherry-pick", original, day=20, GIT_COMMITTER_NAME="B")
    copy = manual.git("rev-parse", "HEAD")
    manual.git("checkout", "-q", "main")
    manual.git("merge", "-q", "-s", "ours", "-m", "Merge", "side", day=21)
    found = track("--format", "json").json
    assert subjects(found) == ALL
    assert (found["commits"][-1]["hash"], found["commits"][-1]["copies"]) == (original, [copy])
    data = yaml.safe_load(track("--skeleton", copy).out)
    assert data[0]["commit"] == [original[:8], copy[:8]]


def test_another_chapter(track: Track) -> None:
    found = track("--format", "json", "--chapter", "other.tex").json
    assert subjects(found) == ["Elsewhere"]


def test_figures_belong_to_the_chapter_that_includes_them(track: Track, manual: Manual) -> None:
    text = "include::images/level.edn[]\n"
    manual.commit("Draw", {"src/hypervisor.adoc": text, "src/images/level.edn": "LEVEL"})
    manual.commit("Redraw", {"src/images/level.edn": "NEW", "src/images/other.edn": "x"})
    assert subjects(track("--format", "json").json) == [*ALL, "Draw", "Redraw"]


def test_a_skeleton_is_a_change(
    track: Track, drafthart: Command, manual: Manual, recorded: Folder
) -> None:
    result = track("--skeleton", manual.git("rev-parse", "HEAD~4"))
    assert result.out.splitlines()[0] == "  # Two levels (#12)"
    assert "    #   csrs.status.fields.LEVEL" in result.out.splitlines()
    path = recorded.root / "h/1.yaml"
    path.write_text(path.read_text(encoding="utf-8") + result.out, encoding="utf-8")
    changes = drafthart("show", "h@1", "--specs", str(recorded.root)).out
    assert "2020-01-03  h@1       two-levels" in changes
    assert drafthart("check", str(path)).status == 0
    data = track("--skeleton", manual.git("rev-parse", "HEAD~4"), "--format", "json").json
    assert data == {
        "id": "two-levels-2",
        "commit": [manual.git("rev-parse", "HEAD~4")[:8]],
        "date": "2020-01-03",
        "section": "Status (status)",
        "breaks": [],
        "summary": "To write.",
        "candidates": ["csrs.status", "csrs.status.fields.LEVEL"],
    }


@pytest.mark.parametrize("subject", ["\x1b[31m: [x]", "#", "- 'a': \"b\"", "💥", "12 34"])
def test_any_subject_and_heading_make_a_whole_skeleton(
    track: Track, manual: Manual, subject: str
) -> None:
    text = f"== {subject}: *x*\nnew\n"
    manual.commit(subject, {"src/hypervisor.adoc": text})
    result = track("--skeleton", manual.git("rev-parse", "HEAD"))
    assert result.status == 0, result.err
    assert "\x1b" not in result.out + track().out
    assert len(yaml.safe_load(result.out)) == 1


def test_nothing_of_the_clone_is_run(track: Track, manual: Manual, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch {ran}\n", encoding="utf-8")
    script.chmod(0o755)
    manual.commit("Attributes", {".gitattributes": "* diff=evil filter=evil\n"})
    for key in (
        "core.pager", "core.fsmonitor", "core.sshCommand", "core.editor", "diff.external",
        "diff.evil.command", "diff.evil.textconv", "filter.evil.smudge", "filter.evil.clean",
        "gpg.program", "pager.log", "alias.log",
    ):  # fmt: skip
        manual.git("config", key, str(script))
    manual.git("config", "log.showSignature", "true")
    hook = manual.root / ".git/hooks/post-index-change"
    hook.parent.mkdir(exist_ok=True)
    shutil.copy(script, hook)
    assert subjects(track("--format", "json").json) == ALL
    assert track("--skeleton", manual.git("rev-parse", "HEAD~1")).status == 0
    assert not ran.exists()


def test_settings_of_the_user_do_not_change_what_is_read(
    track: Track, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("[diff]\nnoprefix = true\n[color]\nui = always\n", encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    found = track("--format", "json").json
    assert subjects(found) == ALL
    assert found["commits"][1]["items"] == ["csr:status", "csr:status.LEVEL"]


Fails = Callable[..., str]


@pytest.fixture
def refuses(fails: Fails, manual: Manual, recorded: Folder) -> Fails:
    def run(*more: str, clone: Path | None = None) -> str:
        where = ("--manual", str(clone or manual.root), "--specs", str(recorded.root))
        return fails("track", *where, *more)

    return run


def test_errors_of_options(refuses: Fails, manual: Manual) -> None:
    assert "--since nonsense: no such commit" in refuses("--since", "nonsense")
    assert "--since --all: no such commit" in refuses("--since=--all")
    assert "--since 1234567: no such commit" in refuses("--since", "1234567")
    assert "--skeleton 1234567: no such commit" in refuses("--skeleton", "1234567")
    elsewhere = manual.git("rev-parse", "HEAD~3")
    assert f"{elsewhere[:8]} touches no file" in refuses("--skeleton", elsewhere)
    assert "has never had nothing.adoc or nothing.tex" in refuses("--chapter", "nothing")


def test_what_is_no_clone_of_the_manual(refuses: Fails, manual: Manual, tmp_path: Path) -> None:
    assert "no such folder" in refuses(clone=tmp_path / "nowhere")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "is no git clone" in refuses(clone=empty)
    # A folder within a clone is not the clone.
    assert "is no git clone" in refuses(clone=manual.root / "src")
    manual.git("init", "-q", str(empty))
    assert "no branch is checked out" in refuses(clone=empty)
    other = Manual(tmp_path / "other")
    other.commit("Begin", {"README": "hello"})
    assert "has never had hypervisor.adoc" in refuses(clone=other.root)


def test_damaged_clones(refuses: Fails, manual: Manual, tmp_path: Path) -> None:
    head = manual.root / ".git/HEAD"
    head.write_text("ref: ../../etc/passwd\n", encoding="utf-8")
    assert "no branch is checked out" in refuses()
    head.write_bytes(b"\xff\x00\n")
    assert "no branch is checked out" in refuses()
    head.write_text(f"{'1' * 40}\n", encoding="utf-8")
    assert "its HEAD, 11111111, is missing" in refuses()
    file = tmp_path / "file"
    file.write_text("x", encoding="utf-8")
    assert "no such folder" in refuses(clone=file)


def test_without_git(refuses: Fails, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refuses() == "git is not installed; install it, and see that it is in PATH"


def test_a_partial_clone_is_refused_and_fetches_nothing(
    refuses: Fails, manual: Manual, tmp_path: Path
) -> None:
    clone = tmp_path / "partial"
    manual.git("config", "uploadpack.allowFilter", "true")
    source = f"file://{manual.root}"
    manual.git("clone", "-q", "--bare", "--filter=blob:none", source, str(clone))
    before = sorted(clone.rglob("*"))
    assert "a shallow or partial clone lacks history: clone it whole" in refuses(clone=clone)
    assert sorted(clone.rglob("*")) == before
